/* ref_layer.c -- the oracle's operators on rows: norms, rotation, activations.
 */
#include "backend/ref/ref.h"

#include <math.h>

#define SQRT_2_OVER_PI 0.79788456080286535588
#define SQRT_1_2 0.70710678118654752440
#define INV_SQRT_2PI 0.39894228040143267794

void
ref_norm_forward(struct backend *be, struct mat y, float *stats, struct mat x,
                 const float *w, const float *b, float eps, bool rms)
{
    const int64_t C = x.cols;

    (void)be;
    for (int64_t t = 0; t < x.rows; t++) {
        double mean = 0, var = 0, rstd;

        if (!rms) {
            for (int64_t i = 0; i < C; i++)
                mean += ref_at(x, t, i);
            mean /= (double)C;
        }
        for (int64_t i = 0; i < C; i++) {
            const double d = ref_at(x, t, i) - mean;

            var += d * d;
        }
        rstd = 1 / sqrt(var / (double)C + (double)eps);
        for (int64_t i = 0; i < C; i++) {
            double out = (ref_at(x, t, i) - mean) * rstd * (double)w[i];

            if (b)
                out += (double)b[i];
            ref_set(y, t, i, out);
        }
        if (stats) {
            stats[2 * t] = (float)mean;
            stats[2 * t + 1] = (float)rstd;
        }
    }
}

/* With h = (x - mean) rstd and g = dy w:
 * dx += rstd (g - mean(g) - h mean(g h)); without mean(g) for rms. */
static void
norm_backward_row(struct mat dx, struct mat dy, struct mat x, int64_t t,
                  double mean, double rstd, const float *w, bool rms)
{
    const int64_t C = x.cols;
    double sum_g = 0, sum_gh = 0;

    for (int64_t i = 0; i < C; i++) {
        const double g = ref_at(dy, t, i) * (double)w[i];

        sum_g += g;
        sum_gh += g * (ref_at(x, t, i) - mean) * rstd;
    }
    sum_g = rms ? 0 : sum_g / (double)C;
    sum_gh /= (double)C;
    for (int64_t i = 0; i < C; i++) {
        const double g = ref_at(dy, t, i) * (double)w[i];
        const double h = (ref_at(x, t, i) - mean) * rstd;

        ref_add(dx, t, i, rstd * (g - sum_g - h * sum_gh));
    }
}

void
ref_norm_backward(struct backend *be, struct mat dx, float *d_w, float *d_b,
                  struct mat dy, struct mat x, const float *stats,
                  const float *w, bool rms)
{
    for (int64_t t = 0; t < x.rows; t++)
        norm_backward_row(dx, dy, x, t, rms ? 0 : (double)stats[2 * t],
                          (double)stats[2 * t + 1], w, rms);
    if (d_b)
        ref_col_sum(be, d_b, dy);
    if (!d_w)
        return;
    for (int64_t i = 0; i < x.cols; i++) {
        double sum = 0;

        for (int64_t t = 0; t < x.rows; t++) {
            const double mean = rms ? 0 : (double)stats[2 * t];

            sum += ref_at(dy, t, i) * (ref_at(x, t, i) - mean) *
                   (double)stats[2 * t + 1];
        }
        d_w[i] = (float)((double)d_w[i] + sum);
    }
}

void
ref_rope(struct backend *be, struct mat x, int64_t head_dim, int64_t rot,
         const float *cos_sin, const int32_t *pos, bool interleaved,
         bool inverse)
{
    const int64_t half = rot / 2;

    (void)be;
    for (int64_t t = 0; t < x.rows; t++) {
        const float *c = cos_sin + pos[t] * rot;
        const float *s = c + half;

        for (int64_t h = 0; h < x.cols; h += head_dim)
            for (int64_t i = 0; i < half; i++) {
                const int64_t at = h + (interleaved ? 2 * i : i);
                const int64_t with = interleaved ? at + 1 : at + half;
                const double a = ref_at(x, t, at);
                const double b = ref_at(x, t, with);
                const double si = inverse ? -(double)s[i] : (double)s[i];

                ref_set(x, t, at, a * (double)c[i] - b * si);
                ref_set(x, t, with, b * (double)c[i] + a * si);
            }
    }
}

/* Value of f at x, and its slope. */
static double
act(double x, enum activation f, double *slope)
{
    double y;

    switch (f) {
    case ACT_GELU_TANH: {
        const double th = tanh(SQRT_2_OVER_PI * (x + 0.044715 * x * x * x));

        *slope = 0.5 * (1 + th) + 0.5 * x * (1 - th * th) * SQRT_2_OVER_PI *
                                      (1 + 3 * 0.044715 * x * x);
        return 0.5 * x * (1 + th);
    }
    case ACT_GELU_ERF:
        y = 0.5 * erfc(-x * SQRT_1_2); // keeps the lower tail
        *slope = y + x * INV_SQRT_2PI * exp(-0.5 * x * x);
        return x * y;
    case ACT_SILU:
        y = 1 / (1 + exp(-x));
        *slope = y + x * y * (1 - y);
        return x * y;
    case ACT_RELU:
        break;
    }
    /* Written so that NaN stays NaN. */
    *slope = x <= 0 ? 0 : 1;
    return x <= 0 ? 0 : x;
}

void
ref_act_forward(struct backend *be, struct mat h, struct mat u,
                enum activation f, bool gated)
{
    const int64_t F = h.cols;
    double slope;

    (void)be;
    for (int64_t t = 0; t < h.rows; t++)
        for (int64_t i = 0; i < F; i++) {
            const double up = gated ? ref_at(u, t, F + i) : 1;

            ref_set(h, t, i, act(ref_at(u, t, i), f, &slope) * up);
        }
}

void
ref_act_backward(struct backend *be, struct mat du, struct mat dh, struct mat u,
                 enum activation f, bool gated)
{
    const int64_t F = dh.cols;

    (void)be;
    for (int64_t t = 0; t < dh.rows; t++)
        for (int64_t i = 0; i < F; i++) {
            const double up = gated ? ref_at(u, t, F + i) : 1;
            const double d = ref_at(dh, t, i);
            double slope;
            const double y = act(ref_at(u, t, i), f, &slope);

            ref_set(du, t, i, d * up * slope);
            if (gated)
                ref_set(du, t, F + i, d * y);
        }
}

void
ref_col_sum(struct backend *be, float *d_b, struct mat dy)
{
    (void)be;
    for (int64_t i = 0; i < dy.cols; i++) {
        double sum = 0;

        for (int64_t t = 0; t < dy.rows; t++)
            sum += ref_at(dy, t, i);
        d_b[i] = (float)((double)d_b[i] + sum);
    }
}
