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
    assert_close(f.stderr_, 0.2 / sqrt(3), 1e-12);            // the spread's
    assert_close(f.high - f.mean, 4.3027 * f.stderr_, 1e-12); // Student's t
    assert_int_equal(f.n, 3);
    f = means_combine(alike, 4);
    assert_close(f.stderr_, 0.3 / 2, 1e-12); // the inputs'
    assert_close(f.high - f.mean, 1.959963984540054 * f.stderr_, 1e-12);
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

/* Quantiles by integration of the density (mpmath): the expansion is 0.002 low at
 * 11 degrees, and nearer beyond. */
static void
test_means_interval_follows_students_t(void **state)
{
    static const struct {
        int n;
        double t;
    } rows[] = {{2, 12.7062}, {4, 3.1824},  {11, 2.2281}, {12, 2.2010},
                {21, 2.0860}, {61, 2.0003}, {201, 1.9719}};

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        trv_figure list[201], f;

        for (int k = 0; k < rows[i].n; k++)
            list[k] = (trv_figure){k % 2, 0, (double)NAN, (double)NAN, 1};
        f = means_combine(list, rows[i].n);
        assert_close((f.high - f.mean) / f.stderr_, rows[i].t, 0.0025);
    }
}

static void
test_means_figures_of_other_types_count_as_none(void **state)
{
    static const char *const texts[] = {"null",
                                        "3",
                                        "\"0.5\"",
                                        "[0.5]",
                                        "{}",
                                        "{\"mean\": null}",
                                        "{\"mean\": \"0.5\", \"n\": 3}"};
    json_t *node = json_pack("{s:{s:f}}", "kl_base", "mean", 0.5);

    (void)state;
    assert_int_equal(means_node(node, MEANS_KL_BASE).n, 1);
    assert_true(isnan(means_node(node, MEANS_KL_BASE).low));
    assert_int_equal(means_node(node, MEANS_DRIFT).n, 0);
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
        json_object_set_new(node, "kl_base",
                            json_loads(texts[i], JSON_DECODE_ANY, NULL));
        assert_int_equal(means_node(node, MEANS_KL_BASE).n, 0);
    }
    json_decref(node);
}

static void
test_means_numbers_too_large_to_add_are_no_mean(void **state)
{
    const trv_figure list[] = {{1.7e308, 0, 0, 0, 1}, {1.7e308, 0, 0, 0, 1}};

    (void)state;
    assert_int_equal(means_combine(list, 2).n, 0);
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
    assert_int_equal(m.of[2], 0);
    assert_int_equal(m.of[3], 1);
    assert_int_equal(m.groups[0].done, 2);
    assert_int_equal(m.groups[0].failed, 1);
    assert_close(m.groups[0].f[MEANS_KEPT].mean, 0.7, 1e-12);
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
                            .f[MEANS_KEPT] = figure(0.75, 0.1)};

    (void)state;
    assert_close(means_strength(&g), 0.5, 1e-12);
    g.f[MEANS_KEPT].mean = 0.3;
    assert_close(means_strength(&g), 0, 0);
    g.fidelity = "gap closed";
    g.f[MEANS_KEPT].mean = 1.2;
    assert_close(means_strength(&g), 1, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_means_error_is_of_the_spread_or_of_the_inputs),
        cmocka_unit_test(test_means_of_one_keeps_its_interval),
        cmocka_unit_test(test_means_interval_follows_students_t),
        cmocka_unit_test(test_means_figures_of_other_types_count_as_none),
        cmocka_unit_test(test_means_numbers_too_large_to_add_are_no_mean),
        cmocka_unit_test(test_means_group_nodes_that_differ_in_their_seed),
        cmocka_unit_test(test_means_strength_of_pairs_is_above_chance),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
