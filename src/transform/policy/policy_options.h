/* policy_options.h -- the plan of learning from a reward: the options with
 * every zero replaced by the method's default.
 */
#ifndef TRANSFORM_POLICY_OPTIONS_H
#define TRANSFORM_POLICY_OPTIONS_H

#include "learn/loss/advantage.h"
#include "learn/loss/loss_policy.h"
#include "learn/loss/loss_preference.h"
#include "learn/student.h"
#include "transform/policy/policy_method.h"
#include "transform/policy/preference_pairs.h"

struct policy_plan {
    const struct convert_job *job;
    struct adaptation *reward; // NULL: preferences alone
    enum policy_method method;
    const char *name; // of the method
    struct student_options student;
    int64_t K;      // answers to an input
    int64_t groups; // inputs that are used; 0: as many as there are
    int64_t want;   // inputs to sample where no file is given
    int64_t max_tokens;
    double beta;
    trv_learn_options learn; // every zero replaced
    struct preference_options preference;
    struct kto_options kto;
    struct preference_pairs_options pairing;
    const char *advantage; // its name
    enum advantage_scale scale;
    enum policy_ratio ratio;
    bool rloo;
    enum policy_mean mean;
    struct work w; // it keeps answers.jsonl
};

/** TRV_EINVAL, TRV_EUNSUPPORTED (a method, a kind), TRV_ERANGE, TRV_ENOMEM. */
int policy_plan_make(struct policy_plan *p, const struct convert_job *job,
                     trv_err *err);
/** Complete the plan where n preferences are given, whose number decides the
 * steps, and write the options down; n is 0 where none are. TRV_ERANGE,
 * TRV_ENOMEM. */
int policy_plan_rows(struct policy_plan *p, int64_t n, trv_err *err);
void policy_plan_release(struct policy_plan *p); // accepts zeros

/** work_write_run() with what a resumed run must agree on. */
int policy_write_run(struct policy_plan *p, const struct inputs *in,
                     const struct inputs *held_out, trv_err *err);

/** Does it draw answers while it learns? */
bool policy_is_on_policy(const struct policy_plan *p);

#endif
