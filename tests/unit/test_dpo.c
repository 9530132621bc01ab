/* test_dpo.c -- preferences in a world where the optimum is known. */
#include "support/test.h"

#include <math.h>
#include <string.h>

#include "learn/loss/logistic.h"
#include "support/world.h"
#include "transform/policy/dpo.h"

#define PAIRS 1500

static struct world w;
static struct preference list[PAIRS];

static int
set_up(void **state)
{
    (void)state;
    world_open(&w, "prefer_world", 0.25);
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    world_close(&w);
    return 0;
}

/* Pairs of any two answers, marked as people with this reward would. */
static void
make_pairs(void)
{
    struct rng r;
    int64_t n = 0;

    rng_init(&r, 23, 9);
    while (n < PAIRS) {
        const int64_t x = n % WORLD_INPUTS * WORLD_EACH;
        const int64_t i = x + rng_below(&r, WORLD_EACH);
        const int64_t k = x + rng_below(&r, WORLD_EACH);
        const double gap = w.reward[i] - w.reward[k];

        if (gap > 0.0)
            list[n++] = (struct preference){i, k, logistic(gap)};
    }
}

static void
begin(struct prefer *t, struct run_task *task, enum preference_loss loss,
      int64_t batch, int64_t steps)
{
    trv_err err = {0};

    make_pairs();
    world_reset_student(&w);
    *t = (struct prefer){.s = w.s,
                         .answers = &w.answers,
                         .list = list,
                         .n = PAIRS,
                         .student = &w.student,
                         .opts = {.loss = {.loss = loss, .beta = w.beta},
                                  .steps = steps,
                                  .batch = batch,
                                  .accumulate = 1}};
    if (prefer_init(t, task, &err))
        fail_msg("%s", err.msg);
}

static void
test_prefer_reaches_the_optimum_of_the_reward(void **state)
{
    struct run_options run = RUN_OPTIONS_INIT;
    struct run_result result;
    struct run_task task;
    struct prefer t;
    double p[WORLD_ALL];
    trv_err err = {0};

    (void)state;
    run.steps = 600;
    run.lr = 0.02;
    begin(&t, &task, PREFERENCE_SIGMOID, 100, run.steps);
    if (run_train(&result, &task, &run, w.s->be, NULL, NULL, &err))
        fail_msg("%s", err.msg);
    world_logp(&w, p, &w.student);
    print_message("KL to the optimum: %.5f, back: %.5f nat, from %.3f\n",
                  world_kl(w.best, p), world_kl(p, w.best),
                  world_kl(w.best, w.base));
    assert_true(world_kl(w.best, p) < 0.01);
    assert_true(world_kl(p, w.best) < 0.01);
    prefer_release(&t);
}

static void
test_prefer_gradient_equals_central_difference_for_every_loss(void **state)
{
    static const enum preference_loss losses[] = {
        PREFERENCE_SIGMOID, PREFERENCE_IPO, PREFERENCE_HINGE};

    (void)state;
    /* KTO has baselines without a gradient: its slope is none of a loss. */
    for (int i = 0; i < 3; i++) {
        struct run_task task;
        struct prefer t;

        begin(&t, &task, losses[i], 8, 100);
        t.opts.accumulate = 2;
        t.opts.sft_weight = i % 2 ? 0.0 : 0.7; // beside two of them
        /* Losses of about 10 in f32: 1e-6 of them, divided by h. */
        world_check_slope(&task, 3, 2, 2e-3);
        prefer_release(&t);
    }
}

static void
test_prefer_begins_at_log_2_with_no_reward(void **state)
{
    const struct run_figure *f;
    struct run_task task;
    struct prefer t;
    double loss = 0, weight = 0, tokens = 0;
    trv_err err = {0};

    (void)state;
    begin(&t, &task, PREFERENCE_SIGMOID, 8, 100);
    assert_int_equal(task.begin_step(&t, 0, &tokens, &err), 0);
    assert_int_equal(task.gradient(&t, 0, 0, &loss, &weight, &tokens, &err), 0);
    assert_close(loss / weight, log(2.0), 1e-6);
    assert_int_equal(task.figures(&t, &f), PREFER_FIGURES);
    assert_string_equal(f[PREFER_CHOSEN].name, "rewards/chosen");
    assert_close(f[PREFER_CHOSEN].value, 0.0, 1e-6);
    assert_close(f[PREFER_REJECTED].value, 0.0, 1e-6);
    assert_true(f[PREFER_LOGP_CHOSEN].value < 0.0);
    prefer_release(&t);
}

static void
test_prefer_scores_the_reference_without_the_student(void **state)
{
    struct run_task task;
    struct prefer t;
    trv_err err = {0};

    (void)state;
    begin(&t, &task, PREFERENCE_SIGMOID, 8, 100);
    prefer_release(&t);
    for (int64_t i = 0; i < w.student.lora.n; i++)
        w.student.lora.w[i] += 0.3f;
    assert_int_equal(terms_refresh(&w.student, w.s->be->act_type, &err), 0);
    assert_int_equal(prefer_init(&t, &task, &err), 0);
    for (int64_t i = 0; i < WORLD_ALL; i++)
        if (!isnan(t.ref[i]))
            assert_close(t.ref[i], w.base[i], 1e-5);
    prefer_release(&t);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_prefer_reaches_the_optimum_of_the_reward),
        cmocka_unit_test(
            test_prefer_gradient_equals_central_difference_for_every_loss),
        cmocka_unit_test(test_prefer_begins_at_log_2_with_no_reward),
        cmocka_unit_test(test_prefer_scores_the_reference_without_the_student),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
