/* jinja_print.c -- values as text: str(), repr() and json.dumps() of Python. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "text/jinja/jinja_str.h"
#include "text/jinja/jinja_value.h"

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
