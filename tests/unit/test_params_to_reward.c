/* test_params_to_reward.c -- whole conversions of parameters into rewards, in a
 * world where all answers are counted: the base, tilted by the reward, must be
 * the parameters' own distribution again.
 */
#include "support/test.h"

#include <math.h>
#include <string.h>

#include "support/exact.h"

static struct world w;
static double moved[WORLD_ALL]; // log p of the answers under the parameters

static int
set_up(void **state)
{
    (void)state;
    world_open(&w, "params_reward_world", 1.0);
    exact_save(&w, "moved", KIND_LORA, 0, 0.13, 31);
    exact_logp(&w, moved, "lora:%/moved");
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    world_close(&w);
    return 0;
}

static trv_convert_options
options(const char *method)
{
    trv_convert_options o = exact_options(&w, method);

    o.max_tokens = 2;
    o.samples = 8192;
    o.learn.batch = 256;
    o.learn.steps = 400;
    o.learn.lr = 0.01;
    return o;
}

static void
test_params_to_reward_ratio_is_the_log_ratio_of_every_answer(void **state)
{
    trv_convert_options o = exact_options(&w, "ratio");
    double r[WORLD_ALL], p[WORLD_ALL];

    (void)state;
    o.beta = 0.5;
    exact_convert(&w, "lora:%/moved", "ratio:%/ratio", &o);
    exact_reward(&w, r, "%/ratio", WORLD_LENGTH);
    /* Sums of three f32 log-probabilities of at most 20: 20 * 3 * 2^-23. */
    for (int64_t i = 0; i < WORLD_ALL; i++)
        assert_close(r[i], 0.5 * (moved[i] - w.base[i]), 1e-5);
    exact_tilt(p, w.base, r, 0.5);
    exact_assert_reached(&w, "ratio", moved, p, 1e-5);
}

/* The differences of pairs are learned as they are: no noise is left at the
 * optimum, and the bound is that of 400 steps. */
static void
test_params_to_reward_regress_reaches_the_log_ratio(void **state)
{
    trv_convert_options o = options("regress");
    double r[WORLD_ALL], p[WORLD_ALL];

    (void)state;
    o.beta = 0.5;
    exact_convert(&w, "lora:%/moved", "head:%/regressed", &o);
    exact_reward(&w, r, "%/regressed", 2);
    exact_tilt(p, w.base, r, 0.5);
    print_message("regress: KL %.6f of %.3f\n", exact_kl_cut(&w, moved, p, 2),
                  exact_kl_cut(&w, moved, w.base, 2));
    assert_true(exact_kl_cut(&w, moved, w.base, 2) > 0.2);
    assert_true(exact_kl_cut(&w, moved, p, 2) < 0.001);
    assert_true(exact_kl_cut(&w, p, moved, 2) < 0.001);
}

/* How often the reward and the log-ratio agree which of two answers of two
 * tokens is better, one of the parameters', one of the base's. */
static double
agreement(const double *r)
{
    double a[WORLD_ALL], b[WORLD_ALL], right = 0.0, all = 0.0;

    exact_cut(&w, a, moved, 2);
    exact_cut(&w, b, w.base, 2);
    for (int64_t i = 0; i < WORLD_ALL; i++)
        for (int64_t j = 0; j < WORLD_ALL; j++) {
            const double gap = a[i] - b[i] - a[j] + b[j];
            const double share = exp(moved[i] + w.base[j]);

            if (i / WORLD_EACH != j / WORLD_EACH || gap == 0.0)
                continue;
            all += share;
            right += (r[i] - r[j]) * gap > 0.0 ? share : 0.0;
        }
    return right / all;
}

/* A pair is marked by what is better, for certain: the optimum is an order. */
static void
test_params_to_reward_head_orders_answers_as_the_log_ratio(void **state)
{
    trv_convert_options o = options("head");
    double r[WORLD_ALL];

    (void)state;
    exact_convert(&w, "lora:%/moved", "head:%/ranked", &o);
    exact_reward(&w, r, "%/ranked", 2);
    print_message("%.4f of the pairs are ordered alike\n", agreement(r));
    assert_true(agreement(r) > 0.98);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            test_params_to_reward_ratio_is_the_log_ratio_of_every_answer),
        cmocka_unit_test(test_params_to_reward_regress_reaches_the_log_ratio),
        cmocka_unit_test(
            test_params_to_reward_head_orders_answers_as_the_log_ratio),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
