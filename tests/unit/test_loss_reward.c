/* test_loss_reward.c -- Bradley-Terry is TRL's, to rounding. */
#include "support/golden.h"

#include <math.h>

#include "learn/loss/loss_reward.h"

static void
check(const struct reward_pairs *x, double centre, const json_t *want,
      double bound, double log_bound)
{
    double d_rc[GOLDEN_MAX] = {0}, d_rr[GOLDEN_MAX] = {0};
    struct reward_figures f;
    const double loss = loss_reward(d_rc, d_rr, &f, x, centre);
    const double figures[] = {f.accuracy, f.margin, f.min, f.mean, f.max};

    assert_close(loss, golden_number(want, "loss"), bound * loss);
    golden_assert(d_rc, x->B, want, "d_rc", bound);
    golden_assert(d_rr, x->B, want, "d_rr", bound);
    golden_assert(figures, 5, want, "figures", log_bound);
}

static void
test_loss_reward_equals_trl(void **state)
{
    json_t *root = golden_open("losses/reward.json");
    const struct golden rc = golden_array(root, "rc");
    const struct golden rr = golden_array(root, "rr");
    const struct golden margin = golden_array(root, "margin");
    const json_t *c;
    size_t i;

    (void)state;
    json_array_foreach(json_object_get(root, "cases"), i, c)
    {
        const struct reward_pairs x = {
            rc.v, rr.v, golden_number(c, "margin") != 0.0 ? margin.v : NULL,
            rc.n};
        const double centre = golden_number(c, "centre");

        /* Few roundings in f64, but TRL's accuracy is an f32 mean there too;
         * in f32 each value is a handful of numbers rounded to 6e-8. */
        check(&x, centre, json_object_get(c, "f64"), 1e-13, 1e-7);
        check(&x, centre, json_object_get(c, "f32"), 1e-6, 1e-6);
    }
    assert_int_equal(i, 6);
    json_decref(root);
}

static void
test_loss_reward_figures_are_of_the_pairs(void **state)
{
    const double rc[] = {1.0, 2.0, 3.0}, rr[] = {0.0, 4.0, 1.0};
    const struct reward_pairs x = {rc, rr, NULL, 3};
    struct reward_figures f;

    (void)state;
    (void)loss_reward(NULL, NULL, &f, &x, 0.0);
    assert_close(f.accuracy, 2.0 / 3.0, 1e-15);
    assert_close(f.margin, 1.0 / 3.0, 1e-15);
    assert_close(f.mean, 11.0 / 6.0, 1e-15);
    assert_close(f.min, 0.0, 0);
    assert_close(f.max, 4.0, 0);
}

static void
test_loss_reward_is_log_2_where_nothing_is_learned(void **state)
{
    const double zero[] = {0.0, 0.0};
    const struct reward_pairs x = {zero, zero, NULL, 2};
    struct reward_figures f;

    (void)state;
    assert_close(loss_reward(NULL, NULL, &f, &x, 0.5), log(2.0), 1e-16);
    assert_close(f.accuracy, 0.0, 0.0); // a tie is no success
}

static void
test_loss_reward_gradient_equals_central_difference(void **state)
{
    const double h = 1e-5, margin[] = {0.5, -0.25};

    (void)state;
    for (int i = 0; i < 4; i++) {
        double r[] = {0.75, -1.5, 1.25, -0.5}, slope; // rc, rr
        double d[] = {1.0, 1.0, 1.0, 1.0};
        const struct reward_pairs x = {r, r + 2, margin, 2};

        loss_reward(d, d + 2, NULL, &x, 0.3);
        r[i] += h;
        slope = loss_reward(NULL, NULL, NULL, &x, 0.3);
        r[i] -= 2 * h;
        slope -= loss_reward(NULL, NULL, NULL, &x, 0.3);
        /* h^2 of the third derivative, and rounding 1e-16 / h. */
        assert_close(d[i], 1.0 + slope / (2 * h), 1e-10);
    }
}

static void
test_loss_reward_is_finite_at_the_ends_of_f32(void **state)
{
    static const double ends[] = {-3e38, -800.0, 0.0, 800.0, 3e38};

    (void)state;
    for (int i = 0; i < 25; i++) {
        const struct reward_pairs x = {&ends[i % 5], &ends[i / 5], NULL, 1};
        struct reward_figures f;
        double d_rc = 0.0, d_rr = 0.0;

        assert_true(isfinite(loss_reward(&d_rc, &d_rr, &f, &x, 0.01)));
        assert_true(isfinite(d_rc) && isfinite(d_rr) && isfinite(f.mean));
    }
}

static void
test_loss_reward_match_is_least_where_scores_differ_by_the_margins(void **state)
{
    const double h = 1e-5, margin[] = {0.5, -0.25};
    const double best[] = {0.75, -1.5, 0.25, -1.25}; // rc, rr
    const struct reward_pairs at_best = {best, best + 2, margin, 2};
    struct reward_figures f;

    (void)state;
    assert_close(loss_reward_match(NULL, NULL, &f, &at_best, 0.0), 0.0, 0.0);
    assert_close(f.accuracy, 0.5, 0.0);
    for (int i = 0; i < 4; i++) {
        double r[] = {0.75, -1.5, 1.25, -0.5}, slope;
        double d[] = {1.0, 1.0, 1.0, 1.0};
        const struct reward_pairs x = {r, r + 2, margin, 2};

        loss_reward_match(d, d + 2, NULL, &x, 0.3);
        r[i] += h;
        slope = loss_reward_match(NULL, NULL, NULL, &x, 0.3);
        r[i] -= 2 * h;
        slope -= loss_reward_match(NULL, NULL, NULL, &x, 0.3);
        assert_close(d[i], 1.0 + slope / (2 * h), 1e-10); // as above
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_loss_reward_equals_trl),
        cmocka_unit_test(test_loss_reward_figures_are_of_the_pairs),
        cmocka_unit_test(test_loss_reward_is_log_2_where_nothing_is_learned),
        cmocka_unit_test(test_loss_reward_gradient_equals_central_difference),
        cmocka_unit_test(
            test_loss_reward_match_is_least_where_scores_differ_by_the_margins),
        cmocka_unit_test(test_loss_reward_is_finite_at_the_ends_of_f32),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
