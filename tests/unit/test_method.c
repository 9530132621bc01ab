/* test_method.c -- the tables of methods agree with the list of options, and the
 * refusal with the tables.
 */
#include "support/test.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "support/fit.h"
#include "transform/convert.h"
#include "transform/edges/edges.h"

/* Copy the name that begins at *list and step to the next; false at the end. */
static bool
next_name(char out[64], const char **list)
{
    const size_t n = strcspn(*list, " ");

    assert_true(n < 64);
    memcpy(out, *list, n);
    out[n] = '\0';
    *list += n + strspn(*list + n, " ");
    return n > 0;
}

static enum kind
kind_of(const char *name)
{
    for (int k = 0; k < KIND_COUNT; k++)
        if (strcmp(kind_name((enum kind)k), name) == 0)
            return (enum kind)k;
    fail_msg("no kind '%s'", name);
    return KIND_BASE;
}

/* Call for every row of every edge. */
static void
each_row(void (*check)(const struct edge *e, const struct method *m))
{
    const struct edge *e;

    for (int i = 0; (e = convert_edge_at(i)); i++)
        for (int k = 0; k < e->n; k++)
            check(e, &e->methods[k]);
}

/* ---- words --------------------------------------------------------------- */

static void
check_words(const struct edge *e, const struct method *m)
{
    const char *list = m->info.options, *first;
    char each[64];

    (void)e;
    while (next_name(each, &list))
        if (strcmp(each, "@learn") != 0 && !fit_option_of(each))
            fail_msg("%s reads '%s', which is no option", m->info.name, each);
    for (list = m->info.options; next_name(each, &list);)
        for (first = list; *first;) {
            char other[64];

            next_name(other, &first);
            if (strcmp(each, other) == 0)
                fail_msg("%s names '%s' twice", m->info.name, each);
        }
    assert_true(m->info.summary && m->info.example);
    assert_non_null(m->run);
}

static void
test_method_reads_only_options_that_exist(void **state)
{
    (void)state;
    each_row(check_words);
}

static void
check_defaults(const struct edge *e, const struct method *m)
{
    const char *list = m->info.defaults;
    char each[64];

    (void)e;
    while (next_name(each, &list)) {
        char *const sign = strchr(each, '=');
        const struct fit_option *o;
        double x;
        char *end;

        assert_non_null(sign);
        *sign = '\0';
        o = fit_option_of(each);
        if (!o || (o->type != FIT_INT && o->type != FIT_NUM))
            fail_msg("%s: '%s' is no number", m->info.name, each);
        x = strtod(sign + 1, &end);
        assert_true(end > sign + 1 && !*end);
        if (!(x >= o->lo && x <= o->hi) ||
            (o->type == FIT_INT && x != floor(x)))
            fail_msg("%s: %s=%s is out of bounds", m->info.name, each,
                     sign + 1);
    }
}

static void
test_method_defaults_are_numbers_within_bounds(void **state)
{
    (void)state;
    each_row(check_defaults);
}

/* And each method is found by its name for what it makes. */
static void
check_kinds(const struct edge *e, const struct method *m)
{
    const char *list = m->info.makes;
    char each[64];

    assert_true(*list);
    while (next_name(each, &list)) {
        struct convert_choice c;
        trv_err err = {0};

        assert_int_equal(kind_form(kind_of(each)), e->to);
        if (convert_choose(&c, e->from, kind_of(each), m->info.name, false,
                           &err))
            fail_msg("%s to %s: %s", m->info.name, each, err.msg);
        assert_ptr_equal(c.edge, e);
        assert_ptr_equal(c.use.method, m);
    }
}

static void
test_method_makes_kinds_of_its_edge(void **state)
{
    (void)state;
    each_row(check_kinds);
}

/* ---- the refusal ---------------------------------------------------------- */

/* Set an option to what is not its default. */
static void
set_other(trv_convert_options *o, const struct fit_option *option)
{
    const trv_convert_options init = TRV_CONVERT_OPTIONS_INIT;
    char value[64];

    if (option->choices) {
        static char choice[64]; // lives as long as the options
        const char *c = option->choices;

        do {
            const size_t n = strcspn(c, "|");

            snprintf(choice, sizeof(choice), "%.*s", (int)n, c);
            c += n + (c[n] == '|');
            fit_set(o, option, choice);
        } while (fit_equal(o, &init, option) && *c);
    } else if (option->type == FIT_TEXT) {
        fit_set(o, option, "other");
    } else {
        snprintf(value, sizeof(value), "%.17g", option->hi);
        if (option->type == FIT_SEED)
            snprintf(value, sizeof(value), "7");
        fit_set(o, option, value);
    }
    assert_false(fit_equal(o, &init, option));
}

static void
check_refusal(const struct edge *e, const struct method *m)
{
    const char *list = m->info.makes;
    const struct fit_option *option;
    char each[64];

    while (next_name(each, &list))
        for (size_t i = 0; (option = fit_option_at(i)); i++) {
            trv_convert_options o = TRV_CONVERT_OPTIONS_INIT;
            const struct convert_choice c = {
                .edge = e, .use = {.method = m, .makes = kind_of(each)}};
            const bool reads = method_use_reads(&c.use, option->name);
            trv_err err = {0};
            int rc;

            set_other(&o, option);
            rc = convert_check_read(&c, 1, &o, &err);
            if (rc != (reads ? 0 : TRV_EINVAL))
                fail_msg("%s to %s, %s: %d, %s", m->info.name, each,
                         option->name, rc, err.msg);
            if (!reads &&
                strncmp(err.msg, option->name, strlen(option->name)) != 0)
                fail_msg("'%s' does not begin with %s", err.msg, option->name);
            if (!reads) // so the program can write it as it was given
                assert_string_equal(err.option, option->name);
        }
}

static void
test_method_refuses_exactly_what_it_does_not_read(void **state)
{
    (void)state;
    each_row(check_refusal);
}

/* Options that say how inputs are sampled, beside given inputs. */
static void
check_sampling(const struct edge *e, const struct method *m)
{
    const char *list = m->sampling ? m->sampling : "", *makes = m->info.makes;
    char each[64], kind[64];

    assert_true(next_name(kind, &makes));
    while (next_name(each, &list)) {
        trv_convert_options o = TRV_CONVERT_OPTIONS_INIT;
        const struct convert_choice c = {
            .edge = e, .use = {.method = m, .makes = kind_of(kind)}};
        char want[200];
        trv_err err = {0};

        assert_true(method_reads(m, "inputs"));
        assert_true(method_reads(m, each));
        set_other(&o, fit_option_of(each));
        assert_int_equal(convert_check_read(&c, 1, &o, &err), 0);
        o.inputs = "in.jsonl";
        assert_int_equal(convert_check_read(&c, 1, &o, &err), TRV_EINVAL);
        snprintf(want, sizeof(want),
                 "%s decides how many inputs %s samples, and the inputs are "
                 "given",
                 each, m->info.name);
        assert_string_equal(err.msg, want);
        assert_string_equal(err.option, each);
    }
}

static void
test_method_refuses_how_to_sample_inputs_that_are_given(void **state)
{
    (void)state;
    each_row(check_sampling);
}

/* No option is there for nobody. */
static void
test_method_every_option_is_read_somewhere(void **state)
{
    const struct fit_option *option;

    (void)state;
    for (size_t i = 0; (option = fit_option_at(i)); i++) {
        const struct edge *e;
        bool read = false;

        for (int k = 0; !read && (e = convert_edge_at(k)); k++)
            for (int j = 0; j < e->n && !read; j++) {
                const char *list = e->methods[j].info.makes;
                char each[64];

                while (!read && next_name(each, &list))
                    read = method_use_reads(
                        &(struct method_use){&e->methods[j], kind_of(each)},
                        option->name);
            }
        if (!read)
            fail_msg("nothing reads '%s'", option->name);
    }
}

/* ---- the start ------------------------------------------------------------ */

static void
test_method_init_function_equals_macro(void **state)
{
    const trv_convert_options a = TRV_CONVERT_OPTIONS_INIT;
    const trv_convert_options b = trv_convert_options_init();
    const struct fit_option *option;
    trv_err err = {0};

    (void)state;
    for (size_t i = 0; (option = fit_option_at(i)); i++)
        if (!fit_equal(&a, &b, option))
            fail_msg("'%s' differs", option->name);
    assert_int_equal(a.version, 1);
    assert_int_equal(b.version, 1);
    assert_null(b.on_message);
    assert_int_equal(method_check_options(&b, &err), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_method_reads_only_options_that_exist),
        cmocka_unit_test(test_method_defaults_are_numbers_within_bounds),
        cmocka_unit_test(test_method_makes_kinds_of_its_edge),
        cmocka_unit_test(test_method_refuses_exactly_what_it_does_not_read),
        cmocka_unit_test(
            test_method_refuses_how_to_sample_inputs_that_are_given),
        cmocka_unit_test(test_method_every_option_is_read_somewhere),
        cmocka_unit_test(test_method_init_function_equals_macro),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
