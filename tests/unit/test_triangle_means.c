/* test_triangle_means.c -- facts about means over seeds, and their intervals. */
#include "support/test.h"

#include <math.h>

#include "cli/triangle_means.h"

static const trv_figure none = {(double)NAN, (double)NAN, (double)NAN,
                                (double)NAN, 0};

static void
test_triangle_means_one_figure_keeps_its_own_interval(void **state)
{
    const trv_figure list[] = {none, {0.9, 0.02, 0.7, 0.95, 96}, none};
    const trv_figure f = means_combine(list, 3);

    (void)state;
    assert_int_equal(f.n, 1);
    assert_close(f.mean, 0.9, 0);
    assert_close(f.low, 0.7, 0);
    assert_close(f.high, 0.95, 0);
    assert_int_equal(means_combine(list, 1).n, 0);
    assert_int_equal(means_combine(NULL, 0).n, 0);
}

/* Spread: variance 0.01, so an error of 0.1 / sqrt(3); t of 2 degrees. */
static void
test_triangle_means_seeds_that_differ_have_students_interval(void **state)
{
    const trv_figure list[] = {{0.8, 0.001, 0.8, 0.8, 96},
                               {0.9, 0.001, 0.9, 0.9, 96},
                               {0.7, 0.001, 0.7, 0.7, 96}};
    const trv_figure f = means_combine(list, 3);

    (void)state;
    assert_int_equal(f.n, 3);
    assert_close(f.mean, 0.8, 1e-12);
    assert_close(f.stderr_, 0.1 / sqrt(3), 1e-12);
    assert_close(f.high - f.mean, 4.3027 * 0.1 / sqrt(3), 1e-9);
    assert_close(f.mean - f.low, f.high - f.mean, 1e-12);
}

/* Seeds that agree by chance are not surer than their inputs let them be. */
static void
test_triangle_means_seeds_that_agree_keep_the_error_of_inputs(void **state)
{
    const trv_figure list[] = {{0.8, 0.06, 0.7, 0.9, 96},
                               {0.8, 0.08, 0.7, 0.9, 96}};
    const trv_figure f = means_combine(list, 2);

    (void)state;
    assert_close(f.stderr_, 0.05, 1e-12); // sqrt(0.06^2 + 0.08^2) / 2
    assert_close(f.high - f.mean, 1.959963984540054 * 0.05, 1e-12);
}

/* Quantiles by integration of the density (mpmath): the expansion is 0.002 low at
 * 11 degrees, and nearer beyond. */
static void
test_triangle_means_interval_follows_students_t(void **state)
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
test_triangle_means_figures_of_other_types_count_as_none(void **state)
{
    static const char *const texts[] = {"null",
                                        "3",
                                        "\"0.5\"",
                                        "[0.5]",
                                        "{}",
                                        "{\"mean\": null}",
                                        "{\"mean\": \"0.5\", \"n\": 3}"};
    json_t *whole = json_pack("{s:f}", "mean", 0.5);

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
        json_t *x = json_loads(texts[i], JSON_DECODE_ANY, NULL);

        assert_non_null(x);
        assert_int_equal(means_figure(x).n, 0);
        json_decref(x);
    }
    assert_int_equal(means_figure(whole).n, 1);
    assert_true(isnan(means_figure(whole).low));
    json_decref(whole);
}

static void
test_triangle_means_numbers_too_large_to_add_are_no_mean(void **state)
{
    const trv_figure list[] = {{1.7e308, 0, 0, 0, 1}, {1.7e308, 0, 0, 0, 1}};

    (void)state;
    assert_int_equal(means_combine(list, 2).n, 0);
}

#define NODE(seed, status, kept)                                               \
    "{\"id\": \"t/" seed "/prompt+distill-lora\", \"task\": \"t\", "           \
    "\"status\": \"" status "\", \"path\": [\"prompt\", \"params\"], "         \
    "\"method\": \"distill\", \"fidelity\": {\"name\": \"gap closed\", "       \
    "\"of_root\": {\"mean\": " kept ", \"stderr\": 0.01, \"n\": 96}}, "        \
    "\"cost\": {\"seconds\": " seed "}}"

static void
test_triangle_means_nodes_that_differ_in_seed_are_a_group(void **state)
{
    json_t *report = json_loads(
        "{\"nodes\": [" NODE("1", "done", "0.9") "," NODE(
            "2", "done",
            "0.7") "," NODE("6", "failed",
                            "null") ","
                                    "{\"id\": \"t/1/other\", \"task\": \"t\", "
                                    "\"path\": [\"reward\"]}]}",
        0, NULL);
    struct means m;

    (void)state;
    assert_non_null(report);
    assert_int_equal(means_of(&m, report), 0);
    assert_int_equal(m.n, 2);
    assert_int_equal(m.of[2], 0);
    assert_int_equal(m.of[3], 1);
    assert_int_equal(m.groups[0].done, 2);
    assert_int_equal(m.groups[0].failed, 1);
    assert_int_equal(m.groups[0].f[MEANS_KEPT].n, 2);
    assert_close(m.groups[0].f[MEANS_KEPT].mean, 0.8, 1e-12);
    assert_close(m.groups[0].seconds, 3, 1e-12);
    assert_close(means_strength(&m.groups[0]), 0.8, 1e-12);
    assert_true(isnan(means_strength(&m.groups[1])));
    means_release(&m);
    json_decref(report);
}

static void
test_triangle_means_half_of_pairs_is_nothing(void **state)
{
    struct means_group g = {.fidelity = "pairs ordered alike"};

    (void)state;
    g.f[MEANS_KEPT] = (trv_figure){0.5, 0, 0, 0, 1};
    assert_close(means_strength(&g), 0, 1e-12);
    g.f[MEANS_KEPT].mean = 0.9;
    assert_close(means_strength(&g), 0.8, 1e-12);
    g.f[MEANS_KEPT].mean = 0.2;
    assert_close(means_strength(&g), 0, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_triangle_means_one_figure_keeps_its_own_interval),
        cmocka_unit_test(
            test_triangle_means_seeds_that_differ_have_students_interval),
        cmocka_unit_test(
            test_triangle_means_seeds_that_agree_keep_the_error_of_inputs),
        cmocka_unit_test(test_triangle_means_interval_follows_students_t),
        cmocka_unit_test(
            test_triangle_means_figures_of_other_types_count_as_none),
        cmocka_unit_test(
            test_triangle_means_numbers_too_large_to_add_are_no_mean),
        cmocka_unit_test(
            test_triangle_means_nodes_that_differ_in_seed_are_a_group),
        cmocka_unit_test(test_triangle_means_half_of_pairs_is_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
