/* jinja_parse.c -- recursive descent over a template's tokens: names and
 * statements. Expressions are jinja_expr.c's.
 */
#include "text/jinja/jinja_parse.h"

#include <string.h>

#include "text/jinja/jinja_expr.h"

static struct jnode *statements(struct jparse *p, const char *const *ends);

int32_t
j_name(struct jctx *c, struct j_names *names, const char *s, size_t n, bool add)
{
    const struct jv key = j_str(s, n);
    struct j_name_link *link;
    uint32_t h = 2166136261u;

    for (size_t i = 0; i < n; i++)
        h = (h ^ (unsigned char)s[i]) * 16777619u;
    for (link = names->buckets[h % 512]; link; link = link->next)
        if (j_same_str(names->v[link->sym], key))
            return link->sym;
    if (!add)
        return -1;
    if (names->n == names->cap) {
        const int32_t cap = names->cap ? 2 * names->cap : 32;
        struct jv *more = j_alloc(c, (size_t)cap, sizeof(*more));

        if (!more)
            return -1;
        if (names->n)
            memcpy(more, names->v, (size_t)names->n * sizeof(*more));
        names->v = more;
        names->cap = cap;
    }
    link = j_alloc(c, 1, sizeof(*link));
    if (!link)
        return -1;
    *link = (struct j_name_link){names->n, names->buckets[h % 512]};
    names->buckets[h % 512] = link;
    names->v[names->n] = key;
    return names->n++;
}

/* ---- statements --------------------------------------------------------- */

/* One target: a name, or with `fields` a namespace's field, or a tuple of
 * them in brackets. */
static struct jnode *
one_target(struct jparse *p, bool fields)
{
    struct jnode *x = NULL;
    struct jv name;

    if (jp_is_op(p, '(') || jp_is_op(p, '[')) {
        const char end = jp_is_op(p, '(') ? ')' : ']';
        struct jn_list items = {0};

        if (jp_enter(p)) {
            jp_advance(p);
            while (!p->c->rc && !jp_is_op(p, end)) {
                jp_append(&items, one_target(p, fields));
                if (!jp_skip_op(p, ','))
                    break;
            }
            jp_need_op(p, end, "a target without its bracket");
            x = jp_node(p, JN_TUPLE);
            if (x)
                x->a = items.first;
        }
        p->depth--;
        return x;
    }
    x = jp_node(p, JN_NAME);
    name = jp_need_name(p);
    if (!x || p->c->rc)
        return NULL;
    if (j_is(name, "true") || j_is(name, "false") || j_is(name, "none") ||
        j_is(name, "True") || j_is(name, "False") || j_is(name, "None")) {
        jp_fail(p, "a constant cannot be set");
        return NULL;
    }
    x->sym = jp_symbol(p, name);
    x->v = name;
    if (fields && jp_skip_op(p, '.')) {
        x->kind = JN_FIELD;
        x->v = jp_need_name(p);
    }
    return x;
}

static struct jnode *
target(struct jparse *p, bool fields)
{
    struct jn_list items = {0};
    struct jnode *x = one_target(p, fields);

    if (p->c->rc || !jp_is_op(p, ','))
        return x;
    jp_append(&items, x);
    while (jp_skip_op(p, ',') && !jp_is_name(p, "in") &&
           (p->t->kind == JT_NAME || jp_is_op(p, '(') || jp_is_op(p, '[')))
        jp_append(&items, one_target(p, fields));
    return jp_join(p, JN_TUPLE, items.first, NULL);
}

static void
end_tag(struct jparse *p)
{
    if (p->c->rc)
        return;
    if (p->t->kind != JT_BLOCK_END)
        jp_fail(p, "a tag goes on where it should end");
    else
        jp_advance(p);
}

/* The body up to one of `ends`, whose name is the current token then. */
static struct jnode *
body(struct jparse *p, const char *const *ends)
{
    end_tag(p);
    return p->c->rc ? NULL : statements(p, ends);
}

static struct jnode *
body_to(struct jparse *p, const char *end)
{
    const char *const ends[] = {end, NULL};
    struct jnode *x = body(p, ends);

    jp_advance(p); // the end's name
    return x;
}

static struct jnode *
if_tag(struct jparse *p)
{
    static const char *const ends[] = {"elif", "else", "endif", NULL};
    struct jnode *x = jp_node(p, JN_IF), *at = x;

    while (at && !p->c->rc) {
        at->a = jp_tuple(p, false, NULL, false);
        at->b = body(p, ends);
        if (jp_skip_name(p, "elif")) {
            at->c = jp_node(p, JN_IF);
            at = at->c;
            continue;
        }
        at->op = 1; // c is a body, not a further condition
        if (jp_skip_name(p, "else"))
            at->c = body_to(p, "endif");
        else
            jp_advance(p);
        break;
    }
    return x;
}

static struct jnode *
for_tag(struct jparse *p)
{
    static const char *const ends[] = {"else", "endfor", NULL};
    struct jnode *x = jp_node(p, JN_FOR);

    if (!x)
        return NULL;
    x->a = target(p, false);
    if (!p->c->rc && !jp_skip_name(p, "in"))
        jp_fail(p, "a for loop without its 'in'");
    x->b = p->c->rc ? NULL : jp_tuple(p, false, "recursive", false);
    if (jp_skip_name(p, "if"))
        x->d = jp_expression(p, true);
    if (!p->c->rc && jp_is_name(p, "recursive")) {
        p->c->line = p->t->line;
        j_fail(p->c, TRV_EUNSUPPORTED, "recursive for loops");
    }
    p->loops++;
    x->c = body(p, ends);
    p->loops--;
    if (jp_skip_name(p, "else"))
        x->e = body_to(p, "endfor");
    else
        jp_advance(p);
    return x;
}

static struct jnode *
set_tag(struct jparse *p)
{
    struct jnode *x = jp_node(p, JN_SET);

    if (!x)
        return NULL;
    x->a = target(p, true);
    if (jp_skip_op(p, '=')) {
        x->b = jp_tuple(p, true, NULL, false);
        return x;
    }
    x->kind = JN_SET_BLOCK;
    if (x->a && x->a->kind == JN_TUPLE)
        jp_fail(p, "a block cannot be set to a tuple");
    while (jp_skip_op(p, '|'))
        x->c = jp_one_filter(p, x->c);
    x->b = body_to(p, "endset");
    return x;
}

/* "(a, b=1)" */
static struct jnode *
signature(struct jparse *p)
{
    struct jn_list params = {0};
    bool defaults = false;

    jp_need_op(p, '(', "a macro without its parameters");
    while (!p->c->rc && !jp_is_op(p, ')')) {
        struct jnode *x;

        if (params.first)
            jp_need_op(p, ',', "parameters without a ',' between them");
        x = one_target(p, false);
        if (!x)
            break;
        if (x->kind != JN_NAME)
            jp_fail(p, "a parameter must be a name");
        x->kind = JN_PARAM;
        if (jp_skip_op(p, '=')) {
            x->a = jp_expression(p, true);
            defaults = true;
        } else if (defaults) {
            jp_fail(p, "a parameter without default after one with");
        }
        jp_append(&params, x);
    }
    jp_need_op(p, ')', "parameters without their ')'");
    return params.first;
}

/* A macro's body is a function: outer loops cannot be left from it. */
static void
macro_body(struct jparse *p, struct jnode *x, const char *end)
{
    const int loops = p->loops, uses = p->uses;

    p->loops = 0;
    p->uses = 0;
    x->b = body_to(p, end);
    x->op = (uint16_t)p->uses;
    p->loops = loops;
    p->uses = uses;
}

static struct jnode *
macro_tag(struct jparse *p)
{
    struct jnode *x = jp_node(p, JN_MACRO);

    if (!x)
        return NULL;
    x->v = jp_need_name(p);
    x->sym = jp_symbol(p, x->v);
    x->a = signature(p);
    macro_body(p, x, "endmacro");
    return x;
}

static struct jnode *
call_tag(struct jparse *p)
{
    struct jnode *x = jp_node(p, JN_CALL_BLOCK);

    if (!x)
        return NULL;
    x->b = jp_node(p, JN_MACRO);
    if (!x->b)
        return NULL;
    x->b->v = j_cstr("caller");
    if (jp_is_op(p, '('))
        x->b->a = signature(p);
    x->a = jp_expression(p, true);
    if (x->a && x->a->kind != JN_CALL)
        jp_fail(p, "a call block must call something");
    macro_body(p, x->b, "endcall");
    return x;
}

static struct jnode *
with_tag(struct jparse *p)
{
    struct jnode *x = jp_node(p, JN_WITH);
    struct jn_list sets = {0};

    if (!x)
        return NULL;
    while (!p->c->rc && p->t->kind != JT_BLOCK_END) {
        struct jnode *set = jp_node(p, JN_SET);

        if (sets.first)
            jp_need_op(p, ',', "values without a ',' between them");
        if (!set)
            break;
        set->a = one_target(p, false);
        jp_need_op(p, '=', "a value without its '='");
        set->b = p->c->rc ? NULL : jp_expression(p, true);
        jp_append(&sets, set);
    }
    x->a = sets.first;
    x->b = body_to(p, "endwith");
    return x;
}

static struct jnode *
block_tag(struct jparse *p)
{
    static const char *const known[] = {
        "block", "extends", "include",    "import", "from",
        "trans", "do",      "autoescape", "debug",  NULL};
    struct jnode *x = NULL;
    const struct jv name = p->t->v;

    if (p->t->kind != JT_NAME) {
        jp_fail(p, "a tag without a name");
        return NULL;
    }
    jp_advance(p);
    if (j_is(name, "if"))
        return if_tag(p);
    if (j_is(name, "for"))
        return for_tag(p);
    if (j_is(name, "set"))
        return set_tag(p);
    if (j_is(name, "macro"))
        return macro_tag(p);
    if (j_is(name, "call"))
        return call_tag(p);
    if (j_is(name, "with"))
        return with_tag(p);
    if (j_is(name, "filter")) {
        x = jp_node(p, JN_FILTER_BLOCK);
        if (x) {
            x->a = jp_one_filter(p, NULL);
            while (jp_skip_op(p, '|'))
                x->a = jp_one_filter(p, x->a);
            x->b = body_to(p, "endfilter");
        }
        return x;
    }
    if (j_is(name, "generation")) {
        const int loops = p->loops;

        x = jp_node(p, JN_GENERATION);
        p->loops = 0;
        if (x)
            x->b = body_to(p, "endgeneration");
        p->loops = loops;
        return x;
    }
    if (j_is(name, "break") || j_is(name, "continue")) {
        if (!p->loops)
            jp_fail(p, "a break or continue outside of a loop");
        return jp_node(p, j_is(name, "break") ? JN_BREAK : JN_CONTINUE);
    }
    if (j_is(name, "print")) {
        struct jn_list prints = {0};

        do {
            x = jp_node(p, JN_PRINT);
            if (x)
                x->a = jp_expression(p, true);
            jp_append(&prints, x);
        } while (jp_skip_op(p, ','));
        return prints.first;
    }
    for (int i = 0; known[i]; i++)
        if (j_is(name, known[i])) {
            j_fail(p->c, TRV_EUNSUPPORTED, "the tag {%% %s %%}", known[i]);
            return NULL;
        }
    j_fail(p->c, TRV_EFORMAT, "the tag {%% %.*s %%} %s",
           name.n > 100 ? 100 : (int)name.n, name.u.s,
           name.n > 3 && memcmp(name.u.s, "end", 3) == 0 ? "ends nothing"
                                                         : "is unknown");
    return NULL;
}

static struct jnode *
statements(struct jparse *p, const char *const *ends)
{
    struct jn_list list = {0};

    if (!jp_enter(p)) {
        p->depth--;
        return NULL;
    }
    while (!p->c->rc && p->t->kind != JT_END) {
        struct jnode *x = NULL;

        p->c->line = p->t->line;
        if (p->t->kind == JT_TEXT) {
            x = jp_node(p, JN_TEXT);
            if (x)
                x->v = p->t->v;
            jp_advance(p);
        } else if (p->t->kind == JT_PRINT) {
            x = jp_node(p, JN_PRINT);
            jp_advance(p);
            if (x)
                x->a = jp_tuple(p, true, NULL, false);
            if (!p->c->rc && p->t->kind != JT_PRINT_END)
                jp_fail(p, "an expression goes on where it should end");
            jp_advance(p);
        } else {
            jp_advance(p);
            for (int i = 0; ends && ends[i]; i++)
                if (jp_is_name(p, ends[i])) {
                    p->depth--;
                    return list.first;
                }
            x = block_tag(p);
            end_tag(p);
        }
        jp_append(&list, x);
    }
    if (!p->c->rc && ends) {
        p->c->line = p->t->line;
        j_fail(p->c, TRV_EFORMAT, "the template ends before {%% %s %%}",
               ends[0] && ends[1] && ends[2] ? ends[2]
               : ends[1]                     ? ends[1]
                                             : ends[0]);
    }
    p->depth--;
    return list.first;
}

struct jnode *
jinja_parse(struct jctx *c, struct j_names *names, const char *source, size_t n)
{
    struct jparse p = {.c = c, .names = names};
    struct jnode *first, *root;

    p.t = jinja_lex(c, source, n);
    if (!p.t)
        return NULL;
    first = statements(&p, NULL);
    root = c->rc ? NULL : jp_node(&p, JN_SCOPE);
    if (root)
        root->b = first;
    return root;
}
