/* weight_pairs.h -- a LoRA from the pairs of a file that says by its tensors
 * alone what it adapts, as mlx-lm's and llama.cpp's do.
 *
 *   W [rows, cols] += scale * up [rows, rank] down [rank, cols]
 *
 * where W is a linear map [out, in], the head, or the embedding [V, C].
 */
#ifndef ADAPT_PARAMS_WEIGHT_PAIRS_H
#define ADAPT_PARAMS_WEIGHT_PAIRS_H

#include "adapt/params/modules.h"
#include "model/decoder/lora.h"

/* Tensors are copies that borrow their data; data NULL: not given. */
struct weight_pair {
    struct tensor up, down;
    bool up_turned, down_turned; // stored [rank, rows], [cols, rank]
    struct tensor magnitude;     // [rows], of DoRA; else data NULL
};

struct weight_pairs {
    const char *file; // for messages
    struct modules m;
    struct weight_pair *pair; // [m.n]
    float dropout;
};

int weight_pairs_open(struct weight_pairs *p, const struct model_config *cfg,
                      const char *file, trv_err *err);
void weight_pairs_release(struct weight_pairs *p); // accepts zeros

/**
 * Make the LoRA, and the patch of pairs outside the layers (added to what the
 * patch holds).
 *
 * @param alpha     of every pair: the scale is alpha / rank ...
 * @param is_scale  ... or alpha itself.
 * @return 0, TRV_EFORMAT (half a pair, magnitudes of some, nothing), TRV_EMISMATCH
 *         (shapes), TRV_ERANGE (a rank), TRV_EUNSUPPORTED, TRV_ENONFINITE,
 *         TRV_ENOMEM.
 */
int weight_pairs_build(struct lora *out, struct base_patch *patch,
                       const struct weight_pairs *p, double alpha,
                       bool is_scale, trv_err *err);

/** A tensor of f32 values, all finite; `turned`: out [cols, rows].
 * TRV_EUNSUPPORTED (its type), TRV_ENONFINITE, TRV_ENOMEM. */
int weight_values(float *out, const struct tensor *t, bool turned,
                  const char *file, trv_err *err);
/** A whole tensor of the base into a patch, its shape checked. */
int weight_whole(struct base_patch *patch, const struct layout_item *it,
                 const struct tensor *t, const char *file, trv_err *err);

#endif
