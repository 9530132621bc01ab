/* schedule.h -- the learning rate at a step, as transformers' schedules with
 * warm-up have it.
 */
#ifndef LEARN_SCHEDULE_H
#define LEARN_SCHEDULE_H

#include <stdint.h>

#include "base/err.h"

enum schedule_shape { SCHEDULE_COSINE, SCHEDULE_LINEAR, SCHEDULE_CONSTANT };

struct schedule {
    enum schedule_shape shape;
    int64_t steps, warmup; // warmup <= steps
    double peak;           // the rate at the end of the warm-up
};

/** `shape`: "cosine", "linear", "constant" (TRV_EINVAL lists them); `warmup` is
 * a share of the steps, 0..1, rounded up to whole steps. */
int schedule_init(struct schedule *s, const char *shape, int64_t steps,
                  double warmup, double peak, trv_err *err);

/**
 * The rate of update t, 0 <= t < steps.
 *
 *   t < W:  peak * (t + 1) / (W + 1)
 *   else    peak * {1/2 (1 + cos(pi u)), 1 - u, 1},  u = (t - W) / (steps - W)
 *
 * So no update is wasted at rate 0, as transformers wastes its first: these are
 * its rates from the second on, of a run that is one update longer.
 */
double schedule_at(const struct schedule *s, int64_t t);

#endif
