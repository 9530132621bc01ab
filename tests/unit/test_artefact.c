/* test_artefact.c -- trivium.json says what it was told, the same way each
 * time, and believes nothing. */
#include "support/test.h"

#include <string.h>
#include <unistd.h>

#include "adapt/output.h"
#include "adapt/artefact.h"
#include "base/file.h"
#include "base/mem.h"

#define HEX_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define HEX_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define HEX_C "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"

static const struct model_identity base_id = {HEX_A, HEX_B, HEX_C};

static int
write_one(const char *path, bool replace, trv_err *err)
{
    json_t *options = json_pack("{s:i, s:f}", "rank", 16, "lr", 0.1);
    json_t *cost = json_pack("{s:i}", "steps", 300);
    const struct artefact_step step = {.from = "prompt:@z.txt",
                                       .edge = "prompt->params",
                                       .method = "distill",
                                       .options = options,
                                       .seed = UINT64_MAX,
                                       .data = HEX_B,
                                       .version = "0.1.0",
                                       .cost = cost};
    struct artefact a;
    struct outdir d = {0};
    int rc;

    rc = artefact_init(&a, KIND_LORA, "tiny", &base_id, err);
    if (!rc)
        rc = artefact_add_step(&a, &step, err);
    if (!rc)
        rc = outdir_init(&d, path, err);
    if (!rc)
        rc = output_lock(&d, KIND_LORA, replace, err);
    if (!rc)
        rc = artefact_put(&a, &d, "one.bin", "one", 3, err);
    if (!rc)
        rc = artefact_put(&a, &d, "two.bin", "", 0, err);
    if (!rc)
        rc = artefact_finish(&a, &d, err);
    if (!rc)
        rc = outdir_commit(&d, err);
    outdir_release(&d);
    artefact_release(&a);
    json_decref(options);
    json_decref(cost);
    return rc;
}

static void
slurp(struct strbuf *out, const char *dir, const char *name)
{
    char *path = path_join(dir, name);

    assert_int_equal(file_read(out, path, 1 << 20, NULL), 0);
    mem_free(path);
}

static void
test_artefact_says_what_it_was_told(void **state)
{
    struct artefact a;
    struct strbuf text = {0};
    char dir[256];
    trv_err err;

    (void)state;
    snprintf(dir, sizeof(dir), "%s/z", test_tmpdir("artefact-write"));
    if (write_one(dir, false, &err))
        fail_msg("%s", err.msg);
    assert_true(artefact_is(dir));
    assert_int_equal(artefact_read(&a, dir, NULL), 0);
    assert_int_equal(a.form, FORM_PARAMS);
    assert_int_equal(a.kind, KIND_LORA);
    assert_string_equal(a.base_name, "tiny");
    assert_string_equal(a.base_chat, HEX_C);
    assert_int_equal(json_array_size(a.chain), 1);
    assert_int_equal(artefact_bytes(&a), 3);
    assert_null(a.measured);
    assert_int_equal(artefact_check_files(&a, dir, NULL), 0);
    artefact_release(&a);

    slurp(&text, dir, ARTEFACT_MANIFEST);
    assert_string_equal(
        text.s,
        "{\n  \"trivium\": 1,\n  \"form\": \"params\",\n"
        "  \"kind\": \"lora\",\n  \"base\": {\n    \"name\": \"tiny\",\n"
        "    \"weights\": \"" HEX_A "\",\n    \"tokenizer\": \"" HEX_B "\",\n"
        "    \"chat\": \"" HEX_C "\"\n  },\n  \"chain\": [\n    {\n"
        "      \"from\": \"prompt:@z.txt\",\n"
        "      \"edge\": \"prompt->params\",\n"
        "      \"method\": \"distill\",\n      \"options\": {\n"
        "        \"rank\": 16,\n        \"lr\": 0.1\n      },\n"
        "      \"seed\": \"18446744073709551615\",\n"
        "      \"data\": \"" HEX_B "\",\n      \"version\": \"0.1.0\",\n"
        "      \"cost\": {\n        \"steps\": 300\n      }\n    }\n  ],\n"
        "  \"files\": [\n    {\n      \"name\": \"one.bin\",\n"
        "      \"sha256\": \"7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143"
        "c0add73ff431ed\",\n      \"bytes\": 3\n    },\n    {\n"
        "      \"name\": \"two.bin\",\n"
        "      \"sha256\": \"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca4"
        "95991b7852b855\",\n      \"bytes\": 0\n    }\n  ]\n}");
    sb_release(&text);
}

static void
test_artefact_stands_until_it_is_replaced(void **state)
{
    char dir[256];
    trv_err err;

    (void)state;
    snprintf(dir, sizeof(dir), "%s/z", test_tmpdir("artefact-replace"));
    assert_int_equal(write_one(dir, false, NULL), 0);
    assert_int_equal(write_one(dir, false, &err), TRV_EEXIST);
    assert_int_equal(write_one(dir, true, NULL), 0);
}

static void
test_artefact_shows_a_file_that_is_not_whole(void **state)
{
    struct artefact a;
    char dir[256], path[300];
    trv_err err;

    (void)state;
    snprintf(dir, sizeof(dir), "%s/z", test_tmpdir("artefact-whole"));
    assert_int_equal(write_one(dir, false, NULL), 0);
    assert_int_equal(artefact_read(&a, dir, NULL), 0);
    snprintf(path, sizeof(path), "%s/one.bin", dir);
    assert_int_equal(file_write_atomic(path, "two", 3, NULL), 0);
    assert_int_equal(artefact_check_files(&a, dir, &err), TRV_EFORMAT);
    assert_non_null(strstr(err.msg, "SHA-256 of 'one.bin'"));
    assert_int_equal(file_write_atomic(path, "four", 4, NULL), 0);
    assert_int_equal(artefact_check_files(&a, dir, &err), TRV_EFORMAT);
    assert_non_null(strstr(err.msg, "'one.bin' has 4 bytes, not 3"));
    assert_int_equal(unlink(path), 0);
    assert_int_equal(artefact_check_files(&a, dir, &err), TRV_EIO);
    assert_non_null(strstr(err.msg, "'one.bin' is not there"));
    artefact_release(&a);
}

static void
test_artefact_of_another_base_is_refused_by_part(void **state)
{
    struct model_identity other = base_id;
    struct artefact a;
    trv_err err;

    (void)state;
    assert_int_equal(artefact_init(&a, KIND_TEXT, "tiny", &base_id, NULL), 0);
    assert_int_equal(artefact_check_base(&a, "d", "big", &base_id, &err), 0);
    other.chat[0] = '\0';
    assert_int_equal(artefact_check_base(&a, "d", "big", &other, &err),
                     TRV_EMISMATCH);
    assert_non_null(strstr(err.msg, "its chat template (cccccccccccc...)"));
    assert_non_null(strstr(err.msg, "'big' (none)"));
    other.tokenizer[5] = '0';
    assert_int_equal(artefact_check_base(&a, "d", "big", &other, &err),
                     TRV_EMISMATCH);
    assert_non_null(strstr(err.msg, "its tokenizer"));
    other.weights[5] = '0';
    assert_int_equal(artefact_check_base(&a, "d", "big", &other, &err),
                     TRV_EMISMATCH);
    assert_non_null(strstr(err.msg, "its weights"));
    assert_non_null(strstr(err.msg, "'tiny'"));
    artefact_release(&a);
    /* What is not said is not compared. */
    assert_int_equal(artefact_init(&a, KIND_TEXT, NULL, NULL, NULL), 0);
    assert_int_equal(artefact_check_base(&a, "d", "big", &other, &err), 0);
    artefact_release(&a);
}

static void
test_artefact_measured_is_noted_beside_the_payload(void **state)
{
    json_t *m = json_pack("{s:{s:f}}", "kl_forward", "mean", 0.25);
    struct artefact a, b;
    char dir[256];

    (void)state;
    snprintf(dir, sizeof(dir), "%s/z", test_tmpdir("artefact-measured"));
    assert_int_equal(write_one(dir, false, NULL), 0);
    assert_int_equal(artefact_note_measured(dir, m, NULL), 0);
    assert_int_equal(artefact_read(&a, dir, NULL), 0);
    assert_true(json_equal(a.measured, m));
    assert_int_equal(artefact_check_files(&a, dir, NULL), 0);

    assert_int_equal(artefact_init(&b, KIND_TEXT, "tiny", &base_id, NULL), 0);
    assert_int_equal(artefact_inherit(&b, &a, NULL), 0);
    assert_true(json_equal(a.chain, b.chain));
    artefact_release(&a);
    artefact_release(&b);
    json_decref(m);
}

#define HEAD "{\"trivium\":1,\"form\":\"params\",\"kind\":\"lora\","
#define STEP(seed, options)                                                    \
    "{\"from\":\"a\",\"edge\":\"b\",\"method\":\"c\",\"seed\":" seed           \
    ",\"data\":\"\",\"version\":\"0\",\"options\":" options "}"
#define FILE_(name, hash, bytes)                                               \
    "{\"name\":\"" name "\",\"sha256\":\"" hash "\",\"bytes\":" bytes "}"

static void
test_artefact_believes_nothing(void **state)
{
    static const struct {
        const char *text;
        int code;
        const char *says;
    } cases[] = {
        {HEAD "\"chain\":[],\"files\":[]}", 0, ""},
        {"", TRV_EFORMAT, "no JSON"},
        {"[]", TRV_EFORMAT, "no JSON object"},
        {"{\"trivium\":2,\"form\":\"params\",\"kind\":\"lora\"}",
         TRV_EUNSUPPORTED, "version 2"},
        {"{\"trivium\":1,\"form\":\"prompt\",\"kind\":\"lora\"}",
         TRV_EUNSUPPORTED, "form 'prompt', kind 'lora'"},
        {"{\"trivium\":1,\"form\":\"base\",\"kind\":\"base\"}",
         TRV_EUNSUPPORTED, "'base'"},
        {"{\"trivium\":1,\"form\":3,\"kind\":\"lora\"}", TRV_EFORMAT, "'form'"},
        {HEAD "\"files\":[]}", TRV_EFORMAT, "'chain'"},
        {HEAD "\"chain\":[]}", TRV_EFORMAT, "'files'"},
        {HEAD "\"chain\":[3],\"files\":[]}", TRV_EFORMAT, ""},
        {HEAD "\"chain\":[" STEP("\"7\"", "{}") "],\"files\":[]}", 0, ""},
        {HEAD "\"chain\":[" STEP("7", "{}") "],\"files\":[]}", TRV_EFORMAT,
         "'seed'"},
        {HEAD "\"chain\":[" STEP("\"-7\"", "{}") "],\"files\":[]}", TRV_EFORMAT,
         "conversion 1"},
        {HEAD "\"chain\":[" STEP("\"7\"", "[]") "],\"files\":[]}", TRV_EFORMAT,
         "conversion 1"},
        {HEAD "\"chain\":[],\"files\":[" FILE_("a", HEX_A, "1") "]}", 0, ""},
        {HEAD "\"chain\":[],\"files\":[" FILE_("../a", HEX_A, "1") "]}",
         TRV_EFORMAT, "no plain file name"},
        {HEAD "\"chain\":[],\"files\":[" FILE_("/etc/passwd", HEX_A, "1") "]}",
         TRV_EFORMAT, "no plain file name"},
        {HEAD "\"chain\":[],\"files\":[" FILE_("a\\u0000b", HEX_A, "1") "]}",
         TRV_EFORMAT, "NUL"},
        {HEAD "\"chain\":[],\"files\":[" FILE_("trivium.json", HEX_A, "1") "]}",
         TRV_EFORMAT, "no plain file name"},
        {HEAD "\"chain\":[],\"files\":[" FILE_("a", HEX_A, "1") "," FILE_(
             "a", HEX_A, "1") "]}",
         TRV_EFORMAT, "twice"},
        {HEAD "\"chain\":[],\"files\":[" FILE_("a", "ff", "1") "]}",
         TRV_EFORMAT, "no SHA-256"},
        {HEAD "\"chain\":[],\"files\":[" FILE_("a", "", "1") "]}", TRV_EFORMAT,
         "no SHA-256"},
        {HEAD "\"chain\":[],\"files\":[" FILE_("a", HEX_A, "-1") "]}",
         TRV_EFORMAT, "'bytes'"},
        {HEAD "\"base\":{},\"chain\":[],\"files\":[]}", TRV_EFORMAT, "'name'"},
        {HEAD "\"base\":{\"name\":\"x\",\"weights\":\"x\"},\"chain\":[],"
              "\"files\":[]}",
         TRV_EFORMAT, "'weights'"},
        {HEAD "\"measured\":3,\"chain\":[],\"files\":[]}", TRV_EFORMAT,
         "'measured'"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct artefact a;
        trv_err err = {0};
        const int rc =
            artefact_parse(&a, "t", cases[i].text, strlen(cases[i].text), &err);

        if (rc != cases[i].code || !strstr(err.msg, cases[i].says))
            fail_msg("case %zu: code %d, not %d; '%s' should say '%s'", i, rc,
                     cases[i].code, err.msg, cases[i].says);
        artefact_release(&a);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_artefact_says_what_it_was_told),
        cmocka_unit_test(test_artefact_stands_until_it_is_replaced),
        cmocka_unit_test(test_artefact_shows_a_file_that_is_not_whole),
        cmocka_unit_test(test_artefact_of_another_base_is_refused_by_part),
        cmocka_unit_test(test_artefact_measured_is_noted_beside_the_payload),
        cmocka_unit_test(test_artefact_believes_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
