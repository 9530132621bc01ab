/* test_peft.c -- PEFT's own folders come in and go out unchanged; what is no
 * plain LoRA of this model is refused by name. */
#include "support/families.h"
#include "support/test.h"

#include <math.h>
#include <string.h>

#include "adapt/params/peft.h"
#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "model/files/safetensors.h"

static void
open_config(struct model_config *cfg, const char *path)
{
    json_t *obj;

    assert_int_equal(json_open(&obj, path, NULL), 0);
    assert_int_equal(config_from_json(cfg, obj, path, NULL), 0);
    json_decref(obj);
}

static void
gpt2_124m(struct model_config *cfg)
{
    json_t *obj = json_pack("{s:s}", "model_type", "gpt2");

    assert_int_equal(config_from_json(cfg, obj, "config.json", NULL), 0);
    json_decref(obj);
}

/* Read, write, compare the whole file of tensors; read what was written. */
static void
round_trip(const char *dir, const struct model_config *cfg)
{
    struct payload_files f, again;
    struct strbuf was = {0};
    struct lora l;
    char *base, *path = path_join(dir, PEFT_WEIGHTS);
    trv_err err;

    if (peft_read(&l, NULL, &base, cfg, dir, false, &err))
        fail_msg("%s", err.msg);
    assert_non_null(base);
    assert_int_equal(peft_encode(&f, &l, cfg, base, NULL), 0);
    assert_int_equal(file_read(&was, path, 1 << 24, NULL), 0);
    assert_int_equal(f.n_weights, was.len);
    assert_memory_equal(f.weights, was.s, was.len);
    lora_release(&l);

    if (peft_parse(&l, NULL, NULL, cfg, "again", f.config, f.n_config,
                   f.weights, f.n_weights, true, &err))
        fail_msg("%s", err.msg);
    assert_int_equal(peft_encode(&again, &l, cfg, base, NULL), 0);
    assert_int_equal(again.n_config, f.n_config);
    assert_memory_equal(again.config, f.config, f.n_config);
    assert_int_equal(again.n_weights, f.n_weights);
    assert_memory_equal(again.weights, f.weights, f.n_weights);
    payload_files_release(&again);
    payload_files_release(&f);
    lora_release(&l);
    sb_release(&was);
    mem_free(base);
    mem_free(path);
}

static void
test_peft_folders_of_each_family_are_rewritten_byte_equal(void **state)
{
    (void)state;
    for (size_t i = 0; test_family(i); i++) {
        struct model_config cfg;
        char path[128];

        snprintf(path, sizeof(path), "golden/models/%s/config.json",
                 test_family(i));
        open_config(&cfg, test_source(path));
        snprintf(path, sizeof(path), "golden/models/%s/adapter",
                 test_family(i));
        round_trip(test_source(path), &cfg);
    }
}

/* Every `from` in n bytes becomes `to`, of the same length. */
static void
swap(char *s, size_t n, const char *from, const char *to)
{
    const size_t len = strlen(from);
    int seen = 0;

    assert_int_equal(strlen(to), len);
    for (size_t i = 0; i + len <= n; i++)
        if (!memcmp(s + i, from, len)) {
            memcpy(s + i, to, len);
            seen++;
        }
    assert_true(seen > 0);
}

/* Of the text of a model that sees, an adapter names other modules, by two
 * layouts; it is read for the text model alone, too, and the other way round. */
static void
test_peft_finds_the_text_of_a_model_that_sees(void **state)
{
    const char *dir = test_source("golden/models/gemma3/adapter");
    struct model_config text, part;
    struct payload_files was, seen, again;
    struct lora l;
    trv_err err = {0};

    (void)state;
    open_config(&text, test_source("golden/models/gemma3/config.json"));
    part = text;
    part.sees = true;
    assert_int_equal(peft_read(&l, NULL, NULL, &text, dir, false, &err), 0);
    assert_int_equal(peft_encode(&was, &l, &text, "base", &err), 0);
    assert_int_equal(peft_encode(&seen, &l, &part, "base", &err), 0);
    lora_release(&l);
    assert_non_null(memmem(seen.weights, seen.n_weights,
                           "base_model.model.model.language_model.layers.0.",
                           47));
    for (int old = 0; old < 2; old++) {
        if (old)
            swap(seen.weights, seen.n_weights, "model.language_model.",
                 "language_model.model.");
        if (peft_parse(&l, NULL, NULL, &text, "seen", seen.config,
                       seen.n_config, seen.weights, seen.n_weights, false,
                       &err))
            fail_msg("%s", err.msg);
        assert_int_equal(peft_encode(&again, &l, &text, "base", &err), 0);
        assert_int_equal(again.n_weights, was.n_weights);
        assert_memory_equal(again.weights, was.weights, was.n_weights);
        payload_files_release(&again);
        lora_release(&l);
    }
    if (peft_parse(&l, NULL, NULL, &part, "was", was.config, was.n_config,
                   was.weights, was.n_weights, false, &err))
        fail_msg("%s", err.msg);
    assert_int_equal(peft_encode(&again, &l, &part, "base", &err), 0);
    assert_int_equal(again.n_config, seen.n_config);
    assert_memory_equal(again.config, seen.config, seen.n_config);
    payload_files_release(&again);
    payload_files_release(&seen);
    payload_files_release(&was);
    lora_release(&l);
}

static void
test_peft_reads_a_real_adapter_without_its_base(void **state)
{
    const char *dir = test_asset("models/adapters/trl-kto_anthropic_hh");
    struct model_config cfg;
    struct lora l;
    char *base;

    (void)state;
    if (!dir)
        skip();
    gpt2_124m(&cfg);
    round_trip(dir, &cfg);
    assert_int_equal(peft_read(&l, NULL, &base, &cfg, dir, true, NULL), 0);
    assert_string_equal(base, "gpt2");
    assert_int_equal(l.n, 12 * 16 * (768 + 2304));
    assert_close(l.dropout, 0.05f, 0.0);
    assert_close(lora_at(&l, 11, PART_QKV)->scale, 1.0, 0.0);
    assert_non_null(lora_at(&l, 11, PART_QKV)->d_b);
    assert_null(lora_at(&l, 11, PART_O)->a);
    mem_free(base);
    lora_release(&l);
}

static json_t *
read_config(const struct payload_files *f)
{
    json_t *obj;

    assert_int_equal(json_parse(&obj, "c", f->config, f->n_config, NULL), 0);
    return obj;
}

/* Writing a LoRA and reading it gives the same one. */
static void
survives(const struct lora *l, const struct model_config *cfg)
{
    struct payload_files f;
    struct lora back;
    trv_err err;

    assert_int_equal(peft_encode(&f, l, cfg, "b", NULL), 0);
    if (peft_parse(&back, NULL, NULL, cfg, "again", f.config, f.n_config,
                   f.weights, f.n_weights, false, &err))
        fail_msg("%s in %s", err.msg, f.config);
    assert_int_equal(back.n, l->n);
    assert_memory_equal(back.w, l->w, (size_t)l->n * sizeof(float));
    for (int64_t i = 0; i < l->layers * PART_COUNT; i++) {
        assert_int_equal(back.pairs[i].rank, l->pairs[i].rank);
        assert_true(back.pairs[i].alpha == l->pairs[i].alpha);
        assert_true(back.pairs[i].scale == l->pairs[i].scale);
    }
    lora_release(&back);
    payload_files_release(&f);
}

static void
test_peft_writes_uneven_loras_that_come_back(void **state)
{
    struct model_config cfg;
    struct lora l;

    (void)state;
    gpt2_124m(&cfg);
    cfg.layers = 12;
    for (int c = 0; c < 4; c++) {
        int64_t ranks[12 * PART_COUNT] = {0};
        double alphas[12 * PART_COUNT] = {0};
        struct payload_files f;
        json_t *obj;

        for (int i = 0; i < 12; i++) {
            int64_t *r = &ranks[i * PART_COUNT];
            double *a = &alphas[i * PART_COUNT];

            r[PART_O] = c == 1 && i < 6 ? 0 : 2; // c_proj, but not the mlp's
            a[PART_O] = 4.0;
            if (c == 2) { // each its own rank and alpha
                r[PART_QKV] = 1 + i;
                a[PART_QKV] = 0.1 + i;
            }
            if (c == 3 && i % 3 == 0) { // other layers than c_proj
                r[PART_UP] = 3;
                a[PART_UP] = 2.5;
            }
        }
        assert_int_equal(lora_init_shaped(&l, &cfg,
                                          &(struct lora_shape){.ranks = ranks,
                                                               .alphas = alphas,
                                                               .rslora = c == 2,
                                                               .dora = c == 1,
                                                               .bias = c == 2},
                                          false, NULL),
                         0);
        for (int64_t i = 0; i < l.n; i++)
            l.w[i] = (float)(i % 1000) * 0.25f - 3.0f;
        survives(&l, &cfg);
        assert_int_equal(peft_encode(&f, &l, &cfg, "b", NULL), 0);
        obj = read_config(&f);
        if (c == 0) {
            const json_t *t = json_object_get(obj, "target_modules");

            assert_int_equal(json_array_size(t), 1);
            assert_string_equal(json_string_value(json_array_get(t, 0)),
                                "attn.c_proj");
        }
        if (c == 1)
            assert_int_equal(
                json_array_size(json_object_get(obj, "layers_to_transform")),
                6);
        json_decref(obj);
        payload_files_release(&f);
        lora_release(&l);
    }
}

/* ---- refusals -------------------------------------------------------- */

/* The golden adapter of tiny GPT-2, with one field changed. */
struct golden {
    struct model_config cfg;
    json_t *config;
    struct strbuf weights;
};

static void
golden_open(struct golden *g)
{
    *g = (struct golden){0};
    open_config(&g->cfg, test_source("golden/models/gpt2/config.json"));
    assert_int_equal(
        json_open(&g->config,
                  test_source("golden/models/gpt2/adapter/" PEFT_CONFIG), NULL),
        0);
    assert_int_equal(
        file_read(&g->weights,
                  test_source("golden/models/gpt2/adapter/" PEFT_WEIGHTS),
                  1 << 20, NULL),
        0);
}

static void
golden_close(struct golden *g)
{
    json_decref(g->config);
    sb_release(&g->weights);
}

static int
golden_parse(struct golden *g, const json_t *config, const void *weights,
             size_t n, trv_err *err)
{
    char *text = json_dumps(config, 0);
    struct base_patch patch;
    struct lora l;
    int rc;

    rc = peft_parse(&l, &patch, NULL, &g->cfg, "dir", text, strlen(text),
                    weights, n, false, err);
    free(text);
    base_patch_release(&patch);
    lora_release(&l);
    return rc;
}

static void
expect(int rc, const trv_err *err, int code, const char *says)
{
    if (rc != code || !strstr(err->msg, says))
        fail_msg("code %d, not %d; '%s' should say '%s'", rc, code, err->msg,
                 says);
}

static void
test_peft_refuses_other_kinds_of_adapter_by_name(void **state)
{
    static const struct {
        const char *patch;
        int code;
        const char *says;
    } cases[] = {
        {"{\"peft_type\": \"LOHA\"}", TRV_EUNSUPPORTED,
         "'LOHA' (LoHa), which is not supported; merge it in PEFT "
         "(merge_and_unload()"},
        {"{\"peft_type\": \"VERA\"}", TRV_EUNSUPPORTED, "VeRA"},
        {"{\"peft_type\": \"XLORA\"}", TRV_EUNSUPPORTED, "'XLORA'"},
        {"{\"peft_type\": \"PREFIX_TUNING\"}", TRV_EUNSUPPORTED,
         "'PREFIX_TUNING'"},
        {"{\"peft_type\": null}", TRV_EFORMAT, "peft_type"},
        {"{\"use_dora\": true}", TRV_EFORMAT,
         "lacks the tensor 'base_model.model.transformer.h.0.attn.c_attn."
         "lora_magnitude_vector'"},
        {"{\"use_dora\": true, \"lora_bias\": true}", TRV_EFORMAT,
         "exclude each other"},
        {"{\"bias\": \"some\"}", TRV_EFORMAT, "'some'"},
        {"{\"lora_bias\": true}", TRV_EFORMAT, "c_attn.lora_B.bias"},
        {"{\"modules_to_save\": [\"lm_head\"]}", TRV_EFORMAT,
         "names 'lm_head', but"},
        {"{\"modules_to_save\": \"lm_head\"}", TRV_EFORMAT, "is no list"},
        {"{\"modules_to_save\": [3]}", TRV_EFORMAT, "modules_to_save"},
        {"{\"trainable_token_indices\": [1]}", TRV_EFORMAT,
         "has none of 'transformer.wte'"},
        {"{\"trainable_token_indices\": 1}", TRV_EFORMAT,
         "neither a list nor an object"},
        {"{\"target_modules\": [\"wte\", \"c_attn\", \"c_fc\", "
         "\"c_proj\"]}",
         TRV_EFORMAT, "transformer.wte.lora_embedding_A"},
        {"{\"megatron_config\": {\"x\": 1}}", TRV_EUNSUPPORTED, "Megatron"},
        {"{\"bias\": \"all\"}", 0, ""},
        {"{\"bias\": \"lora_only\"}", 0, ""},
        {"{\"layer_replication\": [[0, 2]]}", TRV_EUNSUPPORTED,
         "layer_replication"},
        {"{\"target_parameters\": [\"x\"]}", TRV_EUNSUPPORTED,
         "target_parameters"},
        {"{\"use_qalora\": true}", TRV_EUNSUPPORTED, "QALoRA"},
        {"{\"alora_invocation_tokens\": [1]}", TRV_EUNSUPPORTED,
         "activated LoRA"},
        {"{\"init_lora_weights\": \"pissa_niter_4\"}", TRV_EUNSUPPORTED,
         "path_initial_model_for_weight_conversion"},
        {"{\"init_lora_weights\": \"olora\"}", TRV_EUNSUPPORTED, "'olora'"},
        {"{\"init_lora_weights\": \"eva\"}", 0, ""},
        {"{\"task_type\": \"SEQ_CLS\"}", TRV_EUNSUPPORTED, "'SEQ_CLS'"},
        {"{\"target_modules\": [\"q_proj\"]}", TRV_EMISMATCH,
         "no linear layer of a gpt2 model"},
        {"{\"target_modules\": [\"c_attn\"]}", TRV_EFORMAT, "does not target"},
        {"{\"r\": 8}", TRV_EMISMATCH, "[4, 32]"},
        {"{\"r\": 8}", TRV_EMISMATCH, "[8, 32]"},
        {"{\"r\": 1000}", TRV_ERANGE, "1000"},
        {"{\"r\": \"4\"}", TRV_EFORMAT, "'r'"},
        {"{\"lora_dropout\": 1.5}", TRV_EFORMAT, "lora_dropout"},
        {"{\"init_lora_weights\": \"gaussian\", \"use_rslora\": true, "
         "\"lora_bias\": false, \"modules_to_save\": []}",
         0, ""},
    };
    struct golden g;

    (void)state;
    golden_open(&g);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        json_t *config = json_copy(g.config);
        json_t *patch = json_loads(cases[i].patch, 0, NULL);
        trv_err err = {0};

        assert_int_equal(json_object_update(config, patch), 0);
        expect(golden_parse(&g, config, g.weights.s, g.weights.len, &err), &err,
               cases[i].code, cases[i].says);
        json_decref(patch);
        json_decref(config);
    }
    golden_close(&g);
}

/* The golden tensors, changed by hand and serialised again. */
static int
with_tensors(struct golden *g, void (*change)(struct tensor *t, int64_t *n),
             trv_err *err)
{
    struct tensor t[64];
    struct st_file st;
    char *bytes;
    size_t size;
    int64_t n;
    int rc;

    assert_int_equal(st_parse(&st, "g", g->weights.s, g->weights.len, NULL), 0);
    n = st.n;
    assert_true(n < 60);
    memcpy(t, st.tensors, (size_t)n * sizeof(t[0]));
    change(t, &n);
    assert_int_equal(st_serialise(&bytes, &size, t, n, NULL, NULL), 0);
    rc = golden_parse(g, g->config, bytes, size, err);
    mem_free(bytes);
    st_release(&st);
    return rc;
}

static struct tensor *
find(struct tensor *t, int64_t n, const char *name)
{
    for (int64_t i = 0; i < n; i++) {
        if (strstr(t[i].name, name))
            return &t[i];
    }
    fail_msg("no tensor '%s'", name);
    return NULL;
}

static void
drop_b(struct tensor *t, int64_t *n)
{
    *find(t, *n, "h.1.mlp.c_fc.lora_B") = t[*n - 1];
    --*n;
}

static void
drop_pair(struct tensor *t, int64_t *n)
{
    drop_b(t, n);
    *find(t, *n, "h.1.mlp.c_fc.lora_A") = t[*n - 1];
    --*n;
}

static void
transpose(struct tensor *t, int64_t *n)
{
    struct tensor *x = find(t, *n, "h.0.attn.c_attn.lora_B");
    const int64_t d = x->dim[0];

    x->dim[0] = x->dim[1];
    x->dim[1] = d;
}

static void
deeper(struct tensor *t, int64_t *n)
{
    find(t, *n, "h.1.mlp.c_fc.lora_B")->name =
        "base_model.model.transformer.h.2.mlp.c_fc.lora_B.weight";
}

static void
head(struct tensor *t, int64_t *n)
{
    find(t, *n, "h.1.mlp.c_fc.lora_B")->name =
        "base_model.model.lm_head.lora_B.weight";
}

static void
magnitude(struct tensor *t, int64_t *n)
{
    find(t, *n, "h.1.mlp.c_fc.lora_B")->name =
        "base_model.model.transformer.h.1.mlp.c_fc.lora_magnitude_vector";
}

static void
stranger(struct tensor *t, int64_t *n)
{
    find(t, *n, "h.1.mlp.c_fc.lora_B")->name = "mystery.weight";
}

static void
nameless(struct tensor *t, int64_t *n)
{
    find(t, *n, "h.1.mlp.c_fc.lora_B")->name = "mystery";
}

static void
resized(struct tensor *t, int64_t *n)
{
    find(t, *n, "h.1.mlp.c_fc.lora_B")->name =
        "base_model.model.transformer.wte.weight";
}

static void
twice(struct tensor *t, int64_t *n)
{
    t[*n] = *find(t, *n, "h.1.mlp.c_fc.lora_B");
    t[(*n)++].name =
        "base_model.model.transformer.h.1.mlp.c_fc.lora_B.default.weight";
}

static void
biased(struct tensor *t, int64_t *n)
{
    struct tensor *x = find(t, *n, "h.1.mlp.c_fc.lora_B");

    t[*n] = *x;
    t[(*n)++].name = "base_model.model.transformer.h.1.mlp.c_fc.lora_B.bias";
}

static void
loha(struct tensor *t, int64_t *n)
{
    find(t, *n, "h.1.mlp.c_fc.lora_B")->name =
        "base_model.model.transformer.h.1.mlp.c_fc.hada_w1_a";
}

static void
empty(struct tensor *t, int64_t *n)
{
    (void)t;
    *n = 0;
}

static void
test_peft_refuses_tensors_that_do_not_fit_by_name(void **state)
{
    static const struct {
        void (*change)(struct tensor *, int64_t *);
        int code;
        const char *says[3];
    } cases[] = {
        {drop_b,
         TRV_EFORMAT,
         {"without its other half", "h.1.mlp.c_fc.lora_B.weight",
          "adapter_model.safetensors"}},
        {drop_pair,
         TRV_EFORMAT,
         {"targets 'transformer.h.1.mlp.c_fc'", "lacks", "lora_A"}},
        {transpose,
         TRV_EMISMATCH,
         {"h.0.attn.c_attn.lora_B.weight", "[4, 96]", "[96, 4]"}},
        {deeper,
         TRV_EMISMATCH,
         {"transformer.h.2.mlp.c_fc", "2 layers", "adapter_model"}},
        {head, TRV_EFORMAT, {"lm_head", "does not target", "lora_B"}},
        {magnitude, TRV_EFORMAT, {"DoRA", "magnitude", "use_dora"}},
        {stranger, TRV_EFORMAT, {"'mystery.weight'", "no half", "no tensor"}},
        {nameless, TRV_EFORMAT, {"'mystery'", "no half", "no tensor"}},
        {resized, TRV_EMISMATCH, {"wte", "112 rows", "resized"}},
        {twice, TRV_EFORMAT, {"twice", "c_fc.lora_B", "adapter"}},
        {biased, TRV_EFORMAT, {"is a bias of a pair", "lora_bias", "c_fc"}},
        {loha, TRV_EUNSUPPORTED, {"is LoHa", "merge", "c_fc"}},
        {empty, TRV_EFORMAT, {"lacks the tensor", "targets", "'"}},
    };
    struct golden g;

    (void)state;
    golden_open(&g);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        trv_err err = {0};
        const int rc = with_tensors(&g, cases[i].change, &err);

        for (int k = 0; k < 3; k++)
            expect(rc, &err, cases[i].code, cases[i].says[k]);
    }
    golden_close(&g);
}

static void
test_peft_refuses_values_that_are_not_finite(void **state)
{
    struct golden g;
    trv_err err = {0};
    const float nan = NAN;

    (void)state;
    golden_open(&g);
    memcpy(g.weights.s + g.weights.len - 4, &nan, 4);
    expect(golden_parse(&g, g.config, g.weights.s, g.weights.len, &err), &err,
           TRV_ENONFINITE, "h.1.mlp.c_proj.lora_B.weight");
    golden_close(&g);
}

static void
test_peft_writes_nothing_that_is_not_finite(void **state)
{
    struct model_config cfg;
    struct payload_files f;
    struct lora l;
    trv_err err = {0};

    (void)state;
    open_config(&cfg, test_source("golden/models/gpt2/config.json"));
    assert_int_equal(peft_read(&l, NULL, NULL, &cfg,
                               test_source("golden/models/gpt2/adapter"), false,
                               NULL),
                     0);
    l.w[7] = INFINITY;
    expect(peft_encode(&f, &l, &cfg, "b", &err), &err, TRV_ENONFINITE,
           "h.0.attn.c_attn.lora_A.weight");
    assert_null(f.config);
    lora_release(&l);
}

static void
test_peft_says_which_file_is_missing(void **state)
{
    char dir[256];
    struct model_config cfg;
    struct lora l;
    char *path;
    trv_err err = {0};

    (void)state;
    gpt2_124m(&cfg);
    snprintf(dir, sizeof(dir), "%s", test_tmpdir("peft-missing"));
    assert_false(peft_is(dir));
    expect(peft_read(&l, NULL, NULL, &cfg, dir, false, &err), &err, TRV_EIO,
           PEFT_CONFIG);
    path = path_join(dir, PEFT_CONFIG);
    assert_int_equal(file_write_atomic(path, "{}", 2, NULL), 0);
    assert_true(peft_is(dir));
    expect(peft_read(&l, NULL, NULL, &cfg, dir, false, &err), &err, TRV_EIO,
           PEFT_WEIGHTS);
    mem_free(path);
    path = path_join(dir, "adapter_model.bin");
    assert_int_equal(file_write_atomic(path, "PK", 2, NULL), 0);
    expect(peft_read(&l, NULL, NULL, &cfg, dir, false, &err), &err,
           TRV_EUNSUPPORTED, "pickle");
    mem_free(path);
}

static void
test_peft_survives_every_failed_allocation(void **state)
{
    const char *dir = test_source("golden/models/gpt2/adapter");
    struct model_config cfg;

    (void)state;
    open_config(&cfg, test_source("golden/models/gpt2/config.json"));
    for (int64_t n = 0; n < 2000; n++) {
        const int64_t live = mem_stats_get().live_bytes;
        struct payload_files f = {0};
        struct lora l;
        char *base;
        int rc;

        mem_fail_after(n);
        rc = peft_read(&l, NULL, &base, &cfg, dir, true, NULL);
        if (!rc)
            rc = peft_encode(&f, &l, &cfg, base, NULL);
        mem_fail_after(-1);
        mem_free(base);
        lora_release(&l);
        payload_files_release(&f);
        assert_int_equal(mem_stats_get().live_bytes, live);
        if (!rc)
            return;
        assert_int_equal(rc, TRV_ENOMEM);
    }
    fail_msg("never passed");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            test_peft_folders_of_each_family_are_rewritten_byte_equal),
        cmocka_unit_test(test_peft_finds_the_text_of_a_model_that_sees),
        cmocka_unit_test(test_peft_reads_a_real_adapter_without_its_base),
        cmocka_unit_test(test_peft_writes_uneven_loras_that_come_back),
        cmocka_unit_test(test_peft_refuses_other_kinds_of_adapter_by_name),
        cmocka_unit_test(test_peft_refuses_tensors_that_do_not_fit_by_name),
        cmocka_unit_test(test_peft_refuses_values_that_are_not_finite),
        cmocka_unit_test(test_peft_writes_nothing_that_is_not_finite),
        cmocka_unit_test(test_peft_says_which_file_is_missing),
        cmocka_unit_test(test_peft_survives_every_failed_allocation),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
