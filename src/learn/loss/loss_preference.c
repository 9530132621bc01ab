/* loss_preference.c -- DPO, IPO, hinge and KTO over log-probabilities of whole
 * answers.
 */
#include "learn/loss/loss_preference.h"

#include <stddef.h>

#include "base/err.h"
#include "learn/loss/logistic.h"

/* What a pair adds to the loss, and its slopes in hc and hr. */
struct pair_loss {
    double loss, d_hc, d_hr;
};

static struct pair_loss
of_margin(double z, const struct preference_options *o)
{
    const double e = o->smoothing;
    struct pair_loss l;

    if (o->loss == PREFERENCE_HINGE) {
        l.loss = z < 1.0 ? 1.0 - z : 0.0;
        l.d_hc = z < 1.0 ? -o->beta : 0.0;
    } else {
        l.loss = -(1.0 - e) * logistic_log(z) - e * logistic_log(-z);
        l.d_hc = o->beta * (e * logistic(z) - (1.0 - e) * logistic(-z));
    }
    l.d_hr = -l.d_hc;
    return l;
}

static struct pair_loss
of_ipo(double hc, double hr, double nc, double nr, double beta)
{
    const double off = hc / nc - hr / nr - 1.0 / (2.0 * beta);

    return (struct pair_loss){off * off, 2.0 * off / nc, -2.0 * off / nr};
}

/* 1 - s(beta * h), and its slope in h. */
static double
kto_value(double *slope, double h, double beta)
{
    const double s = logistic(-beta * h);

    *slope = -beta * s * logistic(beta * h);
    return s;
}

static struct pair_loss
of_kto(double hc, double hr, double kc, double kr, double beta)
{
    struct pair_loss l;
    double d_c, d_r;

    l.loss =
        0.5 * (kto_value(&d_c, hc - kr, beta) + kto_value(&d_r, kc - hr, beta));
    l.d_hc = 0.5 * d_c;
    l.d_hr = -0.5 * d_r;
    return l;
}

double
loss_preference(double *d_pc, double *d_pr, struct preference_rewards *rewards,
                const struct preference_pairs *x,
                const struct preference_options *opts)
{
    const double beta = opts->beta, B = (double)x->B;
    struct preference_rewards sum = {0};
    double kc = 0.0, kr = 0.0, loss = 0.0;

    TRV_ASSERT(x->B >= 1 && beta > 0.0);
    if (opts->loss == PREFERENCE_KTO) {
        kc = loss_kto_baseline(x->pc, x->qc, x->B);
        kr = loss_kto_baseline(x->pr, x->qr, x->B);
    }
    for (int64_t i = 0; i < x->B; i++) {
        const double hc = x->pc[i] - x->qc[i], hr = x->pr[i] - x->qr[i];
        struct pair_loss l;

        if (opts->loss == PREFERENCE_KTO)
            l = of_kto(hc, hr, kc, kr, beta);
        else if (opts->loss == PREFERENCE_IPO)
            l = of_ipo(hc, hr, (double)x->nc[i], (double)x->nr[i], beta);
        else
            l = of_margin(beta * (hc - hr), opts);
        loss += l.loss;
        if (d_pc) {
            d_pc[i] += l.d_hc / B;
            d_pr[i] += l.d_hr / B;
        }
        sum.chosen += beta * hc;
        sum.rejected += beta * hr;
        sum.accuracy += beta * hc > beta * hr;
    }
    if (rewards)
        *rewards = (struct preference_rewards){
            .chosen = sum.chosen / B,
            .rejected = sum.rejected / B,
            .margin = (sum.chosen - sum.rejected) / B,
            .accuracy = sum.accuracy / B};
    return loss / B;
}

double
loss_chosen(double *d_pc, const double *pc, const int64_t *nc, int64_t B,
            double weight)
{
    double sum = 0.0, tokens = 0.0;

    TRV_ASSERT(B >= 1);
    for (int64_t i = 0; i < B; i++) {
        sum += pc[i];
        tokens += (double)nc[i];
    }
    for (int64_t i = 0; d_pc && i < B; i++)
        d_pc[i] -= weight / tokens;
    return weight * -sum / tokens;
}

double
loss_kto_baseline(const double *p, const double *q, int64_t n)
{
    double sum = 0.0;

    TRV_ASSERT(n >= 1);
    for (int64_t i = 0; i < n; i++)
        sum += p[i] - q[i];
    return sum > 0.0 ? sum / (double)n : 0.0;
}

double
loss_kto(double *d_p, struct kto_rewards *rewards, const struct kto_answers *x,
         double kl, const struct kto_options *opts)
{
    const double beta = opts->beta, B = (double)x->B;
    struct kto_rewards r = {0};
    double loss = 0.0;

    TRV_ASSERT(x->B >= 1 && beta > 0.0);
    for (int64_t i = 0; i < x->B; i++) {
        const double h = x->p[i] - x->q[i];
        const double sign = x->good[i] ? 1.0 : -1.0;
        const double weight =
            (x->good[i] ? opts->good_weight : opts->bad_weight) / B;
        double slope;

        loss += weight * kto_value(&slope, sign * (h - kl), beta);
        if (d_p)
            d_p[i] += weight * sign * slope;
        *(x->good[i] ? &r.good : &r.bad) += beta * h;
        ++*(x->good[i] ? &r.n_good : &r.n_bad);
    }
    r.good /= r.n_good ? (double)r.n_good : 1.0;
    r.bad /= r.n_bad ? (double)r.n_bad : 1.0;
    r.margin = r.n_good && r.n_bad ? r.good - r.bad : 0.0;
    if (rewards)
        *rewards = r;
    return loss;
}
