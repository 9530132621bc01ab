/* ref_attn.c -- the oracle's attention: every query looks at every key it may,
 * the scores are made again wherever they are needed.
 */
#include "backend/ref/ref.h"

#include <math.h>

/* Keys of a segment are numbered through its spans; the slot of key j. */
static int64_t
slot_of(const struct attn_seg *seg, int64_t j)
{
    int64_t s = 0;

    while (s + 1 < seg->n_spans && j >= seg->spans[s].n)
        j -= seg->spans[s++].n;
    return seg->spans[s].slot + j;
}

struct view {
    int64_t from, to; // keys that a query sees
};

static struct view
view_of(const struct attn_plan *plan, const struct attn_seg *seg, int64_t i)
{
    struct view v = {0, i + 1 - seg->n};

    for (int64_t s = 0; s < seg->n_spans; s++)
        v.to += seg->spans[s].n;
    if (plan->window > 0 && v.to > plan->window)
        v.from = v.to - plan->window;
    return v;
}

static double
dot(struct mat a, int64_t ra, int64_t ca, struct mat b, int64_t rb, int64_t cb,
    int64_t n)
{
    double sum = 0;

    for (int64_t d = 0; d < n; d++)
        sum += ref_at(a, ra, ca + d) * ref_at(b, rb, cb + d);
    return sum;
}

/* The score of a query and a key, from their product. */
static double
score(const struct attn_plan *plan, double qk)
{
    const double s = (double)plan->scale * qk, cap = (double)plan->cap;

    return cap > 0 ? cap * tanh(s / cap) : s;
}

static void
forward_one(struct mat out, float *lse, struct mat q, struct mat k,
            struct mat v, const struct attn_plan *plan,
            const struct attn_seg *seg, int64_t i, int64_t h)
{
    const int64_t D = plan->head_dim;
    const int64_t kc = h / (plan->heads / plan->kv_heads) * D;
    const int64_t t = seg->t0 + i;
    const struct view see = view_of(plan, seg, i);
    double max = -HUGE_VAL, sum = 0;

    for (int64_t j = see.from; j < see.to; j++) {
        const double s =
            score(plan, dot(q, t, h * D, k, slot_of(seg, j), kc, D));

        max = s > max ? s : max;
    }
    for (int64_t j = see.from; j < see.to; j++)
        sum +=
            exp(score(plan, dot(q, t, h * D, k, slot_of(seg, j), kc, D)) - max);
    for (int64_t d = 0; d < D; d++) {
        double o = 0;

        for (int64_t j = see.from; j < see.to; j++) {
            const int64_t slot = slot_of(seg, j);
            const double s = score(plan, dot(q, t, h * D, k, slot, kc, D));

            o += exp(s - max) / sum * ref_at(v, slot, kc + d);
        }
        ref_set(out, t, h * D + d, o);
    }
    if (lse)
        lse[t * plan->heads + h] = (float)(max + log(sum));
}

void
ref_attn_forward(struct backend *be, struct mat out, float *lse, struct mat q,
                 struct mat k, struct mat v, const struct attn_plan *plan)
{
    (void)be;
    for (int64_t s = 0; s < plan->n_segs; s++)
        for (int64_t i = 0; i < plan->segs[s].n; i++)
            for (int64_t h = 0; h < plan->heads; h++)
                forward_one(out, lse, q, k, v, plan, &plan->segs[s], i, h);
}

/* With p the probabilities, s the scores and dp = dout . v:
 * ds = p (dp - sum p dp), times 1 - (s/cap)^2 where they are capped;
 * dq = scale ds k; dk += scale ds q; dv += p dout. */
static void
backward_one(struct mat dq, struct mat dk, struct mat dv, struct mat dout,
             const float *lse, struct mat q, struct mat k, struct mat v,
             const struct attn_plan *plan, const struct attn_seg *seg,
             int64_t i, int64_t h)
{
    const int64_t D = plan->head_dim;
    const int64_t kc = h / (plan->heads / plan->kv_heads) * D;
    const int64_t t = seg->t0 + i;
    const struct view see = view_of(plan, seg, i);
    const double l = (double)lse[t * plan->heads + h];
    double mean = 0;

    for (int64_t j = see.from; j < see.to; j++) {
        const int64_t slot = slot_of(seg, j);

        mean += exp(score(plan, dot(q, t, h * D, k, slot, kc, D)) - l) *
                dot(dout, t, h * D, v, slot, kc, D);
    }
    for (int64_t d = 0; d < D; d++)
        ref_set(dq, t, h * D + d, 0);
    for (int64_t j = see.from; j < see.to; j++) {
        const int64_t slot = slot_of(seg, j);
        const double s = score(plan, dot(q, t, h * D, k, slot, kc, D));
        const double p = exp(s - l);
        const double to_cap = plan->cap > 0 ? s / (double)plan->cap : 0;
        const double ds = (double)plan->scale * (1 - to_cap * to_cap) * p *
                          (dot(dout, t, h * D, v, slot, kc, D) - mean);

        for (int64_t d = 0; d < D; d++) {
            ref_add(dq, t, h * D + d, ds * ref_at(k, slot, kc + d));
            ref_add(dk, slot, kc + d, ds * ref_at(q, t, h * D + d));
            ref_add(dv, slot, kc + d, p * ref_at(dout, t, h * D + d));
        }
    }
}

void
ref_attn_backward(struct backend *be, struct mat dq, struct mat dk,
                  struct mat dv, struct mat dout, struct mat out,
                  const float *lse, struct mat q, struct mat k, struct mat v,
                  const struct attn_plan *plan)
{
    (void)be;
    (void)out; // sum p dp = dout . out, but without out's rounding
    for (int64_t s = 0; s < plan->n_segs; s++)
        for (int64_t i = 0; i < plan->segs[s].n; i++)
            for (int64_t h = 0; h < plan->heads; h++)
                backward_one(dq, dk, dv, dout, lse, q, k, v, plan,
                             &plan->segs[s], i, h);
}
