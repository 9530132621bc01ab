/* reward_memo.h -- scores in a run's memo, so that a run that goes on asks an
 * outside program or a judge for nothing twice.
 *
 *   key     SHA-256 of the reward and the items, ":", the first item's number
 *   value   [score, ...] of that item and those behind it
 *
 * Scores are kept as they are reported, once a second, when the user stops, and
 * where one fails. What is scored next begins a pass of its own, as it would
 * have: so the bits are the same.
 */
#ifndef ADAPT_REWARD_REWARD_MEMO_H
#define ADAPT_REWARD_REWARD_MEMO_H

#include "adapt/reward/reward.h"

/** reward_score() of what is no sum, without tokens, over watch->memo. */
int reward_memo_score(struct session *s, struct adaptation *a, double *score,
                      const struct reward_item *items, int64_t n,
                      const struct reward_watch *watch, trv_err *err);

#endif
