/* pareto.h -- which candidates are best at something: a search that keeps them
 * does not forget what its best on average cannot do.
 *
 * Source   Agrawal et al. 2025, "GEPA: reflective prompt evolution",
 *          arXiv:2507.19457, algorithm 2.
 */
#ifndef TRANSFORM_PARETO_H
#define TRANSFORM_PARETO_H

#include "base/rng.h"

/**
 * On how many inputs each candidate has the best value.
 *
 * A candidate that another one dominates (nowhere below, somewhere above; of
 * equal ones the first stands) wins nothing. Ties win together.
 *
 * @param wins   [n] filled.
 * @param value  value[c][i] of candidate c on input i, all finite.
 * @return how many candidates win at all: n >= 1 and m >= 1 make it >= 1.
 */
int64_t pareto_wins(int64_t *wins, const double *const *value, int64_t n,
                    int64_t m);

/** Draw a candidate with weights `wins`, of which one is above 0. */
int64_t pareto_draw(const int64_t *wins, int64_t n, struct rng *rng);

#endif
