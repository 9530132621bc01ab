/* dora.h -- weight-decomposed low-rank adaptation: each row of the merged weight
 * has a trained magnitude, and its direction is that of the row.
 *
 *   V = W + scale * B A,  y = m (V x) / |V| + b,  |V| row by row
 *
 * The division is one of the columns of y, so a pass is that of a LoRA, then a
 * scaling of the rows of its group. |V| is no function that is learned through:
 * as in PEFT (section 4.3 of the paper) it counts as constant in the backward
 * pass. It is a cache beside the LoRA's vectors: lora_refresh() says that it is
 * stale, the next forward pass brings it up to date for its own decoder.
 *
 *   |V|^2 = |W|^2 + 2 scale B (A W^T) + scale^2 B (A A^T) B^T
 *
 * so a refresh costs a forward pass over `rank` tokens, once |W|^2 is known.
 *
 * Source   Liu et al. 2024, arXiv:2402.09353. Dropout of x acts on the low-rank
 *          term alone.
 */
#ifndef MODEL_DORA_H
#define MODEL_DORA_H

#include "model/decoder/lora.h"

struct decoder;
struct model;

/** Start magnitudes from the rows of a model's weights, so that nothing changes
 * yet. TRV_ENOMEM. */
int dora_start(struct lora *l, const struct model *m, trv_err *err);
/** w has changed; the first call allocates. TRV_ENOMEM. */
int dora_stale(struct lora *l, trv_err *err);
/** Bring what passes read up to date, for a decoder. TRV_ENOMEM. */
int dora_refresh(struct decoder *d, struct arena *a, const struct lora *l,
                 trv_err *err);
void dora_free(struct dora *n); // NULL is allowed

/** y [M,out] f32 of one part in place, from V x + b to what DoRA makes of it;
 * `v` [M,out] f32 takes V x / |V| (data NULL: not wanted); b [out] or NULL. */
void dora_forward(struct backend *be, struct mat y, struct mat v,
                  const struct lora *l, const struct lora_pair *p,
                  const float *b);
/** dy [M,out] f32 of one part in place, to the gradient of V x + b; adds into
 * d_m of the pair. */
void dora_backward(struct backend *be, struct mat dy, struct mat v,
                   const struct lora *l, const struct lora_pair *p);

#endif
