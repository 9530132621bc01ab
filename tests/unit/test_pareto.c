/* test_pareto.c -- who is the best at something. */
#include "support/test.h"

#include "transform/evolve/pareto.h"

static void
test_pareto_counts_the_inputs_that_each_candidate_wins(void **state)
{
    const double a[] = {1, 0, 0, 2}, b[] = {0, 3, 0, 2}, c[] = {0, 0, 1, 1};
    const double *const value[] = {a, b, c};
    int64_t wins[3];

    (void)state;
    assert_int_equal(pareto_wins(wins, value, 3, 4), 3);
    assert_int_equal(wins[0], 2); // the first, and the last together with b
    assert_int_equal(wins[1], 2);
    assert_int_equal(wins[2], 1);
}

static void
test_pareto_who_is_dominated_wins_nothing_even_where_it_ties(void **state)
{
    const double a[] = {1, 1}, b[] = {1, 2}, c[] = {1, 2}, d[] = {3, 0};
    const double *const value[] = {a, b, c, d};
    int64_t wins[4];

    (void)state;
    assert_int_equal(pareto_wins(wins, value, 4, 2), 2);
    assert_int_equal(wins[0], 0); // below b in the second, equal in the first
    assert_int_equal(wins[1], 1);
    assert_int_equal(wins[2], 0); // equal to b, and later
    assert_int_equal(wins[3], 1);
}

static void
test_pareto_the_best_on_average_may_win_nothing(void **state)
{
    const double a[] = {9, 0, 0}, b[] = {0, 9, 0}, c[] = {0, 0, 9},
                 d[] = {8, 8, 8};
    const double *const value[] = {a, b, c, d};
    int64_t wins[4];

    (void)state;
    assert_int_equal(pareto_wins(wins, value, 4, 3), 3);
    assert_int_equal(wins[3], 0);
}

static void
test_pareto_draws_by_wins(void **state)
{
    const int64_t wins[] = {3, 0, 1};
    int64_t seen[3] = {0};
    struct rng rng;

    (void)state;
    rng_init(&rng, 1, 1);
    for (int i = 0; i < 8000; i++)
        seen[pareto_draw(wins, 3, &rng)]++;
    assert_int_equal(seen[1], 0);
    /* 6000 with a deviation of sqrt(8000 * 3/16) = 39; five of them */
    assert_close(seen[0], 6000, 195);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            test_pareto_counts_the_inputs_that_each_candidate_wins),
        cmocka_unit_test(
            test_pareto_who_is_dominated_wins_nothing_even_where_it_ties),
        cmocka_unit_test(test_pareto_the_best_on_average_may_win_nothing),
        cmocka_unit_test(test_pareto_draws_by_wins),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
