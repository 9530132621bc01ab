/* evolve_method.h -- the method `evolve` of reward -> prompt: an instruction
 * under which the model's answers are rewarded, searched for (evolve.h).
 */
#ifndef TRANSFORM_EVOLVE_METHOD_H
#define TRANSFORM_EVOLVE_METHOD_H

#include "transform/job.h"

/** What can be refused before any work: a proposer without a model, a file of
 * phrases that is none. */
int evolve_refuse(const struct convert_job *job, trv_err *err);
/** The run of the method. What convert_run() returns. */
int evolve_method(const struct convert_job *job, trv_cost *cost, trv_err *err);

#endif
