/* loss_policy.c -- one clipped loss for GRPO and its kin, RLOO and PPO. */
#include "learn/loss/loss_policy.h"

#include <math.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

/* exp, and beyond 20 nats its tangent: a ratio of 5e8 is out of every clip, and
 * nothing overflows on the way to f32. */
static double
exp_bounded(double *slope, double x)
{
    static const double top = 20.0;

    *slope = exp(x > top ? top : x);
    return x > top ? *slope * (1.0 + (x - top)) : *slope;
}

/* -min(c A, clip(c) A), its slope in c, and on which side it was clipped. */
static double
clipped_loss(double *slope, int *side, double c, double adv,
             const struct policy_options *o)
{
    const double low = 1.0 - o->clip_low, high = 1.0 + o->clip_high;

    *side = adv < 0.0 && c < low ? -1 : adv > 0.0 && c > high ? 1 : 0;
    *slope = *side ? 0.0 : -adv;
    return -adv * (*side < 0 ? low : *side > 0 ? high : c);
}

/* exp(y) - y - 1 for y = q - p, and its slope in p. */
static double
kl_estimate(double *slope, double y)
{
    const double e = exp_bounded(slope, y);

    *slope = 1.0 - *slope;
    return y > 1.0 ? e - y - 1.0 : expm1(y) - y;
}

/* Sums over the answers, in the order of the tokens. */
struct sums {
    double loss, tokens, ratios;
    struct policy_figures f;
};

static double
log_ratio(const struct policy_answers *x, int64_t t)
{
    return x->old ? (double)x->p[t] - (double)x->old[t] : 0.0;
}

static double
add_ratio(struct sums *s, double *slope, double y, double adv,
          const struct policy_options *o)
{
    double d_y, d_c, c = exp_bounded(&d_y, y);
    int side;
    const double loss = clipped_loss(&d_c, &side, c, adv, o);

    *slope = d_c * d_y;
    s->ratios += 1.0;
    s->f.ratio += c;
    s->f.clip_low += side < 0;
    s->f.clip_high += side > 0;
    return loss;
}

/* Add answer s, each of whose tokens has weight w. */
static void
add_answer(struct sums *sums, float *d_p, const struct policy_answers *x,
           int64_t s, double w, const struct policy_options *o)
{
    const int64_t from = x->first[s], to = x->first[s + 1];
    const double n = (double)(to - from);
    const bool own = o->ratio == POLICY_RATIO_TOKEN;
    double clip_loss = 0.0, slope = 0.0; // those of an answer's one ratio

    if (!own) {
        double y = 0.0;

        for (int64_t t = from; t < to; t++)
            y += log_ratio(x, t);
        if (o->ratio == POLICY_RATIO_MEAN)
            y /= n;
        clip_loss = add_ratio(sums, &slope, y, x->adv[s], o);
        /* n equal losses of tokens, each sensitive to every token. */
        slope *= o->ratio == POLICY_RATIO_MEAN ? 1.0 : n;
    }
    for (int64_t t = from; t < to; t++) {
        const double p = (double)x->p[t], y = log_ratio(x, t);
        double kl = 0.0, d_kl = 0.0;

        if (own)
            clip_loss = add_ratio(sums, &slope, y,
                                  x->adv ? x->adv[s] : x->token_adv[t], o);
        if (x->ref)
            kl = kl_estimate(&d_kl, (double)x->ref[t] - p);
        sums->loss += w * (clip_loss + o->beta * kl);
        if (d_p)
            d_p[t] += (float)(w * (slope + o->beta * d_kl));
        sums->f.kl += kl;
        sums->f.approx_kl += 0.5 * y * y;
        sums->f.entropy -= p;
    }
    sums->tokens += n;
}

static double
count(const struct policy_answers *x, const struct policy_options *o)
{
    if (o->total > 0.0)
        return o->total;
    if (o->mean == POLICY_MEAN_GRPO || o->mean == POLICY_MEAN_DR_GRPO)
        return (double)x->S;
    return (double)(x->first[x->S] - x->first[0]);
}

static void
figures_mean(struct policy_figures *f, const struct sums *s)
{
    const double tokens = s->tokens > 0.0 ? s->tokens : 1.0;
    const double ratios = s->ratios > 0.0 ? s->ratios : 1.0;

    f->kl = s->f.kl / tokens;
    f->approx_kl = s->f.approx_kl / tokens;
    f->entropy = s->f.entropy / tokens;
    f->clip_low = s->f.clip_low / ratios;
    f->clip_high = s->f.clip_high / ratios;
    f->ratio = s->f.ratio / ratios;
}

double
loss_policy(float *d_p, struct policy_figures *f,
            const struct policy_answers *x, const struct policy_options *opts)
{
    double each = 1.0 / count(x, opts);
    struct sums sums = {0};

    TRV_ASSERT(x->S >= 1 && (x->ref || !(opts->beta > 0.0)));
    TRV_ASSERT(x->adv || opts->ratio == POLICY_RATIO_TOKEN);
    TRV_ASSERT(opts->mean != POLICY_MEAN_DAPO || opts->total > 0.0);
    if (opts->mean == POLICY_MEAN_DR_GRPO)
        each /= (double)opts->max_tokens;
    for (int64_t s = 0; s < x->S; s++) {
        const int64_t n = x->first[s + 1] - x->first[s];

        if (n > 0)
            add_answer(&sums, d_p, x, s,
                       opts->mean == POLICY_MEAN_GRPO ? each / (double)n : each,
                       opts);
    }
    if (f)
        figures_mean(f, &sums);
    return sums.loss;
}

double
loss_policy_value(float *d_v, double *clipped, const float *v,
                  const float *old_v, const double *ret, int64_t n,
                  double range)
{
    double loss = 0.0, worse = 0.0;

    TRV_ASSERT(n >= 1 && range > 0.0);
    for (int64_t t = 0; t < n; t++) {
        const double low = (double)old_v[t] - range;
        const double high = (double)old_v[t] + range, free = (double)v[t];
        const double held = free < low ? low : free > high ? high : free;
        const double off = free - ret[t], off_held = held - ret[t];

        if (off_held * off_held > off * off) {
            loss += 0.5 * off_held * off_held;
            worse += 1.0;
        } else {
            loss += 0.5 * off * off;
            if (d_v)
                d_v[t] += (float)(off / (double)n);
        }
    }
    if (clipped)
        *clipped = worse / (double)n;
    return loss / (double)n;
}
