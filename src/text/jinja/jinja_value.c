/* jinja_value.c -- the values of a template: memory and comparison. */
#include "text/jinja/jinja_value.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "text/jinja/jinja_str.h"

#define PIECE ((size_t)64 << 10)

struct jv
j_fail(struct jctx *c, int code, const char *fmt, ...)
{
    char text[900];
    va_list ap;

    if (!c->rc) {
        va_start(ap, fmt);
        vsnprintf(text, sizeof(text), fmt, ap);
        va_end(ap);
        c->rc =
            err_fail(c->err, code, "'%s' line %d: %s", c->name, c->line, text);
    }
    return j_undef("", 0, false);
}

void
j_charge(struct jctx *c, size_t touched)
{
    c->steps += 1 + (int64_t)(touched / 64);
    if (c->steps > J_MAX_STEPS && !c->rc)
        j_fail(c, TRV_ERANGE, "the template takes more than %d steps",
               J_MAX_STEPS);
}

bool
j_enter(struct jctx *c)
{
    c->depth++;
    j_charge(c, 0);
    if (c->depth > J_MAX_DEPTH)
        j_fail(c, TRV_ERANGE, "nested deeper than %d levels", J_MAX_DEPTH);
    return !c->rc;
}

void
j_leave(struct jctx *c)
{
    c->depth--;
}

void *
j_alloc(struct jctx *c, size_t n, size_t size)
{
    size_t bytes;
    void *p;

    if (c->rc)
        return NULL;
    if (!mem_mul(&bytes, n, size) || bytes > J_MAX_BYTES ||
        c->bytes + bytes > J_MAX_BYTES) {
        j_fail(c, TRV_ERANGE, "the template takes more than %zu MiB of memory",
               J_MAX_BYTES >> 20);
        return NULL;
    }
    bytes = (bytes + 15) & ~(size_t)15;
    c->bytes += bytes;
    j_charge(c, bytes);
    if (c->rc)
        return NULL;
    if (bytes > PIECE / 8) {
        p = arena_alloc(&c->arena, bytes);
    } else {
        if (bytes > c->left) {
            c->bump = arena_alloc(&c->arena, PIECE);
            c->left = c->bump ? PIECE : 0;
        }
        p = c->bump;
        if (p) {
            c->bump += bytes;
            c->left -= bytes;
        }
    }
    if (!p)
        j_fail(c, TRV_ENOMEM, "no memory for a value of %zu bytes", bytes);
    return p;
}

void
jctx_release(struct jctx *c)
{
    arena_release(&c->arena);
}

struct jv
j_take(struct jctx *c, struct strbuf *b, int rc)
{
    char *s = NULL;
    const size_t n = b->len;

    if (rc)
        j_fail(c, rc, "no memory for a string");
    else
        s = j_alloc(c, n + 1, 1);
    if (s && n)
        memcpy(s, b->s, n);
    sb_release(b);
    return s ? j_str(s, n) : j_undef("", 0, false);
}

struct jv
j_bool(bool b)
{
    return (struct jv){.kind = J_BOOL, .u.b = b};
}

struct jv
j_int(int64_t i)
{
    return (struct jv){.kind = J_INT, .u.i = i};
}

struct jv
j_float(double f)
{
    return (struct jv){.kind = J_FLOAT, .u.f = f};
}

struct jv
j_str(const char *s, size_t n)
{
    return (struct jv){.kind = J_STR, .n = n, .u.s = n ? s : ""};
}

struct jv
j_cstr(const char *s)
{
    return j_str(s, strlen(s));
}

struct jv
j_undef(const char *name, size_t n, bool attribute)
{
    return (struct jv){.kind = J_UNDEF, .sub = attribute, .n = n, .u.s = name};
}

/* ---- lists and dicts ---------------------------------------------------- */

struct j_list *
j_list_new(struct jctx *c)
{
    struct j_list *l = j_alloc(c, 1, sizeof(*l));

    if (l)
        memset(l, 0, sizeof(*l));
    return l;
}

void
j_list_push(struct jctx *c, struct j_list *l, struct jv v)
{
    if (c->rc)
        return;
    if (l->n == l->cap) {
        const int64_t cap = l->cap ? 2 * l->cap : 4;
        struct jv *more = j_alloc(c, (size_t)cap, sizeof(*more));

        if (!more)
            return;
        if (l->n)
            memcpy(more, l->v, (size_t)l->n * sizeof(*more));
        l->v = more;
        l->cap = cap;
    }
    l->v[l->n++] = v;
}

struct jv
j_seq(enum j_kind kind, struct j_list *l)
{
    if (!l)
        return j_undef("", 0, false);
    return (struct jv){.kind = (uint8_t)kind, .u.list = l};
}

struct jv
j_pair(struct jctx *c, struct jv a, struct jv b)
{
    struct j_list *l = j_list_new(c);

    j_list_push(c, l, a);
    j_list_push(c, l, b);
    return j_seq(J_TUPLE, l);
}

struct j_dict *
j_dict_new(struct jctx *c)
{
    struct j_dict *d = j_alloc(c, 1, sizeof(*d));

    if (d)
        memset(d, 0, sizeof(*d));
    return d;
}

void
j_dict_add(struct jctx *c, struct j_dict *d, struct jv k, struct jv v)
{
    if (c->rc)
        return;
    if (d->n == d->cap) {
        const int64_t cap = d->cap ? 2 * d->cap : 4;
        struct jv *keys = j_alloc(c, (size_t)cap, sizeof(*keys));
        struct jv *values = j_alloc(c, (size_t)cap, sizeof(*values));

        if (!keys || !values)
            return;
        if (d->n) {
            memcpy(keys, d->k, (size_t)d->n * sizeof(*keys));
            memcpy(values, d->v, (size_t)d->n * sizeof(*values));
        }
        d->k = keys;
        d->v = values;
        d->cap = cap;
    }
    d->k[d->n] = k;
    d->v[d->n++] = v;
}

void
j_dict_set(struct jctx *c, struct j_dict *d, struct jv k, struct jv v)
{
    struct jv *there = c->rc ? NULL : j_dict_get(c, d, k);

    if (there)
        *there = v;
    else
        j_dict_add(c, d, k, v);
}

struct jv *
j_dict_get(struct jctx *c, const struct j_dict *d, struct jv k)
{
    int64_t i;

    for (i = 0; i < d->n; i++)
        if (k.kind == J_STR && d->k[i].kind == J_STR ? j_same_str(k, d->k[i])
                                                     : j_equal(c, k, d->k[i]))
            break;
    j_charge(c, (size_t)i * 4);
    return i < d->n && !c->rc ? &d->v[i] : NULL;
}

struct jv
j_dict_value(struct j_dict *d)
{
    if (!d)
        return j_undef("", 0, false);
    return (struct jv){.kind = J_DICT, .u.dict = d};
}

struct jv
j_view(struct jctx *c, struct j_dict *d, enum j_view what)
{
    struct j_list *l = j_list_new(c);
    struct jv v;

    for (int64_t i = 0; i < d->n && !c->rc; i++)
        j_list_push(c, l,
                    what == J_KEYS     ? d->k[i]
                    : what == J_VALUES ? d->v[i]
                                       : j_pair(c, d->k[i], d->v[i]));
    if (c->rc)
        return j_undef("", 0, false);
    l->of = d;
    v = j_seq(J_VIEW, l);
    v.sub = (uint8_t)what;
    return v;
}

/* Iterating changes nothing, but jansson asks for an object it could change. */
static json_t *
json_as(const json_t *json)
{
    return (json_t *)(uintptr_t)json;
}

struct jv
j_from_json(struct jctx *c, const json_t *json)
{
    struct jv out = J_NOTHING;

    if (!json || !j_enter(c))
        return out;
    switch (json_typeof(json)) {
    case JSON_OBJECT: {
        struct j_dict *d = j_dict_new(c);
        const char *key;
        json_t *v;

        for (void *it = json_object_iter(json_as(json)); it && !c->rc;
             it = json_object_iter_next(json_as(json), it)) {
            key = json_object_iter_key(it);
            v = json_object_iter_value(it);
            j_dict_add(c, d, j_str(key, json_object_iter_key_len(it)),
                       j_from_json(c, v));
        }
        out = j_dict_value(d);
        break;
    }
    case JSON_ARRAY: {
        struct j_list *l = j_list_new(c);

        for (size_t i = 0; i < json_array_size(json) && !c->rc; i++)
            j_list_push(c, l, j_from_json(c, json_array_get(json, i)));
        out = j_seq(J_LIST, l);
        break;
    }
    case JSON_STRING:
        out = j_str(json_string_value(json), json_string_length(json));
        break;
    case JSON_INTEGER:
        out = j_int(json_integer_value(json));
        break;
    case JSON_REAL:
        out = j_float(json_real_value(json));
        break;
    case JSON_TRUE:
    case JSON_FALSE:
        out = j_bool(json_is_true(json));
        break;
    case JSON_NULL:
        break;
    }
    j_leave(c);
    return out;
}

/* ---- what a value is ---------------------------------------------------- */

const char *
j_type(struct jv v)
{
    static const char *const names[] = {
        "Undefined", "NoneType", "bool",      "int",         "float",
        "str",       "list",     "tuple",     "range",       "dict_view",
        "generator", "dict",     "Namespace", "LoopContext", "Cycler",
        "Joiner",    "function", "method",    "Macro",
    };
    _Static_assert(sizeof(names) / sizeof(names[0]) == J_MACRO + 1,
                   "a name for each kind");

    return names[v.kind];
}

bool
j_is_seq(struct jv v)
{
    return v.kind >= J_LIST && v.kind <= J_GEN;
}

bool
j_is(struct jv v, const char *s)
{
    return v.kind == J_STR && v.n == strlen(s) && memcmp(v.u.s, s, v.n) == 0;
}

bool
j_same_str(struct jv a, struct jv b)
{
    return a.n == b.n && (a.u.s == b.u.s || memcmp(a.u.s, b.u.s, a.n) == 0);
}

bool
j_number(struct jv v, double *x)
{
    if (v.kind == J_BOOL)
        *x = v.u.b;
    else if (v.kind == J_INT)
        *x = (double)v.u.i;
    else if (v.kind == J_FLOAT)
        *x = v.u.f;
    else
        return false;
    return true;
}

bool
j_integer(struct jv v, int64_t *i)
{
    if (v.kind == J_BOOL)
        *i = v.u.b;
    else if (v.kind == J_INT)
        *i = v.u.i;
    else
        return false;
    return true;
}

bool
j_truth(struct jctx *c, struct jv v)
{
    (void)c;
    switch (v.kind) {
    case J_UNDEF:
    case J_NONE:
        return false;
    case J_BOOL:
        return v.u.b;
    case J_INT:
        return v.u.i != 0;
    case J_FLOAT:
        return v.u.f < 0 || v.u.f > 0 || isnan(v.u.f);
    case J_STR:
        return v.n > 0;
    case J_LIST:
    case J_TUPLE:
    case J_RANGE:
    case J_VIEW:
        return v.u.list->n > 0;
    case J_DICT:
        return v.u.dict->n > 0;
    default:
        return true;
    }
}

static bool
same_lists(struct jctx *c, const struct j_list *a, const struct j_list *b)
{
    if (a->n != b->n)
        return false;
    if (a == b)
        return true;
    for (int64_t i = 0; i < a->n && !c->rc; i++)
        if (!j_equal(c, a->v[i], b->v[i]))
            return false;
    return true;
}

bool
j_equal(struct jctx *c, struct jv a, struct jv b)
{
    int64_t i, k;
    double x, y;
    bool same = false;

    if (j_integer(a, &i) && j_integer(b, &k))
        return i == k;
    if (j_number(a, &x) && j_number(b, &y))
        return x <= y && x >= y;
    if (a.kind != b.kind || !j_enter(c)) {
        if (c->rc)
            j_leave(c);
        return false;
    }
    switch (a.kind) {
    case J_UNDEF:
    case J_NONE:
        same = true;
        break;
    case J_STR:
        j_charge(c, a.n == b.n ? a.n : 0);
        same = j_same_str(a, b);
        break;
    case J_LIST:
    case J_TUPLE:
    case J_RANGE:
        same = same_lists(c, a.u.list, b.u.list);
        break;
    case J_VIEW:
        same = a.sub == b.sub && a.sub != J_VALUES &&
               same_lists(c, a.u.list, b.u.list);
        break;
    case J_DICT:
        same = a.u.dict->n == b.u.dict->n;
        for (int64_t n = 0; same && n < a.u.dict->n && !c->rc; n++) {
            const struct jv *other = j_dict_get(c, b.u.dict, a.u.dict->k[n]);

            same = other && j_equal(c, a.u.dict->v[n], *other);
        }
        break;
    default:
        same = a.u.list == b.u.list; // identity
    }
    j_leave(c);
    return same;
}

int
j_order(struct jctx *c, struct jv a, struct jv b)
{
    int64_t i, k;
    double x, y;
    int order = 0;

    if (j_integer(a, &i) && j_integer(b, &k))
        return (i > k) - (i < k);
    if (j_number(a, &x) && j_number(b, &y))
        return isnan(x) || isnan(y) ? 2 : (x > y) - (x < y);
    if (a.kind == J_STR && b.kind == J_STR) {
        const size_t n = a.n < b.n ? a.n : b.n;

        j_charge(c, n);
        order = memcmp(a.u.s, b.u.s, n); // UTF-8 sorts as its code points
        if (order == 0)
            order = (a.n > b.n) - (a.n < b.n);
        return order < 0 ? -1 : order > 0;
    }
    if (a.kind == b.kind && (a.kind == J_LIST || a.kind == J_TUPLE)) {
        const struct j_list *p = a.u.list, *q = b.u.list;

        if (!j_enter(c)) {
            j_leave(c);
            return 0;
        }
        for (int64_t n = 0; n < p->n && n < q->n && !c->rc; n++)
            if (!j_equal(c, p->v[n], q->v[n])) {
                order = j_order(c, p->v[n], q->v[n]);
                j_leave(c);
                return order;
            }
        j_leave(c);
        return (p->n > q->n) - (p->n < q->n);
    }
    if (a.kind == J_UNDEF || b.kind == J_UNDEF)
        j_fail(c, TRV_EFORMAT, "'%.*s' is undefined",
               (int)(a.kind == J_UNDEF ? a : b).n,
               (a.kind == J_UNDEF ? a : b).u.s);
    j_fail(c, TRV_EFORMAT, "'%s' and '%s' have no order", j_type(a), j_type(b));
    return 0;
}

bool
j_hashable(struct jctx *c, struct jv v)
{
    if (v.kind == J_LIST || v.kind == J_DICT || v.kind == J_VIEW) {
        j_fail(c, TRV_EFORMAT, "a %s cannot be a key", j_type(v));
        return false;
    }
    if (v.kind == J_TUPLE) {
        bool ok = j_enter(c);

        for (int64_t i = 0; ok && i < v.u.list->n; i++)
            ok = j_hashable(c, v.u.list->v[i]);
        j_leave(c);
        return ok;
    }
    return true;
}

bool
j_contains(struct jctx *c, struct jv where, struct jv what)
{
    const struct j_list *l;

    if (where.kind == J_STR) {
        if (what.kind != J_STR) {
            j_fail(c, TRV_EFORMAT, "'in <string>' asks for a string, not %s",
                   j_type(what));
            return false;
        }
        j_charge(c, where.n);
        return jstr_find(where.u.s, where.n, what.u.s, what.n, false) >= 0;
    }
    if (where.kind == J_DICT)
        return j_hashable(c, what) && j_dict_get(c, where.u.dict, what);
    l = j_iterate(c, where);
    for (int64_t i = 0; l && i < l->n && !c->rc; i++)
        if (j_equal(c, l->v[i], what))
            return true;
    return false;
}

int64_t
j_length(struct jctx *c, struct jv v)
{
    switch (v.kind) {
    case J_UNDEF:
        return 0;
    case J_STR:
        j_charge(c, v.n);
        return jstr_count(v.u.s, v.n);
    case J_LIST:
    case J_TUPLE:
    case J_RANGE:
    case J_VIEW:
        return v.u.list->n;
    case J_DICT:
        return v.u.dict->n;
    case J_LOOP:
        return v.u.loop->items->n;
    default:
        j_fail(c, TRV_EFORMAT, "'%s' has no length", j_type(v));
        return 0;
    }
}

struct j_list *
j_gen_items(struct jctx *c, struct jv v)
{
    struct j_list *l = v.u.list;

    if (l->todo) {
        const struct j_todo *todo = l->todo;
        struct jv made;

        l->todo = NULL;
        made = todo->run(c, todo);
        if (!c->rc)
            *l = *made.u.list;
    }
    return l;
}

struct j_list *
j_iterate(struct jctx *c, struct jv v)
{
    struct j_list *l;
    int32_t cp;

    switch (v.kind) {
    case J_LIST:
    case J_TUPLE:
    case J_RANGE:
    case J_VIEW:
        return v.u.list;
    case J_GEN:
        l = j_list_new(c);
        if (l) {
            struct j_list *items = j_gen_items(c, v);

            *l = *items;
            items->n = 0; // given out once
        }
        return c->rc ? NULL : l;
    case J_UNDEF:
        return j_list_new(c);
    case J_DICT:
        l = j_list_new(c);
        for (int64_t i = 0; i < v.u.dict->n && !c->rc; i++)
            j_list_push(c, l, v.u.dict->k[i]);
        return c->rc ? NULL : l;
    case J_STR:
        l = j_list_new(c);
        for (size_t i = 0; i < v.n && !c->rc;) {
            const size_t len = jstr_next(v.u.s + i, v.n - i, &cp);

            j_list_push(c, l, j_str(v.u.s + i, len));
            i += len;
        }
        return c->rc ? NULL : l;
    default:
        j_fail(c, TRV_EFORMAT, "'%s' cannot be iterated over", j_type(v));
        return NULL;
    }
}
