/* utf8.h -- characters: decoding, repair, and the classes that tokenizers
 * split at.
 */
#ifndef TEXT_UTF8_H
#define TEXT_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/strbuf.h"

/** Read the character at s, which is valid UTF-8. Returns its bytes, 1 to 4. */
static inline size_t
utf8_get(uint32_t *cp, const char *s)
{
    const unsigned char *u = (const unsigned char *)s;

    if (u[0] < 0x80) {
        *cp = u[0];
        return 1;
    }
    if (u[0] < 0xE0) {
        *cp = (u[0] & 0x1Fu) << 6 | (u[1] & 0x3Fu);
        return 2;
    }
    if (u[0] < 0xF0) {
        *cp = (u[0] & 0x0Fu) << 12 | (u[1] & 0x3Fu) << 6 | (u[2] & 0x3Fu);
        return 3;
    }
    *cp = (u[0] & 0x07u) << 18 | (u[1] & 0x3Fu) << 12 | (u[2] & 0x3Fu) << 6 |
          (u[3] & 0x3Fu);
    return 4;
}

/** Bytes of the character that begins with `lead`, in valid UTF-8. */
static inline size_t
utf8_len(char lead)
{
    const unsigned char u = (unsigned char)lead;

    return u < 0x80 ? 1 : u < 0xE0 ? 2 : u < 0xF0 ? 3 : 4;
}

/** Where the character that ends before s + at begins; at >= 1. */
static inline size_t
utf8_back(const char *s, size_t at)
{
    do
        at--;
    while (at > 0 && ((unsigned char)s[at] & 0xC0) == 0x80);
    return at;
}

size_t utf8_put(char out[4], uint32_t cp);
int utf8_add(struct strbuf *out, uint32_t cp); // 0, TRV_ENOMEM

bool utf8_is_valid(const char *s, size_t n);

/**
 * Append n bytes with every ill-formed part replaced by U+FFFD, one for each
 * maximal part, as Python's bytes.decode(errors="replace") does. With `more`,
 * a character cut at the end is left for the next call: *used says how many
 * bytes were taken. 0 or TRV_ENOMEM.
 */
int utf8_repair(struct strbuf *out, size_t *used, const char *s, size_t n,
                bool more);

/* Classes, after Unicode: White_Space; category N; what a regular expression
 * calls a word character; category P or ASCII punctuation. */
bool utf8_is_space(uint32_t cp);
bool utf8_is_numeric(uint32_t cp);
bool utf8_is_word(uint32_t cp);
bool utf8_is_punct(uint32_t cp);

#endif
