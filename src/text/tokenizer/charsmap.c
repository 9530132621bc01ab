/* charsmap.c -- a trie in the form of Darts-clone, walked with every step
 * checked: a unit of a hostile file may lead anywhere.
 */
#include "text/tokenizer/charsmap.h"

#include <string.h>
#include <utf8proc.h>

#include "base/mem.h"
#include "text/utf8.h"

#define GRAPHEME_MAX 5 // bytes of one that is looked up whole

int
charsmap_read(struct charsmap *c, const void *bytes, size_t n, const char *file,
              trv_err *err)
{
    const char *p = bytes;
    uint32_t size = 0;

    if (n >= 4)
        memcpy(&size, p, 4);
    if (n < 5 || size % 4 != 0 || size < 4 || size > n - 5 || p[n - 1] != '\0')
        return err_fail(err, TRV_EFORMAT,
                        "the normalisation rules (precompiled_charsmap) of "
                        "'%s' are broken",
                        file);
    c->n_units = size / 4;
    c->n_strings = n - 4 - size;
    c->units = mem_array(c->n_units, sizeof(*c->units));
    c->strings = mem_array(c->n_strings, 1);
    if (!c->units || !c->strings)
        return err_fail(err, TRV_ENOMEM, "no memory for '%s'", file);
    memcpy(c->units, p + 4, size);
    memcpy(c->strings, p + 4 + size, c->n_strings);
    return 0;
}

static int
base64_value(char ch)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrs"
                                 "tuvwxyz0123456789+/";
    const char *at = ch ? strchr(digits, ch) : NULL;

    return at ? (int)(at - digits) : -1;
}

int
charsmap_read_base64(struct charsmap *c, const char *s, size_t n,
                     const char *file, trv_err *err)
{
    struct strbuf b = {0};
    uint32_t bits = 0;
    int have = 0, rc = 0;

    while (n > 0 && s[n - 1] == '=')
        n--;
    for (size_t i = 0; i < n && !rc; i++) {
        const int v = base64_value(s[i]);

        if (v < 0)
            rc = err_fail(err, TRV_EFORMAT,
                          "field 'precompiled_charsmap' of '%s' is no base64",
                          file);
        bits = bits << 6 | (uint32_t)(v & 63);
        have += 6;
        if (have >= 8 && !rc) {
            have -= 8;
            if (sb_putc(&b, (char)(bits >> have & 0xff)))
                rc = err_fail(err, TRV_ENOMEM, "no memory for '%s'", file);
        }
    }
    if (!rc)
        rc = charsmap_read(c, b.s ? b.s : "", b.len, file, err);
    sb_release(&b);
    return rc;
}

void
charsmap_release(struct charsmap *c)
{
    mem_free(c->units);
    mem_free(c->strings);
    memset(c, 0, sizeof(*c));
}

/* --- the trie --- */

static uint32_t
offset_of(uint32_t unit)
{
    return unit >> 10 << ((unit & 0x200u) >> 6);
}

/* What the shortest string stands for that s begins with; NULL: none does. */
static const char *
find(const struct charsmap *c, const char *s, size_t n)
{
    uint32_t at = offset_of(c->units[0]);

    for (size_t i = 0; i < n; i++) {
        const unsigned char byte = (unsigned char)s[i];

        at ^= byte;
        if (byte == 0 || at >= c->n_units ||
            (c->units[at] & 0x800000ffu) != byte)
            return NULL;
        if (c->units[at] & 0x100u) { // a string ends here
            const uint32_t leaf = at ^ offset_of(c->units[at]);
            const uint32_t value =
                leaf < c->n_units ? c->units[leaf] & 0x7fffffffu : UINT32_MAX;

            return value < c->n_strings ? c->strings + value : NULL;
        }
        at ^= offset_of(c->units[at]);
    }
    return NULL;
}

/* Where the grapheme at s ends. */
static size_t
grapheme(const char *s, size_t n)
{
    utf8proc_int32_t state = 0;
    uint32_t a, b;
    size_t i = utf8_get(&a, s);

    while (i < n) {
        const size_t k = utf8_get(&b, s + i);

        if (utf8proc_grapheme_break_stateful((utf8proc_int32_t)a,
                                             (utf8proc_int32_t)b, &state))
            break;
        i += k;
        a = b;
    }
    return i;
}

int
charsmap_run(const struct charsmap *c, struct strbuf *out, const char *s,
             size_t n)
{
    int rc = 0;

    for (size_t at = 0, end; at < n && !rc; at = end) {
        const char *whole;

        end = at + grapheme(s + at, n - at);
        whole = end - at <= GRAPHEME_MAX ? find(c, s + at, end - at) : NULL;
        if (whole)
            rc = sb_puts(out, whole);
        for (size_t i = at; i < end && !whole && !rc;) {
            const size_t k = utf8_len(s[i]);
            const char *to = find(c, s + i, k);

            rc = to ? sb_puts(out, to) : sb_add(out, s + i, k);
            i += k;
        }
    }
    return rc;
}
