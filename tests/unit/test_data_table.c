/* test_data_table.c -- tables and streams as rows of data. */
#include "support/test.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "text/data.h"

static void
must_parse(struct data *d, const char *name, const char *text)
{
    trv_err err = {0};

    if (data_parse(d, name, text, strlen(text), &err))
        fail_msg("%s: %s", text, err.msg);
}

struct refusal {
    const char *name, *text, *says;
};

static void
check_refusal(const struct refusal *of, int code)
{
    struct data d;
    trv_err err = {0};
    const int rc = data_parse(&d, of->name, of->text, strlen(of->text), &err);

    if (rc != code || !strstr(err.msg, of->says))
        fail_msg("%s, '%s' gave %d '%s'", of->name, of->text, rc, err.msg);
}

static const char *
text_of(const struct data *d, int64_t row, const char *column)
{
    return json_string_value(json_object_get(d->rows[row].json, column));
}

static void
test_table_rows_are_those_of_the_same_json(void **state)
{
    static const char csv[] =
        "\xef\xbb\xbf,prompt,completion,label,margin,answer\r\n"
        "0,\"Say \"\"hi\"\", please\",\" two\nlines\",True,,007\r\n"
        "1,x,y,0.0,1.5,\r\n";
    static const char tsv[] = "prompt\tchosen\trejected\nq, r\tyes\tno\n";
    struct data d;

    (void)state;
    must_parse(&d, "f.csv", csv);
    assert_int_equal(d.n, 2);
    assert_string_equal(text_of(&d, 0, "prompt"), "Say \"hi\", please");
    assert_string_equal(text_of(&d, 0, "completion"), " two\nlines");
    assert_string_equal(text_of(&d, 0, "answer"), "007"); // as it is written
    assert_null(json_object_get(d.rows[0].json, "margin"));
    assert_null(json_object_get(d.rows[0].json, "")); // the index of pandas
    assert_int_equal(d.rows[0].label, 1);
    assert_int_equal(d.rows[1].label, 0);
    assert_int_equal(d.rows[1].line, 4);
    assert_close(json_number_value(json_object_get(d.rows[1].json, "margin")),
                 1.5, 0);
    data_release(&d);
    must_parse(&d, "f.tsv", tsv);
    assert_string_equal(json_string_value(d.rows[0].prompt), "q, r");
    assert_string_equal(json_string_value(d.rows[0].rejected), "no");
    data_release(&d);
    must_parse(&d, "f.csv",
               "messages\n\"[{\"\"role\"\": \"\"user\"\", \"\"content\"\": "
               "\"\"a\"\"}]\"\n");
    assert_int_equal(json_array_size(d.rows[0].messages), 1);
    data_release(&d);
}

static void
test_table_that_is_wrong_is_refused_with_its_line(void **state)
{
    static const struct refusal cases[] = {
        {"f.csv", "", "'f.csv' is empty"},
        {"f.csv", "\n\n", "has no rows"},
        {"f.csv", "prompt,completion\n", "has no rows"},
        {"f.csv", "prompt\n\"a", "line 2: the quotes of a field do not end"},
        {"f.csv", "text\n\"a\"b\n", "a quote inside of quotes is doubled"},
        {"f.csv", "prompt,completion\n\na,b,c\n",
         "line 3: the record has 3 fields, the header 2"},
        {"f.csv", "prompt,completion\na\n", "has 1 field, the header 2"},
        {"f.csv", "a,a\n1,2\n", "line 1: two columns are named 'a'"},
        {"f.csv", "a,,b\n1,2,3\n", "line 1: column 2 has no name"},
        {"f.csv", "prompt;completion\na;b\n", "commas in .csv, by tabs"},
        {"f.csv", "prompt\tcompletion\na\tb\n", "commas in .csv, by tabs"},
        {"f.csv", "text\n\xff\n", "line 2: bytes that are no UTF-8"},
        {"f.csv", "id\n7\n", "line 2: no known column"},
        {"f.csv", "prompt,completion,label\na,b,yes\n",
         "line 2: column 'label' is a string, not true, false, 0 or 1"},
        {"f.csv", "messages\nhello\n", "column 'messages' is a string"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        check_refusal(&cases[i], TRV_EFORMAT);
}

static void
test_table_survives_every_failed_allocation(void **state)
{
    static const char csv[] = "prompt,completion,label\n\"a\"\"b\",c,1\n";

    (void)state;
    for (int64_t n = 0;; n++) {
        struct data d;
        trv_err err = {0};
        int rc;

        mem_fail_after(n);
        rc = data_parse(&d, "f.csv", csv, strlen(csv), &err);
        mem_fail_after(-1);
        if (!rc) {
            data_release(&d);
            break;
        }
        assert_int_equal(rc, TRV_ENOMEM);
    }
    assert_int_equal(mem_stats_get().live_bytes, 0);
}

static void
test_formats_that_are_not_read_name_what_converts_them(void **state)
{
    static const struct refusal cases[] = {
        {"a/f.parquet", "PAR1", "Dataset.from_parquet('a/f.parquet').to_json"},
        {"f.arrow", "ARROW1", "Dataset.from_file('f.arrow').to_json"},
        {"f.xlsx", "PK", "neither .jsonl, .json, .csv, .tsv nor .txt"},
        {"-", "PAR1", "is Parquet"},
        {"-", "hello\n", "begins with neither '{'"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        check_refusal(&cases[i], TRV_EUNSUPPORTED);
}

/* What a shell makes of <(command) is such a path. */
static void
test_streams_are_lines_or_an_array_by_their_first_byte(void **state)
{
    static const char *const texts[] = {"\n {\"text\": \"x\"}\n",
                                        " [{\"text\": \"x\"}]"};

    (void)state;
    for (int i = 0; i < 2; i++) {
        char path[40];
        struct data d;
        trv_err err = {0};
        int ends[2];

        must_parse(&d, "-", texts[i]);
        assert_string_equal(d.rows[0].text, "x");
        data_release(&d);
        assert_int_equal(pipe(ends), 0);
        assert_int_equal(write(ends[1], texts[i], strlen(texts[i])),
                         strlen(texts[i]));
        close(ends[1]);
        snprintf(path, sizeof(path), "/dev/fd/%d", ends[0]);
        if (data_open(&d, path, &err))
            fail_msg("%s", err.msg);
        assert_string_equal(d.rows[0].text, "x");
        data_release(&d);
        close(ends[0]);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table_rows_are_those_of_the_same_json),
        cmocka_unit_test(test_table_that_is_wrong_is_refused_with_its_line),
        cmocka_unit_test(test_table_survives_every_failed_allocation),
        cmocka_unit_test(
            test_formats_that_are_not_read_name_what_converts_them),
        cmocka_unit_test(
            test_streams_are_lines_or_an_array_by_their_first_byte),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
