/* batch.h -- packed rows: the engine's primitive.
 *
 * Rows of different length lie end to end, with no padding, each under its own
 * adaptation. Rows of one adaptation that begin alike share that beginning: it
 * is computed once, and its hidden states serve them all.
 *
 *   rows      a b c d      packed   a b c d e f   g h
 *             a b e f               `--------'   `--- another adaptation
 *             g h        segments [a b c d] [e f] sees (a b), [g h]
 *
 * Rows are sorted, so each adds only what follows its common prefix with the
 * row before: one segment a row, and no tree is ever built.
 */
#ifndef MODEL_BATCH_H
#define MODEL_BATCH_H

#include "backend/backend.h"
#include "base/mem.h"
#include "model/decoder/adapter_weights.h"

/** A sequence that starts at position 0; terms NULL is the base model. */
struct row {
    const int32_t *ids;
    int64_t n;
    const struct adapter_weights *adapter_weights;
};

/* Tokens t0 .. t0+n-1 run under one adaptation. */
struct batch_group {
    int64_t t0, n;
    const struct adapter_weights *adapter_weights;
};

struct batch {
    int64_t T;                // tokens
    const int32_t *ids, *pos; // [T]
    const int64_t *slots;     // [T] in the cache; NULL: slot t for token t
    int64_t n_segs, n_groups;
    const struct attn_seg *segs;
    const struct batch_group *groups;
};

/** Pack rows into memory of `a`. *at takes an array [n_rows] of arrays [n]: the
 * packed token that holds token i of row r (shared ones repeat).
 * Every n >= 1. TRV_ENOMEM. */
int batch_pack(struct batch *b, const int64_t *const **at, struct arena *a,
               const struct row *rows, int64_t n_rows, trv_err *err);

/** The spans of packed tokens that hold path[0..n): runs of neighbours. How
 * many, and they themselves. */
int64_t batch_count_spans(const int64_t *path, int64_t n);
void batch_fill_spans(struct attn_span *spans, const int64_t *path, int64_t n);

#endif
