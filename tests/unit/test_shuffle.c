/* test_shuffle.c -- facts about the order of data. */
#include "support/test.h"

#include <math.h>
#include <string.h>

#include "learn/loop/shuffle.h"

#define N 37

static void
test_shuffle_meets_every_row_once_an_epoch(void **state)
{
    struct shuffle s;

    (void)state;
    assert_int_equal(shuffle_init(&s, N, 3, NULL), 0);
    for (int64_t epoch = 0; epoch < 4; epoch++) {
        int seen[N] = {0};

        for (int64_t i = 0; i < N; i++)
            seen[shuffle_at(&s, epoch * N + i)]++;
        for (int i = 0; i < N; i++)
            assert_int_equal(seen[i], 1);
    }
    shuffle_release(&s);
}

static void
test_shuffle_is_the_same_from_anywhere_and_new_each_epoch(void **state)
{
    struct shuffle all, late;
    int64_t order[3 * N], alike = 0;

    (void)state;
    assert_int_equal(shuffle_init(&all, N, 9, NULL), 0);
    assert_int_equal(shuffle_init(&late, N, 9, NULL), 0);
    for (int64_t i = 0; i < 3 * N; i++)
        order[i] = shuffle_at(&all, i);
    for (int64_t i = 3 * N - 1; i >= 0; i--) // backwards: no state counts
        assert_int_equal(shuffle_at(&late, i), order[i]);
    for (int64_t i = 0; i < N; i++)
        alike += order[i] == order[N + i];
    assert_true(alike < N / 2);
    shuffle_release(&all);
    shuffle_release(&late);
}

/* Of three rows each of the six orders is as likely; within four errors. */
static void
test_shuffle_orders_are_equally_likely(void **state)
{
    const int n = 6000;
    int count[3][3] = {{0}}; // by first and second row
    struct shuffle s;

    (void)state;
    assert_int_equal(shuffle_init(&s, 3, 1, NULL), 0);
    for (int epoch = 0; epoch < n; epoch++)
        count[shuffle_at(&s, 3 * epoch)][shuffle_at(&s, 3 * epoch + 1)]++;
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 3; j++)
            if (i != j)
                assert_close(count[i][j], n / 6.0, 4.0 * sqrt(n * 5.0 / 36.0));
    shuffle_release(&s);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shuffle_meets_every_row_once_an_epoch),
        cmocka_unit_test(
            test_shuffle_is_the_same_from_anywhere_and_new_each_epoch),
        cmocka_unit_test(test_shuffle_orders_are_equally_likely),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
