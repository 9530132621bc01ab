/* added.h -- tokens that are found in a text before it is split: special ones,
 * and those added to a vocabulary after its training.
 */
#ifndef TEXT_ADDED_H
#define TEXT_ADDED_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "text/tokenizer/normalizer.h"
#include "text/tokenizer/trie.h"
#include "text/tokenizer/vocab.h"

struct added_token {
    int32_t id;
    bool single_word;    // not inside a word
    bool lstrip, rstrip; // takes the white space on that side along
    bool normalized;     // looked for in the normalised text
    bool special;
};

struct added {
    struct vocab names; // content <-> id
    struct vocab shown; // by id: normalised contents, which decoders expect
    struct added_token *v;
    int64_t n, cap;
    struct trie raw, normal; // of tokens not normalised, and of the rest
};

/** Add a token; one with the same content is replaced. TRV_ENOMEM. */
int added_add(struct added *a, const struct added_token *token, const char *s,
              size_t n);
/** To be called once, when all are there: build what the search needs. */
int added_finish(struct added *a, const struct normalizer *nz, trv_err *err);
void added_release(struct added *a); // accepts zeros

struct spans {
    struct span {
        size_t at, n;
        int32_t id; // -1: text
    } * v;
    int64_t n, cap;
};
void spans_release(struct spans *s);

/** Cut a text into tokens and what lies between, as `tokenizers` does:
 * leftmost first, the longest among those that begin together. */
int added_split(const struct added *a, const struct trie *trie,
                struct spans *out, const char *text, size_t n);
/** The same as llama.cpp does it: longer tokens first, wherever they stand. */
int added_split_longest(const struct added *a, struct spans *out,
                        const char *text, size_t n);

#endif
