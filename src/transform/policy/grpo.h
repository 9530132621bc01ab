/* grpo.h -- the method `grpo` of reward -> params, as a task of
 * learn/loop/run.h: the student's own answers, each measured against the others
 * to its input.
 *
 *   every `updates` steps: draw answers, score them (rollout.h), compute
 *                          advantages
 *   every step: the clipped loss of loss_policy.h over the whole batch
 *
 * Three forms (loss_policy.h has their kin):
 *   GRPO   advantage (r - mean) / std of the group, ratio of tokens, the KL to
 *          the base as a term of the loss
 *   GSPO   the same, with the geometric mean of an answer's ratios
 *   RLOO   advantage r - mean of the others, ratio of answers, the KL penalty
 *          in the reward; its fixed point is p0 exp(r / beta) / Z
 *
 * Source   Shao et al. 2024, arXiv:2402.03300; Zheng et al. 2025,
 *          arXiv:2507.18071; Ahmadian et al. 2024, arXiv:2402.14740.
 */
#ifndef TRANSFORM_GRPO_H
#define TRANSFORM_GRPO_H

#include "learn/loss/advantage.h"
#include "learn/loss/loss_policy.h"
#include "learn/student.h"
#include "transform/job.h"
#include "transform/policy/rollout.h"
#include "transform/policy/trend.h"

struct grpo_options {
    bool rloo;
    enum advantage_scale scale; // unless rloo
    enum policy_ratio ratio;    // unless rloo, which has POLICY_RATIO_SUM
    enum policy_mean mean;
    double clip, beta;
    int64_t steps, updates, accumulate;
};

enum grpo_figure {
    GRPO_REWARD,
    GRPO_REWARD_STD,
    GRPO_ZERO_STD,
    GRPO_LENGTH,
    GRPO_CLIP,
    GRPO_KL,
    GRPO_ENTROPY,
    GRPO_FIGURES
};

struct grpo {
    struct rollout r; // set but for what rollout_init() makes
    struct adapter_weights
        *student;                  // with gradients; NULL: all weights of r.own
    const struct convert_job *job; // for messages; NULL: none
    struct grpo_options opts;
    struct student learner;
    double *adv, *charged;                        // [n]
    double sum[GRPO_FIGURES], n_tokens, n_ratios; // of the step
    struct run_figure figures[GRPO_FIGURES];
    struct trend trends[GRPO_FIGURES];
    bool has_warned;
};

int grpo_init(struct grpo *t, struct run_task *task, trv_err *err);
void grpo_release(struct grpo *t);

#endif
