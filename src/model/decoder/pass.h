/* pass.h -- answers under their contexts, in one packed forward of each
 * decoder that takes part.
 *
 *   sides[s], place k   the distribution that predicts answer token k of all
 *                       rows, end to end, under side s's contexts
 */
#ifndef MODEL_PASS_H
#define MODEL_PASS_H

#include "model/decoder/conditioning.h"
#include "model/decoder/head.h"

/** How many tokens a pass over these rows takes at most. */
int64_t pass_tokens(const struct answered *rows, int64_t n_rows);

/**
 * Run the same answers under several sides.
 *
 * @param sides   [n_sides] filled, all in the arena.
 * @param target  [sum of n] takes the answer tokens, row after row; NULL: not
 *                wanted.
 * @param rows    [n_sides][n_rows]: rows[s * n_rows + r] is answer r under side
 *                s; the answers of all sides are equal. Every n >= 1.
 * @return 0, TRV_ENOMEM, and what decoder_forward() returns.
 */
int pass_forward(struct head_side *sides, int32_t *target, struct arena *a,
                 int64_t n_sides, const struct answered *rows, int64_t n_rows,
                 trv_err *err);

/** kl [n_rows] = KL(p, q) over the whole vocabulary, summed over each answer's
 * tokens, in nats; rows [2][n_rows] as in pass_forward(), whose errors these
 * are: p's, then q's. */
int pass_kl(double *kl, struct arena *a, const struct answered *rows,
            int64_t n_rows, trv_err *err);

#endif
