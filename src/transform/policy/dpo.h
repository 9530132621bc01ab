/* dpo.h -- learning from preference pairs, as a task of learn/loop/run.h: of
 * two answers to one input the better becomes likelier. This is the method
 * `dpo`, which measures that against the base model, and whatever else has a
 * loss of pairs: preference_traits() says what a loss needs.
 *
 * An answer's implicit reward is beta (log p - log q), p under the student, q
 * under the base without it. The q of all answers are computed once, before the
 * first step: there is no second copy of the weights, and no second pass in a
 * step. Both answers of a pair lie in one packed pass and share what they begin
 * with.
 *
 *   loss of a pair   loss_preference(); with a label l below 1 (sigmoid):
 *                    -l log s(z) - (1 - l) log s(-z), z = beta (hc - hr)
 *
 * to which sft_weight, and a loss that has a likelihood of its own, add
 * loss_chosen(), over the chosen answers of a pass.
 *
 * A pair that a reward has made has the label s(r_chosen - r_rejected), as if
 * people with that reward had been asked (Bradley and Terry). Then, and only
 * then, the loss is smallest where z is the difference of the rewards, so at
 * p0 exp(r / beta) / Z: with hard labels it falls without end. That optimum is
 * over all answers; the pairs hold few of them, and both can fall while their
 * difference is right. The likelihood of the chosen ones holds against that,
 * and moves the optimum towards them.
 *
 * Source   Rafailov et al. 2023, arXiv:2305.18290, eq. 1, 4, 7.
 */
#ifndef TRANSFORM_DPO_H
#define TRANSFORM_DPO_H

#include "learn/loss/loss_preference.h"
#include "learn/loop/shuffle.h"
#include "learn/student.h"
#include "transform/answers.h"
#include "transform/policy/trend.h"

struct preference {
    int64_t chosen, rejected; // among the answers, of one context
    double label;             // 1/2 < label <= 1
};

struct dpo_task_options {
    struct preference_options loss;
    double sft_weight; // of the chosen answers' likelihood, loss_chosen()
    int64_t steps, batch, accumulate; // batch: pairs
    uint64_t seed;
};

enum dpo_task_figure {
    DPO_CHOSEN,
    DPO_REJECTED,
    DPO_MARGIN,
    DPO_ACCURACY,
    DPO_LOGP_CHOSEN,
    DPO_LOGP_REJECTED,
    DPO_FIGURES
};

struct dpo_task {
    struct session *s;
    struct decoder *d;
    const struct answers *answers; // contexts: teacher is the base
    const struct preference *list;
    int64_t n;
    struct adapter_weights
        *student;        // with gradients; NULL: all weights of `own`
    struct decoder *own; // NULL: the session's decoder
    struct dpo_task_options opts;
    struct student learner;
    struct shuffle shuffle; // of the pairs
    double *ref;            // [answers] log-probability under the base; NULL:
                            // the loss has no reference
    double sum[DPO_FIGURES], pairs; // of the step
    struct run_figure figures[DPO_FIGURES];
    struct trend trends[DPO_FIGURES];
};

/** Set up the task and score all answers of pairs under the base. */
int dpo_task_init(struct dpo_task *t, struct run_task *task, trv_err *err);
void dpo_task_release(struct dpo_task *t);

#endif
