/* advantage.h -- from rewards to advantages: how much better an answer, or a
 * token, did than was to be expected.
 *
 * Groups are the K answers drawn for one input, end to end: answer k of group g
 * is r[g * K + k]. A reward that is NaN is missing (a scorer failed or timed
 * out): it is left out of every mean, and its advantage is 0.
 *
 * Tokens of several answers lie end to end too: those of answer s are
 * first[s]..first[s+1]-1.
 */
#ifndef LEARN_ADVANTAGE_H
#define LEARN_ADVANTAGE_H

#include <stdbool.h>
#include <stdint.h>

/* What an advantage is divided by, named as TRL's `scale_rewards`. */
enum advantage_scale {
    ADVANTAGE_GROUP, // the group's standard deviation + 1e-4
    ADVANTAGE_BATCH, // that of all G * K rewards + 1e-4
    ADVANTAGE_NONE,  // nothing: Dr. GRPO
};

/* What is logged. */
struct advantage_figures {
    double mean, std;   // of all rewards that are there; 0 where too few are
    double zero_spread; // share of groups without a gradient: no two rewards
                        // in them differ by more than rounding
};

/**
 * Advantages within groups.
 *
 *   adv = (r - mean of the group) / scale          std: unbiased, over K - 1
 *
 * Shapes   adv, r  f64 [G,K], G >= 1, K >= 1.
 * Inputs   r       rewards, NaN: none; in any unit.
 * Outputs  adv     OVERWRITTEN; exactly 0 in a group whose rewards are equal,
 *                  or that has fewer than two.
 *          f       may be NULL.
 * Memory   borrows all, allocates nothing. Any thread, no shared state.
 * Numbers  double; rewards are first taken relative to one of the group, so
 *          that equal ones cancel. Finite for whatever f32 can hold.
 * Source   Shao et al. 2024, arXiv:2402.03300, section 4.1; without the
 *          division: Liu et al. 2025, arXiv:2503.20783. TRL's GRPOTrainer.
 */
void advantage_group(double *adv, struct advantage_figures *f, const double *r,
                     int64_t G, int64_t K, enum advantage_scale scale);

/**
 * Advantages by leaving one out (RLOO, REINFORCE with the others as baseline).
 *
 *   adv[k] = r[k] - mean of the group's other rewards
 *
 * As advantage_group() but for:
 * Inputs   normalise  then also (adv - mean) / (std + 1e-4) over all G * K.
 * Source   Ahmadian et al. 2024, arXiv:2402.14740, eq. 8. TRL's RLOOTrainer.
 */
void advantage_leave_one_out(double *adv, struct advantage_figures *f,
                             const double *r, int64_t G, int64_t K,
                             bool normalise);

/**
 * Subtract the KL penalty from the rewards of answers (RLOO's KL, a part of the
 * reward).
 *
 *   r[s] -= beta * sum over tokens t of s of (old[t] - ref[t])
 *
 * Shapes   r f64 [S]; old, ref f32 [N], log-probabilities in nats under the
 *          policy that drew the answers and under the reference; first [S+1].
 * Outputs  r  CHANGED in place; NaN stays.
 * Source   TRL's RLOOTrainer: the first-order estimate, below 0 at times.
 */
void advantage_kl_penalty(double *r, const float *old, const float *ref,
                          const int64_t *first, int64_t S, double beta);

/**
 * Rewards of tokens: the last token gets the answer's reward, and each token a
 * KL penalty (PPO).
 *
 *   token_r[t] = -beta * (old[t] - ref[t]) + (t is the last of s) * r[s]
 *
 * Shapes   token_r f64 [N], OVERWRITTEN; the rest as advantage_kl_penalty().
 * Source   Ouyang et al. 2022, arXiv:2203.02155, eq. 2. TRL's PPOTrainer, as
 *          it was until version 0.11.
 */
void advantage_token_rewards(double *token_r, const double *r, const float *old,
                             const float *ref, const int64_t *first, int64_t S,
                             double beta);

struct gae_options {
    double gamma;  // discount of each further token, 0..1; 1 is usual
    double lambda; // 0: one step, 1: the whole rest; 0.95 is usual
};

/**
 * Generalised advantage estimation along each answer.
 *
 *   delta[t] = token_r[t] + gamma * v[t+1] - v[t]     v after the last token: 0
 *   adv[t]   = delta[t] + gamma * lambda * adv[t+1]
 *   ret[t]   = adv[t] + v[t]
 *
 * Shapes   adv, ret, token_r f64 [N]; v f32 [N]; first [S+1].
 * Inputs   v  values of the state before each token, by the critic that was
 *             there when the answers were drawn.
 * Outputs  adv, ret  OVERWRITTEN; ret is what the critic should learn.
 * Memory   borrows all, allocates nothing. Any thread, no shared state.
 * Source   Schulman et al. 2015, arXiv:1506.02438, eq. 16. TRL's PPOTrainer,
 *          which then calls what is advantage_whiten() here.
 */
void advantage_gae(double *adv, double *ret, const double *token_r,
                   const float *v, const int64_t *first, int64_t S,
                   const struct gae_options *opts);

/**
 * Bring x to variance 1, and to mean 0 where shift_mean.
 *
 *   x = (x - mean) / sqrt(var + 1e-8) [+ mean]         var: unbiased, over n-1
 *
 * Shapes   x f64 [n], n >= 1, CHANGED in place; one number has variance 0.
 * Source   TRL's masked_whiten(); it whitens rewards without shifting them.
 */
void advantage_whiten(double *x, int64_t n, bool shift_mean);

#endif
