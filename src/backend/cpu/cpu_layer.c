/* cpu_layer.c -- rows, columns and blocks shared out among threads. The parts
 * are cut by shape alone, so that results do not depend on how many work.
 */
#include "backend/cpu/cpu_layer.h"

#include <math.h>
#include <omp.h>

#include "backend/cpu/cpu_state.h"

/* Below this many values the work is not worth waking a thread. */
#define SMALL 8192

static char *
row(struct mat m, int64_t t)
{
    return (char *)m.data + (size_t)(t * m.ld) * (m.type == DT_F32 ? 4 : 2);
}
static float *
row_f32(struct mat m, int64_t t)
{
    return (float *)m.data + t * m.ld;
}
static const void *
column(struct mat m, int64_t t, int64_t c)
{
    return row(m, t) + c * (m.type == DT_F32 ? 4 : 2);
}

void
cpu_norm_forward(struct backend *be, struct mat y, float *stats, struct mat x,
                 const float *w, const float *b, float eps, bool rms)
{
    const struct vec_ops *vec = cpu_state(be)->vec;

#pragma omp parallel for schedule(static)                                      \
    num_threads(be->threads) if (x.rows * x.cols > SMALL)
    for (int64_t t = 0; t < x.rows; t++)
        vec->norm(row(y, t), y.type, stats ? stats + 2 * t : NULL,
                  row_f32(x, t), w, b, eps, rms, x.cols);
}

void
cpu_norm_backward(struct backend *be, struct mat dx, float *d_w, float *d_b,
                  struct mat dy, struct mat x, const float *stats,
                  const float *w, bool rms)
{
    const struct vec_ops *vec = cpu_state(be)->vec;
    const int64_t C = x.cols;

#pragma omp parallel for schedule(static)                                      \
    num_threads(be->threads) if (x.rows * C > SMALL)
    for (int64_t t = 0; t < x.rows; t++)
        vec->norm_back(row_f32(dx, t), row(dy, t), dy.type, row_f32(x, t),
                       stats + 2 * t, w, rms, C);
    if (!d_w && !d_b)
        return;
#pragma omp parallel for schedule(static)                                      \
    num_threads(be->threads) if (x.rows * C > SMALL)
    for (int64_t c = 0; c < C; c += 64)
        vec->norm_grad(d_w, d_b, dy, x, stats, rms, c, C - c < 64 ? C - c : 64);
}

void
cpu_rope(struct backend *be, struct mat x, int64_t head_dim, int64_t rot,
         const float *cos_sin, const int32_t *pos, bool interleaved,
         bool inverse)
{
    const struct vec_ops *vec = cpu_state(be)->vec;

#pragma omp parallel for schedule(static)                                      \
    num_threads(be->threads) if (x.rows * x.cols > SMALL)
    for (int64_t t = 0; t < x.rows; t++)
        vec->rope(row_f32(x, t), x.cols / head_dim, head_dim, rot,
                  cos_sin + pos[t] * rot, interleaved, inverse);
}

void
cpu_act_forward(struct backend *be, struct mat h, struct mat u,
                enum activation f, bool gated)
{
    const struct vec_ops *vec = cpu_state(be)->vec;
    const int64_t F = h.cols;

#pragma omp parallel for schedule(static)                                      \
    num_threads(be->threads) if (h.rows * F > SMALL)
    for (int64_t t = 0; t < h.rows; t++)
        vec->act(row(h, t), h.type, row(u, t), gated ? column(u, t, F) : NULL,
                 u.type, f, F);
}

void
cpu_act_backward(struct backend *be, struct mat du, struct mat dh, struct mat u,
                 enum activation f, bool gated)
{
    const struct vec_ops *vec = cpu_state(be)->vec;
    const int64_t F = dh.cols;
    const size_t up = (size_t)F * (du.type == DT_F32 ? 4 : 2);

#pragma omp parallel for schedule(static)                                      \
    num_threads(be->threads) if (dh.rows * F > SMALL)
    for (int64_t t = 0; t < dh.rows; t++)
        vec->act_back(row(du, t), gated ? row(du, t) + up : NULL, du.type,
                      row(dh, t), dh.type, row(u, t),
                      gated ? column(u, t, F) : NULL, u.type, f, F);
}

void
cpu_col_sum(struct backend *be, float *d_b, struct mat dy)
{
    const struct vec_ops *vec = cpu_state(be)->vec;
    const int64_t C = dy.cols;

#pragma omp parallel for schedule(static)                                      \
    num_threads(be->threads) if (dy.rows * C > SMALL)
    for (int64_t c = 0; c < C; c += 64)
        vec->col_sum(d_b, dy, c, C - c < 64 ? C - c : 64);
}

void
cpu_cast(struct backend *be, struct mat y, struct mat x)
{
    const struct vec_ops *vec = cpu_state(be)->vec;
    const size_t bytes = (size_t)x.cols * (x.type == DT_F32 ? 4 : 2);

#pragma omp parallel for schedule(static)                                      \
    num_threads(be->threads) if (x.rows * x.cols > SMALL)
    for (int64_t t = 0; t < x.rows; t++)
        if (x.type == y.type)
            memmove(row(y, t), row(x, t), bytes);
        else if (y.type == DT_F32)
            vec->to_f32(row_f32(y, t), column(x, t, 0), x.cols);
        else
            vec->to_bf16((bf16 *)y.data + t * y.ld, row_f32(x, t), x.cols);
}

void
cpu_xent(struct backend *be, float *logp, int32_t *top, struct mat logits,
         const int32_t *target, const float *coef)
{
    const struct vec_ops *vec = cpu_state(be)->vec;
    const int64_t V = logits.cols;

#pragma omp parallel for schedule(static) num_threads(be->threads)
    for (int64_t r = 0; r < logits.rows; r++) {
        float *x = row_f32(logits, r);
        const int32_t y = target[r];
        double lse;

        if (y < 0 && !top) { // nothing of this row is looked at
            logp[r] = 0;
            if (coef)
                memset(x, 0, sizeof(float) * (size_t)V);
            continue;
        }
        lse = vec->lse(x, V, top ? &top[r] : NULL);
        logp[r] = y < 0 ? 0.0f : (float)((double)x[y] - lse);
        if (!coef)
            continue;
        if (y < 0) {
            memset(x, 0, sizeof(float) * (size_t)V);
            continue;
        }
        vec->exp_row(x, V, 1.0f, lse, coef[r]);
        /* expm1 keeps p - 1 where p is close to 1. */
        x[y] = coef[r] * (float)expm1((double)logp[r]);
    }
}

void
cpu_divergence(struct backend *be, float *div, struct mat a, struct mat b,
               enum divergence kind, const float *weight)
{
    const struct vec_ops *vec = cpu_state(be)->vec;
    const int64_t V = b.cols;

#pragma omp parallel for schedule(static) num_threads(be->threads)
    for (int64_t r = 0; r < b.rows; r++) {
        const float *x = row_f32(a, r);
        float *y = row_f32(b, r);
        const double lse_a = vec->lse(x, V, NULL), lse_b = vec->lse(y, V, NULL);
        double kl_bm;
        const double d = vec->div(x, y, V, lse_a, lse_b, kind, &kl_bm);

        div[r] = (float)d;
        if (weight)
            vec->div_grad(x, y, V, lse_a, lse_b, kind, d, kl_bm, weight[r]);
    }
}

void
cpu_softmax(struct backend *be, struct mat x, float temperature)
{
    const struct vec_ops *vec = cpu_state(be)->vec;

#pragma omp parallel for schedule(static) num_threads(be->threads)
    for (int64_t r = 0; r < x.rows; r++) {
        float *p = row_f32(x, r);

        if (temperature != 1.0f)
            vec->scale(p, x.cols, 1.0f / temperature);
        vec->exp_row(p, x.cols, 1.0f, vec->lse(p, x.cols, NULL), 1.0f);
    }
}

void
cpu_scale(struct backend *be, struct mat y, float a, float cap)
{
    const struct vec_ops *vec = cpu_state(be)->vec;

#pragma omp parallel for schedule(static)                                      \
    num_threads(be->threads) if (y.rows * y.cols > SMALL)
    for (int64_t r = 0; r < y.rows; r++)
        if (cap > 0)
            vec->cap(row_f32(y, r), y.cols, a, cap);
        else
            vec->scale(row_f32(y, r), y.cols, a);
}

void
cpu_scale_backward(struct backend *be, struct mat dy, struct mat y, float a,
                   float cap)
{
    const struct vec_ops *vec = cpu_state(be)->vec;

#pragma omp parallel for schedule(static)                                      \
    num_threads(be->threads) if (dy.rows * dy.cols > SMALL)
    for (int64_t r = 0; r < dy.rows; r++)
        if (cap > 0)
            vec->cap_back(row_f32(dy, r), row_f32(y, r), dy.cols, a, cap);
        else
            vec->scale(row_f32(dy, r), dy.cols, a);
}

#define FLAT 16384 // values of a flat array that one thread takes

void
cpu_adamw(struct backend *be, float *w, float *m, float *v, const float *g,
          int64_t n, float lr, float beta1, float beta2, float eps, float wd,
          int64_t step, float gscale)
{
    const struct vec_ops *vec = cpu_state(be)->vec;
    const float c1 = (float)(1 / (1 - pow((double)beta1, (double)step)));
    const float c2 = (float)(1 / (1 - pow((double)beta2, (double)step)));

#pragma omp parallel for schedule(static) num_threads(be->threads)
    for (int64_t i = 0; i < n; i += FLAT)
        vec->adamw(w + i, m + i, v + i, g + i, n - i < FLAT ? n - i : FLAT, lr,
                   beta1, beta2, eps, wd, c1, c2, gscale);
}

double
cpu_sum_squares(struct backend *be, const float *x, int64_t n)
{
    const struct vec_ops *vec = cpu_state(be)->vec;
    double part[256], sum = 0;

    for (int64_t at = 0; at < n; at += FLAT * 256) {
        const int64_t left = (n - at + FLAT - 1) / FLAT;
        const int64_t parts = left < 256 ? left : 256;

#pragma omp parallel for schedule(static) num_threads(be->threads)
        for (int64_t i = 0; i < parts; i++) {
            const int64_t from = at + i * FLAT;

            part[i] =
                vec->sum_squares(x + from, n - from < FLAT ? n - from : FLAT);
        }
        for (int64_t i = 0; i < parts; i++)
            sum += part[i];
    }
    return sum;
}
