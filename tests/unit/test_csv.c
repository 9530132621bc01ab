/* test_csv.c -- tables are read as Python's csv module reads them. */
#include "support/golden.h"

#include <string.h>

#include "base/mem.h"
#include "text/csv.h"

/* The records of a text as JSON; NULL: it is refused. */
static json_t *
records_of(const char *s, size_t n, char comma)
{
    struct csv c = {.s = s, .n = n, .comma = comma, .record_max = n};
    json_t *all = json_array();
    const char *what;
    int rc;

    while ((rc = csv_next(&c, &what)) == 1) {
        json_t *record = json_array();

        for (int i = 0; i < c.n_fields; i++) {
            size_t len;
            const char *field = csv_field(&c, i, &len);

            json_array_append_new(record, json_stringn(field, len));
        }
        json_array_append_new(all, record);
    }
    if (rc) {
        assert_int_equal(rc, TRV_EFORMAT);
        assert_non_null(what);
        json_decref(all);
        all = NULL;
    }
    csv_release(&c);
    return all;
}

static void
test_csv_reads_what_python_reads(void **state)
{
    json_t *cases = golden_open("csv/csv.json");
    const json_t *c;
    size_t i;

    (void)state;
    json_array_foreach(cases, i, c)
    {
        const json_t *text = json_object_get(c, "text");
        const json_t *want = json_object_get(c, "records");
        json_t *got =
            records_of(json_string_value(text), json_string_length(text),
                       golden_string(c, "comma")[0]);

        if (json_is_null(want) ? got != NULL : !json_equal(got, want))
            fail_msg("case %zu '%s': %s", i, json_string_value(text),
                     got ? json_dumps(got, 0) : "refused");
        json_decref(got);
    }
    assert_true(i > 300);
    json_decref(cases);
}

static void
test_csv_refuses_what_is_too_large(void **state)
{
    char commas[CSV_FIELDS_MAX + 1];
    struct csv many = {.s = commas, .comma = ',', .record_max = 9999};
    struct csv lengthy = {
        .s = "abc,def\n", .n = 8, .comma = ',', .record_max = 6};
    const char *what;

    (void)state;
    memset(commas, ',', sizeof(commas));
    many.n = CSV_FIELDS_MAX - 1; // so many fields
    assert_int_equal(csv_next(&many, &what), 1);
    assert_int_equal(many.n_fields, CSV_FIELDS_MAX);
    csv_release(&many);
    many = (struct csv){
        .s = commas, .n = CSV_FIELDS_MAX, .comma = ',', .record_max = 9999};
    assert_int_equal(csv_next(&many, &what), TRV_EFORMAT);
    assert_non_null(strstr(what, "512"));
    csv_release(&many);
    assert_int_equal(csv_next(&lengthy, &what), TRV_EFORMAT);
    assert_non_null(strstr(what, "too long"));
    csv_release(&lengthy);
}

static void
test_csv_says_where_a_record_begins(void **state)
{
    struct csv c = {
        .s = "a\r\n\"x\ny\"\n\nb", .n = 12, .comma = ',', .record_max = 99};
    static const int64_t lines[] = {1, 2, 5};
    const char *what;

    (void)state;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(csv_next(&c, &what), 1);
        assert_int_equal(c.line, lines[i]);
    }
    assert_int_equal(csv_next(&c, &what), 0);
    csv_release(&c);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_csv_reads_what_python_reads),
        cmocka_unit_test(test_csv_refuses_what_is_too_large),
        cmocka_unit_test(test_csv_says_where_a_record_begins),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
