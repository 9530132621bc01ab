/* logratio.h -- log-probabilities of answers under one adaptation or two, token
 * by token: what params, prompts, ratios and contrasts score by.
 */
#ifndef ADAPT_REWARD_LOGRATIO_H
#define ADAPT_REWARD_LOGRATIO_H

#include "adapt/reward/reward.h"
#include "model/decoder/pass.h"

/**
 * Another value for each token than its log-probability.
 *
 * @param worth   [sum of n] at the places of a pass (pass.h).
 * @param side    the source of the logits there.
 * @param target  [sum of n] the answers' tokens.
 * @param rows    [n_rows] the answers.
 */
typedef int token_worth(float *worth, struct arena *a,
                        const struct head_side *side, const int32_t *target,
                        const struct answered *rows, int64_t n_rows,
                        double factor, trv_err *err);

struct logratio {
    struct adaptation *plus, *minus; // NULL: the base; made ready by view.h
    double beta;
    bool alone;         // log p of plus itself, nothing is taken off
    token_worth *worth; // NULL: log p
    double factor;      // of worth
};

/**
 * score[i] = beta * (sum over tokens of log p_plus - sum of log p_minus),
 * token[i][t] = beta * (log p_plus(t) - log p_minus(t)), or by `worth` in place
 * of log p; see reward_score().
 */
int logratio_score(struct session *s, const struct logratio *q, double *score,
                   double *const *token, const struct reward_item *items,
                   int64_t n, const struct reward_watch *watch, trv_err *err);

/** Ask the watch, if any; TRV_ECANCELED where it stops the work. */
int reward_report(const struct reward_watch *watch, int64_t done, int64_t total,
                  trv_err *err);

#endif
