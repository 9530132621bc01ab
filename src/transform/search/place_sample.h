/* place_sample.h -- texts that the model itself writes in the prompt's place.
 *
 *   head | z       z is drawn from the model, token by token, as it would go on
 *                  behind the head; or behind the beginning of another prompt,
 *                  whose end is then written anew
 *
 * A model that has seen instructions in their place writes instructions there,
 * and needs no one to ask it for them. A chat's template is enough to make it
 * do so: a small model that is asked in a user's turn answers something else.
 *
 * Source   the same for a user's turns: Xu et al. 2024, arXiv:2406.08464
 *          (Magpie).
 */
#ifndef TRANSFORM_PLACE_SAMPLE_H
#define TRANSFORM_PLACE_SAMPLE_H

#include "adapt/session.h"
#include "transform/search/text_propose.h"

struct place_sample {
    struct session *s;
    struct prompt_place *slot;
    const unsigned char *allowed; // as propose_allowed()
    const struct context *voice;  // whose text is drawn; NULL: the base
    int64_t most;                 // tokens of a prompt, its beginning included
    uint64_t seed, stream;        // text i of a call has stream + i
};

/**
 * Draw texts. Each is cut to the longest beginning that survives re-tokenising
 * in row 0; what is no longer than its own given beginning, or there already,
 * is left out.
 *
 * @param out    [n]; *made of them are filled, to be released.
 * @param begin  [n] what each begins with; NULL: all of them with nothing.
 * @return 0, TRV_ENOMEM, and what sampling returns. On failure *made texts are
 *         there, to be released. Resets the session's arena.
 */
int place_sample_draw(struct proposal *out, int64_t *made,
                      const struct place_sample *w, const struct ids *begin,
                      int64_t n, trv_err *err);

/** Make *best the longest beginning of x that survives, where it is longer than
 * what *best is. */
int place_sample_keep(struct proposal *best, struct prompt_place *slot,
                      const int32_t *x, int64_t n, trv_err *err);

#endif
