/* answer_rewards.h -- the rewards of drawn answers. */
#ifndef TRANSFORM_ANSWER_REWARDS_H
#define TRANSFORM_ANSWER_REWARDS_H

#include "adapt/reward/reward.h"
#include "transform/answers.h"

/* An answer to a row of the inputs, as tokens. */
struct completion {
    const struct data_row *row; // with all columns: a reference may be there
    const int32_t *ids;         // [n], its end included where it has one
    int64_t n;
};

/** reward [n] of answers: their text, for the reward, is that of the ids less
 * special tokens. The session's arena is reset. What reward_score() returns. */
int answer_rewards_score(double *reward, struct session *s,
                         struct adaptation *by, const struct completion *list,
                         int64_t n, const struct reward_watch *watch,
                         trv_err *err);

/** reward [answers->n] of all answers of a run. Those that watch->memo keeps
 * are read from there, so a run that goes on learns from the same rewards even
 * where an outside program would now score differently. */
int answer_rewards_all(double *reward, struct session *s, struct adaptation *by,
                       const struct answers *answers, const struct inputs *in,
                       const struct reward_watch *watch, trv_err *err);

/* Statistics of the rewards of groups of K answers. */
struct answer_reward_stats {
    double mean, std;     // of all
    int64_t groups, flat; // flat: all rewards of the group are equal
};
void answer_rewards_summarise(struct answer_reward_stats *f,
                              const double *reward, int64_t n, int64_t K);

#endif
