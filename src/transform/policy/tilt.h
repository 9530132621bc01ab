/* tilt.h -- the methods `tilt` and `bon` of reward -> params, as a task of
 * learn/loop/run.h: likelihood of the base's own answers, weighted by the
 * reward.
 *
 *   loss of an input   sum over its answers i of -w[i] log p(y_i | x)
 *   tilt   w = softmax(r / beta) over answers drawn from the base: the
 *          self-normalised estimate of the cross entropy of pr = p0
 *          exp(r/beta)/Z with p, so that what is made small is KL(pr, p)
 *   bon    w = 1 for the best answer alone
 *
 * The step's loss is divided by the answers' weighted tokens: nats per token.
 */
#ifndef TRANSFORM_TILT_H
#define TRANSFORM_TILT_H

#include "learn/loop/shuffle.h"
#include "learn/student.h"
#include "transform/answers.h"

struct tilted {
    int64_t answer; // among the answers
    double w;       // > 0
};

struct tilt_options {
    int64_t batch, accumulate; // batch: inputs
    uint64_t seed;
};

struct tilt {
    struct session *s;
    struct decoder *d;
    const struct answers *answers;
    const struct tilted *list; // those of input g: first[g]..first[g+1]-1
    const int64_t *first;      // [n+1]
    int64_t n;                 // inputs
    struct adapter_weights
        *student;        // with gradients; NULL: all weights of `own`
    struct decoder *own; // NULL: the session's decoder
    struct tilt_options opts;
    struct student learner;
    struct shuffle shuffle; // of the inputs
};

int tilt_init(struct tilt *t, struct run_task *task, trv_err *err);
void tilt_release(struct tilt *t);

#endif
