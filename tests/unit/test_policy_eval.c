/* test_policy_eval.c -- what fresh answers say, beside sums over all answers. */
#include "support/test.h"

#include <math.h>
#include <string.h>

#include "support/world.h"
#include "transform/policy/policy_eval.h"

static struct world w;
static struct adaptation *reward;

static int
set_up(void **state)
{
    trv_err err = {0};

    (void)state;
    world_open(&w, "exam_world", 1.0);
    if (adaptation_open(&reward, w.s->model, NULL,
                        "verifier:contains,inside=1,words=a", false, &err))
        fail_msg("%s", err.msg);
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    adaptation_free(reward);
    world_close(&w);
    return 0;
}

static void
take(struct policy_eval *x, const struct adapter_weights *adapter_weights,
     uint64_t seed)
{
    const struct policy_eval_options opts = {
        .n = 1000, .max_tokens = WORLD_LENGTH, .seed = seed};
    trv_err err = {0};

    if (policy_evaluate(x, w.s, reward, &w.answers, &w.in, adapter_weights,
                        &opts, &err))
        fail_msg("%s", err.msg);
}

static void
move_student(void)
{
    struct rng r;
    trv_err err = {0};

    world_reset_student(&w);
    rng_init(&r, 8, 8);
    for (int64_t i = 0; i < w.student.lora.n; i++)
        w.student.lora.w[i] += 0.15f * (float)rng_normal(&r);
    assert_int_equal(adapter_weights_refresh(&w.student, w.s->be, &err), 0);
}

static void
test_policy_eval_agrees_with_sums_over_all_answers(void **state)
{
    double p[WORLD_ALL], kl, has_a = 0.0, length = 0.0, end = 0.0;
    struct policy_eval x;

    (void)state;
    move_student();
    world_logp(&w, p, &w.student);
    kl = world_kl(p, w.base);
    for (int64_t i = 0; i < WORLD_ALL; i++) {
        const struct answer *y = &w.answers.list[i];
        bool is = false;

        for (int64_t k = 0; k < y->n; k++)
            is |= y->ids[k] == 0;
        has_a += is ? exp(p[i]) / WORLD_INPUTS : 0.0;
        length += exp(p[i]) * (double)y->n / WORLD_INPUTS;
        end += exp(p[i]) / WORLD_INPUTS;
    }
    assert_close(end, 1.0, 1e-5);
    take(&x, &w.student, 3);
    print_message("KL %.4f (%.4f), reward %.4f (%.4f), length %.3f (%.3f)\n",
                  x.kl_answer, kl, x.reward, has_a, x.length, length);
    assert_true(kl > 0.05); // the student has moved
    /* Of 1,000 answers: three standard errors. */
    assert_close(x.reward, has_a, 3.0 * x.reward_se);
    assert_close(x.reward_se, sqrt(x.reward * (1.0 - x.reward) / 999.0),
                 1e-12); // of what is 0 or 1
    assert_close(x.length, length, 3.0 * 1.0 / sqrt(1000.0));
    assert_close(x.kl_answer, kl, 0.1 * kl);
    assert_close(x.kl_token, x.kl_answer / x.length, 1e-12);
}

static void
test_policy_eval_of_the_base_is_at_no_distance_from_it(void **state)
{
    struct policy_eval base, student;

    (void)state;
    world_reset_student(&w); // B is zero
    take(&base, NULL, 5);
    take(&student, &w.student, 5);
    assert_close(base.kl_answer, 0.0, 0.0);
    assert_close(student.kl_answer, 0.0, 1e-6);
    assert_close(base.reward, student.reward, 0.0); // the same answers
    assert_close(base.length, student.length, 0.0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_policy_eval_agrees_with_sums_over_all_answers),
        cmocka_unit_test(
            test_policy_eval_of_the_base_is_at_no_distance_from_it),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
