/* loss_preference.c -- DPO, IPO, hinge, KTO and ORPO over log-probabilities of
 * whole answers.
 */
#include "learn/loss/loss_preference.h"

#include <math.h>
#include <stddef.h>

#include "base/err.h"
#include "learn/loss/logistic.h"

/* One pair: its log-ratios, lengths, and KTO's baselines of the batch. */
struct pair {
    double hc, hr;
    double nc, nr; // 0 where the caller has no lengths
    double kc, kr;
};

/* What a pair adds to the loss, and its slopes in hc and hr. */
struct pair_loss {
    double loss, d_hc, d_hr;
};

static struct pair_loss
of_sigmoid(const struct pair *p, const struct preference_options *o)
{
    const double e = o->smoothing, z = o->beta * (p->hc - p->hr);
    struct pair_loss l;

    l.loss = -(1.0 - e) * logistic_log(z) - e * logistic_log(-z);
    l.d_hc = o->beta * (e * logistic(z) - (1.0 - e) * logistic(-z));
    l.d_hr = -l.d_hc;
    return l;
}

static struct pair_loss
of_ipo(const struct pair *p, const struct preference_options *o)
{
    const double off = p->hc / p->nc - p->hr / p->nr - 1.0 / (2.0 * o->beta);

    return (struct pair_loss){off * off, 2.0 * off / p->nc, -2.0 * off / p->nr};
}

static struct pair_loss
of_hinge(const struct pair *p, const struct preference_options *o)
{
    const double z = o->beta * (p->hc - p->hr);
    struct pair_loss l;

    l.loss = z < 1.0 ? 1.0 - z : 0.0;
    l.d_hc = z < 1.0 ? -o->beta : 0.0;
    l.d_hr = -l.d_hc;
    return l;
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
of_kto(const struct pair *p, const struct preference_options *o)
{
    struct pair_loss l;
    double d_c, d_r;

    l.loss = 0.5 * (kto_value(&d_c, p->hc - p->kr, o->beta) +
                    kto_value(&d_r, p->kc - p->hr, o->beta));
    l.d_hc = 0.5 * d_c;
    l.d_hr = -0.5 * d_r;
    return l;
}

/* log(P / (1 - P)) of P = exp(x), and its slope in x. Where f32 no longer tells
 * P from 1, within 2^-24, it goes on as its tangent: finite at P = 1. */
static double
log_odds(double *slope, double x)
{
    static const double top = -0x1p-24, half = -0.69314718055994531; // log 1/2
    const double at = x < top ? x : top;
    const double rest = -expm1(at); // 1 - P

    *slope = 1.0 / rest;
    return at - (at > half ? log(rest) : log1p(-exp(at))) + (x - at) * *slope;
}

static struct pair_loss
of_orpo(const struct pair *p, const struct preference_options *o)
{
    double odds_c, odds_r, z, d_z; // odds: slopes

    z = log_odds(&odds_c, p->hc / p->nc) - log_odds(&odds_r, p->hr / p->nr);
    d_z = -o->beta * logistic(-z);
    return (struct pair_loss){-o->beta * logistic_log(z), d_z * odds_c / p->nc,
                              -d_z * odds_r / p->nr};
}

static const struct {
    struct preference_traits traits;
    struct pair_loss (*of)(const struct pair *p,
                           const struct preference_options *o);
} losses[PREFERENCE_LOSSES] = {
    [PREFERENCE_SIGMOID] = {{.name = "sigmoid",
                             .method = "dpo",
                             .unit = "nats per pair",
                             .has_reference = true,
                             .has_soft_label = true},
                            of_sigmoid},
    [PREFERENCE_IPO] =
        {{.name = "ipo", .method = "dpo", .unit = "", .has_reference = true},
         of_ipo},
    [PREFERENCE_HINGE] =
        {{.name = "hinge", .method = "dpo", .unit = "", .has_reference = true},
         of_hinge},
    [PREFERENCE_KTO] =
        {{.name = "kto", .method = "dpo", .unit = "", .has_reference = true},
         of_kto},
    [PREFERENCE_ORPO] = {{.name = "orpo",
                          .method = "orpo",
                          .unit = "",
                          .is_per_token = true,
                          .likelihood = 1.0},
                         of_orpo},
};

const struct preference_traits *
preference_traits(enum preference_loss loss)
{
    TRV_ASSERT(loss < PREFERENCE_LOSSES);
    return &losses[loss].traits;
}

double
preference_reward(double h, double n, const struct preference_options *opts)
{
    return opts->beta * (losses[opts->loss].traits.is_per_token ? h / n : h);
}

/* Pair i of the batch, but for the baselines. */
static struct pair
pair_at(const struct preference_pairs *x, int64_t i, bool has_reference)
{
    return (struct pair){.hc = x->pc[i] - (has_reference ? x->qc[i] : 0.0),
                         .hr = x->pr[i] - (has_reference ? x->qr[i] : 0.0),
                         .nc = x->nc ? (double)x->nc[i] : 0.0,
                         .nr = x->nr ? (double)x->nr[i] : 0.0};
}

double
loss_preference(double *d_pc, double *d_pr, struct preference_rewards *rewards,
                const struct preference_pairs *x,
                const struct preference_options *opts)
{
    const struct preference_traits *traits = preference_traits(opts->loss);
    const double B = (double)x->B;
    struct preference_rewards sum = {0};
    double kc = 0.0, kr = 0.0, loss = 0.0;

    TRV_ASSERT(x->B >= 1 && opts->beta > 0.0);
    if (opts->loss == PREFERENCE_KTO) {
        kc = loss_kto_baseline(x->pc, x->qc, x->B);
        kr = loss_kto_baseline(x->pr, x->qr, x->B);
    }
    for (int64_t i = 0; i < x->B; i++) {
        struct pair p = pair_at(x, i, traits->has_reference);
        const double c = preference_reward(p.hc, p.nc, opts);
        const double r = preference_reward(p.hr, p.nr, opts);
        struct pair_loss l;

        p.kc = kc;
        p.kr = kr;
        l = losses[opts->loss].of(&p, opts);
        loss += l.loss;
        if (d_pc) {
            d_pc[i] += l.d_hc / B;
            d_pr[i] += l.d_hr / B;
        }
        sum.chosen += c;
        sum.rejected += r;
        sum.accuracy += c > r;
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
