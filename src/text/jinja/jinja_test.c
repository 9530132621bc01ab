/* jinja_test.c -- the tests of jinja2: what stands after `is`. */
#include <string.h>

#include "text/jinja/jinja_eval.h"

#define TEST(name)                                                             \
    static struct jv name(struct jctx *c, struct jv self,                      \
                          const struct jv *const *a, const struct j_args *raw)
#define UNUSED (void)a, (void)raw, (void)self, (void)c

/* str(v).name() */
static struct jv
asked(struct jctx *c, struct jv v, const char *name)
{
    const struct j_args none = {0};

    return j_call(c, j_attr(c, j_to_str(c, v), j_cstr(name)), &none);
}

TEST(t_defined)
{
    UNUSED;
    return j_bool(self.kind != J_UNDEF);
}

TEST(t_undefined)
{
    UNUSED;
    return j_bool(self.kind == J_UNDEF);
}

TEST(t_none)
{
    UNUSED;
    return j_bool(self.kind == J_NONE);
}

TEST(t_boolean)
{
    UNUSED;
    return j_bool(self.kind == J_BOOL);
}

TEST(t_true)
{
    UNUSED;
    return j_bool(self.kind == J_BOOL && self.u.b);
}

TEST(t_false)
{
    UNUSED;
    return j_bool(self.kind == J_BOOL && !self.u.b);
}

TEST(t_integer)
{
    UNUSED;
    return j_bool(self.kind == J_INT);
}

TEST(t_float)
{
    UNUSED;
    return j_bool(self.kind == J_FLOAT);
}

TEST(t_number)
{
    double x;

    UNUSED;
    return j_bool(j_number(self, &x));
}

TEST(t_string)
{
    UNUSED;
    return j_bool(self.kind == J_STR);
}

TEST(t_mapping)
{
    UNUSED;
    return j_bool(self.kind == J_DICT);
}

TEST(t_sequence)
{
    UNUSED;
    return j_bool(self.kind == J_STR || self.kind == J_LIST ||
                  self.kind == J_TUPLE || self.kind == J_RANGE ||
                  self.kind == J_DICT || self.kind == J_UNDEF);
}

TEST(t_iterable)
{
    UNUSED;
    return j_bool(self.kind == J_STR || j_is_seq(self) || self.kind == J_DICT ||
                  self.kind == J_UNDEF || self.kind == J_LOOP);
}

TEST(t_callable)
{
    UNUSED;
    return j_bool(self.kind == J_FUNC || self.kind == J_METHOD ||
                  self.kind == J_MACRO || self.kind == J_JOINER ||
                  self.kind == J_UNDEF);
}

TEST(t_lower)
{
    UNUSED;
    return asked(c, self, "islower");
}

TEST(t_upper)
{
    UNUSED;
    return asked(c, self, "isupper");
}

TEST(t_escaped)
{
    UNUSED;
    return j_bool(false);
}

TEST(t_odd)
{
    UNUSED;
    return j_bool(j_equal(c, j_arith(c, '%', self, j_int(2)), j_int(1)));
}

TEST(t_even)
{
    UNUSED;
    return j_bool(j_equal(c, j_arith(c, '%', self, j_int(2)), j_int(0)));
}

TEST(t_divisible)
{
    UNUSED;
    return j_bool(j_equal(c, j_arith(c, '%', self, *a[0]), j_int(0)));
}

TEST(t_eq)
{
    UNUSED;
    return j_bool(j_equal(c, self, *a[0]));
}

TEST(t_ne)
{
    UNUSED;
    return j_bool(!j_equal(c, self, *a[0]));
}

TEST(t_lt)
{
    UNUSED;
    return j_bool(j_order(c, self, *a[0]) == -1);
}

TEST(t_gt)
{
    UNUSED;
    return j_bool(j_order(c, self, *a[0]) == 1);
}

TEST(t_le)
{
    const int order = j_order(c, self, *a[0]);

    UNUSED;
    return j_bool(order == -1 || order == 0);
}

TEST(t_ge)
{
    const int order = j_order(c, self, *a[0]);

    UNUSED;
    return j_bool(order == 1 || order == 0);
}

TEST(t_in)
{
    UNUSED;
    return j_bool(j_contains(c, *a[0], self));
}

/* Identity: values that Python keeps once (None, True, small numbers, equal
 * literals) are the same where they are equal; others where they are one. */
TEST(t_sameas)
{
    UNUSED;
    if (self.kind != a[0]->kind)
        return j_bool(false);
    if (self.kind <= J_STR)
        return j_bool(j_equal(c, self, *a[0]));
    return j_bool(self.u.list == a[0]->u.list);
}

TEST(t_filter)
{
    UNUSED;
    return j_bool(j_hashable(c, self) && self.kind == J_STR &&
                  jinja_find_filter(self.u.s, self.n));
}

TEST(t_test)
{
    UNUSED;
    return j_bool(j_hashable(c, self) && self.kind == J_STR &&
                  jinja_find_test(self.u.s, self.n));
}

static const struct j_func tests[] = {
    {"boolean", "", 0, t_boolean},     {"callable", "", 0, t_callable},
    {"defined", "", 0, t_defined},     {"divisibleby", "num", 1, t_divisible},
    {"eq", "other", 1, t_eq},          {"==", "other", 1, t_eq},
    {"equalto", "other", 1, t_eq},     {"escaped", "", 0, t_escaped},
    {"even", "", 0, t_even},           {"false", "", 0, t_false},
    {"filter", "", 0, t_filter},       {"float", "", 0, t_float},
    {"ge", "other", 1, t_ge},          {">=", "other", 1, t_ge},
    {"greaterthan", "other", 1, t_gt}, {"gt", "other", 1, t_gt},
    {">", "other", 1, t_gt},           {"in", "seq", 1, t_in},
    {"integer", "", 0, t_integer},     {"iterable", "", 0, t_iterable},
    {"le", "other", 1, t_le},          {"<=", "other", 1, t_le},
    {"lessthan", "other", 1, t_lt},    {"lower", "", 0, t_lower},
    {"lt", "other", 1, t_lt},          {"<", "other", 1, t_lt},
    {"mapping", "", 0, t_mapping},     {"ne", "other", 1, t_ne},
    {"!=", "other", 1, t_ne},          {"none", "", 0, t_none},
    {"number", "", 0, t_number},       {"odd", "", 0, t_odd},
    {"sameas", "other", 1, t_sameas},  {"sequence", "", 0, t_sequence},
    {"string", "", 0, t_string},       {"test", "", 0, t_test},
    {"true", "", 0, t_true},           {"undefined", "", 0, t_undefined},
    {"upper", "", 0, t_upper},         {0},
};

static const struct j_func *
find(const char *name, size_t n)
{
    for (const struct j_func *t = tests; t->name; t++)
        if (strlen(t->name) == n && memcmp(t->name, name, n) == 0)
            return t;
    return NULL;
}

const void *
jinja_find_test(const char *name, size_t n)
{
    return find(name, n);
}

bool
j_test(struct jctx *c, struct jv name, struct jv x, const struct j_args *args)
{
    const struct j_func *f = find(name.u.s, name.n);

    if (!f) {
        j_fail(c, TRV_EUNSUPPORTED, "no test is named '%.*s'",
               name.n > 100 ? 100 : (int)name.n, name.u.s);
        return false;
    }
    return j_truth(c, j_apply(c, f, x, args)) && !c->rc;
}
