/* unigram.h -- the Unigram model: of all ways to cut a piece into tokens the
 * one with the highest sum of scores.
 */
#ifndef TEXT_UNIGRAM_H
#define TEXT_UNIGRAM_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "text/tokenizer/tokenizer.h"
#include "text/tokenizer/trie.h"
#include "text/tokenizer/vocab.h"

struct unigram {
    double *scores; // [n], of each id; NULL: the tokenizer is no Unigram model
    int64_t n;
    double unk_score; // of a character that no token begins with
    int32_t unk;      // or -1
    bool byte_fallback;
    int32_t bytes[256]; // token "<0xNN>", or -1
    struct trie trie;
};

/** To be called once: `v` holds the tokens, u->scores theirs. TRV_ENOMEM. */
int unigram_finish(struct unigram *u, const struct vocab *v);
void unigram_release(struct unigram *u); // accepts zeros

/** Working memory of one thread; zeros are ready for use. */
struct unigram_scratch {
    struct unigram_node *nodes;
    size_t *cuts;
    size_t cap; // of both
};
void unigram_scratch_release(struct unigram_scratch *s);

/** Append the ids of a piece, valid UTF-8. Neighbouring unknown characters are
 * one unknown token, as in `tokenizers`. TRV_ENOMEM, TRV_EFORMAT (the unknown
 * token is needed and missing). */
int unigram_encode(const struct unigram *u, const struct vocab *v,
                   struct ids *out, const char *s, size_t n,
                   struct unigram_scratch *scratch, trv_err *err);

#endif
