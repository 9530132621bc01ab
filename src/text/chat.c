/* chat.c -- chat templates: the door to the Jinja interpreter.
 *
 *   jinja_lex     source to tokens, white space as jinja2 treats it
 *   jinja_parse   tokens to a tree; jinja_expr for expressions
 *   jinja_eval    runs the tree; it calls
 *   jinja_filter, jinja_test, jinja_method, jinja_global
 *   jinja_value   the values, and the bounds of one rendering
 *   jinja_print   values as text; jinja_arith: operators
 *   jinja_str     strings as Python sees them
 *
 * A template owns its source and tree; a rendering owns all else it makes.
 */
#include "text/chat.h"

#include <string.h>

#include "base/mem.h"
#include "text/jinja/jinja_eval.h"
#include "text/utf8.h"

struct chat_template {
    struct jctx c; // its memory holds all below
    char *name;
    struct j_names names;
    struct jnode *root;
    struct chat_template *tools; // for conversations with tools; or NULL
    trv_err fault;               // why it cannot be used; code 0: it can
};

int
chat_template_parse(struct chat_template **out, const char *name,
                    const char *source, size_t n, trv_err *err)
{
    struct chat_template *t;
    int rc = 0;

    *out = NULL;
    if (n > JINJA_MAX_SOURCE)
        return err_fail(err, TRV_ERANGE, "template '%s' is longer than %zu KiB",
                        name, JINJA_MAX_SOURCE >> 10);
    if (!utf8_is_valid(source, n))
        return err_fail(err, TRV_EFORMAT, "template '%s' is no UTF-8", name);
    t = mem_calloc(1, sizeof(*t));
    if (!t)
        return err_fail(err, TRV_ENOMEM, "no memory for template '%s'", name);
    t->c.err = err;
    t->c.line = 1;
    t->name = mem_strdup(name);
    if (!t->name) {
        rc = err_fail(err, TRV_ENOMEM, "no memory for template '%s'", name);
        goto done;
    }
    t->c.name = t->name;
    t->root = jinja_parse(&t->c, &t->names, source, n);
    rc = t->c.rc;
    if (rc)
        goto done;
    t->c.err = NULL;
    *out = t;
    t = NULL;
done:
    chat_template_free(t);
    return rc;
}

int
chat_template_refuse(struct chat_template **out, const trv_err *why,
                     trv_err *err)
{
    struct chat_template *t = mem_calloc(1, sizeof(*t));

    TRV_ASSERT(why->code != 0);
    *out = t;
    if (!t)
        return err_nomem(err, "for a chat template");
    t->fault = *why;
    return 0;
}

void
chat_template_set_tools(struct chat_template *t, struct chat_template *tools)
{
    TRV_ASSERT(!t->tools);
    t->tools = tools;
}

const trv_err *
chat_template_fault(const struct chat_template *t)
{
    return t->fault.code ? &t->fault : NULL;
}

void
chat_template_free(struct chat_template *t)
{
    if (!t)
        return;
    chat_template_free(t->tools);
    jctx_release(&t->c);
    mem_free(t->name);
    mem_free(t);
}

static int32_t
number_of(const struct chat_template *t, const char *name, size_t n)
{
    // asking changes nothing: j_name() adds only when told to
    return j_name(NULL, (struct j_names *)(uintptr_t)&t->names, name, n, false);
}

static void
define(struct jctx *c, const struct chat_template *t, struct j_scope *scope,
       const char *name, size_t n, struct jv v)
{
    const int32_t sym = number_of(t, name, n);

    if (sym >= 0) // a name that the template never says needs no value
        j_scope_set(c, scope, sym, v);
}

/* One message as transformers shows it to a template: fields that are null are
 * left out, and reasoning goes by both of its names. */
static struct jv
message_value(struct jctx *c, const json_t *message)
{
    static const char *const names[] = {"reasoning_content", "thinking",
                                        "reasoning"};
    json_t *own = (json_t *)(uintptr_t)message; // only read
    const json_t *reasoning = NULL;
    struct j_dict *d;

    if (!json_is_object(message))
        return j_from_json(c, message);
    for (int i = 2; i >= 0; i--)
        if (json_object_get(message, names[i]) &&
            !json_is_null(json_object_get(message, names[i])))
            reasoning = json_object_get(message, names[i]);
    d = j_dict_new(c);
    if (reasoning)
        j_dict_set(c, d, j_cstr(names[1]), j_from_json(c, reasoning));
    for (void *it = json_object_iter(own); it && !c->rc;
         it = json_object_iter_next(own, it))
        if (!json_is_null(json_object_iter_value(it)))
            j_dict_set(
                c, d,
                j_str(json_object_iter_key(it), json_object_iter_key_len(it)),
                j_from_json(c, json_object_iter_value(it)));
    if (reasoning)
        j_dict_set(c, d, j_cstr(names[0]), j_from_json(c, reasoning));
    return j_dict_value(d);
}

static struct jv
messages_value(struct jctx *c, const json_t *messages)
{
    struct j_list *l = j_list_new(c);

    for (size_t i = 0; i < json_array_size(messages) && !c->rc; i++)
        j_list_push(c, l, message_value(c, json_array_get(messages, i)));
    return j_seq(J_LIST, l);
}

static void
define_all(struct jctx *c, const struct chat_template *t, struct j_scope *scope,
           const json_t *messages, const struct chat_options *opts)
{
    static const char *const nothing[] = {"tools", "documents", NULL};
    json_t *extra = (json_t *)(uintptr_t)opts->extra; // only read

    define(c, t, scope, "messages", 8, messages_value(c, messages));
    define(c, t, scope, "add_generation_prompt", 21,
           j_bool(opts->add_generation_prompt));
    define(c, t, scope, "bos_token", 9,
           j_cstr(opts->bos_token ? opts->bos_token : ""));
    define(c, t, scope, "eos_token", 9,
           j_cstr(opts->eos_token ? opts->eos_token : ""));
    for (int i = 0; nothing[i]; i++) // transformers passes None for these
        define(c, t, scope, nothing[i], strlen(nothing[i]), J_NOTHING);
    for (void *it = extra ? json_object_iter(extra) : NULL; it && !c->rc;
         it = json_object_iter_next(extra, it)) {
        const char *key = json_object_iter_key(it);
        const size_t n = json_object_iter_key_len(it);

        if (number_of(t, key, n) >= 0)
            define(c, t, scope, key, n,
                   j_from_json(c, json_object_iter_value(it)));
    }
}

int
chat_spans_add(struct chat_spans *s, size_t from, size_t to)
{
    if (s->n == s->cap) {
        const int64_t cap = s->cap ? 2 * s->cap : 8;
        struct chat_span *v = mem_realloc(s->v, (size_t)cap * sizeof(*s->v));

        if (!v)
            return TRV_ENOMEM;
        s->v = v;
        s->cap = cap;
    }
    s->v[s->n++] = (struct chat_span){from, to};
    return 0;
}

void
chat_spans_release(struct chat_spans *s)
{
    mem_free(s->v);
    *s = (struct chat_spans){0};
}

/* The spans of this rendering, behind what stands in `out` already. */
static void
hand_out_spans(struct jctx *c, struct chat_spans *spans, size_t before)
{
    for (int64_t i = 0; spans && i + 1 < c->spans->n && !c->rc; i += 2)
        if (chat_spans_add(spans, before + (size_t)c->spans->v[i].u.i,
                           before + (size_t)c->spans->v[i + 1].u.i))
            c->rc = err_nomem(c->err, "for the rendered chat");
}

static bool
has_tools(const struct chat_options *opts)
{
    const json_t *tools = json_object_get(opts->extra, "tools");

    return tools && !json_is_null(tools);
}

int
chat_render(const struct chat_template *t, struct strbuf *out,
            const json_t *messages, const struct chat_options *opts,
            trv_err *err)
{
    static const struct chat_options none = {0};
    struct strbuf text = {0};
    struct jctx c = {.err = err, .line = 1, .out = &text, .whole = &text};
    struct j_scope scope = {0};

    opts = opts ? opts : &none;
    if (!json_is_array(messages))
        return err_fail(err, TRV_EINVAL, "messages must be an array");
    if (t->tools && has_tools(opts))
        t = t->tools;
    if (t->fault.code)
        return err_fail(err, t->fault.code, "%s", t->fault.msg);
    c.name = t->name;
    c.loop = number_of(t, "loop", 4);
    c.caller = number_of(t, "caller", 6);
    c.varargs = number_of(t, "varargs", 7);
    c.kwargs = number_of(t, "kwargs", 6);
    c.spans = opts->spans ? j_list_new(&c) : NULL;
    define_all(&c, t, &scope, messages, opts);
    if (!c.rc)
        jinja_run(&c, t->root, &scope);
    if (!c.rc)
        hand_out_spans(&c, opts->spans, out->len);
    if (!c.rc && sb_add(out, text.s ? text.s : "", text.len))
        c.rc = err_fail(err, TRV_ENOMEM, "no memory for the rendered chat");
    sb_release(&text);
    jctx_release(&c);
    return c.rc;
}
