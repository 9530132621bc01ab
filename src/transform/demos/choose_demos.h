/* choose_demos.h -- demonstrations as the result of a conversion: the method
 * `demos` of params -> prompt and of reward -> prompt.
 *
 *   candidates   inputs with answers: the adapted model's own, or for a reward
 *                the best of several of the base's
 *   value        of demonstrations z, on other inputs x:
 *     params     -mean over the adapted model's answers and their tokens of
 *                KL(p_D, p_z), full vocabulary
 *     reward     mean of r - beta KL(p_z, p0) over answers drawn under z
 *   choice       greedy, at the front or the end, then repairs: greedy_select.h
 *
 * Every value is kept in OUT.run/values.jsonl, {"at": [...], "value":}: a
 * resumed run looks them up.
 */
#ifndef TRANSFORM_CHOOSE_DEMOS_H
#define TRANSFORM_CHOOSE_DEMOS_H

#include "transform/job.h"

/** The run of the method demos. What convert_run() returns. */
int demos_method(const struct convert_job *job, trv_cost *cost, trv_err *err);

#endif
