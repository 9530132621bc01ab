/* jinja_sequence.c -- the filters that take or give sequences.
 *
 * Those that are generators in jinja2 (map, select and their like) give an
 * iterator, without length and given out once; all of its items are made when
 * the first is asked for.
 */
#include <string.h>

#include "text/jinja/jinja_filter.h"
#include "text/jinja/jinja_str.h"

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
        l = j_gen_items(c, self);
        if (c->rc || l->n == 0)
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

    UNUSED; // what cannot be walked backwards becomes a list first
    r = copy_of(c, self, self.kind == J_GEN ? J_LIST : J_GEN);
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
            v = j_follow(c, v, *a[1], NULL);
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
    if (self.kind == J_UNDEF || (j_flag(c, a[1], false) && !j_truth(c, self)))
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

/* The key of sort: a list of the keys of all attributes, which are parted by
 * commas. As parts of lists, equal keys need no order. */
static struct jv
keys_of(struct jctx *c, struct jv x, const struct jv *attribute, bool with_case)
{
    struct j_list *keys = j_list_new(c);

    if (attribute && attribute->kind == J_STR) {
        const char *s = attribute->u.s, *end = s + attribute->n;

        for (const char *comma = s; comma && !c->rc; s = comma + 1) {
            struct jv one;

            comma = memchr(s, ',', (size_t)(end - s));
            one = j_str(s, (size_t)((comma ? comma : end) - s));
            j_list_push(c, keys, j_key_of(c, x, &one, with_case));
            if (!comma)
                break;
        }
    } else {
        j_list_push(c, keys, j_key_of(c, x, attribute, with_case));
    }
    return j_seq(J_LIST, keys);
}

static struct jv
sorted(struct jctx *c, struct jv list, const struct jv *attribute,
       struct jv (*key)(struct jctx *, struct jv, const struct jv *, bool),
       bool with_case, bool reverse)
{
    struct jv out = copy_of(c, list, J_LIST);
    const int64_t n = c->rc ? 0 : out.u.list->n;
    struct jv *keys = j_alloc(c, (size_t)n + 1, sizeof(*keys));
    struct jv *spare = j_alloc(c, (size_t)n + 1, 2 * sizeof(*spare));

    for (int64_t i = 0; i < n && !c->rc; i++)
        keys[i] = key(c, out.u.list->v[i], attribute, with_case);
    if (!c->rc)
        merge_sort(c, keys, out.u.list->v, spare, n, reverse);
    return out;
}

FILTER(f_sort)
{
    (void)raw;
    return sorted(c, self, a[2], keys_of, j_flag(c, a[1], false),
                  j_flag(c, a[0], false));
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
    return sorted(c, j_view(c, self.u.dict, J_ITEMS), &by, j_key_of,
                  j_flag(c, a[0], false), j_flag(c, a[2], false));
}

FILTER(f_unique)
{
    const struct j_list *l = j_iterate(c, self);
    struct j_list *out = j_list_new(c), *seen = j_list_new(c);

    (void)raw;
    for (int64_t i = 0; l && i < l->n && !c->rc; i++) {
        const struct jv key =
            j_key_of(c, l->v[i], a[1], j_flag(c, a[0], false));

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
        const struct jv key =
            j_key_of(c, l->v[i], a[1], j_flag(c, a[0], false));

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

/* What map and select go over: of None, false, 0 and the like there is nothing,
 * and then nothing else is looked at. NULL there, and after a failure. */
static const struct j_list *
iterate_if_true(struct jctx *c, struct jv v)
{
    return j_truth(c, v) ? j_iterate(c, v) : NULL;
}

FILTER(f_map)
{
    const struct jv *attribute = keyword(raw, "attribute");
    const struct jv *none = keyword(raw, "default");
    const struct j_list *l = iterate_if_true(c, self);
    struct j_list *out = j_list_new(c);
    struct j_args rest = rest_of(raw, 1);

    (void)a;
    if (!l)
        return j_seq(J_GEN, out);
    if (raw->n == 0 && (!attribute || raw->n_kw > (none ? 2 : 1)))
        return j_fail(c, TRV_EFORMAT, "map asks for a filter or an attribute");
    if (raw->n && raw->v[0].kind != J_STR)
        return j_fail(c, TRV_EFORMAT, "map asks for a filter's name");
    for (int64_t i = 0; i < l->n && !c->rc; i++)
        j_list_push(c, out,
                    raw->n ? j_filter(c, raw->v[0], l->v[i], &rest)
                           : j_follow(c, l->v[i], *attribute, none));
    return j_seq(J_GEN, out);
}

/* select, reject and their attr forms: items for which the test (or their
 * truth) is `want`. */
static struct jv
chosen(struct jctx *c, struct jv self, const struct j_args *raw, bool attr,
       bool want)
{
    const struct j_list *l = iterate_if_true(c, self);
    struct j_list *out = j_list_new(c);
    const int64_t at = attr ? 1 : 0;
    struct j_args rest = rest_of(raw, at + 1);

    if (!l)
        return j_seq(J_GEN, out);
    if (attr && raw->n == 0)
        return j_fail(c, TRV_EFORMAT, "an attribute's name is missing");
    if (raw->n > at && raw->v[at].kind != J_STR)
        return j_fail(c, TRV_EFORMAT, "a test's name is asked for");
    for (int64_t i = 0; i < l->n && !c->rc; i++) {
        const struct jv v =
            attr ? j_follow(c, l->v[i], raw->v[0], NULL) : l->v[i];
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
    const int64_t size = j_int_arg(c, a[0], 1);

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

FILTER(f_slice)
{
    const struct j_list *l = j_iterate(c, self);
    struct j_list *out = j_list_new(c);
    const int64_t parts = j_int_arg(c, a[0], 1);
    const int64_t longer = l && parts > 0 ? l->n % parts : 0;

    (void)raw;
    if (!c->rc && parts == 0)
        return j_fail(c, TRV_EFORMAT, "a slice of zero parts");
    for (int64_t k = 0, i = 0; l && k < parts && !c->rc; k++) {
        struct j_list *part = j_list_new(c);
        const int64_t n = l->n / parts + (k < longer);

        for (int64_t end = i + n; i < end && !c->rc; i++)
            j_list_push(c, part, l->v[i]);
        if (a[1] && a[1]->kind != J_NONE && k >= longer && !c->rc)
            j_list_push(c, part, *a[1]);
        j_list_push(c, out, j_seq(J_LIST, part));
    }
    return j_seq(J_GEN, out);
}

const struct j_func j_sequence_filters[] = {
    {"batch", "linecount,fill_with", 1, f_batch},
    {"count", "", 0, f_length},
    {"d", "default_value,boolean", 0, f_default},
    {"default", "default_value,boolean", 0, f_default},
    {"dictsort", "case_sensitive,by,reverse", 0, f_dictsort},
    {"first", "", 0, f_first},
    {"items", "", 0, f_items},
    {"join", "d,attribute", 0, f_join},
    {"last", "", 0, f_last},
    {"length", "", 0, f_length},
    {"list", "", 0, f_list},
    {"map", "*", 0, f_map},
    {"max", "case_sensitive,attribute", 0, f_max},
    {"min", "case_sensitive,attribute", 0, f_min},
    {"reject", "*", 0, f_reject},
    {"rejectattr", "*", 0, f_rejectattr},
    {"reverse", "", 0, f_reverse},
    {"select", "*", 0, f_select},
    {"selectattr", "*", 0, f_selectattr},
    {"slice", "slices,fill_with", 1, f_slice},
    {"sort", "reverse,case_sensitive,attribute", 0, f_sort},
    {"unique", "case_sensitive,attribute", 0, f_unique},
    {0},
};

bool
j_sequence_is_lazy(const struct j_func *f)
{
    static struct jv (*const lazy[])(struct jctx *, struct jv,
                                     const struct jv *const *,
                                     const struct j_args *) = {
        f_batch,  f_items,      f_map,   f_reject, f_rejectattr,
        f_select, f_selectattr, f_slice, f_unique};

    for (size_t i = 0; i < sizeof(lazy) / sizeof(*lazy); i++)
        if (f->fn == lazy[i])
            return true;
    return false;
}
