/* jinja_expr.c -- recursive descent over a template's tokens: its steps, and
 * expressions.
 */
#include "text/jinja/jinja_expr.h"

#define MAX_NESTING 150 // tags and brackets; honest templates reach 10

static struct jnode *unary(struct jparse *p, bool with_filter);

/* ---- steps -------------------------------------------------------------- */

void
jp_fail(struct jparse *p, const char *what)
{
    p->c->line = p->t->line;
    j_fail(p->c, TRV_EFORMAT, "%s", what);
}

struct jnode *
jp_node(struct jparse *p, enum jn_kind kind)
{
    struct jnode *x = j_alloc(p->c, 1, sizeof(*x));

    if (x)
        *x = (struct jnode){.kind = (uint8_t)kind, .line = p->t->line};
    return x;
}

struct jnode *
jp_join(struct jparse *p, enum jn_kind kind, struct jnode *a, struct jnode *b)
{
    struct jnode *x = p->c->rc ? NULL : jp_node(p, kind);

    if (x) {
        x->a = a;
        x->b = b;
        if (a)
            x->line = a->line;
    }
    return x;
}

void
jp_advance(struct jparse *p)
{
    if (p->t->kind != JT_END)
        p->t++;
}

bool
jp_is_op(const struct jparse *p, int op)
{
    return p->t->kind == JT_OP && p->t->op == op;
}

bool
jp_is_name(const struct jparse *p, const char *name)
{
    return p->t->kind == JT_NAME && j_is(p->t->v, name);
}

bool
jp_skip_op(struct jparse *p, int op)
{
    if (p->c->rc || !jp_is_op(p, op))
        return false;
    jp_advance(p);
    return true;
}

bool
jp_skip_name(struct jparse *p, const char *name)
{
    if (p->c->rc || !jp_is_name(p, name))
        return false;
    jp_advance(p);
    return true;
}

void
jp_need_op(struct jparse *p, int op, const char *what)
{
    if (!p->c->rc && !jp_skip_op(p, op))
        jp_fail(p, what);
}

struct jv
jp_need_name(struct jparse *p)
{
    const struct jv v = p->t->v;

    if (p->c->rc || p->t->kind != JT_NAME) {
        jp_fail(p, "a name is missing");
        return J_NOTHING;
    }
    jp_advance(p);
    return v;
}

bool
jp_enter(struct jparse *p)
{
    if (++p->depth > MAX_NESTING)
        jp_fail(p, "nested too deep");
    return !p->c->rc;
}

int32_t
jp_symbol(struct jparse *p, struct jv name)
{
    return p->c->rc ? -1 : j_name(p->c, p->names, name.u.s, name.n, true);
}

void
jp_append(struct jn_list *l, struct jnode *x)
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
ends_tuple(const struct jparse *p, const char *extra)
{
    return p->t->kind == JT_PRINT_END || p->t->kind == JT_BLOCK_END ||
           p->t->kind == JT_END || jp_is_op(p, ')') ||
           (extra && jp_is_name(p, extra));
}

struct jnode *
jp_tuple(struct jparse *p, bool with_cond, const char *extra, bool braced)
{
    struct jn_list items = {0};
    struct jnode *x;
    bool many = false;
    int n = 0;

    while (!p->c->rc && !ends_tuple(p, extra)) {
        jp_append(&items, jp_expression(p, with_cond));
        n++;
        if (!jp_skip_op(p, ','))
            break;
        many = true;
    }
    if (p->c->rc)
        return NULL;
    if (!many && n)
        return items.first;
    if (!n && !braced) {
        jp_fail(p, "an expression is missing");
        return NULL;
    }
    x = jp_node(p, JN_TUPLE);
    if (x)
        x->a = items.first;
    return x;
}

static struct jnode *
list_literal(struct jparse *p)
{
    struct jnode *x = jp_node(p, JN_LIST);
    struct jn_list items = {0};

    jp_advance(p);
    while (!p->c->rc && !jp_is_op(p, ']')) {
        jp_append(&items, jp_expression(p, true));
        if (!jp_skip_op(p, ','))
            break;
    }
    jp_need_op(p, ']', "a list without its ']'");
    if (x)
        x->a = items.first;
    return x;
}

static struct jnode *
dict_literal(struct jparse *p)
{
    struct jnode *x = jp_node(p, JN_DICT), *pair;
    struct jn_list items = {0};

    jp_advance(p);
    while (!p->c->rc && !jp_is_op(p, '}')) {
        struct jnode *key = jp_expression(p, true);

        jp_need_op(p, ':', "a dict's key without its ':'");
        pair = jp_node(p, JN_KEYWORD);
        if (pair) {
            pair->a = key;
            pair->b = p->c->rc ? NULL : jp_expression(p, true);
        }
        jp_append(&items, pair);
        if (!jp_skip_op(p, ','))
            break;
    }
    jp_need_op(p, '}', "a dict without its '}'");
    if (x)
        x->a = items.first;
    return x;
}

static struct jnode *
primary(struct jparse *p)
{
    struct jnode *x = NULL;
    struct jv v = p->t->v;

    if (p->c->rc)
        return NULL;
    if (p->t->kind == JT_NAME) {
        x = jp_node(p, JN_CONST);
        jp_advance(p);
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
            x->sym = jp_symbol(p, v);
            p->uses |= j_is(v, "caller")    ? JN_USES_CALLER
                       : j_is(v, "varargs") ? JN_USES_VARARGS
                       : j_is(v, "kwargs")  ? JN_USES_KWARGS
                                            : 0;
        }
    } else if (p->t->kind == JT_VALUE) {
        x = jp_node(p, JN_CONST);
        jp_advance(p);
        while (v.kind == J_STR && p->t->kind == JT_VALUE &&
               p->t->v.kind == J_STR && !p->c->rc) { // 'a' 'b' is 'ab'
            v = j_arith(p->c, '+', v, p->t->v);
            jp_advance(p);
        }
        if (x)
            x->v = v;
    } else if (jp_is_op(p, '(')) {
        jp_advance(p);
        x = jp_tuple(p, true, NULL, true);
        jp_need_op(p, ')', "a bracket without its ')'");
    } else if (jp_is_op(p, '[')) {
        x = list_literal(p);
    } else if (jp_is_op(p, '{')) {
        x = dict_literal(p);
    } else {
        jp_fail(p, p->t->kind == JT_END ? "the template ends inside a tag"
                                        : "an expression is missing");
    }
    return x;
}

static struct jnode *
arguments(struct jparse *p)
{
    struct jn_list args = {0};
    bool keywords = false, star = false, stars = false;

    jp_need_op(p, '(', "arguments are missing");
    while (!p->c->rc && !jp_is_op(p, ')')) {
        struct jnode *x = NULL;

        if (args.first) {
            jp_need_op(p, ',', "arguments without a ',' between them");
            if (jp_is_op(p, ')'))
                break;
        }
        if (jp_skip_op(p, J_OP('*', '*'))) {
            x = jp_node(p, JN_STARS);
            if (stars)
                jp_fail(p, "two ** among the arguments");
            stars = true;
        } else if (jp_skip_op(p, '*')) {
            x = jp_node(p, JN_STAR);
            if (star || stars)
                jp_fail(p, "two * among the arguments");
            star = true;
        } else if (p->t->kind == JT_NAME && p->t[1].kind == JT_OP &&
                   p->t[1].op == '=') {
            x = jp_node(p, JN_KEYWORD);
            if (x)
                x->v = jp_need_name(p);
            jp_advance(p);
            if (stars)
                jp_fail(p, "a keyword after **");
            keywords = true;
        } else if (keywords || star || stars) {
            jp_fail(p, "a plain argument after a keyword");
        } else {
            jp_append(&args, jp_expression(p, true));
            continue;
        }
        if (x)
            x->a = p->c->rc ? NULL : jp_expression(p, true);
        jp_append(&args, x);
    }
    jp_need_op(p, ')', "arguments without their ')'");
    return args.first;
}

static struct jnode *
subscript(struct jparse *p)
{
    struct jnode *first = NULL, *x;

    if (!jp_is_op(p, ':'))
        first = jp_expression(p, true);
    if (p->c->rc || !jp_is_op(p, ':'))
        return first;
    jp_advance(p);
    x = jp_node(p, JN_SLICE);
    if (!x)
        return NULL;
    x->a = first;
    if (!jp_is_op(p, ':') && !jp_is_op(p, ']') && !jp_is_op(p, ','))
        x->b = jp_expression(p, true);
    if (jp_skip_op(p, ':') && !jp_is_op(p, ']') && !jp_is_op(p, ','))
        x->c = jp_expression(p, true);
    return x;
}

/* .name, [item] and (arguments), as many as follow. */
static struct jnode *
postfix(struct jparse *p, struct jnode *x)
{
    while (!p->c->rc && x) {
        if (jp_skip_op(p, '.')) {
            if (p->t->kind == JT_VALUE && p->t->v.kind == J_INT) {
                struct jnode *at = jp_node(p, JN_CONST);

                if (at)
                    at->v = p->t->v;
                jp_advance(p);
                x = jp_join(p, JN_ITEM, x, at);
            } else {
                const struct jv name = jp_need_name(p);

                x = jp_join(p, JN_ATTR, x, NULL);
                if (x)
                    x->v = name;
            }
        } else if (jp_skip_op(p, '[')) {
            struct jnode *first = NULL;

            if (jp_is_op(p, ']'))
                jp_fail(p, "an index is missing");
            else
                first = subscript(p);
            if (!p->c->rc && jp_is_op(p, ',')) {
                struct jn_list items = {0};

                jp_append(&items, first);
                while (jp_skip_op(p, ',')) {
                    struct jnode *more = subscript(p);

                    if (more && more->kind == JN_SLICE)
                        jp_fail(p, "a slice inside a tuple");
                    jp_append(&items, more);
                }
                if (first && first->kind == JN_SLICE)
                    jp_fail(p, "a slice inside a tuple");
                first = jp_join(p, JN_TUPLE, items.first, NULL);
            }
            jp_need_op(p, ']', "an index without its ']'");
            x = jp_join(p, JN_ITEM, x, first);
        } else if (jp_is_op(p, '(')) {
            struct jnode *args = arguments(p);

            x = jp_join(p, JN_CALL, x, args);
        } else {
            break;
        }
    }
    return p->c->rc ? NULL : x;
}

struct jnode *
jp_one_filter(struct jparse *p, struct jnode *of)
{
    struct jnode *x = jp_node(p, JN_FILTER);
    const struct jv name = jp_need_name(p);

    if (!x || p->c->rc)
        return NULL;
    x->a = of;
    x->v = name;
    if (jp_is_op(p, '('))
        x->b = arguments(p);
    return x;
}

static struct jnode *
one_test(struct jparse *p, struct jnode *of)
{
    const bool negated = jp_skip_name(p, "not");
    struct jnode *x = jp_node(p, JN_TEST);
    const struct jv name = jp_need_name(p);

    if (!x || p->c->rc)
        return NULL;
    x->a = of;
    x->v = name;
    if (jp_is_op(p, '(')) {
        x->b = arguments(p);
    } else if ((p->t->kind == JT_NAME || p->t->kind == JT_VALUE ||
                jp_is_op(p, '[') || jp_is_op(p, '{')) &&
               !jp_is_name(p, "else") && !jp_is_name(p, "or") &&
               !jp_is_name(p, "and")) {
        if (jp_is_name(p, "is"))
            jp_fail(p, "tests cannot be chained with 'is'");
        x->b = postfix(p, primary(p));
    }
    return negated ? jp_join(p, JN_NOT, x, NULL) : x;
}

static struct jnode *
filters(struct jparse *p, struct jnode *x)
{
    while (!p->c->rc && x) {
        if (jp_skip_op(p, '|'))
            x = jp_one_filter(p, x);
        else if (jp_skip_name(p, "is"))
            x = one_test(p, x);
        else if (jp_is_op(p, '(')) {
            struct jnode *args = arguments(p);

            x = jp_join(p, JN_CALL, x, args);
        } else
            break;
    }
    return p->c->rc ? NULL : x;
}

static struct jnode *
unary(struct jparse *p, bool with_filter)
{
    struct jnode *x = NULL;

    if (p->c->rc)
        return NULL;
    if (jp_enter(p)) {
        if (jp_skip_op(p, '-'))
            x = jp_join(p, JN_NEG, unary(p, false), NULL);
        else if (jp_skip_op(p, '+'))
            x = jp_join(p, JN_POS, unary(p, false), NULL);
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
arith(struct jparse *p, int op, struct jnode *a, struct jnode *b)
{
    struct jnode *x = jp_join(p, JN_ARITH, a, b);

    if (x)
        x->op = (uint16_t)op;
    return x;
}

static struct jnode *
power(struct jparse *p)
{
    struct jnode *x = unary(p, true);

    while (jp_skip_op(p, J_OP('*', '*')))
        x = arith(p, 'p', x, unary(p, true));
    return x;
}

static struct jnode *
product(struct jparse *p)
{
    struct jnode *x = power(p);

    for (;;) {
        if (jp_skip_op(p, '*'))
            x = arith(p, '*', x, power(p));
        else if (jp_skip_op(p, '/'))
            x = arith(p, '/', x, power(p));
        else if (jp_skip_op(p, J_OP('/', '/')))
            x = arith(p, 'f', x, power(p));
        else if (jp_skip_op(p, '%'))
            x = arith(p, '%', x, power(p));
        else
            return x;
    }
}

static struct jnode *
concat(struct jparse *p)
{
    struct jnode *x = product(p);
    struct jn_list parts = {0};

    if (p->c->rc || !jp_is_op(p, '~'))
        return x;
    jp_append(&parts, x);
    while (jp_skip_op(p, '~'))
        jp_append(&parts, product(p));
    return jp_join(p, JN_CONCAT, parts.first, NULL);
}

static struct jnode *
sum(struct jparse *p)
{
    struct jnode *x = concat(p);

    for (;;) {
        if (jp_skip_op(p, '+'))
            x = arith(p, '+', x, concat(p));
        else if (jp_skip_op(p, '-'))
            x = arith(p, '-', x, concat(p));
        else
            return x;
    }
}

/* The comparison that stands here, stepped over; 0 for none. 'i' is in, 'n'
 * is not in. */
static int
comparison(struct jparse *p)
{
    static const int ops[] = {J_OP('=', '='),
                              J_OP('!', '='),
                              J_OP('<', '='),
                              J_OP('>', '='),
                              '<',
                              '>',
                              0};

    for (int i = 0; ops[i]; i++)
        if (jp_skip_op(p, ops[i]))
            return ops[i];
    if (jp_skip_name(p, "in"))
        return 'i';
    if (!p->c->rc && jp_is_name(p, "not") && p->t[1].kind == JT_NAME &&
        j_is(p->t[1].v, "in")) {
        jp_advance(p);
        jp_advance(p);
        return 'n';
    }
    return 0;
}

static struct jnode *
compare(struct jparse *p)
{
    struct jnode *x = sum(p);
    struct jn_list operands = {0};
    int op;

    while ((op = comparison(p)) != 0) {
        struct jnode *right = jp_join(p, JN_OPERAND, sum(p), NULL);

        if (!right)
            return NULL;
        right->op = (uint16_t)op;
        jp_append(&operands, right);
    }
    return operands.first ? jp_join(p, JN_COMPARE, x, operands.first) : x;
}

static struct jnode *
negation(struct jparse *p)
{
    struct jnode *x = NULL;

    if (!jp_skip_name(p, "not"))
        return compare(p);
    if (jp_enter(p))
        x = jp_join(p, JN_NOT, negation(p), NULL);
    p->depth--;
    return x;
}

static struct jnode *
conjunction(struct jparse *p)
{
    struct jnode *x = negation(p);

    while (jp_skip_name(p, "and"))
        x = jp_join(p, JN_AND, x, negation(p));
    return x;
}

static struct jnode *
disjunction(struct jparse *p)
{
    struct jnode *x = conjunction(p);

    while (jp_skip_name(p, "or"))
        x = jp_join(p, JN_OR, x, conjunction(p));
    return x;
}

struct jnode *
jp_expression(struct jparse *p, bool with_cond)
{
    struct jnode *x = NULL;

    if (p->c->rc)
        return NULL;
    if (jp_enter(p)) {
        x = disjunction(p);
        while (with_cond && jp_skip_name(p, "if")) {
            struct jnode *test = disjunction(p);

            x = jp_join(p, JN_COND, x, test);
            if (x && jp_skip_name(p, "else"))
                x->c = jp_expression(p, true);
        }
    }
    p->depth--;
    return p->c->rc ? NULL : x;
}
