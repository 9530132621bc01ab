/* jinja_lex.c -- a template's source as tokens. */
#include "text/jinja/jinja_lex.h"

#include <string.h>

#include "text/jinja/jinja_str.h"

struct lex {
    struct jctx *c;
    const char *s; // newlines are \n already
    size_t n, at;
    size_t counted; // newlines before this place are in line
    int line;
    bool fresh_line; // the last tag or comment ended with a newline
    char open[256];  // brackets that wait for their end, inside a tag
    int n_open;
    struct j_token *tokens;
    int64_t n_tokens, cap;
};

static int
line_of(struct lex *x, size_t at)
{
    for (; x->counted < at; x->counted++)
        if (x->s[x->counted] == '\n')
            x->line++;
    return x->line;
}

static void
push(struct lex *x, enum j_token_kind kind, int op, struct jv v, size_t at)
{
    if (x->c->rc)
        return;
    if (x->n_tokens == x->cap) {
        const int64_t cap = x->cap ? 2 * x->cap : 64;
        struct j_token *more = j_alloc(x->c, (size_t)cap, sizeof(*more));

        if (!more)
            return;
        if (x->n_tokens)
            memcpy(more, x->tokens, (size_t)x->n_tokens * sizeof(*more));
        x->tokens = more;
        x->cap = cap;
    }
    x->tokens[x->n_tokens++] = (struct j_token){.kind = (uint8_t)kind,
                                                .op = (uint16_t)op,
                                                .line = line_of(x, at),
                                                .v = v};
}

static bool
is_at(const struct lex *x, size_t at, const char *what)
{
    const size_t n = strlen(what);

    return at <= x->n && n <= x->n - at && memcmp(x->s + at, what, n) == 0;
}

static size_t
skip_space(const struct lex *x, size_t at)
{
    return at + jstr_lead(x->s + at, x->n - at);
}

static void
fail_at(struct lex *x, size_t at, const char *what)
{
    x->c->line = line_of(x, at);
    j_fail(x->c, TRV_EFORMAT, "%s", what);
}

/* The text before a tag whose sign is `sign`, cut as its rules say. */
static void
push_text(struct lex *x, size_t from, size_t to, char sign, bool is_print)
{
    size_t end = to, line = to;

    if (sign == '-') {
        end -= jstr_trail(x->s + from, to - from);
    } else if (sign != '+' && !is_print) {
        while (line > from && x->s[line - 1] != '\n')
            line--;
        if ((line > from || x->fresh_line) &&
            line + jstr_lead(x->s + line, to - line) == to)
            end = line;
    }
    if (end > from)
        push(x, JT_TEXT, 0, j_str(x->s + from, end - from), from);
}

/* Step over the end of a block tag or comment, `end` ("%}", "#}"), where it
 * stands with its sign; false where it does not. */
static bool
skip_end(struct lex *x, const char *end, bool newline)
{
    const size_t n = strlen(end);

    if (is_at(x, x->at, end)) {
        x->at += n;
        if (newline && is_at(x, x->at, "\n"))
            x->at++;
    } else if (is_at(x, x->at, "-") && is_at(x, x->at + 1, end)) {
        x->at = skip_space(x, x->at + 1 + n);
    } else if (newline && is_at(x, x->at, "+") && is_at(x, x->at + 1, end)) {
        x->at += 1 + n;
    } else {
        return false;
    }
    x->fresh_line = x->s[x->at - 1] == '\n';
    return true;
}

static void
lex_comment(struct lex *x, size_t begin)
{
    const size_t from = x->at;
    size_t at = from;

    while (at < x->n && !is_at(x, at, "#}"))
        at++;
    if (at >= x->n) {
        fail_at(x, begin, "a comment without its end #}");
        return;
    }
    if (at > from && (x->s[at - 1] == '-' || x->s[at - 1] == '+'))
        at--;
    x->at = at;
    skip_end(x, "#}", true);
}

/* After "{%" and its sign: is this {% raw %}? Steps over it if so. */
static bool
lex_raw_begin(struct lex *x)
{
    const size_t start = x->at;

    x->at = skip_space(x, x->at);
    if (is_at(x, x->at, "raw")) {
        x->at = skip_space(x, x->at + 3);
        if (skip_end(x, "%}", false))
            return true;
    }
    x->at = start;
    return false;
}

static void
lex_raw(struct lex *x, size_t begin)
{
    const size_t from = x->at;

    for (size_t at = from; at < x->n; at++) {
        bool fresh, fresh_after;
        char sign = 0;

        if (!is_at(x, at, "{%"))
            continue;
        x->at = at + 2;
        if (is_at(x, x->at, "-") || is_at(x, x->at, "+"))
            sign = x->s[x->at++];
        x->at = skip_space(x, x->at);
        if (!is_at(x, x->at, "endraw"))
            continue;
        x->at = skip_space(x, x->at + 6);
        fresh = x->fresh_line; // skip_end() overwrites it
        if (!skip_end(x, "%}", true))
            continue;
        fresh_after = x->fresh_line;
        x->fresh_line = fresh;
        push_text(x, from, at, sign, false);
        x->fresh_line = fresh_after;
        return;
    }
    fail_at(x, begin, "a raw block without its {% endraw %}");
}

/* ---- inside a tag ------------------------------------------------------- */

static int
hex_of(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* One escape of a string literal, after its backslash at s[*i]. */
static int
unescape(struct strbuf *out, const char *s, size_t n, size_t *i, bool *bad)
{
    static const char plain[] = "\\\\''\"\"a\ab\bf\fn\nr\rt\tv\v";
    const char e = s[*i];
    int32_t cp = 0;
    int digits;

    for (size_t k = 0; k + 1 < sizeof(plain); k += 2)
        if (e == plain[k]) {
            ++*i;
            return sb_putc(out, plain[k + 1]);
        }
    if (e == '\n') {
        ++*i;
        return 0;
    }
    if (e >= '0' && e <= '7') {
        for (int k = 0; k < 3 && *i < n && s[*i] >= '0' && s[*i] <= '7'; k++)
            cp = cp * 8 + (s[(*i)++] - '0');
        return jstr_put(out, cp);
    }
    digits = e == 'x' ? 2 : e == 'u' ? 4 : e == 'U' ? 8 : 0;
    if (digits) {
        ++*i;
        for (int k = 0; k < digits; k++, ++*i) {
            const int h = *i < n ? hex_of(s[*i]) : -1;

            if (h < 0 || cp > 0x10ffff) {
                *bad = true;
                return 0;
            }
            cp = cp * 16 + h;
        }
        *bad = cp > 0x10ffff || (cp >= 0xd800 && cp < 0xe000);
        return *bad ? 0 : jstr_put(out, cp);
    }
    if (e == 'N') {
        *bad = true;
        return 0;
    }
    if ((e & 0x80) != 0) { // jinja2 turns it into an escape of its own first
        *i += jstr_next(s + *i, n - *i, &cp);
        return sb_printf(out,
                         cp < 0x100     ? "\\x%02x"
                         : cp < 0x10000 ? "\\u%04x"
                                        : "\\U%08x",
                         (unsigned)cp);
    }
    return sb_putc(out, '\\'); // not an escape: both characters stay
}

static void
lex_string(struct lex *x)
{
    const size_t begin = x->at;
    const char quote = x->s[begin];
    struct strbuf b = {0};
    bool escaped = false, bad = false;
    size_t end = begin + 1;
    int rc = 0;

    for (; end < x->n && x->s[end] != quote; end++)
        if (x->s[end] == '\\') {
            escaped = true;
            end++;
        }
    if (end >= x->n) {
        fail_at(x, begin, "a string without its end");
        return;
    }
    x->at = end + 1;
    if (!escaped) {
        push(x, JT_VALUE, 0, j_str(x->s + begin + 1, end - begin - 1), begin);
        return;
    }
    for (size_t i = begin + 1; i < end && !rc && !bad;) {
        if (x->s[i] != '\\') {
            rc = sb_putc(&b, x->s[i++]);
            continue;
        }
        i++;
        rc = unescape(&b, x->s, end, &i, &bad);
    }
    if (bad)
        fail_at(x, begin, "a string with a broken escape");
    push(x, JT_VALUE, 0, j_take(x->c, &b, rc), begin);
}

/* Digits with single underscores between them, from `at`; their end. */
static size_t
digits_end(const struct lex *x, size_t at)
{
    size_t end = at;

    for (; at < x->n; at++) {
        if (x->s[at] >= '0' && x->s[at] <= '9')
            end = at + 1;
        else if (x->s[at] != '_' || end != at || at == 0)
            break;
    }
    return end;
}

/* End of a float at x->at, or 0: digits, then a fraction or an exponent. */
static size_t
float_end(const struct lex *x)
{
    size_t end = digits_end(x, x->at), exponent, digits;
    bool is_float = false;

    if (x->at && x->s[x->at - 1] == '.')
        return 0;
    if (is_at(x, end, ".") && digits_end(x, end + 1) > end + 1 &&
        x->s[end + 1] != '_') {
        end = digits_end(x, end + 1);
        is_float = true;
    }
    if (is_at(x, end, "e") || is_at(x, end, "E")) {
        exponent = end + 1;
        if (is_at(x, exponent, "+") || is_at(x, exponent, "-"))
            exponent++;
        digits = digits_end(x, exponent);
        if (digits > exponent && x->s[exponent] != '_') {
            end = digits;
            is_float = true;
        }
    }
    return is_float ? end : 0;
}

static void
lex_number(struct lex *x)
{
    const size_t begin = x->at;
    size_t end = float_end(x);
    char text[400];
    size_t n = 0;
    int base = 10;
    int64_t i = 0;

    if (end) {
        const char *stop;

        for (size_t k = begin; k < end && n < sizeof(text) - 1; k++)
            if (x->s[k] != '_')
                text[n++] = x->s[k];
        text[n] = '\0';
        x->at = end;
        push(x, JT_VALUE, 0, j_float(jstr_to_double(text, &stop)), begin);
        return;
    }
    end = begin;
    if (x->s[begin] == '0' && begin + 1 < x->n) {
        const char k = (char)(x->s[begin + 1] | 0x20);

        base = k == 'x' ? 16 : k == 'o' ? 8 : k == 'b' ? 2 : 10;
        if (base != 10)
            end += 2;
    }
    for (; end < x->n; end++) {
        const char ch = x->s[end];
        const int h = hex_of(ch);

        if (ch == '_' && end + 1 < x->n && hex_of(x->s[end + 1]) >= 0 &&
            hex_of(x->s[end + 1]) < base)
            continue;
        if (h < 0 || h >= base)
            break;
        if (base == 10 && x->s[begin] == '0' && ch != '0')
            break; // 012 is 0 and then 12, which no expression may be
        if (__builtin_mul_overflow(i, base, &i) ||
            __builtin_add_overflow(i, h, &i)) {
            fail_at(x, begin, "an integer outside 64 bits");
            return;
        }
    }
    if (base != 10 && end == begin + 2) // "0x" alone: a zero and a name
        end = begin + 1;
    x->at = end;
    push(x, JT_VALUE, 0, j_int(i), begin);
}

static bool
is_name_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
           (c >= '0' && c <= '9') || (c & 0x80) != 0;
}

static void
lex_operator(struct lex *x)
{
    static const char *const twos[] = {
        "//", "**", "==", "!=", ">=", "<=", NULL};
    const size_t begin = x->at;
    const char ch = x->s[begin];
    char open;

    for (int i = 0; twos[i]; i++)
        if (is_at(x, begin, twos[i])) {
            x->at += 2;
            push(x, JT_OP, J_OP(twos[i][0], twos[i][1]), J_NOTHING, begin);
            return;
        }
    if (!ch || !strchr("+-/*%~[](){}><=.:|,;", ch)) {
        fail_at(x, begin, "an unexpected character in a tag");
        return;
    }
    if (strchr("([{", ch)) {
        if (x->n_open == (int)sizeof(x->open)) {
            fail_at(x, begin, "brackets are nested too deep");
            return;
        }
        x->open[x->n_open++] = ch;
    } else if (strchr(")]}", ch)) {
        open = ch == ')' ? '(' : ch == ']' ? '[' : '{';
        if (x->n_open == 0 || x->open[--x->n_open] != open) {
            fail_at(x, begin, "a bracket that closes nothing");
            return;
        }
    }
    x->at++;
    push(x, JT_OP, ch, J_NOTHING, begin);
}

static void
lex_tag(struct lex *x, size_t begin, bool is_print)
{
    push(x, is_print ? JT_PRINT : JT_BLOCK, 0, J_NOTHING, begin);
    x->n_open = 0;
    while (!x->c->rc) {
        size_t at;
        int32_t cp;

        if (x->n_open == 0) {
            at = x->at;
            if (is_print ? skip_end(x, "}}", false) : skip_end(x, "%}", true)) {
                push(x, is_print ? JT_PRINT_END : JT_BLOCK_END, 0, J_NOTHING,
                     at);
                return;
            }
        }
        at = skip_space(x, x->at);
        if (at > x->at) {
            x->at = at;
            continue;
        }
        if (at >= x->n) {
            fail_at(x, begin, "a tag without its end");
            return;
        }
        jstr_next(x->s + at, x->n - at, &cp);
        if (cp >= '0' && cp <= '9') {
            lex_number(x);
        } else if (is_name_byte(x->s[at])) {
            while (x->at < x->n && is_name_byte(x->s[x->at])) {
                const size_t len = jstr_next(x->s + x->at, x->n - x->at, &cp);

                if (cp > 0x7f && !jstr_is_alpha(cp) && !jstr_is_digit(cp))
                    break;
                x->at += len;
            }
            if (x->at == at)
                fail_at(x, at, "an unexpected character in a tag");
            push(x, JT_NAME, 0, j_str(x->s + at, x->at - at), at);
        } else if (x->s[at] == '"' || x->s[at] == '\'') {
            lex_string(x);
        } else {
            lex_operator(x);
        }
    }
}

/* The source with \n for every newline and without the last one. */
static bool
normalise(struct lex *x, const char *source, size_t n)
{
    char *s = j_alloc(x->c, n + 1, 1);
    size_t len = 0;

    if (!s)
        return false;
    for (size_t i = 0; i < n; i++) {
        if (source[i] == '\r') {
            s[len++] = '\n';
            if (i + 1 < n && source[i + 1] == '\n')
                i++;
        } else {
            s[len++] = source[i];
        }
    }
    if (len && s[len - 1] == '\n')
        len--;
    s[len] = '\0';
    x->s = s;
    x->n = len;
    return true;
}

struct j_token *
jinja_lex(struct jctx *c, const char *source, size_t n)
{
    struct lex x = {.c = c, .line = 1, .fresh_line = true};

    if (!normalise(&x, source, n))
        return NULL;
    while (x.at < x.n && !c->rc) {
        size_t at = x.at, begin;
        char sign = 0, kind;

        while (at < x.n && !is_at(&x, at, "{%") && !is_at(&x, at, "{{") &&
               !is_at(&x, at, "{#"))
            at++;
        if (at >= x.n) {
            push(&x, JT_TEXT, 0, j_str(x.s + x.at, x.n - x.at), x.at);
            break;
        }
        begin = x.at;
        kind = x.s[at + 1];
        x.at = at + 2;
        if (is_at(&x, x.at, "-") || is_at(&x, x.at, "+"))
            sign = x.s[x.at++];
        push_text(&x, begin, at, sign, kind == '{');
        x.fresh_line = false;
        if (kind == '#')
            lex_comment(&x, at);
        else if (kind == '%' && lex_raw_begin(&x))
            lex_raw(&x, at);
        else
            lex_tag(&x, at, kind == '{');
    }
    push(&x, JT_END, 0, J_NOTHING, x.n);
    return c->rc ? NULL : x.tokens;
}
