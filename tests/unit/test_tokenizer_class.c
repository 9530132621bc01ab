/* test_tokenizer_class.c -- a note is given exactly where transformers, which
 * builds the pipelines of some classes anew, makes other ids of texts than
 * tokenizer.json as it stands: golden/tokenizer/class.json.
 */
#include "support/test.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "support/golden.h"
#include "text/tokenizer/tokenizer.h"

static void
put(const char *dir, const char *name, const json_t *value)
{
    char *text = json_dumps(value, JSON_COMPACT);
    char path[400];
    trv_err err = {0};

    assert_non_null(text);
    snprintf(path, sizeof(path), "%s/%s", dir, name);
    if (file_write_atomic(path, text, strlen(text), &err))
        fail_msg("%s", err.msg);
    free(text);
}

/* The whole tokenizer.json of a case. */
static json_t *
tokenizer_of(const json_t *golden, const json_t *c)
{
    const char *which =
        json_is_true(json_object_get(c, "llama")) ? "spm" : "bytes";

    return json_pack("{s:O,s:O,s:O,s:O,s:n,s:n}", "model",
                     json_object_get(json_object_get(golden, "models"), which),
                     "added_tokens",
                     json_object_get(json_object_get(golden, "added"), which),
                     "normalizer", json_object_get(c, "normalizer"),
                     "pre_tokenizer", json_object_get(c, "pre_tokenizer"),
                     "decoder", "post_processor");
}

static void
check(const json_t *golden, const json_t *c, const char *dir)
{
    const char *name = json_string_value(json_object_get(
        json_object_get(c, "tokenizer_config"), "tokenizer_class"));
    json_t *whole = tokenizer_of(golden, c);
    struct strbuf notes = {0};
    struct tokenizer *t;
    trv_err err = {0};
    bool noted;

    assert_non_null(whole);
    put(dir, "tokenizer.json", whole);
    put(dir, "tokenizer_config.json", json_object_get(c, "tokenizer_config"));
    put(dir, "config.json", json_object_get(c, "config"));
    if (tokenizer_open_hf(&t, &notes, dir, &err))
        fail_msg("%s", err.msg);
    noted =
        notes.s && strstr(notes.s, "by the rules of ") && strstr(notes.s, name);
    if (noted != json_is_true(json_object_get(c, "differs")))
        fail_msg("%s: '%s'", name, notes.s ? notes.s : "");
    tokenizer_free(t);
    sb_release(&notes);
    json_decref(whole);
}

static void
test_tokenizer_class_is_noted_where_transformers_differs(void **state)
{
    json_t *golden = golden_open("tokenizer/class.json");
    const json_t *cases = json_object_get(golden, "cases");
    const char *dir = test_tmpdir("tokenizer_class");
    size_t differ = 0;

    (void)state;
    for (size_t i = 0; i < json_array_size(cases); i++) {
        const json_t *c = json_array_get(cases, i);

        differ += json_is_true(json_object_get(c, "differs"));
        check(golden, c, dir);
    }
    assert_true(differ > 0 && differ < json_array_size(cases));
    json_decref(golden);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(
        test_tokenizer_class_is_noted_where_transformers_differs)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
