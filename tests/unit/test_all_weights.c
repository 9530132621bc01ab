/* test_all_weights.c -- a student that is all weights, in a world where every
 * answer is counted: it learns what terms learn, and what it is compared with
 * stays where it was.
 */
#include "support/test.h"

#include <math.h>
#include <string.h>

#include "learn/loss/logistic.h"
#include "learn/student.h"
#include "support/world.h"
#include "transform/imitate/distill.h"
#include "transform/policy/grpo.h"
#include "transform/policy/ppo.h"
#include "transform/policy/dpo.h"
#include "transform/policy/tilt.h"

#define PAIRS 1500

static struct world w;
static struct decoder *own;
static struct preference list[PAIRS];

static void
must(int rc, const trv_err *err)
{
    if (rc)
        fail_msg("%s", err->msg);
}

static int
set_up(void **state)
{
    (void)state;
    world_open(&w, "all_weights_world", 0.25);
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    world_close(&w);
    return 0;
}

/* Each test begins from the base's weights. */
static int
begin_own(void **state)
{
    trv_err err = {0};

    (void)state;
    must(student_open_full(&own, w.s, &err), &err);
    return 0;
}

static int
end_own(void **state)
{
    (void)state;
    decoder_free(own);
    own = NULL;
    return 0;
}

/* log p of every answer under the student. */
static void
own_logp(double *logp)
{
    struct decoder *base = w.s->decoder;

    w.s->decoder = own;
    world_logp(&w, logp, NULL);
    w.s->decoder = base;
}

static void
assert_base_is_still(void)
{
    double p[WORLD_ALL];

    world_logp(&w, p, NULL);
    for (int i = 0; i < WORLD_ALL; i++)
        assert_close(p[i], w.base[i], 0);
}

static void
run(const struct run_task *task, int64_t steps, double lr)
{
    struct run_options o = RUN_OPTIONS_INIT;
    struct run_result result;
    trv_err err = {0};

    o.steps = steps;
    o.lr = lr;
    o.schedule = "linear";
    must(run_train(&result, task, &o, w.s->be, NULL, NULL, &err), &err);
}

/* ---- against a reference ------------------------------------------------ */

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

static struct dpo_task
dpo_task_of(int64_t batch)
{
    make_pairs();
    return (struct dpo_task){
        .s = w.s,
        .answers = &w.answers,
        .list = list,
        .n = PAIRS,
        .own = own,
        .opts = {.loss = {.loss = PREFERENCE_SIGMOID, .beta = w.beta},
                 .steps = 600,
                 .batch = batch,
                 .accumulate = 1}};
}

/* Against a reference that moved along, every margin would stay 0. */
static void
test_all_weights_reach_the_optimum_of_preferences(void **state)
{
    struct run_task task;
    struct dpo_task t = dpo_task_of(100);
    double p[WORLD_ALL];
    trv_err err = {0};

    (void)state;
    must(dpo_task_init(&t, &task, &err), &err);
    run(&task, 600, 5e-3);
    own_logp(p);
    print_message("KL to the optimum: %.5f, back: %.5f nat, from %.3f\n",
                  world_kl(w.best, p), world_kl(p, w.best),
                  world_kl(w.best, w.base));
    assert_true(world_kl(w.best, p) < 0.01);
    assert_true(world_kl(p, w.best) < 0.01);
    assert_base_is_still();
    dpo_task_release(&t);
}

static int
score(void *payload, double *reward, const struct completion *trials, int64_t n,
      trv_err *err)
{
    (void)payload;
    (void)err;
    for (int64_t i = 0; i < n; i++)
        reward[i] =
            world_reward_of(&w, trials[i].row, trials[i].ids, trials[i].n);
    return 0;
}

static struct rollout
rollout_of(int64_t n)
{
    return (struct rollout){.s = w.s,
                            .contexts = &w.answers,
                            .in = &w.in,
                            .judge = {score, NULL},
                            .own = own,
                            .opts = {.n = n,
                                     .K = 16,
                                     .max_tokens = WORLD_LENGTH,
                                     .temperature = 1,
                                     .seed = 9}};
}

static struct grpo
grpo_of(int64_t n)
{
    return (struct grpo){.r = rollout_of(n),
                         .opts = {.rloo = true,
                                  .mean = POLICY_MEAN_GRPO,
                                  .clip = 0.2,
                                  .beta = w.beta,
                                  .steps = 200,
                                  .updates = 1,
                                  .accumulate = 1}};
}

/* E[r] - beta KL(p, p0), which is greatest at the optimum; with a reference that
 * moved along nothing would hold the student near the base. */
static double
objective(const double *p)
{
    return world_reward(&w, p) - w.beta * world_kl(p, w.base);
}

static void
test_all_weights_reach_the_regularised_optimum_by_rloo(void **state)
{
    struct run_task task;
    struct grpo t = grpo_of(128);
    double p[WORLD_ALL];
    trv_err err = {0};

    (void)state;
    must(grpo_init(&t, &task, &err), &err);
    run(&task, 200, 2e-3);
    own_logp(p);
    print_message("objective %.4f of %.4f, from %.4f; KL to the optimum %.4f\n",
                  objective(p), objective(w.best), objective(w.base),
                  world_kl(p, w.best));
    assert_true(objective(p) > 0.98 * objective(w.best));
    assert_base_is_still();
    grpo_release(&t);
}

/* Beside a critic, all weights are a part of a longer vector. */
static void
test_all_weights_learn_with_a_critic(void **state)
{
    struct ppo t = {.r = rollout_of(64),
                    .opts = {.clip = 0.2,
                             .value_clip = 0.2,
                             .beta = w.beta,
                             .gamma = 1.0,
                             .lambda = 0.95,
                             .steps = 60,
                             .updates = 1,
                             .accumulate = 1}};
    struct run_task task;
    double p[WORLD_ALL];
    trv_err err = {0};

    (void)state;
    must(ppo_init(&t, &task, &err), &err);
    run(&task, 60, 2e-3);
    own_logp(p);
    print_message("objective %.4f of %.4f, from %.4f\n", objective(p),
                  objective(w.best), objective(w.base));
    assert_true(objective(p) > 0.9 * objective(w.best));
    assert_base_is_still();
    ppo_release(&t);
}

/* The place of an answer among the world's. */
static int64_t
find(const struct rollout *r, int64_t i)
{
    const int64_t n = r->first[i + 1] - r->first[i];

    for (int64_t k = 0; k < WORLD_ALL; k++) {
        const struct answer *y = &w.answers.list[k];

        if (y->context == r->context[i] && y->n == n &&
            memcmp(y->ids, r->ids + r->first[i], (size_t)n * sizeof(*y->ids)) ==
                0)
            return k;
    }
    fail_msg("an answer that the world does not hold");
    return -1;
}

static void
test_all_weights_are_compared_with_the_base_and_not_with_themselves(
    void **state)
{
    struct rollout r = rollout_of(64);
    double tokens = 0, p[WORLD_ALL];
    trv_err err = {0};

    (void)state;
    for (int64_t i = 0; i < own->n_full; i++)
        own->w_full[i] *= 1.0f + 0.1f * (float)(i % 5 - 2);
    decoder_refresh_full(own);
    own_logp(p);
    assert_true(world_kl(p, w.base) > 0.01); // it has moved
    must(rollout_init(&r, &err), &err);
    must(rollout_draw(&r, 0, &tokens, &err), &err);
    for (int64_t i = 0; i < 64; i++) {
        const int64_t at = find(&r, i);
        double old = 0, ref = 0;

        for (int64_t k = r.first[i]; k < r.first[i + 1]; k++) {
            old += (double)r.old[k];
            ref += (double)r.ref[k];
        }
        assert_close(ref, w.base[at], 1e-5); // sums of three, in f32
        assert_close(old, p[at], 1e-4);      // sampled with a cache
    }
    rollout_release(&r);
}

/* ---- gradients ---------------------------------------------------------- */

/* Losses of some units in f32: 1e-6 of them, divided by a step of 0.005. */
static void
test_all_weights_gradients_equal_central_differences(void **state)
{
    struct tilted tilted[WORLD_ALL];
    int64_t first[WORLD_INPUTS + 1] = {0, WORLD_EACH, WORLD_ALL};
    struct run_task task;
    struct dpo_task dpo = dpo_task_of(8);
    struct grpo grpo = grpo_of(32);
    struct tilt tilt = {.s = w.s,
                        .answers = &w.answers,
                        .list = tilted,
                        .first = first,
                        .n = WORLD_INPUTS,
                        .own = own,
                        .opts = {.batch = 2, .accumulate = 1}};
    trv_err err = {0};

    (void)state;
    for (int64_t i = 0; i < WORLD_ALL; i++)
        tilted[i] = (struct tilted){i, exp(w.best[i])};
    must(dpo_task_init(&dpo, &task, &err), &err);
    world_check_slope(&task, 3, 1, 5e-3);
    dpo_task_release(&dpo);
    must(tilt_init(&tilt, &task, &err), &err);
    world_check_slope(&task, 0, 1, 5e-3);
    tilt_release(&tilt);
    grpo.opts.clip = 100; // a ratio that is clipped has a kink
    must(grpo_init(&grpo, &task, &err), &err);
    world_check_slope(&task, 0, 1, 2e-3);
    grpo_release(&grpo);
}

/* ---- a teacher that is parameters --------------------------------------- */

/* The world's answers, from a LoRA as their teacher; a student begins anew. */
static void
learn_from_lora(double *apart, bool all, const struct features *features,
                const char *what)
{
    struct distill t = {.s = w.s,
                        .answers = &w.answers,
                        .student = all ? NULL : &w.student,
                        .own = all ? own : NULL,
                        .features = features,
                        .opts = {.batch = 78, .accumulate = 1, .seed = 3}};
    double p[WORLD_ALL], teacher[WORLD_ALL];
    struct adapter_weights of_teacher;
    struct run_task task;
    struct rng r;
    trv_err err = {0};

    world_reset_student(&w);
    of_teacher = w.student;
    w.student = (struct adapter_weights){0};
    rng_init(&r, 31, 7);
    for (int64_t i = 0; i < of_teacher.lora.n; i++)
        of_teacher.lora.w[i] += 0.08f * (float)rng_normal(&r);
    must(adapter_weights_refresh(&of_teacher, w.s->be, &err), &err);
    world_reset_student(&w);
    for (int x = 0; x < WORLD_INPUTS; x++)
        w.answers.contexts[x].teacher.parts[0].adapter_weights = &of_teacher;
    must(distill_init(&t, &task, &err), &err);
    run(&task, 300, all ? 3e-3 : 1e-2);
    world_logp(&w, teacher, &of_teacher);
    if (all)
        own_logp(p);
    else
        world_logp(&w, p, &w.student);
    *apart = world_kl(teacher, p);
    print_message("%s: KL %.6f nat, from %.3f\n", what, *apart,
                  world_kl(teacher, w.base));
    assert_true(world_kl(teacher, w.base) > 0.1);
    for (int x = 0; x < WORLD_INPUTS; x++)
        w.answers.contexts[x].teacher.parts[0].adapter_weights = NULL;
    adapter_weights_release(&of_teacher);
    distill_release(&t);
}

static void
test_all_weights_learn_what_a_lora_does(void **state)
{
    double apart;

    (void)state;
    learn_from_lora(&apart, true, NULL, "all weights");
    assert_true(apart < 0.01);
    assert_base_is_still();
}

static void
test_features_come_as_near_as_distill_alone(void **state)
{
    struct features f;
    double plain, matched;
    trv_err err = {0};

    (void)state;
    must(features_init(&f, "all", 1.0, &w.s->model->cfg, &err), &err);
    learn_from_lora(&plain, false, NULL, "distill");
    learn_from_lora(&matched, false, &f, "features");
    assert_true(plain < 0.01);
    assert_true(matched < 0.01);
    features_release(&f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            test_all_weights_reach_the_optimum_of_preferences, begin_own,
            end_own),
        cmocka_unit_test_setup_teardown(
            test_all_weights_reach_the_regularised_optimum_by_rloo, begin_own,
            end_own),
        cmocka_unit_test_setup_teardown(test_all_weights_learn_with_a_critic,
                                        begin_own, end_own),
        cmocka_unit_test_setup_teardown(
            test_all_weights_are_compared_with_the_base_and_not_with_themselves,
            begin_own, end_own),
        cmocka_unit_test_setup_teardown(
            test_all_weights_gradients_equal_central_differences, begin_own,
            end_own),
        cmocka_unit_test_setup_teardown(test_all_weights_learn_what_a_lora_does,
                                        begin_own, end_own),
        cmocka_unit_test_setup_teardown(
            test_features_come_as_near_as_distill_alone, begin_own, end_own),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
