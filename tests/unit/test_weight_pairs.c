/* test_weight_pairs.c -- adapters of mlx-lm and llama.cpp that do not fit are
 * refused by name. That those which fit score right is test_peft_folders.c's. */
#include "support/test.h"

#include <string.h>

#include "adapt/params/lora_gguf.h"
#include "adapt/params/lora_mlx.h"
#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "model/files/family.h"
#include "model/files/safetensors.h"

static void
open_config(struct model_config *cfg, const char *family)
{
    char rel[128];
    json_t *obj;

    snprintf(rel, sizeof(rel), "golden/models/%s/config.json", family);
    assert_int_equal(json_open(&obj, test_source(rel), NULL), 0);
    assert_int_equal(config_from_json(cfg, obj, rel, NULL), 0);
    json_decref(obj);
}

static void
expect(int rc, const trv_err *err, int code, const char *says)
{
    if (rc != code || !strstr(err->msg, says))
        fail_msg("code %d, not %d; '%s' should say '%s'", rc, code, err->msg,
                 says);
}

/* mlx/lora with fields changed and, where `rename` is, a tensor's name. */
static int
parse_mlx(const char *patch, const char *rename, trv_err *err)
{
    struct strbuf bytes = {0};
    struct base_patch change;
    struct model_config cfg;
    struct tensor t[32];
    struct st_file st;
    struct lora l;
    char *text, *out;
    json_t *config, *fields = json_loads(patch, 0, NULL);
    size_t size;
    int rc;

    open_config(&cfg, "llama");
    assert_int_equal(json_open(&config,
                               test_source("golden/peft/mlx/lora/" MLX_CONFIG),
                               NULL),
                     0);
    assert_int_equal(json_object_update(config, fields), 0);
    assert_int_equal(file_read(&bytes,
                               test_source("golden/peft/mlx/lora/" MLX_WEIGHTS),
                               1 << 20, NULL),
                     0);
    assert_int_equal(st_parse(&st, "m", bytes.s, bytes.len, NULL), 0);
    assert_in_range(st.n, 2, 32);
    memcpy(t, st.tensors, (size_t)st.n * sizeof(t[0]));
    if (rename)
        t[0].name = rename;
    assert_int_equal(st_serialise(&out, &size, t, st.n, NULL, NULL), 0);
    text = json_dumps(config, 0);
    rc =
        mlx_parse(&l, &change, &cfg, "dir", text, strlen(text), out, size, err);
    lora_release(&l);
    base_patch_release(&change);
    st_release(&st);
    sb_release(&bytes);
    mem_free(out);
    free(text);
    json_decref(config);
    json_decref(fields);
    return rc;
}

static void
test_weight_pairs_of_mlx_that_do_not_fit_are_refused_by_name(void **state)
{
    static const struct {
        const char *patch, *rename;
        int code;
        const char *says;
    } cases[] = {
        {"{}", NULL, 0, ""},
        {"{\"num_layers\": null, \"lora_layers\": 1}", NULL, 0, ""},
        {"{\"fine_tune_type\": \"other\"}", NULL, TRV_EUNSUPPORTED, "'other'"},
        {"{\"fine_tune_type\": \"full\"}", NULL, TRV_EFORMAT, "says full"},
        {"{\"lora_parameters\": null}", NULL, TRV_EFORMAT, "lora_parameters"},
        {"{\"lora_parameters\": {\"rank\": 2}}", NULL, TRV_EFORMAT, "scale"},
        {"{\"lora_parameters\": {\"scale\": 0}}", NULL, TRV_ERANGE, "'scale'"},
        {"{\"lora_parameters\": {\"scale\": \"1\"}}", NULL, TRV_EFORMAT,
         "'scale'"},
        {"{}", "model.layers.0.self_attn.q_proj.lora_a", TRV_EFORMAT,
         "the last 1 of 2"},
        {"{}", "model.layers.1.self_attn.x_proj.lora_a", TRV_EMISMATCH,
         "x_proj"},
        {"{}", "model.layers.1.self_attn.k_proj.lora_a", TRV_EFORMAT,
         "without the other half"},
        {"{\"fine_tune_type\": \"dora\"}", "model.layers.1.mlp.down_proj.m",
         TRV_EFORMAT, "magnitudes of 1 of its 2"},
        {"{}", "model.norm.weight", TRV_EFORMAT, "whole tensors"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        trv_err err = {0};

        expect(parse_mlx(cases[i].patch, cases[i].rename, &err), &err,
               cases[i].code, cases[i].says);
    }
}

/* A GGUF file with one of its strings replaced by one as long, read for a model
 * of text or for one that sees, too. */
static int
parse_gguf(const char *family, bool sees, const char *was, const char *now,
           trv_err *err)
{
    struct strbuf bytes = {0};
    struct base_patch patch;
    struct model_config cfg;
    struct gguf_file f;
    struct lora l;
    int rc;

    open_config(&cfg, family);
    cfg.sees = sees;
    assert_int_equal(file_read(&bytes,
                               test_source("golden/peft/gguf/layers.gguf"),
                               1 << 20, NULL),
                     0);
    assert_int_equal(strlen(was), strlen(now));
    for (size_t i = 0; *was && i + strlen(was) <= bytes.len; i++)
        if (!memcmp(bytes.s + i, was, strlen(was)))
            memcpy(bytes.s + i, now, strlen(now));
    rc = gguf_parse(&f, "file", bytes.s, bytes.len, err);
    if (!rc)
        rc = gguf_lora_take(&l, &patch, &cfg, &f, err);
    lora_release(&l);
    base_patch_release(&patch);
    gguf_release(&f);
    sb_release(&bytes);
    return rc;
}

static void
test_weight_pairs_of_gguf_that_do_not_fit_are_refused_by_name(void **state)
{
    static const struct {
        const char *family, *was, *now;
        int code;
        const char *says;
    } cases[] = {
        {"llama", "", "", 0, ""},
        {"mistral", "", "", 0, ""}, // whose GGUF files say llama
        {"qwen2", "", "", TRV_EMISMATCH, "architecture 'llama'"},
        {"olmo3", "", "", TRV_EMISMATCH, "architecture 'llama'"},
        {"granitemoehybrid", "", "", TRV_EMISMATCH, "architecture 'llama'"},
        {"llama", "lora", "ruin", TRV_EUNSUPPORTED, "is no LoRA"},
        {"llama", "attn_q.weight.lora_a", "attn_k.weight.lora_a", TRV_EFORMAT,
         "without the other half"},
        {"llama", "attn_q.weight.lora_a", "attn_z.weight.lora_a", TRV_EMISMATCH,
         "attn_z"},
        {"llama", "attn_q.weight.lora_a", "attn_q.weight.lora_z",
         TRV_EUNSUPPORTED, "no half of a pair"},
        {"llama", "blk.1.", "blk.7.", TRV_EMISMATCH, "no linear layer"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        trv_err err = {0};

        for (int sees = 0; sees < 2; sees++)
            expect(parse_gguf(cases[i].family, sees, cases[i].was, cases[i].now,
                              &err),
                   &err, cases[i].code, cases[i].says);
    }
}

/* llama.cpp's converter turns the rows of q and k of a Mistral model, too: the
 * same file gives the same pairs to both families. */
static void
test_weight_pairs_of_gguf_are_turned_back_for_mistral(void **state)
{
    const char *path = test_source("golden/peft/gguf/layers.gguf");
    struct model_config cfg, as;
    struct base_patch patch, other;
    struct lora a, b;
    trv_err err = {0};

    (void)state;
    open_config(&cfg, "llama");
    as = cfg;
    as.family = family_find("mistral", 7);
    assert_int_equal(gguf_lora_read(&a, &patch, &cfg, path, &err), 0);
    assert_int_equal(gguf_lora_read(&b, &other, &as, path, &err), 0);
    assert_true(a.n > 0);
    assert_int_equal(a.n, b.n);
    assert_memory_equal(a.w, b.w, (size_t)a.n * sizeof(*a.w));
    lora_release(&a);
    lora_release(&b);
    base_patch_release(&patch);
    base_patch_release(&other);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            test_weight_pairs_of_mlx_that_do_not_fit_are_refused_by_name),
        cmocka_unit_test(
            test_weight_pairs_of_gguf_that_do_not_fit_are_refused_by_name),
        cmocka_unit_test(test_weight_pairs_of_gguf_are_turned_back_for_mistral),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
