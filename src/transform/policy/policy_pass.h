/* policy_pass.h -- answers under what is being trained, in one packed pass that
 * keeps what its backward needs.
 *
 *   policy_forward     hidden states of contexts and answers; the tokens of all
 *                      answers lie end to end: those of answer s are
 *                      first[s]..first[s+1]-1
 *   policy_score       log-probability of each answer token, nats
 *   policy_backward    the gradient of -sum coef[t] logp[t], into the terms
 *
 * So a loss that knows only log-probabilities is a function between the last
 * two. Answers whose contexts or words begin alike share that beginning.
 */
#ifndef TRANSFORM_POLICY_PASS_H
#define TRANSFORM_POLICY_PASS_H

#include "model/decoder/decoder.h"

/* An answer and what stands before it. */
struct policy_row {
    const struct ids *context; // under the student: virtual tokens included
    const int32_t *ids;        // [n] of the answer, n >= 1
    int64_t n;
};

struct policy_pass {
    struct decoder *d;
    struct batch b;
    struct saved save;
    struct mat hidden; // [T,C]
    int64_t *where;    // [N] the packed token that predicts answer token k
    int32_t *target;   // [N]
    int64_t *first;    // [S+1]
    float *logp;       // [N] filled by policy_score() and policy_backward()
    int64_t S, N;
};

struct policy_how {
    bool dropout; // acts, where the terms have any
    uint64_t seed;
};

/** Make now what backward passes into these terms need. TRV_ENOMEM. */
int policy_plan(struct decoder *d, const struct terms *terms, trv_err *err);

/** All in `a`. TRV_ENOMEM, and what decoder_forward() returns. */
int policy_forward(struct policy_pass *p, struct decoder *d, struct arena *a,
                   const struct terms *terms, const struct policy_row *rows,
                   int64_t S, struct policy_how how, trv_err *err);
int policy_score(struct policy_pass *p, struct arena *a, trv_err *err);

/** ADDS to the gradients of the terms, and fills logp on its way. d_hidden
 * [T,C] f32 may bring a gradient at the hidden states that is added to; data
 * NULL: none. It is used up. TRV_ENOMEM. */
int policy_backward(struct policy_pass *p, struct arena *a, const float *coef,
                    struct mat d_hidden, trv_err *err);

/** Sum of an answer's tokens of x [N], in double, in their order. */
double policy_sum(const struct policy_pass *p, const float *x, int64_t s);

#endif
