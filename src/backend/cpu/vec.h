/* vec.h -- vector kernels: one table for each instruction set.
 *
 * Every kernel is the work of one thread on rows that it is handed; who works
 * on which rows is decided in cpu_*.c by shapes alone, never by the number of
 * threads. Pointers with a dtype are rows in f32 or bf16. NaN goes through all
 * of them.
 */
#ifndef BACKEND_CPU_VEC_H
#define BACKEND_CPU_VEC_H

#include "backend/backend.h"

/* Scratch of one thread in attention, in f32 values. */
#define VEC_ATTN_ROWS 64 // queries taken together
#define VEC_ATTN_KEYS 64 // keys taken together
#define VEC_ATTN_SCRATCH(D)                                                    \
    (2 * VEC_ATTN_ROWS * VEC_ATTN_KEYS + 2 * VEC_ATTN_ROWS * (D) +             \
     VEC_ATTN_ROWS * (D) + 4 * VEC_ATTN_ROWS)

/* Rows of queries or gradients of one head: row i at p + i*ld. */
struct vec_rows {
    float *p;
    int64_t ld;
};

struct vec_ops {
    void (*to_bf16)(bf16 *out, const float *x, int64_t n);
    void (*to_f32)(float *out, const bf16 *x, int64_t n);

    /* As in backend.h, for one row of n values; stats [2] may be NULL. */
    void (*norm)(void *y, enum dtype ty, float *stats, const float *x,
                 const float *w, const float *b, float eps, bool rms,
                 int64_t n);
    void (*norm_back)(float *dx, const void *dy, enum dtype ty, const float *x,
                      const float *stats, const float *w, bool rms, int64_t n);
    /* Columns c0..c0+n-1, n <= 64: d_w, d_b += over all rows. */
    void (*norm_grad)(float *d_w, float *d_b, struct mat dy, struct mat x,
                      const float *stats, bool rms, int64_t c0, int64_t n);
    void (*col_sum)(float *d_b, struct mat dy, int64_t c0, int64_t n);
    void (*rope)(float *x, int64_t heads, int64_t head_dim, int64_t rot,
                 const float *cos_sin, bool interleaved, bool inverse);
    /* up: NULL where not gated. */
    void (*act)(void *h, enum dtype th, const void *u, const void *up,
                enum dtype tu, enum activation f, int64_t n);
    void (*act_back)(void *du, void *d_up, enum dtype td, const void *dh,
                     enum dtype th, const void *u, const void *up,
                     enum dtype tu, enum activation f, int64_t n);

    /* Returns the log-sum-exp of a row; *top its first largest. */
    double (*lse)(const float *x, int64_t n, int32_t *top);
    /* x = coef * exp(x*scale - lse) */
    void (*exp_row)(float *x, int64_t n, float scale, double lse, float coef);
    /* x *= a */
    void (*scale)(float *x, int64_t n, float a);
    /* x = cap tanh(a*x / cap); dy *= a (1 - (y/cap)^2), where y is its value */
    void (*cap)(float *x, int64_t n, float a, float cap);
    void (*cap_back)(float *dy, const float *y, int64_t n, float a, float cap);
    /* Divergence of two rows with their log-sum-exps; *kl_bm takes KL(B||M)
     * of the Jensen-Shannon divergence. */
    double (*div)(const float *a, const float *b, int64_t n, double lse_a,
                  double lse_b, enum divergence kind, double *kl_bm);
    void (*div_grad)(const float *a, float *b, int64_t n, double lse_a,
                     double lse_b, enum divergence kind, double div,
                     double kl_bm, float weight);

    /* c1, c2: 1/(1-beta^step). */
    void (*adamw)(float *w, float *m, float *v, const float *g, int64_t n,
                  float lr, float beta1, float beta2, float eps, float wd,
                  float c1, float c2, float gscale);
    double (*sum_squares)(const float *x, int64_t n);

    /* Queries i0 .. i0+n-1 (n <= VEC_ATTN_ROWS) of a segment, one head.
     * out [n,D] of type to; lse: values `lse_step` apart, or NULL. */
    void (*attn)(void *out, enum dtype to, int64_t ld_out, float *lse,
                 int64_t lse_step, struct vec_rows q, struct vec_rows k,
                 struct vec_rows v, const struct attn_plan *plan,
                 const struct attn_seg *seg, int64_t i0, int64_t n,
                 float *scratch);
    /* One query of `group` heads that share k and v (group <= 16). */
    void (*attn_one)(void *out, enum dtype to, float *lse, const float *q,
                     int64_t group, struct vec_rows k, struct vec_rows v,
                     const struct attn_plan *plan, const struct attn_seg *seg,
                     float *scratch);
    /* All queries of a segment, one head: dq = , dk and dv += . delta [n] is
     * sum over d of dout*out. */
    void (*attn_back)(struct vec_rows dq, struct vec_rows dk,
                      struct vec_rows dv, struct vec_rows dout,
                      const float *delta, const float *lse, int64_t lse_step,
                      struct vec_rows q, struct vec_rows k, struct vec_rows v,
                      const struct attn_plan *plan, const struct attn_seg *seg,
                      float *scratch);
    /* sum of a[i]*b[i], b of type t */
    float (*dot)(const float *a, const void *b, enum dtype t, int64_t n);
    /* y += x */
    void (*add)(float *y, const float *x, int64_t n);
};

extern const struct vec_ops vec_ops_base, vec_ops_avx2, vec_ops_avx512;

#endif
