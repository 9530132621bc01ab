/* reward_view.h -- rewards that are views: they are written, and nothing is
 * trained.
 *
 *   ratio      beta (log p_D - log p0); refers to the folder of the update
 *   contrast   beta (log p_z+ - log p_z-), z- may be the base; prompts
 *              are copied
 *   judge      the prompt is a principle (adapt/reward/judge.h)
 */
#ifndef TRANSFORM_REWARD_VIEW_H
#define TRANSFORM_REWARD_VIEW_H

#include "transform/job.h"

/* The runs of the methods of these names: a reward of job->to is written as an
 * artefact, and opened again. What convert_run() returns. */
int view_ratio(const struct convert_job *job, trv_cost *cost, trv_err *err);
int view_contrast(const struct convert_job *job, trv_cost *cost, trv_err *err);
int view_judge(const struct convert_job *job, trv_cost *cost, trv_err *err);

#endif
