/* conditioning.h -- what stands before an answer, and how the distribution over its
 * tokens is made.
 *
 *   log p = sum over parts of weight * logits(part) + a constant
 *
 * A plain context is one part of weight 1: ids, under terms or none. Several
 * parts are a mix, log p0 + sum w_i (log p_i - log p0): the base with weight
 * 1 - sum w, each p_i with its own; log p_i and logits differ by a constant
 * which normalising removes. So weights add up to 1. Guidance, contrastive decoding, expert and
 * anti-expert, and proxy-tuning are nothing else.
 *
 * Source   Ho and Salimans 2022, arXiv:2207.12598 (guidance); Liu et al. 2021,
 *          arXiv:2105.03023 (DExperts); Liu et al. 2024, arXiv:2401.08565
 *          (proxy-tuning).
 */
#ifndef MODEL_CONDITIONING_H
#define MODEL_CONDITIONING_H

#include "model/decoder/decoder.h"

#define CONDITIONING_MAX_PARTS 16

struct component {
    struct decoder *d; // parts of one context share the vocabulary
    const struct adapter_weights *adapter_weights; // NULL: its model as it is
    const int32_t *ids;                            // [n_ids], n_ids >= 1
    int64_t n_ids;
    double weight;
};

/* All contexts of one call have the same parts but for their ids. */
struct context {
    struct component *parts;
    int64_t n;
    struct ids *store; // [n] where the context owns its ids; else NULL
};

/** One part of weight 1. Takes the ids over, and empties *ids. TRV_ENOMEM. */
int conditioning_plain(struct context *out, struct decoder *d,
                       const struct adapter_weights *adapter_weights,
                       struct ids *ids, trv_err *err);

/** Tokens of the longest part. */
int64_t conditioning_length(const struct context *c);
/** Answer tokens for which every part's model has room; may be negative. */
int64_t conditioning_left(const struct context *c);
void conditioning_release(struct context *c); // accepts zeros

/* An answer to a context. */
struct answered {
    const struct context *context;
    const int32_t *ids;
    int64_t n;
};

#endif
