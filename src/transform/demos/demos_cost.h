/* demos_cost.h -- what a choice of demonstrations takes. */
#ifndef TRANSFORM_DEMOS_COST_H
#define TRANSFORM_DEMOS_COST_H

#include "learn/cost_plan.h"
#include "transform/job.h"

/** The plan of the method `demos`. */
void demos_plan(struct cost_plan *p, const struct convert_job *job,
                const struct cost_lengths *l);

#endif
