/* test_inspect.c -- facts about trv_inspect() and files of each kind. */
#include "support/test.h"

#include <dirent.h>
#include <jansson.h>
#include <string.h>
#include <trivium/trivium.h>

#include "base/file.h"
#include "base/mem.h"

/* Inspect a path, and hand out the JSON. */
static json_t *
inspect(const char *path)
{
    char *text = NULL;
    json_t *root;
    trv_err err = {0};

    if (trv_inspect(&text, path, NULL, &err))
        fail_msg("'%s': %s", path, err.msg);
    root = json_loads(text, 0, NULL);
    assert_non_null(root);
    trv_free(text);
    return root;
}

static const char *
config_word(const json_t *root, const char *field)
{
    return json_string_value(
        json_object_get(json_object_get(root, "config"), field));
}

/* Every golden model, as it lies in a folder: `ext` is how their names end. */
static int
inspect_all(const char *folder, const char *ext)
{
    DIR *d = opendir(test_source(folder));
    struct dirent *e;
    int n = 0;

    assert_non_null(d);
    while ((e = readdir(d))) {
        const size_t len = strlen(e->d_name), end = strlen(ext);
        char *path;
        json_t *root;

        if (e->d_name[0] == '.' || len < end ||
            strcmp(e->d_name + len - end, ext) != 0)
            continue;
        path = path_join(test_source(folder), e->d_name);
        assert_non_null(path);
        if (*ext || file_is_dir(path)) {
            root = inspect(path);
            if (!json_object_get(root, "config")) { // a vocabulary
                assert_non_null(json_object_get(root, "tokenizer"));
            } else {
                assert_non_null(config_word(root, "positions"));
                assert_non_null(config_word(root, "activation"));
                assert_true(json_object_size(json_object_get(root, "stored")));
            }
            json_decref(root);
            n++;
        }
        mem_free(path);
    }
    closedir(d);
    return n;
}

static void
test_inspect_reads_every_golden_model(void **state)
{
    (void)state;
    assert_true(inspect_all("golden/model", ".gguf") >= 9);
    assert_true(inspect_all("golden/models", "") >= 6);
}

static void
test_inspect_names_divided_frequencies(void **state)
{
    json_t *root = inspect(test_source("golden/model/llama.gguf"));

    (void)state;
    assert_string_equal(config_word(root, "positions"), "factors");
    json_decref(root);
}

static void
test_inspect_says_what_a_gguf_lora_is(void **state)
{
    json_t *root = inspect(test_source("golden/peft/gguf/layers.gguf"));

    (void)state;
    assert_string_equal(json_string_value(json_object_get(root, "kind")),
                        "lora");
    assert_string_equal(config_word(root, "architecture"), "llama");
    assert_string_equal(config_word(root, "modules"), "ffn_down, attn_q");
    assert_non_null(config_word(root, "rank"));
    json_decref(root);
}

static void
test_inspect_says_what_a_vocabulary_is(void **state)
{
    json_t *root = inspect(test_source("golden/model/vocabulary.gguf"));

    (void)state;
    assert_string_equal(json_string_value(json_object_get(root, "what")),
                        "vocabulary");
    assert_int_equal(json_integer_value(json_object_get(
                         json_object_get(root, "tokenizer"), "tokens")),
                     259);
    json_decref(root);
}

static void
test_inspect_vocabulary_tokenizes_and_does_nothing_else(void **state)
{
    const char *path = test_source("golden/model/vocabulary.gguf");
    trv_generate_options generate = TRV_GENERATE_OPTIONS_INIT;
    trv_train_options train = TRV_TRAIN_OPTIONS_INIT;
    trv_completion completion;
    trv_adaptation *a = NULL;
    const char *specs[] = {"base"};
    int32_t *ids = NULL;
    int64_t n = 0;
    trv_model *m;
    trv_err err = {0};

    (void)state;
    assert_int_equal(trv_model_open(&m, path, NULL, &err), 0);
    assert_int_equal(trv_tokenize(m, &ids, &n, "ab a", 4, false, &err), 0);
    assert_int_equal(n, 2);
    assert_int_equal(ids[0], 256);
    trv_free(ids);
    assert_int_equal(trv_adaptation_open(&a, m, "base", false, &err),
                     TRV_EUNSUPPORTED);
    assert_non_null(strstr(err.msg, "holds a vocabulary and no weights"));
    assert_int_equal(trv_adaptation_open_mix(&a, m, specs, 1, false, &err),
                     TRV_EUNSUPPORTED);
    assert_int_equal(
        trv_generate(m, &completion, NULL, "a", &generate, NULL, NULL, &err),
        TRV_EUNSUPPORTED);
    assert_int_equal(trv_train(m, NULL, "lora:x", &train, NULL, NULL, &err),
                     TRV_EUNSUPPORTED);
    trv_model_free(m);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_inspect_reads_every_golden_model),
        cmocka_unit_test(test_inspect_names_divided_frequencies),
        cmocka_unit_test(test_inspect_says_what_a_gguf_lora_is),
        cmocka_unit_test(test_inspect_says_what_a_vocabulary_is),
        cmocka_unit_test(
            test_inspect_vocabulary_tokenizes_and_does_nothing_else),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
