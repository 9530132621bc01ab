/* trend.h -- a figure at the start of a run and at its end: the report of the
 * run compares both. Part of a checkpoint.
 */
#ifndef TRANSFORM_TREND_H
#define TRANSFORM_TREND_H

#include <jansson.h>
#include <stdint.h>

#include "base/err.h"

/* Sums over the first and the last tenth of the steps; zeros begin. */
struct trend {
    double early, late;
    int64_t n_early, n_late;
};

/** The figure of `step` of `steps`; a NaN is passed over. */
void trend_add(struct trend *t, double x, int64_t step, int64_t steps);
/** Their means; NaN where there is none. */
double trend_early(const struct trend *t);
double trend_late(const struct trend *t);

/** A task's state (learn/loop/run.h) that holds several, bit for bit; to be
 * released, after a failure, too. TRV_ENOMEM. */
int trend_save(json_t **state, const struct trend *list, int n, trv_err *err);
/** TRV_EFORMAT. */
int trend_load(struct trend *list, int n, const json_t *state, trv_err *err);

#endif
