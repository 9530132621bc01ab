/* scalar.h -- the scalar head: one number for a row of tokens, as transformers'
 * sequence classification with one label reads it off.
 *
 *   r = w . hidden[p],  p the last token that is no padding
 *
 * Attention is causal, so what stands behind p changes nothing and need not be
 * computed.
 */
#ifndef MODEL_SCALAR_H
#define MODEL_SCALAR_H

#include "model/decoder/decoder.h"

/** Where a row is read: its rightmost id other than `pad`, 0 where all are pad;
 * pad -1: the last. n >= 1. */
int64_t scalar_place(const int32_t *ids, int64_t n, int32_t pad);

/**
 * r [n] = w [C] . rows at[i] of hidden [T,C].
 *
 * Numbers  sums in double, left to right.
 */
void scalar_forward(double *r, const float *w, struct mat hidden,
                    const int64_t *at, int64_t n);

/**
 * The gradient of sum d_r[i] r[i]: ADDED to d_w [C] and to rows at[i] of
 * d_hidden [T,C] f32.
 */
void scalar_backward(float *d_w, struct mat d_hidden, const double *d_r,
                     const float *w, struct mat hidden, const int64_t *at,
                     int64_t n);

/**
 * Scores of whole rows, packed into passes of at most ENGINE_TOKENS tokens (a
 * longer row is a pass of its own); each row is cut where it is read.
 *
 * @param r     [n]
 * @param w     [C]
 * @param rows  ids that the decoder's terms and model know; every n >= 1.
 * @return 0, TRV_ENOMEM, and what decoder_forward() returns.
 * Memory   from `a`, rewound after each pass.
 */
int scalar_score(struct decoder *d, struct arena *a, double *r, const float *w,
                 const struct row *rows, int64_t n, int32_t pad, trv_err *err);

#endif
