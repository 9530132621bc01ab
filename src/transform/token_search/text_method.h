/* text_method.h -- the method `text`: a search over prompts, token by token. */
#ifndef TRANSFORM_TEXT_METHOD_H
#define TRANSFORM_TEXT_METHOD_H

#include "transform/job.h"

/** The run of the method text, of parameters or of a reward. What convert_run()
 * returns. */
int text_method(const struct convert_job *job, trv_cost *cost, trv_err *err);

#endif
