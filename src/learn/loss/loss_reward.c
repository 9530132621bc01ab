/* loss_reward.c -- Bradley-Terry over pairs of scores. */
#include "learn/loss/loss_reward.h"

#include <stddef.h>

#include "base/err.h"
#include "learn/loss/logistic.h"

static void
figures_add(struct reward_figures *f, double rc, double rr)
{
    const double low = rc < rr ? rc : rr, high = rc < rr ? rr : rc;

    f->accuracy += rc > rr;
    f->margin += rc - rr;
    f->mean += 0.5 * (rc + rr);
    f->min = low < f->min ? low : f->min;
    f->max = high > f->max ? high : f->max;
}

static void
figures_finish(struct reward_figures *out, struct reward_figures *sum, double B)
{
    sum->accuracy /= B;
    sum->margin /= B;
    sum->mean /= B;
    if (out)
        *out = *sum;
}

double
loss_reward_match(double *d_rc, double *d_rr, struct reward_figures *f,
                  const struct reward_pairs *x, double centre)
{
    const double B = (double)x->B;
    struct reward_figures sum = {.min = x->rc[0], .max = x->rc[0]};
    double loss = 0.0;

    TRV_ASSERT(x->B >= 1 && centre >= 0.0 && x->margin);
    for (int64_t i = 0; i < x->B; i++) {
        const double rc = x->rc[i], rr = x->rr[i], both = rc + rr;
        const double z = rc - rr - x->margin[i];

        loss += 0.5 * z * z + centre * both * both;
        if (d_rc) {
            d_rc[i] += (2.0 * centre * both + z) / B;
            d_rr[i] += (2.0 * centre * both - z) / B;
        }
        figures_add(&sum, rc, rr);
    }
    figures_finish(f, &sum, B);
    return loss / B;
}

double
loss_reward(double *d_rc, double *d_rr, struct reward_figures *f,
            const struct reward_pairs *x, double centre)
{
    const double B = (double)x->B;
    struct reward_figures sum = {.min = x->rc[0], .max = x->rc[0]};
    double loss = 0.0;

    TRV_ASSERT(x->B >= 1 && centre >= 0.0);
    for (int64_t i = 0; i < x->B; i++) {
        const double rc = x->rc[i], rr = x->rr[i], both = rc + rr;
        const double z = rc - rr - (x->margin ? x->margin[i] : 0.0);

        loss += centre * both * both - logistic_log(z);
        if (d_rc) {
            d_rc[i] += (2.0 * centre * both - logistic(-z)) / B;
            d_rr[i] += (2.0 * centre * both + logistic(-z)) / B;
        }
        figures_add(&sum, rc, rr);
    }
    figures_finish(f, &sum, B);
    return loss / B;
}
