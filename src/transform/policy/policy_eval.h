/* policy_eval.h -- evaluation of a policy: the reward of fresh answers, and the
 * KL to the base.
 */
#ifndef TRANSFORM_POLICY_EVAL_H
#define TRANSFORM_POLICY_EVAL_H

#include "transform/answer_rewards.h"

struct policy_eval_options {
    int64_t n; // answers, to the contexts in turn
    /* [n] of contexts->list, to take in place of fresh answers; NULL: none */
    const int64_t *given;
    int64_t max_tokens;
    struct decoder *own; // of a policy that is all weights; NULL: none
    uint64_t seed; // the same for two policies: where they agree, so do answers
    struct reward_watch watch; // of drawing and scoring; zeros: none
};

struct policy_eval {
    int64_t n;
    double reward, reward_se; // mean of an answer; its standard error
    double length;            // tokens of an answer
    double kl_token;          // KL(policy, base) along the answers, nats a
    double kl_answer;         // token and an answer
};

/**
 * Draw answers at temperature 1, or take given ones, and evaluate them.
 *
 * @param contexts         teacher: the base's; student: what stands before an
 *                         answer of the policy.
 * @param by               NULL: no reward, which is then NaN.
 * @param adapter_weights  the policy's; NULL, and no opts->own: the base, whose
 *                         KL is 0.
 * Numbers  the KL is that of whole distributions at each token, so it varies
 *          less than log-ratios of what was drawn.
 */
int policy_evaluate(struct policy_eval *out, struct session *s,
                    struct adaptation *by, const struct answers *contexts,
                    const struct inputs *in,
                    const struct adapter_weights *adapter_weights,
                    const struct policy_eval_options *opts, trv_err *err);

#endif
