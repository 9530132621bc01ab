/* loss_policy.h -- policy-gradient losses over the tokens of drawn answers, and
 * the critic's loss.
 *
 * One clipped loss is GRPO and its kin, RLOO and PPO: they differ in the ratio
 * that is clipped, in what the tokens' mean is taken over, and in where the
 * advantages come from (advantage.h).
 *
 *              ratio                  mean                  advantages
 *   GRPO       POLICY_RATIO_TOKEN     POLICY_MEAN_GRPO ...  advantage_group
 *   Dr. GRPO   POLICY_RATIO_TOKEN     POLICY_MEAN_DR_GRPO   .. ADVANTAGE_NONE
 *   GSPO       POLICY_RATIO_MEAN      POLICY_MEAN_GRPO      advantage_group
 *   RLOO       POLICY_RATIO_SUM       POLICY_MEAN_GRPO      .._leave_one_out
 *   PPO        POLICY_RATIO_TOKEN     POLICY_MEAN_BNPO      advantage_gae
 *
 * The tokens of several answers lie end to end, answer tokens alone: those of
 * answer s are first[s]..first[s+1]-1. Tokens that carry no loss are not there.
 */
#ifndef LEARN_LOSS_POLICY_H
#define LEARN_LOSS_POLICY_H

#include <stdint.h>

/* Of which log-ratios x = p - old the ratio exp(x) is taken. */
enum policy_ratio {
    POLICY_RATIO_TOKEN, // each token's own
    POLICY_RATIO_MEAN,  // the mean over the answer's tokens
    POLICY_RATIO_SUM,   // the sum: the answer's own probability ratio
};

/* How the losses of tokens become one; named as TRL's `loss_type`. `total` of
 * the options stands in for the count in the denominator. */
enum policy_mean {
    POLICY_MEAN_GRPO,    // mean over answers of the mean over their tokens
    POLICY_MEAN_BNPO,    // mean over these tokens
    POLICY_MEAN_DR_GRPO, // sum over tokens / (answers * max_tokens)
    POLICY_MEAN_DAPO,    // sum over tokens / tokens of the whole step: total
};

struct policy_options {
    enum policy_ratio ratio;
    enum policy_mean mean;
    double clip_low, clip_high; // of the ratio, 1 - low .. 1 + high; 0.2 is
                                // usual
    double beta;                // >= 0: weight of the KL to the reference
    int64_t max_tokens;         // of an answer; read by POLICY_MEAN_DR_GRPO
    double total;               // answers (grpo, dr_grpo) or tokens (bnpo,
                                // dapo) of a whole step whose micro-batches'
                                // losses are added; 0: those given here
};

/* S >= 1 answers with N tokens in all, the arrays' indices those of `first`. */
struct policy_answers {
    const float *p;       // [N] log-probability of the tokens under the policy
    const float *old;     // [N] under the policy that drew them; NULL: p
    const float *ref;     // [N] under the reference; NULL: none, beta is 0
    const int64_t *first; // [S+1]; an answer without tokens adds nothing
    int64_t S;
    const double *adv;       // [S]; NULL: token_adv
    const double *token_adv; // [N], with POLICY_RATIO_TOKEN alone
};

/* What is logged. Means over tokens; clipping over ratios, so over answers
 * where those have one ratio each. */
struct policy_figures {
    double kl;        // to the reference, the estimate of the loss; 0: no ref
    double approx_kl; // to the old policy: mean of (p - old)^2 / 2
    double entropy;   // mean of -p: estimates the policy's entropy while it
                      // is what drew the tokens
    double clip_low;  // share below 1 - clip_low at a negative advantage
    double clip_high; // share above 1 + clip_high at a positive one
    double ratio;     // mean of the ratios
};

/**
 * The clipped policy-gradient loss with a KL term, and its gradient.
 *
 *   c        = exp(x), x by `ratio`
 *   loss[t]  = -min(c * A, clip(c, 1 - low, 1 + high) * A)
 *              + beta * (exp(q[t] - p[t]) - (q[t] - p[t]) - 1)       q: ref
 *   loss     = the mean of loss[t] by `mean`
 *
 * Shapes   see struct policy_answers; f32 for tokens, f64 for advantages.
 * Inputs   log-probabilities in nats, at the temperature of the drawing.
 * Outputs  d_p  f32 [N], d(loss)/d(p), ADDED to what is there; NULL for
 *               evaluation. coef[t] = -d_p[t] for head_logprobs(). old, ref
 *               and the advantages get none.
 *          f    may be NULL.
 * Returns  the loss.
 * Memory   borrows all, allocates nothing. Any thread, no shared state.
 * Numbers  sums in double, left to right. Above 20 nats exp goes on as its
 *          tangent, so all is finite for finite log-probabilities and
 *          advantages up to 1e29, beyond which a gradient leaves f32.
 * Source   clipping: Schulman et al. 2017, arXiv:1707.06347, eq. 7; KL and
 *          mean: Shao et al. 2024, arXiv:2402.03300, eq. 3, 4; two clips and
 *          mean over tokens: Yu et al. 2025, arXiv:2503.14476, eq. 8; fixed
 *          divisor: Liu et al. 2025, arXiv:2503.20783; ratio of answers: Zheng
 *          et al. 2025, arXiv:2507.18071, eq. 5, 7. TRL's GRPOTrainer,
 *          RLOOTrainer, and PPOTrainer as it was until version 0.11.
 */
double loss_policy(float *d_p, struct policy_figures *f,
                   const struct policy_answers *x,
                   const struct policy_options *opts);

/**
 * The critic's clipped loss, and its gradient (PPO).
 *
 *   u    = clip(v, old_v - range, old_v + range)
 *   loss = mean over t of 1/2 max((v - ret)^2, (u - ret)^2)
 *
 * Shapes   d_v, v, old_v f32 [n]; ret f64 [n]; n >= 1.
 * Inputs   old_v  the values that ret was made from, by advantage_gae().
 *          range  > 0, in units of the reward; 0.2 is usual.
 * Outputs  d_v      d(loss)/d(v), ADDED to what is there; NULL for evaluation.
 *          clipped  share of values that get no gradient, as the clipped one
 *                   is the worse; may be NULL.
 * Returns  the loss.
 * Memory   borrows all, allocates nothing. Any thread, no shared state.
 * Numbers  sums in double, left to right; finite wherever 1/n times the error
 *          is within f32.
 * Source   Schulman et al. 2017, arXiv:1707.06347, and its released code.
 *          TRL's PPOTrainer, as it was until version 0.11.
 */
double loss_policy_value(float *d_v, double *clipped, const float *v,
                         const float *old_v, const double *ret, int64_t n,
                         double range);

#endif
