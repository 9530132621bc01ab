/* endo.c -- the endogenous reward of one model, with no reference and no
 * training:
 *
 *   r(x, y) = sum over t of alpha log pi(y_t | s_t) + V(s_t) - V(s_t+1)
 *   V(s)    = alpha log sum over v of exp(logit_v(s) / alpha)
 *   pi      = softmax(logits / alpha), the model's own where alpha is 1
 *
 * Its logits are taken for the Q of a soft Bellman equation, whose reward this
 * is. As alpha log pi(y_t | s_t) + V(s_t) is the logit of y_t, a token is worth
 *
 *   logit of y_t at s_t - V(s_t+1)
 *
 * V behind the last token is 0, whether the model ended the answer there or it
 * was cut: that is where the episode ends, as in the paper's finite horizon. So
 * the sum is alpha log pi(y|x) + V(x): answers to one input are ranked by their
 * likelihood, and a cut answer is not set back by the whole of a V, which is
 * larger than what its tokens differ by.
 *
 * The share of a token is no log-ratio to the base, so this reward cannot guide
 * (reward_guide()); it can rank answers, and methods that draw answers learn
 * from it.
 *
 * Numbers  logits in f32, sums over the vocabulary in double.
 * Source   Li et al. 2025, arXiv:2506.23235, endogenous reward.
 */
#include <math.h>
#include <string.h>

#include "adapt/reward/logratio.h"
#include "adapt/view.h"

/* Places of one chunk: 24 MB of logits. */
#define CHUNK_LOGITS ((int64_t)6 << 20)

/* alpha logsumexp(logits / alpha) */
static double
value(const float *logits, int64_t V, double alpha)
{
    double most = -HUGE_VAL, sum = 0.0;

    for (int64_t v = 0; v < V; v++)
        most = (double)logits[v] > most ? (double)logits[v] : most;
    for (int64_t v = 0; v < V; v++)
        sum += exp(((double)logits[v] - most) / alpha);
    return most + alpha * log(sum);
}

/* Places from .. from+n of a side. */
static struct head_side
places(struct head_part *parts, const struct head_side *x, int64_t from)
{
    for (int64_t p = 0; p < x->n; p++) {
        parts[p] = x->parts[p];
        parts[p].at += from;
    }
    return (struct head_side){parts, x->n};
}

/* worth [n] = the logit of each target; v [n] = V of each place. */
static int
read_logits(float *worth, double *v, struct arena *a, const struct head_side *x,
            const int32_t *target, int64_t n, double alpha, trv_err *err)
{
    const int64_t V = x->parts[0].d->cfg->vocab;
    const int64_t most = CHUNK_LOGITS / V + 1, step = n < most ? n : most;
    struct head_part *parts = arena_alloc(a, (size_t)x->n * sizeof(*x->parts));
    const struct mat logits = mat_new(a, DT_F32, step, V);
    struct mat host = {0};
    int rc = 0;

    if (!parts || !logits.data)
        return err_fail(err, TRV_ENOMEM, "no memory to score answers");
    for (int64_t i = 0; i < n && !rc; i += step) {
        const struct head_side some = places(parts, x, i);
        const int64_t m = n - i < step ? n - i : step;

        rc = head_mix(a, mat_part(logits, 0, m, 0, V), &some, m, err);
        if (!rc)
            host = backend_fetch(x->parts[0].d->be, a,
                                 mat_part(logits, 0, m, 0, V));
        if (!rc && !host.data)
            rc = err_fail(err, TRV_ENOMEM, "no memory to score answers");
        for (int64_t k = 0; k < m && !rc; k++) {
            const float *row = (const float *)host.data + k * host.ld;

            worth[i + k] = row[target[i + k]];
            v[i + k] = value(row, V, alpha);
        }
    }
    return rc;
}

static int
endo_worth(float *worth, struct arena *a, const struct head_side *side,
           const int32_t *target, const struct answered *rows, int64_t n_rows,
           double alpha, trv_err *err)
{
    const struct arena_mark mark = arena_mark(a);
    int64_t n = 0, at = 0;
    double *v;
    int rc;

    for (int64_t r = 0; r < n_rows; r++)
        n += rows[r].n;
    v = arena_alloc(a, (size_t)n * sizeof(*v));
    rc = v ? read_logits(worth, v, a, side, target, n, alpha, err)
           : err_fail(err, TRV_ENOMEM, "no memory to score answers");
    for (int64_t r = 0; r < n_rows && !rc; r++) {
        for (int64_t t = 0; t + 1 < rows[r].n; t++)
            worth[at + t] = (float)((double)worth[at + t] - v[at + t + 1]);
        at += rows[r].n;
    }
    arena_rewind(a, mark);
    return rc;
}

int
endo_score(struct session *s, struct adaptation *a, double *score,
           double *const *token, const struct reward_item *items, int64_t n,
           const struct reward_watch *watch, trv_err *err)
{
    const struct logratio q = {.plus = a->reward->plus,
                               .beta = 1.0,
                               .alone = true,
                               .worth = endo_worth,
                               .factor = a->reward->beta};
    const int rc = view_ready(q.plus, s->be, err);

    return rc ? rc : logratio_score(s, &q, score, token, items, n, watch, err);
}
