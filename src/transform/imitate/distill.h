/* distill.h -- learning from a teacher by its distribution (`distill`) or by
 * its answers (`sft`), as a task of learn/loop/run.h.
 *
 *   distill   sum over answer positions of D(p_teacher || p_student), full
 *             vocabulary; the teacher sees z x y, the student x y
 *   features  the same, and the distance of hidden states (features.h)
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

#include "learn/loop/shuffle.h"
#include "learn/student.h"
#include "transform/imitate/features.h"

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
    struct answers *answers;
    struct adapter_weights
        *student;        // with gradients; NULL: all weights of `own`
    struct decoder *own; // NULL: the session's decoder
    struct distill_options opts;
    const struct features *features; // NULL: none
    struct student learner;
    struct shuffle shuffle;       // of the answers
    double sum[2], places;        // of the step
    struct run_figure figures[2]; // where features are matched
};

/** Set up the task. `student` has its gradients and is trained in place. */
int distill_init(struct distill *t, struct run_task *task, trv_err *err);
void distill_release(struct distill *t);

/** The mean loss, nats per token, of the last `most` answers under the student
 * as it is now. */
int distill_loss(struct distill *t, double *loss, int64_t most, trv_err *err);

/** Steps' own answers: does step `step` train on the student's? */
bool distill_is_on_policy(const struct distill *t, int64_t step);

#endif
