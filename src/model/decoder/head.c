/* head.c -- logits, log-probabilities and divergences in chunks. */
#include "model/decoder/head.h"

/* Positions of one chunk: 24 MB of logits, at least 16 and at most 512. */
static int64_t
chunk_rows(const struct decoder *d)
{
    const int64_t n = ((int64_t)6 << 20) / d->cfg->vocab / 16 * 16;

    return n < 16 ? 16 : n > 512 ? 512 : n;
}

/* One chunk's buffers: two of each where two distributions meet. */
struct chunk {
    struct mat logits, part; // [n,V] of the side, and of one more part
    struct mat d_rows, act;  // where a gradient is wanted
    struct mat capped;       // and the logits are capped: a copy of them
};

static struct mat
top_rows(struct mat m, int64_t n)
{
    return mat_part(m, 0, n, 0, m.cols);
}

static int
chunk_new(struct chunk *c, struct arena *a, const struct head_side *x,
          int64_t n, bool grad, trv_err *err)
{
    const struct decoder *d = x->parts[0].d;
    int64_t V = 0;

    *c = (struct chunk){.logits = mat_new(a, DT_F32, n, d->cfg->vocab)};
    for (int64_t p = 1; p < x->n; p++)
        if (x->parts[p].d->cfg->vocab > V)
            V = x->parts[p].d->cfg->vocab;
    if (V > 0)
        c->part = mat_new(a, DT_F32, n, V);
    if (grad) {
        c->d_rows = mat_new(a, DT_F32, n, d->cfg->width);
        c->act = mat_new(a, d->be->act_type, n, d->cfg->vocab);
    }
    if (grad && d->cfg->logit_cap > 0)
        c->capped = mat_new(a, DT_F32, n, d->cfg->vocab);
    if (!c->logits.data || (V > 0 && !c->part.data) ||
        (grad && (!c->d_rows.data || !c->act.data)) ||
        (grad && d->cfg->logit_cap > 0 && !c->capped.data))
        return err_fail(err, TRV_ENOMEM, "no memory for %lld rows of logits",
                        (long long)n);
    return 0;
}

static bool
scales_logits(const struct model_config *cfg)
{
    return cfg->logit_scale != 0.0 || cfg->logit_cap > 0;
}

/* logits [n,V] of one part's places from .. from+n. */
static int
part_logits(struct arena *a, struct mat logits, struct mat *kept,
            const struct head_part *x, int64_t from, int64_t n, trv_err *err)
{
    const struct arena_mark mark = arena_mark(a);
    struct decoder *d = x->d;
    const struct mat hidden = mat_new(a, d->be->act_type, n, d->cfg->width);

    if (!hidden.data)
        return err_fail(err, TRV_ENOMEM, "no memory for %lld rows of logits",
                        (long long)n);
    d->be->ops->gather(d->be, hidden, x->hidden, x->at + from);
    d->be->ops->linear_forward(d->be, logits, hidden, &d->head.lin, NULL, 0.0f);
    if (scales_logits(d->cfg))
        d->be->ops->scale(d->be, logits, config_factor(d->cfg->logit_scale),
                          (float)d->cfg->logit_cap);
    d->flop += 2.0 * (double)n * (double)(d->cfg->width * d->cfg->vocab);
    if (kept)
        *kept = hidden;
    else
        arena_rewind(a, mark);
    return 0;
}

static int
side_logits(struct arena *a, const struct chunk *c, const struct head_side *x,
            int64_t from, int64_t n, trv_err *err)
{
    const struct mat sum = top_rows(c->logits, n);
    int rc = part_logits(a, sum, NULL, &x->parts[0], from, n, err);

    for (int64_t p = 1; p < x->n && !rc; p++) {
        const struct head_part *part = &x->parts[p];
        const struct mat to = mat_part(c->part, 0, n, 0, part->d->cfg->vocab);

        rc = part_logits(a, to, NULL, part, from, n, err);
        if (!rc)
            part->d->be->ops->mix(part->d->be, sum,
                                  p == 1 ? (float)x->parts[0].weight : 1.0f, to,
                                  (float)part->weight);
    }
    return rc;
}

/* Keep what the gradient needs of n rows of logits that it will replace. */
static void
keep_logits(struct decoder *d, const struct chunk *c, int64_t n)
{
    if (c->capped.data)
        d->be->ops->copy(d->be, top_rows(c->capped, n), top_rows(c->logits, n));
}

/* The gradient that stands in c->logits goes to the hidden states. */
static void
chunk_backward(struct decoder *d, const struct chunk *c, struct mat hidden,
               struct mat d_hidden, const int64_t *at, int64_t n)
{
    const struct backend_ops *ops = d->be->ops;
    const struct mat d_rows = top_rows(c->d_rows, n);
    struct mat g = top_rows(c->logits, n);

    if (scales_logits(d->cfg))
        ops->scale_backward(
            d->be, g, c->capped.data ? top_rows(c->capped, n) : g,
            config_factor(d->cfg->logit_scale), (float)d->cfg->logit_cap);
    if (d->be->act_type != DT_F32) {
        ops->cast(d->be, top_rows(c->act, n), g);
        g = top_rows(c->act, n);
    }
    ops->linear_backward(d->be, d_rows, g, &d->head.lin, 0.0f);
    ops->scatter_add(d->be, d_hidden, at, d_rows);
    if (d->head.d_w)
        ops->matmul(d->be, mat_f32(d->head.d_w, d->cfg->vocab, d->cfg->width),
                    g, true, hidden, false, 1.0f, 1.0f);
    d->flop += 2.0 * (double)n * (double)(d->cfg->width * d->cfg->vocab);
}

int
head_logits(struct decoder *d, struct arena *a, struct mat logits,
            struct head_rows x, int64_t n, trv_err *err)
{
    const struct head_part part = {d, x.hidden, x.at, 1.0};

    return part_logits(a, logits, NULL, &part, 0, n, err);
}

int
head_mix(struct arena *a, struct mat logits, const struct head_side *x,
         int64_t n, trv_err *err)
{
    const struct arena_mark mark = arena_mark(a);
    struct chunk c;
    int rc;

    if (x->n == 1)
        return part_logits(a, logits, NULL, &x->parts[0], 0, n, err);
    rc = chunk_new(&c, a, x, n, false, err);
    c.logits = logits;
    if (!rc)
        rc = side_logits(a, &c, x, 0, n, err);
    arena_rewind(a, mark);
    return rc;
}

int
head_score(struct arena *a, float *logp, int32_t *top,
           const struct head_side *x, const int32_t *target, int64_t n,
           trv_err *err)
{
    const struct arena_mark mark = arena_mark(a);
    const struct decoder *d = x->parts[0].d;
    const int64_t step = chunk_rows(d) < n ? chunk_rows(d) : n;
    struct chunk c;
    int rc;

    if (n == 0)
        return 0;
    rc = chunk_new(&c, a, x, step, false, err);
    for (int64_t i = 0; i < n && !rc; i += step) {
        const int64_t m = n - i < step ? n - i : step;

        rc = side_logits(a, &c, x, i, m, err);
        if (!rc)
            d->be->ops->xent(d->be, logp + i, top ? top + i : NULL,
                             top_rows(c.logits, m), target + i, NULL);
    }
    arena_rewind(a, mark);
    return rc;
}

int
head_logprobs(struct decoder *d, struct arena *a, float *logp, int32_t *top,
              struct head_rows x, const int32_t *target, int64_t n,
              const float *coef, struct mat d_hidden, trv_err *err)
{
    const struct arena_mark mark = arena_mark(a);
    const int64_t step = chunk_rows(d) < n ? chunk_rows(d) : n;
    struct head_part part = {d, x.hidden, x.at, 1.0};
    const struct head_side side = {&part, 1};
    struct chunk c;
    int rc;

    if (!coef)
        return head_score(a, logp, top, &side, target, n, err);
    if (n == 0)
        return 0;
    rc = chunk_new(&c, a, &side, step, true, err);
    for (int64_t i = 0; i < n && !rc; i += step) {
        const int64_t m = n - i < step ? n - i : step;
        const struct arena_mark chunk_mark = arena_mark(a);
        struct mat hidden;

        rc = part_logits(a, top_rows(c.logits, m), &hidden, &part, i, m, err);
        if (rc)
            break;
        keep_logits(d, &c, m);
        d->be->ops->xent(d->be, logp + i, top ? top + i : NULL,
                         top_rows(c.logits, m), target + i, coef + i);
        chunk_backward(d, &c, hidden, d_hidden, x.at + i, m);
        arena_rewind(a, chunk_mark);
    }
    arena_rewind(a, mark);
    return rc;
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
head_compare(struct arena *a, float *div, unsigned char *agree,
             const struct head_side *xa, const struct head_side *xb, int64_t n,
             enum divergence kind, trv_err *err)
{
    const struct arena_mark mark = arena_mark(a);
    struct decoder *d = xa->parts[0].d;
    const int64_t step = chunk_rows(d) < n ? chunk_rows(d) : n;
    struct chunk ca, cb;
    int rc;

    if (n == 0)
        return 0;
    rc = chunk_new(&ca, a, xa, step, false, err);
    if (!rc)
        rc = chunk_new(&cb, a, xb, step, false, err);
    for (int64_t i = 0; i < n && !rc; i += step) {
        const int64_t m = n - i < step ? n - i : step;
        const struct mat la = top_rows(ca.logits, m);
        const struct mat lb = top_rows(cb.logits, m);

        rc = side_logits(a, &ca, xa, i, m, err);
        if (!rc)
            rc = side_logits(a, &cb, xb, i, m, err);
        if (!rc && agree)
            rc = compare_tops(d, a, agree + i, la, lb, err);
        if (!rc)
            d->be->ops->divergence(d->be, div + i, la, lb, kind, NULL);
    }
    arena_rewind(a, mark);
    return rc;
}

int
head_divergence(struct decoder *d, struct arena *a, float *div,
                const struct head_side *xa, struct head_rows xb, int64_t n,
                enum divergence kind, const float *weight,
                struct mat d_hidden_b, trv_err *err)
{
    const struct arena_mark mark = arena_mark(a);
    const int64_t step = chunk_rows(d) < n ? chunk_rows(d) : n;
    struct head_part part = {d, xb.hidden, xb.at, 1.0};
    struct chunk ca, cb;
    int rc;

    if (n == 0)
        return 0;
    rc = chunk_new(&ca, a, xa, step, false, err);
    if (!rc)
        rc = chunk_new(&cb, a, &(struct head_side){&part, 1}, step,
                       weight != NULL, err);
    for (int64_t i = 0; i < n && !rc; i += step) {
        const int64_t m = n - i < step ? n - i : step;
        const struct arena_mark chunk_mark = arena_mark(a);
        struct mat hidden;

        rc = side_logits(a, &ca, xa, i, m, err);
        if (!rc)
            rc = part_logits(a, top_rows(cb.logits, m), &hidden, &part, i, m,
                             err);
        if (rc)
            break;
        keep_logits(d, &cb, m);
        d->be->ops->divergence(d->be, div + i, top_rows(ca.logits, m),
                               top_rows(cb.logits, m), kind,
                               weight ? weight + i : NULL);
        if (weight)
            chunk_backward(d, &cb, hidden, d_hidden_b, xb.at + i, m);
        arena_rewind(a, chunk_mark);
    }
    arena_rewind(a, mark);
    return rc;
}
