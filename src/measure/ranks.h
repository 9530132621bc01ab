/* ranks.h -- the scores that both sides, and a task, give the drawn answers.
 *
 * All scores are adapt/reward's, so the values are the same as there.
 * Distributions are divergence.h's.
 */
#ifndef MEASURE_RANKS_H
#define MEASURE_RANKS_H

#include "measure/stage.h"

/**
 * rank_tau, pair_accuracy and pearson of A's and B's scores of an input's k
 * candidates: the base's answers, then those of m->second. Equal answers tie.
 *
 * @return 0, TRV_ECANCELED, TRV_ENOMEM, and what reward_score() returns.
 * Memory   the session's arena is reset.
 */
int ranks_scores(struct measure *m, trv_measurement *out, trv_err *err);

/** task_base, task_source, task_target: the mean reward that m->task gives to
 * all answers of each side that drew some for it; the answers of a side that is
 * the base are the base's. task_gain: how much more the target's get, or
 * without one the source's, than the base's to the same input. Nothing without
 * a task. Returns as ranks_scores(). */
int ranks_task(struct measure *m, trv_measurement *out, trv_err *err);

#endif
