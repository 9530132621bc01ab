/* vec_isa.h -- names and arithmetic shared by the vec_*_isa.c files, which are
 * compiled once for each instruction set.
 *
 * exp, log and erfc are written as plain expressions without branches, which
 * the compiler turns into vectors. Nothing here assumes that numbers are
 * finite: comparisons are written so that NaN falls through to the result.
 */
#ifndef BACKEND_CPU_VEC_ISA_H
#define BACKEND_CPU_VEC_ISA_H

#include "backend/cpu/vec.h"

#include <math.h>
#include <string.h>

#define VEC_JOIN2(a, b) a##_##b
#define VEC_JOIN(a, b) VEC_JOIN2(a, b)
#define VEC(name) VEC_JOIN(name, TRV_ISA_NAME)

/* One register, and how many of them a block of products may fill. */
#if defined(__AVX512F__)
#define VW 16
#define VN 4
#elif defined(__AVX2__)
#define VW 8
#define VN 2
#else
#define VW 4
#define VN 2
#endif
typedef float vf __attribute__((vector_size(4 * VW), aligned(4)));
typedef int32_t vi __attribute__((vector_size(4 * VW), aligned(4)));

#define VEC_CHUNK 512 // values converted at once, on the stack

union vec_bits {
    float f;
    int32_t i;
};

/* exp(x): relative error below 2e-7; 0 below -86.6, where the result would
 * soon be denormal; infinite from 88.73 on.
 * x = n ln2 + r with |r| <= ln2/2; Taylor to r^7 leaves r^8/8! < 6e-9. */
static inline float
vec_exp(float x)
{
    const float low = -86.6f;
    float t = x < low ? low : x, n, r, p;
    union vec_bits s;

    t = t > 89.0f ? 89.0f : t;
    n = rintf(t * 1.44269504f);
    r = t - n * 0.693145752f;   // upper bits of ln2: n times it is exact
    r = r - n * 1.42860677e-6f; // the rest
    p = 1.98412698e-4f;
    p = p * r + 1.38888889e-3f;
    p = p * r + 8.33333333e-3f;
    p = p * r + 4.16666667e-2f;
    p = p * r + 1.66666667e-1f;
    p = p * r + 0.5f;
    p = p * r + 1.0f;
    p = p * r + 1.0f;
    s.i = ((int32_t)(t == t ? n : 0.0f) + 126) << 23; // 2^(n-1)
    return x < low ? 0.0f : p * 2.0f * s.f;
}

/* log(x) for normal x > 0: absolute error below 1e-7 (1 + |log x|).
 * x = 2^e m, m in [sqrt(1/2), sqrt(2)); with s = (m-1)/(m+1),
 * log m = 2s (1 + s^2/3 + s^4/5 + s^6/7 + s^8/9), the next term below 3e-9. */
static inline float
vec_log(float x)
{
    union vec_bits u = {x};
    const int32_t e = (u.i - 0x3f3504f3) >> 23;
    float s, z, p;

    u.i -= (int32_t)((uint32_t)e << 23);
    s = (u.f - 1.0f) / (u.f + 1.0f);
    z = s * s;
    p = z * (z * (z * (z * 0.111111111f + 0.142857143f) + 0.2f) + 0.333333333f);
    return x == x ? (float)e * 0.693147181f + 2.0f * (s + s * p) : x;
}

static inline float
vec_sigmoid(float x)
{
    return 1.0f / (1.0f + vec_exp(-x));
}

/* tanh(x): relative error below 4e-7. Below 0.625 a polynomial in x^2 (Cephes,
 * tanhf.c: S. Moshier 1989), since 1 - 2/(exp(2x) + 1) would cancel there. */
static inline float
vec_tanh(float x)
{
    const float z = x * x;
    const float far = 1.0f - 2.0f / (vec_exp(2.0f * x) + 1.0f);
    float p = -5.70498872745e-3f;

    p = p * z + 2.06390887954e-2f;
    p = p * z - 5.37397155531e-2f;
    p = p * z + 1.33314422036e-1f;
    p = p * z - 3.33332819422e-1f;
    return z < 0.390625f ? x + x * z * p : far;
}

/* Phi(x), the normal distribution. erfc(t) = exp(-t^2) P(1/(1 + 0.4 t)) for
 * t >= 0, P fitted by least squares on 200 Chebyshev nodes of 0 <= t <= 10:
 * relative error 3e-8 of the fit, 3e-7 with rounding and a factor of the
 * rounding of t^2 in the tail. */
static inline float
vec_normal(float x)
{
    const float t = fabsf(x) * 0.707106781f;
    const float u = 1.0f / (1.0f + 0.4f * t);
    float p = 2.902434990e-02f, e;

    p = p * u - 7.647386022e-02f;
    p = p * u - 5.978340884e-02f;
    p = p * u + 2.708045439e-01f;
    p = p * u - 6.461903083e-02f;
    p = p * u + 2.666307551e-01f;
    p = p * u + 1.780696836e-01f;
    p = p * u + 2.312240068e-01f;
    p = p * u + 2.250972890e-01f;
    p = p * u + 2.570230877e-05f;
    e = 0.5f * vec_exp(-t * t) * p;
    return x > 0 ? 1.0f - e : e;
}

/* As bf16_from_f32(), without a branch. */
static inline bf16
vec_round(float x)
{
    const union vec_bits b = {x};
    const uint32_t u = (uint32_t)b.i;
    const uint32_t r = (u + 0x7fffu + ((u >> 16) & 1u)) >> 16;

    return (bf16)(x == x ? r : (u >> 16) | 0x40u);
}

/* n values of a row from `at` on as f32: where they lie, or in tmp. */
static inline const float *
vec_load(float *tmp, const void *x, enum dtype t, int64_t at, int64_t n)
{
    const bf16 *b = x;

    if (t == DT_F32)
        return (const float *)x + at;
    for (int64_t i = 0; i < n; i++) {
        const union vec_bits u = {.i = (int32_t)((uint32_t)b[at + i] << 16)};

        tmp[i] = u.f;
    }
    return tmp;
}

static inline void
vec_store(void *y, enum dtype t, int64_t at, const float *x, int64_t n)
{
    if (t == DT_F32) {
        memcpy((float *)y + at, x, sizeof(float) * (size_t)n);
        return;
    }
    for (int64_t i = 0; i < n; i++)
        ((bf16 *)y)[at + i] = vec_round(x[i]);
}

static inline vf
vec_max(vf a, vf b) // NaN in b is left out
{
    const vi m = b > a;

    return (vf)(((vi)b & m) | ((vi)a & ~m));
}

/* The slots are those of struct vec_ops. */
void VEC(vec_to_bf16)(bf16 *out, const float *x, int64_t n);
void VEC(vec_to_f32)(float *out, const bf16 *x, int64_t n);
void VEC(vec_norm)(void *y, enum dtype ty, float *stats, const float *x,
                   const float *w, const float *b, float eps, bool rms,
                   int64_t n);
void VEC(vec_norm_back)(float *dx, const void *dy, enum dtype ty,
                        const float *x, const float *stats, const float *w,
                        bool rms, int64_t n);
void VEC(vec_norm_grad)(float *d_w, float *d_b, struct mat dy, struct mat x,
                        const float *stats, bool rms, int64_t c0, int64_t n);
void VEC(vec_col_sum)(float *d_b, struct mat dy, int64_t c0, int64_t n);
void VEC(vec_rope)(float *x, int64_t heads, int64_t head_dim, int64_t rot,
                   const float *cos_sin, bool interleaved, bool inverse);
void VEC(vec_act)(void *h, enum dtype th, const void *u, const void *up,
                  enum dtype tu, enum activation f, int64_t n);
void VEC(vec_act_back)(void *du, void *d_up, enum dtype td, const void *dh,
                       enum dtype th, const void *u, const void *up,
                       enum dtype tu, enum activation f, int64_t n);
double VEC(vec_lse)(const float *x, int64_t n, int32_t *top);
void VEC(vec_exp_row)(float *x, int64_t n, float scale, double lse, float coef);
void VEC(vec_scale)(float *x, int64_t n, float a);
void VEC(vec_cap)(float *x, int64_t n, float a, float cap);
void VEC(vec_cap_back)(float *dy, const float *y, int64_t n, float a,
                       float cap);
double VEC(vec_div)(const float *a, const float *b, int64_t n, double lse_a,
                    double lse_b, enum divergence kind, double *kl_bm);
void VEC(vec_div_grad)(const float *a, float *b, int64_t n, double lse_a,
                       double lse_b, enum divergence kind, double div,
                       double kl_bm, float weight);
void VEC(vec_adamw)(float *w, float *m, float *v, const float *g, int64_t n,
                    float lr, float beta1, float beta2, float eps, float wd,
                    float c1, float c2, float gscale);
double VEC(vec_sum_squares)(const float *x, int64_t n);
void VEC(vec_attn)(void *out, enum dtype to, int64_t ld_out, float *lse,
                   int64_t lse_step, struct vec_rows q, struct vec_rows k,
                   struct vec_rows v, const struct attn_plan *plan,
                   const struct attn_seg *seg, int64_t i0, int64_t n,
                   float *scratch);
void VEC(vec_attn_one)(void *out, enum dtype to, float *lse, const float *q,
                       int64_t group, struct vec_rows k, struct vec_rows v,
                       const struct attn_plan *plan, const struct attn_seg *seg,
                       float *scratch);
void VEC(vec_attn_back)(struct vec_rows dq, struct vec_rows dk,
                        struct vec_rows dv, struct vec_rows dout,
                        const float *delta, const float *lse, int64_t lse_step,
                        struct vec_rows q, struct vec_rows k, struct vec_rows v,
                        const struct attn_plan *plan,
                        const struct attn_seg *seg, float *scratch);
float VEC(vec_dot)(const float *a, const void *b, enum dtype t, int64_t n);
void VEC(vec_add)(float *y, const float *x, int64_t n);

#endif
