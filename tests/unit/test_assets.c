/* test_assets.c -- the project's own model and the real ones of the assets
 * against transformers: f32 logits within 1e-4 of the largest, bf16 within 1e-3
 * nat; of a quantised file, log-probabilities in f32 within 1e-3 nat. */
#include "support/test.h"

#include <math.h>
#include <string.h>

#include "base/json.h"
#include "model/decoder/decoder.h"
#include "model/decoder/head.h"
#include "model/files/safetensors.h"

static void
must(int rc, const trv_err *err)
{
    if (rc)
        fail_msg("%s", err->msg);
}

/* Compare one model's logits in one precision. */
static void
check_model(const char *path, const char *name, enum precision prec)
{
    const struct backend_options opts = {.prec = prec};
    char rel[128];
    struct model *m;
    struct backend *be;
    struct decoder *d;
    struct st_file golden;
    struct arena a = {0};
    const struct tensor *t;
    const int64_t *const *at;
    float ids_f[64], at_f[64];
    int32_t ids[64];
    int64_t where[64], n, P, V;
    struct row row;
    struct batch b;
    struct mat hidden, got, want;
    float kl[64];
    double worst = 0, top = 0, sum = 0;
    trv_err err = {0};

    must(model_open(&m, path, &err), &err);
    must(backend_open(&be, &opts, &err), &err);
    must(decoder_open(&d, m, be, &err), &err);
    snprintf(rel, sizeof(rel), "golden/assets/%s.safetensors", name);
    must(st_open(&golden, test_source(rel), &err), &err);
    t = st_find(&golden, "ids");
    n = tensor_cols(t);
    assert_in_range(n, 1, 64);
    tensor_rows_f32(ids_f, t, 0, 1);
    t = st_find(&golden, "at");
    P = tensor_cols(t);
    assert_in_range(P, 1, 64);
    tensor_rows_f32(at_f, t, 0, 1);
    t = st_find(&golden, "logits");
    V = tensor_cols(t);
    assert_int_equal(V, m->cfg.vocab);
    for (int64_t i = 0; i < n; i++)
        ids[i] = (int32_t)ids_f[i];
    row = (struct row){ids, n, NULL};
    must(batch_pack(&b, &at, &a, &row, 1, &err), &err);
    must(decoder_forward(d, &a, &hidden, &b, NULL, NULL, &err), &err);
    for (int64_t i = 0; i < P; i++)
        where[i] = at[0][(int64_t)at_f[i]];
    got = mat_new(&a, DT_F32, P, V);
    want = mat_new(&a, DT_F32, P, V);
    tensor_rows_f32(want.data, t, 0, P);
    must(head_logits(d, &a, got, (struct head_rows){hidden, where}, P, &err),
         &err);
    for (int64_t i = 0; i < P * V; i++) {
        const double w = (double)((const float *)want.data)[i];

        top = fmax(top, fabs(w));
        worst = fmax(worst, fabs((double)((const float *)got.data)[i] - w));
    }
    be->ops->divergence(be, kl, want, got, DIV_FORWARD, NULL);
    for (int64_t i = 0; i < P; i++)
        sum += (double)kl[i];
    print_message("%s %s: logits off by %.2g of %.3g, KL %.2g nat\n", name,
                  prec == PREC_F32 ? "f32" : "bf16", worst, top,
                  sum / (double)P);
    if (prec == PREC_F32)
        assert_true(worst <= 1e-4 * top);
    assert_true(sum / (double)P < 1e-3);
    arena_release(&a);
    st_release(&golden);
    decoder_free(d);
    backend_free(be);
    model_free(m);
}

/* false where it is absent. */
static bool
check_asset(const char *name, enum precision prec)
{
    char rel[128];
    const char *path;

    snprintf(rel, sizeof(rel), "models/%s", name);
    path = test_asset(rel);
    if (path)
        check_model(path, name, prec);
    return path != NULL;
}

static void
test_assets_own_model_equals_transformers(void **state)
{
    (void)state;
    for (int p = PREC_F32; p <= PREC_BF16; p++)
        check_model(test_source("../models/nano"), "nano", (enum precision)p);
}

static void
test_assets_logits_equal_transformers(void **state)
{
    (void)state;
    for (int p = PREC_F32; p <= PREC_BF16; p++)
        if (!check_asset("tinystories-instruct-3m-chat", (enum precision)p) ||
            !check_asset("tinystories-656k", (enum precision)p))
            skip();
}

/* Log-probability of ids[i + 1] at i, in double. */
static double
log_prob(const float *logits, int64_t V, int32_t id)
{
    double top = -HUGE_VAL, sum = 0;

    for (int64_t k = 0; k < V; k++)
        top = fmax(top, (double)logits[k]);
    for (int64_t k = 0; k < V; k++)
        sum += exp((double)logits[k] - top);
    return (double)logits[id] - top - log(sum);
}

/* The ids of the golden text, cut to as many as the file has. */
static int64_t
golden_ids(int32_t ids[64], const struct model *m, const json_t *golden)
{
    const json_t *list = json_object_get(golden, "ids");
    const char *text = json_string_value(json_object_get(golden, "text"));
    const int64_t n = (int64_t)json_array_size(list);
    struct ids all = {0};

    assert_int_equal(n, 64);
    assert_int_equal(
        tokenizer_encode(m->tokenizer, &all, text, strlen(text), false, NULL),
        0);
    assert_true(all.n >= n);
    for (int64_t i = 0; i < n; i++) {
        ids[i] = all.v[i];
        assert_int_equal(ids[i],
                         json_integer_value(json_array_get(list, (size_t)i)));
    }
    ids_release(&all);
    return n;
}

static void
test_assets_quantised_model_equals_transformers(void **state)
{
    const struct backend_options opts = {.prec = PREC_F32};
    const char *path = test_asset("models/smollm2-135m-instruct-gguf/"
                                  "SmolLM2-135M-Instruct.Q4_1.gguf");
    const char *file = test_source("golden/assets/smollm2.json");
    const int64_t *const *at;
    struct arena a = {0};
    struct backend *be;
    struct decoder *d;
    struct model *m;
    struct batch b;
    struct mat hidden, logits;
    struct row row;
    int32_t ids[64];
    double worst = 0;
    const json_t *want;
    json_t *golden;
    int64_t V;
    trv_err err = {0};

    (void)state;
    if (!path)
        skip();
    must(json_open(&golden, file, &err), &err);
    must(model_open(&m, path, &err), &err);
    must(backend_open(&be, &opts, &err), &err);
    must(decoder_open(&d, m, be, &err), &err);
    row = (struct row){ids, golden_ids(ids, m, golden), NULL};
    must(batch_pack(&b, &at, &a, &row, 1, &err), &err);
    must(decoder_forward(d, &a, &hidden, &b, NULL, NULL, &err), &err);
    V = m->cfg.vocab;
    logits = mat_new(&a, DT_F32, 64, V);
    must(
        head_logits(d, &a, logits, (struct head_rows){hidden, at[0]}, 64, &err),
        &err);
    want = json_object_get(golden, "logprobs");
    for (int64_t i = 0; i < 63; i++)
        worst = fmax(
            worst,
            fabs(log_prob((const float *)logits.data + i * V, V, ids[i + 1]) -
                 json_number_value(json_array_get(want, (size_t)i))));
    print_message("SmolLM2 Q4_1: log-probabilities off by %.2g nat\n", worst);
    assert_true(worst < 1e-3);
    json_decref(golden);
    arena_release(&a);
    decoder_free(d);
    backend_free(be);
    model_free(m);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_assets_own_model_equals_transformers),
        cmocka_unit_test(test_assets_logits_equal_transformers),
        cmocka_unit_test(test_assets_quantised_model_equals_transformers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
