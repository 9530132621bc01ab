/* maths_find.c -- the piece of a text that is its answer. */
#include <string.h>
#include <strings.h>

#include "adapt/reward/maths.h"
#include "text/ascii.h"
#include "text/utf8.h"

#define MARK "####"
#define NEAR 50       // bytes between the word "answer" and the answer
#define PLAIN_MAX 256 // bytes of 1/2 and the like in words
#define TAIL_MAX ((size_t)1 << 16) // bytes of a text that are looked at
#define BOXES_NEAR 10              // between two boxes that are one answer
#define BOXES_FAR 70 // the same where "and", "or" or a comma is there

/* A piece [start, end) of the text, [open, close) with what is around it. */
struct span {
    size_t start, end, open, close;
    bool percent; // a percent sign follows
};

static bool
begins(const char *s, size_t n, const char *with)
{
    const size_t k = strlen(with);

    return n >= k && memcmp(s, with, k) == 0;
}

/* ---- boxes -------------------------------------------------------------- */

/* The last \boxed{...} or \fbox{...} that ends before `limit`. One that does
 * not close is none: the end of its number may be missing. */
static bool
last_box(struct span *out, const char *s, size_t limit)
{
    for (size_t i = limit; i-- > 0;) {
        size_t at = i;
        int depth = 0;

        if (s[i] != '\\')
            continue;
        at += begins(s + i, limit - i, "\\boxed")  ? 6
              : begins(s + i, limit - i, "\\fbox") ? 5
                                                   : 0;
        if (at == i)
            continue;
        at += maths_spaces(s + at, limit - at);
        if (at == limit || s[at] != '{')
            continue;
        for (size_t k = at; k < limit && k - at <= MATHS_TEXT_MAX; k++) {
            depth += s[k] == '{';
            depth -= s[k] == '}';
            if (depth > 0)
                continue;
            *out = (struct span){
                .open = i, .start = at + 1, .end = k, .close = k + 1};
            return true;
        }
    }
    return false;
}

static bool
same_bytes(const char *s, const struct span *a, const struct span *b)
{
    return a->end - a->start == b->end - b->start &&
           memcmp(s + a->start, s + b->start, a->end - a->start) == 0;
}

/* Are two boxes parts of one answer? */
static bool
is_joined(const char *s, const struct span *a, const struct span *b)
{
    const char *between = s + a->close;
    const size_t n = b->open - a->close;

    return n < BOXES_NEAR ||
           (n < BOXES_FAR && !same_bytes(s, a, b) &&
            (memchr(between, ',', n) || memchr(between, ';', n) ||
             memmem(between, n, " and ", 5) || memmem(between, n, " or ", 4)));
}

/* The last box, and those right before it: \boxed{1}, \boxed{2}. */
static int
boxes(struct strbuf *out, bool *found, const char *s, size_t n)
{
    struct span box, later[8];
    int many = 0, rc = 0;
    size_t limit = n;

    while (many < 8 && last_box(&box, s, limit)) {
        if (many > 0 && !is_joined(s, &box, &later[many - 1]))
            break;
        later[many++] = box;
        limit = box.open;
    }
    *found = many > 0;
    for (int i = many; i-- > 0 && !rc;) {
        const struct span *b = &later[i];

        if (i + 1 < many && same_bytes(s, b, &later[i + 1]))
            continue;
        rc = out->len ? sb_putc(out, ',') : 0;
        if (!rc)
            rc = sb_add(out, s + b->start, b->end - b->start);
    }
    return rc;
}

/* ---- formulas ----------------------------------------------------------- */

static bool
is_escaped(const char *s, size_t at)
{
    return at > 0 && s[at - 1] == '\\';
}

/* A fraction without dollars around it: \frac{1}{2}. */
static bool
fraction_at(struct span *out, const char *s, size_t n, size_t at)
{
    static const char *const names[] = {"\\frac", "\\dfrac", "\\tfrac"};
    const size_t minus = at < n && s[at] == '-';

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        size_t k = at + minus, a, b;

        if (!begins(s + k, n - k, names[i]))
            continue;
        k += strlen(names[i]);
        n = n - k > MATHS_TEXT_MAX ? k + MATHS_TEXT_MAX : n;
        a = maths_group(s + k, n - k);
        b = maths_group(s + k + a, n - k - a);
        *out = (struct span){
            .open = at, .start = at, .end = k + a + b, .close = k + a + b};
        return a && b;
    }
    return false;
}

/* The formula that begins at `at`: $$...$$, $...$, \[...\], \(...\), or
 * a fraction alone. */
static bool
formula_at(struct span *out, const char *s, size_t n, size_t at)
{
    static const struct {
        const char *open, *close;
        bool one_line;
    } kinds[] = {{"$$", "$$", false},
                 {"$", "$", true},
                 {"\\[", "\\]", false},
                 {"\\(", "\\)", true}};

    if (is_escaped(s, at))
        return false;
    for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
        const size_t n_open = strlen(kinds[k].open);

        if (!begins(s + at, n - at, kinds[k].open))
            continue;
        for (size_t i = at + n_open; i < n && i - at <= MATHS_TEXT_MAX; i++) {
            if (s[i] == '\n' && kinds[k].one_line)
                return false;
            if (begins(s + i, n - i, kinds[k].close) && !is_escaped(s, i)) {
                *out = (struct span){.open = at,
                                     .start = at + n_open,
                                     .end = i,
                                     .close = i + n_open};
                return i > at + n_open;
            }
        }
        return false;
    }
    return fraction_at(out, s, n, at);
}

/* Does a percent sign follow? */
static void
take_percent(struct span *span, const char *s, size_t n)
{
    size_t at = span->close + maths_spaces(s + span->close, n - span->close);

    at += at < n && s[at] == '\\';
    if (at < n && s[at] == '%') {
        span->percent = true;
        span->close = at + 1;
    }
}

/* "and", "or" or a comma between two formulas: its bytes, or 0. */
static size_t
joint(const char *s, size_t n)
{
    size_t k = maths_spaces(s, n), word;

    word = k;
    k += k < n && s[k] == ',';
    k += maths_spaces(s + k, n - k);
    if (begins(s + k, n - k, "and"))
        k += 3;
    else if (begins(s + k, n - k, "or"))
        k += 2;
    else if (k == word || s[word] != ',')
        return 0;
    return k + maths_spaces(s + k, n - k);
}

/* ---- numbers in words --------------------------------------------------- */

static bool
in_expression(char c)
{
    return ascii_is_digit(c) || strchr(" .+-*/^()", c);
}

/* Numbers of a text begin behind a blank, an equals sign or a currency, or in
 * bold. */
static bool
may_begin(const char *s, size_t at)
{
    return at == 0 || strchr(" \t\n=*$", s[at - 1]) ||
           (unsigned char)s[at - 1] >= 0x80;
}

/* The number, or the sum of digits and operators, that begins at `at`. */
static bool
plain_at(struct span *out, const char *s, size_t n, size_t at)
{
    const size_t sign = s[at] == '-' || begins(s + at, n - at, "\xe2\x88\x92")
                            ? (s[at] == '-' ? 1 : 3)
                            : 0;
    struct number number;
    size_t end = at, last, next = at;

    if (!may_begin(s, at))
        return false;
    if (at + sign >= n ||
        !(ascii_is_digit(s[at + sign]) || s[at + sign] == '.'))
        return false;
    if (!number_next(&number, s, n, &next) || number.s != s + at + sign)
        return false;
    last = next;
    for (end = last;
         end < n && end - at < PLAIN_MAX && s[end] && in_expression(s[end]);
         end++)
        if (ascii_is_digit(s[end]) && strchr("+-*/^( .", s[end - 1]))
            last = end + 1;
        else if (ascii_is_digit(s[end]) || (s[end] == ')' && last == end))
            last = end + 1;
    if (memchr(s + next, '.', last - next) ||
        !memchr(s + next, '/', last - next))
        last = next; // two sentences, or no fraction: the number alone
    *out = (struct span){.open = at, .start = at, .end = last, .close = last};
    take_percent(out, s, n);
    return true;
}

/* ---- choosing ----------------------------------------------------------- */

/* Add the formula, and those that "and" joins to it. */
static int
add_formulas(struct strbuf *out, const char *s, size_t n, struct span span)
{
    for (;;) {
        struct span next;
        const size_t k = joint(s + span.close, n - span.close);
        int rc = sb_add(out, s + span.start, span.end - span.start);

        if (!rc && span.percent)
            rc = sb_puts(out, "\\%");
        if (rc || !k || span.close + k >= n ||
            !formula_at(&next, s, n, span.close + k))
            return rc;
        take_percent(&next, s, n);
        span = next;
        rc = sb_puts(out, ", ");
        if (rc)
            return rc;
    }
}

/* Where the last word "answer" that is near enough to `at` ends; 0: nowhere. */
static size_t
answer_before(const char *s, size_t at, size_t near)
{
    static const char word[] = "answer";
    const size_t k = sizeof(word) - 1;

    for (size_t i = at; i-- > 0 && at - i <= near + k;)
        if (at - i >= k && strncasecmp(s + i, word, k) == 0)
            return i + k;
    return 0;
}

struct choice {
    struct span span;
    size_t named; // where the word "answer" before it ends; 0: nowhere near
    bool formula, any;
};

/* Take the span if it is better than what is there: the first behind the last
 * word "answer", or what stands behind "=" after it; or else the later one. */
static void
offer(struct choice *c, const char *s, struct span span, bool formula)
{
    size_t named = answer_before(s, span.open, NEAR), at = span.open;
    bool sum;

    while (at > 0 && s[at - 1] == ' ')
        at--;
    sum = !formula && at > 0 && s[at - 1] == '=';
    if (sum && !named)
        named = answer_before(s, span.open, 2 * NEAR);
    if (c->named && (!named || (named == c->named && !sum)))
        return;
    *c = (struct choice){span, named, formula, true};
}

static void
choose(struct choice *c, const char *s, size_t n)
{
    struct span span;

    for (size_t i = 0; i < n;) {
        if (formula_at(&span, s, n, i)) {
            size_t k;

            take_percent(&span, s, n);
            offer(c, s, span, true);
            i = span.close;
            while ((k = joint(s + i, n - i)) > 0 && i + k < n &&
                   formula_at(&span, s, n, i + k)) {
                take_percent(&span, s, n);
                i = span.close; // joined to the one before
            }
        } else if (plain_at(&span, s, n, i)) {
            offer(c, s, span, false);
            i = span.close;
        } else {
            i++;
        }
    }
}

/* What stands behind the last mark, up to the end of the line. */
static bool
behind_mark(const char **s, size_t *n)
{
    const size_t k = sizeof(MARK) - 1;

    for (size_t i = *n >= k ? *n - k + 1 : 0; i-- > 0;)
        if (memcmp(*s + i, MARK, k) == 0) {
            const char *from = *s + i + k;
            const char *end;
            size_t left = *n - i - k, skip = maths_spaces(from, left);

            from += skip;
            left -= skip;
            end = memchr(from, '\n', left);
            *s = from;
            *n = end ? (size_t)(end - from) : left;
            return true;
        }
    return false;
}

bool
maths_is_boxed(const char *text, size_t n)
{
    return memmem(text, n, "\\boxed", 6) || memmem(text, n, "\\fbox", 5);
}

bool
maths_formula(size_t *start, size_t *end, const char *text, size_t n, size_t at)
{
    struct span span;

    for (size_t i = 0; i <= at && i < n; i++) {
        if (!formula_at(&span, text, n, i))
            continue;
        if (span.start <= at && at < span.end) {
            *start = span.start;
            *end = span.end;
            return true;
        }
        i = span.close - 1;
    }
    return false;
}

bool
maths_is_marked(const char *text, size_t n)
{
    const char *dollar = memchr(text, '$', n);

    if (memmem(text, n, MARK, sizeof(MARK) - 1) || maths_is_boxed(text, n) ||
        memmem(text, n, "\\(", 2) || memmem(text, n, "\\[", 2))
        return true;
    return dollar && memchr(dollar + 1, '$', n - 1 - (size_t)(dollar - text));
}

/* Do two letters that end at `at` stand alone, between blanks? */
static bool
is_word_at(const char *s, size_t n, size_t at)
{
    return (at < 2 || s[at - 2] == ' ') && (at + 1 == n || s[at + 1] == ' ');
}

/* Is the text a formula without dollars around it: no words, and some sign of
 * LaTeX or of structure? */
static bool
is_bare(const char *s, size_t n)
{
    size_t run = 0;
    bool command = false, sign = false;

    if (n > MATHS_TEXT_MAX || memchr(s, '$', n) || memmem(s, n, "\\(", 2) ||
        memmem(s, n, "\\[", 2) || memchr(s, '\n', n))
        return false;
    for (size_t i = 0; i < n; i++) {
        command = s[i] == '\\' || (command && ascii_is_letter(s[i]));
        run = ascii_is_letter(s[i]) && !command ? run + 1 : 0;
        sign |= i > 0 && s[i] == '=';
        sign |= s[i] != '\0' && strchr("\\()[]{}^/,", s[i]);
        if (run > 2 || (run == 2 && is_word_at(s, n, i)))
            return false;
    }
    return sign;
}

int
maths_find(struct strbuf *out, bool *found, const char *text, size_t n)
{
    struct choice c = {0};
    int rc;

    sb_reset(out);
    while (n > TAIL_MAX || (n > 0 && ((unsigned char)*text & 0xc0) == 0x80)) {
        const size_t skip = n > TAIL_MAX ? n - TAIL_MAX : 1;

        text += skip; // the answer stands at the end
        n -= skip;
    }
    *found = behind_mark(&text, &n);
    if (*found)
        return sb_add(out, text, n);
    rc = boxes(out, found, text, n);
    if (rc || *found)
        return rc;
    *found = is_bare(text, n);
    if (*found)
        return sb_add(out, text, n);
    choose(&c, text, n);
    *found = c.any;
    if (!c.any)
        return 0;
    if (c.formula)
        return add_formulas(out, text, n, c.span);
    rc = sb_add(out, text + c.span.start, c.span.end - c.span.start);
    return !rc && c.span.percent ? sb_puts(out, "\\%") : rc;
}
