/* trend.h -- a figure at the begin of a run and at its end: what is said about
 * the run in words stands on both. Part of a checkpoint.
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

/** Several under one key of `obj`, bit for bit. TRV_ENOMEM, TRV_EFORMAT. */
int trend_save(json_t *obj, const char *key, const struct trend *list, int n,
               trv_err *err);
int trend_load(struct trend *list, int n, const json_t *obj, const char *key,
               trv_err *err);

#endif
