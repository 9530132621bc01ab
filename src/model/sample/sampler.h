/* sampler.h -- from logits to a token, in the order of transformers' warpers:
 * repetition penalty, temperature, top-k, top-p, min-p.
 */
#ifndef MODEL_SAMPLER_H
#define MODEL_SAMPLER_H

#include "backend/backend.h"
#include "base/mem.h"
#include "base/rng.h"

struct sampling {
    double temperature;        // 0: greedy, the lowest id among equals
    int64_t top_k;             // 0: off; ties with the k-th stay
    double top_p;              // 1: off
    double min_p;              // 0: off; relative to the most likely
    double repetition_penalty; // 1: off
    int64_t vocab;             // ids at or above are never drawn (padded rows)
};
#define SAMPLING_INIT                                                          \
    {                                                                          \
        1.0, 0, 1.0, 0.0, 1.0, INT64_MAX                                       \
    }

/** TRV_ERANGE names the field that is out of bounds. */
int sampling_check(const struct sampling *s, trv_err *err);

/**
 * Draw one token a row. logits [n,V] f32 are used up; seen[i] (n_seen[i]) are
 * the tokens before, for the penalty; rng[i] is each row's own state.
 * logp [n] takes the log-probability under the model itself, nats; where it is
 * not finite, TRV_ENONFINITE.
 */
int sampler_draw(struct backend *be, struct arena *a, int32_t *out,
                 double *logp, struct mat logits, const int32_t *const *seen,
                 const int64_t *n_seen, struct rng *const *rng,
                 const struct sampling *s, trv_err *err);

#endif
