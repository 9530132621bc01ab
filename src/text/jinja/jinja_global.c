/* jinja_global.c -- global functions of templates. */
#include "text/jinja/jinja_func.h"

#include <string.h>
#include <time.h>

J_FUNC(global_range)
{
    int64_t from = 0, to, step = 1, n;
    struct j_list *l;

    (void)self;
    to = j_int_or(c, a[0], 0);
    if (a[0]->kind == J_NONE)
        return j_fail(c, TRV_EFORMAT, "range() asks for integers");
    if (a[1]) {
        from = to;
        to = j_int_or(c, a[1], 0);
    }
    if (a[2])
        step = j_int_or(c, a[2], 1);
    if (raw->n_kw || step == 0)
        return j_fail(c, TRV_EFORMAT, "range() with a step of zero or names");
    if (from < -(INT64_MAX / 4) || from > INT64_MAX / 4 ||
        to < -(INT64_MAX / 4) || to > INT64_MAX / 4 || step < -(INT64_MAX / 4))
        return j_fail(c, TRV_ERANGE, "range() outside its bounds");
    n = step > 0 ? (to > from ? (to - from - 1) / step + 1 : 0)
                 : (to < from ? (from - to - 1) / -step + 1 : 0);
    if (n > J_MAX_RANGE)
        return j_fail(c, TRV_ERANGE, "range() of more than %d", J_MAX_RANGE);
    l = j_list_new(c);
    for (int64_t i = 0; i < n && !c->rc; i++)
        j_list_push(c, l, j_int(from + i * step));
    if (c->rc)
        return J_NOTHING;
    l->range[0] = from;
    l->range[1] = to;
    l->range[2] = step;
    return j_seq(J_RANGE, l);
}

static struct j_dict *
dict_of(struct jctx *c, const struct j_args *raw)
{
    struct j_dict *d = j_dict_new(c);

    if (raw->n > 1)
        j_fail(c, TRV_EFORMAT, "more than one dict or list of pairs");
    if (raw->n && raw->v[0].kind == J_DICT) {
        for (int64_t i = 0; i < raw->v[0].u.dict->n && !c->rc; i++)
            j_dict_add(c, d, raw->v[0].u.dict->k[i], raw->v[0].u.dict->v[i]);
    } else if (raw->n) {
        const struct j_list *l = j_iterate(c, raw->v[0]);

        for (int64_t i = 0; l && i < l->n && !c->rc; i++) {
            const struct j_list *pair = j_iterate(c, l->v[i]);

            if (pair && pair->n != 2)
                j_fail(c, TRV_EFORMAT, "a dict is made of pairs");
            else if (pair && j_hashable(c, pair->v[0]))
                j_dict_set(c, d, pair->v[0], pair->v[1]);
        }
    }
    for (int64_t i = 0; i < raw->n_kw && !c->rc; i++)
        j_dict_set(c, d, raw->kw[i].name, raw->kw[i].v);
    return d;
}

J_FUNC(global_dict)
{
    J_UNUSED;
    return j_dict_value(dict_of(c, raw));
}

J_FUNC(global_namespace)
{
    struct j_dict *d = dict_of(c, raw);

    J_UNUSED;
    for (int64_t i = 0; !c->rc && i < d->n; i++)
        if (d->k[i].kind == J_STR && d->k[i].n && d->k[i].u.s[0] == '_')
            j_fail(c, TRV_EFORMAT, "a namespace has no private attributes");
    return c->rc ? J_NOTHING : (struct jv){.kind = J_SPACE, .u.dict = d};
}

J_FUNC(global_raise)
{
    const struct jv s = j_to_str(c, *a[0]);

    (void)self, (void)raw;
    return j_fail(c, TRV_EINVAL, "%.*s", s.n > 800 ? 800 : (int)s.n, s.u.s);
}

J_FUNC(global_strftime)
{
    const time_t now = time(NULL);
    char text[512], fmt[128];
    struct tm tm;
    struct jv s;

    (void)self, (void)raw;
    if (!j_need_str(c, a[0], &s))
        return J_NOTHING;
    if (s.n >= sizeof(fmt) || memchr(s.u.s, 0, s.n))
        return j_fail(c, TRV_EFORMAT, "too long a format of a date");
    memcpy(fmt, s.u.s, s.n);
    fmt[s.n] = '\0';
    localtime_r(&now, &tm);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    // strftime() reads nothing but tm, whatever the format
    text[strftime(text, sizeof(text), fmt, &tm)] = '\0';
#pragma GCC diagnostic pop
    {
        const size_t n = strlen(text);
        char *copy = j_alloc(c, n + 1, 1);

        if (!copy)
            return J_NOTHING;
        memcpy(copy, text, n);
        return j_str(copy, n);
    }
}

static struct jv
cycler_of(struct jctx *c, enum j_kind kind, const struct jv *v, int64_t n)
{
    struct j_cycler *y = j_alloc(c, 1, sizeof(*y));
    struct j_list *l = j_list_new(c);

    for (int64_t i = 0; i < n; i++)
        j_list_push(c, l, v[i]);
    if (c->rc)
        return J_NOTHING;
    *y = (struct j_cycler){.items = l};
    return (struct jv){.kind = (uint8_t)kind, .u.cycler = y};
}

J_FUNC(global_cycler)
{
    J_UNUSED;
    if (!raw->n)
        return j_fail(c, TRV_EFORMAT, "no items to cycle");
    return cycler_of(c, J_CYCLER, raw->v, raw->n);
}

J_FUNC(global_joiner)
{
    const struct jv comma = j_str(", ", 2);

    (void)self, (void)raw;
    return cycler_of(c, J_JOINER, a[0] ? a[0] : &comma, 1);
}

static const struct j_func globals[] = {
    {"range", "start,stop,step", 1, global_range},
    {"dict", "*", 0, global_dict},
    {"namespace", "*", 0, global_namespace},
    {"raise_exception", "message", 1, global_raise},
    {"strftime_now", "format", 1, global_strftime},
    {"cycler", "*", 0, global_cycler},
    {"joiner", "sep", 0, global_joiner},
    {0},
};

const struct j_func *
j_global(struct jv name)
{
    return j_find_func(globals, name);
}
