/* vec_loss_isa.c -- rows of logits, and the optimiser's step. */
#include "backend/cpu/vec_isa.h"

/* A row is read in blocks that stay in the first cache: the largest logit of a
 * block, then its exponentials, while the row itself is read once. */
#define BLOCK 2048

/* The largest; NaN is left out, for it shows in the sum. */
static float
block_max(const float *x, int64_t n)
{
    float max = -INFINITY;
    int64_t i = 0;

    if (n >= VW) {
        vf m = (vf){0} - INFINITY;

        for (; i + VW <= n; i += VW)
            m = vec_max(m, *(const vf *)(x + i));
        for (int j = 0; j < VW; j++)
            max = m[j] > max ? m[j] : max;
    }
    for (; i < n; i++)
        max = x[i] > max ? x[i] : max;
    return max;
}

double
VEC(vec_lse)(const float *x, int64_t n, int32_t *top)
{
    float max = -INFINITY;
    double sum = 0;
    int64_t at = 0;

    for (int64_t c = 0; c < n; c += BLOCK) {
        const int64_t m = n - c < BLOCK ? n - c : BLOCK;
        const float most = block_max(x + c, m);
        float part = 0, base;

        if (most > max) {
            sum *= exp((double)max - (double)most); // 0 at first
            max = most;
            at = c;
        }
        base = max == -INFINITY ? 0.0f : max; // -inf - -inf would be NaN
        for (int64_t i = 0; i < m; i++)
            part += vec_exp(x[c + i] - base);
        sum += (double)part;
    }
    if (top) {
        while (at < n && x[at] != max)
            at++;
        *top = at < n ? (int32_t)at : 0;
    }
    return (double)max + log(sum);
}

void
VEC(vec_exp_row)(float *x, int64_t n, float scale, double lse, float coef)
{
    const float l = (float)lse;
    const float c =
        coef * (float)exp((double)l - lse); // what l's rounding took

    for (int64_t i = 0; i < n; i++)
        x[i] = c * vec_exp(x[i] * scale - l);
}

/* Log-probabilities of one token under A and B, from logits. The difference of
 * the logits is taken first: it is exact where they are close, and its constant
 * is rounded once for the row, which vec_div() puts right. */
struct div_row {
    float lse_a, lse_b, shift; // shift = lse_a - lse_b
};

static inline float
div_p(float x, float lse)
{
    return vec_exp(x - lse);
}

/* p * x, where what has no probability counts for nothing. */
static inline float
div_weigh(float p, float x)
{
    return p == 0.0f ? 0.0f : p * x;
}

/* la - lm, where d = lb - la and exp(lm) = (exp(la) + exp(lb)) / 2:
 * -log(1 + (exp(d) - 1) / 2). Beyond 80 A or B has no probability. */
static inline float
div_clamp(float d)
{
    d = d > 80.0f ? 80.0f : d;
    return d < -80.0f ? -80.0f : d;
}

static inline float
div_to_mix(float d)
{
    return -vec_log(0.5f + 0.5f * vec_exp(div_clamp(d)));
}

double
VEC(vec_div)(const float *a, const float *b, int64_t n, double lse_a,
             double lse_b, enum divergence kind, double *kl_bm)
{
    const struct div_row r = {(float)lse_a, (float)lse_b,
                              (float)(lse_a - lse_b)};
    double sum = 0, sum_b = 0;

    for (int64_t c = 0; c < n; c += BLOCK) {
        const int64_t m = n - c < BLOCK ? n - c : BLOCK;
        const float *x = a + c, *y = b + c;
        float part = 0, part_b = 0;

        switch (kind) {
        case DIV_FORWARD:
            for (int64_t i = 0; i < m; i++)
                part +=
                    div_weigh(div_p(x[i], r.lse_a), (x[i] - y[i]) - r.shift);
            break;
        case DIV_REVERSE:
            for (int64_t i = 0; i < m; i++)
                part +=
                    div_weigh(div_p(y[i], r.lse_b), (y[i] - x[i]) + r.shift);
            break;
        case DIV_JSD:
            for (int64_t i = 0; i < m; i++) {
                const float d = (y[i] - x[i]) + r.shift;
                const float to_mix = div_to_mix(d);

                part += div_weigh(div_p(x[i], r.lse_a), to_mix);
                part_b +=
                    div_weigh(div_p(y[i], r.lse_b), div_clamp(d) + to_mix);
            }
            break;
        }
        sum += (double)part;
        sum_b += (double)part_b;
    }
    *kl_bm = sum_b;
    switch (kind) {
    case DIV_FORWARD:
        return sum + ((double)r.shift - (lse_a - lse_b));
    case DIV_REVERSE:
        return sum - ((double)r.shift - (lse_a - lse_b));
    case DIV_JSD:
        break;
    }
    return 0.5 * (sum + sum_b);
}

void
VEC(vec_div_grad)(const float *a, float *b, int64_t n, double lse_a,
                  double lse_b, enum divergence kind, double div, double kl_bm,
                  float weight)
{
    const struct div_row r = {(float)lse_a, (float)lse_b,
                              (float)(lse_a - lse_b)};
    const float kl = (float)div, bm = (float)kl_bm;

    switch (kind) {
    case DIV_FORWARD:
        for (int64_t i = 0; i < n; i++)
            b[i] = weight * (div_p(b[i], r.lse_b) - div_p(a[i], r.lse_a));
        break;
    case DIV_REVERSE:
        for (int64_t i = 0; i < n; i++)
            b[i] = weight * div_weigh(div_p(b[i], r.lse_b),
                                      (b[i] - a[i]) + r.shift - kl);
        break;
    case DIV_JSD:
        for (int64_t i = 0; i < n; i++) {
            const float d = (b[i] - a[i]) + r.shift;

            b[i] = 0.5f * weight *
                   div_weigh(div_p(b[i], r.lse_b),
                             div_clamp(d) + div_to_mix(d) - bm);
        }
        break;
    }
}

void
VEC(vec_adamw)(float *w, float *m, float *v, const float *g, int64_t n,
               float lr, float beta1, float beta2, float eps, float wd,
               float c1, float c2, float gscale)
{
#ifdef __clang__
    /* It may reorder sums here, and makes g^2 - beta2 g^2 of (1 - beta2) g^2,
     * which magnifies the rounding by 1 / (1 - beta2); gcc does not. */
#pragma clang fp reassociate(off)
#endif
    float *restrict wr = w, *restrict mr = m, *restrict vr = v;
    const float *restrict gr = g;

    for (int64_t i = 0; i < n; i++) {
        const float gi = gr[i] * gscale;
        const float mi = beta1 * mr[i] + (1.0f - beta1) * gi;
        const float v2 = beta2 * vr[i] + (1.0f - beta2) * gi * gi;

        mr[i] = mi;
        vr[i] = v2;
        wr[i] -= lr * (mi * c1 / (sqrtf(v2 * c2) + eps) + wd * wr[i]);
    }
}

double
VEC(vec_sum_squares)(const float *x, int64_t n)
{
    double sum = 0;

    for (int64_t i = 0; i < n; i++)
        sum += (double)x[i] * (double)x[i];
    return sum;
}
