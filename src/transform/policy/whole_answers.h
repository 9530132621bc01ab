/* whole_answers.h -- log-probabilities of whole answers, without a gradient:
 * those of a frozen reference, and of answers that only a baseline sees.
 */
#ifndef TRANSFORM_WHOLE_ANSWERS_H
#define TRANSFORM_WHOLE_ANSWERS_H

#include "adapt/session.h"
#include "model/sample/engine.h"

/** logp[i] = sum over the tokens of rows[i] of their log-probability, nats, in
 * double. Block by block; the session's arena is reset. TRV_ENOMEM, and what
 * engine_score_contexts() returns. */
int whole_answers_score(double *logp, struct session *s,
                        const struct answered *rows, int64_t n, trv_err *err);

#endif
