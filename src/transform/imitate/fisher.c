/* fisher.c -- outer products of the stream's gradients. */
#include "transform/imitate/fisher.h"

#include "model/decoder/head.h"

int
fisher_init(struct fisher *f, const struct model_config *cfg, trv_err *err)
{
    const size_t square = (size_t)(cfg->width * cfg->width);

    *f = (struct fisher){.width = cfg->width, .halves = 2 * cfg->layers};
    f->sums = mem_calloc((size_t)f->halves, square * sizeof(double));
    f->metric = mem_array(square, sizeof(double));
    if (f->sums && f->metric)
        return 0;
    fisher_release(f);
    return err_fail(err, TRV_ENOMEM, "no memory for a metric of the stream");
}

void
fisher_release(struct fisher *f)
{
    mem_free(f->sums);
    mem_free(f->metric);
    *f = (struct fisher){0};
}

static double *
sums_of(const struct fisher *f, int64_t layer, enum dec_map map)
{
    return f->sums + (2 * layer + (map == MAP_DOWN)) * f->width * f->width;
}

struct taking {
    struct fisher *f;
    struct backend *be;
    struct arena *a;
    const int64_t *predicts;
    struct mat g;     // [n,C]
    struct mat outer; // [C,C]
    bool failed;      // for want of memory
};

static void
take(void *payload, int64_t layer, enum dec_map map, struct mat dx)
{
    struct taking *t = payload;
    const int64_t C = t->f->width;
    double *sum = sums_of(t->f, layer, map);
    const float *outer;

    t->be->ops->gather(t->be, t->g, dx, t->predicts);
    t->be->ops->matmul(t->be, t->outer, t->g, true, t->g, false, 1.0f, 0.0f);
    outer = backend_fetch(t->be, t->a, t->outer).data;
    if (!outer) {
        t->failed = true;
        return;
    }
    for (int64_t i = 0; i < C * C; i++)
        sum[i] += (double)outer[i];
}

int
fisher_add(struct fisher *f, struct decoder *d, struct arena *a,
           const struct batch *b, const int64_t *predicts,
           const int32_t *target, int64_t n, trv_err *err)
{
    const int64_t C = f->width;
    struct taking t = {.f = f,
                       .be = d->be,
                       .a = a,
                       .predicts = predicts,
                       .g = mat_new(a, DT_F32, n, C),
                       .outer = mat_new(a, DT_F32, C, C)};
    struct saved save = {.on_stream = take, .payload = &t};
    struct mat dh = mat_new(a, DT_F32, b->T, C), hidden;
    float *logp = arena_f32(a, n, 1), *ones = arena_f32(a, n, 1);
    int rc;

    if (!t.g.data || !t.outer.data || !dh.data || !logp || !ones)
        return err_fail(err, TRV_ENOMEM,
                        "no memory for a metric of the stream");
    d->be->ops->zero(d->be, dh);
    for (int64_t k = 0; k < n; k++)
        ones[k] = 1.0f;
    rc = decoder_forward(d, a, &hidden, b, NULL, &save, err);
    if (!rc)
        rc = head_logprobs(d, a, logp, NULL,
                           (struct head_rows){hidden, predicts}, target, n,
                           ones, dh, err);
    if (!rc)
        rc = decoder_backward(d, a, dh, b, &save, err);
    if (!rc && t.failed)
        rc = err_fail(err, TRV_ENOMEM, "no memory for a metric of the stream");
    f->n += n;
    return rc;
}

const double *
fisher_metric(struct fisher *f, int64_t layer, enum dec_map map, double floor)
{
    const int64_t C = f->width;
    const double *sum = sums_of(f, layer, map);
    double trace = 0.0;

    for (int64_t i = 0; i < C; i++)
        trace += sum[i * C + i];
    for (int64_t i = 0; i < C * C; i++)
        f->metric[i] = trace > 0.0 ? sum[i] * (double)C / trace : 0.0;
    for (int64_t i = 0; i < C; i++)
        f->metric[i * C + i] += trace > 0.0 ? floor : 1.0;
    return f->metric;
}
