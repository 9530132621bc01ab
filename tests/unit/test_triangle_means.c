/* test_triangle_means.c -- facts about means over the seeds of a triangle. */
#include "support/test.h"

#include <math.h>
#include <string.h>

#include "cli/triangle_means.h"

static trv_figure
figure(double mean, double error)
{
    return (trv_figure){mean, error, mean - 2 * error, mean + 2 * error, 9};
}

static void
test_means_error_is_of_the_spread_or_of_the_inputs(void **state)
{
    const trv_figure apart[] = {figure(0.5, 0.001), figure(0.7, 0.001),
                                figure(0.9, 0.001)};
    const trv_figure alike[] = {figure(0.7, 0.3), figure(0.7, 0.3),
                                figure(0.7, 0.3), figure(0.7, 0.3)};
    trv_figure f = means_combine(apart, 3);

    (void)state;
    assert_close(f.mean, 0.7, 1e-12);
    assert_close(f.stderr_, 0.2 / sqrt(3), 1e-12); // the spread's
    assert_close(f.high - f.mean, 1.959963984540054 * f.stderr_, 1e-12);
    assert_int_equal(f.n, 3);
    f = means_combine(alike, 4);
    assert_close(f.stderr_, 0.3 / 2, 1e-12); // the inputs'
}

static void
test_means_of_one_keeps_its_interval(void **state)
{
    const trv_figure list[] = {
        {(double)NAN, 0, 0, 0, 5}, figure(0.4, 0.1), {0.9, 0, 0, 0, 0}};
    const trv_figure f = means_combine(list, 3);

    (void)state;
    assert_close(f.mean, 0.4, 0);
    assert_close(f.low, 0.2, 1e-15);
    assert_int_equal(f.n, 1);
    assert_int_equal(means_combine(list, 0).n, 0);
}

static void
test_means_group_nodes_that_differ_in_their_seed(void **state)
{
    static const char text[] =
        "{\"nodes\": ["
        "{\"id\": \"a/0/p+d\", \"task\": \"a\", \"seed\": 0, \"path\": "
        "[\"prompt\", \"params\"], \"status\": \"done\", \"method\": \"d\","
        " \"kind\": \"lora\", \"chosen\": true, \"cost\": {\"seconds\": 2},"
        " \"fidelity\": {\"name\": \"gap closed\", \"of_root\": {\"mean\": "
        "0.8, \"stderr\": 0.1, \"n\": 4}}},"
        "{\"id\": \"a/1/p+d\", \"task\": \"a\", \"seed\": 1, \"path\": "
        "[\"prompt\", \"params\"], \"status\": \"failed\", \"method\": \"d\","
        " \"kind\": \"lora\", \"sentence\": \"no\"},"
        "{\"id\": \"a/2/p+d\", \"task\": \"a\", \"seed\": 2, \"path\": "
        "[\"prompt\", \"params\"], \"status\": \"done\", \"cost\": "
        "{\"seconds\": 4}, \"fidelity\": {\"of_root\": {\"mean\": 0.6, "
        "\"stderr\": 0.1, \"n\": 4}}},"
        "{\"id\": \"b/0/p+d\", \"task\": \"b\", \"path\": [\"prompt\"]},"
        "null, 3, {\"id\": 7, \"path\": {}, \"fidelity\": [], \"cost\": 1}]}";
    json_t *report = json_loads(text, 0, NULL);
    struct means m;

    (void)state;
    assert_non_null(report);
    assert_int_equal(means_of(&m, report), 0);
    assert_int_equal(m.n, 3); // what is no node at all is one nameless group
    assert_int_equal(m.groups[0].done, 2);
    assert_int_equal(m.groups[0].failed, 1);
    assert_close(m.groups[0].kept.mean, 0.7, 1e-12);
    assert_close(m.groups[0].seconds, 3, 1e-12);
    assert_string_equal(m.groups[0].sentence, "no");
    assert_close(means_strength(&m.groups[0]), 0.7, 1e-12);
    assert_true(isnan(means_strength(&m.groups[1])));
    means_release(&m);
    json_decref(report);
}

static void
test_means_strength_of_pairs_is_above_chance(void **state)
{
    struct means_group g = {.fidelity = "pairs ordered alike",
                            .kept = figure(0.75, 0.1)};

    (void)state;
    assert_close(means_strength(&g), 0.5, 1e-12);
    g.kept.mean = 0.3;
    assert_close(means_strength(&g), 0, 0);
    g.fidelity = "gap closed";
    g.kept.mean = 1.2;
    assert_close(means_strength(&g), 1, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_means_error_is_of_the_spread_or_of_the_inputs),
        cmocka_unit_test(test_means_of_one_keeps_its_interval),
        cmocka_unit_test(test_means_group_nodes_that_differ_in_their_seed),
        cmocka_unit_test(test_means_strength_of_pairs_is_above_chance),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
