/* test_kto.c -- labelled answers in a world where every answer is counted. */
#include "support/test.h"

#include <math.h>
#include <string.h>

#include "support/world.h"
#include "transform/policy/kto.h"

#define ROWS 120
#define MIDDLE 0.3 // of the rewards: a good answer has more

static struct world w;
static struct labelled list[ROWS];

static int
set_up(void **state)
{
    (void)state;
    world_open(&w, "kto_world", 0.25);
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    world_close(&w);
    return 0;
}

static void
label(int i, int64_t y)
{
    list[i] = (struct labelled){y, w.reward[y] > MIDDLE};
}

/* Any answers to both inputs in turn. */
static void
take_any(void)
{
    struct rng r;

    rng_init(&r, 31, 9);
    for (int i = 0; i < ROWS; i++) {
        const int64_t x = i % WORLD_INPUTS * WORLD_EACH;

        label(i, x + rng_below(&r, WORLD_EACH));
    }
}

/* Answers to one input as the base draws them: whoever moves away from it makes
 * these less likely on average, so the baseline is clamped to 0. */
static void
take_likely(void)
{
    struct rng r;

    rng_init(&r, 31, 9);
    for (int i = 0; i < ROWS; i++) {
        double left = rng_uniform(&r);
        int64_t y = 0;

        while (y < WORLD_EACH - 1 && (left -= exp(w.base[y])) > 0.0)
            y++;
        label(i, y);
    }
}

static void
begin(struct kto_task *t, struct run_task *task, void (*take)(void),
      int64_t batch, int64_t accumulate, struct kto_options loss)
{
    trv_err err = {0};

    take();
    world_reset_student(&w);
    *t = (struct kto_task){.s = w.s,
                           .answers = &w.answers,
                           .list = list,
                           .n = ROWS,
                           .student = &w.student,
                           .opts = {.loss = loss,
                                    .steps = 100,
                                    .batch = batch,
                                    .accumulate = accumulate}};
    if (kto_task_init(t, task, &err))
        fail_msg("%s", err.msg);
}

/* Move the student away from the base. */
static void
shake(struct run_task *task, uint64_t seed)
{
    struct rng r;
    trv_err err = {0};

    rng_init(&r, seed, 3);
    for (int64_t k = 0; k < task->n; k++)
        task->w[k] += 0.08f * (float)rng_normal(&r);
    assert_int_equal(task->after_update(task->of, &err), 0);
}

/* Answers to both inputs are counted in one order: where the answer of `y`
 * stands among those to the input of `x`. */
static int64_t
behind(int64_t x, int64_t y)
{
    return x - x % WORLD_EACH + y % WORLD_EACH;
}

/* TRL's loss of a whole step, from log p of all answers; *kl: the mean over its
 * micro-batches. */
static double
loss_by_hand(double *kl, struct kto_task *t, const double *p, int64_t step)
{
    const int64_t n = t->opts.batch / t->opts.accumulate;
    const struct kto_options *o = &t->opts.loss;
    double sum = 0.0;

    *kl = 0.0;
    for (int64_t m = 0; m < t->opts.accumulate; m++) {
        int64_t y[ROWS];
        double z = 0.0;

        for (int64_t i = 0; i < n; i++)
            y[i] =
                list[shuffle_at(&t->shuffle, step * t->opts.batch + m * n + i)]
                    .answer;
        for (int64_t i = 0; i < n; i++) {
            const int64_t k = behind(y[i], y[(i + n - 1) % n]);

            z += (p[k] - w.base[k]) / (double)n;
        }
        z = z > 0.0 ? z : 0.0;
        *kl += z / (double)t->opts.accumulate;
        for (int64_t i = 0; i < n; i++) {
            const double h = p[y[i]] - w.base[y[i]];
            const bool good = w.reward[y[i]] > MIDDLE;
            const double side = good ? z - h : h - z;

            sum += (good ? o->good_weight : o->bad_weight) /
                   (1.0 + exp(-o->beta * side));
        }
    }
    return sum;
}

static void
test_kto_loss_is_trls_formula_over_each_micro_batch(void **state)
{
    bool above = false, below = false;

    (void)state;
    for (int i = 0; i < 8; i++) {
        const struct run_figure *f;
        struct run_task task;
        struct kto_task t;
        double p[WORLD_ALL], loss = 0, weight = 0, tokens = 0, want, kl;
        trv_err err = {0};

        begin(&t, &task, take_any, 24, 1 + i % 2,
              (struct kto_options){0.5, i ? 1.0 : 0.5, i ? 1.0 : 1.75});
        shake(&task, (uint64_t)i);
        assert_int_equal(task.begin_step(&t, 3, &tokens, &err), 0);
        for (int64_t m = 0; m < t.opts.accumulate; m++)
            if (task.gradient(&t, 3, m, &loss, &weight, &tokens, &err))
                fail_msg("%s", err.msg);
        world_logp(&w, p, &w.student);
        want = loss_by_hand(&kl, &t, p, 3);
        assert_close(loss, want, 1e-5 * want); // of f32 values
        assert_close(weight, 24, 0);
        assert_int_equal(task.figures(&t, &f), KTO_FIGURES);
        assert_string_equal(f[KTO_KL].name, "kl");
        assert_close(f[KTO_KL].value, kl, 1e-5 + 1e-5 * kl);
        assert_close(f[KTO_MARGIN].value, f[KTO_GOOD].value - f[KTO_BAD].value,
                     1e-12);
        above |= kl > 0.01;
        below |= kl < 1e-9;
        kto_task_release(&t);
    }
    assert_true(above && below); // of the clamp
}

/* The baseline has no gradient. Where it is clamped to 0 on both sides of a
 * difference, the slope is one of the loss. */
static void
test_kto_gradient_equals_central_difference(void **state)
{
    struct run_task task;
    struct kto_task t;

    (void)state;
    begin(&t, &task, take_likely, 48, 2, (struct kto_options){0.5, 1.0, 1.3});
    world_check_slope(&task, 1, 2, 2e-3); // as in test_dpo.c
    assert_close(t.sum[KTO_KL], 0.0, 0);
    kto_task_release(&t);
}

static double
mean_of(const double *p, bool good)
{
    double sum = 0.0;

    for (int64_t i = 0; i < WORLD_ALL; i++)
        if ((w.reward[i] > MIDDLE) == good)
            sum += exp(p[i]) / WORLD_INPUTS;
    return sum;
}

static void
test_kto_makes_good_answers_likely_and_bad_ones_rare(void **state)
{
    struct run_options run = RUN_OPTIONS_INIT;
    struct run_result result;
    struct run_task task;
    struct kto_task t;
    double p[WORLD_ALL];
    trv_err err = {0};

    (void)state;
    run.steps = 100;
    run.lr = 0.02;
    begin(&t, &task, take_any, 40, 1, (struct kto_options){0.25, 1.0, 1.0});
    if (run_train(&result, &task, &run, w.s->be, NULL, NULL, &err))
        fail_msg("%s", err.msg);
    world_logp(&w, p, &w.student);
    print_message("good answers: %.3f of all, from %.3f; reward %.3f, from "
                  "%.3f; KL %.3f\n",
                  mean_of(p, true), mean_of(w.base, true), world_reward(&w, p),
                  world_reward(&w, w.base), world_kl(p, w.base));
    assert_true(mean_of(p, true) > 0.8);
    assert_true(mean_of(p, true) > mean_of(w.base, true) + 0.2);
    assert_true(trend_late(&t.trends[KTO_MARGIN]) > 0.3);
    kto_task_release(&t);
}

static void
test_kto_begins_at_a_half_with_no_reward(void **state)
{
    const struct run_figure *f;
    struct run_task task;
    struct kto_task t;
    double loss = 0, weight = 0, tokens = 0;
    trv_err err = {0};

    (void)state;
    begin(&t, &task, take_any, 8, 1, (struct kto_options){0.1, 1.0, 1.0});
    assert_int_equal(task.begin_step(&t, 0, &tokens, &err), 0);
    assert_int_equal(task.gradient(&t, 0, 0, &loss, &weight, &tokens, &err), 0);
    assert_close(loss / weight, 0.5, 1e-6);
    assert_int_equal(task.figures(&t, &f), KTO_FIGURES);
    assert_close(f[KTO_KL].value, 0.0, 1e-6);
    assert_close(f[KTO_GOOD].value, 0.0, 1e-6);
    for (int i = 0; i < ROWS; i++)
        assert_close(t.ref[i], w.base[list[i].answer], 1e-5);
    kto_task_release(&t);
}

/* A step without bad answers has no figure of theirs. */
static void
test_kto_has_figures_of_what_was_seen(void **state)
{
    const struct run_figure *f;
    struct run_task task;
    struct kto_task t;
    double loss = 0, weight = 0, tokens = 0;
    trv_err err = {0};

    (void)state;
    begin(&t, &task, take_any, 8, 1, (struct kto_options){0.1, 1.0, 1.0});
    for (int i = 0; i < ROWS; i++)
        list[i].good = true;
    assert_int_equal(task.begin_step(&t, 0, &tokens, &err), 0);
    assert_int_equal(task.gradient(&t, 0, 0, &loss, &weight, &tokens, &err), 0);
    assert_int_equal(task.figures(&t, &f), 3);
    assert_string_equal(f[1].name, "rewards/chosen");
    assert_string_equal(f[2].name, "logps/chosen");
    kto_task_release(&t);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kto_loss_is_trls_formula_over_each_micro_batch),
        cmocka_unit_test(test_kto_gradient_equals_central_difference),
        cmocka_unit_test(test_kto_makes_good_answers_likely_and_bad_ones_rare),
        cmocka_unit_test(test_kto_begins_at_a_half_with_no_reward),
        cmocka_unit_test(test_kto_has_figures_of_what_was_seen),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
