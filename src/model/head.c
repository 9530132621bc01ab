/* head.c -- logits, log-probabilities and divergences in chunks. */
#include "model/head.h"

#include <string.h>

/* Positions of one chunk: 24 MB of logits, at least 16 and at most 512. */
static int64_t
chunk_rows(const struct decoder *d)
{
    const int64_t n = ((int64_t)6 << 20) / d->cfg->vocab / 16 * 16;

    return n < 16 ? 16 : n > 512 ? 512 : n;
}

static void
gather(struct mat out, struct head_rows x, int64_t from, int64_t n)
{
    const size_t size = x.hidden.type == DT_F32 ? 4 : 2;
    const size_t row = (size_t)x.hidden.cols * size;

    for (int64_t i = 0; i < n; i++)
        memcpy((char *)out.data + (size_t)i * row,
               (const char *)x.hidden.data +
                   (size_t)(x.at[from + i] * x.hidden.ld) * size,
               row);
}

static void
scatter_add(struct mat d_hidden, const int64_t *at, struct mat d_rows)
{
    for (int64_t i = 0; i < d_rows.rows; i++) {
        const float *src = (const float *)d_rows.data + i * d_rows.ld;
        float *dst = (float *)d_hidden.data + at[i] * d_hidden.ld;

        for (int64_t c = 0; c < d_rows.cols; c++)
            dst[c] += src[c];
    }
}

/* One chunk's buffers: two of each where two distributions meet. */
struct chunk {
    struct mat hidden, logits, d_rows, act;
};

static int
chunk_new(struct chunk *c, struct arena *a, const struct decoder *d, int64_t n,
          bool grad, trv_err *err)
{
    const int64_t C = d->cfg->width, V = d->cfg->vocab;

    *c = (struct chunk){0};
    c->hidden = mat_new(a, d->be->act_type, n, C);
    c->logits = mat_new(a, DT_F32, n, V);
    if (grad) {
        c->d_rows = mat_new(a, DT_F32, n, C);
        c->act = mat_new(a, d->be->act_type, n, V);
    }
    if (!c->hidden.data || !c->logits.data ||
        (grad && (!c->d_rows.data || !c->act.data)))
        return err_fail(err, TRV_ENOMEM, "no memory for %lld rows of logits",
                        (long long)n);
    return 0;
}

static struct mat
top_rows(struct mat m, int64_t n)
{
    return mat_part(m, 0, n, 0, m.cols);
}

static void
chunk_logits(struct decoder *d, const struct chunk *c, struct head_rows x,
             int64_t from, int64_t n)
{
    gather(c->hidden, x, from, n);
    d->be->ops->linear_forward(d->be, top_rows(c->logits, n),
                               top_rows(c->hidden, n), &d->head.lin, NULL,
                               0.0f);
    d->flop += 2.0 * (double)n * (double)(d->cfg->width * d->cfg->vocab);
}

/* The gradient that stands in c->logits goes to the hidden states. */
static void
chunk_backward(struct decoder *d, const struct chunk *c, struct mat d_hidden,
               const int64_t *at, int64_t n)
{
    const struct backend_ops *ops = d->be->ops;
    const struct mat d_rows = top_rows(c->d_rows, n);
    struct mat g = top_rows(c->logits, n);

    if (d->be->act_type != DT_F32) {
        ops->cast(d->be, top_rows(c->act, n), g);
        g = top_rows(c->act, n);
    }
    ops->linear_backward(d->be, d_rows, g, &d->head.lin, 0.0f);
    scatter_add(d_hidden, at, d_rows);
    if (d->head.d_w)
        ops->matmul(d->be, mat_f32(d->head.d_w, d->cfg->vocab, d->cfg->width),
                    g, true, top_rows(c->hidden, n), false, 1.0f, 1.0f);
    d->flop += 2.0 * (double)n * (double)(d->cfg->width * d->cfg->vocab);
}

int
head_logits(struct decoder *d, struct arena *a, struct mat logits,
            struct head_rows x, int64_t n, trv_err *err)
{
    const struct arena_mark mark = arena_mark(a);
    struct chunk c = {.hidden = mat_new(a, d->be->act_type, n, d->cfg->width),
                      .logits = logits};

    if (!c.hidden.data)
        return err_fail(err, TRV_ENOMEM, "no memory for %lld rows of logits",
                        (long long)n);
    chunk_logits(d, &c, x, 0, n);
    arena_rewind(a, mark);
    return 0;
}

int
head_logprobs(struct decoder *d, struct arena *a, float *logp, int32_t *top,
              struct head_rows x, const int32_t *target, int64_t n,
              const float *coef, struct mat d_hidden, trv_err *err)
{
    const struct arena_mark mark = arena_mark(a);
    const int64_t step = chunk_rows(d) < n ? chunk_rows(d) : n;
    struct chunk c;
    int rc;

    if (n == 0)
        return 0;
    rc = chunk_new(&c, a, d, step, coef != NULL, err);
    if (rc)
        return rc;
    for (int64_t i = 0; i < n; i += step) {
        const int64_t m = n - i < step ? n - i : step;

        chunk_logits(d, &c, x, i, m);
        d->be->ops->xent(d->be, logp + i, top ? top + i : NULL,
                         top_rows(c.logits, m), target + i,
                         coef ? coef + i : NULL);
        if (coef)
            chunk_backward(d, &c, d_hidden, x.at + i, m);
    }
    arena_rewind(a, mark);
    return 0;
}

static int
compare_tops(struct decoder *d, struct arena *a, unsigned char *agree,
             struct mat la, struct mat lb, trv_err *err)
{
    const struct arena_mark mark = arena_mark(a);
    const int64_t n = la.rows;
    float *unused = arena_f32(a, n, 1);
    int32_t *none = arena_alloc(a, (size_t)n * sizeof(*none));
    int32_t *top_a = arena_alloc(a, (size_t)n * sizeof(*top_a));
    int32_t *top_b = arena_alloc(a, (size_t)n * sizeof(*top_b));

    if (!unused || !none || !top_a || !top_b)
        return err_fail(err, TRV_ENOMEM, "no memory to compare %lld rows",
                        (long long)n);
    for (int64_t i = 0; i < n; i++)
        none[i] = -1;
    d->be->ops->xent(d->be, unused, top_a, la, none, NULL);
    d->be->ops->xent(d->be, unused, top_b, lb, none, NULL);
    for (int64_t i = 0; i < n; i++)
        agree[i] = top_a[i] == top_b[i];
    arena_rewind(a, mark);
    return 0;
}

int
head_divergence(struct decoder *d, struct arena *a, float *div,
                unsigned char *agree, struct head_rows xa, struct head_rows xb,
                int64_t n, enum divergence kind, const float *weight,
                struct mat d_hidden_b, trv_err *err)
{
    const struct arena_mark mark = arena_mark(a);
    const int64_t step = chunk_rows(d) < n ? chunk_rows(d) : n;
    struct chunk ca, cb;
    int rc;

    if (n == 0)
        return 0;
    rc = chunk_new(&ca, a, d, step, false, err);
    if (!rc)
        rc = chunk_new(&cb, a, d, step, weight != NULL, err);
    for (int64_t i = 0; i < n && !rc; i += step) {
        const int64_t m = n - i < step ? n - i : step;

        chunk_logits(d, &ca, xa, i, m);
        chunk_logits(d, &cb, xb, i, m);
        if (agree)
            rc = compare_tops(d, a, agree + i, top_rows(ca.logits, m),
                              top_rows(cb.logits, m), err);
        if (rc)
            break;
        d->be->ops->divergence(d->be, div + i, top_rows(ca.logits, m),
                               top_rows(cb.logits, m), kind,
                               weight ? weight + i : NULL);
        if (weight)
            chunk_backward(d, &cb, d_hidden_b, xb.at + i, m);
    }
    arena_rewind(a, mark);
    return rc;
}
