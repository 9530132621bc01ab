/* lora_pass.h -- the low-rank terms of one linear map, forward and backward.
 *
 * The parts of a map (q, k, v; gate, up) share their input, and their A lie one
 * after the other: stacked, they are one product. With S the adapted parts, R
 * the sum of their ranks, A [R,in], and for part p its columns of xa and z,
 *
 *   xa = x A^T            y_p  += s_p xa_p B_p^T
 *   z_p = s_p dy_p B_p    dB_p += s_p dy_p^T xa_p
 *   dA += z^T x           dx   += z A
 *
 * R (in + out) multiply-adds a token instead of in * out. x is dropped out
 * (inverted: kept values are divided by 1 - p) for each part by a mask of its
 * own, as PEFT does; a mask is a hash of (seed, row, column), so the backward
 * pass makes it again.
 */
#ifndef MODEL_LORA_PASS_H
#define MODEL_LORA_PASS_H

#include "base/mem.h"
#include "model/decoder/lora.h"

/* The adapted parts of one map. */
struct lora_stack {
    int n;
    const struct lora_pair *pair[LINEAR_PARTS];
    int64_t col[LINEAR_PARTS];  // where the part begins in y
    int64_t from[LINEAR_PARTS]; // and in xa
    int64_t rank, in, out_sum;  // sums over the parts
};
/** Which of a map's parts `l` adapts (NULL: none). */
struct lora_stack lora_stack_of(const struct lora *l,
                                const struct model_config *cfg, int64_t layer,
                                const enum part *parts, int n_parts);

struct lora_drop {
    float p; // 0: none
    uint64_t seed;
};

/** y [M,out] f32 of the whole map, x [M,in] act_type; xa [M,R] act_type takes
 * x A^T. TRV_ENOMEM. */
int lora_forward(struct backend *be, struct arena *a, struct mat y,
                 struct mat x, const struct lora_stack *s,
                 struct lora_drop drop, struct mat xa, trv_err *err);

/** Adds into d_a, d_b of the pairs and dx [M,in] f32 (data NULL: not wanted);
 * dy [M,out] of the whole map, act_type or f32. TRV_ENOMEM. */
int lora_backward(struct backend *be, struct arena *a, struct mat dx,
                  struct mat dy, struct mat x, struct mat xa,
                  const struct lora_stack *s, struct lora_drop drop,
                  trv_err *err);

#endif
