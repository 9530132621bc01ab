/* number.c -- numbers in texts, and in JSON. */
#include "text/number.h"

#include <math.h>
#include <string.h>
#include <utf8proc.h>

#include "base/err.h"
#include "text/ascii.h"
#include "text/jinja/jinja_str.h"
#include "text/utf8.h"

#define MARK "####"
#define EXPONENT_MAX 1000000 // beyond it the letter is no exponent
#define DIGITS_SAFE 15       // so many survive a double, whatever they are
#define TOKEN_SAFE 5         // 1e400 is the shortest that no double holds

static bool
is_alnum(char c)
{
    return ascii_is_digit(c) || ascii_is_letter(c);
}

static size_t
digits(const char *s, size_t n)
{
    size_t k = 0;

    while (k < n && ascii_is_digit(s[k]))
        k++;
    return k;
}

/* Bytes of the mark between thousands that begins at s; 0 for none. */
static size_t
thousands_mark(const char *s, size_t n)
{
    static const char *const marks[] = {
        ",",
        "_",
        "{,}",
        "\\,",
        "\xc2\xa0",     // no-break space
        "\xe2\x80\xaf", // narrow no-break space
        "\xe2\x80\x89", // thin space
    };

    for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
        const size_t k = strlen(marks[i]);

        if (n >= k && memcmp(s, marks[i], k) == 0)
            return k;
    }
    return 0;
}

/* Bytes of the digits, thousands and fraction that begin at s. */
static size_t
mantissa(const char *s, size_t n)
{
    const size_t lead = digits(s, n);
    size_t k = lead;

    while (k > 0 && k < n && lead <= 3) {
        const size_t mark = thousands_mark(s + k, n - k);

        if (!mark || digits(s + k + mark, n - k - mark) != 3)
            break;
        k += mark + 3;
    }
    if (k + 1 < n && s[k] == '.' && ascii_is_digit(s[k + 1]))
        k += 1 + digits(s + k + 1, n - k - 1);
    return k;
}

/* Bytes of an exponent at s and its value; 0 where there is none. */
static size_t
exponent(int64_t *value, const char *s, size_t n)
{
    static const char minus[] = "\xe2\x88\x92"; // U+2212
    const bool wide = n > 3 && memcmp(s + 1, minus, 3) == 0;
    const bool sign = n > 1 && (s[1] == '-' || s[1] == '+');
    const size_t from = wide ? 4 : sign ? 2 : 1;
    size_t k;

    *value = 0;
    if (n <= from || (s[0] != 'e' && s[0] != 'E'))
        return 0;
    k = digits(s + from, n - from);
    if (k == 0 || (from + k < n && is_alnum(s[from + k])))
        return 0;
    for (size_t i = 0; i < k; i++) {
        *value = 10 * *value + (s[from + i] - '0');
        if (*value > EXPONENT_MAX) {
            *value = 0;
            return 0;
        }
    }
    if (wide || (sign && s[1] == '-'))
        *value = -*value;
    return from + k;
}

/* The character that ends before text + at; its place in *at. */
static uint32_t
before(const char *text, size_t *at)
{
    uint32_t cp;

    *at = utf8_back(text, *at);
    (void)utf8_get(&cp, text + *at);
    return cp;
}

static bool
is_minus(uint32_t cp)
{
    return cp == '-' || cp == 0x2212 || cp == 0x2013 || cp == 0xff0d;
}

/* Go back over a sign that parts nothing from what is at `at`. */
static size_t
before_sign(bool *negative, const char *text, size_t at)
{
    size_t to = at, beside;
    uint32_t cp;

    if (at == 0)
        return at;
    cp = before(text, &to);
    if (!is_minus(cp) && cp != '+')
        return at;
    beside = to;
    if (to > 0) {
        cp = before(text, &beside);
        if (utf8_is_word(cp) || cp == ')' || cp == '.')
            return at; // a difference
    }
    *negative = text[to] != '+';
    return to;
}

/* Go back over a currency and a blank behind it. */
static size_t
before_currency(const char *text, size_t at)
{
    size_t to = at;
    uint32_t cp;

    if (to > 0 && text[to - 1] == ' ')
        to--;
    if (to == 0)
        return at;
    cp = before(text, &to);
    if (utf8proc_category((utf8proc_int32_t)cp) != UTF8PROC_CATEGORY_SC)
        return at;
    return to > 0 && text[to - 1] == '\\' ? to - 1 : to;
}

/* Bytes of a percent sign at s, with blanks and a backslash before it. */
static size_t
percent_sign(const char *s, size_t n)
{
    static const char word[] = "percent";
    size_t k = 0;

    while (k < n && s[k] == ' ')
        k++;
    if (n - k >= sizeof(word) - 1 && memcmp(s + k, word, sizeof(word) - 1) == 0)
        return k + sizeof(word) - 1;
    k += k < n && s[k] == '\\';
    return k < n && s[k] == '%' ? k + 1 : 0;
}

bool
number_next(struct number *out, const char *text, size_t n, size_t *at)
{
    for (size_t i = *at; i < n; i++) {
        const bool point =
            text[i] == '.' && i + 1 < n && ascii_is_digit(text[i + 1]);

        if (!ascii_is_digit(text[i]) && !point)
            continue;
        *out = (struct number){.s = text + i, .n = mantissa(text + i, n - i)};
        out->start = before_sign(&out->negative, text, i);
        out->start = before_currency(text, out->start);
        if (!out->negative)
            out->start = before_sign(&out->negative, text, out->start);
        out->end = i + out->n;
        out->end += exponent(&out->exponent, text + out->end, n - out->end);
        *at = out->end;
        out->end += percent_sign(text + out->end, n - out->end);
        out->percent = out->end > *at;
        return true;
    }
    return false;
}

bool
number_said(struct number *out, const char *text, size_t n, bool strict)
{
    const size_t k = sizeof(MARK) - 1;
    size_t at = 0;
    bool found = false;

    for (size_t i = n >= k ? n - k + 1 : 0; i > 0; i--)
        if (memcmp(text + i - 1, MARK, k) == 0) {
            at = i - 1 + k;
            return number_next(out, text, n, &at);
        }
    while (!strict && number_next(out, text, n, &at))
        found = true;
    return found;
}

bool
number_is(struct number *out, const char *text, size_t n)
{
    size_t at = 0, start = jstr_lead(text, n);

    if (!number_next(out, text, n, &at) || out->start != start)
        return false;
    at = out->end + (out->end < n && text[out->end] == '.');
    return at + jstr_lead(text + at, n - at) == n;
}

/* One digit after the other, from the first that is not 0. */
struct walk {
    const char *s, *end;
};

static int
next_digit(struct walk *w)
{
    while (w->s < w->end && !ascii_is_digit(*w->s))
        w->s++;
    return w->s < w->end ? *w->s++ - '0' : 0;
}

/* Start at the first digit that is not 0, and give the place of the point
 * relative to it; false for zero. */
static bool
begin_walk(struct walk *w, int64_t *magnitude, const struct number *a)
{
    const char *point = memchr(a->s, '.', a->n);
    const char *whole = point ? point : a->s + a->n;
    const char *first = a->s;

    while (first < a->s + a->n && (!ascii_is_digit(*first) || *first == '0'))
        first++;
    *w = (struct walk){first, a->s + a->n};
    *magnitude = a->exponent;
    for (const char *p = first; p < whole; p++)
        *magnitude += ascii_is_digit(*p);
    for (const char *p = whole; p < first; p++)
        *magnitude -= ascii_is_digit(*p);
    return first < a->s + a->n;
}

/* Are the digits equal, a's shifted by so many places? */
static bool
same_digits(const struct number *a, int64_t shift, const struct number *b)
{
    struct walk x, y;
    int64_t high_x, high_y;
    const bool some_x = begin_walk(&x, &high_x, a);
    const bool some_y = begin_walk(&y, &high_y, b);

    if (!some_x || !some_y)
        return some_x == some_y;
    if (a->negative != b->negative || high_x + shift != high_y)
        return false;
    while (x.s < x.end || y.s < y.end)
        if (next_digit(&x) != next_digit(&y))
            return false;
    return true;
}

bool
number_equal(const struct number *a, const struct number *b)
{
    if (same_digits(a, 0, b))
        return true;
    return a->percent != b->percent && same_digits(a, a->percent ? -2 : 2, b);
}

int
number_double(double *out, const struct number *a)
{
    struct strbuf plain = {0};
    const char *end;
    int rc = a->negative ? sb_putc(&plain, '-') : 0;

    for (size_t i = 0; i < a->n && !rc; i++)
        if (ascii_is_digit(a->s[i]) || a->s[i] == '.')
            rc = sb_putc(&plain, a->s[i]);
    if (!rc)
        rc = sb_printf(&plain, "e%lld", (long long)a->exponent);
    if (!rc)
        *out = jstr_to_double(plain.s, &end);
    sb_release(&plain);
    return rc;
}

/* ---- JSON --------------------------------------------------------------- */

/* Does an integer or a double hold the number as it is written? 1, 0 or
 * TRV_ENOMEM. */
static int
is_held(const struct number *a, bool whole)
{
    const char *most =
        a->negative ? "9223372036854775808" : "9223372036854775807";
    struct strbuf told = {0};
    struct number same;
    size_t n_digits = 0, at = 0;
    double x;
    int rc;

    for (size_t i = 0; i < a->n; i++)
        n_digits += ascii_is_digit(a->s[i]);
    if (n_digits <= DIGITS_SAFE && a->exponent > -280 && a->exponent < 280)
        return 1; // far from the ends of a double's range
    if (whole && n_digits != strlen(most)) // JSON has no leading zeros
        return n_digits < strlen(most);
    if (whole)
        return memcmp(a->s, most, n_digits) <= 0;
    rc = number_double(&x, a);
    if (!rc)
        rc = jstr_float(&told, x);
    if (!rc)
        rc = isfinite(x) && number_next(&same, told.s, told.len, &at) &&
             same_digits(a, 0, &same);
    sb_release(&told);
    return rc;
}

/* Bytes of the string that begins at s. */
static size_t
string_length(const char *s, size_t n)
{
    size_t i = 1;

    while (i < n && s[i] != '"')
        i += s[i] == '\\' ? 2 : 1;
    return i < n ? i + 1 : n;
}

/* Bytes of what begins like a number at s. */
static size_t
token_length(const char *s, size_t n)
{
    size_t i = 0;

    while (i < n &&
           (is_alnum(s[i]) || s[i] == '.' || s[i] == '-' || s[i] == '+'))
        i++;
    return i;
}

/* Is the token JSON's number, whole and no more? */
static bool
is_json_number(struct number *out, bool *whole, const char *s, size_t n)
{
    const size_t sign = s[0] == '-';
    size_t i = sign + digits(s + sign, n - sign), at = 0, k;
    int64_t exp;

    if (i == sign || (s[sign] == '0' && i > sign + 1))
        return false;
    if (i < n && s[i] == '.') {
        k = digits(s + i + 1, n - i - 1);
        if (k == 0)
            return false;
        i += 1 + k;
    }
    *whole = i == n && !memchr(s, '.', n);
    i += exponent(&exp, s + i, n - i);
    return i == n && number_next(out, s, n, &at);
}

int
number_keep(struct strbuf *out, bool *found, const char *json, size_t n)
{
    int rc = 0;

    *found = false;
    for (size_t i = 0, k; i < n && !rc; i += k) {
        struct number a;
        bool whole;
        int held = 1;

        k = 1;
        if (json[i] == '"')
            k = string_length(json + i, n - i);
        else if (ascii_is_digit(json[i]) || json[i] == '-')
            k = token_length(json + i, n - i);
        if (json[i] != '"' && k >= TOKEN_SAFE &&
            is_json_number(&a, &whole, json + i, k))
            held = is_held(&a, whole);
        if (held < 0)
            return held;
        *found |= !held;
        rc = held ? sb_add(out, json + i, k)
                  : sb_printf(out, "\"%.*s\"", (int)k, json + i);
    }
    return rc;
}
