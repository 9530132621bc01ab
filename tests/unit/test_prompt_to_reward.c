/* test_prompt_to_reward.c -- whole conversions of a prompt into rewards, in a
 * world where all answers are counted.
 */
#include "support/test.h"

#include <math.h>
#include <string.h>

#include "base/file.h"
#include "support/exact.h"

static struct world w;
static double plus[WORLD_ALL], minus[WORLD_ALL]; // log p under two prompts

static int
set_up(void **state)
{
    (void)state;
    world_open(&w, "prompt_reward_world", 1.0);
    exact_prompt(&w, plus, "c");
    exact_prompt(&w, minus, "da");
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

    o.learn.steps = 400;
    o.learn.lr = 0.01;
    return o;
}

static void
test_prompt_to_reward_contrast_is_the_log_ratio_of_every_answer(void **state)
{
    trv_convert_options o = exact_options(&w, "contrast");
    double r[WORLD_ALL], p[WORLD_ALL];

    (void)state;
    o.beta = 0.5;
    exact_convert(&w, "prompt:c", "contrast:%/contrast", &o);
    exact_reward(&w, r, "%/contrast", WORLD_LENGTH);
    /* Sums of three f32 log-probabilities of at most 20: 20 * 3 * 2^-23. */
    for (int64_t i = 0; i < WORLD_ALL; i++)
        assert_close(r[i], 0.5 * (plus[i] - w.base[i]), 1e-5);
    exact_tilt(p, w.base, r, 0.5);
    exact_assert_reached(&w, "contrast", plus, p, 1e-5);
    o.against = "prompt:da";
    exact_convert(&w, "prompt:c", "contrast:%/contrast", &o);
    exact_reward(&w, r, "%/contrast", WORLD_LENGTH);
    for (int64_t i = 0; i < WORLD_ALL; i++)
        assert_close(r[i], 0.5 * (plus[i] - minus[i]), 1e-5);
}

/* Of a pair with one answer of each side, y and y', y is that of the prompt with
 * probability sigmoid(log-ratio of y - that of y'): so the optimum of
 * Bradley-Terry is the log-ratio. What is left is the noise of the labels, about
 * (answers / pairs) / (the mean of p (1 - p)) of a label; answers of two tokens
 * are 31, so 32768 pairs leave some thousandths of a nat. */
static void
test_prompt_to_reward_head_reaches_the_log_ratio(void **state)
{
    static const char *const against[] = {NULL, "prompt:da"};
    const double *of[] = {w.base, minus};

    (void)state;
    for (int k = 0; k < 2; k++) {
        trv_convert_options o = options("head");
        double r[WORLD_ALL], p[WORLD_ALL];

        o.against = against[k];
        o.max_tokens = 2;
        o.samples = 65536;
        o.learn.batch = 1024;
        exact_convert(&w, "prompt:c", "head:%/head", &o);
        exact_reward(&w, r, "%/head", 2);
        exact_tilt(p, of[k], r, 1.0);
        print_message("head: KL %.5f, back %.5f nat of %.3f\n",
                      exact_kl_cut(&w, plus, p, 2),
                      exact_kl_cut(&w, p, plus, 2),
                      exact_kl_cut(&w, plus, of[k], 2));
        assert_true(exact_kl_cut(&w, plus, of[k], 2) > 0.2);
        assert_true(exact_kl_cut(&w, plus, p, 2) < 0.01);
        assert_true(exact_kl_cut(&w, p, plus, 2) < 0.01);
    }
}

/* The differences of pairs are learned as they are: no noise is left at the
 * optimum, and the bound is that of 400 steps. */
static void
test_prompt_to_reward_regress_reaches_the_log_ratio(void **state)
{
    trv_convert_options o = options("regress");
    double r[WORLD_ALL], p[WORLD_ALL];

    (void)state;
    o.max_tokens = 2;
    o.samples = 8192;
    o.learn.batch = 256;
    o.beta = 0.5;
    exact_convert(&w, "prompt:c", "head:%/regressed", &o);
    exact_reward(&w, r, "%/regressed", 2);
    exact_tilt(p, w.base, r, 0.5);
    print_message("regress: KL %.6f of %.3f\n", exact_kl_cut(&w, plus, p, 2),
                  exact_kl_cut(&w, plus, w.base, 2));
    assert_true(exact_kl_cut(&w, plus, w.base, 2) > 0.2);
    assert_true(exact_kl_cut(&w, plus, p, 2) < 0.001);
    assert_true(exact_kl_cut(&w, p, plus, 2) < 0.001);
}

/* Of a question only the digits are in this world's vocabulary, so the judge
 * sees <s>, the principle, the input, the answer, and "from 1 to 3". */
static void
test_prompt_to_reward_judge_is_the_expectation_over_ratings(void **state)
{
    static const char *const x[WORLD_INPUTS] = {"1", "43"};
    static const char template[] = "{answer}34";
    static struct world v;
    double r[WORLD_ALL];
    char path[600];
    trv_err err = {0};

    (void)state;
    world_open_as(&v, "judge_world", 1.0, "1234", 5);
    exact_reward(&v, r, "judge:scale=1-3,42", WORLD_LENGTH);
    for (int64_t i = 0; i < WORLD_ALL; i++) {
        static const char *const rating[] = {"1", "2", "3"};
        const struct answer *y = &v.answers.list[i];
        double p[3], sum = 0.0, mean = 0.0;
        char before[8];

        snprintf(before, sizeof(before), "42%s", x[y->context]);
        for (int k = 0; k < 3; k++) {
            p[k] = exp(exact_row(&v, before, y, "13", rating[k]));
            sum += p[k];
            mean += p[k] * (k + 1);
        }
        /* Log-probabilities of at most 20 in f32, of ratings up to 3. */
        assert_close(r[i], mean / sum, 1e-5);
    }

    snprintf(path, sizeof(path), "%s/template", v.dir);
    assert_int_equal(file_write_atomic(path, template, strlen(template), &err),
                     0);
    exact_reward(&v, r, "judge:yes=31,no=2,template=@%/template,x",
                 WORLD_LENGTH);
    for (int64_t i = 0; i < WORLD_ALL; i++) {
        const struct answer *y = &v.answers.list[i];

        assert_close(r[i],
                     exact_row(&v, "", y, "34", "31") -
                         exact_row(&v, "", y, "34", "2"),
                     1e-5);
    }
    world_close(&v);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            test_prompt_to_reward_contrast_is_the_log_ratio_of_every_answer),
        cmocka_unit_test(test_prompt_to_reward_head_reaches_the_log_ratio),
        cmocka_unit_test(test_prompt_to_reward_regress_reaches_the_log_ratio),
        cmocka_unit_test(
            test_prompt_to_reward_judge_is_the_expectation_over_ratings),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
