/* test_stats_cover.c -- an interval of 95 % holds the truth in 95 of 100
 * measurements, and lies where the figure can.
 *
 * Each case draws DRAWS measurements of n inputs. Their share that holds the
 * truth is known to a standard deviation of sqrt(0.95 * 0.05 / DRAWS), 0.0034.
 * A share of counts takes n + 1 values, so its coverage swings with p (Brown,
 * Cai and DasGupta 2001), and a mean of few skewed values misses its tail: no
 * case may lie below LEAST, and their mean not below MEAN.
 */
#include "support/test.h"

#include <math.h>

#include "base/rng.h"
#include "measure/stats.h"

#define DRAWS 4000
#define MOST 200
#define LEAST 0.90
#define MEAN 0.935

/* Beta(a, b) of whole or half parameters: squares of normals are gammas. */
static double
beta(struct rng *r, int twice_a, int twice_b)
{
    double x = 0.0, y = 0.0;

    for (int i = 0; i < twice_a; i++) {
        const double z = rng_normal(r);

        x += z * z;
    }
    for (int i = 0; i < twice_b; i++) {
        const double z = rng_normal(r);

        y += z * z;
    }
    return x / (x + y);
}

/* The mean of k coins, whose chance is itself of a beta distribution: tokens
 * of one answer, answers to one input. k 0: the chance. */
struct source {
    const char *name;
    int twice_a, twice_b, k;
    double fixed; // the chance, where it is the same for all inputs
};

static double
drawn(struct rng *r, const struct source *s)
{
    const double p = s->twice_a ? beta(r, s->twice_a, s->twice_b) : s->fixed;
    double sum = 0.0;

    for (int i = 0; i < s->k; i++)
        sum += rng_uniform(r) < p;
    return s->k ? sum / s->k : p;
}

static double
truth_of(const struct source *s)
{
    return s->twice_a ? (double)s->twice_a / (s->twice_a + s->twice_b)
                      : s->fixed;
}

static void
test_stats_bounded_holds_the_truth_and_stays_inside(void **state)
{
    static const struct source sources[] = {
        {"coin 0.5", 0, 0, 1, 0.5},       {"coin 0.9", 0, 0, 1, 0.9},
        {"coin 0.03", 0, 0, 1, 0.03},     {"two coins 0.8", 0, 0, 2, 0.8},
        {"a check", 1, 1, 2, 0},          {"agreement", 18, 2, 64, 0},
        {"high agreement", 38, 2, 64, 0}, {"any share", 4, 4, 0, 0},
    };
    static const int sizes[] = {12, 25, 50, MOST};
    double sum = 0.0;
    int cases = 0;

    (void)state;
    for (size_t s = 0; s < sizeof(sources) / sizeof(*sources); s++)
        for (int n = 0; n < 4; n++, cases++) {
            const double want = truth_of(&sources[s]);
            struct rng r;
            int held = 0;
            double width = 0.0;

            rng_init(&r, 1, (uint64_t)cases);
            for (int d = 0; d < DRAWS; d++) {
                double x[MOST];
                trv_figure f;

                for (int i = 0; i < sizes[n]; i++)
                    x[i] = drawn(&r, &sources[s]);
                f = stats_bounded(x, sizes[n], 0.0, 1.0);
                assert_true(f.low >= 0.0 && f.high <= 1.0);
                assert_true(f.low <= f.mean && f.mean <= f.high);
                held += f.low <= want && want <= f.high;
                width += (f.high - f.low) / DRAWS;
            }
            print_message("%-15s %3d inputs: held %.3f, width %.3f\n",
                          sources[s].name, sizes[n], (double)held / DRAWS,
                          width);
            assert_true((double)held / DRAWS > LEAST);
            sum += (double)held / DRAWS;
        }
    print_message("mean %.3f\n", sum / cases);
    assert_true(sum / cases > MEAN);
}

/* Divergences of inputs are skewed: lognormal with deviation 1. The target's is
 * a part of the source's, input by input. */
static void
test_stats_gap_holds_the_truth_and_never_passes_1(void **state)
{
    static const double part[] = {0.02, 0.3, 0.9, 1.5};
    static const int sizes[] = {12, 25, 50, MOST};
    double sum = 0.0;

    (void)state;
    for (int c = 0; c < 16; c++) {
        const int n = sizes[c % 4];
        int held = 0, positive = 0;
        struct rng r;

        rng_init(&r, 2, (uint64_t)c);
        for (int d = 0; d < DRAWS; d++) {
            double x[MOST], y[MOST];
            trv_figure f, k;

            for (int i = 0; i < n; i++) { // means: 0.3 part, 0.3
                y[i] = 0.3 * exp(rng_normal(&r) - 0.5);
                x[i] = part[c / 4] * y[i] * exp(rng_normal(&r) - 0.5);
            }
            f = stats_gap(x, y, n);
            k = stats_positive(y, n);
            assert_true(f.high <= 1.0 && f.low <= f.mean && f.mean <= f.high);
            assert_true(k.low > 0.0 && k.low <= k.mean && k.mean <= k.high);
            held += f.low <= 1.0 - part[c / 4] && 1.0 - part[c / 4] <= f.high;
            positive += k.low <= 0.3 && 0.3 <= k.high;
        }
        print_message("part %.2f %3d inputs: held %.3f, of a mean %.3f\n",
                      part[c / 4], n, (double)held / DRAWS,
                      (double)positive / DRAWS);
        assert_true((double)held / DRAWS > 0.80);
        assert_true((double)positive / DRAWS > 0.80);
        sum += (double)held / DRAWS / 16;
    }
    assert_true(sum > 0.85);
}

/* Correlated normals with correlation 0.8, four to an input. */
static void
test_stats_pearson_holds_the_truth_and_stays_inside(void **state)
{
    static const int sizes[] = {12, 50, MOST};

    (void)state;
    for (int c = 0; c < 3; c++) {
        const int n = sizes[c];
        int held = 0;
        struct rng r;

        rng_init(&r, 3, (uint64_t)c);
        for (int d = 0; d < DRAWS; d++) {
            double a[4 * MOST], b[4 * MOST];
            trv_figure f;

            for (int i = 0; i < 4 * n; i++) {
                a[i] = rng_normal(&r);
                b[i] = 0.8 * a[i] + 0.6 * rng_normal(&r);
            }
            f = stats_pearson(a, b, n, 4);
            assert_true(f.low >= -1.0 && f.high <= 1.0);
            held += f.low <= 0.8 && 0.8 <= f.high;
        }
        print_message("%3d inputs: held %.3f\n", n, (double)held / DRAWS);
        assert_true((double)held / DRAWS > 0.92);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stats_bounded_holds_the_truth_and_stays_inside),
        cmocka_unit_test(test_stats_gap_holds_the_truth_and_never_passes_1),
        cmocka_unit_test(test_stats_pearson_holds_the_truth_and_stays_inside),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
