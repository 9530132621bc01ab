/* test_rng.c -- facts about random numbers. */
#include "support/test.h"

#include <string.h>

#include "base/rng.h"

#define MOST 8

/* Each of 0..n-1 once, of which the first m are the choice. */
static void
is_whole(const int64_t *at, int64_t n)
{
    bool seen[MOST] = {false};

    for (int64_t i = 0; i < n; i++) {
        assert_in_range(at[i], 0, n - 1);
        assert_false(seen[at[i]]);
        seen[at[i]] = true;
    }
}

static void
test_rng_some_leaves_every_number_once(void **state)
{
    struct rng r;
    int64_t at[MOST];

    (void)state;
    rng_init(&r, 1, 0);
    for (int64_t n = 0; n <= MOST; n++)
        for (int64_t m = 0; m <= n; m++) {
            memset(at, -1, sizeof(at));
            rng_some(&r, at, m, n);
            is_whole(at, n);
            for (int64_t i = n; i < MOST; i++)
                assert_int_equal(at[i], -1);
        }
}

static void
test_rng_some_of_none_draws_nothing(void **state)
{
    struct rng r, untouched;
    int64_t at[MOST];

    (void)state;
    rng_init(&r, 2, 0);
    untouched = r;
    rng_some(&r, at, 0, MOST);
    assert_memory_equal(&r, &untouched, sizeof(r));
    for (int64_t i = 0; i < MOST; i++)
        assert_int_equal(at[i], i);
}

static void
test_rng_some_chooses_by_the_seed_and_the_stream(void **state)
{
    struct rng a, b, other;
    int64_t x[MOST], y[MOST];
    bool differs = false;

    (void)state;
    rng_init(&a, 3, 1);
    rng_init(&b, 3, 1);
    rng_init(&other, 3, 2);
    for (int i = 0; i < 20; i++) {
        rng_some(&a, x, 3, MOST);
        rng_some(&b, y, 3, MOST);
        assert_memory_equal(x, y, sizeof(x));
        rng_some(&other, y, 3, MOST);
        differs = differs || memcmp(x, y, 3 * sizeof(*x)) != 0;
    }
    assert_true(differs);
}

/* Of 6 numbers 3 are chosen in 20 ways, and each of these should come 1,000
 * times in 20,000: chi-square of 19 degrees of freedom is above 43.8 once in
 * a thousand seeds, and the seed is fixed. */
static void
test_rng_some_makes_every_choice_alike_often(void **state)
{
    int64_t count[1 << 6] = {0}, at[6], choices = 0;
    double chi = 0.0;
    struct rng r;

    (void)state;
    rng_init(&r, 4, 0);
    for (int i = 0; i < 20000; i++) {
        int set = 0;

        rng_some(&r, at, 3, 6);
        for (int k = 0; k < 3; k++)
            set |= 1 << at[k];
        count[set]++;
    }
    for (int set = 0; set < 1 << 6; set++)
        if (count[set] > 0) {
            const double over = (double)count[set] - 1000.0;

            choices++;
            chi += over * over / 1000.0;
        }
    assert_int_equal(choices, 20);
    assert_true(chi < 43.8);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rng_some_leaves_every_number_once),
        cmocka_unit_test(test_rng_some_of_none_draws_nothing),
        cmocka_unit_test(test_rng_some_chooses_by_the_seed_and_the_stream),
        cmocka_unit_test(test_rng_some_makes_every_choice_alike_often),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
