/* fisher.h -- what an error in the residual stream costs.
 *
 * Where the stream of a model is off by e at a token, its answers move by about
 * 1/2 e^T F e nats, F being the Fisher information of the stream there:
 *
 *   F = E g g^T,   g = d log p(answer) / d stream at the token
 *
 * over answers drawn from the model itself. One backward pass gives g for every
 * half layer and every token; here F is averaged over answer positions, one
 * matrix for each half layer. It is the metric in which a map of low rank
 * should be near: directions that no answer depends on cost nothing.
 */
#ifndef TRANSFORM_FISHER_H
#define TRANSFORM_FISHER_H

#include "model/decoder/decoder.h"

struct fisher {
    int64_t width, halves; // halves: two a layer
    int64_t n;             // positions gathered
    double *sums;          // [halves][C,C]
    double *metric;        // [C,C]
};

/** TRV_ENOMEM. */
int fisher_init(struct fisher *f, const struct model_config *cfg, trv_err *err);
void fisher_release(struct fisher *f); // accepts zeros

/** Add a packed batch of contexts and answers: token predicts[k] predicts
 * target[k], k < n. TRV_ENOMEM, and what decoder_forward() returns. */
int fisher_add(struct fisher *f, struct decoder *d, struct arena *a,
               const struct batch *b, const int64_t *predicts,
               const int32_t *target, int64_t n, trv_err *err);

/** F of the stream after a half layer, scaled to a mean diagonal of 1, with
 * `floor` added to the diagonal: positive definite. [C,C], until the next call;
 * the unit where nothing is known. */
const double *fisher_metric(struct fisher *f, int64_t layer, enum dec_map map,
                            double floor);

#endif
