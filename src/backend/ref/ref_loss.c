/* ref_loss.c -- the oracle's losses over the vocabulary, and its optimiser. */
#include "backend/ref/ref.h"

#include <math.h>

/* log sum exp of a row, in two parts: the largest logit and the log of the sum
 * of exp(x - max). A NaN among the logits makes it NaN. */
static double
row_lse(struct mat x, int64_t r, int32_t *top)
{
    double max = -HUGE_VAL, sum = 0;
    int32_t at = 0;

    for (int64_t j = 0; j < x.cols; j++)
        if (ref_at(x, r, j) > max) {
            max = ref_at(x, r, j);
            at = (int32_t)j;
        }
    for (int64_t j = 0; j < x.cols; j++)
        sum += exp(ref_at(x, r, j) - max);
    if (top)
        *top = at;
    return max + log(sum);
}

void
ref_xent(struct backend *be, float *logp, int32_t *top, struct mat logits,
         const int32_t *target, const float *coef)
{
    (void)be;
    for (int64_t r = 0; r < logits.rows; r++) {
        const double lse = row_lse(logits, r, top ? &top[r] : NULL);
        const int64_t y = target[r];

        logp[r] = y < 0 ? 0 : (float)(ref_at(logits, r, y) - lse);
        if (!coef)
            continue;
        for (int64_t j = 0; j < logits.cols; j++) {
            const double p = exp(ref_at(logits, r, j) - lse);

            ref_set(logits, r, j,
                    y < 0 ? 0 : (double)coef[r] * (p - (j == y ? 1 : 0)));
        }
    }
}

void
ref_softmax(struct backend *be, struct mat x, float temperature)
{
    (void)be;
    for (int64_t r = 0; r < x.rows; r++) {
        double lse;

        for (int64_t j = 0; j < x.cols; j++)
            ref_set(x, r, j, ref_at(x, r, j) / (double)temperature);
        lse = row_lse(x, r, NULL);
        for (int64_t j = 0; j < x.cols; j++)
            ref_set(x, r, j, exp(ref_at(x, r, j) - lse));
    }
}

void
ref_scale(struct backend *be, struct mat y, float a, float cap)
{
    const double c = (double)cap;

    (void)be;
    for (int64_t r = 0; r < y.rows; r++)
        for (int64_t j = 0; j < y.cols; j++) {
            const double x = (double)a * ref_at(y, r, j);

            ref_set(y, r, j, c > 0 ? c * tanh(x / c) : x);
        }
}

void
ref_scale_backward(struct backend *be, struct mat dy, struct mat y, float a,
                   float cap)
{
    (void)be;
    for (int64_t r = 0; r < dy.rows; r++)
        for (int64_t j = 0; j < dy.cols; j++) {
            double slope = (double)a;

            if (cap > 0) {
                const double t = ref_at(y, r, j) / (double)cap;

                slope *= 1 - t * t;
            }
            ref_set(dy, r, j, slope * ref_at(dy, r, j));
        }
}

void
ref_cast(struct backend *be, struct mat y, struct mat x)
{
    (void)be;
    for (int64_t r = 0; r < x.rows; r++)
        for (int64_t c = 0; c < x.cols; c++)
            ref_set(y, r, c, ref_at(x, r, c));
}

/* exp(l) * x, where what has no probability counts for nothing. */
static double
weigh(double l, double x)
{
    const double p = exp(l);

    return p == 0 ? 0 : p * x;
}

/* log of the mean of exp(a) and exp(b) */
static double
log_mix(double a, double b)
{
    const double hi = a > b ? a : b, lo = a > b ? b : a;

    return hi + log1p(exp(lo - hi)) - log(2);
}

/* What one token adds to the divergence, from its log-probabilities. */
static double
div_term(double la, double lb, enum divergence kind)
{
    double lm;

    switch (kind) {
    case DIV_FORWARD:
        return weigh(la, la - lb);
    case DIV_REVERSE:
        return weigh(lb, lb - la);
    case DIV_JSD:
        break;
    }
    lm = log_mix(la, lb);
    return 0.5 * (weigh(la, la - lm) + weigh(lb, lb - lm));
}

/* Its gradient with respect to b's logit: p_B - p_A; p_B (lb - la - div);
 * p_B/2 (lb - lm - KL(B||M)). */
static double
div_grad(double la, double lb, double div, double kl_bm, enum divergence kind)
{
    switch (kind) {
    case DIV_FORWARD:
        return exp(lb) - exp(la);
    case DIV_REVERSE:
        return weigh(lb, lb - la - div);
    case DIV_JSD:
        break;
    }
    return 0.5 * weigh(lb, lb - log_mix(la, lb) - kl_bm);
}

void
ref_divergence(struct backend *be, float *div, struct mat a, struct mat b,
               enum divergence kind, const float *weight)
{
    (void)be;
    for (int64_t r = 0; r < b.rows; r++) {
        const double lse_a = row_lse(a, r, NULL), lse_b = row_lse(b, r, NULL);
        double sum = 0, kl_bm = 0;

        for (int64_t j = 0; j < b.cols; j++) {
            const double la = ref_at(a, r, j) - lse_a;
            const double lb = ref_at(b, r, j) - lse_b;

            sum += div_term(la, lb, kind);
            if (kind == DIV_JSD)
                kl_bm += weigh(lb, lb - log_mix(la, lb));
        }
        div[r] = (float)sum;
        if (!weight)
            continue;
        for (int64_t j = 0; j < b.cols; j++) {
            const double la = ref_at(a, r, j) - lse_a;
            const double lb = ref_at(b, r, j) - lse_b;

            ref_set(b, r, j,
                    (double)weight[r] * div_grad(la, lb, sum, kl_bm, kind));
        }
    }
}

void
ref_adamw(struct backend *be, float *w, float *m, float *v, const float *g,
          int64_t n, float lr, float beta1, float beta2, float eps, float wd,
          int64_t step, float gscale)
{
    const double b1 = (double)beta1, b2 = (double)beta2;
    const double c1 = 1 - pow(b1, (double)step);
    const double c2 = 1 - pow(b2, (double)step);

    (void)be;
    for (int64_t i = 0; i < n; i++) {
        const double gi = (double)g[i] * (double)gscale;
        const double mi = b1 * (double)m[i] + (1 - b1) * gi;
        const double vi = b2 * (double)v[i] + (1 - b2) * gi * gi;
        const double step_i = mi / c1 / (sqrt(vi / c2) + (double)eps);

        m[i] = (float)mi;
        v[i] = (float)vi;
        w[i] = (float)((double)w[i] -
                       (double)lr * (step_i + (double)wd * (double)w[i]));
    }
}

double
ref_sum_squares(struct backend *be, const float *x, int64_t n)
{
    double sum = 0;

    (void)be;
    for (int64_t i = 0; i < n; i++)
        sum += (double)x[i] * (double)x[i];
    return sum;
}
