/* test_adaptation.c -- every spec opens what it names, or says why not. */
#include "support/test.h"

#include <string.h>
#include <sys/stat.h>

#include "adapt/output.h"
#include "adapt/adaptation.h"
#include "adapt/params/peft.h"
#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"

#define HEX_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define HEX_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

static char model_name[] = "tiny";
static struct model model = {.name = model_name};
static const struct model_identity base_id = {HEX_A, HEX_B, ""};

static int
set_up(void **state)
{
    json_t *obj;
    int rc;

    (void)state;
    rc = json_open(&obj, test_source("golden/models/gpt2/config.json"), NULL);
    if (!rc)
        rc = config_from_json(&model.cfg, obj, "c", NULL);
    json_decref(obj);
    return rc;
}

static int
open_spec(struct adaptation **a, trv_err *err, const char *fmt,
          const char *path)
{
    char spec[512];

    snprintf(spec, sizeof(spec), "%s%s", fmt, path);
    return adaptation_open(a, &model, &base_id, spec, false, err);
}

static void
refused(const char *prefix, const char *path, int code, const char *says)
{
    struct adaptation *a;
    trv_err err = {0};
    const int rc = open_spec(&a, &err, prefix, path);

    if (rc != code || !strstr(err.msg, says))
        fail_msg("'%s%s': code %d, not %d; '%s' should say '%s'", prefix, path,
                 rc, code, err.msg, says);
    assert_null(a);
}

static const char *
put(const char *dir, const char *name, const char *bytes, size_t n)
{
    static char path[2][400];
    static int turn;

    turn = !turn;
    snprintf(path[turn], sizeof(path[turn]), "%s/%s", dir, name);
    assert_int_equal(file_write_atomic(path[turn], bytes, n, NULL), 0);
    return path[turn];
}

static void
test_adaptation_prompt_keeps_every_byte(void **state)
{
    static const char z[] = " \xc3\xa9"
                            "a:b@c\r\n\n";
    char dir[256];
    struct adaptation *a;

    (void)state;
    assert_int_equal(open_spec(&a, NULL, "prompt:", z), 0);
    assert_int_equal(a->form, FORM_PROMPT);
    assert_int_equal(a->kind, KIND_TEXT);
    assert_string_equal(a->text, z);
    assert_null(a->path);
    adaptation_free(a);

    snprintf(dir, sizeof(dir), "%s", test_tmpdir("adaptation-prompt"));
    assert_int_equal(
        open_spec(&a, NULL, "prompt:@", put(dir, "z.txt", z, strlen(z))), 0);
    assert_string_equal(a->text, z);
    adaptation_free(a);
    assert_int_equal(open_spec(&a, NULL, "", put(dir, "z.txt", z, strlen(z))),
                     0);
    assert_string_equal(a->text, z);
    adaptation_free(a);
    put(dir, "prompt.txt", z, strlen(z)); // a folder, without trivium.json
    assert_int_equal(open_spec(&a, NULL, "", dir), 0);
    assert_string_equal(a->text, z);
    adaptation_free(a);
}

static void
test_adaptation_base_adapts_nothing(void **state)
{
    struct adaptation *a;

    (void)state;
    assert_int_equal(open_spec(&a, NULL, "base", ""), 0);
    assert_int_equal(a->form, FORM_BASE);
    assert_null(a->text);
    assert_int_equal(a->adapter_weights.lora.n, 0);
    adaptation_free(a);
}

static void
test_adaptation_messages_come_from_an_array_or_an_object(void **state)
{
    static const char *const good[] = {
        "[{\"role\":\"system\",\"content\":\"be kind\"},"
        "{\"role\":\"user\",\"content\":\"hi\"}]",
        "{\"messages\":[{\"role\":\"user\",\"content\":\"\"},"
        "{\"role\":\"assistant\",\"content\":\"x\"}]}"};
    static const struct {
        const char *text, *says;
    } bad[] = {
        {"[]", "no messages"},
        {"{\"message\":[]}", "no messages"},
        {"[{\"role\":\"robot\",\"content\":\"x\"}]", "message 1"},
        {"[{\"role\":\"user\",\"content\":\"x\"},{\"content\":\"x\"}]",
         "message 2"},
        {"[{\"role\":\"user\",\"content\":[1]}]", "no text"},
        {"[{\"role\":\"user\",\"content\":\"a\\u0000b\"}]", "NUL"},
        {"[3]", "message 1"},
        {"[", "no JSON"},
    };
    char dir[256];
    struct adaptation *a;

    (void)state;
    snprintf(dir, sizeof(dir), "%s", test_tmpdir("adaptation-messages"));
    for (size_t i = 0; i < 2; i++) {
        const char *path = put(dir, "messages.json", good[i], strlen(good[i]));

        assert_int_equal(open_spec(&a, NULL, "messages:", path), 0);
        assert_int_equal(a->kind, KIND_MESSAGES);
        assert_int_equal(json_array_size(a->messages), 2);
        adaptation_free(a);
        assert_int_equal(open_spec(&a, NULL, "", dir), 0);
        assert_int_equal(json_array_size(a->messages), 2);
        adaptation_free(a);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        refused("messages:",
                put(dir, "messages.json", bad[i].text, strlen(bad[i].text)),
                TRV_EFORMAT, bad[i].says);
}

static void
test_adaptation_refuses_with_what_is_known(void **state)
{
    char dir[256];

    (void)state;
    snprintf(dir, sizeof(dir), "%s", test_tmpdir("adaptation-refuse"));
    refused("prompt:", "", TRV_EINVAL, "is empty");
    refused("prompt:", "\xff\xfe", TRV_EINVAL, "not UTF-8");
    refused("prompt:@", put(dir, "e.txt", "", 0), TRV_EINVAL, "is empty");
    refused("prompt:@", put(dir, "n.txt", "a\0b", 3), TRV_EINVAL, "NUL");
    refused("prompt:@", put(dir, "u.txt", "a\xed\xa0\x80", 4), TRV_EINVAL,
            "not UTF-8"); // a surrogate
    refused("prompt:@", "", TRV_EINVAL, "names no file");
    refused("prompt:@", "nowhere.txt", TRV_EIO, "nowhere.txt");
    refused("lara:", "x", TRV_EINVAL,
            "'lara' is no kind; did you mean 'lora'?");
    refused("nowhere", "", TRV_EIO, "prompt:TEXT");
    refused("lora:", "nowhere", TRV_EIO, "nowhere");
    refused("lora:", put(dir, "f", "x", 1), TRV_EIO, "no folder");
    refused("", put(dir, "f.gguf", "x", 1), TRV_EINVAL, "unknown kind");
    refused("", dir, TRV_EFORMAT, "holds none of trivium.json");
    put(dir, "prompt.txt", "z", 1);
    refused("lora:", dir, TRV_EINVAL, "kind text, not lora");
}

static void
test_adaptation_opens_a_peft_folder_of_unknown_base(void **state)
{
    const char *dir = test_source("golden/models/gpt2/adapter");
    struct adaptation *a;

    (void)state;
    for (int i = 0; i < 2; i++) {
        assert_int_equal(open_spec(&a, NULL, i ? "lora:" : "", dir), 0);
        assert_int_equal(a->form, FORM_PARAMS);
        assert_int_equal(a->kind, KIND_LORA);
        assert_string_equal(a->base_name, "gpt2");
        assert_null(a->artefact.root);
        assert_true(a->adapter_weights.lora.n > 0);
        assert_null(a->adapter_weights.lora.g);
        adaptation_free(a);
    }
}

static void
test_adaptation_opens_folders_of_every_kind_of_terms(void **state)
{
    static const struct {
        enum kind kind;
        enum form form;
        const char *spec;
    } kinds[] = {{KIND_SOFT, FORM_PROMPT, "soft:"},
                 {KIND_PREFIX, FORM_PROMPT, "prefix:"},
                 {KIND_ADAPTER, FORM_PARAMS, "adapter:"}};

    (void)state;
    for (int i = 0; i < 3; i++)
        for (int named = 0; named < 2; named++) {
            char path[400], rel[64];
            struct adaptation *a;
            trv_err err = {0};

            snprintf(rel, sizeof(rel), "golden/virtual/gpt2/%s",
                     kind_name(kinds[i].kind));
            snprintf(path, sizeof(path), "%s", test_source(rel));
            if (open_spec(&a, &err, named ? kinds[i].spec : "", path))
                fail_msg("%s", err.msg);
            assert_int_equal(a->form, kinds[i].form);
            assert_int_equal(a->kind, kinds[i].kind);
            assert_string_equal(a->base_name, "gpt2");
            assert_int_equal(adapter_weights_virtual_count(&a->adapter_weights),
                             i < 2 ? 5 : 0);
            assert_true(adapter_weights_flat(&a->adapter_weights).n > 0);
            adaptation_free(a);
            refused("lora:", path, TRV_EINVAL,
                    i == 2 ? "kind adapter, not lora" : "not lora");
            refused(i ? "soft:" : "prefix:", path, TRV_EINVAL, "not ");
        }
    refused("soft:", "nowhere", TRV_EIO, "no file or folder");
    refused("adapter:", "nowhere", TRV_EIO, "no file or folder");
}

static void
test_adaptation_saved_terms_are_artefacts(void **state)
{
    static const enum kind kinds[] = {KIND_SOFT, KIND_PREFIX, KIND_ADAPTER};
    char dir[300], path[400];

    (void)state;
    snprintf(dir, sizeof(dir), "%s", test_tmpdir("adaptation-terms"));
    for (int i = 0; i < 3; i++) {
        struct adaptation *a, *b;
        struct artefact head;
        struct outdir out;
        struct adapter_weights_flat was, is;
        char rel[64];

        snprintf(rel, sizeof(rel), "golden/virtual/gpt2/%s",
                 kind_name(kinds[i]));
        assert_int_equal(open_spec(&a, NULL, "", test_source(rel)), 0);
        snprintf(path, sizeof(path), "%s/%s", dir, kind_name(kinds[i]));
        assert_int_equal(artefact_init(&head, kinds[i], "tiny", &base_id, NULL),
                         0);
        assert_int_equal(outdir_init(&out, path, NULL), 0);
        assert_int_equal(output_lock(&out, kinds[i], false, NULL), 0);
        assert_int_equal(adaptation_save_weights(&head, &a->adapter_weights,
                                                 &model.cfg, &out, NULL),
                         0);
        outdir_release(&out);
        artefact_release(&head);
        assert_int_equal(open_spec(&b, NULL, "", path), 0);
        assert_int_equal(b->kind, kinds[i]);
        assert_non_null(b->artefact.root);
        was = adapter_weights_flat(&a->adapter_weights);
        is = adapter_weights_flat(&b->adapter_weights);
        assert_int_equal(was.n, is.n);
        assert_memory_equal(was.w, is.w, (size_t)is.n * sizeof(float));
        adaptation_free(a);
        adaptation_free(b);
    }
    /* a manifest and a config that disagree */
    snprintf(path, sizeof(path), "%s/soft", dir);
    put(path, "trivium.json",
        "{\"trivium\": 1, \"form\": \"prompt\", \"kind\": \"prefix\","
        " \"chain\": [], \"files\": []}",
        strlen("{\"trivium\": 1, \"form\": \"prompt\", \"kind\": "
               "\"prefix\", \"chain\": [], \"files\": []}"));
    refused("", path, TRV_EFORMAT, "does not list");
}

static int
save_lora(const char *dir, const struct lora *l, bool replace, trv_err *err)
{
    struct artefact head;
    struct outdir out = {0};
    int rc;

    rc = artefact_init(&head, KIND_LORA, "tiny", &base_id, err);
    if (!rc)
        rc = outdir_init(&out, dir, err);
    if (!rc)
        rc = output_lock(&out, KIND_LORA, replace, err);
    if (!rc)
        rc = adaptation_save_weights(&head,
                                     &(struct adapter_weights){.lora = *l},
                                     &model.cfg, &out, err);
    outdir_release(&out);
    artefact_release(&head);
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
test_adaptation_saved_twice_is_the_same_bytes(void **state)
{
    static const char *const names[] = {ARTEFACT_MANIFEST, PEFT_CONFIG,
                                        PEFT_WEIGHTS};
    char root[200], one[256], two[256];
    struct adaptation *a, *b;

    (void)state;
    snprintf(root, sizeof(root), "%s", test_tmpdir("adaptation-save"));
    snprintf(one, sizeof(one), "%s/one", root);
    snprintf(two, sizeof(two), "%s/two", root);
    assert_int_equal(
        open_spec(&a, NULL, "", test_source("golden/models/gpt2/adapter")), 0);
    assert_int_equal(save_lora(one, &a->adapter_weights.lora, false, NULL), 0);
    assert_int_equal(save_lora(one, &a->adapter_weights.lora, false, NULL),
                     TRV_EEXIST);
    assert_int_equal(open_spec(&b, NULL, "", one), 0);
    assert_int_equal(b->adapter_weights.lora.n, a->adapter_weights.lora.n);
    assert_memory_equal(a->adapter_weights.lora.w, b->adapter_weights.lora.w,
                        (size_t)a->adapter_weights.lora.n * sizeof(float));
    assert_string_equal(b->base_name, "tiny");
    assert_int_equal(json_array_size(b->artefact.files), 2);
    assert_int_equal(save_lora(two, &b->adapter_weights.lora, false, NULL), 0);
    for (int i = 0; i < 3; i++) {
        struct strbuf x = {0}, y = {0};

        slurp(&x, one, names[i]);
        slurp(&y, two, names[i]);
        assert_int_equal(x.len, y.len);
        assert_memory_equal(x.s, y.s, x.len);
        sb_release(&x);
        sb_release(&y);
    }
    adaptation_free(a);
    adaptation_free(b);
}

static void
test_adaptation_of_another_base_needs_a_flag(void **state)
{
    struct model_identity other = base_id;
    struct adaptation *a;
    char dir[256], spec[300];
    trv_err err;

    (void)state;
    snprintf(dir, sizeof(dir), "%s/z", test_tmpdir("adaptation-base"));
    assert_int_equal(
        open_spec(&a, NULL, "", test_source("golden/models/gpt2/adapter")), 0);
    assert_int_equal(save_lora(dir, &a->adapter_weights.lora, false, NULL), 0);
    adaptation_free(a);
    other.tokenizer[0] = '0';
    snprintf(spec, sizeof(spec), "lora:%s", dir);
    assert_int_equal(adaptation_open(&a, &model, &other, spec, false, &err),
                     TRV_EMISMATCH);
    assert_non_null(strstr(err.msg, "tokenizer"));
    assert_int_equal(adaptation_open(&a, &model, &other, spec, true, &err), 0);
    adaptation_free(a);
}

static void
test_adaptation_that_is_not_whole_is_refused(void **state)
{
    struct adaptation *a;
    struct strbuf b = {0};
    char dir[256];

    (void)state;
    snprintf(dir, sizeof(dir), "%s/z", test_tmpdir("adaptation-whole"));
    assert_int_equal(
        open_spec(&a, NULL, "", test_source("golden/models/gpt2/adapter")), 0);
    assert_int_equal(save_lora(dir, &a->adapter_weights.lora, false, NULL), 0);
    adaptation_free(a);
    slurp(&b, dir, PEFT_WEIGHTS);
    b.s[b.len - 1] ^= 1;
    put(dir, PEFT_WEIGHTS, b.s, b.len);
    refused("", dir, TRV_EFORMAT, "is not whole");
    sb_release(&b);
}

static void
test_adaptation_text_artefact_opens_as_it_was_saved(void **state)
{
    static const char mix_kind[] =
        "{\"trivium\":1,\"form\":\"params\",\"kind\":\"mix\","
        "\"chain\":[],\"files\":[]}";
    static const char unlisted[] =
        "{\"trivium\":1,\"form\":\"prompt\",\"kind\":\"text\","
        "\"chain\":[],\"files\":[]}";
    struct artefact head;
    struct outdir out;
    struct adaptation *a;
    char dir[256];

    (void)state;
    snprintf(dir, sizeof(dir), "%s/z", test_tmpdir("adaptation-text"));
    assert_int_equal(adaptation_of_text(&a, "Be brief.\n", 10, NULL), 0);
    assert_int_equal(artefact_init(&head, KIND_TEXT, "tiny", &base_id, NULL),
                     0);
    assert_int_equal(outdir_init(&out, dir, NULL), 0);
    assert_int_equal(output_lock(&out, KIND_TEXT, false, NULL), 0);
    assert_int_equal(adaptation_save_prompt(&head, a, &out, NULL), 0);
    outdir_release(&out);
    artefact_release(&head);
    adaptation_free(a);
    assert_int_equal(open_spec(&a, NULL, "", dir), 0);
    assert_string_equal(a->text, "Be brief.\n");
    assert_string_equal(a->path, dir);
    adaptation_free(a);

    /* A manifest of a kind that is known but not opened. */
    put(dir, ARTEFACT_MANIFEST, mix_kind, strlen(mix_kind));
    refused("", dir, TRV_EUNSUPPORTED, "a params of kind 'mix'");
    put(dir, ARTEFACT_MANIFEST, unlisted, strlen(unlisted));
    refused("", dir, TRV_EFORMAT, "does not list 'prompt.txt'");
}

static void
test_adaptation_targets_name_a_kind_and_a_folder(void **state)
{
    enum kind kind;
    const char *path;
    trv_err err;

    (void)state;
    assert_int_equal(adaptation_target(&kind, &path, "lora:out/z:1", NULL), 0);
    assert_int_equal(kind, KIND_LORA);
    assert_string_equal(path, "out/z:1");
    assert_int_equal(adaptation_target(&kind, &path, "lora:", &err),
                     TRV_EINVAL);
    assert_int_equal(adaptation_target(&kind, &path, "out/z", &err),
                     TRV_EINVAL);
    assert_non_null(strstr(err.msg, "as in lora:out/z"));
    assert_int_equal(adaptation_target(&kind, &path, "base:x", &err),
                     TRV_EINVAL);
}

static void
test_adaptation_target_of_a_mistyped_kind_names_the_nearest(void **state)
{
    static const char *const typed[][2] = {{"loar:o/x", "lora"},
                                           {"promt:o", "prompt"},
                                           {"adaptor:o", "adapter"},
                                           {"contarst:o", "contrast"}};
    char want[100];
    enum kind kind;
    const char *path;
    trv_err err;

    (void)state;
    for (size_t i = 0; i < sizeof(typed) / sizeof(*typed); i++) {
        assert_int_equal(adaptation_target(&kind, &path, typed[i][0], &err),
                         TRV_EINVAL);
        snprintf(want, sizeof(want), "'%.*s' is no kind; did you mean '%s'?",
                 (int)strcspn(typed[i][0], ":"), typed[i][0], typed[i][1]);
        assert_string_equal(err.msg, want);
    }
}

static void
test_adaptation_survives_every_failed_allocation(void **state)
{
    struct adaptation *a;
    char dir[256];

    (void)state;
    snprintf(dir, sizeof(dir), "%s/z", test_tmpdir("adaptation-sweep"));
    assert_int_equal(
        open_spec(&a, NULL, "", test_source("golden/models/gpt2/adapter")), 0);
    for (int64_t n = 0; n < 3000; n++) {
        const int64_t live = mem_stats_get().live_bytes;
        struct adaptation *b = NULL;
        int rc;

        mem_fail_after(n);
        rc = save_lora(dir, &a->adapter_weights.lora, true, NULL);
        if (!rc)
            rc = open_spec(&b, NULL, "", dir);
        mem_fail_after(-1);
        adaptation_free(b);
        assert_int_equal(mem_stats_get().live_bytes, live);
        if (!rc) {
            adaptation_free(a);
            return;
        }
    }
    fail_msg("never passed");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_adaptation_prompt_keeps_every_byte),
        cmocka_unit_test(test_adaptation_base_adapts_nothing),
        cmocka_unit_test(
            test_adaptation_messages_come_from_an_array_or_an_object),
        cmocka_unit_test(test_adaptation_refuses_with_what_is_known),
        cmocka_unit_test(test_adaptation_opens_a_peft_folder_of_unknown_base),
        cmocka_unit_test(test_adaptation_opens_folders_of_every_kind_of_terms),
        cmocka_unit_test(test_adaptation_saved_terms_are_artefacts),
        cmocka_unit_test(test_adaptation_saved_twice_is_the_same_bytes),
        cmocka_unit_test(test_adaptation_of_another_base_needs_a_flag),
        cmocka_unit_test(test_adaptation_that_is_not_whole_is_refused),
        cmocka_unit_test(test_adaptation_text_artefact_opens_as_it_was_saved),
        cmocka_unit_test(test_adaptation_targets_name_a_kind_and_a_folder),
        cmocka_unit_test(
            test_adaptation_target_of_a_mistyped_kind_names_the_nearest),
        cmocka_unit_test(test_adaptation_survives_every_failed_allocation),
    };

    return cmocka_run_group_tests(tests, set_up, NULL);
}
