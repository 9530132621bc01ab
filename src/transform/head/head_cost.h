/* head_cost.h -- what learning a scalar head takes. */
#ifndef TRANSFORM_HEAD_COST_H
#define TRANSFORM_HEAD_COST_H

#include "learn/cost_plan.h"
#include "transform/job.h"

/** The plan of the methods of head_method.h. */
void head_plan(struct cost_plan *p, const struct convert_job *job,
               const struct cost_lengths *l);

#endif
