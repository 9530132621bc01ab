/* jinja_filter.c -- the filters of jinja2 by name, with its arguments' names,
 * and those of strings and numbers; jinja_sequence.c has the rest.
 * Autoescaping is off, so `safe` and `escape` give a string.
 */
#include <math.h>
#include <string.h>

#include "text/jinja/jinja_filter.h"
#include "text/jinja/jinja_str.h"

/* self.name(args...), for filters that are methods in other clothes. */
static struct jv
method(struct jctx *c, struct jv self, const char *name,
       const struct jv *const *a, int64_t n)
{
    struct jv v[3];
    struct j_args args = {.v = v};

    while (args.n < n && a[args.n]) {
        v[args.n] = *a[args.n];
        args.n++;
    }
    return j_call(c, j_attr(c, self, j_cstr(name)), &args);
}

bool
j_flag(struct jctx *c, const struct jv *v, bool none)
{
    return v ? j_truth(c, *v) : none;
}

int64_t
j_int_arg(struct jctx *c, const struct jv *v, int64_t none)
{
    int64_t i = none;

    if (v && !j_integer(*v, &i))
        j_fail(c, TRV_EFORMAT, "an integer is asked for, not %s", j_type(*v));
    return i;
}

struct jv
j_follow(struct jctx *c, struct jv x, struct jv path, const struct jv *none)
{
    int64_t i;

    if (j_integer(path, &i)) {
        x = j_item(c, x, path);
    } else if (path.kind == J_STR) {
        const char *s = path.u.s, *end = s + path.n;

        while (!c->rc) {
            const char *dot = memchr(s, '.', (size_t)(end - s));
            const size_t n = (size_t)((dot ? dot : end) - s);
            bool digits = n > 0 && n < 10;

            i = 0;
            for (size_t k = 0; k < n && digits; k++) {
                digits = s[k] >= '0' && s[k] <= '9';
                i = i * 10 + (s[k] - '0');
            }
            x = j_item(c, x, digits ? j_int(i) : j_str(s, n));
            if (x.kind == J_UNDEF && none)
                x = *none;
            if (!dot)
                break;
            s = dot + 1;
        }
    } else {
        j_fail(c, TRV_EFORMAT, "an attribute's name is asked for, not %s",
               j_type(path));
    }
    return x.kind == J_UNDEF && none ? *none : x;
}

struct jv
j_key_of(struct jctx *c, struct jv x, const struct jv *attribute,
         bool with_case)
{
    const struct jv *const none[1] = {0};

    if (attribute && attribute->kind != J_NONE)
        x = j_follow(c, x, *attribute, NULL);
    if (!with_case && x.kind == J_STR)
        x = method(c, x, "lower", none, 0);
    return x;
}

/* ---- strings ------------------------------------------------------------ */

FILTER(f_upper)
{
    UNUSED;
    return method(c, j_to_str(c, self), "upper", a, 0);
}

FILTER(f_lower)
{
    UNUSED;
    return method(c, j_to_str(c, self), "lower", a, 0);
}

FILTER(f_capitalize)
{
    UNUSED;
    return method(c, j_to_str(c, self), "capitalize", a, 0);
}

/* jinja2's own idea of a title: words start after space, - ( { [ <. */
FILTER(f_title)
{
    const struct jv s = j_to_str(c, self);
    struct strbuf b = {0};
    size_t from = 0, i = 0;
    int rc = 0;

    UNUSED;
    j_charge(c, s.n);
    while (i <= s.n && !rc && !c->rc) {
        int32_t cp = ' ';
        const size_t len = i < s.n ? jstr_next(s.u.s + i, s.n - i, &cp) : 1;

        if (i == s.n || jstr_is_space(cp) ||
            (cp > 0 && cp < 128 && strchr("-({[<", cp))) {
            if (i > from) {
                int32_t first;
                const size_t head = jstr_next(s.u.s + from, i - from, &first);

                rc = jstr_recase(&b, s.u.s + from, head, JSTR_UPPER);
                if (!rc)
                    rc = jstr_recase(&b, s.u.s + from + head, i - from - head,
                                     JSTR_LOWER);
            }
            if (!rc && i < s.n)
                rc = sb_add(&b, s.u.s + i, len);
            from = i + len;
        }
        i += len;
    }
    return j_take(c, &b, rc);
}

FILTER(f_trim)
{
    UNUSED;
    return method(c, j_to_str(c, self), "strip", a, 1);
}

FILTER(f_replace)
{
    const struct jv old = j_to_str(c, *a[0]), new = j_to_str(c, *a[1]);
    const struct jv *const with[3] = {
        &old, &new, a[2] && a[2]->kind != J_NONE ? a[2] : NULL};

    UNUSED;
    return method(c, j_to_str(c, self), "replace", with, 3);
}

FILTER(f_center)
{
    const struct jv width = a[0] ? *a[0] : j_int(80);
    const struct jv *const with[1] = {&width};

    UNUSED;
    return method(c, j_to_str(c, self), "center", with, 1);
}

FILTER(f_string)
{
    UNUSED;
    return j_to_str(c, self);
}

FILTER(f_escape)
{
    const struct jv s = j_to_str(c, self);
    struct strbuf b = {0};

    UNUSED;
    for (size_t i = 0; i < s.n && !c->rc; i++) {
        const char ch = s.u.s[i];

        j_print(c, &b,
                ch == '&'    ? j_cstr("&amp;")
                : ch == '<'  ? j_cstr("&lt;")
                : ch == '>'  ? j_cstr("&gt;")
                : ch == '\'' ? j_cstr("&#39;")
                : ch == '"'  ? j_cstr("&#34;")
                             : j_str(s.u.s + i, 1));
    }
    return j_take(c, &b, 0);
}

FILTER(f_format)
{
    struct j_list *l = j_list_new(c);

    UNUSED;
    if (raw->n_kw)
        return j_fail(c, TRV_EUNSUPPORTED, "format with names");
    for (int64_t i = 0; i < raw->n; i++)
        j_list_push(c, l, raw->v[i]);
    return c->rc ? self : j_format(c, j_to_str(c, self), j_seq(J_TUPLE, l));
}

FILTER(f_indent)
{
    struct jv s = self, by = a[0] ? *a[0] : j_int(4), lines;
    const bool first = j_flag(c, a[1], false), blank = j_flag(c, a[2], false);
    const struct jv *const none[1] = {0};
    struct strbuf b = {0};
    int64_t width;

    UNUSED;
    if (j_integer(by, &width))
        by = j_arith(c, '*', j_str(" ", 1), j_int(width));
    else if (by.kind != J_STR)
        return j_fail(c, TRV_EFORMAT, "indent asks for a width");
    if (self.kind != J_STR)
        return j_fail(c, TRV_EFORMAT, "indent asks for a string, not %s",
                      j_type(self));
    // the newline makes a last empty line count, as in jinja2
    s = j_arith(c, '+', s, j_str("\n", 1));
    lines = method(c, s, "splitlines", none, 0);
    if (first && !c->rc)
        j_print(c, &b, by);
    for (int64_t i = 0; !c->rc && i < lines.u.list->n; i++) {
        const struct jv line = lines.u.list->v[i];

        if (i)
            j_print(c, &b, j_str("\n", 1));
        if (i && (blank || line.n))
            j_print(c, &b, by);
        j_print(c, &b, line);
    }
    return j_take(c, &b, 0);
}

FILTER(f_tojson)
{
    struct j_json_style style = {0};
    struct strbuf b = {0};
    int64_t width;

    (void)raw;
    style.ascii = j_flag(c, a[0], false);
    style.sort = j_flag(c, a[3], false);
    if (a[1] && a[1]->kind != J_NONE) {
        struct jv by = *a[1];

        if (j_integer(by, &width))
            by = j_arith(c, '*', j_str(" ", 1), j_int(width > 0 ? width : 0));
        if (by.kind != J_STR || c->rc)
            return j_fail(c, TRV_EFORMAT, "tojson's indent is %s",
                          j_type(*a[1]));
        {
            char *copy = j_alloc(c, by.n + 1, 1);

            if (!copy)
                return self;
            memcpy(copy, by.u.s, by.n);
            copy[by.n] = '\0';
            style.indent = copy;
        }
    }
    if (a[2] && a[2]->kind != J_NONE) {
        const struct j_list *l = j_iterate(c, *a[2]);

        if (!l || l->n != 2 || l->v[0].kind != J_STR || l->v[1].kind != J_STR)
            return j_fail(c, TRV_EFORMAT, "tojson asks for two separators");
        style.item = l->v[0];
        style.key = l->v[1];
    }
    j_json(c, &b, self, &style, 0);
    return j_take(c, &b, 0);
}

/* ---- numbers ------------------------------------------------------------ */

/* int(text, base) as Python reads it: space around, a sign, single
 * underscores between digits. */
static bool
parse_int(struct jv s, int64_t base, int64_t *out)
{
    const size_t lead = jstr_lead(s.u.s, s.n);
    const size_t n = s.n - (lead < s.n ? jstr_trail(s.u.s, s.n) : 0);
    const char *p = s.u.s + lead, *end = s.u.s + n;
    int64_t x = 0;
    bool negative = false, digit = false;

    if (lead >= n)
        return false;
    if (*p == '-' || *p == '+')
        negative = *p++ == '-';
    if (base == 16 && end - p > 2 && *p == '0' && (p[1] | 32) == 'x')
        p += 2;
    for (; p < end; p++) {
        const int d = *p >= '0' && *p <= '9'   ? *p - '0'
                      : *p >= 'a' && *p <= 'z' ? *p - 'a' + 10
                      : *p >= 'A' && *p <= 'Z' ? *p - 'A' + 10
                                               : 99;

        if (*p == '_' && digit && p + 1 < end) {
            digit = false;
            continue;
        }
        if (d >= base || __builtin_mul_overflow(x, base, &x) ||
            __builtin_add_overflow(x, d, &x))
            return false;
        digit = true;
    }
    *out = negative ? -x : x;
    return digit;
}

static bool
parse_float(struct jv s, double *out)
{
    const size_t lead = jstr_lead(s.u.s, s.n);
    char text[128];
    const char *stop;
    size_t n;

    if (lead >= s.n)
        return false;
    n = s.n - lead - jstr_trail(s.u.s, s.n);
    if (n >= sizeof(text) || memchr(s.u.s + lead, 'x', n) ||
        memchr(s.u.s + lead, 'X', n) || memchr(s.u.s + lead, '(', n))
        return false;
    memcpy(text, s.u.s + lead, n);
    text[n] = '\0';
    if (jstr_lead(text, n))
        return false;
    *out = jstr_to_double(text, &stop);
    return stop == text + n;
}

FILTER(f_int)
{
    const struct jv none = a[0] ? *a[0] : j_int(0);
    const int64_t base = j_int_arg(c, a[1], 10);
    int64_t i;
    double x;

    UNUSED;
    if (self.kind == J_UNDEF && !j_defined(c, self))
        return self;
    if (j_integer(self, &i))
        return j_int(i);
    if (self.kind == J_STR && parse_int(self, base, &i))
        return j_int(i);
    if (self.kind == J_FLOAT)
        x = self.u.f;
    else if (self.kind != J_STR || !parse_float(self, &x))
        return none;
    if (!isfinite(x))
        return none;
    if (!(fabs(x) < 9.2e18))
        return j_fail(c, TRV_ERANGE, "an integer outside 64 bits");
    return j_int((int64_t)x);
}

FILTER(f_float)
{
    double x;

    UNUSED;
    if (self.kind == J_UNDEF && !j_defined(c, self))
        return self;
    if (j_number(self, &x) || (self.kind == J_STR && parse_float(self, &x)))
        return j_float(x);
    return a[0] ? *a[0] : j_float(0.0);
}

FILTER(f_abs)
{
    int64_t i;

    UNUSED;
    if (self.kind == J_FLOAT)
        return j_float(fabs(self.u.f));
    if (!j_integer(self, &i))
        return j_fail(c, TRV_EFORMAT, "abs asks for a number, not %s",
                      j_type(self));
    if (i == INT64_MIN)
        return j_fail(c, TRV_ERANGE, "an integer outside 64 bits");
    return j_int(i < 0 ? -i : i);
}

FILTER(f_round)
{
    const int64_t digits = j_int_arg(c, a[0], 0);
    char text[400];
    const char *stop;
    int64_t i;
    double x, scale;

    (void)raw;
    if (!j_number(self, &x))
        return j_fail(c, TRV_EFORMAT, "round asks for a number, not %s",
                      j_type(self));
    if (digits < 0 || digits > 30)
        return j_fail(c, TRV_EUNSUPPORTED, "round to %lld digits",
                      (long long)digits);
    if (!a[1] || j_is(*a[1], "common")) {
        if (j_integer(self, &i))
            return j_int(i);
        if (!isfinite(x) || fabs(x) > 1e22)
            return self;
        // printf rounds the exact value half to even, as Python's round does
        snprintf(text, sizeof(text), "%.*f", (int)digits, x);
        for (char *p = text; *p; p++)
            if (*p == ',')
                *p = '.'; // whatever the locale
        return j_float(jstr_to_double(text, &stop));
    }
    scale = pow(10.0, (double)digits);
    if (j_is(*a[1], "ceil"))
        return j_float(ceil(x * scale) / scale);
    if (j_is(*a[1], "floor"))
        return j_float(floor(x * scale) / scale);
    return j_fail(c, TRV_EFORMAT, "round knows common, ceil and floor");
}

FILTER(f_sum)
{
    const struct j_list *l = j_iterate(c, self);
    struct jv total = a[1] ? *a[1] : j_int(0);

    (void)raw;
    for (int64_t i = 0; l && i < l->n && !c->rc; i++) {
        struct jv v = l->v[i];

        if (a[0] && a[0]->kind != J_NONE)
            v = j_follow(c, v, *a[0], NULL);
        total = j_arith(c, '+', total, v);
    }
    return total;
}

/* An attribute alone: no item of that name stands in for it. */
FILTER(f_attr)
{
    const struct jv name = j_to_str(c, *a[0]);
    struct jv out = J_NOTHING;

    (void)raw;
    if (c->rc || (self.kind == J_UNDEF && !j_defined(c, self)))
        return out;
    return j_own_attr(c, self, name, &out) ? out
                                           : j_undef(name.u.s, name.n, true);
}

FILTER(f_wordcount)
{
    const struct jv s = j_to_str(c, self);
    int64_t n = 0;
    bool in_word = false;
    int32_t cp;

    UNUSED;
    j_charge(c, s.n);
    for (size_t i = 0; i < s.n;) {
        bool word;

        i += jstr_next(s.u.s + i, s.n - i, &cp);
        word = jstr_is_alpha(cp) || jstr_is_digit(cp) || cp == '_';
        n += word && !in_word;
        in_word = word;
    }
    return j_int(n);
}

static const struct j_func filters[] = {
    {"abs", "", 0, f_abs},
    {"attr", "name", 1, f_attr},
    {"capitalize", "", 0, f_capitalize},
    {"center", "width", 0, f_center},
    {"e", "", 0, f_escape},
    {"escape", "", 0, f_escape},
    {"float", "default", 0, f_float},
    {"forceescape", "", 0, f_escape},
    {"format", "*", 0, f_format},
    {"indent", "width,first,blank", 0, f_indent},
    {"int", "default,base", 0, f_int},
    {"lower", "", 0, f_lower},
    {"replace", "old,new,count", 2, f_replace},
    {"round", "precision,method", 0, f_round},
    {"safe", "", 0, f_string},
    {"string", "", 0, f_string},
    {"sum", "attribute,start", 0, f_sum},
    {"title", "", 0, f_title},
    {"tojson", "ensure_ascii,indent,separators,sort_keys", 0, f_tojson},
    {"trim", "chars", 0, f_trim},
    {"upper", "", 0, f_upper},
    {"wordcount", "", 0, f_wordcount},
    {0},
};

static const struct j_func *
find(const struct j_func *table, const char *name, size_t n)
{
    for (; table->name; table++)
        if (strlen(table->name) == n && memcmp(table->name, name, n) == 0)
            return table;
    return NULL;
}

static const struct j_func *
find_any(const char *name, size_t n)
{
    const struct j_func *f = find(filters, name, n);

    return f ? f : find(j_sequence_filters, name, n);
}

const void *
jinja_find_filter(const char *name, size_t n)
{
    return find_any(name, n);
}

static struct jv
run_put_off(struct jctx *c, const struct j_todo *todo)
{
    struct jv out = J_NOTHING;

    if (j_enter(c)) // an iterator over an iterator nests
        out = j_apply(c, todo->f, todo->self, &todo->args);
    j_leave(c);
    return out;
}

static struct jv
put_off(struct jctx *c, const struct j_func *f, struct jv self,
        const struct j_args *args)
{
    struct j_list *l = j_list_new(c);
    struct j_todo *todo = j_alloc(c, 1, sizeof(*todo));

    if (c->rc)
        return J_NOTHING;
    *todo = (struct j_todo){run_put_off, f, self, *args};
    l->todo = todo;
    return j_seq(J_GEN, l);
}

struct jv
j_filter(struct jctx *c, struct jv name, struct jv x, const struct j_args *args)
{
    const struct j_func *f = find_any(name.u.s, name.n);
    struct jv out = x;

    if (!f)
        return j_fail(c, TRV_EUNSUPPORTED, "no filter is named '%.*s'",
                      name.n > 100 ? 100 : (int)name.n, name.u.s);
    if (j_sequence_is_lazy(f))
        return put_off(c, f, x, args);
    if (j_enter(c)) // map('map', ...) nests
        out = j_apply(c, f, x, args);
    j_leave(c);
    return out;
}
