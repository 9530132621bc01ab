/* guided.h -- a reward that has a value for each token is a distribution,
 * p0 exp(r / beta), which can be learned from as any other teacher's.
 */
#ifndef TRANSFORM_GUIDED_H
#define TRANSFORM_GUIDED_H

#include "transform/imitate/imitate.h"

/** The run of the method distill of reward -> params. TRV_EUNSUPPORTED where
 * the reward has no value for each token, else what convert_run() returns. */
int imitate_guided(const struct convert_job *job, trv_cost *cost, trv_err *err);

#endif
