/* candidates.h -- every instruction that a search evaluated, with its scores,
 * in memory and as JSON lines:
 *
 *   {"id":, "round":, "how":, "parents": [], "parts": [], "text":, "tokens":,
 *    "kept":, "reward": [], "kl": [], "best": {}, "worst": {}}   a candidate
 *   {"round":, "phrases": [], "asked":, "answers":, "drawn":}    ends a round
 *
 * reward and kl have a place for each training input, null where it was not
 * evaluated. A round is a block of a journal (base/seal.h) and is followed by
 * its checksum. What a killed run left after the last whole round is cut off,
 * so a resumed search continues from the end of that round.
 */
#ifndef TRANSFORM_CANDIDATES_H
#define TRANSFORM_CANDIDATES_H

#include <jansson.h>

#include "adapt/adaptation.h"
#include "transform/evolve/edits.h"

/* An answer that shows what a candidate does. */
struct shown {
    int64_t input; // -1: none
    double reward;
    char *text;
    int32_t *ids; // [n] its tokens
    int64_t n;
};

struct candidate {
    int64_t id, round, parents[2]; // -1: none
    const char *how;               // "drop", "model", ...
    struct parts parts;
    char *text;          // the parts joined; "" is no prompt at all
    int64_t tokens;      // of the text
    bool kept;           // evaluated on all training inputs
    double *reward, *kl; // [n_inputs], NaN where it was not evaluated
    double *value;       // [n_inputs] reward - beta kl - lambda tokens
    struct shown best, worst;
    struct adaptation *z; // NULL: no prompt
};

struct candidates {
    struct candidate **list;
    int64_t n, cap;
    int64_t n_inputs;
    double beta, lambda;
    const char *end; // what stands between a prompt and its input
    /* state beside them */
    struct parts phrases;
    int64_t phrases_saved, saved; // how much of both lies in the file
    int64_t rounds;               // whole ones
    int64_t answers;              // drawn so far
    double drawn;                 // and their tokens
    int64_t asked;                // calls of a proposer
};

void candidates_release(struct candidates *c); // accepts zeros

/** Add one; `parts` is taken over. *out is NULL where its text is there
 * already, holds special tokens, or is longer than `most` tokens. */
int candidates_add(struct candidate **out, struct candidates *c,
                   struct parts *parts, const struct tokenizer *t, int64_t most,
                   const char *how, int64_t parent, int64_t mate, trv_err *err);
/** Set what an input gave. */
void candidates_score(struct candidates *c, struct candidate *of, int64_t input,
                      double reward, double kl);
/** Remember an answer where it is the best or the worst so far. */
int candidates_show(struct candidate *of, int64_t input, double reward,
                    const char *text, const int32_t *ids, int64_t n,
                    trv_err *err);
/** Mean value over the inputs at[0..n), or over all where at is NULL. */
double candidates_mean(const struct candidates *c, const struct candidate *of,
                       const int64_t *at, int64_t n);

/** Read whole rounds. No file: none. TRV_EFORMAT. */
int candidates_read(struct candidates *c, const char *file,
                    const struct tokenizer *t, trv_err *err);
/** Append what is new as the round c->rounds, and count it. */
int candidates_write(struct candidates *c, const char *file, trv_err *err);

#endif
