/* maths_value.c -- the value of an expression: a fraction of 128-bit integers
 * while that is exact, and otherwise a complex long double.
 *
 * Symbols have values of their own at each of several points. Two expressions
 * that agree at all of them are equal: a polynomial of small degree that is
 * zero at random points is zero (Schwartz 1980, Zippel 1979).
 */
#include <math.h>
#include <string.h>

#include "adapt/reward/maths.h"

#define EXACT_POWER_MAX 4096
#define FACTORIAL_MAX 100

/* A relative error that 64 bits of mantissa leave behind some hundred
 * operations, and that no two answers of a test differ by. */
#define CLOSE 1e-15L

typedef long double _Complex wide_complex;

static maths_wide
gcd(maths_wide a, maths_wide b)
{
    a = a < 0 ? -a : a;
    while (b) {
        const maths_wide r = a % b;

        a = b;
        b = r < 0 ? -r : r;
    }
    return a;
}

static struct maths_value
inexact(wide_complex x)
{
    return (struct maths_value){.x = x};
}

static struct maths_value
whole(maths_wide p)
{
    return (struct maths_value){
        .exact = true, .p = p, .q = 1, .x = (long double)p};
}

/* p / q in lowest terms; q is not 0. */
static struct maths_value
fraction(maths_wide p, maths_wide q)
{
    const maths_wide g = gcd(p, q);
    const maths_wide sign = q < 0 ? -1 : 1;

    p = sign * (g ? p / g : p);
    q = sign * (g ? q / g : q);
    return (struct maths_value){
        .exact = true, .p = p, .q = q, .x = (long double)p / (long double)q};
}

static bool
fits(maths_wide a) // its negative must be there, too
{
    return a != ((maths_wide)1 << 126) * -2;
}

static struct maths_value
multiply(struct maths_value a, struct maths_value b)
{
    maths_wide p, q, g, h;

    if (a.exact && b.exact) {
        g = gcd(a.p, b.q); // crosswise, so that less overflows
        h = gcd(b.p, a.q);
        g = g ? g : 1;
        h = h ? h : 1;
        if (!__builtin_mul_overflow(a.p / g, b.p / h, &p) &&
            !__builtin_mul_overflow(a.q / h, b.q / g, &q) && fits(p) && fits(q))
            return fraction(p, q);
    }
    return inexact(a.x * b.x);
}

static struct maths_value
add(struct maths_value a, struct maths_value b)
{
    maths_wide left, right, p, q;

    if (a.exact && b.exact && !__builtin_mul_overflow(a.p, b.q, &left) &&
        !__builtin_mul_overflow(b.p, a.q, &right) &&
        !__builtin_mul_overflow(a.q, b.q, &q) &&
        !__builtin_add_overflow(left, right, &p) && fits(p) && fits(q))
        return fraction(p, q);
    return inexact(a.x + b.x);
}

static struct maths_value
negate(struct maths_value a)
{
    a.p = -a.p;
    a.x = -a.x;
    return a;
}

static bool
is_zero(const struct maths_value *a)
{
    return a->exact ? a->p == 0 : a->x == 0;
}

static bool
divide(struct maths_value *out, struct maths_value a, struct maths_value b)
{
    if (is_zero(&b))
        return false;
    if (b.exact && b.p < 0)
        *out = multiply(negate(a),
                        (struct maths_value){
                            .exact = true, .p = b.q, .q = -b.p, .x = -1 / b.x});
    else if (b.exact)
        *out =
            multiply(a, (struct maths_value){
                            .exact = true, .p = b.q, .q = b.p, .x = 1 / b.x});
    else
        *out = inexact(a.x / b.x);
    return true;
}

static bool
raise(struct maths_value *out, struct maths_value a, struct maths_value b)
{
    const bool turned = b.exact && b.p < 0;
    const maths_wide times = turned ? -b.p : b.p;

    if (is_zero(&a) && (!b.exact || b.p <= 0))
        return b.exact && b.p == 0 && (*out = whole(1), true);
    if (b.exact && b.q == 1 && times <= EXACT_POWER_MAX) {
        *out = whole(1);
        for (maths_wide left = times; left; left /= 2) {
            if (left % 2)
                *out = multiply(*out, a);
            a = left > 1 ? multiply(a, a) : a;
        }
        return !turned || divide(out, whole(1), *out);
    }
    if (creall(a.x) < 0 && cimagl(a.x) == 0 && b.exact && b.q % 2 == 1 &&
        b.q > 1) { // (-8)^(1/3) is -2 to whoever writes it
        *out = inexact(cpowl(-a.x, b.x) * (b.p % 2 ? -1 : 1));
        return true;
    }
    *out = inexact(a.x == 0 ? 0 : cpowl(a.x, b.x));
    return true;
}

/* Digits, point and exponent. */
static struct maths_value
decimal(const struct number *a)
{
    struct maths_value v = whole(0);
    bool behind = false, exact = true;
    long double x = 0;
    int64_t shift = a->exponent;
    maths_wide p = 0, ten = 1;

    for (size_t i = 0; i < a->n; i++) {
        const char ch = a->s[i];

        if (ch == '.')
            behind = true;
        if (ch < '0' || ch > '9')
            continue;
        exact = exact && !__builtin_mul_overflow(p, 10, &p) &&
                !__builtin_add_overflow(p, ch - '0', &p);
        x = 10 * x + (long double)(ch - '0');
        shift -= behind;
    }
    for (int64_t i = 0; exact && i < (shift < 0 ? -shift : shift); i++)
        exact = !__builtin_mul_overflow(ten, 10, &ten);
    if (exact && shift < 0)
        v = fraction(p, ten);
    else if (exact && !__builtin_mul_overflow(p, ten, &p))
        v = whole(p);
    else
        v = inexact(x * powl(10, (long double)shift));
    return a->negative ? negate(v) : v;
}

/* Digits, of which the last may repeat: 0.1666... is (16 - 1) / 90. */
static struct maths_value
literal(const struct maths_node *node)
{
    struct maths_value v = decimal(&node->number), rest;
    struct number before = node->number;
    maths_wide nines = 1;

    if (node->repeats == 0)
        return v;
    before.n -= (size_t)node->repeats + sizeof("\\overline{}") - 1;
    rest = decimal(&before);
    for (int i = 0; i < node->repeats; i++)
        nines *= 10;
    v = add(v, negate(rest)); // the repeated digits, once
    return add(rest, multiply(v, fraction(nines, nines - 1)));
}

/* A symbol's value: between 1/2 and 3/2, of its name and the point alone, and
 * no round number. */
static long double
place(const char *name, int point)
{
    uint64_t h = 1469598103934665603u + (uint64_t)point * 7919u;

    for (; *name; name++)
        h = (h ^ (unsigned char)*name) * 1099511628211u;
    h ^= h >> 29;
    h *= 0xbf58476d1ce4e5b9u;
    h ^= h >> 32;
    return 0.5L + (long double)(h >> 12) / (long double)(1ull << 52);
}

static bool
constant(struct maths_value *out, const char *name)
{
    if (strcmp(name, "pi") == 0)
        *out = inexact(acosl(-1.0L));
    else if (strcmp(name, "e") == 0)
        *out = inexact(expl(1.0L));
    else if (strcmp(name, "i") == 0)
        *out = inexact((wide_complex)_Complex_I);
    else
        *out = inexact((long double)INFINITY);
    return true;
}

static bool
factorial(struct maths_value *out, const struct maths_value *a)
{
    if (!a->exact || a->q != 1 || a->p < 0 || a->p > FACTORIAL_MAX) {
        *out = inexact(tgammal(creall(a->x) + 1));
        return cimagl(a->x) == 0 && !isnan(creall(out->x));
    }
    *out = whole(1);
    for (maths_wide i = 2; i <= a->p; i++)
        *out = multiply(*out, whole(i));
    return true;
}

static bool
binomial(struct maths_value *out, const struct maths_value *n,
         const struct maths_value *k)
{
    if (!k->exact || k->q != 1 || k->p < 0 || k->p > FACTORIAL_MAX)
        return false;
    *out = whole(1);
    for (maths_wide i = 0; i < k->p; i++)
        if (!divide(out, multiply(*out, add(*n, whole(-i))), whole(i + 1)))
            return false;
    return true;
}

static bool
round_to(struct maths_value *out, const struct maths_value *a, bool up)
{
    if (a->exact) {
        const maths_wide rest = a->p % a->q;
        const maths_wide down = a->p / a->q - (rest < 0);

        *out = whole(down + (up && rest != 0));
        return true;
    }
    *out = inexact(up ? ceill(creall(a->x)) : floorl(creall(a->x)));
    return cimagl(a->x) == 0;
}

static wide_complex
of_sine(const char *name, wide_complex x)
{
    return strcmp(name, "sin") == 0   ? csinl(x)
           : strcmp(name, "cos") == 0 ? ccosl(x)
           : strcmp(name, "tan") == 0 ? ctanl(x)
           : strcmp(name, "cot") == 0 ? 1 / ctanl(x)
           : strcmp(name, "sec") == 0 ? 1 / ccosl(x)
                                      : 1 / csinl(x);
}

static bool
call_one(struct maths_value *out, const char *name, struct maths_value a)
{
    static const struct {
        const char *name;
        wide_complex (*f)(wide_complex);
    } plain[] = {{"arcsin", casinl}, {"arccos", cacosl}, {"arctan", catanl},
                 {"sinh", csinhl},   {"cosh", ccoshl},   {"tanh", ctanhl},
                 {"exp", cexpl},     {"ln", clogl}};
    static const char *const sines[] = {"sin", "cos", "tan",
                                        "cot", "sec", "csc"};

    for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++)
        if (strcmp(name, plain[i].name) == 0) {
            *out = inexact(plain[i].f(a.x));
            return true;
        }
    for (size_t i = 0; i < sizeof(sines) / sizeof(sines[0]); i++)
        if (strcmp(name, sines[i]) == 0) {
            *out = inexact(of_sine(name, a.x));
            return true;
        }
    if (strcmp(name, "sqrt") == 0)
        return raise(out, a, fraction(1, 2));
    if (strcmp(name, "log") == 0) // of ten, as schools have it
        return *out = inexact(clogl(a.x) / logl(10)), a.x != 0;
    if (strcmp(name, "abs") == 0 && a.exact)
        return *out = a.p < 0 ? negate(a) : a, true;
    if (strcmp(name, "abs") == 0)
        return *out = inexact(cabsl(a.x)), true;
    if (strcmp(name, "factorial") == 0)
        return factorial(out, &a);
    if (strcmp(name, "floor") == 0 || strcmp(name, "ceil") == 0)
        return round_to(out, &a, name[0] == 'c');
    return false;
}

static bool
call(struct maths_value *out, const struct maths_node *node, int point)
{
    struct maths_value a, b;

    if (node->n < 1 || node->n > 2 || !maths_value(&a, node->first, point))
        return false;
    if (node->n == 1)
        return call_one(out, node->name, a);
    if (!maths_value(&b, node->first->next, point))
        return false;
    if (strcmp(node->name, "binom") == 0)
        return binomial(out, &a, &b);
    if (strcmp(node->name, "sqrt") == 0)
        return divide(&b, whole(1), b) && raise(out, a, b);
    if (strcmp(node->name, "log") == 0 && a.x != 0 && b.x != 0)
        return divide(out, inexact(clogl(a.x)), inexact(clogl(b.x)));
    return false;
}

static bool
of_parts(struct maths_value *out, const struct maths_node *node, int point)
{
    const bool sum = node->kind == MATHS_SUM || node->kind == MATHS_MIXED;
    struct maths_value v;

    *out = whole(sum ? 0 : 1);
    for (const struct maths_node *p = node->first; p; p = p->next) {
        if (!maths_value(&v, p, point))
            return false;
        *out = sum ? add(*out, v) : multiply(*out, v);
    }
    return true;
}

bool
maths_value(struct maths_value *out, const struct maths_node *node, int point)
{
    struct maths_value a, b;

    switch (node->kind) {
    case MATHS_NUMBER:
        *out = literal(node);
        return true;
    case MATHS_SYMBOL:
        *out = inexact(place(node->name, point));
        return true;
    case MATHS_CONSTANT:
        return constant(out, node->name);
    case MATHS_SUM:
    case MATHS_MIXED:
    case MATHS_PRODUCT:
        return of_parts(out, node, point);
    case MATHS_NEGATIVE:
    case MATHS_PERCENT:
    case MATHS_DEGREES:
        if (!maths_value(&a, node->first, point))
            return false;
        *out = node->kind == MATHS_NEGATIVE ? negate(a)
               : node->kind == MATHS_PERCENT
                   ? multiply(a, fraction(1, 100))
                   : inexact(a.x * (acosl(-1.0L) / 180));
        return true;
    case MATHS_QUOTIENT:
    case MATHS_POWER:
        if (!maths_value(&a, node->first, point) ||
            !maths_value(&b, node->first->next, point))
            return false;
        return node->kind == MATHS_POWER ? raise(out, a, b) : divide(out, a, b);
    case MATHS_CALL:
        return call(out, node, point);
    default:
        return false;
    }
}

bool
maths_value_equal(const struct maths_value *a, const struct maths_value *b)
{
    const long double size = fmaxl(cabsl(a->x), cabsl(b->x));

    if (a->exact && b->exact)
        return a->p == b->p && a->q == b->q;
    if (isnan(size))
        return false;
    if (isinf(size))
        return creall(a->x) == creall(b->x) && cimagl(a->x) == cimagl(b->x);
    return cabsl(a->x - b->x) <= CLOSE * fmaxl(size, 1e-3L);
}

bool
maths_has_symbols(const struct maths_node *node)
{
    if (node->kind == MATHS_SYMBOL)
        return true;
    for (const struct maths_node *p = node->first; p; p = p->next)
        if (maths_has_symbols(p))
            return true;
    return false;
}
