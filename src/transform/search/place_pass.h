/* place_pass.h -- prompts in their place, before answers, in packed passes: the
 * values and gradients that a search over prompts needs.
 *
 *   rows      head z tail y     every prompt before every input and answer
 *   gradient  of a loss at y in the embeddings of z: what another token in a
 *             place would change, to first order
 *
 * Rows that begin alike are computed once: a prompt once for all its rows, and
 * of a prompt that differs late only the rest.
 *
 * Source   Ebrahimi et al. 2018, arXiv:1712.06751 (HotFlip); Shin et al. 2020,
 *          arXiv:2010.15980 (AutoPrompt); Zou et al. 2023, arXiv:2307.15043
 *          (GCG).
 */
#ifndef TRANSFORM_PLACE_PASS_H
#define TRANSFORM_PLACE_PASS_H

#include "model/decoder/head.h"
#include "transform/search/prompt_place.h"

/* An answer to a row of the slot. */
struct place_answer {
    int64_t row;
    const int32_t *ids;
    int64_t n;
};

/** Tokens that a prompt of `n_z` takes before all these answers: of one prompt
 * alone. */
int64_t place_tokens(const struct prompt_place *s, int64_t n_z,
                     const struct place_answer *y, int64_t n);

/** Value of one prompt, from the distributions that predict the `places` tokens
 * of all answers, end to end, under it. */
typedef int (*place_value_fn)(void *self, double *value, struct arena *a,
                              const struct head_side *side, int64_t places,
                              trv_err *err);

/** value[i] of the prompts z[i] of the base model, by passes of as many prompts
 * as pay. What lies in the arena stays. */
int place_evaluate(double *value, struct decoder *d, struct arena *a,
                   const struct prompt_place *s, const struct ids *z,
                   int64_t n_z, const struct place_answer *y, int64_t n,
                   place_value_fn of, void *self, trv_err *err);

/** Adds the gradient of a loss at the places of x [n] to d_hidden [T,C] f32. */
typedef int (*place_loss_fn)(void *self, struct arena *a, struct head_rows x,
                             int64_t n, struct mat d_hidden, trv_err *err);

/**
 * The gradient of a loss in the embeddings of z.
 *
 *   loss(answers) + fluency * mean over i of -log p0(z[i] | head, z[<i])
 *
 * Outputs  g  [z->n, C] f32, OVERWRITTEN. It holds what z[i] does as context;
 *             that z[i] is itself predicted, text_propose.c adds.
 * Numbers  rows of the arena die with the call.
 */
int place_gradient(float *g, struct decoder *d, struct arena *a,
                   const struct prompt_place *s, const struct ids *z,
                   const struct place_answer *y, int64_t n, double fluency,
                   place_loss_fn loss, void *self, trv_err *err);

/** nats[i] = -log p0(z[i] | row 0's head), summed over the tokens of z[i] that
 * have something before them, which n_told counts. */
int place_surprise(double *nats, int64_t *n_told, struct decoder *d,
                   struct arena *a, const struct prompt_place *s,
                   const struct ids *z, int64_t n_z, trv_err *err);

#endif
