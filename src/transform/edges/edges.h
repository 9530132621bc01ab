/* edges.h -- the arrows of the triangle, one file each. */
#ifndef TRANSFORM_EDGES_H
#define TRANSFORM_EDGES_H

#include "transform/job.h"

int prompt_to_params(const struct convert_job *job, trv_cost *cost,
                     trv_err *err);
int params_to_params(const struct convert_job *job, trv_cost *cost,
                     trv_err *err);
int params_to_prompt(const struct convert_job *job, trv_cost *cost,
                     trv_err *err);
int prompt_to_prompt(const struct convert_job *job, trv_cost *cost,
                     trv_err *err);
int params_to_reward(const struct convert_job *job, trv_cost *cost,
                     trv_err *err);
int prompt_to_reward(const struct convert_job *job, trv_cost *cost,
                     trv_err *err);
int reward_to_params(const struct convert_job *job, trv_cost *cost,
                     trv_err *err);
int reward_to_prompt(const struct convert_job *job, trv_cost *cost,
                     trv_err *err);
int params_to_demos(const struct convert_job *job, trv_cost *cost,
                    trv_err *err);
int params_to_text(const struct convert_job *job, trv_cost *cost, trv_err *err);
int reward_to_text(const struct convert_job *job, trv_cost *cost, trv_err *err);

#endif
