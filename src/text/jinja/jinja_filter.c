/* jinja_filter.c -- the filters of jinja2, with its arguments' names.
 *
 * Lazy filters (map, select and their like) are worked out at once here; what
 * they give is still an iterator, without length and given out once.
 * Autoescaping is off, so `safe` changes nothing and `escape` gives a string.
 */
#include <math.h>
#include <string.h>

#include "text/jinja/jinja_eval.h"
#include "text/jinja/jinja_str.h"

#define FILTER(name)                                                           \
    static struct jv name(struct jctx *c, struct jv self,                      \
                          const struct jv *const *a, const struct j_args *raw)
#define UNUSED (void)a, (void)raw, (void)self, (void)c

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

static bool
flag(struct jctx *c, const struct jv *v, bool none)
{
    return v ? j_truth(c, *v) : none;
}

static int64_t
int_arg(struct jctx *c, const struct jv *v, int64_t none)
{
    int64_t i = none;

    if (v && !j_integer(*v, &i))
        j_fail(c, TRV_EFORMAT, "an integer is asked for, not %s", j_type(*v));
    return i;
}

/* x.a.b.0, each step as an item first. */
static struct jv
follow(struct jctx *c, struct jv x, struct jv path, const struct jv *none)
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

/* A sort key: the attribute, its letters lowered unless case counts. */
static struct jv
key_of(struct jctx *c, struct jv x, const struct jv *attribute, bool with_case)
{
    const struct jv *const none[1] = {0};

    if (attribute && attribute->kind != J_NONE)
        x = follow(c, x, *attribute, NULL);
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

FILTER(f_safe)
{
    UNUSED;
    return self;
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
    struct jv s = j_to_str(c, self), by = a[0] ? *a[0] : j_int(4), lines;
    const bool first = flag(c, a[1], false), blank = flag(c, a[2], false);
    const struct jv *const none[1] = {0};
    struct strbuf b = {0};
    int64_t width;

    UNUSED;
    if (j_integer(by, &width))
        by = j_arith(c, '*', j_str(" ", 1), j_int(width));
    else if (by.kind != J_STR)
        return j_fail(c, TRV_EFORMAT, "indent asks for a width");
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
    style.ascii = flag(c, a[0], false);
    style.sort = flag(c, a[3], false);
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
    const int64_t base = int_arg(c, a[1], 10);
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
    const int64_t digits = int_arg(c, a[0], 0);
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
            v = follow(c, v, *a[0], NULL);
        total = j_arith(c, '+', total, v);
    }
    return total;
}

/* ---- sequences ---------------------------------------------------------- */

FILTER(f_length)
{
    UNUSED;
    return j_int(j_length(c, self));
}

FILTER(f_first)
{
    struct j_list *l;

    UNUSED;
    if (self.kind == J_GEN) { // takes one, leaves the others
        l = self.u.list;
        if (l->n == 0)
            return j_undef("first item", 10, true);
        l->n--;
        return *l->v++;
    }
    l = j_iterate(c, self);
    return l && l->n ? l->v[0] : j_undef("first item", 10, true);
}

FILTER(f_last)
{
    const struct j_list *l;

    UNUSED;
    if (self.kind == J_GEN)
        return j_fail(c, TRV_EFORMAT, "an iterator has no last item");
    l = j_iterate(c, self);
    return l && l->n ? l->v[l->n - 1] : j_undef("last item", 9, true);
}

static struct jv
copy_of(struct jctx *c, struct jv x, enum j_kind kind)
{
    const struct j_list *l = j_iterate(c, x);
    struct j_list *copy = j_list_new(c);

    for (int64_t i = 0; l && i < l->n && !c->rc; i++)
        j_list_push(c, copy, l->v[i]);
    return j_seq(kind, copy);
}

FILTER(f_list)
{
    UNUSED;
    return copy_of(c, self, J_LIST);
}

FILTER(f_reverse)
{
    struct jv r;

    UNUSED;
    if (self.kind == J_GEN)
        self = copy_of(c, self, J_LIST);
    r = copy_of(c, self, J_GEN);
    for (int64_t i = 0; !c->rc && i < r.u.list->n / 2; i++) {
        const struct jv v = r.u.list->v[i];

        r.u.list->v[i] = r.u.list->v[r.u.list->n - 1 - i];
        r.u.list->v[r.u.list->n - 1 - i] = v;
    }
    if (self.kind == J_STR && !c->rc) {
        struct strbuf b = {0};

        for (int64_t i = 0; i < r.u.list->n; i++)
            j_print(c, &b, r.u.list->v[i]);
        return j_take(c, &b, 0);
    }
    return r;
}

FILTER(f_join)
{
    const struct j_list *l = j_iterate(c, self);
    const struct jv by = a[0] ? j_to_str(c, *a[0]) : j_str("", 0);
    struct strbuf b = {0};

    (void)raw;
    for (int64_t i = 0; l && i < l->n && !c->rc; i++) {
        struct jv v = l->v[i];

        if (a[1] && a[1]->kind != J_NONE)
            v = follow(c, v, *a[1], NULL);
        if (i)
            j_print(c, &b, by);
        if (!c->rc)
            j_print(c, &b, v);
    }
    return j_take(c, &b, 0);
}

FILTER(f_default)
{
    UNUSED;
    if (self.kind == J_UNDEF || (flag(c, a[1], false) && !j_truth(c, self)))
        return a[0] ? *a[0] : j_str("", 0);
    return self;
}

FILTER(f_items)
{
    struct jv v;

    UNUSED;
    if (self.kind == J_UNDEF)
        return j_seq(J_GEN, j_list_new(c));
    if (self.kind != J_DICT)
        return j_fail(c, TRV_EFORMAT, "items asks for a dict, not %s",
                      j_type(self));
    v = j_view(c, self.u.dict, J_ITEMS);
    v.kind = c->rc ? v.kind : J_GEN;
    return v;
}

/* A stable merge sort of v and k by k; NaN and failures leave any order. */
static void
merge_sort(struct jctx *c, struct jv *k, struct jv *v, struct jv *spare,
           int64_t n, bool reverse)
{
    for (int64_t w = 1; w < n && !c->rc; w *= 2)
        for (int64_t lo = 0; lo + w < n && !c->rc; lo += 2 * w) {
            const int64_t mid = lo + w, hi = mid + w < n ? mid + w : n;
            int64_t i = lo, j = mid, at = 0;

            while ((i < mid || j < hi) && !c->rc) {
                bool right = i == mid;

                if (i < mid && j < hi) {
                    const int order = j_order(c, k[j], k[i]);

                    right = reverse ? order == 1 : order == -1;
                }
                spare[2 * at] = right ? k[j] : k[i];
                spare[2 * at + 1] = right ? v[j] : v[i];
                at++;
                if (right)
                    j++;
                else
                    i++;
            }
            for (i = 0; i < at && !c->rc; i++) {
                k[lo + i] = spare[2 * i];
                v[lo + i] = spare[2 * i + 1];
            }
        }
}

static struct jv
sorted(struct jctx *c, struct jv list, const struct jv *attribute,
       bool with_case, bool reverse)
{
    struct jv out = copy_of(c, list, J_LIST);
    const int64_t n = c->rc ? 0 : out.u.list->n;
    struct jv *keys = j_alloc(c, (size_t)n + 1, sizeof(*keys));
    struct jv *spare = j_alloc(c, (size_t)n + 1, 2 * sizeof(*spare));

    for (int64_t i = 0; i < n && !c->rc; i++)
        keys[i] = key_of(c, out.u.list->v[i], attribute, with_case);
    if (!c->rc)
        merge_sort(c, keys, out.u.list->v, spare, n, reverse);
    return out;
}

FILTER(f_sort)
{
    (void)raw;
    if (a[2] && a[2]->kind == J_STR && memchr(a[2]->u.s, ',', a[2]->n))
        return j_fail(c, TRV_EUNSUPPORTED, "sort by several attributes");
    return sorted(c, self, a[2], flag(c, a[1], false), flag(c, a[0], false));
}

FILTER(f_dictsort)
{
    const struct jv by = j_int(a[1] && j_is(*a[1], "value"));

    (void)raw;
    if (self.kind != J_DICT)
        return j_fail(c, TRV_EFORMAT, "dictsort asks for a dict, not %s",
                      j_type(self));
    if (a[1] && !j_is(*a[1], "value") && !j_is(*a[1], "key"))
        return j_fail(c, TRV_EFORMAT, "dictsort sorts by key or value");
    return sorted(c, j_view(c, self.u.dict, J_ITEMS), &by, flag(c, a[0], false),
                  flag(c, a[2], false));
}

FILTER(f_unique)
{
    const struct j_list *l = j_iterate(c, self);
    struct j_list *out = j_list_new(c), *seen = j_list_new(c);

    (void)raw;
    for (int64_t i = 0; l && i < l->n && !c->rc; i++) {
        const struct jv key = key_of(c, l->v[i], a[1], flag(c, a[0], false));

        if (c->rc || !j_hashable(c, key) ||
            j_contains(c, j_seq(J_LIST, seen), key))
            continue;
        j_charge(c, (size_t)seen->n * 8);
        j_list_push(c, seen, key);
        j_list_push(c, out, l->v[i]);
    }
    return j_seq(J_GEN, out);
}

static struct jv
extreme(struct jctx *c, struct jv self, const struct jv *const *a, int sign)
{
    const struct j_list *l = j_iterate(c, self);
    struct jv best = j_undef("item", 4, true), best_key = best;

    for (int64_t i = 0; l && i < l->n && !c->rc; i++) {
        const struct jv key = key_of(c, l->v[i], a[1], flag(c, a[0], false));

        if (i == 0 || (!c->rc && j_order(c, key, best_key) == sign)) {
            best = l->v[i];
            best_key = key;
        }
    }
    return best;
}

FILTER(f_min)
{
    (void)raw;
    return extreme(c, self, a, -1);
}

FILTER(f_max)
{
    (void)raw;
    return extreme(c, self, a, 1);
}

static struct j_args
rest_of(const struct j_args *raw, int64_t from)
{
    struct j_args rest = *raw;

    from = from < rest.n ? from : rest.n;
    if (from)
        rest.v += from;
    rest.n -= from;
    return rest;
}

static const struct jv *
keyword(const struct j_args *raw, const char *name)
{
    for (int64_t i = 0; i < raw->n_kw; i++)
        if (j_is(raw->kw[i].name, name))
            return &raw->kw[i].v;
    return NULL;
}

FILTER(f_map)
{
    const struct jv *attribute = keyword(raw, "attribute");
    const struct jv *none = keyword(raw, "default");
    const struct j_list *l = j_iterate(c, self);
    struct j_list *out = j_list_new(c);
    struct j_args rest = rest_of(raw, 1);

    (void)a;
    if (raw->n == 0 && (!attribute || raw->n_kw > (none ? 2 : 1)))
        return j_fail(c, TRV_EFORMAT, "map asks for a filter or an attribute");
    if (raw->n && raw->v[0].kind != J_STR)
        return j_fail(c, TRV_EFORMAT, "map asks for a filter's name");
    for (int64_t i = 0; l && i < l->n && !c->rc; i++)
        j_list_push(c, out,
                    raw->n ? j_filter(c, raw->v[0], l->v[i], &rest)
                           : follow(c, l->v[i], *attribute, none));
    return j_seq(J_GEN, out);
}

/* select, reject and their attr forms: items for which the test (or their
 * truth) is `want`. */
static struct jv
chosen(struct jctx *c, struct jv self, const struct j_args *raw, bool attr,
       bool want)
{
    const struct j_list *l = j_iterate(c, self);
    struct j_list *out = j_list_new(c);
    const int64_t at = attr ? 1 : 0;
    struct j_args rest = rest_of(raw, at + 1);

    if (attr && raw->n == 0)
        return j_fail(c, TRV_EFORMAT, "an attribute's name is missing");
    if (raw->n > at && raw->v[at].kind != J_STR)
        return j_fail(c, TRV_EFORMAT, "a test's name is asked for");
    for (int64_t i = 0; l && i < l->n && !c->rc; i++) {
        const struct jv v =
            attr ? follow(c, l->v[i], raw->v[0], NULL) : l->v[i];
        const bool is =
            raw->n > at ? j_test(c, raw->v[at], v, &rest) : j_truth(c, v);

        if (is == want)
            j_list_push(c, out, l->v[i]);
    }
    return j_seq(J_GEN, out);
}

FILTER(f_select)
{
    (void)a;
    return chosen(c, self, raw, false, true);
}

FILTER(f_reject)
{
    (void)a;
    return chosen(c, self, raw, false, false);
}

FILTER(f_selectattr)
{
    (void)a;
    return chosen(c, self, raw, true, true);
}

FILTER(f_rejectattr)
{
    (void)a;
    return chosen(c, self, raw, true, false);
}

FILTER(f_batch)
{
    const struct j_list *l = j_iterate(c, self);
    struct j_list *out = j_list_new(c), *part = j_list_new(c);
    const int64_t size = int_arg(c, a[0], 1);

    (void)raw;
    for (int64_t i = 0; l && i < l->n && !c->rc; i++) {
        if (part->n == size) {
            j_list_push(c, out, j_seq(J_LIST, part));
            part = j_list_new(c);
        }
        j_list_push(c, part, l->v[i]);
    }
    if (!c->rc && part->n) {
        while (a[1] && a[1]->kind != J_NONE && part->n < size && !c->rc)
            j_list_push(c, part, *a[1]);
        j_list_push(c, out, j_seq(J_LIST, part));
    }
    return j_seq(J_GEN, out);
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
    {"batch", "linecount,fill_with", 1, f_batch},
    {"capitalize", "", 0, f_capitalize},
    {"center", "width", 0, f_center},
    {"count", "", 0, f_length},
    {"d", "default_value,boolean", 0, f_default},
    {"default", "default_value,boolean", 0, f_default},
    {"dictsort", "case_sensitive,by,reverse", 0, f_dictsort},
    {"e", "", 0, f_escape},
    {"escape", "", 0, f_escape},
    {"first", "", 0, f_first},
    {"float", "default", 0, f_float},
    {"forceescape", "", 0, f_escape},
    {"format", "*", 0, f_format},
    {"indent", "width,first,blank", 0, f_indent},
    {"int", "default,base", 0, f_int},
    {"items", "", 0, f_items},
    {"join", "d,attribute", 0, f_join},
    {"last", "", 0, f_last},
    {"length", "", 0, f_length},
    {"list", "", 0, f_list},
    {"lower", "", 0, f_lower},
    {"map", "*", 0, f_map},
    {"max", "case_sensitive,attribute", 0, f_max},
    {"min", "case_sensitive,attribute", 0, f_min},
    {"reject", "*", 0, f_reject},
    {"rejectattr", "*", 0, f_rejectattr},
    {"replace", "old,new,count", 2, f_replace},
    {"reverse", "", 0, f_reverse},
    {"round", "precision,method", 0, f_round},
    {"safe", "", 0, f_safe},
    {"select", "*", 0, f_select},
    {"selectattr", "*", 0, f_selectattr},
    {"sort", "reverse,case_sensitive,attribute", 0, f_sort},
    {"string", "", 0, f_string},
    {"sum", "attribute,start", 0, f_sum},
    {"title", "", 0, f_title},
    {"tojson", "ensure_ascii,indent,separators,sort_keys", 0, f_tojson},
    {"trim", "chars", 0, f_trim},
    {"unique", "case_sensitive,attribute", 0, f_unique},
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

const void *
jinja_find_filter(const char *name, size_t n)
{
    return find(filters, name, n);
}

struct jv
j_filter(struct jctx *c, struct jv name, struct jv x, const struct j_args *args)
{
    const struct j_func *f = find(filters, name.u.s, name.n);
    struct jv out = x;

    if (!f)
        return j_fail(c, TRV_EUNSUPPORTED, "no filter is named '%.*s'",
                      name.n > 100 ? 100 : (int)name.n, name.u.s);
    if (j_enter(c)) // map('map', ...) nests
        out = j_apply(c, f, x, args);
    j_leave(c);
    return out;
}
