/* test_trend.c -- a figure at the begin of a run and at its end. */
#include "support/test.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "transform/policy/trend.h"

static void
test_trend_is_the_mean_of_the_first_and_the_last_tenth(void **state)
{
    struct trend t = {0};

    (void)state;
    assert_true(isnan(trend_early(&t)) && isnan(trend_late(&t)));
    for (int64_t i = 0; i < 20; i++)
        trend_add(&t, (double)i, i, 20);
    assert_close(trend_early(&t), 0.5, 0.0);
    assert_close(trend_late(&t), 18.5, 0.0);
    trend_add(&t, (double)NAN, 19, 20);
    assert_close(trend_late(&t), 18.5, 0.0);
}

static void
test_trend_of_one_step_is_its_own_begin_and_end(void **state)
{
    struct trend t = {0};

    (void)state;
    trend_add(&t, 3.0, 0, 1);
    assert_close(trend_early(&t), 3.0, 0.0);
    assert_close(trend_late(&t), 3.0, 0.0);
}

static void
test_trend_comes_back_from_a_checkpoint_bit_for_bit(void **state)
{
    const struct trend was[2] = {{1.0 / 3.0, -2.5e-17, 3, 0}, {0, 7, 0, 2}};
    struct trend is[2] = {{0}};
    json_t *saved = NULL, *again = NULL;
    trv_err err = {0};
    char *text;

    (void)state;
    assert_int_equal(trend_save(&saved, was, 2, &err), 0);
    text = json_dumps(saved, JSON_COMPACT); // as a checkpoint writes it
    assert_int_equal(json_parse(&again, "x", text, strlen(text), &err), 0);
    assert_int_equal(trend_load(is, 2, again, &err), 0);
    for (int i = 0; i < 2; i++) {
        assert_true(is[i].early == was[i].early && is[i].late == was[i].late);
        assert_int_equal(is[i].n_early, was[i].n_early);
        assert_int_equal(is[i].n_late, was[i].n_late);
    }
    assert_int_equal(trend_load(is, 1, again, &err), TRV_EFORMAT);
    assert_int_equal(json_object_clear(again), 0);
    assert_int_equal(trend_load(is, 2, again, &err), TRV_EFORMAT);
    json_decref(saved);
    json_decref(again);
    free(text);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            test_trend_is_the_mean_of_the_first_and_the_last_tenth),
        cmocka_unit_test(test_trend_of_one_step_is_its_own_begin_and_end),
        cmocka_unit_test(test_trend_comes_back_from_a_checkpoint_bit_for_bit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
