/* text_propose.h -- the next prompts to evaluate: changes of a given prompt,
 * proposed by the gradient or by the model itself.
 *
 *   score [L,V]   what the loss would become, to first order, with token v in
 *                 place i:  g[i] . E[v] + fluency / L * -log p0(v | z[<i])
 *
 *   swaps         one token for another of the top-k of its place (half of all)
 *   two swaps     likewise, at once
 *   the model's   a token drawn from the model at that place, from what it is
 *                 to imitate as well where that is known, in place of one
 *   longer        one of either put in; where that is too long, another goes,
 *                 so that tokens move
 *   shorter       a token left out
 *
 * Source   GCG: Zou et al. 2023, arXiv:2307.15043, algorithm 1; proposals by
 *          the model: Shi et al. 2022, arXiv:2212.10539.
 */
#ifndef TRANSFORM_TEXT_PROPOSE_H
#define TRANSFORM_TEXT_PROPOSE_H

#include "base/rng.h"
#include "model/decoder/conditioning.h"
#include "transform/search/prompt_place.h"

/* Tokens that a prompt may hold: those that have a text, without control
 * characters but newlines and tabs, and are not special. allowed [V] is 1 or 0;
 * TRV_EINVAL where there are fewer than two. */
int propose_allowed(unsigned char **allowed, const struct model *m,
                    trv_err *err);

struct propose_options {
    int64_t width;  // candidates, >= 1
    int64_t top_k;  // of each place
    int64_t most;   // tokens of a prompt
    double fluency; // as in the loss
    const unsigned char *allowed;
    const struct context *teacher; // components of the model to imitate; NULL
};

/* A prompt and its text, which give each other. */
struct proposal {
    struct ids z;
    char *text;
};
void proposal_release(struct proposal *c); // accepts zeros

/**
 * Make candidates that differ from z and from each other, and that survive
 * re-tokenising in their place.
 *
 * @param out  [width]; *n takes how many were found, perhaps none.
 * @param g    [z->n, C] of place_gradient().
 * @return 0, TRV_ENOMEM, and what the forward pass returns. On failure *n
 *         candidates are there, to be released.
 */
int propose(struct proposal *out, int64_t *n, struct decoder *d,
            struct arena *a, struct prompt_place *s, const struct ids *z,
            const float *g, const struct propose_options *opts, struct rng *rng,
            trv_err *err);

/** score [n, V] = g E^T alone: what the loss becomes, to first order and but
 * for a constant in each place, with each token there. */
int propose_scores(struct mat score, struct decoder *d, struct arena *a,
                   const float *g, int64_t n, trv_err *err);

#endif
