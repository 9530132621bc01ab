/* test_json.c -- facts about parsing JSON and fetching typed fields. */
#include "support/test.h"

#include <string.h>

#include "base/json.h"

static void
test_json_reads_integers_of_any_size_as_python_writes_them(void **state)
{
    const char *text = "{\"model_max_length\": 1000000000000000019884624838656,"
                       " \"ids\": [3, -4, {\"a\": 9007199254740991}],"
                       " \"eps\": 0.5}";
    int64_t a = 0;
    double eps = 0.0, length = 0.0;
    json_t *doc, *ids;
    trv_err err;

    (void)state;
    assert_int_equal(json_parse(&doc, "x", text, strlen(text), &err), 0);
    ids = json_object_get(doc, "ids");
    assert_true(json_is_integer(json_array_get(ids, 0)));
    assert_int_equal(json_integer_value(json_array_get(ids, 1)), -4);
    assert_int_equal(
        json_int(&a, json_array_get(ids, 2), "a", 0, INT64_MAX, "x", &err), 0);
    assert_int_equal(a, 9007199254740991);
    assert_int_equal(json_num(&eps, doc, "eps", 0.0, 1.0, "x", &err), 0);
    assert_close(eps, 0.5, 0.0);
    assert_int_equal(
        json_num(&length, doc, "model_max_length", 0.0, 1e40, "x", &err), 0);
    assert_close(length, 1e30, 0.0);
    assert_int_equal(
        json_int(&a, doc, "model_max_length", 0, INT64_MAX, "x", &err),
        TRV_EFORMAT);
    json_decref(doc);
}

static void
test_json_refuses_duplicate_keys_with_their_line(void **state)
{
    const char *text = "{\"a\": 1,\n \"a\": 2}";
    json_t *doc;
    trv_err err;

    (void)state;
    assert_int_equal(json_parse(&doc, "x.json", text, strlen(text), &err),
                     TRV_EFORMAT);
    assert_non_null(strstr(err.msg, "'x.json'"));
    assert_non_null(strstr(err.msg, "line 2"));
    assert_null(doc);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            test_json_reads_integers_of_any_size_as_python_writes_them),
        cmocka_unit_test(test_json_refuses_duplicate_keys_with_their_line),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
