/* policy_report.h -- the report of learning from a reward: results and
 * warnings.
 */
#ifndef TRANSFORM_POLICY_REPORT_H
#define TRANSFORM_POLICY_REPORT_H

#include "transform/policy/policy_eval.h"
#include "transform/policy/grpo.h"
#include "transform/policy/policy_options.h"

struct policy_stats {
    struct answer_reward_stats drawn; // of the base's answers; groups 0: none
    double agreement;                 // of the reward with given pairs; NaN
    struct policy_eval before, after; // n 0: not held
    struct policy_eval held_before, held_after; // on --eval
    int64_t answers;                            // drawn to learn from
};

/** Of the answers that were drawn and scored. */
void policy_report_drawn(const struct policy_plan *p,
                         const struct policy_stats *y, int64_t n_pairs);
/** Of a finished run of pairs. */
void policy_report_pairs(const struct policy_plan *p, const struct dpo_task *t);
/** Of given answers with labels, and of a finished run on them. */
void policy_report_labels(const struct policy_plan *p, const struct labels *l);
void policy_report_labelled(const struct policy_plan *p,
                            const struct kto_task *t);
/** Of a finished run on groups of the student's answers. */
void policy_report_groups(const struct policy_plan *p, const struct grpo *t);
/** Before a run on the student's own answers. */
void policy_report_begin(const struct policy_plan *p);
/** Of base and student. */
void policy_report_result(const struct policy_plan *p,
                          const struct policy_stats *y);

#endif
