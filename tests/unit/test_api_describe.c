/* test_api_describe.c -- facts about what is said of an open adaptation. */
#include "support/test.h"

#include <string.h>

#include <trivium/trivium.h>

#include "base/json.h"

static json_t *
describe(trv_model *m, const char *spec)
{
    trv_adaptation *a;
    json_t *root = NULL;
    char *text = NULL;
    trv_err err = {0};

    if (trv_adaptation_open(&a, m, spec, false, &err) ||
        trv_adaptation_describe(&text, a, &err) ||
        json_parse(&root, "description", text, strlen(text), &err))
        fail_msg("%s: %s", spec, err.msg);
    trv_free(text);
    trv_adaptation_free(a);
    return root;
}

static trv_model *
open_tiny(void)
{
    trv_model *m;
    trv_err err = {0};

    if (trv_model_open(&m, test_source("golden/tiny/one"), NULL, &err))
        fail_msg("%s", err.msg);
    return m;
}

static void
test_describe_gives_the_words_of_a_prompt(void **state)
{
    trv_model *m = open_tiny();
    json_t *said = describe(m, "prompt:Say </it>.");
    const json_t *words = json_object_get(said, "words"), *first;

    (void)state;
    first = json_array_get(words, 0);
    assert_int_equal(json_array_size(words), 1);
    assert_string_equal(json_string_value(json_object_get(first, "content")),
                        "Say </it>.");
    assert_null(json_object_get(first, "role"));
    assert_string_equal(json_string_value(json_object_get(said, "kind")),
                        "text");
    assert_string_equal(json_string_value(json_object_get(said, "spec")),
                        "prompt:Say </it>.");
    assert_true(json_is_null(json_object_get(said, "manifest")));
    json_decref(said);
    trv_model_free(m);
}

static void
test_describe_gives_no_words_of_what_has_none(void **state)
{
    trv_model *m = open_tiny();
    json_t *said = describe(m, "base");

    (void)state;
    assert_true(json_is_null(json_object_get(said, "words")));
    assert_true(json_is_null(json_object_get(said, "path")));
    json_decref(said);
    trv_model_free(m);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_describe_gives_the_words_of_a_prompt),
        cmocka_unit_test(test_describe_gives_no_words_of_what_has_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
