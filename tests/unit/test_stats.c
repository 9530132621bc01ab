/* test_stats.c -- figures against scipy and numpy (1.17, 2.4), whose results
 * stand here to twelve digits. */
#include "support/test.h"

#include <math.h>

#include "measure/stats.h"

static void
test_stats_mean_and_error_equal_scipy_sem(void **state)
{
    const double x[] = {1, 2, 4, (double)NAN, 8};
    const trv_figure f = stats_mean(x, 5);

    (void)state;
    assert_close(f.mean, 3.75, 1e-15);
    assert_close(f.stderr_, 1.547847968417226, 1e-12);
    /* Student's t of three degrees of freedom is 3.182446. */
    assert_close(f.low, 3.75 - 3.182446 * 1.547847968417226, 1e-4);
    assert_int_equal(f.n, 4); // what is NaN does not count
}

/* statsmodels 0.14: proportion_confint(7, 9, method="wilson"), and so on. */
static void
test_stats_bounded_is_wilsons_interval_for_counts(void **state)
{
    static const struct {
        int right, n;
        double low, high;
    } cases[] = {{7, 9, 0.452588969106989, 0.936774892882153},
                 {25, 25, 0.866807749060951, 1},
                 {0, 12, 2.77555756156289e-17, 0.242494006655241}};

    (void)state;
    for (int i = 0; i < 3; i++) {
        double x[25];
        trv_figure f;

        for (int k = 0; k < cases[i].n; k++)
            x[k] = k < cases[i].right;
        f = stats_bounded(x, cases[i].n, 0, 1);
        assert_close(f.low, cases[i].low, 1e-12);
        assert_close(f.high, cases[i].high, 1e-12);
        for (int k = 0; k < cases[i].n; k++)
            x[k] = 2 * x[k] - 1; // the same on another scale
        f = stats_bounded(x, cases[i].n, -1, 1);
        assert_close(f.low, 2 * cases[i].low - 1, 1e-12);
        assert_close(f.high, 2 * cases[i].high - 1, 1e-12);
    }
}

/* Rounding carries the formula past the end by a bit for many counts: 366 of
 * those up to 2000, 14 the first. */
static void
test_stats_bounded_stays_within_its_bounds(void **state)
{
    static double ones[2000], zeros[2000];

    (void)state;
    for (int k = 0; k < 2000; k++)
        ones[k] = 1.0;
    for (int n = 2; n <= 2000; n++) {
        const trv_figure all = stats_bounded(ones, n, 0, 1);
        const trv_figure none = stats_bounded(zeros, n, 0, 1);

        assert_true(all.low > 0.0 && all.low <= 1.0 && all.high <= 1.0);
        assert_true(none.low >= 0.0 && none.high >= 0.0 && none.high < 1.0);
    }
}

static void
test_stats_of_nothing_are_no_number(void **state)
{
    const double x[] = {(double)NAN};
    const trv_figure f = stats_mean(x, 1);

    (void)state;
    assert_true(isnan(f.mean));
    assert_int_equal(f.n, 0);
}

static void
test_stats_gap_is_a_ratio_of_means_with_its_delta_error(void **state)
{
    const double x[] = {0.1, 0.2, 0.15, 0.4, 0.05};
    const double y[] = {0.5, 0.8, 0.4, 1.1, 0.3};
    const trv_figure f = stats_gap(x, y, 5);

    (void)state;
    assert_close(f.mean, 0.7096774193548387, 1e-12);
    assert_close(f.stderr_, 0.03968394258731241, 1e-12);
}

static void
test_stats_tau_equals_scipy_kendalltau_with_ties(void **state)
{
    const double a[] = {1.0, 2.5, 2.5, 4.0, 0.5, 3.0};
    const double b[] = {0.2, 0.9, 1.4, 1.4, -1.0, 0.1};
    double tau, pairs;

    (void)state;
    stats_ranks(&tau, &pairs, a, b, 6);
    assert_close(tau, 0.5, 1e-12);
    /* 14 pairs that a orders: 10 alike, 3 not, 1 tied in b. */
    assert_close(pairs, 10.5 / 14.0, 1e-12);
}

static void
test_stats_pearson_is_centred_within_inputs(void **state)
{
    const double a[] = {1, 2, 3, 4, 2, 2.5, 7, 1, 0, 1, 0, 2};
    const double b[] = {1.1, 1.9, 3.5, 3.9, 1, 3, 5, 2, 0.5, 0.4, 0.1, 3};
    const trv_figure f = stats_pearson(a, b, 3, 4);

    (void)state;
    assert_close(f.mean, 0.8660438737490841, 1e-12);
    assert_close(f.stderr_, 0.04746741084698219, 1e-12);
}

/* A candidate without a score is as if it were not there. */
static void
test_stats_pearson_leaves_out_what_is_no_number(void **state)
{
    const double none = (double)NAN;
    const double a[] = {1, 2, 4, none, 3, none, 1, 7},
                 b[] = {2, 1, 5, 9, none, 8, 6, 7};
    const double a3[] = {1, 2, 4}, b3[] = {2, 1, 5};
    const double a2[] = {1, 7}, b2[] = {6, 7};
    double aa = 0, bb = 0, ab = 0;

    (void)state;
    for (int i = 0; i < 3; i++) { // means 7/3 and 8/3
        aa += (a3[i] - 7.0 / 3) * (a3[i] - 7.0 / 3);
        bb += (b3[i] - 8.0 / 3) * (b3[i] - 8.0 / 3);
        ab += (a3[i] - 7.0 / 3) * (b3[i] - 8.0 / 3);
    }
    for (int i = 0; i < 2; i++) { // means 4 and 6.5
        aa += (a2[i] - 4) * (a2[i] - 4);
        bb += (b2[i] - 6.5) * (b2[i] - 6.5);
        ab += (a2[i] - 4) * (b2[i] - 6.5);
    }
    assert_close(stats_pearson(a, b, 2, 4).mean, ab / sqrt(aa * bb), 1e-12);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stats_mean_and_error_equal_scipy_sem),
        cmocka_unit_test(test_stats_bounded_is_wilsons_interval_for_counts),
        cmocka_unit_test(test_stats_bounded_stays_within_its_bounds),
        cmocka_unit_test(test_stats_of_nothing_are_no_number),
        cmocka_unit_test(
            test_stats_gap_is_a_ratio_of_means_with_its_delta_error),
        cmocka_unit_test(test_stats_tau_equals_scipy_kendalltau_with_ties),
        cmocka_unit_test(test_stats_pearson_leaves_out_what_is_no_number),
        cmocka_unit_test(test_stats_pearson_is_centred_within_inputs),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
