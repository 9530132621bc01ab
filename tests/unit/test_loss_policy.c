/* test_loss_policy.c -- GRPO and its kin, RLOO and PPO are TRL's, to rounding.
 */
#include "support/golden.h"

#include <math.h>
#include <string.h>

#include "learn/loss/advantage.h"
#include "learn/loss/loss_policy.h"

/* In f64 TRL's loss differs by a few roundings, its logged shares are f32, and
 * our gradients are stored as f32 (6e-8 of each). In f32 each token's value is
 * a handful of numbers rounded to 6e-8; sums of log-probabilities are exact, as
 * the golden inputs are multiples of 1/1024. */
#define F64_BOUND 1e-13
#define F64_STORED_BOUND 1e-7
#define F32_BOUND 1e-6

static int
index_of(const char *name, const char *const names[], int n)
{
    for (int i = 0; i < n; i++) {
        if (strcmp(name, names[i]) == 0)
            return i;
    }
    fail_msg("no '%s'", name);
    return 0;
}

static struct policy_options
options_of(const json_t *c)
{
    static const char *const ratios[] = {"token", "sequence", "rloo"};
    static const char *const means[] = {"grpo", "bnpo", "dr_grpo", "dapo"};

    return (struct policy_options){
        .ratio =
            (enum policy_ratio)index_of(golden_string(c, "level"), ratios, 3),
        .mean = (enum policy_mean)index_of(golden_string(c, "mean"), means, 4),
        .clip_low = golden_number(c, "low"),
        .clip_high = golden_number(c, "high"),
        .beta = golden_number(c, "beta"),
        .max_tokens = (int64_t)golden_number(c, "max_tokens"),
        .total = golden_number(c, "total")};
}

static void
check(const struct policy_answers *x, const struct policy_options *o,
      const json_t *want, double bound, double stored_bound)
{
    const int64_t n = x->first[x->S];
    const struct golden logged = golden_array(want, "figures");
    float d_p[GOLDEN_MAX] = {0};
    struct policy_figures f;
    const double loss = loss_policy(d_p, &f, x, o);

    assert_close(loss, golden_number(want, "loss"), bound * fabs(loss));
    golden_assert_f32(d_p, n, want, "d_p", stored_bound);
    if (o->beta > 0.0)
        assert_close(f.kl, logged.v[0], stored_bound * f.kl);
    assert_close(f.clip_low, logged.v[1], stored_bound);
    assert_close(f.clip_high, logged.v[2], stored_bound);
}

static void
test_loss_policy_equals_trl(void **state)
{
    json_t *root = golden_open("losses/policy.json");
    const struct golden first = golden_array(root, "first");
    const struct golden p = golden_array(root, "p");
    const struct golden old = golden_array(root, "old");
    const struct golden ref = golden_array(root, "ref");
    const struct golden adv = golden_array(root, "adv");
    const struct golden token_adv = golden_array(root, "token_adv");
    const json_t *c;
    size_t i;

    (void)state;
    json_array_foreach(json_object_get(root, "cases"), i, c)
    {
        const struct policy_options o = options_of(c);
        struct policy_answers x = {p.f,   old.f, ref.f, first.i,
                                   adv.n, adv.v, NULL};

        if (golden_number(c, "on_policy") != 0.0)
            x.old = NULL;
        if (golden_number(c, "token_adv") != 0.0) {
            x.adv = NULL;
            x.token_adv = token_adv.v;
        }
        if (!(o.beta > 0.0))
            x.ref = NULL;
        check(&x, &o, json_object_get(c, "f64"), F64_BOUND, F64_STORED_BOUND);
        check(&x, &o, json_object_get(c, "f32"), F32_BOUND, F32_BOUND);
    }
    assert_int_equal(i, 13);
    json_decref(root);
}

static void
check_ppo(const json_t *root, const json_t *c, const char *precision,
          double bound, double stored_bound)
{
    const json_t *want = json_object_get(c, precision);
    const struct golden first = golden_array(root, "first");
    const struct golden p = golden_array(root, "p");
    const struct golden old = golden_array(root, "old");
    const struct golden v = golden_array(root, "v");
    const struct golden now = golden_array(root, "now");
    const struct golden adv = golden_array(want, "adv");
    const struct golden ret = golden_array(want, "ret");
    const struct policy_answers x = {.p = p.f,
                                     .old = old.f,
                                     .first = first.i,
                                     .S = first.n - 1,
                                     .token_adv = adv.v};
    const struct policy_options o = {.mean = POLICY_MEAN_BNPO,
                                     .clip_low = golden_number(c, "clip"),
                                     .clip_high = golden_number(c, "clip")};
    float d_p[GOLDEN_MAX] = {0}, d_v[GOLDEN_MAX] = {0};
    struct policy_figures f;
    double figures[3], loss = loss_policy(d_p, &f, &x, &o);

    assert_close(loss, golden_number(want, "loss"), bound);
    golden_assert_f32(d_p, p.n, want, "d_p", stored_bound);
    figures[0] = f.approx_kl;
    figures[1] = f.clip_low + f.clip_high;
    loss = loss_policy_value(d_v, &figures[2], now.f, v.f, ret.v, p.n,
                             golden_number(c, "range"));
    assert_close(loss, golden_number(want, "value_loss"), bound * loss);
    golden_assert_f32(d_v, p.n, want, "d_v", stored_bound);
    golden_assert(figures, 3, want, "figures", stored_bound);
}

static void
test_loss_policy_and_value_of_ppo_equal_trl(void **state)
{
    json_t *root = golden_open("losses/ppo.json");
    const json_t *c;
    size_t i;

    (void)state;
    json_array_foreach(json_object_get(root, "cases"), i, c)
    {
        check_ppo(root, c, "f64", F64_BOUND, F64_STORED_BOUND);
        check_ppo(root, c, "f32", F32_BOUND, F32_BOUND);
    }
    assert_int_equal(i, 3);
    json_decref(root);
}

/* Two answers of 2 and 3 tokens, in the middle of longer arrays. */
struct small {
    float p[7], old[7], ref[7];
    int64_t first[3];
    double adv[2];
    struct policy_answers x;
};

static void
small_init(struct small *s)
{
    *s = (struct small){.p = {9, -1.0f, -2.0f, -0.5f, -3.0f, -1.5f, 9},
                        .old = {9, -1.25f, -1.5f, -0.5f, -2.0f, -1.625f, 9},
                        .ref = {9, -1.5f, -2.5f, -0.75f, -2.0f, -1.5f, 9},
                        .first = {1, 3, 6},
                        .adv = {1.5, -0.75}};
    s->x = (struct policy_answers){s->p, s->old, s->ref, s->first,
                                   2,    s->adv, NULL};
}

static void
test_loss_policy_gradient_equals_central_difference(void **state)
{
    const float h = 1.0f / 256;
    struct small s;

    (void)state;
    small_init(&s);
    for (int k = 0; k < 9; k++) {
        const struct policy_options o = {.ratio = (enum policy_ratio)(k % 3),
                                         .mean = (enum policy_mean)(k / 3),
                                         .clip_low = 0.3,
                                         .clip_high = 0.25,
                                         .beta = 0.2,
                                         .max_tokens = 4};
        float d_p[7] = {9, 1, 1, 1, 1, 1, 9}; // 1: must be added to

        loss_policy(d_p, NULL, &s.x, &o);
        for (int t = 1; t < 6; t++) {
            const float at = s.p[t];
            double slope;

            s.p[t] = at + h;
            slope = loss_policy(NULL, NULL, &s.x, &o);
            s.p[t] = at - h;
            slope -= loss_policy(NULL, NULL, &s.x, &o);
            s.p[t] = at;
            /* h^2 / 6 = 2.5e-6 of a third derivative of size 1; 1 + d is
             * rounded to 6e-8. */
            assert_close(d_p[t], 1.0 + slope / (2.0 * (double)h), 5e-6);
        }
        assert_close(d_p[0] + d_p[6], 18.0, 0.0);
    }
}

static void
test_loss_policy_on_policy_is_reinforce(void **state)
{
    const struct policy_options o = {.clip_low = 0.2, .clip_high = 0.2};
    struct policy_figures f;
    struct small s;
    float d_p[7] = {0};

    (void)state;
    small_init(&s);
    s.x.old = s.x.ref = NULL;
    assert_close(loss_policy(d_p, &f, &s.x, &o), -(1.5 - 0.75) / 2, 1e-16);
    assert_close(d_p[1], -1.5 / 2 / 2, 1e-7);
    assert_close(d_p[2], -1.5 / 2 / 2, 1e-7);
    assert_close(d_p[5], 0.75 / 2 / 3, 1e-7);
    assert_close(f.ratio, 1.0, 0.0);
    assert_close(f.approx_kl + f.clip_low + f.clip_high + f.kl, 0.0, 0.0);
    assert_close(f.entropy, (1.0 + 2.0 + 0.5 + 3.0 + 1.5) / 5, 1e-15);
}

static void
test_loss_policy_without_advantage_is_the_kl_alone(void **state)
{
    const struct policy_options o = {.mean = POLICY_MEAN_BNPO,
                                     .clip_low = 0.2,
                                     .clip_high = 0.2,
                                     .beta = 0.5};
    struct policy_figures f;
    struct small s;
    float d_p[7] = {0};
    double loss;

    (void)state;
    small_init(&s);
    s.adv[0] = s.adv[1] = 0.0;
    loss = loss_policy(NULL, &f, &s.x, &o);
    assert_true(f.kl > 0.0);
    assert_close(loss, 0.5 * f.kl, 1e-16);
    s.x.ref = s.p; // the policy is the reference
    assert_close(loss_policy(d_p, &f, &s.x, &o), 0.0, 0.0);
    for (int t = 1; t < 6; t++)
        assert_close(d_p[t], 0.0, 0.0);
}

static void
test_loss_policy_of_parts_adds_up_to_the_whole(void **state)
{
    static const double totals[] = {2, 5, 2, 5}; // answers or tokens

    (void)state;
    for (int mean = 0; mean < 4; mean++) {
        struct policy_options o = {.mean = (enum policy_mean)mean,
                                   .clip_low = 0.2,
                                   .clip_high = 0.2,
                                   .beta = 0.1,
                                   .max_tokens = 8,
                                   .total = totals[mean]};
        float whole[7] = {0}, parts[7] = {0};
        struct policy_answers second;
        struct small s;
        double loss;

        small_init(&s);
        loss = loss_policy(whole, NULL, &s.x, &o);
        second = s.x;
        s.x.S = second.S = 1;
        second.first++;
        second.adv++;
        assert_close(loss_policy(parts, NULL, &s.x, &o) +
                         loss_policy(parts, NULL, &second, &o),
                     loss, 1e-15);
        for (int t = 0; t < 7; t++)
            assert_close(parts[t], whole[t], 0.0);
        if (mean == POLICY_MEAN_DAPO)
            continue;
        o.total = 0.0; // counted here
        s.x.S = 2;
        assert_close(loss_policy(NULL, NULL, &s.x, &o), loss, 1e-15);
    }
}

static void
test_loss_policy_of_an_answer_without_tokens_is_that_of_the_rest(void **state)
{
    const int64_t first[] = {1, 1, 3, 3, 6};
    const double adv[] = {7.0, 1.5, -7.0, -0.75};
    struct small s;

    (void)state;
    for (int k = 0; k < 3; k++) {
        const struct policy_options o = {.ratio = (enum policy_ratio)k,
                                         .mean = POLICY_MEAN_GRPO,
                                         .clip_low = 0.2,
                                         .clip_high = 0.2,
                                         .total = 2};
        struct policy_figures f, g;
        float d_p[7] = {0}, d_q[7] = {0};
        double loss;

        small_init(&s);
        loss = loss_policy(d_p, &f, &s.x, &o);
        s.x.first = first;
        s.x.adv = adv;
        s.x.S = 4;
        assert_close(loss_policy(d_q, &g, &s.x, &o), loss, 0.0);
        assert_memory_equal(d_p, d_q, sizeof(d_p));
        assert_close(g.ratio, f.ratio, 0.0);
        s.x.S = 1;
        assert_close(loss_policy(NULL, &g, &s.x, &o), 0.0, 0.0);
    }
}

static void
test_loss_policy_is_finite_at_the_ends_of_f32(void **state)
{
    static const float ends[] = {-3e38f, -1000.0f, 0.0f, 1000.0f, 3e38f};
    static const int64_t first[] = {0, 1};

    (void)state;
    for (int i = 0; i < 5 * 5 * 3 * 2; i++) {
        const double adv = i % 2 ? 1e29 : -1e29;
        const float *p = &ends[i / 2 % 5], *q = &ends[i / 10 % 5];
        const struct policy_answers x = {p, q, q, first, 1, &adv, NULL};
        const struct policy_options o = {.ratio = (enum policy_ratio)(i / 50),
                                         .clip_low = 0.2,
                                         .clip_high = 0.2,
                                         .beta = 1.0};
        struct policy_figures f;
        float d_p = 0.0f;

        assert_true(isfinite(loss_policy(&d_p, &f, &x, &o)));
        assert_true(isfinite(d_p) && isfinite(f.kl) && isfinite(f.ratio));
        assert_true(isfinite(f.approx_kl));
    }
}

static void
test_loss_policy_value_gradient_equals_central_difference(void **state)
{
    const float h = 1.0f / 256, old_v[] = {0.0f, 1.0f, -1.0f, 2.0f};
    const double ret[] = {0.5, 2.0, -2.0, 2.0};
    float v[] = {0.125f, 0.5f, -0.5f, 1.5f};
    float d_v[] = {1.0f, 1.0f, 1.0f, 1.0f};
    double clipped;

    (void)state;
    /* Within; below and worse held or free; above the return. */
    loss_policy_value(d_v, &clipped, v, old_v, ret, 4, 0.25);
    assert_close(clipped, 0.0, 0.0);
    for (int t = 0; t < 4; t++) {
        const float at = v[t];
        double slope;

        v[t] = at + h;
        slope = loss_policy_value(NULL, NULL, v, old_v, ret, 4, 0.25);
        v[t] = at - h;
        slope -= loss_policy_value(NULL, NULL, v, old_v, ret, 4, 0.25);
        v[t] = at;
        /* A square: exact but for 1 + d in f32. */
        assert_close(d_v[t], 1.0 + slope / (2.0 * (double)h), 1e-7);
    }
    v[1] = 1.75f; // far above its old value on the way to the return
    d_v[1] = 1.0f;
    loss_policy_value(d_v, &clipped, v, old_v, ret, 4, 0.25);
    assert_close(clipped, 0.25, 0.0);
    assert_close(d_v[1], 1.0, 0.0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_loss_policy_equals_trl),
        cmocka_unit_test(test_loss_policy_and_value_of_ppo_equal_trl),
        cmocka_unit_test(test_loss_policy_gradient_equals_central_difference),
        cmocka_unit_test(test_loss_policy_on_policy_is_reinforce),
        cmocka_unit_test(test_loss_policy_without_advantage_is_the_kl_alone),
        cmocka_unit_test(test_loss_policy_of_parts_adds_up_to_the_whole),
        cmocka_unit_test(
            test_loss_policy_of_an_answer_without_tokens_is_that_of_the_rest),
        cmocka_unit_test(test_loss_policy_is_finite_at_the_ends_of_f32),
        cmocka_unit_test(
            test_loss_policy_value_gradient_equals_central_difference),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
