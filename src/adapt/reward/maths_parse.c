/* maths_parse.c -- a piece of mathematics as a tree.
 *
 *   list      relation {, relation}
 *   relation  union {= < > ... union}       with +- it is read twice
 *   union     sum {cup cap setminus sum}
 *   sum       product {+ - product}
 *   product   factors {* / : factors}
 *   factors   [sign] postfix {postfix}      binds tighter than * and /
 *   postfix   atom {! % degree ^script _script}
 *
 * maths_lex.c makes the tokens. The text was tidied before.
 */
#include <stdarg.h>
#include <string.h>

#include "adapt/reward/maths_lex.h"

/* Which sign +- is in this reading. */
struct choice {
    bool met, minus;
};
struct parser {
    struct maths *m;
    struct lexer lex;
    struct token token; // the next one
    trv_err *err;
    int rc, depth, nodes;
    int bars; // inside |...|, where a bar ends
    struct choice choice;
    bool angles; // inside a sine, where degrees are angles
};

static struct maths_node *item(struct parser *p);
static struct maths_node *relation(struct parser *p);
static struct maths_node *sum(struct parser *p);
static struct maths_node *postfix(struct parser *p);

/* ---- nodes -------------------------------------------------------------- */

static void *
refuse(struct parser *p, const char *fact)
{
    const size_t left = p->lex.n - p->token.start;

    if (!p->rc)
        p->rc = err_fail(p->err, TRV_EFORMAT, "%s at '%.*s'", fact,
                         left > 40 ? 40 : (int)left, p->lex.s + p->token.start);
    return NULL;
}

static struct maths_node *
node_new(struct parser *p, enum maths_kind kind)
{
    struct maths_node *node = NULL;

    if (p->rc)
        return NULL;
    if (++p->nodes > MATHS_NODES_MAX)
        return refuse(p, "too many parts");
    node = arena_alloc(&p->m->mem, sizeof(*node));
    if (!node) {
        p->rc = err_nomem(p->err, "to read an answer");
        return NULL;
    }
    *node = (struct maths_node){.kind = kind, .name = ""};
    return node;
}

/* A name of n bytes, with room for more. */
static char *
name_new(struct parser *p, const char *s, size_t n, size_t more)
{
    char *name = arena_alloc(&p->m->mem, n + more + 1);

    if (!name) {
        p->rc = err_nomem(p->err, "to read an answer");
        return NULL;
    }
    memcpy(name, s, n);
    name[n] = '\0';
    return name;
}

/* Make `part` the last of the node's parts. */
static void
append(struct parser *p, struct maths_node *node, struct maths_node *part)
{
    if (!node || !part)
        return;
    if (node->n == MATHS_ITEMS_MAX) {
        refuse(p, "too many parts");
        return;
    }
    part->next = NULL;
    if (node->last)
        node->last->next = part;
    else
        node->first = part;
    node->last = part;
    node->n++;
    if (part->height >= node->height)
        node->height = part->height + 1;
    if (node->height > MATHS_HEIGHT_MAX)
        refuse(p, "nested too deep");
}

static struct maths_node *
join(struct parser *p, enum maths_kind kind, struct maths_node *a,
     struct maths_node *b)
{
    struct maths_node *node = node_new(p, kind);

    append(p, node, a);
    append(p, node, b);
    return p->rc ? NULL : node;
}

/* The node, with one part more, where it is of this kind and ours to grow. */
static struct maths_node *
extend(struct parser *p, enum maths_kind kind, struct maths_node *a,
       struct maths_node *b, bool *grown)
{
    if (*grown && a && a->kind == kind) {
        append(p, a, b);
        return a;
    }
    *grown = true;
    return join(p, kind, a, b);
}

/* ---- tokens ------------------------------------------------------------- */

static void
advance(struct parser *p)
{
    lex_next(&p->lex, &p->token);
}

static bool
at(const struct parser *p, int kind)
{
    return p->token.kind == kind;
}

static bool
take(struct parser *p, int kind)
{
    if (!at(p, kind))
        return false;
    advance(p);
    return true;
}

static bool
need(struct parser *p, int kind, const char *what)
{
    if (take(p, kind))
        return true;
    refuse(p, what);
    return false;
}

/* Are we inside too many others? To be left by leave(). */
static bool
enter(struct parser *p)
{
    if (++p->depth > MATHS_DEPTH_MAX)
        refuse(p, "nested too deep");
    return !p->rc;
}

static void *
leave(struct parser *p, struct maths_node *node)
{
    p->depth--;
    return p->rc ? NULL : node;
}

/* ---- atoms -------------------------------------------------------------- */

/* Add an item, or both of 1 +- 2. */
static void
add_item(struct parser *p, struct maths_node *list, struct maths_node *item)
{
    if (!item || item->kind != MATHS_LIST) {
        append(p, list, item);
        return;
    }
    for (struct maths_node *i = item->first, *next; i; i = next) {
        next = i->next;
        append(p, list, i);
    }
}

/* Items up to one of two closing tokens; *close says which. */
static struct maths_node *
items(struct parser *p, enum maths_kind kind, int close_a, int close_b,
      int *close)
{
    struct maths_node *list = node_new(p, kind);
    const int bars = p->bars;

    p->bars = 0;
    p->lex.depth++;
    advance(p); // the opening one
    while (!p->rc && !(list->n == 0 && (at(p, close_a) || at(p, close_b)))) {
        add_item(p, list, kind == MATHS_SET ? item(p) : relation(p));
        if (!at(p, ',') && !at(p, ';'))
            break;
        advance(p);
    }
    p->bars = bars;
    p->lex.depth--;
    *close = p->token.kind;
    if (!take(p, close_a) && !take(p, close_b))
        return refuse(p, "a bracket does not close");
    return p->rc ? NULL : list;
}

/* ( and [ : a group, a tuple or an interval. */
static struct maths_node *
brackets(struct parser *p)
{
    const bool round = at(p, '(');
    struct maths_node *list;
    int close;

    list = items(p, MATHS_TUPLE, ')', ']', &close);
    if (!list)
        return NULL;
    if (list->n == 0)
        return refuse(p, "empty brackets");
    if (list->n == 1)
        return list->first;
    list->open_left = round;
    list->open_right = close == ')';
    return list;
}

static struct maths_node *
braces(struct parser *p, bool group)
{
    const int close = group ? '}' : LEX_SET_CLOSE;
    struct maths_node *list;
    int closed;

    list = items(p, group ? MATHS_LIST : MATHS_SET, close, close, &closed);
    if (!list || !group)
        return list;
    if (list->n == 0)
        return refuse(p, "nothing between braces");
    list->kind = MATHS_SET;
    return list->n == 1 ? list->first : list;
}

/* The argument of a command: a group, or one character, as TeX takes it. */
static struct maths_node *
argument(struct parser *p)
{
    if (at(p, '{'))
        return braces(p, true);
    if (at(p, LEX_NUMBER)) {
        struct maths_node *digit = node_new(p, MATHS_NUMBER);

        if (!digit)
            return NULL;
        digit->number = (struct number){.s = p->lex.s + p->token.start, .n = 1};
        lex_back(&p->lex, p->token.start + 1);
        advance(p);
        return digit;
    }
    return postfix(p);
}

static struct maths_node *
named(struct parser *p, enum maths_kind kind)
{
    struct maths_node *node = node_new(p, kind);

    if (node)
        node->name = p->token.name;
    return node;
}

static struct maths_node *
root(struct parser *p)
{
    struct maths_node *call = named(p, MATHS_CALL), *degree = NULL;
    int close;

    advance(p);
    if (at(p, '[')) {
        degree = items(p, MATHS_LIST, ']', ']', &close);
        if (degree && degree->n != 1)
            return refuse(p, "a root of no degree");
        degree = degree ? degree->first : NULL;
    }
    append(p, call, argument(p));
    append(p, call, degree);
    return call;
}

/* \frac and \binom. */
static struct maths_node *
two_arguments(struct parser *p)
{
    struct maths_node *node =
        named(p, at(p, LEX_FRAC) ? MATHS_QUOTIENT : MATHS_CALL);

    advance(p);
    append(p, node, argument(p));
    append(p, node, argument(p));
    return node;
}

/* What a function without brackets is of: 2x in \sin 2x + 1. */
static struct maths_node *
bare_argument(struct parser *p)
{
    struct maths_node *a = postfix(p);
    bool grown = false;

    while (a && !p->rc && lex_begins_factor(p->token.kind, p->bars > 0) &&
           !at(p, LEX_CALL))
        a = extend(p, MATHS_PRODUCT, a, postfix(p), &grown);
    return a;
}

/* A script: {...}, or one number, symbol or command with its sign. */
static struct maths_node *
script(struct parser *p)
{
    struct maths_node *a;

    if (at(p, '{'))
        return braces(p, true);
    if (take(p, '-')) {
        a = script(p);
        return a ? join(p, MATHS_NEGATIVE, a, NULL) : NULL;
    }
    if (at(p, '(')) // plain: 2^(1/2)
        return brackets(p);
    if (at(p, LEX_NUMBER)) {
        a = node_new(p, MATHS_NUMBER);
        if (a)
            a->number = p->token.number;
        advance(p);
        return a;
    }
    if (at(p, LEX_SYMBOL) || at(p, LEX_CONSTANT)) {
        a = named(p, at(p, LEX_SYMBOL) ? MATHS_SYMBOL : MATHS_CONSTANT);
        advance(p);
        return a;
    }
    if (at(p, LEX_FRAC) || at(p, LEX_BINOM))
        return two_arguments(p);
    return refuse(p, "no script");
}

static struct maths_node *
function(struct parser *p)
{
    struct maths_node *call = named(p, MATHS_CALL), *power = NULL, *base = NULL;
    const bool outer = p->angles;
    const bool sine = lex_is_sine(p->token.name);

    advance(p);
    while (!p->rc && (at(p, '^') || at(p, '_'))) {
        const bool up = at(p, '^');

        advance(p);
        *(up ? &power : &base) = script(p);
    }
    if (!call || p->rc)
        return NULL;
    p->angles = sine;
    append(p, call,
           at(p, '(')   ? brackets(p)
           : at(p, '{') ? braces(p, true)
                        : bare_argument(p));
    p->angles = outer;
    if (base)
        append(p, call, base);
    if (power && sine && power->kind == MATHS_NEGATIVE &&
        power->first->number.n == 1 && power->first->number.s[0] == '1')
        call->name = lex_inverse(call->name);
    else if (power)
        call = join(p, MATHS_POWER, call, power);
    return p->rc ? NULL : call;
}

/* |x|, floors and ceilings. */
static struct maths_node *
bars(struct parser *p)
{
    const int close = at(p, LEX_FLOOR)  ? LEX_FLOOR_CLOSE
                      : at(p, LEX_CEIL) ? LEX_CEIL_CLOSE
                                        : '|';
    struct maths_node *call = node_new(p, MATHS_CALL);
    const int outer = p->bars;

    if (!call)
        return NULL;
    call->name = at(p, LEX_FLOOR) ? "floor" : at(p, LEX_CEIL) ? "ceil" : "abs";
    p->bars = close == '|';
    advance(p);
    append(p, call, sum(p));
    p->bars = outer;
    return !p->rc && need(p, close, "a bar does not close") ? call : NULL;
}

static struct maths_node *
matrix(struct parser *p)
{
    struct maths_node *m = node_new(p, MATHS_MATRIX);
    int width = 0, in_row = 0;

    advance(p);
    while (m && !p->rc && !at(p, LEX_END_MATRIX)) {
        append(p, m, sum(p));
        in_row++;
        if (take(p, '&'))
            continue;
        m->rows++;
        if (m->rows > 1 && in_row != width)
            return refuse(p, "a matrix with rows of several lengths");
        width = in_row;
        in_row = 0;
        if (!take(p, LEX_ROW))
            break;
    }
    if (m && !p->rc && m->n == 0)
        return refuse(p, "an empty matrix");
    return need(p, LEX_END_MATRIX, "a matrix does not end") ? m : NULL;
}

static struct maths_node *
simple(struct parser *p)
{
    struct maths_node *node = named(p, at(p, LEX_NUMBER)     ? MATHS_NUMBER
                                       : at(p, LEX_EMPTY)    ? MATHS_SET
                                       : at(p, LEX_CONSTANT) ? MATHS_CONSTANT
                                                             : MATHS_SYMBOL);

    if (!node)
        return NULL;
    node->number = p->token.number;
    node->repeats = p->token.repeats;
    node->is_word = at(p, LEX_WORD);
    if (node->is_word)
        node->name = name_new(p, p->lex.s + p->token.start, p->token.length, 0);
    advance(p);
    return node;
}

static struct maths_node *
atom(struct parser *p)
{
    switch (p->token.kind) {
    case LEX_NUMBER:
    case LEX_SYMBOL:
    case LEX_CONSTANT:
    case LEX_WORD:
    case LEX_EMPTY:
        return simple(p);
    case '(':
    case '[':
        return brackets(p);
    case '{':
        return braces(p, true);
    case LEX_SET_OPEN:
        return braces(p, false);
    case LEX_ROOT:
        return root(p);
    case LEX_FRAC:
    case LEX_BINOM:
        return two_arguments(p);
    case LEX_CALL:
        return function(p);
    case '|':
    case LEX_FLOOR:
    case LEX_CEIL:
        return bars(p);
    case LEX_MATRIX:
        return matrix(p);
    default:
        return refuse(p, at(p, LEX_END) ? "something is missing"
                                        : "not understood");
    }
}

/* ---- operators ---------------------------------------------------------- */

/* A symbol's index becomes a part of its name. */
static struct maths_node *
index_of(struct parser *p, struct maths_node *a)
{
    const size_t start = p->token.start;
    struct maths_node *of = script(p);
    const size_t n = strlen(a->name), more = p->token.start - start;
    char *name;

    if (!of || a->kind != MATHS_SYMBOL)
        return of ? a : NULL; // the base of 12_8 is left out
    name = name_new(p, a->name, n, more + 1);
    if (!name)
        return NULL;
    name[n] = '_';
    a->name = name;
    for (size_t i = 0, to = n + 1; i <= more; i++) {
        const char ch = i < more ? p->lex.s[start + i] : '\0';

        if (ch != '{' && ch != '}' && ch != ' ')
            name[to++] = ch;
    }
    return a;
}

static struct maths_node *
one_part(struct parser *p, enum maths_kind kind, const char *name,
         struct maths_node *a)
{
    struct maths_node *node = join(p, kind, a, NULL);

    if (node)
        node->name = name;
    return node;
}

static struct maths_node *
postfix(struct parser *p)
{
    struct maths_node *a = enter(p) ? atom(p) : NULL;

    while (a && !p->rc) {
        if (take(p, '!'))
            a = one_part(p, MATHS_CALL, "factorial", a);
        else if (take(p, '%'))
            a = one_part(p, MATHS_PERCENT, "", a);
        else if (take(p, LEX_DEGREE))
            a = p->angles ? one_part(p, MATHS_DEGREES, "", a) : a;
        else if (take(p, '_'))
            a = index_of(p, a);
        else if (take(p, '^'))
            a = join(p, MATHS_POWER, a, script(p));
        else
            break;
    }
    return leave(p, a);
}

static bool
is_whole(const struct maths_node *a)
{
    return a->kind == MATHS_NUMBER && !memchr(a->number.s, '.', a->number.n);
}

/* Is the factor behind a whole number its fraction, as in 2 1/2? */
static bool
is_fraction(const struct maths_node *a)
{
    return a->kind == MATHS_QUOTIENT && is_whole(a->first) &&
           is_whole(a->first->next);
}

/* Factors beside each other: a product, or a mixed number. */
static struct maths_node *
factors(struct parser *p)
{
    struct maths_node *a = postfix(p), *b;
    bool grown = false;

    while (a && !p->rc && lex_begins_factor(p->token.kind, p->bars > 0)) {
        const bool number = at(p, LEX_NUMBER);

        b = postfix(p);
        if (b && number && is_whole(a) && is_whole(b) && at(p, '/')) {
            advance(p);
            b = join(p, MATHS_QUOTIENT, b, postfix(p));
        } else if (b && number && a->kind == MATHS_NUMBER) {
            return refuse(p, "two numbers beside each other");
        } else if (number && (grown ? a->last : a)->kind == MATHS_SYMBOL) {
            return refuse(p, "a number behind a letter");
        }
        if (b && is_whole(a) && is_fraction(b))
            a = join(p, MATHS_MIXED, a, b);
        else
            a = extend(p, MATHS_PRODUCT, a, b, &grown);
    }
    return a;
}

static bool
at_sign(const struct parser *p)
{
    return at(p, '-') || at(p, '+') || at(p, LEX_PLUS_MINUS);
}

/* Is the sign a minus, in this reading of +- and -+? */
static bool
is_minus(struct parser *p)
{
    if (!at(p, LEX_PLUS_MINUS))
        return at(p, '-');
    p->choice.met = true;
    return p->choice.minus != (p->token.name[0] == '-');
}

static struct maths_node *
signed_factors(struct parser *p)
{
    bool negative = false;
    struct maths_node *a;

    while (at_sign(p)) {
        negative ^= is_minus(p);
        advance(p);
    }
    a = factors(p);
    return negative && a ? join(p, MATHS_NEGATIVE, a, NULL) : a;
}

static struct maths_node *
product(struct parser *p)
{
    struct maths_node *a = signed_factors(p);
    bool grown = false;

    while (a && !p->rc) {
        if (take(p, '*')) {
            a = extend(p, MATHS_PRODUCT, a, signed_factors(p), &grown);
        } else if (at(p, '/') || at(p, ':')) {
            advance(p);
            a = join(p, MATHS_QUOTIENT, a, signed_factors(p));
            grown = false;
        } else {
            break;
        }
    }
    return a;
}

static struct maths_node *
sum(struct parser *p)
{
    struct maths_node *a = enter(p) ? product(p) : NULL, *b;
    bool grown = false;

    while (a && !p->rc && at_sign(p)) {
        const bool minus = is_minus(p);

        advance(p);
        b = product(p);
        if (b && minus)
            b = join(p, MATHS_NEGATIVE, b, NULL);
        a = extend(p, MATHS_SUM, a, b, &grown);
    }
    return leave(p, a);
}

static struct maths_node *
set_union(struct parser *p)
{
    struct maths_node *a = sum(p);

    while (a && !p->rc && at(p, LEX_UNION)) {
        const char *name = p->token.name;

        advance(p);
        if (a->kind == MATHS_UNION && strcmp(a->name, name) == 0 &&
            name[0] != '-') {
            append(p, a, sum(p));
        } else {
            a = join(p, MATHS_UNION, a, sum(p));
            if (a)
                a->name = name;
        }
    }
    return a;
}

static struct maths_node *
relation(struct parser *p)
{
    struct maths_node *a = enter(p) ? set_union(p) : NULL, *chain = NULL, *b;

    while (a && !p->rc && at(p, LEX_RELATION)) {
        const char *name = p->token.name;

        advance(p);
        b = set_union(p);
        if (!b)
            break;
        if (name[0] == '~') { // of x ~ 3.14 the value, else what is exact
            a = a->kind == MATHS_SYMBOL ? b : a;
            continue;
        }
        b->relation = name;
        if (chain)
            append(p, chain, b);
        else
            chain = join(p, MATHS_RELATION, a, b);
        a = chain;
    }
    return leave(p, a);
}

/* A relation; with +- in it the list of both, read with either sign. */
static struct maths_node *
item(struct parser *p)
{
    const size_t start = p->token.start;
    const struct choice outer = p->choice;
    struct maths_node *a, *b;

    p->choice = (struct choice){0};
    a = relation(p);
    if (a && p->choice.met) {
        lex_back(&p->lex, start);
        advance(p);
        p->choice.minus = true;
        b = relation(p);
        a = b ? join(p, MATHS_LIST, a, b) : NULL;
    }
    p->choice = outer;
    return a;
}

static struct maths_node *
list(struct parser *p)
{
    struct maths_node *all = node_new(p, MATHS_LIST);

    while (all && !p->rc) {
        add_item(p, all, item(p));
        if (!at(p, ',') && !at(p, ';'))
            break;
        advance(p);
    }
    if (p->rc)
        return NULL;
    if (!at(p, LEX_END))
        return refuse(p, "not understood");
    return all->n == 1 ? all->first : all;
}

int
maths_open(struct maths *out, const char *text, size_t n, trv_err *err)
{
    struct parser p = {.m = out, .err = err};

    *out = (struct maths){0};
    if (n > MATHS_TEXT_MAX)
        return err_fail(err, TRV_EFORMAT, "longer than %d bytes",
                        MATHS_TEXT_MAX);
    if (maths_tidy(&out->text, text, n)) {
        p.rc = err_nomem(err, "to read an answer");
    } else if (out->text.len == 0) {
        p.rc = err_fail(err, TRV_EFORMAT, "nothing is there");
    } else {
        p.lex = (struct lexer){.s = out->text.s, .n = out->text.len};
        advance(&p);
        out->root = list(&p);
    }
    if (p.rc)
        maths_release(out);
    return p.rc;
}

void
maths_release(struct maths *m)
{
    arena_release(&m->mem);
    sb_release(&m->text);
    *m = (struct maths){0};
}
