/* test_assets.c -- the project's own model and the two real ones of the assets
 * against transformers: f32 logits within 1e-4 of the largest, bf16 within 1e-3
 * nat. */
#include "support/test.h"

#include <math.h>

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

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_assets_own_model_equals_transformers),
        cmocka_unit_test(test_assets_logits_equal_transformers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
