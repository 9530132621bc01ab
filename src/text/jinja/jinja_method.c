/* jinja_method.c -- methods of strings, lists and dicts, as far as templates use
 * them. Methods that would change a value are refused, as the sandbox of
 * transformers refuses them.
 */
#include "text/jinja/jinja_func.h"

#include <string.h>

#include "text/jinja/jinja_str.h"

bool
j_need_str(struct jctx *c, const struct jv *v, struct jv *out)
{
    if (v->kind != J_STR)
        j_fail(c, TRV_EFORMAT, "a string is asked for, not %s", j_type(*v));
    *out = *v;
    return !c->rc;
}

int64_t
j_int_or(struct jctx *c, const struct jv *v, int64_t none)
{
    int64_t i = none;

    if (v && v->kind != J_NONE && !j_integer(*v, &i))
        j_fail(c, TRV_EFORMAT, "an integer is asked for, not %s", j_type(*v));
    return i;
}

/* ---- strings ------------------------------------------------------------ */

static struct jv
recased(struct jctx *c, struct jv s, enum jstr_case to)
{
    struct strbuf b = {0};

    j_charge(c, s.n);
    return j_take(c, &b, jstr_recase(&b, s.u.s, s.n, to));
}

J_FUNC(str_upper)
{
    J_UNUSED;
    return recased(c, self, JSTR_UPPER);
}

J_FUNC(str_lower)
{
    J_UNUSED;
    return recased(c, self, JSTR_LOWER);
}

J_FUNC(str_title)
{
    J_UNUSED;
    return recased(c, self, JSTR_TITLE);
}

J_FUNC(str_capitalize)
{
    J_UNUSED;
    return recased(c, self, JSTR_CAPITAL);
}

J_FUNC(str_swapcase)
{
    J_UNUSED;
    return recased(c, self, JSTR_SWAP);
}

static bool
in_set(struct jv set, const char *s, size_t n)
{
    int32_t cp;

    for (size_t i = 0; i < set.n;) {
        const size_t len = jstr_next(set.u.s + i, set.n - i, &cp);

        if (len == n && memcmp(set.u.s + i, s, n) == 0)
            return true;
        i += len;
    }
    return false;
}

static struct jv
stripped(struct jctx *c, struct jv s, const struct jv *set, bool left,
         bool right)
{
    struct jv chars = J_NOTHING;
    int32_t cp;

    if (set && set->kind != J_NONE && !j_need_str(c, set, &chars))
        return s;
    j_charge(c, s.n);
    while (left && s.n) {
        const size_t len = jstr_next(s.u.s, s.n, &cp);

        if (chars.kind == J_STR ? !in_set(chars, s.u.s, len)
                                : !jstr_is_space(cp))
            break;
        s = j_str(s.u.s + len, s.n - len);
    }
    while (right && s.n) {
        const size_t len = jstr_prev(s.u.s, s.n, &cp);

        if (chars.kind == J_STR ? !in_set(chars, s.u.s + s.n - len, len)
                                : !jstr_is_space(cp))
            break;
        s.n -= len;
    }
    return s;
}

J_FUNC(str_strip)
{
    J_UNUSED;
    return stripped(c, self, a[0], true, true);
}

J_FUNC(str_lstrip)
{
    J_UNUSED;
    return stripped(c, self, a[0], true, false);
}

J_FUNC(str_rstrip)
{
    J_UNUSED;
    return stripped(c, self, a[0], false, true);
}

static struct jv
split_at_space(struct jctx *c, struct jv s, int64_t most, bool right)
{
    struct j_list *l = j_list_new(c);
    int32_t cp;

    while (l && !c->rc) {
        size_t n = 0;

        s = stripped(c, s, NULL, !right, right);
        if (!s.n)
            break;
        if (most == 0) { // what is left stays whole
            j_list_push(c, l, s);
            break;
        }
        most--;
        while (n < s.n) {
            const size_t len = right ? jstr_prev(s.u.s, s.n - n, &cp)
                                     : jstr_next(s.u.s + n, s.n - n, &cp);

            if (jstr_is_space(cp))
                break;
            n += len;
        }
        j_list_push(c, l, j_str(right ? s.u.s + s.n - n : s.u.s, n));
        s = j_str(right ? s.u.s : s.u.s + n, s.n - n);
    }
    return j_seq(J_LIST, l);
}

static struct jv
split(struct jctx *c, struct jv s, const struct jv *const *a, bool right)
{
    struct j_list *l;
    struct jv sep = J_NOTHING, back;
    int64_t most = j_int_or(c, a[1], -1), at;

    most = most < 0 ? INT64_MAX : most;
    if (a[0] && a[0]->kind != J_NONE && !j_need_str(c, a[0], &sep))
        return s;
    if (sep.kind == J_NONE) {
        back = split_at_space(c, s, most, right);
        l = back.u.list;
    } else if (sep.n == 0) {
        return j_fail(c, TRV_EFORMAT, "an empty separator");
    } else {
        l = j_list_new(c);
        while (l && !c->rc) {
            at = most == 0 ? -1 : jstr_find(s.u.s, s.n, sep.u.s, sep.n, right);
            if (at < 0)
                break;
            most--;
            j_list_push(c, l,
                        right ? j_str(s.u.s + (size_t)at + sep.n,
                                      s.n - (size_t)at - sep.n)
                              : j_str(s.u.s, (size_t)at));
            j_charge(c, right ? s.n - (size_t)at : (size_t)at);
            s = right ? j_str(s.u.s, (size_t)at)
                      : j_str(s.u.s + (size_t)at + sep.n,
                              s.n - (size_t)at - sep.n);
        }
        j_charge(c, s.n);
        j_list_push(c, l, s);
    }
    for (int64_t i = 0; right && !c->rc && i < l->n / 2; i++) {
        back = l->v[i];
        l->v[i] = l->v[l->n - 1 - i];
        l->v[l->n - 1 - i] = back;
    }
    return c->rc ? s : j_seq(J_LIST, l);
}

J_FUNC(str_split)
{
    J_UNUSED;
    return split(c, self, a, false);
}

J_FUNC(str_rsplit)
{
    J_UNUSED;
    return split(c, self, a, true);
}

J_FUNC(str_splitlines)
{
    struct j_list *l = j_list_new(c);
    const bool keep = a[0] && j_truth(c, *a[0]);
    size_t from = 0, i = 0;
    int32_t cp;

    (void)raw;
    j_charge(c, self.n);
    while (i < self.n && !c->rc) {
        const size_t len = jstr_next(self.u.s + i, self.n - i, &cp);
        const size_t at = i;

        i += len;
        if (!jstr_is_line_end(cp))
            continue;
        if (cp == '\r' && i < self.n && self.u.s[i] == '\n')
            i++;
        j_list_push(c, l, j_str(self.u.s + from, (keep ? i : at) - from));
        from = i;
    }
    if (from < self.n)
        j_list_push(c, l, j_str(self.u.s + from, self.n - from));
    return j_seq(J_LIST, l);
}

/* The part of s that [start, end) in code points says. */
static struct jv
window(struct jctx *c, struct jv s, const struct jv *start,
       const struct jv *end, int64_t *from, bool *empty)
{
    const int64_t n = j_length(c, s);
    int64_t a = j_int_or(c, start, 0), b = j_int_or(c, end, n);
    size_t x, y;

    a = a < 0 ? (a + n < 0 ? 0 : a + n) : a;
    b = b < 0 ? (b + n < 0 ? 0 : b + n) : b > n ? n : b;
    *from = a;
    *empty = a > b; // not even "" is found there
    if (*empty || c->rc)
        return j_str("", 0);
    x = jstr_offset(s.u.s, s.n, a);
    y = jstr_offset(s.u.s, s.n, b);
    return j_str(s.u.s + x, y - x);
}

static struct jv
ends(struct jctx *c, struct jv self, const struct jv *const *a, bool at_end)
{
    const struct jv *what = a[0];
    int64_t n = 1, from;
    bool empty;
    const struct jv s =
        a[1] || a[2] ? window(c, self, a[1], a[2], &from, &empty) : self;

    if (a[0]->kind == J_TUPLE) {
        what = a[0]->u.list->v;
        n = a[0]->u.list->n;
    }
    for (int64_t i = 0; i < n && !c->rc; i++) {
        struct jv w;

        if (!j_need_str(c, &what[i], &w))
            break;
        j_charge(c, w.n);
        if (w.n <= s.n &&
            memcmp(at_end ? s.u.s + s.n - w.n : s.u.s, w.u.s, w.n) == 0)
            return j_bool(true);
    }
    return j_bool(false);
}

J_FUNC(str_startswith)
{
    J_UNUSED;
    return ends(c, self, a, false);
}

J_FUNC(str_endswith)
{
    J_UNUSED;
    return ends(c, self, a, true);
}

J_FUNC(str_removeprefix)
{
    J_UNUSED;
    if (j_truth(c, ends(c, self, a, false)) && !c->rc)
        return j_str(self.u.s + a[0]->n, self.n - a[0]->n);
    return self;
}

J_FUNC(str_removesuffix)
{
    J_UNUSED;
    if (j_truth(c, ends(c, self, a, true)) && !c->rc)
        return j_str(self.u.s, self.n - a[0]->n);
    return self;
}

static int64_t
find(struct jctx *c, struct jv self, const struct jv *const *a, bool last)
{
    struct jv what, s;
    int64_t from, at;
    bool empty;

    if (!j_need_str(c, a[0], &what))
        return -1;
    s = window(c, self, a[1], a[2], &from, &empty);
    if (empty || c->rc)
        return -1;
    j_charge(c, s.n);
    at = jstr_find(s.u.s, s.n, what.u.s, what.n, last);
    return at < 0 ? -1 : from + jstr_count(s.u.s, (size_t)at);
}

J_FUNC(str_find)
{
    J_UNUSED;
    return j_int(find(c, self, a, false));
}

J_FUNC(str_rfind)
{
    J_UNUSED;
    return j_int(find(c, self, a, true));
}

J_FUNC(str_index)
{
    const int64_t at = find(c, self, a, false);

    J_UNUSED;
    return at < 0 ? j_fail(c, TRV_EFORMAT, "substring not found") : j_int(at);
}

J_FUNC(str_rindex)
{
    const int64_t at = find(c, self, a, true);

    J_UNUSED;
    return at < 0 ? j_fail(c, TRV_EFORMAT, "substring not found") : j_int(at);
}

J_FUNC(str_count)
{
    struct jv what, s;
    int64_t n = 0, at, from;
    bool empty;

    (void)raw;
    if (!j_need_str(c, a[0], &what))
        return self;
    s = window(c, self, a[1], a[2], &from, &empty);
    if (empty)
        return j_int(0);
    if (what.n == 0)
        return j_int(j_length(c, s) + 1);
    j_charge(c, s.n);
    while ((at = jstr_find(s.u.s, s.n, what.u.s, what.n, false)) >= 0) {
        n++;
        s = j_str(s.u.s + (size_t)at + what.n, s.n - (size_t)at - what.n);
    }
    return j_int(n);
}

J_FUNC(str_replace)
{
    struct strbuf b = {0};
    struct jv old, by;
    int64_t most, at;
    int rc = 0;

    (void)raw;
    if (!j_need_str(c, a[0], &old) || !j_need_str(c, a[1], &by))
        return self;
    most = j_int_or(c, a[2], -1);
    most = most < 0 ? INT64_MAX : most;
    if (c->rc)
        return self;
    j_charge(c, self.n);
    if (old.n == 0) { // between all characters, and at both ends
        int32_t cp;

        for (size_t i = 0; !rc && b.len < J_MAX_OUT; most--) {
            const size_t len =
                i < self.n ? jstr_next(self.u.s + i, self.n - i, &cp) : 0;

            if (most)
                rc = sb_add(&b, by.u.s, by.n);
            else
                rc = sb_add(&b, self.u.s + i, self.n - i);
            if (rc || !most || i == self.n)
                break;
            rc = sb_add(&b, self.u.s + i, len);
            i += len;
        }
        return j_take(c, &b, rc);
    }
    while (!rc && most && b.len < J_MAX_OUT) {
        at = jstr_find(self.u.s, self.n, old.u.s, old.n, false);
        if (at < 0)
            break;
        rc = sb_add(&b, self.u.s, (size_t)at);
        if (!rc)
            rc = sb_add(&b, by.u.s, by.n);
        self =
            j_str(self.u.s + (size_t)at + old.n, self.n - (size_t)at - old.n);
        most--;
    }
    if (!rc)
        rc = sb_add(&b, self.u.s, self.n);
    return j_take(c, &b, rc);
}

J_FUNC(str_join)
{
    const struct j_list *l = j_iterate(c, *a[0]);
    struct strbuf b = {0};

    (void)raw;
    for (int64_t i = 0; l && i < l->n && !c->rc; i++) {
        struct jv s;

        if (!j_need_str(c, &l->v[i], &s))
            break;
        if (i)
            j_print(c, &b, self);
        j_print(c, &b, s);
    }
    return j_take(c, &b, 0);
}

static struct jv
parted(struct jctx *c, struct jv self, const struct jv *const *a, bool last)
{
    struct j_list *l = j_list_new(c);
    const struct jv none = j_str("", 0);
    struct jv sep;
    int64_t at;

    if (!j_need_str(c, a[0], &sep))
        return self;
    if (!sep.n)
        return j_fail(c, TRV_EFORMAT, "an empty separator");
    j_charge(c, self.n);
    at = jstr_find(self.u.s, self.n, sep.u.s, sep.n, last);
    if (at < 0) {
        j_list_push(c, l, last ? none : self);
        j_list_push(c, l, none);
        j_list_push(c, l, last ? self : none);
    } else {
        j_list_push(c, l, j_str(self.u.s, (size_t)at));
        j_list_push(c, l, sep);
        j_list_push(
            c, l,
            j_str(self.u.s + (size_t)at + sep.n, self.n - (size_t)at - sep.n));
    }
    return j_seq(J_TUPLE, l);
}

J_FUNC(str_partition)
{
    J_UNUSED;
    return parted(c, self, a, false);
}

J_FUNC(str_rpartition)
{
    J_UNUSED;
    return parted(c, self, a, true);
}

static struct jv
padded(struct jctx *c, struct jv self, const struct jv *const *a, int where)
{
    const int64_t n = j_length(c, self);
    int64_t more = j_int_or(c, a[0], 0), width = more, left;
    struct jv fill = j_str(" ", 1);
    struct strbuf b = {0};

    more = more > n ? more - n : 0;
    if (a[1] && !j_need_str(c, a[1], &fill))
        return self;
    if (!c->rc && j_length(c, fill) != 1)
        return j_fail(c, TRV_EFORMAT, "the filling must be one character");
    if (more <= 0 || c->rc)
        return self;
    // center() gives the odd one to the left where the width is odd too
    left = where < 0 ? 0 : where > 0 ? more : more / 2 + (more & width & 1);
    for (int64_t i = 0; i < left && !c->rc; i++)
        j_print(c, &b, fill);
    j_print(c, &b, self);
    for (int64_t i = left; i < more && !c->rc; i++)
        j_print(c, &b, fill);
    return j_take(c, &b, 0);
}

J_FUNC(str_center)
{
    J_UNUSED;
    return padded(c, self, a, 0);
}

J_FUNC(str_ljust)
{
    J_UNUSED;
    return padded(c, self, a, -1);
}

J_FUNC(str_rjust)
{
    J_UNUSED;
    return padded(c, self, a, 1);
}

J_FUNC(str_zfill)
{
    const struct jv zero = j_str("0", 1);
    const struct jv *const with[2] = {a[0], &zero};
    const bool sign = self.n && (self.u.s[0] == '-' || self.u.s[0] == '+');
    struct jv width = *a[0], digits = self, out;

    (void)raw;
    if (!sign)
        return padded(c, self, with, 1);
    width = j_int(j_int_or(c, a[0], 1));
    width.u.i -= width.u.i > 0;
    digits = j_str(self.u.s + 1, self.n - 1);
    {
        const struct jv *const less[2] = {&width, &zero};

        out = padded(c, digits, less, 1);
    }
    return j_arith(c, '+', j_str(self.u.s, 1), out);
}

/* str.format: {}, {0}, {name}; no specifications. */
J_FUNC(str_format)
{
    const char *s = self.u.s, *end = s + self.n;
    struct strbuf b = {0};
    int64_t next = 0;

    (void)a;
    while (s < end && !c->rc) {
        const char *close;
        struct jv name, v = J_NOTHING;
        bool found = false;

        if ((*s == '{' || *s == '}') && s + 1 < end && s[1] == *s) {
            j_print(c, &b, j_str(s, 1));
            s += 2;
            continue;
        }
        if (*s != '{' && *s != '}') {
            j_print(c, &b, j_str(s++, 1));
            continue;
        }
        close = *s == '{' ? memchr(s, '}', (size_t)(end - s)) : NULL;
        if (!close) {
            j_fail(c, TRV_EFORMAT, "a single brace in a format");
            break;
        }
        name = j_str(s + 1, (size_t)(close - s - 1));
        s = close + 1;
        if (memchr(name.u.s, ':', name.n) || memchr(name.u.s, '!', name.n) ||
            memchr(name.u.s, '.', name.n) || memchr(name.u.s, '[', name.n)) {
            j_fail(c, TRV_EUNSUPPORTED, "format() with more than a name");
            break;
        }
        if (name.n == 0 || (name.u.s[0] >= '0' && name.u.s[0] <= '9')) {
            int64_t at = name.n ? 0 : next++;

            for (size_t i = 0; i < name.n && at < 1000; i++) {
                const int digit = name.u.s[i] - '0';

                at = digit >= 0 && digit <= 9 ? at * 10 + digit : raw->n;
            }
            found = at < raw->n;
            if (found)
                v = raw->v[at];
        }
        for (int64_t i = 0; i < raw->n_kw && !found; i++)
            if (j_same_str(raw->kw[i].name, name)) {
                v = raw->kw[i].v;
                found = true;
            }
        if (!found)
            j_fail(c, TRV_EFORMAT, "format() lacks an argument");
        j_print(c, &b, v);
    }
    return j_take(c, &b, 0);
}

static bool
all_are(struct jv s, bool (*is)(int32_t), bool (*also)(int32_t))
{
    int32_t cp;

    for (size_t i = 0; i < s.n; i += jstr_next(s.u.s + i, s.n - i, &cp)) {
        jstr_next(s.u.s + i, s.n - i, &cp);
        if (!is(cp) && !(also && also(cp)))
            return false;
    }
    return s.n > 0;
}

J_FUNC(str_isalpha)
{
    J_UNUSED;
    return j_bool(all_are(self, jstr_is_alpha, NULL));
}

J_FUNC(str_isdigit)
{
    J_UNUSED;
    return j_bool(all_are(self, jstr_is_digit, NULL));
}

J_FUNC(str_isalnum)
{
    J_UNUSED;
    return j_bool(all_are(self, jstr_is_alpha, jstr_is_digit));
}

J_FUNC(str_isspace)
{
    J_UNUSED;
    return j_bool(all_are(self, jstr_is_space, NULL));
}

static bool
one_case(struct jv s, bool (*is)(int32_t))
{
    bool any = false;
    int32_t cp;

    for (size_t i = 0; i < s.n;) {
        i += jstr_next(s.u.s + i, s.n - i, &cp);
        if (jstr_is_cased(cp) && !is(cp))
            return false;
        any |= jstr_is_cased(cp);
    }
    return any;
}

J_FUNC(str_islower)
{
    J_UNUSED;
    return j_bool(one_case(self, jstr_is_lower));
}

J_FUNC(str_isupper)
{
    J_UNUSED;
    return j_bool(one_case(self, jstr_is_upper));
}

/* ---- lists and dicts ---------------------------------------------------- */

J_FUNC(list_count)
{
    int64_t n = 0;

    (void)raw;
    for (int64_t i = 0; i < self.u.list->n && !c->rc; i++)
        n += j_equal(c, self.u.list->v[i], *a[0]);
    return j_int(n);
}

J_FUNC(list_index)
{
    (void)raw;
    for (int64_t i = 0; i < self.u.list->n && !c->rc; i++)
        if (j_equal(c, self.u.list->v[i], *a[0]))
            return j_int(i);
    return j_fail(c, TRV_EFORMAT, "the list has no such item");
}

J_FUNC(same)
{
    J_UNUSED;
    return self;
}

J_FUNC(refuse)
{
    J_UNUSED;
    return j_fail(c, TRV_EFORMAT, "a template may not change a %s",
                  j_type(self));
}

J_FUNC(dict_get)
{
    const struct jv *v;

    (void)raw;
    if (!j_hashable(c, *a[0]))
        return self;
    v = j_dict_get(c, self.u.dict, *a[0]);
    return v ? *v : a[1] ? *a[1] : J_NOTHING;
}

J_FUNC(dict_items)
{
    J_UNUSED;
    return j_view(c, self.u.dict, J_ITEMS);
}

J_FUNC(dict_keys)
{
    J_UNUSED;
    return j_view(c, self.u.dict, J_KEYS);
}

J_FUNC(dict_values)
{
    J_UNUSED;
    return j_view(c, self.u.dict, J_VALUES);
}

J_FUNC(loop_cycle)
{
    (void)a;
    if (!raw->n)
        return j_fail(c, TRV_EFORMAT, "no items to cycle");
    return raw->v[self.u.loop->i % raw->n];
}

J_FUNC(loop_changed)
{
    struct j_loop *l = self.u.loop;
    bool changed = !l->changed || l->n_changed != raw->n;

    (void)a;
    for (int64_t i = 0; !changed && i < raw->n; i++)
        changed = !j_equal(c, l->changed[i], raw->v[i]);
    if (changed) {
        l->changed = j_alloc(c, (size_t)raw->n + 1, sizeof(*l->changed));
        if (l->changed && raw->n)
            memcpy(l->changed, raw->v, (size_t)raw->n * sizeof(*raw->v));
        l->n_changed = raw->n;
    }
    return j_bool(changed);
}

J_FUNC(cycler_next)
{
    struct j_cycler *y = self.u.cycler;
    const struct jv v = y->items->v[y->i];

    J_UNUSED;
    y->i = (y->i + 1) % y->items->n;
    return v;
}

J_FUNC(cycler_reset)
{
    J_UNUSED;
    self.u.cycler->i = 0;
    return J_NOTHING;
}

static const struct j_func str_methods[] = {
    {"capitalize", "", 0, str_capitalize},
    {"casefold", "", 0, str_lower},
    {"center", "width,fillchar", 1, str_center},
    {"count", "sub,start,end", 1, str_count},
    {"endswith", "suffix,start,end", 1, str_endswith},
    {"find", "sub,start,end", 1, str_find},
    {"format", "*", 0, str_format},
    {"index", "sub,start,end", 1, str_index},
    {"isalnum", "", 0, str_isalnum},
    {"isalpha", "", 0, str_isalpha},
    {"isdecimal", "", 0, str_isdigit},
    {"isdigit", "", 0, str_isdigit},
    {"islower", "", 0, str_islower},
    {"isnumeric", "", 0, str_isdigit},
    {"isspace", "", 0, str_isspace},
    {"isupper", "", 0, str_isupper},
    {"join", "iterable", 1, str_join},
    {"ljust", "width,fillchar", 1, str_ljust},
    {"lower", "", 0, str_lower},
    {"lstrip", "chars", 0, str_lstrip},
    {"partition", "sep", 1, str_partition},
    {"removeprefix", "prefix", 1, str_removeprefix},
    {"removesuffix", "suffix", 1, str_removesuffix},
    {"replace", "old,new,count", 2, str_replace},
    {"rfind", "sub,start,end", 1, str_rfind},
    {"rindex", "sub,start,end", 1, str_rindex},
    {"rjust", "width,fillchar", 1, str_rjust},
    {"rpartition", "sep", 1, str_rpartition},
    {"rsplit", "sep,maxsplit", 0, str_rsplit},
    {"rstrip", "chars", 0, str_rstrip},
    {"split", "sep,maxsplit", 0, str_split},
    {"splitlines", "keepends", 0, str_splitlines},
    {"startswith", "prefix,start,end", 1, str_startswith},
    {"strip", "chars", 0, str_strip},
    {"swapcase", "", 0, str_swapcase},
    {"title", "", 0, str_title},
    {"upper", "", 0, str_upper},
    {"zfill", "width", 1, str_zfill},
    {0},
};
static const struct j_func list_methods[] = {
    {"append", "*", 0, refuse}, {"clear", "*", 0, refuse},
    {"copy", "", 0, same},      {"count", "value", 1, list_count},
    {"extend", "*", 0, refuse}, {"index", "value", 1, list_index},
    {"insert", "*", 0, refuse}, {"pop", "*", 0, refuse},
    {"remove", "*", 0, refuse}, {"reverse", "*", 0, refuse},
    {"sort", "*", 0, refuse},   {0},
};
static const struct j_func tuple_methods[] = {
    {"count", "value", 1, list_count},
    {"index", "value", 1, list_index},
    {0},
};
static const struct j_func dict_methods[] = {
    {"clear", "*", 0, refuse},
    {"copy", "", 0, same},
    {"get", "key,default", 1, dict_get},
    {"items", "", 0, dict_items},
    {"keys", "", 0, dict_keys},
    {"pop", "*", 0, refuse},
    {"popitem", "*", 0, refuse},
    {"setdefault", "*", 0, refuse},
    {"update", "*", 0, refuse},
    {"values", "", 0, dict_values},
    {0},
};
static const struct j_func loop_methods[] = {
    {"changed", "*", 0, loop_changed},
    {"cycle", "*", 0, loop_cycle},
    {0},
};
static const struct j_func cycler_methods[] = {
    {"next", "", 0, cycler_next},
    {"reset", "", 0, cycler_reset},
    {0},
};

const struct j_func *
j_find_func(const struct j_func *table, struct jv name)
{
    for (; table && table->name; table++)
        if (j_is(name, table->name))
            return table;
    return NULL;
}

struct jv
j_method_of(struct jctx *c, struct jv x, struct jv name, bool *found)
{
    const struct j_func *table = x.kind == J_STR      ? str_methods
                                 : x.kind == J_LIST   ? list_methods
                                 : x.kind == J_TUPLE  ? tuple_methods
                                 : x.kind == J_DICT   ? dict_methods
                                 : x.kind == J_LOOP   ? loop_methods
                                 : x.kind == J_CYCLER ? cycler_methods
                                                      : NULL;
    const struct j_func *f = j_find_func(table, name);
    struct j_method *m = f ? j_alloc(c, 1, sizeof(*m)) : NULL;

    *found = m != NULL;
    if (!m)
        return J_NOTHING;
    *m = (struct j_method){x, f};
    return (struct jv){.kind = J_METHOD, .u.method = m};
}
