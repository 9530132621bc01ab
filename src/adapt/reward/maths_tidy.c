/* maths_tidy.c -- a piece of mathematics without what does not count: sizes and
 * fonts of LaTeX, spaces, quotes, currencies, units at its end. Characters and
 * commands that mean the same become one.
 */
#include <string.h>
#include <strings.h>
#include <utf8proc.h>

#include "adapt/reward/maths.h"
#include "text/ascii.h"
#include "text/utf8.h"

struct scan {
    const char *s;
    size_t n, at;
    struct strbuf *out;
    bool rows; // the text has a matrix, so \\ parts rows
};

struct change {
    const char *from, *to;
};

/* Commands and what stands in their place; NULL: a space. */
static const struct change commands[] = {
    {"dfrac", "\\frac"},
    {"tfrac", "\\frac"},
    {"cfrac", "\\frac"},
    {"dbinom", "\\binom"},
    {"tbinom", "\\binom"},
    {"left", ""},
    {"right", ""},
    {"mleft", ""},
    {"mright", ""},
    {"middle", ""},
    {"big", ""},
    {"Big", ""},
    {"bigl", ""},
    {"bigr", ""},
    {"Bigl", ""},
    {"Bigr", ""},
    {"bigg", ""},
    {"Bigg", ""},
    {"biggl", ""},
    {"biggr", ""},
    {"Biggl", ""},
    {"Biggr", ""},
    {"displaystyle", NULL},
    {"textstyle", NULL},
    {"limits", ""},
    {"quad", NULL},
    {"qquad", NULL},
    {"thinspace", NULL},
    {"mathbf", ""},
    {"mathit", ""},
    {"mathsf", ""},
    {"mathcal", ""},
    {"boldsymbol", ""},
    {"bm", ""},
    {"prime", ""},
    {"pounds", ""},
    {"euro", ""},
    {"colon", ":"},
    {"R", "\\mathbbR "},
    {"boxed", ""},
    {"fbox", ""},
};

static const char *const texts[] = {
    "text", "textbf", "textit", "textrm", "textnormal", "mathrm",      "mbox",
    "hbox", "texttt", "textsf", "textup", "rm",         "operatorname"};

/* Characters by their commands. */
static const struct {
    uint32_t cp;
    const char *to;
} characters[] = {
    {0x2212, "-"},
    {0x2013, "-"},
    {0xd7, "\\times "},
    {0xb7, "\\cdot "},
    {0x22c5, "\\cdot "},
    {0xf7, "\\div "},
    {0x2044, "/"},
    {0x2215, "/"},
    {0x221a, "\\sqrt "},
    {0x3c0, "\\pi "},
    {0x3b8, "\\theta "},
    {0x3b1, "\\alpha "},
    {0x3b2, "\\beta "},
    {0x3bb, "\\lambda "},
    {0x3bc, "\\mu "},
    {0x2264, "\\le "},
    {0x2265, "\\ge "},
    {0x2260, "\\ne "},
    {0x2248, "\\approx "},
    {0x221e, "\\infty "},
    {0xb1, "\\pm "},
    {0x222a, "\\cup "},
    {0x2229, "\\cap "},
    {0x2208, "\\in "},
    {0x2205, "\\emptyset "},
    {0xb0, "\\circ "},
    {0x211d, "\\mathbbR "},
    {0x2124, "\\mathbbZ "},
    {0xb2, "^{2}"},
    {0xb3, "^{3}"},
    {0xbd, "\\frac{1}{2}"},
    {0xbc, "\\frac{1}{4}"},
    {0xbe, "\\frac{3}{4}"},
    {0x2032, ""},
    {0x2019, ""},
    {0x201c, ""},
    {0x201d, ""},
    {0xff0c, ","},
    {0x3002, ""},
    {0x2236, ":"},
};

static const char *const units[] = {
    "acre",
    "am",
    "apple",
    "bushel",
    "cc",
    "cent",
    "centimeter",
    "centimetre",
    "children",
    "cm",
    "coin",
    "cookie",
    "cube",
    "cubic",
    "cup",
    "day",
    "deg",
    "degree",
    "digit",
    "dm",
    "dollar",
    "edge",
    "egg",
    "feet",
    "foot",
    "ft",
    "g",
    "gal",
    "gallon",
    "gm",
    "gram",
    "h",
    "hectare",
    "hour",
    "hr",
    "in",
    "inch",
    "kg",
    "kilogram",
    "kilometer",
    "kilometre",
    "km",
    "kmh",
    "kmph",
    "l",
    "lb",
    "liter",
    "litre",
    "m",
    "man",
    "meal",
    "men",
    "meter",
    "metre",
    "mile",
    "min",
    "minute",
    "ml",
    "mm",
    "month",
    "mph",
    "mtr",
    "ohm",
    "ounce",
    "oz",
    "page",
    "people",
    "pm",
    "point",
    "pound",
    "rs",
    "rupee",
    "s",
    "sec",
    "second",
    "sq cm",
    "sq ft",
    "sq inch",
    "sq m",
    "square",
    "square feet",
    "square inches",
    "square meters",
    "square units",
    "square unit",
    "cubic units",
    "cubic feet",
    "cubic inches",
    "square centimeters",
    "cubic centimeters",
    "student",
    "time",
    "ton",
    "unit",
    "week",
    "woman",
    "women",
    "yard",
    "year",
    "yr",
    "miles per hour",
    "meters per second",
    "per hour",
};

static bool
same(const char *name, const char *s, size_t n)
{
    return strlen(name) == n && strncasecmp(name, s, n) == 0;
}

static size_t
letters(const char *s, size_t n)
{
    size_t k = 0;

    while (k < n && ascii_is_letter(s[k]))
        k++;
    return k;
}

static void
cut_blanks(struct strbuf *b)
{
    while (b->len > 0 && b->s[b->len - 1] == ' ')
        b->len--;
    if (b->s)
        b->s[b->len] = '\0';
}

/* "and" and "or" part items, with a comma before them or not. */
static int
comma(struct scan *c)
{
    cut_blanks(c->out);
    if (c->out->len > 0 && c->out->s[c->out->len - 1] == ',')
        return 0;
    return c->out->len > 0 ? sb_putc(c->out, ',') : 0;
}

/* A word that means a sign: 1 where it was one, or an error. */
static int
sign_word(struct scan *c, const char *s, size_t n)
{
    int rc = 0;

    if (same("and", s, n) || same("or", s, n))
        rc = comma(c);
    else if (same("percent", s, n) || same("percentage", s, n) ||
             same("pct", s, n))
        rc = sb_puts(c->out, "\\%");
    else
        return 0;
    return rc ? rc : 1;
}

/* The inside of \text{}: without blanks, brackets and dollars. */
static int
add_text(struct scan *c, const char *s, size_t n, bool function)
{
    size_t plain = 0;
    int rc;

    while (n > 0 && (*s == ' ' || *s == ','))
        s++, n--; // blanks and commas
    while (n > 0 && (s[n - 1] == ' ' || s[n - 1] == ','))
        n--;
    if (n == 0)
        return 0;
    rc = sign_word(c, s, n);
    if (rc)
        return rc < 0 ? rc : 0;
    for (size_t i = 0; i < n; i++)
        plain += ascii_is_letter(s[i]) || s[i] == ' ';
    if ((n == 1 && ascii_is_letter(*s)) || plain == 0) // a letter, a number
        return sb_add(c->out, s, n);
    rc = sb_puts(c->out, function ? "\\" : "\\text{");
    for (size_t i = 0; i < n && !rc; i++)
        if (!strchr(" ()$\\{}", s[i]) && s[i])
            rc = sb_putc(c->out, s[i]);
    return rc ? rc : sb_puts(c->out, function ? " " : "}");
}

/* A command that is a change, a font or a text. 1 where it was one. */
static int
known_command(struct scan *c, const char *s, size_t n)
{
    const size_t after = c->at + 1 + n;
    const size_t blanks = maths_spaces(c->s + after, c->n - after);
    size_t k;

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        if (strlen(texts[i]) != n || memcmp(texts[i], s, n) != 0)
            continue;
        k = maths_group(c->s + after + blanks, c->n - after - blanks);
        c->at = after + (k ? blanks + k : 0);
        k = k ? k - 2 : 0;
        return add_text(c, c->s + after + blanks + 1, k,
                        strcmp(texts[i], "operatorname") == 0)
                   ? TRV_ENOMEM
                   : 1;
    }
    if (n == 6 && memcmp(s, "mathbb", 6) == 0 &&
        maths_group(c->s + after, c->n - after) == 3) {
        c->at = after + 3;
        return sb_printf(c->out, "\\mathbb%c ", c->s[after + 1]) ? TRV_ENOMEM
                                                                 : 1;
    }
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
        if (strlen(commands[i].from) == n &&
            memcmp(commands[i].from, s, n) == 0) {
            c->at = after;
            if ((s[0] == 'l' || s[0] == 'r') && commands[i].to &&
                after < c->n && c->s[after] == '.')
                c->at++; // \right.
            return sb_puts(c->out, commands[i].to ? commands[i].to : " ")
                       ? TRV_ENOMEM
                       : 1;
        }
    return 0;
}

static int
backslash(struct scan *c)
{
    const char *s = c->s + c->at + 1;
    const size_t left = c->n - c->at - 1;
    const size_t n = letters(s, left);
    int rc;

    if (n > 0) {
        rc = known_command(c, s, n);
        if (rc)
            return rc < 0 ? rc : 0;
        c->at += 1 + n;
        return sb_add(c->out, s - 1, n + 1);
    }
    c->at += left > 0 ? 2 : 1;
    if (left == 0 || *s == '!' || *s == '$' || *s == '#')
        return 0;
    if (strchr(",;:> \n", *s))
        return sb_putc(c->out, ' ');
    if (*s == '\\' && !c->rows) { // one backslash too many
        c->at -= left > 1 && ascii_is_letter(s[1]);
        return left > 1 && ascii_is_letter(s[1]) ? 0 : sb_putc(c->out, ' ');
    }
    return sb_add(c->out, s - 1, 2);
}

static int
character(struct scan *c)
{
    uint32_t cp;
    const size_t k = utf8_get(&cp, c->s + c->at);
    const char *from = c->s + c->at;

    c->at += k;
    for (size_t i = 0; i < sizeof(characters) / sizeof(characters[0]); i++)
        if (characters[i].cp == cp)
            return sb_puts(c->out, characters[i].to);
    if (utf8_is_space(cp) || cp < 0x20 || cp == '~')
        return sb_putc(c->out, ' ');
    if (cp == '"' || cp == '\'' || cp == '`' ||
        utf8proc_category((utf8proc_int32_t)cp) == UTF8PROC_CATEGORY_SC)
        return 0;
    return sb_add(c->out, from, k);
}

/* Bytes of ^\circ or ^{\circ} at s, or 0. */
static size_t
degree(const char *s, size_t n)
{
    static const char *const names[] = {"^\\circ", "^{\\circ}", "^\\degree",
                                        "^{\\degree}"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        const size_t k = strlen(names[i]);

        if (n >= k && memcmp(s, names[i], k) == 0)
            return k;
    }
    return 0;
}

/* {,} is a comma. */
static size_t
braced_comma(const char *s, size_t n)
{
    size_t k = 1 + maths_spaces(s + 1, n - 1);

    if (k >= n || s[k] != ',')
        return 0;
    k++;
    k += maths_spaces(s + k, n - k);
    return k < n && s[k] == '}' ? k + 1 : 0;
}

static int
rewrite(struct scan *c)
{
    int rc = 0;

    while (c->at < c->n && !rc) {
        const char *s = c->s + c->at;
        const size_t left = c->n - c->at;
        const size_t word = letters(s, left);
        const size_t k = *s == '{'   ? braced_comma(s, left)
                         : *s == '^' ? degree(s, left)
                                     : 0;

        if (*s == '\\') {
            rc = backslash(c);
        } else if (word > 1) {
            c->at += word;
            rc = sign_word(c, s, word);
            rc = rc < 0 ? rc : rc ? 0 : sb_add(c->out, s, word);
        } else if (k) {
            c->at += k;
            cut_blanks(c->out);
            rc = sb_puts(c->out, *s == '^' ? "\\circ " : ",");
        } else {
            rc = character(c);
        }
    }
    return rc;
}

/* ---- the end ------------------------------------------------------------ */

/* Keep the first n bytes, less blanks and the signs that part a unit. */
static void
keep(struct strbuf *b, size_t n)
{
    b->len = n;
    cut_blanks(b);
}

/* Where the \text{...} that ends at `end` begins; end where there is none. */
static size_t
text_before(const struct strbuf *b, size_t end)
{
    static const char open[] = "\\text{";
    const size_t n = sizeof(open) - 1;

    for (size_t i = end; i-- > 0;)
        if (end - i > n && memcmp(b->s + i, open, n) == 0)
            return i + n - 1 +
                               maths_group(b->s + i + n - 1,
                                           b->len - i - n + 1) ==
                           end
                       ? i
                       : end;
    return end;
}

/* Drop \text{ cm}^2 at the end, and what is before it in m/s. */
static void
drop_texts(struct strbuf *b)
{
    for (;;) {
        size_t end = b->len, start;

        if (end > 2 && ascii_is_digit(b->s[end - 1]) && b->s[end - 2] == '^')
            end -= 2;
        else if (end > 4 && b->s[end - 1] == '}' &&
                 ascii_is_digit(b->s[end - 2]) && b->s[end - 3] == '{' &&
                 b->s[end - 4] == '^')
            end -= 4;
        start = text_before(b, end);
        while (start < end && start > 0 &&
               (b->s[start - 1] == ' ' || b->s[start - 1] == '/'))
            start--;
        if (start == end || start == 0 || strchr("=<>+-*/,(", b->s[start - 1]))
            return;
        keep(b, start);
    }
}

static bool
is_unit(const char *s, size_t n)
{
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
        for (size_t more = 0; more < 3; more++) { // metre, metres, inches
            const size_t k = n - (more < n ? more : 0);

            if (same(units[i], s, k) && (more < 1 || s[n - 1] == 's') &&
                (more < 2 || s[n - 2] == 'e'))
                return true;
        }
    return false;
}

/* Drop a unit in words; one letter counts only behind a blank. */
static void
drop_units(struct strbuf *b)
{
    for (size_t i = 1; i < b->len; i++) {
        const size_t from = i + maths_spaces(b->s + i, b->len - i);
        const size_t n = b->len - from;
        const char value = b->s[i - 1];

        if (!(ascii_is_digit(value) || value == '}' || value == ')') ||
            n == 0 || (n == 1 && from == i) || !is_unit(b->s + from, n))
            continue;
        keep(b, i);
        return;
    }
}

/* 1 234 567: blanks between groups of three digits part thousands. */
static void
join_thousands(struct strbuf *b)
{
    size_t to = 0, run = 0;
    bool joined = false;

    for (size_t i = 0; i < b->len; i++) {
        const size_t k = maths_spaces(b->s + i, b->len - i);
        size_t digits = 0;

        while (i + k + digits < b->len && ascii_is_digit(b->s[i + k + digits]))
            digits++;
        if (k && run > 0 && (run <= 3 || joined) && digits == 3 &&
            b->s[to - run] != '0' &&
            (run == to || !strchr("_^", b->s[to - run - 1]))) {
            i += k - 1;
            joined = true;
            continue;
        }
        run = ascii_is_digit(b->s[i]) ? run + 1 : 0;
        joined = joined && run > 0;
        b->s[to++] = b->s[i];
    }
    keep(b, to);
}

static void
drop_ends(struct strbuf *b)
{
    size_t lead;

    cut_blanks(b);
    while (b->len > 1 && strchr(".,;:*", b->s[b->len - 1]))
        keep(b, b->len - 1);
    lead = maths_spaces(b->s, b->len);
    while (lead < b->len && b->s[lead] == '*') // **5**
        lead++;
    memmove(b->s, b->s + lead, b->len - lead);
    keep(b, b->len - lead);
}

int
maths_tidy(struct strbuf *out, const char *text, size_t n)
{
    struct scan c = {.s = text, .n = n, .out = out};
    int rc;

    sb_reset(out);
    c.rows = memmem(text, n, "\\begin", 6) != NULL;
    rc = sb_puts(out, "");
    if (!rc)
        rc = rewrite(&c);
    if (rc)
        return rc;
    drop_ends(out);
    drop_texts(out);
    drop_units(out);
    drop_units(out);
    join_thousands(out);
    return 0;
}
