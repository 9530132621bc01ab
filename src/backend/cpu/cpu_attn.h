/* cpu_attn.h -- the fast attention; the contract is in backend.h. */
#ifndef BACKEND_CPU_CPU_ATTN_H
#define BACKEND_CPU_CPU_ATTN_H

#include "backend/backend.h"

void cpu_attn_forward(struct backend *be, struct mat out, float *lse,
                      struct mat q, struct mat k, struct mat v,
                      const struct attn_plan *plan);
void cpu_attn_backward(struct backend *be, struct mat dq, struct mat dk,
                       struct mat dv, struct mat dout, struct mat out,
                       const float *lse, struct mat q, struct mat k,
                       struct mat v, const struct attn_plan *plan);

#endif
