/* test_loss_tilt.c -- importance weights, and what they do to a likelihood. */
#include "support/test.h"

#include <math.h>

#include "learn/loss/loss_tilt.h"

#define NONE ((double)NAN)

static void
test_loss_tilt_weights_are_the_softmax_of_rewards(void **state)
{
    const double r[] = {1.0, -0.5, 2.0, 1.0}, beta = 0.7;
    double w[4] = {9, 9, 9, 9}, sum = 0.0, squares = 0.0, kl = 0.0;
    struct tilt_figures f;

    (void)state;
    loss_tilt_weights(w, &f, r, 4, beta);
    for (int i = 0; i < 4; i++)
        sum += exp(r[i] / beta);
    for (int i = 0; i < 4; i++) {
        const double want = exp(r[i] / beta) / sum;

        assert_close(w[i], want, 1e-15);
        squares += want * want;
        kl += want * log(4.0 * want);
    }
    assert_close(f.ess, 1.0 / squares, 1e-14);
    assert_close(f.kl, kl, 1e-15);
    assert_close(f.value, beta * log(sum / 4.0), 1e-15);
}

static void
test_loss_tilt_value_is_the_reward_less_its_price(void **state)
{
    /* The tilt maximises E[r] - beta KL; the maximum is beta log Z. */
    const double r[] = {3.0, 0.25, -2.0}, beta = 1.5;
    double w[3], mean = 0.0;
    struct tilt_figures f;

    (void)state;
    loss_tilt_weights(w, &f, r, 3, beta);
    for (int i = 0; i < 3; i++)
        mean += w[i] * r[i];
    assert_close(mean - beta * f.kl, f.value, 1e-15);
}

static void
test_loss_tilt_without_spread_is_plain_likelihood(void **state)
{
    const double r[] = {0.3, 0.3, 0.3, 0.3, 0.3}, one[] = {-7.0};
    double w[5];
    struct tilt_figures f;

    (void)state;
    loss_tilt_weights(w, &f, r, 5, 1e-3);
    for (int i = 0; i < 5; i++)
        assert_close(w[i], 0.2, 0.0);
    assert_close(f.ess, 5.0, 1e-14);
    assert_close(f.kl, 0.0, 1e-15);
    loss_tilt_weights(w, &f, one, 1, 0.1);
    assert_close(w[0], 1.0, 0.0);
    assert_close(f.ess, 1.0, 0.0);
    assert_close(f.value, -7.0, 0.0);
}

static void
test_loss_tilt_leaves_out_what_is_not_scored(void **state)
{
    const double r[] = {NONE, 1.0, NONE, 2.0}, bare[] = {1.0, 2.0};
    const double none[] = {NONE, NONE};
    double w[4], v[2];
    struct tilt_figures f, g;

    (void)state;
    loss_tilt_weights(w, &f, r, 4, 0.5);
    loss_tilt_weights(v, &g, bare, 2, 0.5);
    assert_close(w[0] + w[2], 0.0, 0.0);
    assert_close(w[1], v[0], 0.0);
    assert_close(w[3], v[1], 0.0);
    assert_close(f.kl, g.kl, 0.0);
    assert_close(f.ess, g.ess, 0.0);
    assert_close(f.value, g.value, 0.0);
    loss_tilt_weights(v, &f, none, 2, 0.5);
    assert_close(v[0] + v[1] + f.ess + f.kl + f.value, 0.0, 0.0);
}

static void
test_loss_tilt_weights_are_finite_at_the_ends_of_f32(void **state)
{
    const double r[] = {3e38, -3e38, 0.0, 3e38};
    double w[4];
    struct tilt_figures f;

    (void)state;
    loss_tilt_weights(w, &f, r, 4, 1e-6);
    assert_close(w[0], 0.5, 0.0);
    assert_close(w[1] + w[2], 0.0, 0.0);
    assert_close(f.ess, 2.0, 0.0);
    assert_close(f.kl, log(2.0), 1e-16);
    assert_true(isfinite(f.value));
}

static void
test_loss_tilt_coefficients_are_its_gradient_turned_round(void **state)
{
    const int64_t first[] = {0, 2, 2, 5, 6}; // the second answer is empty
    const double w[] = {0.5, 0.2, 0.3, 0.0};
    const float h = 0.0625f;
    float p[] = {-1.0f, -2.5f, -0.5f, -3.0f, -0.25f, -8.0f};
    float coef[6] = {9, 9, 9, 9, 9, 9};

    (void)state;
    /* 0.5 * 3.5 + 0.3 * 3.75, halved */
    assert_close(loss_tilt(coef, p, first, w, 4, 0.5), 1.4375, 1e-15);
    for (int t = 0; t < 6; t++) {
        const float at = p[t];
        double slope;

        p[t] = at + h;
        slope = loss_tilt(NULL, p, first, w, 4, 0.5);
        p[t] = at - h;
        slope -= loss_tilt(NULL, p, first, w, 4, 0.5);
        p[t] = at;
        /* Linear: coef rounds to 6e-8 of itself. */
        assert_close(coef[t], -slope / (2.0 * (double)h), 1e-8);
    }
}

static void
test_loss_tilt_best_takes_the_lowest_index_of_equals(void **state)
{
    const double r[] = {NONE, 1.0, 3.0, NONE, 3.0, -1.0};

    (void)state;
    assert_int_equal(loss_tilt_best(r, 6), 2);
    assert_int_equal(loss_tilt_best(r + 3, 3), 1);
    assert_int_equal(loss_tilt_best(r, 1), -1);
    assert_int_equal(loss_tilt_best(r, 0), -1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_loss_tilt_weights_are_the_softmax_of_rewards),
        cmocka_unit_test(test_loss_tilt_value_is_the_reward_less_its_price),
        cmocka_unit_test(test_loss_tilt_without_spread_is_plain_likelihood),
        cmocka_unit_test(test_loss_tilt_leaves_out_what_is_not_scored),
        cmocka_unit_test(test_loss_tilt_weights_are_finite_at_the_ends_of_f32),
        cmocka_unit_test(
            test_loss_tilt_coefficients_are_its_gradient_turned_round),
        cmocka_unit_test(test_loss_tilt_best_takes_the_lowest_index_of_equals),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
