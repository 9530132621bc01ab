/* reward_view.h -- what the edges to rewards share: a view is written down, and
 * nothing is trained.
 */
#ifndef TRANSFORM_REWARD_VIEW_H
#define TRANSFORM_REWARD_VIEW_H

#include "adapt/reward/reward.h"
#include "transform/job.h"

/** The method that fits the wanted kind: its name is the kind's, and --method
 * may say no other. TRV_EUNSUPPORTED lists `methods`. */
int reward_edge_method(const struct convert_job *job, const enum kind *methods,
                       int n, trv_err *err);

/**
 * Write a reward of job->to as an artefact, and open it again: what is written
 * can be read.
 *
 * @param r     borrowed; its parts may be others' property.
 * @param edge  "params->reward"
 */
int reward_edge_save(const struct convert_job *job, struct reward *r,
                     const char *edge, trv_cost *cost, trv_err *err);

#endif
