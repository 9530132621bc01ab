/* test_fisher.c -- the metric of the stream against differences: with one
 * position it is g g^T, and g is how fast the answer's log-probability moves
 * when the stream is pushed after a half layer.
 */
#include "support/test.h"

#include <math.h>
#include <string.h>

#include "base/rng.h"
#include "model/decoder/head.h"
#include "transform/imitate/fisher.h"

#define T 6
#define TARGET 17

struct fixture {
    struct model *m;
    struct backend *be;
    struct decoder *d;
    struct arena a;
    struct batch b;
    int64_t predicts;
};

static void
must(int rc, const trv_err *err)
{
    if (rc)
        fail_msg("%s", err->msg);
}

static void
open_fixture(struct fixture *f, const char *family)
{
    static const int32_t ids[T] = {3, 14, 15, 9, 26, 5};
    const struct backend_options be = {.isa = "ref", .prec = PREC_F32};
    const struct row row = {ids, T, NULL};
    const int64_t *const *at;
    char rel[128];
    trv_err err = {0};

    memset(f, 0, sizeof(*f));
    snprintf(rel, sizeof(rel), "golden/models/%s", family);
    must(model_open(&f->m, test_source(rel), &err), &err);
    must(backend_open(&f->be, &be, &err), &err);
    must(decoder_open(&f->d, f->m, f->be, &err), &err);
    must(batch_pack(&f->b, &at, &f->a, &row, 1, &err), &err);
    f->predicts = at[0][T - 1];
}

static void
close_fixture(struct fixture *f)
{
    decoder_free(f->d);
    arena_release(&f->a);
    model_free(f->m);
    backend_free(f->be);
}

/* log p(TARGET) where the last token's stream is pushed by h v after `half`. */
static double
pushed(struct fixture *f, int64_t half, const double *v, double h)
{
    const int64_t C = f->d->cfg->width, halves = 2 * f->d->cfg->layers;
    const struct arena_mark mark = arena_mark(&f->a);
    struct mat x = mat_new(&f->a, DT_F32, T, C), entered;
    struct mat hidden = mat_new(&f->a, DT_F32, T, C);
    float *last = (float *)x.data + f->predicts * C, logp;
    const int32_t target = TARGET;
    trv_err err = {0};

    must(decoder_embed(f->d, &f->a, x, &f->b, &err), &err);
    for (int64_t i = 0; i < halves; i++) {
        must(decoder_half(f->d, &f->a, x, &entered, i / 2,
                          i % 2 ? MAP_DOWN : MAP_O, &f->b, &err),
             &err);
        for (int64_t c = 0; i == half && c < C; c++)
            last[c] += (float)(h * v[c]);
    }
    f->be->ops->norm_forward(f->be, hidden, NULL, x, f->d->norm_w.v,
                             f->d->norm_b.v, (float)f->d->cfg->norm_eps,
                             f->d->cfg->rms);
    must(head_logprobs(f->d, &f->a, &logp, NULL,
                       (struct head_rows){hidden, &f->predicts}, &target, 1,
                       NULL, (struct mat){0}, &err),
         &err);
    arena_rewind(&f->a, mark);
    return (double)logp;
}

static void
check_family(const char *family)
{
    struct fixture f;
    struct fisher fisher;
    const int32_t target = TARGET;
    trv_err err = {0};
    struct rng r;
    double v[64];
    int64_t C;

    open_fixture(&f, family);
    C = f.d->cfg->width;
    assert_true(C <= 64);
    must(fisher_init(&fisher, f.d->cfg, &err), &err);
    must(fisher_add(&fisher, f.d, &f.a, &f.b, &f.predicts, &target, 1, &err),
         &err);
    rng_init(&r, 1, 1);
    for (int64_t half = 0; half < fisher.halves; half++) {
        const double *sum = fisher.sums + half * C * C;
        double got = 0, slope, norm = 0;

        for (int64_t c = 0; c < C; c++) {
            v[c] = rng_normal(&r);
            norm += v[c] * v[c];
        }
        for (int64_t c = 0; c < C; c++)
            v[c] /= sqrt(norm);
        for (int64_t i = 0; i < C; i++)
            for (int64_t j = 0; j < C; j++)
                got += v[i] * v[j] * sum[i * C + j];
        /* f32 rounding of log p, about 1e-6, over 2h; truncation of h^2 */
        slope = (pushed(&f, half, v, 0.01) - pushed(&f, half, v, -0.01)) / 0.02;
        assert_close(sqrt(got), fabs(slope), 2e-3 * (1 + fabs(slope)));
    }
    fisher_release(&fisher);
    close_fixture(&f);
}

static void
test_fisher_is_the_square_of_the_slope_at_every_half_layer(void **state)
{
    (void)state;
    check_family("gpt2");
    check_family("llama");
    check_family("qwen3");
}

static void
test_fisher_metric_has_a_mean_diagonal_of_one_and_its_floor(void **state)
{
    struct fixture f;
    struct fisher fisher;
    const int32_t target = TARGET;
    trv_err err = {0};
    const double *m;
    double trace = 0;
    int64_t C;

    (void)state;
    open_fixture(&f, "llama");
    C = f.d->cfg->width;
    must(fisher_init(&fisher, f.d->cfg, &err), &err);
    m = fisher_metric(&fisher, 0, MAP_O, 0.25); // nothing gathered: the unit
    for (int64_t i = 0; i < C * C; i++)
        assert_close(m[i], i % (C + 1) == 0, 0.0);
    must(fisher_add(&fisher, f.d, &f.a, &f.b, &f.predicts, &target, 1, &err),
         &err);
    m = fisher_metric(&fisher, 1, MAP_DOWN, 0.25);
    for (int64_t i = 0; i < C; i++) {
        trace += m[i * C + i];
        for (int64_t j = 0; j < i; j++)
            assert_close(m[i * C + j], m[j * C + i], 1e-6 * (double)C);
    }
    assert_close(trace / (double)C, 1.25, 1e-9);
    fisher_release(&fisher);
    close_fixture(&f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            test_fisher_is_the_square_of_the_slope_at_every_half_layer),
        cmocka_unit_test(
            test_fisher_metric_has_a_mean_diagonal_of_one_and_its_floor),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
