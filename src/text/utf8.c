/* utf8.c -- characters. */
#include "text/utf8.h"

#include <string.h>
#include <utf8proc.h>

size_t
utf8_put(char out[4], uint32_t cp)
{
    if (cp < 0x80) {
        out[0] = (char)cp;
        return 1;
    }
    if (cp < 0x800) {
        out[0] = (char)(0xC0 | cp >> 6);
        out[1] = (char)(0x80 | (cp & 0x3F));
        return 2;
    }
    if (cp < 0x10000) {
        out[0] = (char)(0xE0 | cp >> 12);
        out[1] = (char)(0x80 | (cp >> 6 & 0x3F));
        out[2] = (char)(0x80 | (cp & 0x3F));
        return 3;
    }
    out[0] = (char)(0xF0 | cp >> 18);
    out[1] = (char)(0x80 | (cp >> 12 & 0x3F));
    out[2] = (char)(0x80 | (cp >> 6 & 0x3F));
    out[3] = (char)(0x80 | (cp & 0x3F));
    return 4;
}

int
utf8_add(struct strbuf *out, uint32_t cp)
{
    char s[4];

    return sb_add(out, s, utf8_put(s, cp));
}

/* Length of the well-formed character at s; or 0, and then *bad is the length
 * of the maximal ill-formed part, *cut whether more bytes could mend it. */
static size_t
scan(const unsigned char *s, size_t n, size_t *bad, bool *cut)
{
    unsigned char lo = 0x80, hi = 0xBF; // bounds of the second byte
    size_t len;

    *bad = 1;
    *cut = false;
    if (s[0] < 0x80)
        return 1;
    if (s[0] < 0xC2 || s[0] > 0xF4)
        return 0;
    len = s[0] < 0xE0 ? 2 : s[0] < 0xF0 ? 3 : 4;
    if (s[0] == 0xE0)
        lo = 0xA0; // shorter forms exist
    if (s[0] == 0xED)
        hi = 0x9F; // surrogates
    if (s[0] == 0xF0)
        lo = 0x90;
    if (s[0] == 0xF4)
        hi = 0x8F; // past U+10FFFF
    for (size_t i = 1; i < len; i++) {
        *bad = i;
        if (i >= n) {
            *cut = true;
            return 0;
        }
        if (s[i] < lo || s[i] > hi)
            return 0;
        lo = 0x80;
        hi = 0xBF;
    }
    return len;
}

/* Bytes of plain ASCII at the front, eight at a time. */
static size_t
ascii_run(const unsigned char *s, size_t n)
{
    size_t i = 0;

    while (i + 8 <= n) {
        uint64_t w;

        memcpy(&w, s + i, 8);
        if (w & UINT64_C(0x8080808080808080))
            break;
        i += 8;
    }
    while (i < n && s[i] < 0x80)
        i++;
    return i;
}

bool
utf8_is_valid(const char *s, size_t n)
{
    const unsigned char *u = (const unsigned char *)s;
    size_t bad, len;
    bool cut;

    for (size_t i = 0; i < n; i += len) {
        i += ascii_run(u + i, n - i);
        if (i == n)
            break;
        len = scan(u + i, n - i, &bad, &cut);
        if (!len)
            return false;
    }
    return true;
}

int
utf8_repair(struct strbuf *out, size_t *used, const char *s, size_t n,
            bool more)
{
    const unsigned char *u = (const unsigned char *)s;
    size_t good = 0, i = 0; // s[good..i) is well-formed and not yet added
    size_t bad, len;
    bool cut;

    while (i < n) {
        i += ascii_run(u + i, n - i);
        if (i == n)
            break;
        len = scan(u + i, n - i, &bad, &cut);
        if (len) {
            i += len;
            continue;
        }
        if (cut && more)
            break;
        if (sb_add(out, s + good, i - good) || sb_add(out, "\xEF\xBF\xBD", 3))
            return TRV_ENOMEM;
        i += bad;
        good = i;
    }
    *used = i;
    return i > good ? sb_add(out, s + good, i - good) : 0;
}

bool
utf8_is_space(uint32_t cp)
{
    return (cp >= 9 && cp <= 13) || cp == 0x20 || cp == 0x85 || cp == 0xA0 ||
           cp == 0x1680 || (cp >= 0x2000 && cp <= 0x200A) || cp == 0x2028 ||
           cp == 0x2029 || cp == 0x202F || cp == 0x205F || cp == 0x3000;
}

bool
utf8_is_numeric(uint32_t cp)
{
    const utf8proc_category_t c = utf8proc_category((utf8proc_int32_t)cp);

    return c == UTF8PROC_CATEGORY_ND || c == UTF8PROC_CATEGORY_NL ||
           c == UTF8PROC_CATEGORY_NO;
}

bool
utf8_is_word(uint32_t cp)
{
    switch (utf8proc_category((utf8proc_int32_t)cp)) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC:
    case UTF8PROC_CATEGORY_ME:
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_PC:
        return true;
    default: // joiners, and the circled letters, which are alphabetic
        return cp == 0x200C || cp == 0x200D || (cp >= 0x24B6 && cp <= 0x24E9) ||
               (cp >= 0x1F130 && cp <= 0x1F149) ||
               (cp >= 0x1F150 && cp <= 0x1F169) ||
               (cp >= 0x1F170 && cp <= 0x1F189);
    }
}

bool
utf8_is_punct(uint32_t cp)
{
    const utf8proc_category_t c = utf8proc_category((utf8proc_int32_t)cp);

    if (cp < 0x80)
        return (cp > 32 && cp < 48) || (cp > 57 && cp < 65) ||
               (cp > 90 && cp < 97) || (cp > 122 && cp < 127);
    return c >= UTF8PROC_CATEGORY_PC && c <= UTF8PROC_CATEGORY_PO;
}
