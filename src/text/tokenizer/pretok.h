/* pretok.h -- how a normalised text is cut into the pieces that merges never
 * cross: the pre-tokenizers of tokenizer.json, flattened into a list of steps.
 */
#ifndef TEXT_PRETOK_H
#define TEXT_PRETOK_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/strbuf.h"
#include "text/tokenizer/pattern.h"

struct pretok {
    struct pretok_step *steps;
    int64_t n, cap;
};

/** Read the field "pre_tokenizer"; null is no step. TRV_EFORMAT,
 * TRV_EUNSUPPORTED (naming the kind), TRV_ENOMEM. */
int pretok_read(struct pretok *pt, const json_t *v, const char *file,
                trv_err *err);
/* Steps for formats that only name them. */
int pretok_add_regex(struct pretok *pt, const char *re, const char *file,
                     trv_err *err);
/** ByteLevel as GPT-2 has it: a space before if wanted, expression, bytes. */
int pretok_add_gpt2(struct pretok *pt, bool prefix_space, const char *file,
                    trv_err *err);
int pretok_add_byte_level(struct pretok *pt, bool prefix_space);
void pretok_release(struct pretok *pt); // accepts zeros

/** Pieces of a text, in order and end to end or with gaps. */
struct pieces {
    struct strbuf text;
    struct piece {
        size_t at, n;
        bool first; // stands at the beginning of the whole text
    } * v;
    int64_t n, cap;
};
void pieces_release(struct pieces *p);
/** Make p one piece: n bytes of text. */
int pieces_set(struct pieces *p, const char *text, size_t n, bool first);

/** Cut p->v[0..n) further, in place; `tmp` is working memory. TRV_ENOMEM,
 * TRV_ERANGE (an expression gave up). */
int pretok_run(const struct pretok *pt, struct pieces *p, struct pieces *tmp,
               struct pattern_scratch *scratch, trv_err *err);

/** The character that stands for a byte in byte-level vocabularies, and back:
 * -1 where a character stands for none. */
uint32_t pretok_byte_char(unsigned char byte);
int pretok_char_byte(uint32_t cp);

#endif
