/* ref.h -- the oracle's operators: plain loops, sums in double, never
 * optimised. ref.c owns the table and the products, ref_layer.c what acts on
 * rows, ref_attn.c attention, ref_loss.c losses and the optimiser.
 */
#ifndef BACKEND_REF_REF_H
#define BACKEND_REF_REF_H

#include "backend/backend.h"

extern const struct backend_ops ref_ops;

static inline double
ref_at(struct mat m, int64_t row, int64_t col)
{
    const int64_t at = row * m.ld + col;

    return m.type == DT_F32 ? (double)((const float *)m.data)[at]
                            : (double)bf16_to_f32(((const bf16 *)m.data)[at]);
}
static inline void
ref_set(struct mat m, int64_t row, int64_t col, double x)
{
    const int64_t at = row * m.ld + col;

    if (m.type == DT_F32)
        ((float *)m.data)[at] = (float)x;
    else
        ((bf16 *)m.data)[at] = bf16_from_f32((float)x);
}
static inline void
ref_add(struct mat m, int64_t row, int64_t col, double x)
{
    ref_set(m, row, col, ref_at(m, row, col) + x);
}

void ref_norm_forward(struct backend *be, struct mat y, float *stats,
                      struct mat x, const float *w, const float *b, float eps,
                      bool rms);
void ref_norm_backward(struct backend *be, struct mat dx, float *d_w,
                       float *d_b, struct mat dy, struct mat x,
                       const float *stats, const float *w, bool rms);
void ref_rope(struct backend *be, struct mat x, int64_t head_dim, int64_t rot,
              const float *cos_sin, const int32_t *pos, bool interleaved,
              bool inverse);
void ref_act_forward(struct backend *be, struct mat h, struct mat u,
                     enum activation f, bool gated);
void ref_act_backward(struct backend *be, struct mat du, struct mat dh,
                      struct mat u, enum activation f, bool gated);
void ref_col_sum(struct backend *be, float *d_b, struct mat dy);

void ref_attn_forward(struct backend *be, struct mat out, float *lse,
                      struct mat q, struct mat k, struct mat v,
                      const struct attn_plan *plan);
void ref_attn_backward(struct backend *be, struct mat dq, struct mat dk,
                       struct mat dv, struct mat dout, struct mat out,
                       const float *lse, struct mat q, struct mat k,
                       struct mat v, const struct attn_plan *plan);

void ref_xent(struct backend *be, float *logp, int32_t *top, struct mat logits,
              const int32_t *target, const float *coef);
void ref_divergence(struct backend *be, float *div, struct mat a, struct mat b,
                    enum divergence kind, const float *weight);
void ref_softmax(struct backend *be, struct mat x, float temperature);
void ref_scale(struct backend *be, struct mat y, float a, float cap);
void ref_scale_backward(struct backend *be, struct mat dy, struct mat y,
                        float a, float cap);
void ref_cast(struct backend *be, struct mat y, struct mat x);
void ref_adamw(struct backend *be, float *w, float *m, float *v, const float *g,
               int64_t n, float lr, float beta1, float beta2, float eps,
               float wd, int64_t step, float gscale);
double ref_sum_squares(struct backend *be, const float *x, int64_t n);

#endif
