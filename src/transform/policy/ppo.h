/* ppo.h -- the method `ppo` of reward -> params, as a task of learn/loop/run.h:
 * the student's own answers, each token measured against what a critic
 * expected.
 *
 *   v(state)   u . h + b, h: the student's hidden state before the token. The
 *              critic learns beside the student and passes no gradient into it.
 *   rewards    of tokens: -beta (log p - log p0), and at the end the answer's
 *   advantage  generalised, along each answer; brought to mean 0, variance 1
 *   loss       clipped policy loss + 1/10 of the clipped value loss
 *
 * The loop's vector is the student's parameters, then u [C] and b.
 *
 * Source   Schulman et al. 2017, arXiv:1707.06347; Ouyang et al. 2022,
 *          arXiv:2203.02155.
 */
#ifndef TRANSFORM_PPO_H
#define TRANSFORM_PPO_H

#include "learn/loop/run.h"
#include "transform/policy/rollout.h"
#include "transform/policy/trend.h"

struct ppo_options {
    double clip, value_clip; // of the ratio; of a value, in units of reward
    double beta, gamma, lambda;
    int64_t steps, updates, accumulate;
};

enum ppo_figure {
    PPO_REWARD,
    PPO_REWARD_STD,
    PPO_LENGTH,
    PPO_CLIP,
    PPO_KL,
    PPO_POLICY_LOSS,
    PPO_VALUE_LOSS,
    PPO_ENTROPY,
    PPO_FIGURES
};

struct ppo {
    struct rollout r; // set but for what rollout_init() makes
    struct adapter_weights
        *student; // with gradients; NULL: all weights of r.own
    struct ppo_options opts;
    int64_t n_weights, width;
    float *w, *g; // [n_weights + width + 1]
    float *value; // [tokens] of the critic when the batch was drawn
    double *token_r, *adv, *ret;       // [tokens]
    int64_t valued;                    // the batch that value is of; -1: none
    double sum[PPO_FIGURES], n_tokens; // of the step
    struct run_figure figures[PPO_FIGURES];
    struct trend trends[PPO_FIGURES];
};

int ppo_init(struct ppo *t, struct run_task *task, trv_err *err);
void ppo_release(struct ppo *t);

#endif
