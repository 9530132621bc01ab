/* test_peft_virtual.c -- PEFT's own folders of virtual tokens, read, written and
 * refused. tests/golden/virtual says how they were made.
 */
#include "support/families.h"
#include "support/test.h"

#include <string.h>

#include "adapt/params/peft.h"
#include "adapt/prompt/peft_virtual.h"
#include "base/json.h"
#include "base/mem.h"

static const char *const kinds[] = {"soft", "prefix"};

static void
open_config(struct model_config *cfg, const char *family)
{
    char rel[128];
    json_t *obj;

    snprintf(rel, sizeof(rel), "golden/models/%s/config.json", family);
    assert_int_equal(json_open(&obj, test_source(rel), NULL), 0);
    assert_int_equal(config_from_json(cfg, obj, "c", NULL), 0);
    json_decref(obj);
}

static const char *
folder(const char *family, const char *kind, const char *file)
{
    char rel[128];

    snprintf(rel, sizeof(rel), "golden/virtual/%s/%s%s%s", family, kind,
             *file ? "/" : "", file);
    return test_source(rel);
}

/* Fields that PEFT's later versions add and earlier ones refuse, or that say
 * how a table began. */
static json_t *
plain_config(json_t *config)
{
    static const char *const left_out[] = {"peft_version", "tokenizer_kwargs",
                                           "init_weights"};

    assert_non_null(config);
    for (int i = 0; i < 3; i++)
        json_object_del(config, left_out[i]);
    return config;
}

static void
test_peft_virtual_writes_what_peft_wrote(void **state)
{
    (void)state;
    for (size_t i = 0; test_family(i / 2); i++) {
        const char *family = test_family(i / 2), *kind = kinds[i % 2];
        struct payload_files files;
        struct model_config cfg;
        struct virtual_tokens v;
        struct strbuf want = {0};
        json_t *ours, *theirs;
        char *base;
        enum kind said;
        trv_err err = {0};

        open_config(&cfg, family);
        assert_int_equal(
            peft_virtual_kind(&said, folder(family, kind, ""), NULL), 0);
        assert_string_equal(kind_name(said), kind);
        if (peft_virtual_read(&v, &base, &cfg, folder(family, kind, ""), true,
                              &err))
            fail_msg("%s", err.msg);
        assert_int_equal(v.k, 5);
        assert_non_null(v.g);
        assert_string_equal(base, family);
        assert_int_equal(peft_virtual_encode(&files, &v, &cfg, base, NULL), 0);
        assert_int_equal(
            file_read(&want, folder(family, kind, PEFT_WEIGHTS), 1 << 20, NULL),
            0);
        assert_int_equal(files.n_weights, want.len);
        assert_memory_equal(files.weights, want.s, want.len);
        assert_int_equal(
            json_open(&theirs, folder(family, kind, PEFT_CONFIG), NULL), 0);
        ours = json_loads(files.config, 0, NULL);
        if (!json_equal(plain_config(ours), plain_config(theirs)))
            fail_msg("%s %s: %s", family, kind, files.config);
        json_decref(ours);
        json_decref(theirs);
        sb_release(&want);
        payload_files_release(&files);
        virtual_release(&v);
        mem_free(base);
    }
}

static void
test_peft_virtual_kind_of_a_lora_is_lora(void **state)
{
    enum kind kind;
    trv_err err = {0};

    (void)state;
    assert_int_equal(
        peft_virtual_kind(&kind, test_source("golden/models/gpt2/adapter"),
                          NULL),
        0);
    assert_int_equal(kind, KIND_LORA);
    assert_int_equal(peft_virtual_kind(&kind, test_source("golden"), &err),
                     TRV_EIO);
}

static void
refuses(const char *kind, const char *patch, int code, const char *says)
{
    struct model_config cfg;
    struct virtual_tokens v;
    struct strbuf weights = {0};
    json_t *config, *change = json_loads(patch, 0, NULL);
    char *text;
    trv_err err = {0};
    int rc;

    open_config(&cfg, "llama");
    assert_int_equal(
        json_open(&config, folder("llama", kind, PEFT_CONFIG), NULL), 0);
    assert_int_equal(
        file_read(&weights, folder("llama", kind, PEFT_WEIGHTS), 1 << 20, NULL),
        0);
    assert_int_equal(json_object_update(config, change), 0);
    text = json_dumps(config, 0);
    rc = peft_virtual_parse(&v, NULL, &cfg, "dir", text, strlen(text),
                            weights.s, weights.len, false, &err);
    if (rc != code || !strstr(err.msg, says))
        fail_msg("%s: code %d, not %d; '%s' should say '%s'", patch, rc, code,
                 err.msg, says);
    virtual_release(&v);
    free(text);
    json_decref(change);
    json_decref(config);
    sb_release(&weights);
}

static void
test_peft_virtual_refuses_what_does_not_fit_in_one_sentence(void **state)
{
    (void)state;
    refuses("soft", "{}", 0, "");
    refuses("prefix", "{\"prefix_projection\": true}", 0, "");
    refuses("prefix", "{\"token_dim\": null, \"num_layers\": null}", 0, "");
    refuses("soft", "{\"peft_type\": \"MULTITASK_PROMPT_TUNING\"}",
            TRV_EUNSUPPORTED, "'MULTITASK_PROMPT_TUNING'");
    refuses("soft", "{\"peft_type\": 3}", TRV_EFORMAT, "peft_type");
    refuses("soft", "{\"peft_type\": \"PREFIX_TUNING\"}", TRV_EMISMATCH,
            "token_dim");
    refuses("prefix", "{\"peft_type\": \"PROMPT_TUNING\", \"token_dim\": 32}",
            TRV_EMISMATCH, "[5, 64]");
    refuses("soft", "{\"num_virtual_tokens\": 6}", TRV_EMISMATCH, "[5, 32]");
    refuses("soft", "{\"num_virtual_tokens\": 999999}", TRV_EMISMATCH,
            "[999999, 32]");
    refuses("soft", "{\"num_virtual_tokens\": 0}", TRV_EFORMAT,
            "num_virtual_tokens");
    refuses("soft", "{\"num_virtual_tokens\": null}", TRV_EFORMAT,
            "num_virtual_tokens");
    refuses("prefix", "{\"num_layers\": 3}", TRV_EMISMATCH, "num_layers");
    refuses("prefix", "{\"num_attention_heads\": 4}", TRV_EMISMATCH,
            "num_attention_heads");
    refuses("soft", "{\"token_dim\": 64}", TRV_EMISMATCH, "token_dim");
    refuses("soft", "{\"num_transformer_submodules\": 2}", TRV_EUNSUPPORTED,
            "an encoder");
    refuses("soft", "{\"task_type\": \"SEQ_CLS\"}", TRV_EUNSUPPORTED,
            "'SEQ_CLS'");
    refuses("soft", "{\"modules_to_save\": [\"lm_head\"]}", TRV_EUNSUPPORTED,
            "modules_to_save");
}

/* One tensor of our making in place of the table. */
static void
refuses_tensors(const struct tensor *t, int64_t n, int code, const char *says)
{
    static const char config[] =
        "{\"peft_type\": \"PROMPT_TUNING\", \"num_virtual_tokens\": 2}";
    struct model_config cfg;
    struct virtual_tokens v;
    char *bytes;
    size_t size;
    trv_err err = {0};
    int rc;

    open_config(&cfg, "llama");
    assert_int_equal(st_serialise(&bytes, &size, t, n, NULL, NULL), 0);
    rc = peft_virtual_parse(&v, NULL, &cfg, "dir", config, strlen(config),
                            bytes, size, false, &err);
    if (rc != code || !strstr(err.msg, says))
        fail_msg("code %d, not %d; '%s' should say '%s'", rc, code, err.msg,
                 says);
    virtual_release(&v);
    mem_free(bytes);
}

static void
test_peft_virtual_wants_one_finite_tensor(void **state)
{
    static float values[64];
    static uint16_t halves[64];
    struct tensor t[2] = {{.name = "prompt_embeddings",
                           .type = DT_F32,
                           .n_dims = 2,
                           .dim = {2, 32},
                           .data = values,
                           .bytes = sizeof(values)},
                          {.name = "lm_head.weight",
                           .type = DT_F32,
                           .n_dims = 1,
                           .dim = {4},
                           .data = values,
                           .bytes = 16}};

    (void)state;
    refuses_tensors(t, 1, 0, "");
    refuses_tensors(t, 2, TRV_EMISMATCH, "'lm_head.weight'");
    refuses_tensors(t + 1, 1, TRV_EMISMATCH, "'lm_head.weight'");
    t[0].name = "prompt_embedding";
    refuses_tensors(t, 1, TRV_EMISMATCH, "'prompt_embedding'");
    t[0].name = "prompt_embeddings";
    t[0].n_dims = 1;
    t[0].dim[0] = 64;
    refuses_tensors(t, 1, TRV_EMISMATCH, "[64]");
    t[0] = (struct tensor){.name = "prompt_embeddings",
                           .type = DT_F16,
                           .n_dims = 2,
                           .dim = {2, 32},
                           .data = halves,
                           .bytes = sizeof(halves)};
    halves[33] = 0x3c00;
    refuses_tensors(t, 1, 0, ""); // halves are read
}

static void
test_peft_virtual_refuses_tables_that_are_not_finite(void **state)
{
    struct model_config cfg;
    struct virtual_tokens v;
    struct strbuf config = {0}, weights = {0};
    const float nan = (float)(0.0 / 0.0);
    trv_err err = {0};

    (void)state;
    open_config(&cfg, "llama");
    assert_int_equal(
        file_read(&config, folder("llama", "soft", PEFT_CONFIG), 1 << 20, NULL),
        0);
    assert_int_equal(file_read(&weights, folder("llama", "soft", PEFT_WEIGHTS),
                               1 << 20, NULL),
                     0);
    memcpy(weights.s + weights.len - 4, &nan, 4);
    assert_int_equal(peft_virtual_parse(&v, NULL, &cfg, "dir", config.s,
                                        config.len, weights.s, weights.len,
                                        false, &err),
                     TRV_ENONFINITE);
    assert_non_null(strstr(err.msg, "prompt_embeddings"));
    sb_release(&config);
    sb_release(&weights);
}

static void
test_peft_virtual_cut_files_are_refused(void **state)
{
    struct model_config cfg;
    struct virtual_tokens v;
    struct strbuf config = {0}, weights = {0};

    (void)state;
    open_config(&cfg, "gpt2");
    assert_int_equal(file_read(&config, folder("gpt2", "prefix", PEFT_CONFIG),
                               1 << 20, NULL),
                     0);
    assert_int_equal(file_read(&weights, folder("gpt2", "prefix", PEFT_WEIGHTS),
                               1 << 20, NULL),
                     0);
    for (size_t n = 0; n < weights.len; n += 97) {
        trv_err err = {0};

        assert_int_not_equal(peft_virtual_parse(&v, NULL, &cfg, "dir", config.s,
                                                config.len, weights.s, n, false,
                                                &err),
                             0);
        assert_true(strlen(err.msg) > 10);
        assert_null(v.w);
    }
    sb_release(&config);
    sb_release(&weights);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_peft_virtual_writes_what_peft_wrote),
        cmocka_unit_test(test_peft_virtual_kind_of_a_lora_is_lora),
        cmocka_unit_test(
            test_peft_virtual_refuses_what_does_not_fit_in_one_sentence),
        cmocka_unit_test(test_peft_virtual_wants_one_finite_tensor),
        cmocka_unit_test(test_peft_virtual_refuses_tables_that_are_not_finite),
        cmocka_unit_test(test_peft_virtual_cut_files_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
