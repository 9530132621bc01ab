/* number.c -- numbers in texts. */
#include "adapt/reward/number.h"

#include <string.h>

#define MARK "####"
#define EXPONENT_MAX 1000000 // beyond it the letter is no exponent

static bool
is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool
is_alnum(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static size_t
digits(const char *s, size_t n)
{
    size_t k = 0;

    while (k < n && is_digit(s[k]))
        k++;
    return k;
}

/* Bytes of the digits, thousands and fraction that begin at s. */
static size_t
mantissa(const char *s, size_t n)
{
    size_t k = digits(s, n);

    while (k > 0 && k < n && s[k] == ',' && digits(s + k + 1, n - k - 1) == 3 &&
           digits(s, n) <= 3)
        k += 4;
    if (k + 1 < n && s[k] == '.' && is_digit(s[k + 1]))
        k += 1 + digits(s + k + 1, n - k - 1);
    return k;
}

/* Bytes of an exponent at s and its value; 0 where there is none. */
static size_t
exponent(int64_t *value, const char *s, size_t n)
{
    const bool sign = n > 1 && (s[1] == '-' || s[1] == '+');
    const size_t from = sign ? 2 : 1;
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
    if (sign && s[1] == '-')
        *value = -*value;
    return from + k;
}

/* Does a minus stand right before text + at, and nothing that it parts? */
static bool
has_minus(const char *text, size_t at)
{
    size_t before;

    if (at >= 1 && text[at - 1] == '-')
        before = at - 1;
    else if (at >= 3 && memcmp(text + at - 3, "\xe2\x88\x92", 3) == 0)
        before = at - 3; // U+2212
    else
        return false;
    return before == 0 || !(is_alnum(text[before - 1]) ||
                            text[before - 1] == ')' || text[before - 1] == '.');
}

/* The next number from *at on; *at goes behind it. */
static bool
next_number(struct number *out, const char *text, size_t n, size_t *at)
{
    for (size_t i = *at; i < n; i++) {
        const bool point = text[i] == '.' && i + 1 < n && is_digit(text[i + 1]);
        size_t end;

        if (!is_digit(text[i]) && !point)
            continue;
        *out = (struct number){.s = text + i,
                               .n = mantissa(text + i, n - i),
                               .negative = has_minus(text, i)};
        end = i + out->n;
        *at = end + exponent(&out->exponent, text + end, n - end);
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
            return next_number(out, text, n, &at);
        }
    while (!strict && next_number(out, text, n, &at))
        found = true;
    return found;
}

/* One digit after the other, from the first that is not 0. */
struct walk {
    const char *s, *end;
};

static int
next_digit(struct walk *w)
{
    while (w->s < w->end && !is_digit(*w->s))
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

    while (first < a->s + a->n && (!is_digit(*first) || *first == '0'))
        first++;
    *w = (struct walk){first, a->s + a->n};
    *magnitude = a->exponent;
    for (const char *p = first; p < whole; p++)
        *magnitude += is_digit(*p);
    for (const char *p = whole; p < first; p++)
        *magnitude -= is_digit(*p);
    return first < a->s + a->n;
}

bool
number_equal(const struct number *a, const struct number *b)
{
    struct walk x, y;
    int64_t high_x, high_y;
    const bool some_x = begin_walk(&x, &high_x, a);
    const bool some_y = begin_walk(&y, &high_y, b);

    if (!some_x || !some_y)
        return some_x == some_y;
    if (a->negative != b->negative || high_x != high_y)
        return false;
    while (x.s < x.end || y.s < y.end)
        if (next_digit(&x) != next_digit(&y))
            return false;
    return true;
}
