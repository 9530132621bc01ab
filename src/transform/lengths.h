/* lengths.h -- how long the rows of a conversion are, for a plan of its cost
 * (learn/cost_plan.h): contexts of its inputs under the base, the source and the
 * sides of a reward.
 */
#ifndef TRANSFORM_LENGTHS_H
#define TRANSFORM_LENGTHS_H

#include "learn/cost_plan.h"
#include "transform/job.h"

/** The mean and the longest rows of a job. Nothing is drawn: what the model
 * would sample, or a link before would make, is taken at its bound. Rows of
 * standard input, which is read once, are taken as half of the context. What
 * reading the inputs returns. */
int lengths_measure(struct cost_lengths *mean, struct cost_lengths *most,
                    const struct convert_job *job, trv_err *err);

#endif
