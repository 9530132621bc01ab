/* test_output.c -- which files of a folder an artefact or a model replaces. */
#include "support/test.h"

#include <string.h>
#include <sys/stat.h>

#include "adapt/output.h"
#include "base/file.h"
#include "base/mem.h"

#define MANIFEST                                                               \
    "{\"trivium\": 1, \"form\": \"params\", \"kind\": \"lora\", \"base\": "    \
    "null, \"chain\": [], \"files\": [{\"name\": \"adapter_config.json\", "    \
    "\"sha256\": \"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"   \
    "aaaaaaaa\", \"bytes\": 1}]}"

static char dir[300];

static void
put(const char *name, const char *text)
{
    char *path = path_join(dir, name);

    assert_int_equal(file_write_atomic(path, text, strlen(text), NULL), 0);
    mem_free(path);
}

/* A folder that holds these files; the last name is NULL. */
static void
begin(const char *name, const char *const *files)
{
    snprintf(dir, sizeof(dir), "%s/z", test_tmpdir(name));
    assert_int_equal(mkdir(dir, 0777), 0);
    for (; *files; files++)
        put(*files, "x");
}

/* The names that a claim is to replace, as " a b c " in any order. */
static void
assert_replaces(enum kind kind, const char *want)
{
    struct outdir d;
    trv_err err = {0};
    const char *name;
    json_t *value;
    int64_t n = 0;

    assert_int_equal(outdir_init(&d, dir, &err), 0);
    if (kind == KIND_BASE ? output_lock_model(&d, true, &err)
                          : output_lock(&d, kind, true, &err))
        fail_msg("%s", err.msg);
    json_object_foreach(d.own, name, value)
    {
        char word[300];

        if (!json_is_string(value)) // it is not there
            continue;
        snprintf(word, sizeof(word), " %s ", name);
        if (!strstr(want, word))
            fail_msg("'%s' would be replaced", name);
        n++;
    }
    for (const char *p = want; *p; p++)
        n -= *p == ' ' && p[1];
    assert_int_equal(n, 0);
    outdir_release(&d);
}

static void
assert_refused(enum kind kind, int code, const char *says)
{
    struct outdir d;
    trv_err err = {0};

    assert_int_equal(outdir_init(&d, dir, &err), 0);
    assert_int_equal(kind == KIND_BASE ? output_lock_model(&d, true, &err)
                                       : output_lock(&d, kind, true, &err),
                     code);
    assert_non_null(strstr(err.msg, says));
    outdir_release(&d);
}

static void
test_output_replaces_what_a_manifest_lists_and_no_more(void **state)
{
    const char *const files[] = {"adapter_config.json", "README.md",
                                 "adapter_model.bin", "config.json", NULL};

    (void)state;
    begin("output_manifest", files);
    put("trivium.json", MANIFEST);
    assert_replaces(KIND_LORA, " trivium.json adapter_config.json ");
    assert_replaces(KIND_JUDGE, " trivium.json adapter_config.json ");
    /* A whole model would write another config.json. */
    assert_refused(KIND_FULL, TRV_EEXIST, "'config.json' is in the way");
    put("trivium.json", "{");
    assert_refused(KIND_LORA, TRV_EFORMAT, "trivium.json");
}

static void
test_output_replaces_pefts_own_files_alone(void **state)
{
    const char *const files[] = {"adapter_config.json", "README.md",
                                 "tokenizer.json", NULL};

    (void)state;
    begin("output_peft", files);
    assert_replaces(KIND_LORA, " adapter_config.json ");
    assert_replaces(KIND_TEXT, " adapter_config.json ");
    put("prompt.txt", "mine");
    assert_replaces(KIND_LORA, " adapter_config.json ");
    assert_refused(KIND_TEXT, TRV_EEXIST, "'prompt.txt' is in the way");
}

static void
test_output_replaces_a_base_model_only_by_a_model(void **state)
{
    const char *const files[] = {"config.json", "README.md", NULL};

    (void)state;
    begin("output_model", files);
    assert_refused(KIND_LORA, TRV_EEXIST, "the folder is no artefact");
    assert_refused(KIND_FULL, TRV_EEXIST, "the folder is no artefact");
    assert_replaces(KIND_BASE, " config.json ");
    put("adapter_config.json", "x"); // an adapter saved into its base
    assert_replaces(KIND_LORA, " adapter_config.json ");
}

static void
test_output_leaves_a_folder_of_other_things(void **state)
{
    const char *const files[] = {"letter.txt", NULL};

    (void)state;
    begin("output_other", files);
    for (int k = KIND_BASE + 1; k < KIND_COUNT; k++)
        assert_refused((enum kind)k, TRV_EEXIST, "the folder is no artefact");
    assert_refused(KIND_BASE, TRV_EEXIST, "the folder is no model");
}

static void
test_output_knows_shards_and_tokenizer_files_as_a_models(void **state)
{
    const char *const files[] = {"model-00001-of-00002.safetensors",
                                 "model.safetensors.index.json", "merges.txt",
                                 "modelling.py", NULL};

    (void)state;
    begin("output_shards", files);
    put("config.json", "x");
    assert_replaces(KIND_BASE, " config.json model-00001-of-00002.safetensors "
                               "model.safetensors.index.json merges.txt ");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            test_output_replaces_what_a_manifest_lists_and_no_more),
        cmocka_unit_test(test_output_replaces_pefts_own_files_alone),
        cmocka_unit_test(test_output_replaces_a_base_model_only_by_a_model),
        cmocka_unit_test(test_output_leaves_a_folder_of_other_things),
        cmocka_unit_test(
            test_output_knows_shards_and_tokenizer_files_as_a_models),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
