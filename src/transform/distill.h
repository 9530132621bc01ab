/* distill.h -- the methods `distill` and `sft` of prompt -> params, as a task
 * of learn/run.h.
 *
 *   distill   sum over answer positions of D(p_teacher || p_student), full
 *             vocabulary; the teacher sees z x y, the student x y
 *   sft       sum of -log p_student(y_i | x, y_<i) on the teacher's answers
 *
 * Teacher and student are two packed passes over the same frozen trunk. What
 * begins alike is computed once in each: the prompt z once for a whole batch.
 * The teacher keeps no activations, and only final hidden states meet, in the
 * fused head.
 *
 * Source   prompt distillation as forward KL: Askell et al. 2021,
 *          arXiv:2112.00861, section 2; on-policy batches and the
 *          Jensen-Shannon form: Agarwal et al. 2023, arXiv:2306.13649.
 */
#ifndef TRANSFORM_DISTILL_H
#define TRANSFORM_DISTILL_H

#include "learn/run.h"
#include "learn/shuffle.h"
#include "transform/answers.h"

struct distill_options {
    bool hard; // sft
    enum divergence divergence;
    double on_policy; // share of steps on the student's own answers
    int64_t batch, accumulate, max_tokens;
    uint64_t seed;
};

struct distill {
    struct session *s;
    struct decoder *d;
    const struct adaptation *teacher;
    struct answers *answers;
    struct lora *student; // with gradients
    struct distill_options opts;
    struct shuffle shuffle; // of the answers
};

/** Set up the task. `student` has its gradients and is trained in place. */
int distill_init(struct distill *t, struct run_task *task, trv_err *err);
void distill_release(struct distill *t);

/** Steps' own answers: does step `step` train on the student's? */
bool distill_is_on_policy(const struct distill *t, int64_t step);

#endif
