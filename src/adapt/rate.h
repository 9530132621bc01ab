/* rate.h -- how fast this machine runs this model, measured in a moment: from
 * tokens to seconds, before any work.
 *
 *   seconds = scored * score + learned * learn
 *           + draws * draw + steps * step
 *
 * A step of drawing adds one token to each row of a batch; it costs as much as
 * reading the weights, and a little more for each row.
 */
#ifndef ADAPT_RATE_H
#define ADAPT_RATE_H

#include "adapt/session.h"

/** Measure: some passes over random tokens, a fraction of a second each, at
 * most a few for large models; a session that was measured keeps what it saw.
 * `learns`: learn is measured, too, for which the weights are packed once more;
 * else it may be 0. The counters of decoder and backend stay as they are. TRV_ENOMEM, and what decoder_forward() returns. */
int rate_measure(struct rate *out, struct session *s, bool learns,
                 trv_err *err);

/** Steps that draw `tokens` in batches of `batch` rows. */
static inline double
rate_steps(double tokens, double batch)
{
    return tokens / (batch > 1.0 ? batch : 1.0);
}

double rate_seconds(const struct rate *r, const struct rate_work *w);

static inline double
rate_tokens(const struct rate_work *w)
{
    return w->scored + w->learned + w->draws;
}

#endif
