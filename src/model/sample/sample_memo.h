/* sample_memo.h -- the answers of a batch in a run's memo: drawn once, and
 * taken from there by a run that goes on.
 *
 *   key     of all that is drawn from: ids, streams, options
 *   value   {"rows": [[[id, ...], logp, finish, [logp of each]?], ...],
 *            "tokens": [those each decoder processed, ...], "seconds":}
 *
 * A batch is kept whole, because what a row is drawn beside decides its last
 * bits: of a run that is stopped only the batch at work is drawn again. Where
 * several runs share a memo, sample_options.of says whose answers they are: the
 * contexts of an adaptation of parameters hold its ids alone.
 */
#ifndef MODEL_SAMPLE_MEMO_H
#define MODEL_SAMPLE_MEMO_H

#include "base/hash.h"
#include "model/sample/engine.h"

struct sample_kept {
    char key[HASH_HEX];
    double before[CONDITIONING_MAX_PARTS]; // tokens of each part's decoder
    double began;
};

/** Look a batch of rows up. *found: out [n] is filled from the memo, and the
 * decoders count its tokens. Otherwise `kept` is what sample_memo_put() needs.
 */
int sample_memo_take(bool *found, struct sample_kept *kept,
                     struct sample_out *out, const struct sampled_row *rows,
                     int64_t n, const struct sample_options *opts,
                     trv_err *err);
/** Keep a batch that was drawn. */
int sample_memo_put(const struct sample_kept *kept,
                    const struct sample_out *out,
                    const struct sampled_row *rows, int64_t n,
                    const struct sample_options *opts, trv_err *err);

#endif
