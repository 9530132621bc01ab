/* loss_reward.h -- the loss that makes a scorer of a scalar head: of two
 * answers, the preferred one should score higher.
 */
#ifndef LEARN_LOSS_REWARD_H
#define LEARN_LOSS_REWARD_H

#include <stdint.h>

/* B >= 1 pairs. */
struct reward_pairs {
    const double *rc, *rr; // [B] scores of the chosen and the rejected answer
    const double *margin;  // [B] by how much the first should lead; NULL: 0
    int64_t B;
};

/* What is logged, over the pairs. */
struct reward_figures {
    double accuracy;       // share with rc > rr
    double margin;         // mean of rc - rr
    double min, mean, max; // of all 2B scores
};

/**
 * Mean Bradley-Terry loss of a batch of pairs, and its gradient.
 *
 *   loss = mean over i of  -log s(rc - rr - margin) + centre * (rc + rr)^2
 *
 * Only differences of scores mean anything to the first term; the second keeps
 * them near 0.
 *
 * Shapes   all arrays f64 [B].
 * Inputs   scores have no unit.
 *          centre  >= 0; 0 switches it off, 0.01 is usual otherwise.
 * Outputs  d_rc, d_rr  d(loss)/d(rc), d(loss)/d(rr), ADDED to what is there;
 *                      both NULL for evaluation.
 *          f           may be NULL.
 * Returns  the loss in nats; log(2) where all scores and margins are 0.
 * Memory   borrows all, allocates nothing. Any thread, no shared state.
 * Numbers  sums in double, left to right; finite for whatever f32 can hold.
 * Source   Ouyang et al. 2022, arXiv:2203.02155, eq. 1; margin: Touvron et al.
 *          2023, arXiv:2307.09288, eq. 2; centring: Eisenstein et al. 2023,
 *          arXiv:2312.09244, eq. 2. TRL's RewardTrainer.
 */
double loss_reward(double *d_rc, double *d_rr, struct reward_figures *f,
                   const struct reward_pairs *x, double centre);

/**
 * The same where the difference itself is known: mean of
 *
 *   (rc - rr - margin)^2 / 2 + centre * (rc + rr)^2
 *
 * which is least where scores differ by just the margins. x->margin is not
 * NULL; a NaN or infinite one is no difference, and its loss is not finite.
 */
double loss_reward_match(double *d_rc, double *d_rr, struct reward_figures *f,
                         const struct reward_pairs *x, double centre);

#endif
