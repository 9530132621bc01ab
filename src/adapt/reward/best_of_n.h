/* best_of_n.h -- sampling with a reward, which has no distribution of its own:
 * n answers are drawn from the base model, and one of them is taken.
 */
#ifndef ADAPT_BEST_OF_N_H
#define ADAPT_BEST_OF_N_H

#include <stdint.h>

#include "base/rng.h"

/** The best of n >= 1 scores; the first among equals. */
int64_t best_of_n(const double *score, int64_t n);

/**
 * One of n >= 1, drawn with weights exp(score / beta): sampling-importance
 * resampling, which tends to p0 exp(r / beta) / Z as n grows.
 *
 * Numbers  weights in double, the largest exponent taken off; beta > 0.
 * Source   Rubin 1988, "Using the SIR algorithm to simulate posterior
 *          distributions".
 */
int64_t draw_weighted(const double *score, int64_t n, double beta,
                      struct rng *rng);

#endif
