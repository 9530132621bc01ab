/* jinja_value.c -- the values of a template: memory, comparison, printing. */
#include "text/jinja_value.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "text/jinja_str.h"

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

struct jv *
j_dict_str(struct jctx *c, const struct j_dict *d, const char *key)
{
    return j_dict_get(c, d, j_cstr(key));
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
            *l = *v.u.list;
            v.u.list->n = 0; // given out once
        }
        return l;
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

/* ---- printing ----------------------------------------------------------- */

static void
put(struct jctx *c, struct strbuf *out, const char *s, size_t n)
{
    if (c->rc)
        return;
    j_charge(c, n);
    if (n > J_MAX_OUT || out->len > J_MAX_OUT - n)
        j_fail(c, TRV_ERANGE, "more than %zu MiB of text", J_MAX_OUT >> 20);
    else if (sb_add(out, s, n))
        j_fail(c, TRV_ENOMEM, "no memory for the text");
}

static void
puts_(struct jctx *c, struct strbuf *out, const char *s)
{
    put(c, out, s, strlen(s));
}

/* The outcome of a writer that knows nothing of bounds. */
static void
wrote(struct jctx *c, const struct strbuf *out, size_t before, int rc)
{
    j_charge(c, out->len - before);
    if (rc)
        j_fail(c, rc, "no memory for the text");
    else if (out->len > J_MAX_OUT)
        j_fail(c, TRV_ERANGE, "more than %zu MiB of text", J_MAX_OUT >> 20);
}

static void
print_items(struct jctx *c, struct strbuf *out, const struct j_list *l)
{
    for (int64_t i = 0; i < l->n && !c->rc; i++) {
        if (i)
            puts_(c, out, ", ");
        j_repr(c, out, l->v[i]);
    }
}

static void
print_dict(struct jctx *c, struct strbuf *out, const struct j_dict *d)
{
    puts_(c, out, "{");
    for (int64_t i = 0; i < d->n && !c->rc; i++) {
        if (i)
            puts_(c, out, ", ");
        j_repr(c, out, d->k[i]);
        puts_(c, out, ": ");
        j_repr(c, out, d->v[i]);
    }
    puts_(c, out, "}");
}

void
j_repr(struct jctx *c, struct strbuf *out, struct jv v)
{
    static const char *const views[] = {"dict_keys([", "dict_values([",
                                        "dict_items(["};
    const size_t before = out->len;
    char text[96];

    if (!j_enter(c)) {
        j_leave(c);
        return;
    }
    switch (v.kind) {
    case J_UNDEF:
        puts_(c, out, "Undefined");
        break;
    case J_NONE:
        puts_(c, out, "None");
        break;
    case J_BOOL:
        puts_(c, out, v.u.b ? "True" : "False");
        break;
    case J_INT:
        snprintf(text, sizeof(text), "%lld", (long long)v.u.i);
        puts_(c, out, text);
        break;
    case J_FLOAT:
        wrote(c, out, before, jstr_float(out, v.u.f));
        break;
    case J_STR:
        wrote(c, out, before, jstr_repr(out, v.u.s, v.n));
        break;
    case J_LIST:
        puts_(c, out, "[");
        print_items(c, out, v.u.list);
        puts_(c, out, "]");
        break;
    case J_TUPLE:
        puts_(c, out, "(");
        print_items(c, out, v.u.list);
        puts_(c, out, v.u.list->n == 1 ? ",)" : ")");
        break;
    case J_RANGE:
        snprintf(text, sizeof(text),
                 v.u.list->range[2] == 1 ? "range(%lld, %lld)"
                                         : "range(%lld, %lld, %lld)",
                 (long long)v.u.list->range[0], (long long)v.u.list->range[1],
                 (long long)v.u.list->range[2]);
        puts_(c, out, text);
        break;
    case J_VIEW:
        puts_(c, out, views[v.sub]);
        print_items(c, out, v.u.list);
        puts_(c, out, "])");
        break;
    case J_DICT:
        print_dict(c, out, v.u.dict);
        break;
    case J_SPACE:
        puts_(c, out, "<Namespace ");
        print_dict(c, out, v.u.dict);
        puts_(c, out, ">");
        break;
    case J_LOOP:
        snprintf(text, sizeof(text), "<LoopContext %lld/%lld>",
                 (long long)v.u.loop->i + 1, (long long)v.u.loop->items->n);
        puts_(c, out, text);
        break;
    default: // Python prints an address here; there is none to agree on
        snprintf(text, sizeof(text), "<%s object>", j_type(v));
        puts_(c, out, text);
    }
    j_leave(c);
}

void
j_print(struct jctx *c, struct strbuf *out, struct jv v)
{
    if (v.kind == J_STR)
        put(c, out, v.u.s, v.n);
    else if (v.kind != J_UNDEF)
        j_repr(c, out, v);
}

struct jv
j_to_str(struct jctx *c, struct jv v)
{
    struct strbuf b = {0};

    if (v.kind == J_STR)
        return v;
    j_print(c, &b, v);
    return j_take(c, &b, 0);
}

static void
json_break(struct jctx *c, struct strbuf *out, const struct j_json_style *style,
           int level)
{
    if (!style->indent)
        return;
    puts_(c, out, "\n");
    for (int i = 0; i < level && !c->rc; i++)
        puts_(c, out, style->indent);
}

static void
json_key(struct jctx *c, struct strbuf *out, struct jv k, bool ascii)
{
    const size_t before = out->len;
    struct strbuf b = {0};
    int rc = 0;

    switch (k.kind) {
    case J_STR:
        rc = jstr_json(out, k.u.s, k.n, ascii);
        break;
    case J_NONE:
        rc = sb_puts(out, "\"null\"");
        break;
    case J_BOOL:
        rc = sb_puts(out, k.u.b ? "\"true\"" : "\"false\"");
        break;
    case J_INT:
    case J_FLOAT:
        j_repr(c, &b, k);
        rc = sb_printf(out, "\"%s\"", b.s ? b.s : "");
        sb_release(&b);
        break;
    default:
        j_fail(c, TRV_EFORMAT, "a %s cannot be a key of JSON", j_type(k));
    }
    wrote(c, out, before, rc);
}

/* Indices of d's keys, sorted by key. */
static int64_t *
sorted_keys(struct jctx *c, const struct j_dict *d)
{
    int64_t *at = j_alloc(c, (size_t)d->n + 1, sizeof(*at));

    for (int64_t i = 0; at && i < d->n; i++) {
        int64_t k = i;

        for (; k > 0 && !c->rc && j_order(c, d->k[at[k - 1]], d->k[i]) > 0; k--)
            at[k] = at[k - 1];
        at[k] = i;
    }
    return c->rc ? NULL : at;
}

static void
json_items(struct jctx *c, struct strbuf *out, struct jv v,
           const struct j_json_style *style, int level)
{
    const bool dict = v.kind == J_DICT;
    const int64_t n = dict ? v.u.dict->n : v.u.list->n;
    const int64_t *at = NULL;

    if (n == 0) {
        puts_(c, out, dict ? "{}" : "[]");
        return;
    }
    if (dict && style->sort) {
        at = sorted_keys(c, v.u.dict);
        if (!at)
            return;
    }
    puts_(c, out, dict ? "{" : "[");
    for (int64_t i = 0; i < n && !c->rc; i++) {
        if (i && style->item.kind == J_STR)
            put(c, out, style->item.u.s, style->item.n);
        else if (i)
            puts_(c, out, style->indent ? "," : ", ");
        json_break(c, out, style, level + 1);
        if (dict) {
            json_key(c, out, v.u.dict->k[at ? at[i] : i], style->ascii);
            if (style->key.kind == J_STR)
                put(c, out, style->key.u.s, style->key.n);
            else
                puts_(c, out, ": ");
            j_json(c, out, v.u.dict->v[at ? at[i] : i], style, level + 1);
        } else {
            j_json(c, out, v.u.list->v[i], style, level + 1);
        }
    }
    json_break(c, out, style, level);
    puts_(c, out, dict ? "}" : "]");
}

void
j_json(struct jctx *c, struct strbuf *out, struct jv v,
       const struct j_json_style *style, int level)
{
    const size_t before = out->len;

    if (!j_enter(c)) {
        j_leave(c);
        return;
    }
    switch (v.kind) {
    case J_NONE:
        puts_(c, out, "null");
        break;
    case J_BOOL:
        puts_(c, out, v.u.b ? "true" : "false");
        break;
    case J_FLOAT:
        if (isnan(v.u.f) || isinf(v.u.f))
            puts_(c, out,
                  isnan(v.u.f) ? "NaN"
                  : v.u.f > 0  ? "Infinity"
                               : "-Infinity");
        else
            j_repr(c, out, v);
        break;
    case J_INT:
        j_repr(c, out, v);
        break;
    case J_STR:
        wrote(c, out, before, jstr_json(out, v.u.s, v.n, style->ascii));
        break;
    case J_LIST:
    case J_TUPLE:
    case J_DICT:
        json_items(c, out, v, style, level);
        break;
    default:
        j_fail(c, TRV_EFORMAT, "a value of type %s has no JSON form",
               j_type(v));
    }
    j_leave(c);
}

/* ---- arithmetic --------------------------------------------------------- */

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
        put(c, out, b.s ? b.s : "", b.len);
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
    puts_(c, out, text);
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

        put(c, &out, s, (size_t)((p ? p : end) - s));
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
            put(c, &out, "%", 1);
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
