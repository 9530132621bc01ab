/* lora_pass.h -- the low-rank term of one linear map, forward and backward.
 *
 *   y  += s (x A^T) B^T
 *   dB += s dy^T (x A^T);  z = s dy B;  dA += z^T x;  dx += z A
 *
 * R (in + out) multiply-adds a token instead of in * out. x is dropped out
 * (inverted: kept values are divided by 1 - p) by a mask that is a hash of
 * (seed, row, column), so the backward pass makes it again.
 */
#ifndef MODEL_LORA_PASS_H
#define MODEL_LORA_PASS_H

#include "base/mem.h"
#include "model/lora.h"

struct lora_drop {
    float p; // 0: none
    uint64_t seed;
};

/** y [M,out] f32, x [M,in] act_type; xa [M,rank] act_type takes x A^T. */
int lora_forward(struct backend *be, struct arena *a, struct mat y,
                 struct mat x, const struct lora_pair *p, struct lora_drop drop,
                 struct mat xa, trv_err *err);

/** Adds into p->d_a, p->d_b and dx [M,in] f32 (data NULL: not wanted);
 * dy [M,out] act_type or f32. */
int lora_backward(struct backend *be, struct arena *a, struct mat dx,
                  struct mat dy, struct mat x, struct mat xa,
                  const struct lora_pair *p, struct lora_drop drop,
                  trv_err *err);

#endif
