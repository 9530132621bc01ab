/* rollout.h -- the student's own answers: groups of K to a few inputs, drawn as
 * it is now, with their rewards. What grpo and ppo learn from.
 *
 * Batch b takes the next inputs of the shuffle and the streams of the seed that
 * are its own, so what is drawn is a function of (seed, b) and of the student.
 * Where several steps learn from one batch, a checkpoint holds the batch: the
 * student that drew it is gone.
 */
#ifndef TRANSFORM_ROLLOUT_H
#define TRANSFORM_ROLLOUT_H

#include <jansson.h>

#include "learn/loop/shuffle.h"
#include "learn/answer_pass.h"
#include "transform/answer_rewards.h"

struct rollout_options {
    int64_t n, K; // answers of a batch, a whole number of groups of K
    int64_t max_tokens;
    double temperature;
    uint64_t seed;
};

/* How answers are scored; the session's arena may be reset. */
struct rollout_scorer {
    int (*score)(void *payload, double *reward, const struct completion *list,
                 int64_t n, trv_err *err);
    void *payload;
};

struct rollout {
    struct session *s;
    struct decoder *d;
    const struct answers *contexts; // teacher: the base's
    const struct inputs *in;
    struct rollout_scorer judge;
    const struct adapter_weights *student; // NULL: all weights of `own`
    struct decoder *own;                   // NULL: the session's decoder
    struct rollout_options opts;
    struct shuffle shuffle; // of the inputs
    int64_t batch;          // that is held; -1: none
    int64_t *context;       // [n]
    int64_t *first;         // [n+1] tokens of answer i: first[i]..first[i+1]-1
    int32_t *ids;           // [n * max_tokens]
    float *old, *ref;       // likewise: log p when drawn, and of the base
    double *reward;         // [n]
};

/** Before anything is drawn; the fields down to opts are set. TRV_ENOMEM. */
int rollout_init(struct rollout *r, trv_err *err);
void rollout_release(struct rollout *r); // accepts zeros

/** Draw batch b, compute its log-probabilities under the base and its rewards,
 * unless it is held. *tokens takes the tokens processed. The session's arena is
 * reset. */
int rollout_draw(struct rollout *r, int64_t b, double *tokens, trv_err *err);

/** Answers from..from+n-1 as rows of a pass, in `rows`. */
void rollout_rows(struct answer_row *rows, const struct rollout *r,
                  int64_t from, int64_t n);

/** The held batch as a field of `obj`, bit for bit, and back. */
int rollout_save(json_t *obj, const struct rollout *r, trv_err *err);
int rollout_load(struct rollout *r, const json_t *obj, trv_err *err);

#endif
