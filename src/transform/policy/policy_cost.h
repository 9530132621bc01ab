/* policy_cost.h -- what learning from a reward or from pairs takes. */
#ifndef TRANSFORM_POLICY_COST_H
#define TRANSFORM_POLICY_COST_H

#include "learn/cost_plan.h"
#include "transform/job.h"

#define POLICY_INPUTS 256 // sampled where none are given

/** The plan of the methods of policy_method.h. Its `looks` are the answers that
 * the evaluation before and after may take: found for an estimate, given for a
 * bound. */
void policy_plan_cost(struct cost_plan *p, const struct convert_job *job,
                      const struct cost_lengths *l);

#endif
