/* test_best_of_n.c -- best of n, and resampling by weights. */
#include "support/test.h"

#include <math.h>

#include "adapt/reward/best_of_n.h"

static void
test_choose_best_takes_the_first_among_equals(void **state)
{
    static const double score[] = {-3, 2, -HUGE_VAL, 2, 1};

    (void)state;
    assert_int_equal(best_of_n(score, 5), 1);
    assert_int_equal(best_of_n(score, 1), 0);
    assert_int_equal(best_of_n(score + 2, 1), 0);
}

/* The share of each choice over 20,000 draws is within four standard errors
 * (0.0142 at most) of exp(r / beta) / sum. */
static void
test_choose_weighted_draws_by_exp_of_the_score(void **state)
{
    static const double score[] = {1000.0, 1000.5, 999.0, -1e9};
    const double beta = 0.5;
    double share[4] = {0}, want[4], sum = 0;
    struct rng rng;

    (void)state;
    rng_init(&rng, 5, 0);
    for (int i = 0; i < 20000; i++)
        share[draw_weighted(score, 4, beta, &rng)] += 1.0 / 20000;
    for (int i = 0; i < 4; i++)
        sum += want[i] = exp((score[i] - 1000.0) / beta);
    for (int i = 0; i < 4; i++)
        assert_close(share[i], want[i] / sum, 0.0142);
    assert_close(share[3], 0, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_choose_best_takes_the_first_among_equals),
        cmocka_unit_test(test_choose_weighted_draws_by_exp_of_the_score),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
