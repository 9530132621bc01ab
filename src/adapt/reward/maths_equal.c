/* maths_equal.c -- does an answer say what the reference says?
 *
 * The rules, and that they are not symmetric, are those of math-verify's
 * grader: the reference says what kind of thing is wanted, and the answer may
 * be written with less or more around it.
 */
#include <math.h>
#include <string.h>
#include <strings.h>

#include "adapt/reward/maths.h"

#define PLACES 1e6L            // decimals are compared to six places
#define COMPARISONS_MAX 200000 // beyond it answers differ

/* What may still be compared. */
struct budget {
    int64_t left;
};

static bool equal(struct budget *w, const struct maths_node *a,
                  const struct maths_node *b);

/* ---- relations ---------------------------------------------------------- */

/* Is it made of symbols alone, as what is left of "f(x) = 3"? */
static bool
only_symbols(const struct maths_node *a)
{
    if (a->kind == MATHS_SYMBOL)
        return true;
    if (a->kind != MATHS_PRODUCT && a->kind != MATHS_SUM &&
        a->kind != MATHS_TUPLE)
        return false;
    for (const struct maths_node *p = a->first; p; p = p->next)
        if (!only_symbols(p))
            return false;
    return a->n > 0;
}

/* A chain of equations. */
static bool
is_equation(const struct maths_node *a)
{
    if (a->kind != MATHS_RELATION)
        return false;
    for (const struct maths_node *p = a->first->next; p; p = p->next)
        if (strcmp(p->relation, "=") != 0)
            return false;
    return true;
}

static bool
is_assignment(const struct maths_node *a)
{
    return is_equation(a) && only_symbols(a->first);
}

/* left - right, at a point. */
static bool
difference(struct maths_value *out, const struct maths_node *left,
           const struct maths_node *right, int point)
{
    struct maths_value a, b;

    if (!maths_value(&a, left, point) || !maths_value(&b, right, point))
        return false;
    *out = (struct maths_value){.x = a.x - b.x};
    return true;
}

/* Are both sides' differences proportional at all points? *ratio is the
 * factor. */
static bool
proportional(long double *ratio, const struct maths_node *a1,
             const struct maths_node *a2, const struct maths_node *b1,
             const struct maths_node *b2)
{
    long double _Complex first = 0;
    int n = 0;

    for (int point = 0; point < MATHS_POINTS; point++) {
        struct maths_value a, b;
        long double _Complex q;

        if (!difference(&a, a1, a2, point) || !difference(&b, b1, b2, point))
            return false;
        if (cabsl(b.x) < 1e-12L)
            continue;
        q = a.x / b.x;
        if (n++ == 0)
            first = q;
        else if (!(cabsl(q - first) <= 1e-12L * cabsl(first)))
            return false;
    }
    *ratio = creall(first);
    return n > 1 && cimagl(first) == 0 && *ratio != 0;
}

static const char *
turned(const char *relation)
{
    return strcmp(relation, "<") == 0    ? ">"
           : strcmp(relation, ">") == 0  ? "<"
           : strcmp(relation, "<=") == 0 ? ">="
           : strcmp(relation, ">=") == 0 ? "<="
                                         : relation;
}

/* Is there one symbol at most? */
static bool
lone(const char **name, const struct maths_node *a)
{
    if (a->kind == MATHS_SYMBOL && !*name)
        *name = a->name;
    if (a->kind == MATHS_SYMBOL)
        return strcmp(*name, a->name) == 0;
    for (const struct maths_node *p = a->first; p; p = p->next)
        if (!lone(name, p))
            return false;
    return true;
}

static bool
one_symbol(const struct maths_node *a, const struct maths_node *b)
{
    const char *name = NULL;

    return lone(&name, a) && lone(&name, b);
}

/* One link of each chain. */
static bool
links_equal(struct budget *w, const struct maths_node *a1,
            const struct maths_node *a2, const struct maths_node *b1,
            const struct maths_node *b2)
{
    const bool same = strcmp(a2->relation, b2->relation) == 0;
    const bool flat =
        strcmp(a2->relation, "=") == 0 || strcmp(a2->relation, "!=") == 0;
    long double ratio;

    if (same && equal(w, a1, b1) && equal(w, a2, b2))
        return true;
    if (strcmp(a2->relation, turned(b2->relation)) == 0 && equal(w, a1, b2) &&
        equal(w, a2, b1))
        return true;
    if (!same && strcmp(a2->relation, turned(b2->relation)) != 0)
        return false;
    if (!proportional(&ratio, a1, a2, b1, b2))
        return false;
    if (flat && one_symbol(a1, a2) && fabsl(ratio) != 1)
        return false; // 2x = 6 is not solved yet
    return flat || (ratio > 0) == same;
}

static bool
chains_equal(struct budget *w, const struct maths_node *a,
             const struct maths_node *b)
{
    const struct maths_node *p = a->first, *q = b->first;

    if (is_assignment(a) && is_assignment(b)) // x = 2 + 3 = 5 says x = 5
        return links_equal(w, a->first, a->last, b->first, b->last);
    if (a->n != b->n)
        return false;
    for (; p->next; p = p->next, q = q->next)
        if (!links_equal(w, p, p->next, q, q->next))
            return false;
    return true;
}

/* ---- numbers ------------------------------------------------------------ */

/* The digits of a number, through signs and percent. */
static const struct maths_node *
literal(const struct maths_node *a, bool *negative, bool *percent)
{
    *negative = *percent = false;
    for (; a->kind == MATHS_NEGATIVE || a->kind == MATHS_PERCENT;
         a = a->first) {
        *negative ^= a->kind == MATHS_NEGATIVE;
        *percent |= a->kind == MATHS_PERCENT;
    }
    return a->kind == MATHS_NUMBER && !a->repeats ? a : NULL;
}

static bool
is_decimal(const struct maths_node *a)
{
    return a &&
           (memchr(a->number.s, '.', a->number.n) || a->number.exponent != 0);
}

static bool
rounds_equal(const struct maths_node *a, const struct maths_node *b)
{
    struct maths_value x, y;

    return maths_value(&x, a, 0) && maths_value(&y, b, 0) && cimagl(x.x) == 0 &&
           cimagl(y.x) == 0 && fabsl(creall(x.x)) < 1e15L &&
           roundl(creall(x.x) * PLACES) == roundl(creall(y.x) * PLACES);
}

static bool
values_equal(const struct maths_node *a, const struct maths_node *b)
{
    int n = 0;

    for (int point = 0; point < MATHS_POINTS; point++) {
        struct maths_value x, y;
        const bool some_x = maths_value(&x, a, point);
        const bool some_y = maths_value(&y, b, point);

        if (!some_x || !some_y)
            return false;
        if (!maths_value_equal(&x, &y))
            return false;
        n++;
    }
    return n > 0;
}

static bool
numbers_equal(const struct maths_node *a, const struct maths_node *b)
{
    bool minus_a, minus_b, pct_a, pct_b;
    const struct maths_node *x = literal(a, &minus_a, &pct_a);
    const struct maths_node *y = literal(b, &minus_b, &pct_b);

    if (x && y) { // digit by digit, however many there are
        struct number p = x->number, q = y->number;

        p.negative = minus_a;
        q.negative = minus_b;
        p.percent = pct_a;
        q.percent = pct_b;
        if (number_equal(&p, &q))
            return true;
    }
    if ((is_decimal(x) || is_decimal(y)) && !maths_has_symbols(a) &&
        !maths_has_symbols(b) && rounds_equal(a, b))
        return true;
    return values_equal(a, b);
}

/* ---- symbols ------------------------------------------------------------ */

/* A product of letters, or a word, as one word in lower case. */
static bool
spelling(char *out, size_t cap, const struct maths_node *a)
{
    size_t n = strlen(out);

    if (a->kind == MATHS_PRODUCT) {
        for (const struct maths_node *p = a->first; p; p = p->next)
            if (p->kind == MATHS_PRODUCT || !spelling(out, cap, p))
                return false;
        return true;
    }
    if (a->kind != MATHS_SYMBOL && a->kind != MATHS_CONSTANT)
        return false;
    if (n + strlen(a->name) >= cap)
        return false;
    memcpy(out + n, a->name, strlen(a->name) + 1);
    return true;
}

/* \text{Monday} and Monday, \text{(C)} and C. */
static bool
words_equal(const struct maths_node *a, const struct maths_node *b)
{
    char left[128] = "", right[128] = "";

    return (a->is_word || b->is_word) && spelling(left, sizeof(left), a) &&
           spelling(right, sizeof(right), b) && strcasecmp(left, right) == 0;
}

/* ---- lists, sets, intervals --------------------------------------------- */

static bool
is_group(const struct maths_node *a)
{
    return a->kind == MATHS_LIST || a->kind == MATHS_SET ||
           a->kind == MATHS_TUPLE || a->kind == MATHS_UNION;
}

/* (1, 2) and what no interval can be, (2, 1) or [1, 2, 3]. */
static bool
is_ordered(const struct maths_node *a)
{
    struct maths_value low, high;

    if (a->kind != MATHS_TUPLE)
        return false;
    if (a->n != 2 || (a->open_left && a->open_right))
        return true;
    return maths_value(&low, a->first, 0) && maths_value(&high, a->last, 0) &&
           a->open_left == a->open_right && creall(high.x) < creall(low.x);
}

static bool
parts_in_order(struct budget *w, const struct maths_node *a,
               const struct maths_node *b)
{
    const struct maths_node *p = a->first, *q = b->first;

    for (; p && q; p = p->next, q = q->next)
        if (!equal(w, p, q))
            return false;
    return !p && !q;
}

/* The parts of a, less those that were there before. */
static int
distinct(struct budget *w, const struct maths_node **out,
         const struct maths_node *a)
{
    int n = 0;

    if (!is_group(a)) {
        out[0] = a;
        return 1;
    }
    for (const struct maths_node *p = a->first; p; p = p->next) {
        bool known = false;

        for (int i = 0; i < n && !known; i++)
            known = equal(w, out[i], p);
        if (!known)
            out[n++] = p;
    }
    return n;
}

static bool
parts_in_any_order(struct budget *w, const struct maths_node *a,
                   const struct maths_node *b)
{
    const struct maths_node *x[MATHS_ITEMS_MAX], *y[MATHS_ITEMS_MAX];
    const int n = distinct(w, x, a), m = distinct(w, y, b);

    for (int i = 0; i < n && n == m; i++) {
        bool there = false;

        for (int k = 0; k < m && !there; k++)
            there = equal(w, x[i], y[k]);
        if (!there)
            return false;
    }
    return n == m;
}

/* An interval's ends, or all real numbers. */
static bool
intervals_equal(struct budget *w, const struct maths_node *a,
                const struct maths_node *b)
{
    return a->n == 2 && b->n == 2 && a->open_left == b->open_left &&
           a->open_right == b->open_right && equal(w, a->first, b->first) &&
           equal(w, a->last, b->last);
}

static bool
is_infinite(const struct maths_node *a, bool negative)
{
    if (negative)
        return a->kind == MATHS_NEGATIVE && is_infinite(a->first, false);
    return a->kind == MATHS_CONSTANT && strcmp(a->name, "infty") == 0;
}

/* The real numbers, by their letter or as an interval. */
static bool
is_reals(const struct maths_node *a)
{
    if (a->kind == MATHS_SYMBOL)
        return strcmp(a->name, "mathbbR") == 0;
    return a->kind == MATHS_TUPLE && a->n == 2 && is_infinite(a->first, true) &&
           is_infinite(a->last, false);
}

static bool
groups_equal(struct budget *w, const struct maths_node *a,
             const struct maths_node *b)
{
    if (is_reals(a) && is_reals(b))
        return true;
    if (a->kind == MATHS_UNION || b->kind == MATHS_UNION)
        return a->kind == b->kind && strcmp(a->name, b->name) == 0 &&
               (a->name[0] == '-' ? parts_in_order(w, a, b)
                                  : parts_in_any_order(w, a, b));
    if (a->kind == MATHS_TUPLE && b->kind == MATHS_TUPLE)
        return is_ordered(a) && is_ordered(b) ? parts_in_order(w, a, b)
                                              : intervals_equal(w, a, b);
    if (a->kind == MATHS_TUPLE) // the reference has an order
        return is_ordered(a) && b->kind != MATHS_UNION &&
               parts_in_order(w, a, b);
    if (b->kind == MATHS_TUPLE && !is_ordered(b))
        return false;
    return parts_in_any_order(w, a, b);
}

/* 1 < x <= 2 as the interval (1, 2]; false where it is none. */
static bool
as_interval(struct maths_node *out, struct maths_node ends[2],
            const struct maths_node *a)
{
    static const struct maths_node infinite = {.kind = MATHS_CONSTANT,
                                               .name = "infty"};
    static struct maths_node infinity_part = {.kind = MATHS_CONSTANT,
                                              .name = "infty"};
    const struct maths_node *low = NULL, *high = NULL;
    bool open_low = true, open_high = true;

    if (a->kind != MATHS_RELATION || a->n > 3)
        return false;
    for (const struct maths_node *p = a->first; p->next; p = p->next) {
        const char *r = p->next->relation;
        const bool left = p->kind == MATHS_SYMBOL;
        const struct maths_node *end = left ? p->next : p;
        const bool up = (r[0] == '<') == left;

        if ((r[0] != '<' && r[0] != '>') ||
            left == (p->next->kind == MATHS_SYMBOL))
            return false;
        *(up ? &high : &low) = end;
        *(up ? &open_high : &open_low) = r[1] != '=';
    }
    ends[1] = high ? *high : infinite;
    ends[0] = low ? *low
                  : (struct maths_node){.kind = MATHS_NEGATIVE,
                                        .first = &infinity_part,
                                        .last = &infinity_part,
                                        .n = 1};
    ends[0].next = &ends[1];
    ends[1].next = NULL;
    *out = (struct maths_node){.kind = MATHS_TUPLE,
                               .first = &ends[0],
                               .last = &ends[1],
                               .n = 2,
                               .open_left = open_low,
                               .open_right = open_high};
    return true;
}

/* ---- all ---------------------------------------------------------------- */

static bool
equal(struct budget *w, const struct maths_node *a, const struct maths_node *b)
{
    struct maths_node interval, ends[2];

    if (--w->left < 0)
        return false;
    if (is_equation(b) && !is_equation(a))
        b = b->last; // 9 and x = 9
    else if (is_assignment(a) && !is_equation(b))
        a = a->last;
    if (a->kind == MATHS_RELATION && b->kind == MATHS_RELATION)
        return chains_equal(w, a, b);
    if (a->kind == MATHS_RELATION && is_group(b))
        return as_interval(&interval, ends, a) && groups_equal(w, &interval, b);
    if (a->kind == MATHS_RELATION || b->kind == MATHS_RELATION)
        return false;
    if (is_group(a) || is_group(b))
        return groups_equal(w, a, b);
    if (a->kind == MATHS_MATRIX || b->kind == MATHS_MATRIX)
        return a->kind == b->kind && a->rows == b->rows &&
               parts_in_order(w, a, b);
    return words_equal(a, b) || numbers_equal(a, b);
}

bool
maths_equal(const struct maths *reference, const struct maths *answer)
{
    struct budget w = {.left = COMPARISONS_MAX};

    return equal(&w, reference->root, answer->root);
}
