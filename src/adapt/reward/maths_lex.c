/* maths_lex.c -- tokens of a tidied piece of mathematics. */
#include "adapt/reward/maths_lex.h"

#include <string.h>

#include "text/ascii.h"
#include "text/utf8.h"

/* Commands of LaTeX; the words among them are read without a backslash, too. */
static const struct command {
    const char *text;
    int kind;
    const char *name;
    bool word;
} commands[] = {
    {"frac", LEX_FRAC, "", false},
    {"binom", LEX_BINOM, "binom", false},
    {"sqrt", LEX_ROOT, "sqrt", true},
    {"pi", LEX_CONSTANT, "pi", true},
    {"infty", LEX_CONSTANT, "infty", true},
    {"infinity", LEX_CONSTANT, "infty", true},
    {"inf", LEX_CONSTANT, "infty", true},
    {"imath", LEX_CONSTANT, "i", false},
    {"times", '*', "", false},
    {"cdot", '*', "", false},
    {"ast", '*', "", false},
    {"div", '/', "", false},
    {"pm", LEX_PLUS_MINUS, "+", false},
    {"mp", LEX_PLUS_MINUS, "-", false},
    {"le", LEX_RELATION, "<=", false},
    {"leq", LEX_RELATION, "<=", false},
    {"leqslant", LEX_RELATION, "<=", false},
    {"ge", LEX_RELATION, ">=", false},
    {"geq", LEX_RELATION, ">=", false},
    {"geqslant", LEX_RELATION, ">=", false},
    {"lt", LEX_RELATION, "<", false},
    {"gt", LEX_RELATION, ">", false},
    {"ne", LEX_RELATION, "!=", false},
    {"neq", LEX_RELATION, "!=", false},
    {"approx", LEX_RELATION, "~", false},
    {"in", LEX_RELATION, "=", false},
    {"equiv", LEX_RELATION, "=", false},
    {"cup", LEX_UNION, "U", false},
    {"cap", LEX_UNION, "n", false},
    {"setminus", LEX_UNION, "-", false},
    {"backslash", LEX_UNION, "-", false},
    {"emptyset", LEX_EMPTY, "", false},
    {"varnothing", LEX_EMPTY, "", false},
    {"circ", LEX_DEGREE, "", false},
    {"degree", LEX_DEGREE, "", false},
    {"lbrace", LEX_SET_OPEN, "", false},
    {"rbrace", LEX_SET_CLOSE, "", false},
    {"lbrack", '[', "", false},
    {"rbrack", ']', "", false},
    {"langle", '(', "", false},
    {"rangle", ')', "", false},
    {"lvert", '|', "", false},
    {"rvert", '|', "", false},
    {"vert", '|', "", false},
    {"mid", '|', "", false},
    {"lfloor", LEX_FLOOR, "", false},
    {"rfloor", LEX_FLOOR_CLOSE, "", false},
    {"lceil", LEX_CEIL, "", false},
    {"rceil", LEX_CEIL_CLOSE, "", false},
    {"sin", LEX_CALL, "sin", true},
    {"cos", LEX_CALL, "cos", true},
    {"tan", LEX_CALL, "tan", true},
    {"cot", LEX_CALL, "cot", true},
    {"sec", LEX_CALL, "sec", true},
    {"csc", LEX_CALL, "csc", true},
    {"arcsin", LEX_CALL, "arcsin", true},
    {"arccos", LEX_CALL, "arccos", true},
    {"arctan", LEX_CALL, "arctan", true},
    {"sinh", LEX_CALL, "sinh", true},
    {"cosh", LEX_CALL, "cosh", true},
    {"tanh", LEX_CALL, "tanh", true},
    {"exp", LEX_CALL, "exp", true},
    {"ln", LEX_CALL, "ln", true},
    {"log", LEX_CALL, "log", true},
};
#define N_COMMANDS (sizeof(commands) / sizeof(commands[0]))

/* Letters of LaTeX that are symbols by their names. */
static const char *const greek[] = {
    "alpha", "beta",    "gamma",   "delta",   "epsilon", "varepsilon", "zeta",
    "eta",   "theta",   "iota",    "kappa",   "lambda",  "mu",         "nu",
    "xi",    "rho",     "sigma",   "tau",     "phi",     "varphi",     "chi",
    "psi",   "omega",   "Gamma",   "Delta",   "Theta",   "Lambda",     "Xi",
    "Pi",    "Sigma",   "Phi",     "Psi",     "Omega",   "ell",        "hbar",
    "angle", "mathbbR", "mathbbZ", "mathbbN", "mathbbQ", "mathbbC"};

static const char letters[][2] = {
    "A", "B", "C", "D", "E", "F", "G", "H", "I", "J", "K", "L", "M",
    "N", "O", "P", "Q", "R", "S", "T", "U", "V", "W", "X", "Y", "Z",
    "a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m",
    "n", "o", "p", "q", "r", "s", "t", "u", "v", "w", "x", "y", "z"};

static size_t
run(const char *s, size_t n, bool (*is)(char))
{
    size_t k = 0;

    while (k < n && is(s[k]))
        k++;
    return k;
}

static bool
same(const char *name, const char *s, size_t n)
{
    return strlen(name) == n && memcmp(name, s, n) == 0;
}

bool
lex_is_sine(const char *name)
{
    static const char *const sines[] = {"sin", "cos", "tan",
                                        "cot", "sec", "csc"};

    for (size_t i = 0; i < sizeof(sines) / sizeof(sines[0]); i++)
        if (strcmp(name, sines[i]) == 0)
            return true;
    return false;
}

const char *
lex_inverse(const char *sine)
{
    return strcmp(sine, "sin") == 0   ? "arcsin"
           : strcmp(sine, "cos") == 0 ? "arccos"
           : strcmp(sine, "tan") == 0 ? "arctan"
                                      : sine;
}

bool
lex_begins_factor(int kind, bool in_bars)
{
    static const int starts[] = {LEX_NUMBER, LEX_SYMBOL, LEX_WORD, LEX_CONSTANT,
                                 LEX_CALL,   LEX_ROOT,   LEX_FRAC, LEX_BINOM,
                                 '(',        '[',        '{',      LEX_FLOOR,
                                 LEX_CEIL,   LEX_MATRIX};

    for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++)
        if (kind == starts[i])
            return true;
    return kind == '|' && !in_bars;
}

void
lex_back(struct lexer *lex, size_t at)
{
    lex->at = at;
}

/* The digits under the line of 0.1\overline{6}, which go behind the k bytes of
 * a number: how many there are. */
static int
repeating(size_t *k, const char *s, size_t n)
{
    static const char line[] = "\\overline{";
    const size_t n_line = sizeof(line) - 1;
    size_t from = *k, digits;

    from += from < n && s[from] == '.';
    if (!memchr(s, '.', from) || n - from < n_line ||
        memcmp(s + from, line, n_line) != 0)
        return 0;
    from += n_line;
    digits = run(s + from, n - from, ascii_is_digit);
    if (digits == 0 || digits > 9 || from + digits == n ||
        s[from + digits] != '}')
        return 0;
    *k = from + digits + 1;
    return (int)digits;
}

/* 1,234.5 and 2e-3; commas part thousands outside of brackets alone. */
static void
number(struct lexer *lex, struct token *t)
{
    const char *s = lex->s + lex->at;
    const size_t n = lex->n - lex->at;
    size_t k = run(s, n, ascii_is_digit), e;

    if (lex->depth == 0 && k > 0 && k <= 3 && s[0] != '0')
        while (k < n && s[k] == ',' &&
               run(s + k + 1, n - k - 1, ascii_is_digit) == 3)
            k += 4;
    if (k + 1 < n && s[k] == '.' && ascii_is_digit(s[k + 1]))
        k += 1 + run(s + k + 1, n - k - 1, ascii_is_digit);
    t->repeats = repeating(&k, s, n);
    t->kind = LEX_NUMBER;
    t->number = (struct number){.s = s, .n = k};
    e = k;
    if (e + 1 < n && (s[e] == 'e' || s[e] == 'E')) {
        const bool minus = s[e + 1] == '-';
        const size_t from = e + 1 + (minus || s[e + 1] == '+');
        const size_t digits = run(s + from, n - from, ascii_is_digit);

        if (digits > 0 && digits <= 4) {
            for (size_t i = 0; i < digits; i++)
                t->number.exponent =
                    10 * t->number.exponent + (s[from + i] - '0');
            if (minus)
                t->number.exponent = -t->number.exponent;
            k = from + digits;
        }
    }
    lex->at += k;
}

static bool
command(struct token *t, const char *s, size_t n, bool bare)
{
    for (size_t i = 0; i < N_COMMANDS; i++)
        if ((!bare || commands[i].word) && same(commands[i].text, s, n)) {
            t->kind = commands[i].kind;
            t->name = commands[i].name;
            return true;
        }
    for (size_t i = 0; !bare && i < sizeof(greek) / sizeof(greek[0]); i++)
        if (same(greek[i], s, n)) {
            t->kind = LEX_SYMBOL;
            t->name = greek[i];
            return true;
        }
    return false;
}

size_t
maths_group(const char *s, size_t n)
{
    int depth = 0;

    for (size_t i = 0; i < n; i++) {
        depth += s[i] == '{';
        depth -= s[i] == '}';
        if (depth == 0)
            return s[0] == '{' ? i + 1 : 0;
    }
    return 0;
}

size_t
maths_spaces(const char *s, size_t n)
{
    size_t k = 0;

    while (k < n && (s[k] == ' ' || s[k] == '\t' || s[k] == '\n'))
        k++;
    return k;
}

/* \begin{pmatrix} and its end; \begin{array}{cc} is one, too. */
static bool
environment(struct lexer *lex, struct token *t, bool begin, size_t at)
{
    static const char *const names[] = {"matrix",  "pmatrix", "bmatrix",
                                        "Bmatrix", "array",   "smallmatrix"};
    const size_t k = maths_group(lex->s + at, lex->n - at);

    for (size_t i = 0; k > 2 && i < sizeof(names) / sizeof(names[0]); i++)
        if (same(names[i], lex->s + at + 1, k - 2)) {
            t->kind = begin ? LEX_MATRIX : LEX_END_MATRIX;
            lex->at = at + k;
            if (begin && strcmp(names[i], "array") == 0)
                lex->at += maths_group(lex->s + lex->at, lex->n - lex->at);
            return true;
        }
    return false;
}

/* \text{...} and \overline{...}. */
static bool
word(struct lexer *lex, struct token *t, const char *s, size_t n, size_t at)
{
    static const char *const accents[] = {
        "overline", "vec", "bar", "hat", "tilde", "widehat", "overrightarrow"};
    const size_t k = at < lex->n ? maths_group(lex->s + at, lex->n - at) : 0;
    bool accent = false;

    for (size_t i = 0; i < sizeof(accents) / sizeof(accents[0]); i++)
        accent |= same(accents[i], s, n);
    if (k < 3 || !(accent || same("text", s, n)))
        return false;
    t->kind = LEX_WORD;
    t->length = accent ? at + k - t->start : k - 2;
    t->start = accent ? t->start : at + 1;
    lex->at = at + k;
    return true;
}

static void
backslash(struct lexer *lex, struct token *t)
{
    static const char ones[][2] = {
        {'{', 0}, {'}', 1}, {'%', 2}, {'|', 3}, {'\\', 4}};
    static const int kinds[] = {LEX_SET_OPEN, LEX_SET_CLOSE, '%', '|', LEX_ROW};
    const char *s = lex->s + lex->at + 1;
    const size_t left = lex->n - lex->at - 1;
    const size_t n = run(s, left, ascii_is_letter);

    t->kind = LEX_UNKNOWN;
    for (size_t i = 0; n == 0 && left > 0 && i < 5; i++)
        if (*s == ones[i][0]) {
            t->kind = kinds[(int)ones[i][1]];
            lex->at += 2;
            return;
        }
    if (n == 0) {
        lex->at++;
    } else if (same("begin", s, n) || same("end", s, n)) {
        if (!environment(lex, t, *s == 'b', lex->at + 1 + n))
            lex->at += 1 + n;
    } else if (!word(lex, t, s, n, lex->at + 1 + n)) {
        (void)command(t, s, n, false);
        lex->at += 1 + n;
    }
}

/* A known word, or one letter. */
static void
letter(struct lexer *lex, struct token *t)
{
    const char *s = lex->s + lex->at;
    const size_t n = run(s, lex->n - lex->at, ascii_is_letter);
    const int place = *s <= 'Z' ? *s - 'A' : 26 + *s - 'a';

    if (n > 1 && command(t, s, n, true)) {
        lex->at += n;
        return;
    }
    t->kind = *s == 'e' || *s == 'i' ? LEX_CONSTANT : LEX_SYMBOL;
    t->name = letters[place];
    lex->at++;
}

static void
sign(struct lexer *lex, struct token *t)
{
    static const char plain[] = "+-*/:^_!%()[]{}|,;&";
    const char *s = lex->s + lex->at;
    const bool equals = lex->n - lex->at > 1 && s[1] == '=';
    size_t k = 1;

    t->kind = LEX_RELATION;
    if (*s == '=')
        t->name = "=";
    else if (*s == '<' || *s == '>')
        t->name = *s == '<' ? equals ? "<=" : "<" : equals ? ">=" : ">";
    else if (*s == '!' && equals)
        t->name = "!=";
    else
        t->kind = strchr(plain, *s) ? *s : LEX_UNKNOWN;
    if (t->kind == LEX_RELATION && *s != '=' && equals)
        k = 2;
    if (t->kind == LEX_UNKNOWN)
        k = utf8_len(*s);
    lex->at += k;
}

void
lex_next(struct lexer *lex, struct token *out)
{
    const char *s = lex->s;

    while (lex->at < lex->n && s[lex->at] == ' ')
        lex->at++;
    *out = (struct token){.kind = LEX_END, .name = "", .start = lex->at};
    if (lex->at >= lex->n)
        return;
    if (ascii_is_digit(s[lex->at]) ||
        (s[lex->at] == '.' && lex->at + 1 < lex->n &&
         ascii_is_digit(s[lex->at + 1])))
        number(lex, out);
    else if (ascii_is_letter(s[lex->at]))
        letter(lex, out);
    else if (s[lex->at] == '\\')
        backslash(lex, out);
    else
        sign(lex, out);
    if (out->kind != LEX_WORD)
        out->length = lex->at - out->start;
}
