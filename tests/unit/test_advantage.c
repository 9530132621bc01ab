/* test_advantage.c -- advantages are TRL's, to rounding; what teaches nothing
 * has none.
 */
#include "support/golden.h"

#include <math.h>
#include <string.h>

#include "learn/loss/advantage.h"

#define NONE ((double)NAN)

static void
advantages(double *adv, struct advantage_figures *f, const struct golden *r,
           const char *kind, int64_t G, int64_t K)
{
    static const char *const scales[] = {"group", "batch", "none"};

    if (strncmp(kind, "rloo", 4) == 0) {
        advantage_leave_one_out(adv, f, r->v, G, K,
                                strcmp(kind, "rloo normalised") == 0);
        return;
    }
    for (int i = 0; i < 3; i++) {
        if (strcmp(kind, scales[i]) == 0) {
            advantage_group(adv, f, r->v, G, K, (enum advantage_scale)i);
            return;
        }
    }
    fail_msg("no advantage '%s'", kind);
}

/* TRL takes Bessel's n / (n - 1) in f32 always: exact for groups of 5, 3 or 2,
 * off by 6e-8 for the batch's 20. */
static void
check(const json_t *c, const char *precision, double bound, double batch_bound)
{
    const json_t *want = json_object_get(c, precision);
    const char *kind = golden_string(c, "kind");
    const int64_t K = (int64_t)golden_number(c, "K");
    const struct golden logged = golden_array(want, "figures");
    struct golden r = golden_array(c, "r");
    const bool over_batch =
        strcmp(kind, "batch") == 0 || strcmp(kind, "rloo normalised") == 0;
    struct advantage_figures f;
    double adv[GOLDEN_MAX];

    if (golden_number(c, "beta") > 0.0) {
        const struct golden kl = golden_array(c, "kl");
        static const float ref[GOLDEN_MAX] = {0};
        int64_t first[GOLDEN_MAX + 1];

        for (int64_t s = 0; s <= r.n; s++)
            first[s] = s; // one token each
        advantage_kl_penalty(r.v, kl.f, ref, first, r.n,
                             golden_number(c, "beta"));
    }
    advantages(adv, &f, &r, kind, r.n / K, K);
    golden_assert(adv, r.n, want, "adv", over_batch ? batch_bound : bound);
    /* TRL logs the reward before it is charged, scales "batch" by one spread
     * for all groups, and calls a group with one reward NaN-wide. */
    if (golden_number(c, "beta") > 0.0)
        return;
    assert_close(f.mean, logged.v[0], bound * f.std);
    assert_close(f.std, logged.v[1], batch_bound * f.std);
    if (strcmp(kind, "batch") != 0 &&
        strcmp(golden_string(c, "name"), "holes") != 0)
        assert_close(f.zero_spread, logged.v[2], 0.0);
}

static void
test_advantage_equals_trl(void **state)
{
    json_t *root = golden_open("losses/policy.json");
    const json_t *c;
    size_t i;

    (void)state;
    json_array_foreach(json_object_get(root, "advantages"), i, c)
    {
        /* Sums of 20 numbers of one size, and one division: a few roundings
         * of 1e-16, or of 6e-8. */
        check(c, "f64", 1e-14, 1e-7);
        check(c, "f32", 1e-6, 1e-6);
    }
    assert_int_equal(i, 15);
    json_decref(root);
}

static void
test_advantage_is_0_where_a_group_has_no_spread(void **state)
{
    /* 0.1 and 0.3 have no exact mean of three. */
    const double r[] = {0.1, 0.1, 0.1, 0.3, 0.3, 0.3, 1e30, 1e30, 1e30};
    struct advantage_figures f;
    double adv[9];

    (void)state;
    for (int scale = 0; scale < 3; scale++) {
        advantage_group(adv, &f, r, 3, 3, (enum advantage_scale)scale);
        for (int i = 0; i < 9; i++)
            assert_close(adv[i], 0.0, 0.0);
        assert_close(f.zero_spread, 1.0, 0.0);
    }
    advantage_leave_one_out(adv, NULL, r, 3, 3, true);
    for (int i = 0; i < 9; i++)
        assert_close(adv[i], 0.0, 0.0);
}

static void
test_advantage_is_0_in_a_group_of_one(void **state)
{
    const double r[] = {5.0, -3.0}, holes[] = {NONE, 2.0, NONE};
    struct advantage_figures f;
    double adv[3] = {9, 9, 9};

    (void)state;
    advantage_group(adv, &f, r, 2, 1, ADVANTAGE_GROUP);
    assert_close(fabs(adv[0]) + fabs(adv[1]), 0.0, 0.0);
    assert_close(f.zero_spread, 1.0, 0.0);
    advantage_leave_one_out(adv, NULL, r, 2, 1, false);
    assert_close(fabs(adv[0]) + fabs(adv[1]), 0.0, 0.0);
    for (int k = 0; k < 2; k++) {
        if (k)
            advantage_leave_one_out(adv, &f, holes, 1, 3, true);
        else
            advantage_group(adv, &f, holes, 1, 3, ADVANTAGE_GROUP);
        for (int i = 0; i < 3; i++)
            assert_close(adv[i], 0.0, 0.0);
        assert_close(f.mean, 2.0, 0.0);
    }
}

static void
test_advantage_of_no_reward_at_all_is_0(void **state)
{
    const double r[] = {NONE, NONE};
    struct advantage_figures f;
    double adv[] = {9, 9};

    (void)state;
    advantage_group(adv, &f, r, 1, 2, ADVANTAGE_GROUP);
    assert_close(fabs(adv[0]) + fabs(adv[1]) + f.mean + f.std, 0.0, 0.0);
    adv[0] = adv[1] = 9;
    advantage_leave_one_out(adv, &f, r, 1, 2, true);
    assert_close(fabs(adv[0]) + fabs(adv[1]) + f.mean + f.std, 0.0, 0.0);
}

static void
test_advantage_is_finite_at_the_ends_of_f32(void **state)
{
    const double r[] = {3e38, -3e38, 3e38, 0.0};
    struct advantage_figures f;
    double adv[4];

    (void)state;
    advantage_group(adv, &f, r, 1, 4, ADVANTAGE_NONE);
    for (int i = 0; i < 4; i++)
        assert_true(isfinite(adv[i]));
    advantage_group(adv, &f, r, 2, 2, ADVANTAGE_GROUP);
    assert_close(adv[0], sqrt(0.5), 1e-15);
    assert_close(adv[1], -sqrt(0.5), 1e-15);
    advantage_leave_one_out(adv, &f, r, 1, 4, true);
    for (int i = 0; i < 4; i++)
        assert_true(isfinite(adv[i]));
    assert_true(isfinite(f.mean) && isfinite(f.std));
}

static void
check_gae(const json_t *root, const json_t *c, const char *precision,
          double bound)
{
    const json_t *want = json_object_get(c, precision);
    const struct golden first = golden_array(root, "first");
    const struct golden r = golden_array(root, "r"),
                        v = golden_array(root, "v");
    const struct golden old = golden_array(root, "old");
    const struct golden ref = golden_array(root, "ref");
    const struct gae_options o = {golden_number(c, "gamma"),
                                  golden_number(c, "lam")};
    double token_r[GOLDEN_MAX], adv[GOLDEN_MAX], ret[GOLDEN_MAX];

    advantage_token_rewards(token_r, r.v, old.f, ref.f, first.i, r.n,
                            golden_number(c, "beta"));
    golden_assert(token_r, v.n, want, "token_r", bound);
    advantage_gae(adv, ret, token_r, v.f, first.i, r.n, &o);
    golden_assert(ret, v.n, want, "ret", bound);
    advantage_whiten(adv, v.n, true);
    golden_assert(adv, v.n, want, "adv", bound);
    advantage_whiten(token_r, v.n, false);
    golden_assert(token_r, v.n, want, "white_r", bound);
}

static void
test_advantage_gae_equals_trl(void **state)
{
    json_t *root = golden_open("losses/ppo.json");
    const json_t *c;
    size_t i;

    (void)state;
    json_array_foreach(json_object_get(root, "cases"), i, c)
    {
        /* At most 7 steps add numbers of one size: some roundings each. */
        check_gae(root, c, "f64", 1e-14);
        check_gae(root, c, "f32", 1e-6);
    }
    assert_int_equal(i, 3);
    json_decref(root);
}

static void
test_advantage_charges_each_answer_for_its_own_tokens(void **state)
{
    const int64_t first[] = {1, 3, 3, 4};
    const float old[] = {9.0f, -1.0f, -2.0f, -4.0f, 9.0f};
    const float ref[] = {0.0f, -1.5f, -4.0f, -3.0f, 0.0f};
    double r[] = {1.0, 2.0, NONE}, token_r[5] = {9, 9, 9, 9, 9};

    (void)state;
    advantage_token_rewards(token_r, r, old, ref, first, 2, 0.5);
    assert_close(token_r[0], 9.0, 0.0);
    assert_close(token_r[1], -0.25, 0.0);
    assert_close(token_r[2], -1.0 + 1.0, 0.0);
    assert_close(token_r[3], 9.0, 0.0); // the second answer has no tokens
    advantage_kl_penalty(r, old, ref, first, 3, 0.5);
    assert_close(r[0], 1.0 - 0.5 * 2.5, 0.0);
    assert_close(r[1], 2.0, 0.0);
    assert_true(isnan(r[2]));
}

static void
test_advantage_gae_with_lambda_1_is_the_return_less_the_value(void **state)
{
    const int64_t first[] = {0, 3, 3, 4}; // the second answer is empty
    const double token_r[] = {1.0, 2.0, 4.0, 8.0};
    const float v[] = {0.5f, 0.25f, 3.0f, 1.0f};
    const struct gae_options o = {1.0, 1.0}, step = {0.5, 0.0};
    double adv[4], ret[4];

    (void)state;
    advantage_gae(adv, ret, token_r, v, first, 3, &o);
    assert_close(ret[0], 7.0, 1e-15);
    assert_close(ret[1], 6.0, 1e-15);
    assert_close(ret[2], 4.0, 1e-15);
    assert_close(ret[3], 8.0, 1e-15); // nothing passes from answer to answer
    assert_close(adv[0], 6.5, 1e-15);
    advantage_gae(adv, ret, token_r, v, first, 3, &step);
    assert_close(adv[1], 2.0 + 0.5 * 3.0 - 0.25, 1e-15);
}

static void
test_advantage_whiten_of_one_number_moves_it_to_the_mean(void **state)
{
    double x[] = {4.0}, y[] = {4.0};

    (void)state;
    advantage_whiten(x, 1, true);
    advantage_whiten(y, 1, false);
    assert_close(x[0], 0.0, 0.0);
    assert_close(y[0], 4.0, 0.0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_advantage_equals_trl),
        cmocka_unit_test(test_advantage_is_0_where_a_group_has_no_spread),
        cmocka_unit_test(test_advantage_is_0_in_a_group_of_one),
        cmocka_unit_test(test_advantage_of_no_reward_at_all_is_0),
        cmocka_unit_test(test_advantage_is_finite_at_the_ends_of_f32),
        cmocka_unit_test(test_advantage_gae_equals_trl),
        cmocka_unit_test(test_advantage_charges_each_answer_for_its_own_tokens),
        cmocka_unit_test(
            test_advantage_gae_with_lambda_1_is_the_return_less_the_value),
        cmocka_unit_test(
            test_advantage_whiten_of_one_number_moves_it_to_the_mean),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
