/* jinja_arith.c -- operators between values, and the % of strings. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "text/jinja/jinja_value.h"

static int64_t
floor_div(int64_t a, int64_t b)
{
    const int64_t q = a / b;

    return (a % b != 0 && (a < 0) != (b < 0)) ? q - 1 : q;
}

static double
float_mod(double a, double b)
{
    double m = fmod(a, b);

    if (m < 0 || m > 0) {
        if ((b < 0) != (m < 0))
            m += b;
    } else {
        m = copysign(0.0, b);
    }
    return m;
}

static double
float_floor_div(double a, double b)
{
    double m = fmod(a, b), q = (a - m) / b, whole;

    if ((m < 0 || m > 0) && (b < 0) != (m < 0))
        q -= 1.0;
    if (!(q < 0 || q > 0))
        return copysign(0.0, a / b);
    whole = floor(q);
    return q - whole > 0.5 ? whole + 1.0 : whole;
}

static bool
int_power(int64_t *out, int64_t base, int64_t power)
{
    int64_t x = 1;

    for (; power > 0; power >>= 1) {
        if ((power & 1) && __builtin_mul_overflow(x, base, &x))
            return false;
        if (power > 1 && __builtin_mul_overflow(base, base, &base))
            return false;
    }
    *out = x;
    return true;
}

static struct jv
int_arith(struct jctx *c, int op, int64_t a, int64_t b)
{
    int64_t x = 0;
    bool fits = true;

    if (b == 0 && (op == '/' || op == '%' || op == 'f'))
        return j_fail(c, TRV_EFORMAT, "division by zero");
    switch (op) {
    case '+':
        fits = !__builtin_add_overflow(a, b, &x);
        break;
    case '-':
        fits = !__builtin_sub_overflow(a, b, &x);
        break;
    case '*':
        fits = !__builtin_mul_overflow(a, b, &x);
        break;
    case '/':
        return j_float((double)a / (double)b);
    case 'p':
        if (b < 0 && a == 0)
            return j_fail(c, TRV_EFORMAT, "division by zero");
        if (b < 0)
            return j_float(pow((double)a, (double)b));
        fits = int_power(&x, a, b);
        break;
    default:
        fits = !(a == INT64_MIN && b == -1);
        if (fits && op == 'f')
            x = floor_div(a, b);
        else if (fits)
            x = a - floor_div(a, b) * b;
        else if (op == '%')
            fits = true;
    }
    return fits ? j_int(x)
                : j_fail(c, TRV_ERANGE, "an integer outside 64 bits");
}

static struct jv
float_arith(struct jctx *c, int op, double a, double b)
{
    double x;

    if (!(b < 0 || b > 0 || isnan(b)) && (op == '/' || op == '%' || op == 'f'))
        return j_fail(c, TRV_EFORMAT, "division by zero");
    switch (op) {
    case '+':
        return j_float(a + b);
    case '-':
        return j_float(a - b);
    case '*':
        return j_float(a * b);
    case '/':
        return j_float(a / b);
    case 'p':
        x = pow(a, b);
        if ((isinf(x) || isnan(x)) && isfinite(a) && isfinite(b))
            return j_fail(c, TRV_ERANGE, "the power is no real number");
        return j_float(x);
    case 'f':
        return j_float(float_floor_div(a, b));
    default:
        return j_float(float_mod(a, b));
    }
}

static struct jv
join_lists(struct jctx *c, struct jv a, struct jv b)
{
    struct j_list *l = j_list_new(c);

    for (int64_t i = 0; i < a.u.list->n && !c->rc; i++)
        j_list_push(c, l, a.u.list->v[i]);
    for (int64_t i = 0; i < b.u.list->n && !c->rc; i++)
        j_list_push(c, l, b.u.list->v[i]);
    return j_seq(a.kind, l);
}

static struct jv
repeat(struct jctx *c, struct jv a, int64_t times)
{
    if (times < 0)
        times = 0;
    if (a.kind == J_STR) {
        char *s;

        if (a.n == 0 || times == 0)
            return j_str("", 0);
        s = j_alloc(c, (size_t)times, a.n);
        if (!s)
            return a;
        if (a.n == 1)
            memset(s, a.u.s[0], (size_t)times);
        else
            for (int64_t i = 0; i < times; i++)
                memcpy(s + (size_t)i * a.n, a.u.s, a.n);
        return j_str(s, (size_t)times * a.n);
    } else {
        struct j_list *l = j_list_new(c);
        const int64_t n = a.u.list->n;

        for (int64_t i = 0; n && i < times && !c->rc; i++)
            for (int64_t k = 0; k < n; k++)
                j_list_push(c, l, a.u.list->v[k]);
        return j_seq(a.kind, l);
    }
}

static bool
repeats(struct jv v)
{
    return v.kind == J_STR || v.kind == J_LIST || v.kind == J_TUPLE;
}

struct jv
j_arith(struct jctx *c, int op, struct jv a, struct jv b)
{
    int64_t i, k;
    double x, y;

    if (c->rc)
        return a;
    if (op == '%' && a.kind == J_STR)
        return j_format(c, a, b);
    if (a.kind == J_UNDEF || b.kind == J_UNDEF) {
        const struct jv u = a.kind == J_UNDEF ? a : b;

        return j_fail(c, TRV_EFORMAT, "'%.*s' is undefined",
                      u.n > 200 ? 200 : (int)u.n, u.u.s);
    }
    if (j_integer(a, &i) && j_integer(b, &k))
        return int_arith(c, op, i, k);
    if (j_number(a, &x) && j_number(b, &y))
        return float_arith(c, op, x, y);
    if (op == '+' && a.kind == J_STR && b.kind == J_STR) {
        char *s = j_alloc(c, 1, a.n + b.n + 1);

        if (!s)
            return a;
        memcpy(s, a.u.s, a.n);
        memcpy(s + a.n, b.u.s, b.n);
        return j_str(s, a.n + b.n);
    }
    if (op == '+' && a.kind == b.kind && repeats(a))
        return join_lists(c, a, b);
    if (op == '*' && repeats(a) && j_integer(b, &k))
        return repeat(c, a, k);
    if (op == '*' && repeats(b) && j_integer(a, &k))
        return repeat(c, b, k);
    return j_fail(c, TRV_EFORMAT, "no operator %s between %s and %s",
                  op == 'f'   ? "//"
                  : op == 'p' ? "**"
                  : op == '+' ? "+"
                  : op == '-' ? "-"
                  : op == '*' ? "*"
                  : op == '/' ? "/"
                              : "%",
                  j_type(a), j_type(b));
}

/* One conversion of s % x: at most "%-+ #0" flags, two digits of width and of
 * precision, then the letter. */
static void
format_one(struct jctx *c, struct strbuf *out, const char *spec, char letter,
           struct jv v)
{
    char fmt[24], text[512];
    struct strbuf b = {0};
    int64_t i = 0;
    double x = 0;

    if (letter == 's' || letter == 'r') {
        if (letter == 's')
            j_print(c, &b, v);
        else
            j_repr(c, &b, v);
        j_print(c, out, j_str(b.s, b.len));
        sb_release(&b);
        return;
    }
    if (!j_number(v, &x)) {
        j_fail(c, TRV_EFORMAT, "%%%c asks for a number, not %s", letter,
               j_type(v));
        return;
    }
    if (letter == 'd' || letter == 'i' || letter == 'x' || letter == 'X' ||
        letter == 'o') {
        if (!j_integer(v, &i)) {
            if (!(letter == 'd' || letter == 'i') || !(fabs(x) < 9e18)) {
                j_fail(c, TRV_EFORMAT, "%%%c asks for an integer", letter);
                return;
            }
            i = (int64_t)x;
        }
        snprintf(fmt, sizeof(fmt), "%%%sll%c", spec, letter);
        x = 0;
    } else {
        snprintf(fmt, sizeof(fmt), "%%%s%c", spec, letter);
    }
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    // fmt is made above from checked flags, digits and one known letter
    if (strchr("dixXo", letter))
        snprintf(text, sizeof(text), fmt, (long long)i);
    else
        snprintf(text, sizeof(text), fmt, x);
#pragma GCC diagnostic pop
    j_print(c, out, j_cstr(text));
}

struct jv
j_format(struct jctx *c, struct jv format, struct jv args)
{
    const char *s = format.u.s, *end = s + format.n;
    struct strbuf out = {0};
    int64_t next = 0;
    const bool many = args.kind == J_TUPLE;

    while (s < end && !c->rc) {
        const char *p = memchr(s, '%', (size_t)(end - s));
        char spec[12];
        size_t n = 0;
        struct jv v = args;

        j_print(c, &out, j_str(s, (size_t)((p ? p : end) - s)));
        if (!p)
            break;
        s = p + 1;
        while (s < end && n < sizeof(spec) - 1 && *s &&
               strchr("-+ 0#.123456789", *s))
            spec[n++] = *s++;
        spec[n] = '\0';
        if (s == end || !*s || !strchr("srdixXofFeEgG%", *s)) {
            j_fail(c, TRV_EFORMAT, "an unsupported format in %%");
            break;
        }
        // %s with a width would count bytes where Python counts characters
        if (n > 6 || ((*s == 's' || *s == 'r') && n)) {
            j_fail(c, TRV_EUNSUPPORTED, "the width or precision of %%%s%c",
                   spec, *s);
            break;
        }
        if (*s == '%') {
            j_print(c, &out, j_str("%", 1));
            s++;
            continue;
        }
        if (many && next >= args.u.list->n) {
            j_fail(c, TRV_EFORMAT, "not enough arguments for the format");
            break;
        }
        if (many)
            v = args.u.list->v[next];
        else if (next) {
            j_fail(c, TRV_EFORMAT, "not enough arguments for the format");
            break;
        }
        next++;
        format_one(c, &out, spec, *s++, v);
    }
    if (!c->rc &&
        ((many && next < args.u.list->n) ||
         (!many && !next && args.kind != J_DICT && args.kind != J_LIST)))
        j_fail(c, TRV_EFORMAT, "not all arguments were used by the format");
    return j_take(c, &out, 0);
}
