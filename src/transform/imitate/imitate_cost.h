/* imitate_cost.h -- what learning from a teacher takes. */
#ifndef TRANSFORM_IMITATE_COST_H
#define TRANSFORM_IMITATE_COST_H

#include "learn/cost_plan.h"
#include "transform/job.h"

/* What the closed form learns from where training goes on from it: more answers
 * change little. */
#define SOLVE_ANSWERS 768
/* Starts of virtual tokens: answers that are tried, besides up to three texts,
 * and answers that each is tried on, as many as a batch. */
#define START_DEMOS 16
#define START_TEXTS 3
#define START_PROBE 16

/** The plan of the methods of imitate.h. */
void imitate_plan(struct cost_plan *p, const struct convert_job *job,
                  const struct cost_lengths *l);

#endif
