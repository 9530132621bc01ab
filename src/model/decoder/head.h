/* head.h -- the head and the loss, fused over chunks of positions.
 *
 * Logits are never held for a whole sequence: only for a chunk of the positions
 * that carry loss, and the gradient takes their place. One form serves
 * cross-entropy and every loss of log-probabilities,
 *     d logits = c (softmax - onehot),
 * the other every divergence between two distributions.
 */
#ifndef MODEL_HEAD_H
#define MODEL_HEAD_H

#include "model/decoder/decoder.h"

/* Rows of hidden states [T,C]: those at packed tokens at[0..n). */
struct head_rows {
    struct mat hidden;
    const int64_t *at;
};

/* One distribution at each of n places: its logits are the sum of the parts',
 * each by its weight (see conditioning.h). Parts may be of several decoders of one
 * vocabulary; where one is padded further than another, what lies beyond the
 * shorter is impossible. */
struct head_part {
    struct decoder *d;
    struct mat hidden; // [T,C] of its decoder
    const int64_t *at; // [n]
    double weight;
};
struct head_side {
    struct head_part *parts;
    int64_t n;
};

/** logits [n,V] f32. */
int head_logits(struct decoder *d, struct arena *a, struct mat logits,
                struct head_rows x, int64_t n, trv_err *err);
/** logits [n,V] f32 of a side; V of its first part's decoder. */
int head_mix(struct arena *a, struct mat logits, const struct head_side *x,
             int64_t n, trv_err *err);
/** logp [n] and top [n] (NULL: not wanted) of a side, as head_logprobs(). */
int head_score(struct arena *a, float *logp, int32_t *top,
               const struct head_side *x, const int32_t *target, int64_t n,
               trv_err *err);

/**
 * logp [n] = log softmax(logits)[target], nats; target -1 gives 0.
 * top [n] (NULL: not wanted) takes the argmax.
 * coef [n] (NULL: no gradient): the gradient of -sum coef[i] logp[i] is ADDED
 * to rows at[i] of d_hidden [T,C] f32, and to the head's weights where they
 * learn.
 */
int head_logprobs(struct decoder *d, struct arena *a, float *logp, int32_t *top,
                  struct head_rows x, const int32_t *target, int64_t n,
                  const float *coef, struct mat d_hidden, trv_err *err);

/**
 * div [n] between the distributions of two sides, nats. agree [n] (NULL: not
 * wanted) is 1 where the argmax is the same.
 */
int head_compare(struct arena *a, float *div, unsigned char *agree,
                 const struct head_side *xa, const struct head_side *xb,
                 int64_t n, enum divergence kind, trv_err *err);

/**
 * The same with a gradient: that of sum weight[i] div[i] in B is ADDED to rows
 * at[i] of d_hidden_b, and to the head's weights where they learn. weight NULL:
 * no gradient.
 */
int head_divergence(struct decoder *d, struct arena *a, float *div,
                    const struct head_side *xa, struct head_rows xb, int64_t n,
                    enum divergence kind, const float *weight,
                    struct mat d_hidden_b, trv_err *err);

#endif
