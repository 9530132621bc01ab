/* virtual_start.h -- where virtual tokens start: of several texts, the one
 * under which the student is nearest to the teacher before it has learned
 * anything.
 *
 * The text that the options name is evaluated, and no other; without one, the
 * prompt that the teacher is, the prompt that it was made from, and answers of
 * the teacher with the inputs that they answer, which are demonstrations of it.
 *
 * Why at all: virtual tokens that start at random reach less (Lester et al.
 * 2021, arXiv:2104.08691, figure 3b).
 */
#ifndef TRANSFORM_VIRTUAL_START_H
#define TRANSFORM_VIRTUAL_START_H

#include "learn/student.h"
#include "transform/job.h"
#include "transform/imitate/distill.h"

/** Fill t->student's virtual tokens; other adapter weights are left alone. The
 * answers are drawn and the task is set up. Reports the chosen text. What
 * distill_loss() and student_text() return. */
int start_virtual(struct distill *t, const struct convert_job *job,
                  const struct inputs *in, const trv_virtual_options *o,
                  trv_err *err);

#endif
