/* policy_report.h -- what is said of learning from a reward: results, and what
 * looks wrong, by name.
 */
#ifndef TRANSFORM_POLICY_REPORT_H
#define TRANSFORM_POLICY_REPORT_H

#include "transform/policy/policy_eval.h"
#include "transform/policy/grpo.h"
#include "transform/policy/policy_options.h"

struct reward_story {
    struct trials_figures drawn; // of the base's answers; groups 0: none
    double agreement;            // of the reward with given pairs; NaN
    struct exam before, after;   // n 0: not held
    struct exam held_before, held_after; // on --eval
    int64_t answers;                     // drawn to learn from
};

/** Of the answers that were drawn and scored. */
void reward_words_drawn(const struct reward_plan *p,
                        const struct reward_story *y, int64_t n_pairs);
/** Of a finished run of pairs. */
void reward_words_pairs(const struct reward_plan *p, const struct prefer *t);
/** Of a finished run on groups of the student's answers. */
void reward_words_groups(const struct reward_plan *p, const struct grpo *t);
/** Before a run on the student's own answers. */
void reward_words_begin(const struct reward_plan *p);
/** Of base and student. */
void reward_words_result(const struct reward_plan *p,
                         const struct reward_story *y);

#endif
