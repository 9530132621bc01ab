/* budget.h -- what a measurement will take, said before it, and the sizes that
 * a budget leaves.
 *
 *   lengths of the inputs, answers of each side (plan.h)
 *     ─► work of each stage (learn/cost_plan.h) ─rate─► seconds
 *     ─► the largest step of sizes that fits
 */
#ifndef MEASURE_BUDGET_H
#define MEASURE_BUDGET_H

#include "measure/stage.h"

/**
 * Plan the work, cut the sizes that were not given to the budget, and say so
 * through opts->on_message: m->plan, m->rate, m->max_inputs, m->max_tokens and
 * the planned costs of `out`. Nothing of this is done where there is neither a
 * budget nor anybody to tell.
 *
 * @return TRV_EINVAL (a budget that is no time), TRV_ETOOLONG (no input fits),
 *         TRV_ENOMEM, and what inputs_open() and rate_measure() return.
 * Memory   the session's arena is reset.
 */
int budget_plan(struct measure *m, trv_measurement *out, trv_err *err);

/** out->cut: what was cut, how well the first figure is known for it, and the
 * options that give the same figures. Returns 0 or TRV_ENOMEM. */
int budget_name(struct measure *m, trv_measurement *out, trv_err *err);

#endif
