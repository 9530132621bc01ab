/* evolve_cost.h -- what a search for an instruction takes. */
#ifndef TRANSFORM_EVOLVE_COST_H
#define TRANSFORM_EVOLVE_COST_H

#include "learn/cost_plan.h"
#include "transform/job.h"

/** The plan of the method `evolve`. */
void evolve_plan_cost(struct cost_plan *p, const struct convert_job *job,
                      const struct cost_lengths *l);

#endif
