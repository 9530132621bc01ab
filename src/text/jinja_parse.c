/* jinja_parse.c -- recursive descent over the tokens of a template. */
#include "text/jinja_parse.h"

#include <string.h>

#define MAX_NESTING 150 // tags and brackets; honest templates reach 10

struct parse {
    struct jctx *c;
    struct j_names *names;
    const struct j_token *t;
    int depth, loops; // loops around this place, for break and continue
    int uses;         // of the macro around this place
};

static struct jnode *expression(struct parse *p, bool with_cond);
static struct jnode *statements(struct parse *p, const char *const *ends);
static struct jnode *unary(struct parse *p, bool with_filter);

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

static void
fail(struct parse *p, const char *what)
{
    p->c->line = p->t->line;
    j_fail(p->c, TRV_EFORMAT, "%s", what);
}

static struct jnode *
node(struct parse *p, enum jn_kind kind)
{
    struct jnode *x = j_alloc(p->c, 1, sizeof(*x));

    if (x)
        *x = (struct jnode){.kind = (uint8_t)kind, .line = p->t->line};
    return x;
}

/* A node with children; NULL where one of the needed two is missing. */
static struct jnode *
join(struct parse *p, enum jn_kind kind, struct jnode *a, struct jnode *b)
{
    struct jnode *x = p->c->rc ? NULL : node(p, kind);

    if (x) {
        x->a = a;
        x->b = b;
        if (a)
            x->line = a->line;
    }
    return x;
}

static void
advance(struct parse *p)
{
    if (p->t->kind != JT_END)
        p->t++;
}

static bool
is_op(const struct parse *p, int op)
{
    return p->t->kind == JT_OP && p->t->op == op;
}

static bool
is_name(const struct parse *p, const char *name)
{
    return p->t->kind == JT_NAME && j_is(p->t->v, name);
}

static bool
skip_op(struct parse *p, int op)
{
    if (p->c->rc || !is_op(p, op))
        return false;
    advance(p);
    return true;
}

static bool
skip_name(struct parse *p, const char *name)
{
    if (p->c->rc || !is_name(p, name))
        return false;
    advance(p);
    return true;
}

static void
need_op(struct parse *p, int op, const char *what)
{
    if (!p->c->rc && !skip_op(p, op))
        fail(p, what);
}

static struct jv
need_name(struct parse *p)
{
    const struct jv v = p->t->v;

    if (p->c->rc || p->t->kind != JT_NAME) {
        fail(p, "a name is missing");
        return J_NOTHING;
    }
    advance(p);
    return v;
}

static bool
enter(struct parse *p)
{
    if (++p->depth > MAX_NESTING)
        fail(p, "nested too deep");
    return !p->c->rc;
}

static int32_t
symbol(struct parse *p, struct jv name)
{
    return p->c->rc ? -1 : j_name(p->c, p->names, name.u.s, name.n, true);
}

struct tail {
    struct jnode *first, **end;
};

static void
append(struct tail *l, struct jnode *x)
{
    if (!x)
        return;
    if (!l->end)
        l->end = &l->first;
    *l->end = x;
    while (x->next)
        x = x->next;
    l->end = &x->next;
}

/* ---- expressions -------------------------------------------------------- */

static bool
ends_tuple(const struct parse *p, const char *extra)
{
    return p->t->kind == JT_PRINT_END || p->t->kind == JT_BLOCK_END ||
           p->t->kind == JT_END || is_op(p, ')') ||
           (extra && is_name(p, extra));
}

/* Expressions parted by commas; one without a comma is itself. `braced`: an
 * empty tuple is allowed. */
static struct jnode *
tuple(struct parse *p, bool with_cond, const char *extra, bool braced)
{
    struct tail items = {0};
    struct jnode *x;
    bool many = false;
    int n = 0;

    while (!p->c->rc && !ends_tuple(p, extra)) {
        append(&items, expression(p, with_cond));
        n++;
        if (!skip_op(p, ','))
            break;
        many = true;
    }
    if (p->c->rc)
        return NULL;
    if (!many && n)
        return items.first;
    if (!n && !braced) {
        fail(p, "an expression is missing");
        return NULL;
    }
    x = node(p, JN_TUPLE);
    if (x)
        x->a = items.first;
    return x;
}

static struct jnode *
list_literal(struct parse *p)
{
    struct jnode *x = node(p, JN_LIST);
    struct tail items = {0};

    advance(p);
    while (!p->c->rc && !is_op(p, ']')) {
        append(&items, expression(p, true));
        if (!skip_op(p, ','))
            break;
    }
    need_op(p, ']', "a list without its ']'");
    if (x)
        x->a = items.first;
    return x;
}

static struct jnode *
dict_literal(struct parse *p)
{
    struct jnode *x = node(p, JN_DICT), *pair;
    struct tail items = {0};

    advance(p);
    while (!p->c->rc && !is_op(p, '}')) {
        struct jnode *key = expression(p, true);

        need_op(p, ':', "a dict's key without its ':'");
        pair = node(p, JN_KEYWORD);
        if (pair) {
            pair->a = key;
            pair->b = p->c->rc ? NULL : expression(p, true);
        }
        append(&items, pair);
        if (!skip_op(p, ','))
            break;
    }
    need_op(p, '}', "a dict without its '}'");
    if (x)
        x->a = items.first;
    return x;
}

static struct jnode *
primary(struct parse *p)
{
    struct jnode *x = NULL;
    struct jv v = p->t->v;

    if (p->c->rc)
        return NULL;
    if (p->t->kind == JT_NAME) {
        x = node(p, JN_CONST);
        advance(p);
        if (!x)
            return NULL;
        if (j_is(v, "true") || j_is(v, "True")) {
            x->v = j_bool(true);
        } else if (j_is(v, "false") || j_is(v, "False")) {
            x->v = j_bool(false);
        } else if (j_is(v, "none") || j_is(v, "None")) {
            x->v = J_NOTHING;
        } else {
            x->kind = JN_NAME;
            x->v = v;
            x->sym = symbol(p, v);
            p->uses |= j_is(v, "caller")    ? JN_USES_CALLER
                       : j_is(v, "varargs") ? JN_USES_VARARGS
                       : j_is(v, "kwargs")  ? JN_USES_KWARGS
                                            : 0;
        }
    } else if (p->t->kind == JT_VALUE) {
        x = node(p, JN_CONST);
        advance(p);
        while (v.kind == J_STR && p->t->kind == JT_VALUE &&
               p->t->v.kind == J_STR && !p->c->rc) { // 'a' 'b' is 'ab'
            v = j_arith(p->c, '+', v, p->t->v);
            advance(p);
        }
        if (x)
            x->v = v;
    } else if (is_op(p, '(')) {
        advance(p);
        x = tuple(p, true, NULL, true);
        need_op(p, ')', "a bracket without its ')'");
    } else if (is_op(p, '[')) {
        x = list_literal(p);
    } else if (is_op(p, '{')) {
        x = dict_literal(p);
    } else {
        fail(p, p->t->kind == JT_END ? "the template ends inside a tag"
                                     : "an expression is missing");
    }
    return x;
}

static struct jnode *
arguments(struct parse *p)
{
    struct tail args = {0};
    bool keywords = false, star = false, stars = false;

    need_op(p, '(', "arguments are missing");
    while (!p->c->rc && !is_op(p, ')')) {
        struct jnode *x = NULL;

        if (args.first) {
            need_op(p, ',', "arguments without a ',' between them");
            if (is_op(p, ')'))
                break;
        }
        if (skip_op(p, J_OP('*', '*'))) {
            x = node(p, JN_STARS);
            if (stars)
                fail(p, "two ** among the arguments");
            stars = true;
        } else if (skip_op(p, '*')) {
            x = node(p, JN_STAR);
            if (star || stars)
                fail(p, "two * among the arguments");
            star = true;
        } else if (p->t->kind == JT_NAME && p->t[1].kind == JT_OP &&
                   p->t[1].op == '=') {
            x = node(p, JN_KEYWORD);
            if (x)
                x->v = need_name(p);
            advance(p);
            if (stars)
                fail(p, "a keyword after **");
            keywords = true;
        } else if (keywords || star || stars) {
            fail(p, "a plain argument after a keyword");
        } else {
            append(&args, expression(p, true));
            continue;
        }
        if (x)
            x->a = p->c->rc ? NULL : expression(p, true);
        append(&args, x);
    }
    need_op(p, ')', "arguments without their ')'");
    return args.first;
}

static struct jnode *
subscript(struct parse *p)
{
    struct jnode *first = NULL, *x;

    if (!is_op(p, ':'))
        first = expression(p, true);
    if (p->c->rc || !is_op(p, ':'))
        return first;
    advance(p);
    x = node(p, JN_SLICE);
    if (!x)
        return NULL;
    x->a = first;
    if (!is_op(p, ':') && !is_op(p, ']') && !is_op(p, ','))
        x->b = expression(p, true);
    if (skip_op(p, ':') && !is_op(p, ']') && !is_op(p, ','))
        x->c = expression(p, true);
    return x;
}

/* .name, [item] and (arguments), as many as follow. */
static struct jnode *
postfix(struct parse *p, struct jnode *x)
{
    while (!p->c->rc && x) {
        if (skip_op(p, '.')) {
            if (p->t->kind == JT_VALUE && p->t->v.kind == J_INT) {
                struct jnode *at = node(p, JN_CONST);

                if (at)
                    at->v = p->t->v;
                advance(p);
                x = join(p, JN_ITEM, x, at);
            } else {
                const struct jv name = need_name(p);

                x = join(p, JN_ATTR, x, NULL);
                if (x)
                    x->v = name;
            }
        } else if (skip_op(p, '[')) {
            struct jnode *first = NULL;

            if (is_op(p, ']'))
                fail(p, "an index is missing");
            else
                first = subscript(p);
            if (!p->c->rc && is_op(p, ',')) {
                struct tail items = {0};

                append(&items, first);
                while (skip_op(p, ',')) {
                    struct jnode *more = subscript(p);

                    if (more && more->kind == JN_SLICE)
                        fail(p, "a slice inside a tuple");
                    append(&items, more);
                }
                if (first && first->kind == JN_SLICE)
                    fail(p, "a slice inside a tuple");
                first = join(p, JN_TUPLE, items.first, NULL);
            }
            need_op(p, ']', "an index without its ']'");
            x = join(p, JN_ITEM, x, first);
        } else if (is_op(p, '(')) {
            struct jnode *args = arguments(p);

            x = join(p, JN_CALL, x, args);
        } else {
            break;
        }
    }
    return p->c->rc ? NULL : x;
}

static struct jnode *
one_filter(struct parse *p, struct jnode *of)
{
    struct jnode *x = node(p, JN_FILTER);
    const struct jv name = need_name(p);

    if (!x || p->c->rc)
        return NULL;
    x->a = of;
    x->v = name;
    x->entry = jinja_find_filter(name.u.s, name.n);
    if (!x->entry) {
        p->c->line = x->line;
        j_fail(p->c, TRV_EUNSUPPORTED, "no filter is named '%.*s'",
               name.n > 100 ? 100 : (int)name.n, name.u.s);
        return NULL;
    }
    if (is_op(p, '('))
        x->b = arguments(p);
    return x;
}

static struct jnode *
one_test(struct parse *p, struct jnode *of)
{
    const bool negated = skip_name(p, "not");
    struct jnode *x = node(p, JN_TEST);
    const struct jv name = need_name(p);

    if (!x || p->c->rc)
        return NULL;
    x->a = of;
    x->v = name;
    x->entry = jinja_find_test(name.u.s, name.n);
    if (!x->entry) {
        p->c->line = x->line;
        j_fail(p->c, TRV_EUNSUPPORTED, "no test is named '%.*s'",
               name.n > 100 ? 100 : (int)name.n, name.u.s);
        return NULL;
    }
    if (is_op(p, '(')) {
        x->b = arguments(p);
    } else if ((p->t->kind == JT_NAME || p->t->kind == JT_VALUE ||
                is_op(p, '[') || is_op(p, '{')) &&
               !is_name(p, "else") && !is_name(p, "or") && !is_name(p, "and")) {
        if (is_name(p, "is"))
            fail(p, "tests cannot be chained with 'is'");
        x->b = postfix(p, primary(p));
    }
    return negated ? join(p, JN_NOT, x, NULL) : x;
}

static struct jnode *
filters(struct parse *p, struct jnode *x)
{
    while (!p->c->rc && x) {
        if (skip_op(p, '|'))
            x = one_filter(p, x);
        else if (skip_name(p, "is"))
            x = one_test(p, x);
        else if (is_op(p, '(')) {
            struct jnode *args = arguments(p);

            x = join(p, JN_CALL, x, args);
        } else
            break;
    }
    return p->c->rc ? NULL : x;
}

static struct jnode *
unary(struct parse *p, bool with_filter)
{
    struct jnode *x = NULL;

    if (p->c->rc)
        return NULL;
    if (enter(p)) {
        if (skip_op(p, '-'))
            x = join(p, JN_NEG, unary(p, false), NULL);
        else if (skip_op(p, '+'))
            x = join(p, JN_POS, unary(p, false), NULL);
        else
            x = primary(p);
        x = postfix(p, x);
        if (with_filter)
            x = filters(p, x);
    }
    p->depth--;
    return x;
}

static struct jnode *
arith(struct parse *p, int op, struct jnode *a, struct jnode *b)
{
    struct jnode *x = join(p, JN_ARITH, a, b);

    if (x)
        x->op = (uint16_t)op;
    return x;
}

static struct jnode *
power(struct parse *p)
{
    struct jnode *x = unary(p, true);

    while (skip_op(p, J_OP('*', '*')))
        x = arith(p, 'p', x, unary(p, true));
    return x;
}

static struct jnode *
product(struct parse *p)
{
    struct jnode *x = power(p);

    for (;;) {
        if (skip_op(p, '*'))
            x = arith(p, '*', x, power(p));
        else if (skip_op(p, '/'))
            x = arith(p, '/', x, power(p));
        else if (skip_op(p, J_OP('/', '/')))
            x = arith(p, 'f', x, power(p));
        else if (skip_op(p, '%'))
            x = arith(p, '%', x, power(p));
        else
            return x;
    }
}

static struct jnode *
concat(struct parse *p)
{
    struct jnode *x = product(p);
    struct tail parts = {0};

    if (p->c->rc || !is_op(p, '~'))
        return x;
    append(&parts, x);
    while (skip_op(p, '~'))
        append(&parts, product(p));
    return join(p, JN_CONCAT, parts.first, NULL);
}

static struct jnode *
sum(struct parse *p)
{
    struct jnode *x = concat(p);

    for (;;) {
        if (skip_op(p, '+'))
            x = arith(p, '+', x, concat(p));
        else if (skip_op(p, '-'))
            x = arith(p, '-', x, concat(p));
        else
            return x;
    }
}

/* The comparison that stands here, stepped over; 0 for none. 'i' is in, 'n'
 * is not in. */
static int
comparison(struct parse *p)
{
    static const int ops[] = {J_OP('=', '='),
                              J_OP('!', '='),
                              J_OP('<', '='),
                              J_OP('>', '='),
                              '<',
                              '>',
                              0};

    for (int i = 0; ops[i]; i++)
        if (skip_op(p, ops[i]))
            return ops[i];
    if (skip_name(p, "in"))
        return 'i';
    if (!p->c->rc && is_name(p, "not") && p->t[1].kind == JT_NAME &&
        j_is(p->t[1].v, "in")) {
        advance(p);
        advance(p);
        return 'n';
    }
    return 0;
}

static struct jnode *
compare(struct parse *p)
{
    struct jnode *x = sum(p);
    struct tail operands = {0};
    int op;

    while ((op = comparison(p)) != 0) {
        struct jnode *right = join(p, JN_OPERAND, sum(p), NULL);

        if (!right)
            return NULL;
        right->op = (uint16_t)op;
        append(&operands, right);
    }
    return operands.first ? join(p, JN_COMPARE, x, operands.first) : x;
}

static struct jnode *
negation(struct parse *p)
{
    struct jnode *x = NULL;

    if (!skip_name(p, "not"))
        return compare(p);
    if (enter(p))
        x = join(p, JN_NOT, negation(p), NULL);
    p->depth--;
    return x;
}

static struct jnode *
conjunction(struct parse *p)
{
    struct jnode *x = negation(p);

    while (skip_name(p, "and"))
        x = join(p, JN_AND, x, negation(p));
    return x;
}

static struct jnode *
disjunction(struct parse *p)
{
    struct jnode *x = conjunction(p);

    while (skip_name(p, "or"))
        x = join(p, JN_OR, x, conjunction(p));
    return x;
}

static struct jnode *
expression(struct parse *p, bool with_cond)
{
    struct jnode *x = NULL;

    if (p->c->rc)
        return NULL;
    if (enter(p)) {
        x = disjunction(p);
        while (with_cond && skip_name(p, "if")) {
            struct jnode *test = disjunction(p);

            x = join(p, JN_COND, x, test);
            if (x && skip_name(p, "else"))
                x->c = expression(p, true);
        }
    }
    p->depth--;
    return p->c->rc ? NULL : x;
}

/* ---- statements --------------------------------------------------------- */

/* One target: a name, or with `fields` a namespace's field, or a tuple of
 * them in brackets. */
static struct jnode *
one_target(struct parse *p, bool fields)
{
    struct jnode *x = NULL;
    struct jv name;

    if (is_op(p, '(') || is_op(p, '[')) {
        const char end = is_op(p, '(') ? ')' : ']';
        struct tail items = {0};

        if (enter(p)) {
            advance(p);
            while (!p->c->rc && !is_op(p, end)) {
                append(&items, one_target(p, fields));
                if (!skip_op(p, ','))
                    break;
            }
            need_op(p, end, "a target without its bracket");
            x = node(p, JN_TUPLE);
            if (x)
                x->a = items.first;
        }
        p->depth--;
        return x;
    }
    x = node(p, JN_NAME);
    name = need_name(p);
    if (!x || p->c->rc)
        return NULL;
    if (j_is(name, "true") || j_is(name, "false") || j_is(name, "none") ||
        j_is(name, "True") || j_is(name, "False") || j_is(name, "None")) {
        fail(p, "a constant cannot be set");
        return NULL;
    }
    x->sym = symbol(p, name);
    x->v = name;
    if (fields && skip_op(p, '.')) {
        x->kind = JN_FIELD;
        x->v = need_name(p);
    }
    return x;
}

static struct jnode *
target(struct parse *p, bool fields)
{
    struct tail items = {0};
    struct jnode *x = one_target(p, fields);

    if (p->c->rc || !is_op(p, ','))
        return x;
    append(&items, x);
    while (skip_op(p, ',') && !is_name(p, "in") &&
           (p->t->kind == JT_NAME || is_op(p, '(') || is_op(p, '[')))
        append(&items, one_target(p, fields));
    return join(p, JN_TUPLE, items.first, NULL);
}

static void
end_tag(struct parse *p)
{
    if (p->c->rc)
        return;
    if (p->t->kind != JT_BLOCK_END)
        fail(p, "a tag goes on where it should end");
    else
        advance(p);
}

/* The body up to one of `ends`, whose name is the current token then. */
static struct jnode *
body(struct parse *p, const char *const *ends)
{
    end_tag(p);
    return p->c->rc ? NULL : statements(p, ends);
}

static struct jnode *
body_to(struct parse *p, const char *end)
{
    const char *const ends[] = {end, NULL};
    struct jnode *x = body(p, ends);

    advance(p); // the end's name
    return x;
}

static struct jnode *
if_tag(struct parse *p)
{
    static const char *const ends[] = {"elif", "else", "endif", NULL};
    struct jnode *x = node(p, JN_IF), *at = x;

    while (at && !p->c->rc) {
        at->a = tuple(p, false, NULL, false);
        at->b = body(p, ends);
        if (skip_name(p, "elif")) {
            at->c = node(p, JN_IF);
            at = at->c;
            continue;
        }
        at->op = 1; // c is a body, not a further condition
        if (skip_name(p, "else"))
            at->c = body_to(p, "endif");
        else
            advance(p);
        break;
    }
    return x;
}

static struct jnode *
for_tag(struct parse *p)
{
    static const char *const ends[] = {"else", "endfor", NULL};
    struct jnode *x = node(p, JN_FOR);

    if (!x)
        return NULL;
    x->a = target(p, false);
    if (!p->c->rc && !skip_name(p, "in"))
        fail(p, "a for loop without its 'in'");
    x->b = p->c->rc ? NULL : tuple(p, false, "recursive", false);
    if (skip_name(p, "if"))
        x->d = expression(p, true);
    if (!p->c->rc && is_name(p, "recursive")) {
        p->c->line = p->t->line;
        j_fail(p->c, TRV_EUNSUPPORTED, "recursive for loops");
    }
    p->loops++;
    x->c = body(p, ends);
    p->loops--;
    if (skip_name(p, "else"))
        x->e = body_to(p, "endfor");
    else
        advance(p);
    return x;
}

static struct jnode *
set_tag(struct parse *p)
{
    struct jnode *x = node(p, JN_SET);

    if (!x)
        return NULL;
    x->a = target(p, true);
    if (skip_op(p, '=')) {
        x->b = tuple(p, true, NULL, false);
        return x;
    }
    x->kind = JN_SET_BLOCK;
    if (x->a && x->a->kind == JN_TUPLE)
        fail(p, "a block cannot be set to a tuple");
    while (skip_op(p, '|'))
        x->c = one_filter(p, x->c);
    x->b = body_to(p, "endset");
    return x;
}

/* "(a, b=1)" */
static struct jnode *
signature(struct parse *p)
{
    struct tail params = {0};
    bool defaults = false;

    need_op(p, '(', "a macro without its parameters");
    while (!p->c->rc && !is_op(p, ')')) {
        struct jnode *x;

        if (params.first)
            need_op(p, ',', "parameters without a ',' between them");
        x = one_target(p, false);
        if (!x)
            break;
        if (x->kind != JN_NAME)
            fail(p, "a parameter must be a name");
        x->kind = JN_PARAM;
        if (skip_op(p, '=')) {
            x->a = expression(p, true);
            defaults = true;
        } else if (defaults) {
            fail(p, "a parameter without default after one with");
        }
        append(&params, x);
    }
    need_op(p, ')', "parameters without their ')'");
    return params.first;
}

/* A macro's body is a function: outer loops cannot be left from it. */
static void
macro_body(struct parse *p, struct jnode *x, const char *end)
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
macro_tag(struct parse *p)
{
    struct jnode *x = node(p, JN_MACRO);

    if (!x)
        return NULL;
    x->v = need_name(p);
    x->sym = symbol(p, x->v);
    x->a = signature(p);
    macro_body(p, x, "endmacro");
    return x;
}

static struct jnode *
call_tag(struct parse *p)
{
    struct jnode *x = node(p, JN_CALL_BLOCK);

    if (!x)
        return NULL;
    x->b = node(p, JN_MACRO);
    if (!x->b)
        return NULL;
    x->b->v = j_cstr("caller");
    if (is_op(p, '('))
        x->b->a = signature(p);
    x->a = expression(p, true);
    if (x->a && x->a->kind != JN_CALL)
        fail(p, "a call block must call something");
    macro_body(p, x->b, "endcall");
    return x;
}

static struct jnode *
with_tag(struct parse *p)
{
    struct jnode *x = node(p, JN_WITH);
    struct tail sets = {0};

    if (!x)
        return NULL;
    while (!p->c->rc && p->t->kind != JT_BLOCK_END) {
        struct jnode *set = node(p, JN_SET);

        if (sets.first)
            need_op(p, ',', "values without a ',' between them");
        if (!set)
            break;
        set->a = one_target(p, false);
        need_op(p, '=', "a value without its '='");
        set->b = p->c->rc ? NULL : expression(p, true);
        append(&sets, set);
    }
    x->a = sets.first;
    x->b = body_to(p, "endwith");
    return x;
}

static struct jnode *
block_tag(struct parse *p)
{
    static const char *const known[] = {
        "block", "extends", "include",    "import", "from",
        "trans", "do",      "autoescape", "debug",  NULL};
    struct jnode *x = NULL;
    const struct jv name = p->t->v;

    if (p->t->kind != JT_NAME) {
        fail(p, "a tag without a name");
        return NULL;
    }
    advance(p);
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
        x = node(p, JN_FILTER_BLOCK);
        if (x) {
            x->a = one_filter(p, NULL);
            while (skip_op(p, '|'))
                x->a = one_filter(p, x->a);
            x->b = body_to(p, "endfilter");
        }
        return x;
    }
    if (j_is(name, "generation")) {
        const int loops = p->loops;

        x = node(p, JN_SCOPE);
        p->loops = 0;
        if (x)
            x->b = body_to(p, "endgeneration");
        p->loops = loops;
        return x;
    }
    if (j_is(name, "break") || j_is(name, "continue")) {
        if (!p->loops)
            fail(p, "a break or continue outside of a loop");
        return node(p, j_is(name, "break") ? JN_BREAK : JN_CONTINUE);
    }
    if (j_is(name, "print")) {
        struct tail prints = {0};

        do {
            x = node(p, JN_PRINT);
            if (x)
                x->a = expression(p, true);
            append(&prints, x);
        } while (skip_op(p, ','));
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
statements(struct parse *p, const char *const *ends)
{
    struct tail list = {0};

    if (!enter(p)) {
        p->depth--;
        return NULL;
    }
    while (!p->c->rc && p->t->kind != JT_END) {
        struct jnode *x = NULL;

        p->c->line = p->t->line;
        if (p->t->kind == JT_TEXT) {
            x = node(p, JN_TEXT);
            if (x)
                x->v = p->t->v;
            advance(p);
        } else if (p->t->kind == JT_PRINT) {
            x = node(p, JN_PRINT);
            advance(p);
            if (x)
                x->a = tuple(p, true, NULL, false);
            if (!p->c->rc && p->t->kind != JT_PRINT_END)
                fail(p, "an expression goes on where it should end");
            advance(p);
        } else {
            advance(p);
            for (int i = 0; ends && ends[i]; i++)
                if (is_name(p, ends[i])) {
                    p->depth--;
                    return list.first;
                }
            x = block_tag(p);
            end_tag(p);
        }
        append(&list, x);
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
    struct parse p = {.c = c, .names = names};
    struct jnode *first, *root;

    p.t = jinja_lex(c, source, n);
    if (!p.t)
        return NULL;
    first = statements(&p, NULL);
    root = c->rc ? NULL : node(&p, JN_SCOPE);
    if (root)
        root->b = first;
    return root;
}
