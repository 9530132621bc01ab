/* test_tilt.c -- weighted likelihood in a world where the optimum is known. */
#include "support/test.h"

#include <math.h>
#include <string.h>

#include "learn/loop/run.h"
#include "support/world.h"
#include "transform/policy/tilt.h"

static struct world w;
static struct tilted list[WORLD_ALL];
static int64_t first[WORLD_INPUTS + 1];

static int
set_up(void **state)
{
    (void)state;
    world_open(&w, "tilt_world", 0.25);
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    world_close(&w);
    return 0;
}

/* Every answer, with the weight that answers of the base would have if there
 * were endlessly many: p0 exp(r / beta) / Z. */
static void
begin(struct tilt *t, struct run_task *task)
{
    trv_err err = {0};

    *t = (struct tilt){.s = w.s,
                       .answers = &w.answers,
                       .list = list,
                       .first = first,
                       .n = WORLD_INPUTS,
                       .student = &w.student,
                       .opts = {.batch = WORLD_INPUTS, .accumulate = 1}};
    for (int64_t i = 0; i < WORLD_ALL; i++)
        list[i] = (struct tilted){i, exp(w.best[i])};
    for (int64_t x = 0; x <= WORLD_INPUTS; x++)
        first[x] = x * WORLD_EACH;
    world_reset_student(&w);
    if (tilt_init(t, task, &err))
        fail_msg("%s", err.msg);
}

static void
test_tilt_reaches_the_optimum_of_the_reward(void **state)
{
    struct run_options run = RUN_OPTIONS_INIT;
    double p[WORLD_ALL];
    struct run_result result;
    struct run_task task;
    struct tilt t;
    trv_err err = {0};

    (void)state;
    begin(&t, &task);
    run.steps = 400;
    run.lr = 0.01;
    assert_true(world_kl(w.best, w.base) > 0.3); // there is a way to go
    if (run_train(&result, &task, &run, w.s->be, NULL, NULL, &err))
        fail_msg("%s", err.msg);
    world_logp(&w, p, &w.student);
    print_message("KL to the optimum: %.5f, back: %.5f nat, from %.3f\n",
                  world_kl(w.best, p), world_kl(p, w.best),
                  world_kl(w.best, w.base));
    assert_true(world_kl(w.best, p) < 0.01);
    assert_true(world_kl(p, w.best) < 0.01);
    tilt_release(&t);
}

static void
test_tilt_gradient_equals_central_difference(void **state)
{
    struct run_task task;
    struct tilt t;

    (void)state;
    begin(&t, &task);
    t.opts.accumulate = 2;
    /* A loss of about 10 in f32: 1e-6 of it, divided by h. */
    world_check_slope(&task, 0, 2, 2e-3);
    tilt_release(&t);
}

static void
test_tilt_loss_is_divided_by_weighted_tokens(void **state)
{
    struct run_task task;
    struct tilt t;
    double loss = 0.0, weight = 0.0, tokens = 0.0, want = 0.0, lengths = 0.0;
    trv_err err = {0};

    (void)state;
    begin(&t, &task);
    assert_int_equal(task.gradient(&t, 0, 0, &loss, &weight, &tokens, &err), 0);
    for (int64_t i = 0; i < WORLD_ALL; i++) {
        want -= exp(w.best[i]) * w.base[i]; // B is zero: the base itself
        lengths += exp(w.best[i]) * (double)w.answers.list[i].n;
    }
    assert_close(loss, want, 1e-4);
    assert_close(weight, lengths, 1e-9);
    tilt_release(&t);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tilt_reaches_the_optimum_of_the_reward),
        cmocka_unit_test(test_tilt_gradient_equals_central_difference),
        cmocka_unit_test(test_tilt_loss_is_divided_by_weighted_tokens),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
