/* jinja_eval.c -- running a template's tree. */
#include "text/jinja/jinja_eval.h"

#include <string.h>

#include "text/jinja/jinja_str.h"

enum flow { FLOW_ON, FLOW_BREAK, FLOW_CONTINUE };

struct j_macro {
    const struct jnode *node;
    struct j_scope *scope; // where it was defined
};

static struct jv eval(struct jctx *c, const struct jnode *x,
                      struct j_scope *scope);
static enum flow run_all(struct jctx *c, const struct jnode *x,
                         struct j_scope *scope);

/* ---- names -------------------------------------------------------------- */

void
j_scope_set(struct jctx *c, struct j_scope *s, int32_t sym, struct jv v)
{
    int64_t i;

    for (i = 0; i < s->n; i++)
        if (s->vars[i].sym == sym) {
            s->vars[i].v = v;
            return;
        }
    j_charge(c, (size_t)i);
    if (c->rc)
        return;
    if (s->n == s->cap) {
        const int64_t cap = s->cap ? 4 * s->cap : 2;
        struct j_var *more = j_alloc(c, (size_t)cap, sizeof(*more));

        if (!more)
            return;
        if (s->n)
            memcpy(more, s->vars, (size_t)s->n * sizeof(*more));
        s->vars = more;
        s->cap = cap;
    }
    s->vars[s->n++] = (struct j_var){sym, v};
}

static struct j_scope *
scope_new(struct jctx *c, struct j_scope *up)
{
    struct j_scope *s = j_alloc(c, 1, sizeof(*s));

    if (s)
        *s = (struct j_scope){.up = up};
    return s;
}

static struct jv
look_up(struct jctx *c, const struct jnode *x, const struct j_scope *scope)
{
    const struct j_func *f;

    for (; scope; scope = scope->up) {
        j_charge(c, (size_t)scope->n);
        for (int64_t i = 0; i < scope->n; i++)
            if (scope->vars[i].sym == x->sym)
                return scope->vars[i].v;
    }
    f = j_global(x->v);
    if (f)
        return (struct jv){.kind = J_FUNC, .u.func = f};
    return j_undef(x->v.u.s, x->v.n, false);
}

bool
j_defined(struct jctx *c, struct jv v)
{
    if (v.kind == J_UNDEF)
        j_fail(c, TRV_EFORMAT,
               v.sub ? "there is no '%.*s'" : "'%.*s' is undefined",
               v.n > 200 ? 200 : (int)v.n, v.u.s);
    return !c->rc;
}

static void
assign(struct jctx *c, const struct jnode *to, struct jv v,
       struct j_scope *scope)
{
    const struct jnode *item;
    const struct j_list *l;
    int64_t n = 0;

    if (c->rc)
        return;
    if (to->kind == JN_NAME) {
        j_scope_set(c, scope, to->sym, v);
        return;
    }
    if (to->kind == JN_FIELD) {
        const struct jnode name = {.kind = JN_NAME, .sym = to->sym, .v = to->v};
        const struct jv space = look_up(c, &name, scope);

        if (space.kind != J_SPACE)
            j_fail(c, TRV_EFORMAT,
                   "an attribute can be set on a namespace only");
        else if (to->v.n && to->v.u.s[0] == '_')
            j_fail(c, TRV_EFORMAT, "a namespace has no private attributes");
        else
            j_dict_set(c, space.u.dict, to->v, v);
        return;
    }
    if (!j_enter(c)) {
        j_leave(c);
        return;
    }
    if (v.kind == J_UNDEF && !j_defined(c, v)) {
        j_leave(c);
        return;
    }
    l = j_iterate(c, v);
    for (item = to->a; item; item = item->next)
        n++;
    if (l && l->n != n)
        j_fail(c, TRV_EFORMAT, "%lld values for %lld names", (long long)l->n,
               (long long)n);
    n = 0;
    for (item = to->a; item && !c->rc; item = item->next)
        assign(c, item, l->v[n++], scope);
    j_leave(c);
}

/* ---- calls -------------------------------------------------------------- */

static int
param_index(const char *params, struct jv name)
{
    int i = 0;

    for (const char *p = params; *p; i++) {
        const size_t n = strcspn(p, ",");

        if (n == name.n && memcmp(p, name.u.s, n) == 0)
            return i;
        p += n + (p[n] == ',');
    }
    return -1;
}

struct jv
j_apply(struct jctx *c, const struct j_func *f, struct jv self,
        const struct j_args *args)
{
    const struct jv *a[J_MAX_PARAMS] = {0};
    int n_params = 0;

    if (c->rc)
        return self;
    if (f->params[0] == '*')
        return f->fn(c, self, a, args);
    for (const char *p = f->params; *p; n_params++)
        p += strcspn(p, ",") + (p[strcspn(p, ",")] == ',');
    if (args->n > n_params)
        return j_fail(c, TRV_EFORMAT, "%s() takes %d arguments, not %lld",
                      f->name, n_params, (long long)args->n);
    for (int64_t i = 0; i < args->n; i++)
        a[i] = &args->v[i];
    for (int64_t i = 0; i < args->n_kw; i++) {
        const struct j_kw *kw = &args->kw[i];
        const int at = param_index(f->params, kw->name);

        if (at < 0 || a[at])
            return j_fail(c, TRV_EFORMAT, "%s() takes no further '%.*s'",
                          f->name, (int)(kw->name.n & 0xff), kw->name.u.s);
        a[at] = &kw->v;
    }
    for (int i = 0; i < f->needed; i++)
        if (!a[i])
            return j_fail(c, TRV_EFORMAT, "%s() lacks an argument", f->name);
    return f->fn(c, self, a, args);
}

static void
push_keyword(struct jctx *c, struct j_args *args, struct jv name, struct jv v)
{
    struct j_kw *more;

    for (int64_t i = 0; i < args->n_kw; i++)
        if (j_same_str(args->kw[i].name, name)) {
            j_fail(c, TRV_EFORMAT, "the argument '%.*s' stands twice",
                   (int)(name.n & 0xff), name.u.s);
            return;
        }
    j_charge(c, (size_t)args->n_kw);
    more = j_alloc(c, (size_t)args->n_kw + 1, sizeof(*more));
    if (!more)
        return;
    if (args->n_kw)
        memcpy(more, args->kw, (size_t)args->n_kw * sizeof(*more));
    more[args->n_kw++] = (struct j_kw){name, v};
    args->kw = more;
}

static void
eval_args(struct jctx *c, struct j_args *args, const struct jnode *x,
          struct j_scope *scope)
{
    struct j_list list = {0};

    *args = (struct j_args){0};
    for (; x && !c->rc; x = x->next) {
        const bool plain =
            x->kind != JN_KEYWORD && x->kind != JN_STAR && x->kind != JN_STARS;
        const struct jv v = eval(c, plain ? x : x->a, scope);

        if (c->rc)
            return;
        if (plain) {
            j_list_push(c, &list, v);
        } else if (x->kind == JN_KEYWORD) {
            push_keyword(c, args, x->v, v);
        } else if (x->kind == JN_STAR) {
            const struct j_list *l = j_iterate(c, v);

            for (int64_t i = 0; l && i < l->n && !c->rc; i++)
                j_list_push(c, &list, l->v[i]);
        } else if (v.kind != J_DICT) {
            j_fail(c, TRV_EFORMAT, "** asks for a dict, not %s", j_type(v));
        } else {
            for (int64_t i = 0; i < v.u.dict->n && !c->rc; i++) {
                if (v.u.dict->k[i].kind != J_STR)
                    j_fail(c, TRV_EFORMAT, "a keyword must be a string");
                else
                    push_keyword(c, args, v.u.dict->k[i], v.u.dict->v[i]);
            }
        }
    }
    args->v = list.v;
    args->n = list.n;
}

/* Run a body into a buffer of its own. */
static struct jv
captured(struct jctx *c, const struct jnode *body, struct j_scope *scope,
         enum flow *flow)
{
    struct strbuf b = {0}, *const out = c->out;

    c->out = &b;
    *flow = run_all(c, body, scope);
    c->out = out;
    return j_take(c, &b, 0);
}

static struct jv
call_macro(struct jctx *c, const struct j_macro *m, const struct j_args *args)
{
    struct j_scope *s = scope_new(c, m->scope);
    const struct jnode *param;
    struct j_list *rest;
    struct j_dict *named;
    int64_t at = 0, n_used = 0;
    enum flow flow;
    struct jv out;

    rest = j_list_new(c);
    named = j_dict_new(c);
    if (c->rc)
        return J_NOTHING;
    for (param = m->node->a; param && !c->rc; param = param->next) {
        struct jv v = j_undef(param->v.u.s, param->v.n, false);
        bool given = at < args->n;

        if (given)
            v = args->v[at++];
        for (int64_t i = 0; i < args->n_kw; i++)
            if (j_same_str(args->kw[i].name, param->v)) {
                if (given)
                    return j_fail(c, TRV_EFORMAT,
                                  "the argument '%.*s' stands twice",
                                  (int)(param->v.n & 0xff), param->v.u.s);
                v = args->kw[i].v;
                given = true;
                n_used++;
            }
        if (!given && param->a)
            v = eval(c, param->a, s);
        j_scope_set(c, s, param->sym, v);
    }
    for (; at < args->n; at++)
        j_list_push(c, rest, args->v[at]);
    if (rest->n && !(m->node->op & JN_USES_VARARGS))
        return j_fail(c, TRV_EFORMAT, "the macro '%.*s' takes fewer arguments",
                      (int)(m->node->v.n & 0xff), m->node->v.u.s);
    if (m->node->op & JN_USES_VARARGS)
        j_scope_set(c, s, c->varargs, j_seq(J_TUPLE, rest));
    for (int64_t i = 0; i < args->n_kw && n_used < args->n_kw; i++) {
        bool known = false;

        for (param = m->node->a; param; param = param->next)
            known |= j_same_str(args->kw[i].name, param->v);
        if (known)
            continue;
        if (j_is(args->kw[i].name, "caller") && (m->node->op & JN_USES_CALLER))
            j_scope_set(c, s, c->caller, args->kw[i].v);
        else if (m->node->op & JN_USES_KWARGS)
            j_dict_set(c, named, args->kw[i].name, args->kw[i].v);
        else
            return j_fail(c, TRV_EFORMAT, "the macro '%.*s' takes no '%.*s'",
                          (int)(m->node->v.n & 0xff), m->node->v.u.s,
                          (int)(args->kw[i].name.n & 0xff),
                          args->kw[i].name.u.s);
    }
    if (m->node->op & JN_USES_KWARGS)
        j_scope_set(c, s, c->kwargs, j_dict_value(named));
    if ((m->node->op & JN_USES_CALLER) && !c->rc) {
        bool there = false;

        for (int64_t i = 0; i < s->n; i++)
            there |= s->vars[i].sym == c->caller;
        if (!there)
            j_scope_set(c, s, c->caller, j_undef("caller", 6, false));
    }
    if (!j_enter(c)) {
        j_leave(c);
        return J_NOTHING;
    }
    out = captured(c, m->node->b, s, &flow);
    j_leave(c);
    return out;
}

struct jv
j_call(struct jctx *c, struct jv callee, const struct j_args *args)
{
    if (c->rc)
        return callee;
    switch (callee.kind) {
    case J_FUNC:
        return j_apply(c, callee.u.func, J_NOTHING, args);
    case J_METHOD:
        return j_apply(c, callee.u.method->func, callee.u.method->self, args);
    case J_MACRO:
        return call_macro(c, callee.u.macro, args);
    case J_JOINER:
        return callee.u.cycler->i++ ? callee.u.cycler->items->v[0]
                                    : j_str("", 0);
    case J_UNDEF:
        j_defined(c, callee);
        return callee;
    default:
        return j_fail(c, TRV_EFORMAT, "a value of type %s cannot be called",
                      j_type(callee));
    }
}

/* ---- attributes and items ----------------------------------------------- */

static struct jv
loop_attr(struct jctx *c, const struct j_loop *l, struct jv name, bool *found)
{
    const int64_t n = l->items->n;

    (void)c;
    *found = true;
    if (j_is(name, "index"))
        return j_int(l->i + 1);
    if (j_is(name, "index0"))
        return j_int(l->i);
    if (j_is(name, "revindex"))
        return j_int(n - l->i);
    if (j_is(name, "revindex0"))
        return j_int(n - l->i - 1);
    if (j_is(name, "first"))
        return j_bool(l->i == 0);
    if (j_is(name, "last"))
        return j_bool(l->i == n - 1);
    if (j_is(name, "length"))
        return j_int(n);
    if (j_is(name, "depth"))
        return j_int(l->depth0 + 1);
    if (j_is(name, "depth0"))
        return j_int(l->depth0);
    if (j_is(name, "previtem"))
        return l->i > 0 ? l->items->v[l->i - 1] : j_undef("previtem", 8, true);
    if (j_is(name, "nextitem"))
        return l->i + 1 < n ? l->items->v[l->i + 1]
                            : j_undef("nextitem", 8, true);
    *found = false;
    return J_NOTHING;
}

/* x[key] in Python's own sense; false where Python would raise a TypeError,
 * an IndexError or a KeyError. */
static bool
plain_item(struct jctx *c, struct jv x, struct jv key, struct jv *out)
{
    const struct jv *v;
    int64_t i, n;

    if (x.kind == J_DICT) {
        if (key.kind == J_LIST || key.kind == J_DICT)
            return false;
        v = j_dict_get(c, x.u.dict, key);
        if (v)
            *out = *v;
        return v != NULL;
    }
    if (!j_integer(key, &i))
        return false;
    if (x.kind == J_STR) {
        n = j_length(c, x);
        i = i < 0 ? i + n : i;
        if (i >= 0 && i < n) {
            const size_t at = jstr_offset(x.u.s, x.n, i);
            int32_t cp;

            *out = j_str(x.u.s + at, jstr_next(x.u.s + at, x.n - at, &cp));
            return true;
        }
    } else if (x.kind == J_LIST || x.kind == J_TUPLE || x.kind == J_RANGE) {
        n = x.u.list->n;
        i = i < 0 ? i + n : i;
        if (i >= 0 && i < n) {
            *out = x.u.list->v[i];
            return true;
        }
    }
    return false;
}

bool
j_own_attr(struct jctx *c, struct jv x, struct jv name, struct jv *out)
{
    bool found = false;

    if (x.kind == J_SPACE) {
        const struct jv *v = j_dict_get(c, x.u.dict, name);

        if (v)
            *out = *v;
        return v != NULL;
    }
    if (x.kind == J_LOOP) {
        *out = loop_attr(c, x.u.loop, name, &found);
        if (found)
            return true;
    }
    if (x.kind == J_CYCLER && j_is(name, "current")) {
        *out = x.u.cycler->items->v[x.u.cycler->i];
        return true;
    }
    if (x.kind == J_MACRO && j_is(name, "name")) {
        *out = x.u.macro->node->v;
        return true;
    }
    *out = j_method_of(c, x, name, &found);
    return found;
}

struct jv
j_attr(struct jctx *c, struct jv x, struct jv name)
{
    struct jv out = J_NOTHING;

    if (c->rc || (x.kind == J_UNDEF && !j_defined(c, x)))
        return out;
    if (j_own_attr(c, x, name, &out) || plain_item(c, x, name, &out))
        return out;
    return j_undef(name.u.s, name.n, true);
}

struct jv
j_item(struct jctx *c, struct jv x, struct jv key)
{
    struct jv out = J_NOTHING;

    if (c->rc || (x.kind == J_UNDEF && !j_defined(c, x)))
        return out;
    if (plain_item(c, x, key, &out))
        return out;
    if (key.kind == J_STR) {
        if (j_own_attr(c, x, key, &out))
            return out;
        return j_undef(key.u.s, key.n, true);
    }
    return j_undef("item", 4, true);
}

/* A bound of a slice; `none` stands for an absent one. */
static int64_t
bound(struct jctx *c, const struct jnode *x, struct j_scope *scope,
      int64_t none)
{
    struct jv v;
    int64_t i = none;

    if (!x || c->rc)
        return none;
    v = eval(c, x, scope);
    if (v.kind != J_NONE && !j_integer(v, &i) && !c->rc)
        j_fail(c, TRV_EFORMAT, "a slice's bound is %s, not an integer",
               j_type(v));
    return i;
}

static struct jv
slice(struct jctx *c, struct jv x, const struct jnode *s, struct j_scope *scope)
{
    const int64_t step = bound(c, s->c, scope, 1);
    struct j_list *items, *l;
    int64_t n, from, to;

    if (c->rc || (x.kind == J_UNDEF && !j_defined(c, x)))
        return x;
    if (x.kind != J_STR && x.kind != J_LIST && x.kind != J_TUPLE &&
        x.kind != J_RANGE)
        return j_fail(c, TRV_EFORMAT, "a value of type %s cannot be sliced",
                      j_type(x));
    if (step == 0)
        return j_fail(c, TRV_EFORMAT, "a slice's step is zero");
    n = j_length(c, x);
    from = bound(c, s->a, scope, step > 0 ? 0 : INT64_MAX);
    to = bound(c, s->b, scope, step > 0 ? INT64_MAX : INT64_MIN);
    if (c->rc)
        return x;
    // Python's slice.indices(): counted from the end, then clipped
    if (from < 0)
        from = from + n < 0 ? (step < 0 ? -1 : 0) : from + n;
    else if (from >= n)
        from = step < 0 ? n - 1 : n;
    if (to == INT64_MIN)
        to = -1;
    else if (to < 0)
        to = to + n < 0 ? (step < 0 ? -1 : 0) : to + n;
    else if (to >= n)
        to = step < 0 ? n - 1 : n;
    if (x.kind == J_STR && step == 1) {
        const size_t a = jstr_offset(x.u.s, x.n, from);
        const size_t b =
            to > from ? a + jstr_offset(x.u.s + a, x.n - a, to - from) : a;

        return j_str(x.u.s + a, b - a);
    }
    items = j_iterate(c, x);
    l = j_list_new(c);
    for (int64_t i = from; l && items && (step > 0 ? i < to : i > to);) {
        j_list_push(c, l, items->v[i]);
        if (c->rc || __builtin_add_overflow(i, step, &i))
            break;
    }
    if (x.kind == J_STR && !c->rc) {
        struct strbuf b = {0};
        int rc = 0;

        for (int64_t i = 0; i < l->n && !rc; i++)
            rc = sb_add(&b, l->v[i].u.s, l->v[i].n);
        return j_take(c, &b, rc);
    }
    if (x.kind == J_RANGE && !c->rc) { // what repr() says of it
        const int64_t *r = x.u.list->range;

        l->range[0] = r[0] + from * r[2];
        l->range[1] = r[0] + to * r[2];
        if (__builtin_mul_overflow(r[2], step, &l->range[2]))
            l->range[2] = step; // of one item at most
    }
    return j_seq(x.kind, l);
}

/* ---- expressions -------------------------------------------------------- */

static bool
compare(struct jctx *c, int op, struct jv a, struct jv b)
{
    int order;

    switch (op) {
    case J_OP('=', '='):
        return j_equal(c, a, b);
    case J_OP('!', '='):
        return !j_equal(c, a, b);
    case 'i':
        return j_contains(c, b, a);
    case 'n':
        return !j_contains(c, b, a);
    default:
        break;
    }
    order = j_order(c, a, b);
    if (order == 2)
        return false;
    return op == '<'              ? order < 0
           : op == '>'            ? order > 0
           : op == J_OP('<', '=') ? order <= 0
                                  : order >= 0;
}

static struct jv
eval_compare(struct jctx *c, const struct jnode *x, struct j_scope *scope)
{
    struct jv left = eval(c, x->a, scope);

    for (const struct jnode *o = x->b; o && !c->rc; o = o->next) {
        const struct jv right = eval(c, o->a, scope);

        c->line = x->line;
        if (c->rc || !compare(c, o->op, left, right))
            return j_bool(false);
        left = right;
    }
    return j_bool(true);
}

static struct jv
eval_items(struct jctx *c, const struct jnode *x, struct j_scope *scope)
{
    struct j_list *l = j_list_new(c);

    for (const struct jnode *item = x->a; item && !c->rc; item = item->next)
        j_list_push(c, l, eval(c, item, scope));
    return j_seq(x->kind == JN_LIST ? J_LIST : J_TUPLE, l);
}

static struct jv
eval_dict(struct jctx *c, const struct jnode *x, struct j_scope *scope)
{
    struct j_dict *d = j_dict_new(c);

    for (const struct jnode *pair = x->a; pair && !c->rc; pair = pair->next) {
        const struct jv k = eval(c, pair->a, scope);
        const struct jv v = eval(c, pair->b, scope);

        if (!c->rc && j_hashable(c, k))
            j_dict_set(c, d, k, v);
    }
    return j_dict_value(d);
}

static struct jv
eval_concat(struct jctx *c, const struct jnode *x, struct j_scope *scope)
{
    struct strbuf b = {0};

    for (const struct jnode *part = x->a; part && !c->rc; part = part->next)
        j_print(c, &b, eval(c, part, scope));
    return j_take(c, &b, 0);
}

static struct jv
eval_sign(struct jctx *c, const struct jnode *x, struct jv v)
{
    int64_t i;

    if (c->rc || (v.kind == J_UNDEF && !j_defined(c, v)))
        return v;
    if (v.kind == J_FLOAT)
        return j_float(x->kind == JN_NEG ? -v.u.f : v.u.f);
    if (!j_integer(v, &i))
        return j_fail(c, TRV_EFORMAT, "a sign before a value of type %s",
                      j_type(v));
    if (x->kind == JN_NEG && __builtin_sub_overflow(0, i, &i))
        return j_fail(c, TRV_ERANGE, "an integer outside 64 bits");
    return j_int(i);
}

static struct jv
eval_node(struct jctx *c, const struct jnode *x, struct j_scope *scope)
{
    struct j_args args;
    struct jv a, b;

    switch (x->kind) {
    case JN_CONST:
        return x->v;
    case JN_NAME:
        return look_up(c, x, scope);
    case JN_LIST:
    case JN_TUPLE:
        return eval_items(c, x, scope);
    case JN_DICT:
        return eval_dict(c, x, scope);
    case JN_ATTR:
        a = eval(c, x->a, scope);
        c->line = x->line;
        return j_attr(c, a, x->v);
    case JN_ITEM:
        a = eval(c, x->a, scope);
        if (x->b->kind == JN_SLICE)
            return slice(c, a, x->b, scope);
        b = eval(c, x->b, scope);
        c->line = x->line;
        return j_item(c, a, b);
    case JN_CALL:
        a = eval(c, x->a, scope);
        eval_args(c, &args, x->b, scope);
        c->line = x->line;
        return j_call(c, a, &args);
    case JN_FILTER:
        a = eval(c, x->a, scope);
        eval_args(c, &args, x->b, scope);
        c->line = x->line;
        return c->rc ? a : j_filter(c, x->v, a, &args);
    case JN_TEST:
        a = eval(c, x->a, scope);
        eval_args(c, &args, x->b, scope);
        c->line = x->line;
        return c->rc ? a : j_bool(j_test(c, x->v, a, &args));
    case JN_NOT:
        return j_bool(!j_truth(c, eval(c, x->a, scope)));
    case JN_NEG:
    case JN_POS:
        return eval_sign(c, x, eval(c, x->a, scope));
    case JN_ARITH:
        a = eval(c, x->a, scope);
        b = eval(c, x->b, scope);
        c->line = x->line;
        return j_arith(c, x->op, a, b);
    case JN_AND:
        a = eval(c, x->a, scope);
        return j_truth(c, a) ? eval(c, x->b, scope) : a;
    case JN_OR:
        a = eval(c, x->a, scope);
        return j_truth(c, a) ? a : eval(c, x->b, scope);
    case JN_CONCAT:
        return eval_concat(c, x, scope);
    case JN_COMPARE:
        return eval_compare(c, x, scope);
    case JN_COND:
        a = eval(c, x->b, scope);
        if (j_truth(c, a))
            return eval(c, x->a, scope);
        return x->c ? eval(c, x->c, scope) : j_undef("else", 4, true);
    default:
        return j_fail(c, TRV_EFORMAT, "a slice where a value should be");
    }
}

static struct jv
eval(struct jctx *c, const struct jnode *x, struct j_scope *scope)
{
    struct jv v = J_NOTHING;

    if (j_enter(c)) {
        c->line = x->line;
        v = eval_node(c, x, scope);
    }
    j_leave(c);
    return v;
}

/* ---- statements --------------------------------------------------------- */

/* The items of a loop that its `if` lets pass. */
static struct j_list *
loop_items(struct jctx *c, const struct jnode *x, struct j_scope *scope)
{
    struct j_list *all = j_iterate(c, eval(c, x->b, scope)), *l;

    if (!x->d || c->rc)
        return all;
    l = j_list_new(c);
    for (int64_t i = 0; i < all->n && !c->rc; i++) {
        struct j_scope *s = scope_new(c, scope);

        if (!s)
            break;
        assign(c, x->a, all->v[i], s);
        if (!c->rc && j_truth(c, eval(c, x->d, s)))
            j_list_push(c, l, all->v[i]);
    }
    return l;
}

static void
run_for(struct jctx *c, const struct jnode *x, struct j_scope *scope)
{
    struct j_list *items = loop_items(c, x, scope);
    struct j_loop *loop = j_alloc(c, 1, sizeof(*loop));
    struct jv loop_value = {.kind = J_LOOP, .u.loop = loop};
    enum flow flow = FLOW_ON;

    if (c->rc)
        return;
    *loop = (struct j_loop){.items = items};
    for (int64_t i = 0; i < items->n && !c->rc && flow != FLOW_BREAK; i++) {
        struct j_scope *s = scope_new(c, scope);

        if (!s)
            return;
        loop->i = i;
        assign(c, x->a, items->v[i], s);
        if (c->loop >= 0)
            j_scope_set(c, s, c->loop, loop_value);
        flow = run_all(c, x->c, s);
    }
    if (items->n == 0 && x->e) {
        struct j_scope *s = scope_new(c, scope);

        if (s)
            run_all(c, x->e, s);
    }
}

static struct jv
macro_value(struct jctx *c, const struct jnode *x, struct j_scope *scope)
{
    struct j_macro *m = j_alloc(c, 1, sizeof(*m));

    if (!m)
        return J_NOTHING;
    *m = (struct j_macro){x, scope};
    return (struct jv){.kind = J_MACRO, .u.macro = m};
}

static void
run_call_block(struct jctx *c, const struct jnode *x, struct j_scope *scope)
{
    struct jv callee = eval(c, x->a->a, scope);
    struct j_args args;

    eval_args(c, &args, x->a->b, scope);
    if (!c->rc)
        push_keyword(c, &args, j_cstr("caller"), macro_value(c, x->b, scope));
    c->line = x->line;
    if (!c->rc)
        j_print(c, c->out, j_call(c, callee, &args));
}

/* Filters of a block, innermost first, over its text. */
static struct jv
filter_text(struct jctx *c, const struct jnode *x, struct jv text,
            struct j_scope *scope)
{
    struct j_args args;

    if (!x || !j_enter(c))
        return text;
    text = filter_text(c, x->a, text, scope);
    eval_args(c, &args, x->b, scope);
    c->line = x->line;
    text = c->rc ? text : j_filter(c, x->v, text, &args);
    j_leave(c);
    return text;
}

static enum flow
run(struct jctx *c, const struct jnode *x, struct j_scope *scope)
{
    enum flow flow = FLOW_ON;
    struct j_list *spans;
    struct j_scope *s;
    struct jv v;
    size_t at;

    switch (x->kind) {
    case JN_TEXT:
        j_print(c, c->out, x->v);
        break;
    case JN_PRINT:
        v = eval(c, x->a, scope);
        if (!c->rc)
            j_print(c, c->out, v);
        break;
    case JN_IF:
        for (; x; x = x->c) {
            v = eval(c, x->a, scope);
            if (c->rc)
                break;
            if (j_truth(c, v))
                return run_all(c, x->b, scope);
            if (x->op)
                return run_all(c, x->c, scope);
        }
        break;
    case JN_FOR:
        run_for(c, x, scope);
        break;
    case JN_SET:
        v = eval(c, x->b, scope);
        assign(c, x->a, v, scope);
        break;
    case JN_SET_BLOCK:
    case JN_FILTER_BLOCK:
        s = scope_new(c, scope);
        if (!s)
            break;
        v = captured(c, x->b, s, &flow);
        if (c->rc || flow != FLOW_ON)
            return flow;
        if (x->kind == JN_SET_BLOCK)
            assign(c, x->a, filter_text(c, x->c, v, scope), scope);
        else
            j_print(c, c->out, filter_text(c, x->a, v, scope));
        break;
    case JN_MACRO:
        j_scope_set(c, scope, x->sym, macro_value(c, x, scope));
        break;
    case JN_CALL_BLOCK:
        run_call_block(c, x, scope);
        break;
    case JN_WITH:
        s = scope_new(c, scope);
        for (const struct jnode *set = x->a; s && set && !c->rc;
             set = set->next)
            assign(c, set->a, eval(c, set->b, scope), s);
        if (s && !c->rc)
            flow = run_all(c, x->b, s);
        break;
    case JN_SCOPE:
    case JN_GENERATION:
        at = c->out->len;
        s = scope_new(c, scope);
        spans = c->spans;
        if (x->kind == JN_GENERATION && c->out == c->whole)
            c->spans = NULL; // a block inside says nothing more
        if (s)
            flow = run_all(c, x->b, s);
        if (spans && !c->spans) {
            c->spans = spans;
            j_list_push(c, spans, j_int((int64_t)at));
            j_list_push(c, spans, j_int((int64_t)c->out->len));
        }
        break;
    case JN_BREAK:
        return FLOW_BREAK;
    case JN_CONTINUE:
        return FLOW_CONTINUE;
    default:
        j_fail(c, TRV_EFORMAT, "an expression where a statement should be");
    }
    return flow;
}

static enum flow
run_all(struct jctx *c, const struct jnode *x, struct j_scope *scope)
{
    enum flow flow = FLOW_ON;

    if (j_enter(c))
        for (; x && !c->rc && flow == FLOW_ON; x = x->next) {
            j_charge(c, 0);
            c->line = x->line;
            flow = run(c, x, scope);
        }
    j_leave(c);
    return flow;
}

void
jinja_run(struct jctx *c, const struct jnode *root, struct j_scope *scope)
{
    run_all(c, root, scope);
}
