/* charsmap.h -- SentencePiece's normalisation rules, as its models carry them:
 *
 *   [4 bytes: n, little endian][n bytes: a double-array trie of u32][strings,
 *   each with a NUL after it]
 *
 * The trie maps strings to offsets into the strings.
 */
#ifndef TEXT_CHARSMAP_H
#define TEXT_CHARSMAP_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/strbuf.h"

struct charsmap {
    uint32_t *units; // [n_units]
    size_t n_units;
    char *strings; // [n_strings], the last byte is a NUL
    size_t n_strings;
};

/** Copy and check. TRV_EFORMAT, TRV_ENOMEM; the message names `file`. */
int charsmap_read(struct charsmap *c, const void *bytes, size_t n,
                  const char *file, trv_err *err);
/** The same from base64, as tokenizer.json writes it. */
int charsmap_read_base64(struct charsmap *c, const char *s, size_t n,
                         const char *file, trv_err *err);
void charsmap_release(struct charsmap *c); // accepts zeros

/** Append the normalised form of n bytes, valid UTF-8, as `tokenizers` makes
 * it: a grapheme of at most five bytes is looked up first, then each of its
 * characters. TRV_ENOMEM. */
int charsmap_run(const struct charsmap *c, struct strbuf *out, const char *s,
                 size_t n);

#endif
