/* cpu_layer.h -- the fast operators on rows, losses and the optimiser; the
 * formulas are in backend.h. */
#ifndef BACKEND_CPU_CPU_LAYER_H
#define BACKEND_CPU_CPU_LAYER_H

#include "backend/backend.h"

void cpu_norm_forward(struct backend *be, struct mat y, float *stats,
                      struct mat x, const float *w, const float *b, float eps,
                      bool rms);
void cpu_norm_backward(struct backend *be, struct mat dx, float *d_w,
                       float *d_b, struct mat dy, struct mat x,
                       const float *stats, const float *w, bool rms);
void cpu_rope(struct backend *be, struct mat x, int64_t head_dim, int64_t rot,
              const float *cos_sin, const int32_t *pos, bool interleaved,
              bool inverse);
void cpu_act_forward(struct backend *be, struct mat h, struct mat u,
                     enum activation f, bool gated);
void cpu_act_backward(struct backend *be, struct mat du, struct mat dh,
                      struct mat u, enum activation f, bool gated);
void cpu_col_sum(struct backend *be, float *d_b, struct mat dy);
void cpu_cast(struct backend *be, struct mat y, struct mat x);
void cpu_xent(struct backend *be, float *logp, int32_t *top, struct mat logits,
              const int32_t *target, const float *coef);
void cpu_divergence(struct backend *be, float *div, struct mat a, struct mat b,
                    enum divergence kind, const float *weight);
void cpu_softmax(struct backend *be, struct mat x, float temperature);
void cpu_scale(struct backend *be, struct mat y, float a, float cap);
void cpu_scale_backward(struct backend *be, struct mat dy, struct mat y,
                        float a, float cap);
void cpu_adamw(struct backend *be, float *w, float *m, float *v, const float *g,
               int64_t n, float lr, float beta1, float beta2, float eps,
               float wd, int64_t step, float gscale);
double cpu_sum_squares(struct backend *be, const float *x, int64_t n);

#endif
