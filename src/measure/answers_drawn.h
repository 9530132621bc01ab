/* answers_drawn.h -- inputs under every side, and the answers drawn for them.
 *
 * Each answer has a stream of random numbers of its own: answer j of side s to
 * input i takes stream (s << 40) + i * per_side[s] + j of the seed. So all
 * answers are independent, those of two sides to one input too.
 */
#ifndef MEASURE_ANSWERS_DRAWN_H
#define MEASURE_ANSWERS_DRAWN_H

#include "measure/stage.h"
#include "model/decoder/conditioning.h"
#include "model/sample/engine.h"

/* One answer to an input. */
struct drawn {
    int32_t *ids;
    int64_t n;
};

/* An input with its contexts under each side and the answers drawn for it. */
struct item {
    const struct data_row *row; // borrowed from the inputs
    struct context context[SIDES];
    struct drawn *from[SIDES]; // [per_side[side]]
};

/**
 * m->items [m->n] of the first inputs, at most m->max_inputs, each with its
 * contexts and without answers. An input that leaves no context for an answer
 * under any one side is left out.
 *
 * @param dropped  how many were left out before the last that is taken.
 * @param in       borrowed until drawn_release().
 * @return 0, TRV_ETOOLONG (no input fits), TRV_ENOMEM, and what view_open()
 *         returns; drawn_release() frees what there is in any case.
 */
int drawn_fill(struct measure *m, int64_t *dropped, const struct inputs *in,
               trv_err *err);

/**
 * Draw m->per_side[side] answers of one side to every item. An answer stops
 * where any side's context would be full, so that all three can score it.
 * Counts the side's seconds and tokens, and the stage's answers.
 *
 * @return 0, TRV_ECANCELED, TRV_ENOMEM, and what engine_sample_contexts()
 *         returns.
 * Memory   the session's arena is reset.
 */
int drawn_by(struct measure *m, enum side side, trv_err *err);

/** Take answers of `a` (NULL: the base) from those that runs share, and keep
 * them there, where the session shares them; `of` stays with `so`. What
 * source_hash() returns. */
int drawn_share(struct sample_options *so, char of[HASH_HEX], struct session *s,
                struct adaptation *a, trv_err *err);

void drawn_release(struct measure *m); // accepts zeros

#endif
