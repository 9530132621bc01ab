/* jinja_str.c -- strings as Python sees them. */
#include "text/jinja/jinja_str.h"

#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include "text/jinja/jinja_case.h"

size_t
jstr_next(const char *s, size_t n, int32_t *cp)
{
    const unsigned char *u = (const unsigned char *)s;
    size_t len;
    int32_t c;

    if (u[0] < 0x80) {
        *cp = u[0];
        return 1;
    }
    len = u[0] >= 0xf0 ? 4 : u[0] >= 0xe0 ? 3 : 2;
    c = u[0] & (0xff >> (len + 1));
    if (u[0] < 0xc2 || u[0] > 0xf4 || len > n)
        goto broken;
    for (size_t i = 1; i < len; i++) {
        if ((u[i] & 0xc0) != 0x80)
            goto broken;
        c = c << 6 | (u[i] & 0x3f);
    }
    if ((len == 3 && c < 0x800) || (len == 4 && c < 0x10000) || c > 0x10ffff ||
        (c >= 0xd800 && c < 0xe000))
        goto broken;
    *cp = c;
    return len;
broken:
    *cp = -1;
    return 1;
}

size_t
jstr_prev(const char *s, size_t n, int32_t *cp)
{
    for (size_t len = 2; len <= 4 && len <= n; len++)
        if (jstr_next(s + n - len, len, cp) == len)
            return len;
    return jstr_next(s + n - 1, 1, cp);
}

int64_t
jstr_count(const char *s, size_t n)
{
    int64_t count = 0;
    int32_t cp;

    for (size_t i = 0; i < n; i += jstr_next(s + i, n - i, &cp))
        count++;
    return count;
}

size_t
jstr_offset(const char *s, size_t n, int64_t at)
{
    size_t i = 0;
    int32_t cp;

    while (at-- > 0 && i < n)
        i += jstr_next(s + i, n - i, &cp);
    return i;
}

int
jstr_put(struct strbuf *out, int32_t cp)
{
    utf8proc_uint8_t u[4];
    const utf8proc_ssize_t n = utf8proc_encode_char(cp, u);

    return sb_add(out, u, (size_t)n);
}

bool
jstr_is_space(int32_t c)
{
    return (c >= 9 && c <= 13) || (c >= 28 && c <= 32) || c == 0x85 ||
           c == 0xa0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200a) ||
           c == 0x2028 || c == 0x2029 || c == 0x202f || c == 0x205f ||
           c == 0x3000;
}

bool
jstr_is_line_end(int32_t c)
{
    return (c >= 10 && c <= 13) || (c >= 28 && c <= 30) || c == 0x85 ||
           c == 0x2028 || c == 0x2029;
}

static utf8proc_category_t
category(int32_t c)
{
    return c < 0 ? UTF8PROC_CATEGORY_CN : utf8proc_category(c);
}

bool
jstr_is_upper(int32_t c)
{
    return category(c) == UTF8PROC_CATEGORY_LU;
}

bool
jstr_is_lower(int32_t c)
{
    return category(c) == UTF8PROC_CATEGORY_LL || c == 0xaa || c == 0xba;
}

bool
jstr_is_cased(int32_t c)
{
    return jstr_is_upper(c) || jstr_is_lower(c) ||
           category(c) == UTF8PROC_CATEGORY_LT;
}

bool
jstr_is_alpha(int32_t c)
{
    const utf8proc_category_t k = category(c);

    return k >= UTF8PROC_CATEGORY_LU && k <= UTF8PROC_CATEGORY_LO;
}

bool
jstr_is_digit(int32_t c)
{
    return category(c) == UTF8PROC_CATEGORY_ND;
}

size_t
jstr_lead(const char *s, size_t n)
{
    size_t i = 0;
    int32_t cp;

    while (i < n) {
        const size_t len = jstr_next(s + i, n - i, &cp);

        if (!jstr_is_space(cp))
            break;
        i += len;
    }
    return i;
}

size_t
jstr_trail(const char *s, size_t n)
{
    size_t left = n;
    int32_t cp;

    while (left > 0) {
        const size_t len = jstr_prev(s, left, &cp);

        if (!jstr_is_space(cp))
            break;
        left -= len;
    }
    return n - left;
}

static int
put_special(struct strbuf *out, int32_t c, bool upper, bool *done)
{
    size_t lo = 0, hi = sizeof(jinja_cases) / sizeof(jinja_cases[0]);

    *done = false;
    while (lo < hi) {
        const size_t mid = (lo + hi) / 2;

        if (jinja_cases[mid].from < c)
            lo = mid + 1;
        else
            hi = mid;
    }
    if (lo == sizeof(jinja_cases) / sizeof(jinja_cases[0]) ||
        jinja_cases[lo].from != c)
        return 0;
    *done = true;
    for (int i = 0; i < 3; i++) {
        const int32_t x =
            upper ? jinja_cases[lo].upper[i] : jinja_cases[lo].title[i];

        if (x && jstr_put(out, x))
            return TRV_ENOMEM;
    }
    return 0;
}

/* A capital sigma at the end of a word is lowered to the final form. */
static bool
sigma_is_final(const char *s, size_t n, size_t at)
{
    int32_t cp;

    if (at == 0)
        return false;
    jstr_prev(s, at, &cp);
    if (!jstr_is_cased(cp))
        return false;
    at += 2;
    if (at >= n)
        return true;
    jstr_next(s + at, n - at, &cp);
    return !jstr_is_cased(cp);
}

int
jstr_recase(struct strbuf *out, const char *s, size_t n, enum jstr_case to)
{
    bool in_word = false;
    int32_t cp;

    for (size_t i = 0; i < n;) {
        const size_t len = jstr_next(s + i, n - i, &cp);
        enum jstr_case how = to;
        bool done = false;
        int rc = 0;

        if (to == JSTR_TITLE)
            how = in_word ? JSTR_LOWER : JSTR_TITLE;
        else if (to == JSTR_CAPITAL)
            how = i ? JSTR_LOWER : JSTR_TITLE;
        else if (to == JSTR_SWAP)
            how = jstr_is_upper(cp) ? JSTR_LOWER : JSTR_UPPER;
        in_word = jstr_is_cased(cp);

        if (cp < 0) {
            rc = sb_add(out, s + i, 1);
        } else if (how == JSTR_LOWER) {
            if (cp == 0x130) // the one letter that grows when lowered
                rc = sb_puts(out, "i\xcc\x87");
            else if (cp == 0x3a3 && sigma_is_final(s, n, i))
                rc = jstr_put(out, 0x3c2);
            else
                rc = jstr_put(out, utf8proc_tolower(cp));
        } else {
            rc = put_special(out, cp, how == JSTR_UPPER, &done);
            if (!rc && !done)
                rc = jstr_put(out, how == JSTR_UPPER ? utf8proc_toupper(cp)
                                                     : utf8proc_totitle(cp));
        }
        if (rc)
            return rc;
        i += len;
    }
    return 0;
}

static bool
is_printable(int32_t c)
{
    const utf8proc_category_t k = category(c);

    if (c == ' ')
        return true;
    return !(k >= UTF8PROC_CATEGORY_ZS || k == UTF8PROC_CATEGORY_CN);
}

int
jstr_repr(struct strbuf *out, const char *s, size_t n)
{
    const char quote =
        n && memchr(s, '\'', n) && !memchr(s, '"', n) ? '"' : '\'';
    int32_t cp;
    int rc = sb_putc(out, quote);

    for (size_t i = 0; !rc && i < n;) {
        const size_t len = jstr_next(s + i, n - i, &cp);

        if (cp == quote || cp == '\\')
            rc = sb_printf(out, "\\%c", (char)cp);
        else if (cp == '\n')
            rc = sb_puts(out, "\\n");
        else if (cp == '\r')
            rc = sb_puts(out, "\\r");
        else if (cp == '\t')
            rc = sb_puts(out, "\\t");
        else if (is_printable(cp))
            rc = sb_add(out, s + i, len);
        else if (cp < 0x100)
            rc = sb_printf(out, "\\x%02x", (unsigned)cp & 0xff);
        else if (cp < 0x10000)
            rc = sb_printf(out, "\\u%04x", (unsigned)cp);
        else
            rc = sb_printf(out, "\\U%08x", (unsigned)cp);
        i += len;
    }
    return rc ? rc : sb_putc(out, quote);
}

int
jstr_json(struct strbuf *out, const char *s, size_t n, bool ascii)
{
    static const char short_forms[] = "\bb\tt\nn\ff\rr\"\"\\\\";
    int32_t cp;
    int rc = sb_putc(out, '"');

    for (size_t i = 0; !rc && i < n;) {
        const size_t len = jstr_next(s + i, n - i, &cp);
        const char *form = NULL;

        for (size_t k = 0; k + 1 < sizeof(short_forms); k += 2)
            if (cp == short_forms[k])
                form = &short_forms[k + 1];
        if (form)
            rc = sb_printf(out, "\\%c", *form);
        else if ((cp >= 0 && cp < 0x20) ||
                 (ascii && cp >= 0x7f && cp < 0x10000 && cp != 0x7f))
            rc = sb_printf(out, "\\u%04x", (unsigned)cp);
        else if (ascii && cp >= 0x10000)
            rc = sb_printf(out, "\\u%04x\\u%04x",
                           0xd800u + (((unsigned)cp - 0x10000u) >> 10),
                           0xdc00u + (((unsigned)cp - 0x10000u) & 0x3ff));
        else
            rc = sb_add(out, s + i, len);
        i += len;
    }
    return rc ? rc : sb_putc(out, '"');
}

double
jstr_to_double(const char *s, const char **end)
{
    locale_t c = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    char *stop;
    double x;

    if (!c) {
        *end = s;
        return 0;
    }
    x = strtod_l(s, &stop, c);
    *end = stop;
    freelocale(c);
    return x;
}

/* The shortest digits that read back as x, laid out as Python does: with an
 * exponent below 1e-4 and from 1e16 on. */
int
jstr_float(struct strbuf *out, double x)
{
    char e[40], digits[24];
    int n = 0, exponent, rc = 0;
    const char *p;

    if (isnan(x))
        return sb_puts(out, "nan");
    if (isinf(x))
        return sb_puts(out, x < 0 ? "-inf" : "inf");
    for (int prec = 0; prec < 17; prec++) {
        snprintf(e, sizeof(e), "%.*e", prec, x);
        if (memcmp(&(double){strtod(e, NULL)}, &x, sizeof(x)) == 0)
            break;
    }
    p = e;
    if (*p == '-') {
        rc = sb_putc(out, '-');
        p++;
    }
    for (; *p && *p != 'e'; p++)
        if (*p >= '0' && *p <= '9') // steps over the locale's decimal point
            digits[n++] = *p;
    exponent = (int)strtol(p + 1, NULL, 10);
    while (n > 1 && digits[n - 1] == '0')
        n--;
    if (rc)
        return rc;
    if (exponent < -4 || exponent >= 16) {
        rc = sb_putc(out, digits[0]);
        if (!rc && n > 1)
            rc = sb_printf(out, ".%.*s", n - 1, digits + 1);
        return rc ? rc
                  : sb_printf(out, "e%c%02d", exponent < 0 ? '-' : '+',
                              abs(exponent));
    }
    if (exponent < 0) {
        rc = sb_printf(out, "0.%.*s", -exponent - 1, "000");
        return rc ? rc : sb_printf(out, "%.*s", n, digits);
    }
    for (int i = 0; !rc && i < (n > exponent + 1 ? n : exponent + 1); i++) {
        if (i == exponent + 1)
            rc = sb_putc(out, '.');
        if (!rc)
            rc = sb_putc(out, i < n ? digits[i] : '0');
    }
    return rc || n > exponent + 1 ? rc : sb_puts(out, ".0");
}

int64_t
jstr_find(const char *s, size_t n, const char *what, size_t n_what, bool last)
{
    if (n_what > n)
        return -1;
    if (n_what == 0)
        return last ? (int64_t)n : 0;
    if (!last) {
        const char *p = memmem(s, n, what, n_what);

        return p ? p - s : -1;
    }
    for (size_t i = n - n_what + 1; i-- > 0;)
        if (s[i] == what[0] && memcmp(s + i, what, n_what) == 0)
            return (int64_t)i;
    return -1;
}
