/* kto.h -- learning from answers that are labelled good or bad, each by itself,
 * as a task of learn/loop/run.h: the method `kto`.
 *
 *   h = log p - log q      of an answer, p under the student, q under the base
 *   z = max(0, mean of log p - log q over mismatched answers): where the
 *       student has moved to, no gradient
 *   loss of an answer      loss_kto(): a good one should have h above z, a bad
 *                          one below
 *
 * The mismatched answers of a micro-batch are its own, each moved on by one:
 * x1 y1, x2 y2, x3 y3  ->  x1 y3, x2 y1, x3 y2, as TRL's KTOTrainer has them;
 * so a micro-batch has two answers or more. Where one does not fit behind its
 * new context it is cut at its end.
 *
 * The q of all answers are computed once, before the first step. Those of
 * mismatched ones depend on what meets in a batch, and are computed in it: a
 * step is a pass with a gradient and two without.
 *
 * Source   Ethayarajh et al. 2024, arXiv:2402.01306, eq. 7, 8; TRL's KTOTrainer.
 */
#ifndef TRANSFORM_KTO_H
#define TRANSFORM_KTO_H

#include "learn/loop/shuffle.h"
#include "learn/loss/loss_preference.h"
#include "learn/student.h"
#include "model/decoder/conditioning.h"
#include "transform/answers.h"
#include "transform/policy/trend.h"

struct labelled {
    int64_t answer; // among the answers
    bool good;
};

struct kto_task_options {
    struct kto_options loss;
    int64_t steps, batch, accumulate; // batch: answers
    uint64_t seed;
};

enum kto_task_figure {
    KTO_KL, // z, nats
    KTO_GOOD,
    KTO_BAD,
    KTO_MARGIN,
    KTO_LOGP_GOOD,
    KTO_LOGP_BAD,
    KTO_FIGURES
};

struct kto_task {
    struct session *s;
    struct decoder *d;
    const struct answers *answers; // contexts: teacher is the base
    const struct labelled *list;
    int64_t n;
    struct adapter_weights
        *student;        // with gradients; NULL: all weights of `own`
    struct decoder *own; // NULL: the session's decoder
    struct kto_task_options opts;
    struct student learner;
    struct shuffle shuffle; // of the answers
    double *ref;            // [n] log-probability under the base
    /* of a micro-batch [batch]: which answers, and the mismatched ones */
    int64_t *picked;
    struct answered *rows;
    struct component *parts; // of the student's contexts
    struct context *contexts;
    double *moved_p, *moved_q;
    double sum[KTO_FIGURES], answers_seen[2]; // of the step; bad, good
    struct run_figure figures[KTO_FIGURES];
    struct trend trends[KTO_FIGURES];
};

/** Set up the task and score all answers under the base. A micro-batch has two
 * answers or more. */
int kto_task_init(struct kto_task *t, struct run_task *task, trv_err *err);
void kto_task_release(struct kto_task *t);

#endif
