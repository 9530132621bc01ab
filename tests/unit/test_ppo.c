/* test_ppo.c -- a critic beside the student, in a world where the optimum is
 * known.
 */
#include "support/test.h"

#include <math.h>
#include <string.h>

#include "support/exact.h"
#include "transform/policy/ppo.h"

static struct world w;

static int
set_up(void **state)
{
    (void)state;
    world_open(&w, "ppo_world", 0.25);
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    world_close(&w);
    return 0;
}

/* The world's own rewards. */
static int
score(void *payload, double *reward, const struct completion *list, int64_t n,
      trv_err *err)
{
    (void)payload;
    (void)err;
    for (int64_t i = 0; i < n; i++)
        reward[i] = world_reward_of(&w, list[i].row, list[i].ids, list[i].n);
    return 0;
}

static void
begin(struct ppo *t, struct run_task *task, int64_t n)
{
    trv_err err = {0};

    world_reset_student(&w);
    *t = (struct ppo){.r = {.s = w.s,
                            .contexts = &w.answers,
                            .in = &w.in,
                            .judge = {score, NULL},
                            .opts = {.n = n,
                                     .K = 16,
                                     .max_tokens = WORLD_LENGTH,
                                     .temperature = 1,
                                     .seed = 9}},
                      .student = &w.student,
                      .opts = {.clip = 0.2,
                               .value_clip = 0.2,
                               .beta = w.beta,
                               .gamma = 1.0,
                               .lambda = 0.95,
                               .steps = 1,
                               .updates = 1,
                               .accumulate = 1}};
    if (ppo_init(t, task, &err))
        fail_msg("%s", err.msg);
}

static int
run(struct ppo *t, struct run_task *task, int64_t steps, const char *dir,
    bool resume, trv_progress_fn progress, void *payload)
{
    struct run_options o = RUN_OPTIONS_INIT;
    struct run_result result;
    trv_err err = {0};
    int rc;

    o.steps = t->opts.steps = steps;
    o.lr = 0.01;
    o.schedule = "linear";
    o.dir = dir;
    o.resume = resume;
    o.checkpoint_every = 0;
    rc = run_train(&result, task, &o, w.s->be, progress, payload, &err);
    if (rc && rc != TRV_ECANCELED)
        fail_msg("%s", err.msg);
    return rc;
}

/* E[r] - beta KL(p, p0), which is greatest at the optimum. */
static double
objective(const double *p)
{
    return world_reward(&w, p) - w.beta * world_kl(p, w.base);
}

static void
test_ppo_reaches_the_regularised_optimum(void **state)
{
    struct run_task task;
    struct ppo t;
    double p[WORLD_ALL];

    (void)state;
    begin(&t, &task, 128);
    assert_int_equal(run(&t, &task, 300, NULL, false, NULL, NULL), 0);
    world_logp(&w, p, &w.student);
    print_message("objective %.4f of %.4f, from %.4f; value loss %.4f, from "
                  "%.4f\n",
                  objective(p), objective(w.best), objective(w.base),
                  trend_late(&t.trends[PPO_VALUE_LOSS]),
                  trend_early(&t.trends[PPO_VALUE_LOSS]));
    assert_true(objective(w.base) < 0.9 * objective(w.best));
    assert_true(objective(p) > 0.98 * objective(w.best));
    assert_true(trend_late(&t.trends[PPO_VALUE_LOSS]) <
                trend_early(&t.trends[PPO_VALUE_LOSS]));
    ppo_release(&t);
}

/* The critic passes no gradient into the student, so its loss is a function of
 * u and b where the student stands still, and the policy's of the student. */
static void
test_ppo_gradients_equal_central_differences(void **state)
{
    struct run_task task, part;
    struct ppo t;

    (void)state;
    begin(&t, &task, 32);
    t.opts.updates = 1000;
    t.opts.accumulate = 2;
    t.opts.clip = 0.9; // no kink nearby
    t.opts.value_clip = 100.0;
    part = task;
    part.w += t.n_weights;
    part.g += t.n_weights;
    part.n -= t.n_weights;
    /* Losses of about 1 in f32: 1e-7 of it, divided by h. */
    world_check_slope(&part, 0, 2, 1e-4);
    ppo_release(&t);
    begin(&t, &task, 32);
    t.opts.updates = 1000;
    t.opts.accumulate = 2;
    t.opts.clip = 0.9;
    part = task;
    part.n = t.n_weights; // u and b are 0: the value of every state is b
    world_check_slope(&part, 0, 2, 1e-3);
    ppo_release(&t);
}

static bool
stop_at(const trv_progress *p, void *payload)
{
    return p->done < *(int64_t *)payload;
}

static void
test_ppo_resumes_in_the_midst_of_a_batch_bit_for_bit(void **state)
{
    const char *dir = test_tmpdir("ppo_resume");
    struct run_task task;
    struct ppo t;
    float *whole;
    int64_t at = 5;

    (void)state;
    begin(&t, &task, 32);
    t.opts.updates = 3;
    assert_int_equal(run(&t, &task, 10, NULL, false, NULL, NULL), 0);
    whole = mem_array((size_t)task.n, sizeof(float));
    memcpy(whole, task.w, (size_t)task.n * sizeof(float));
    ppo_release(&t);
    begin(&t, &task, 32);
    t.opts.updates = 3;
    assert_int_equal(run(&t, &task, 10, dir, false, stop_at, &at),
                     TRV_ECANCELED);
    ppo_release(&t);
    begin(&t, &task, 32);
    t.opts.updates = 3;
    assert_int_equal(run(&t, &task, 10, dir, true, NULL, NULL), 0);
    assert_memory_equal(whole, task.w, (size_t)task.n * sizeof(float));
    mem_free(whole);
    ppo_release(&t);
}

/* Advantages and returns of the held batch, by their formulas. */
static void
estimate(double *A, double *ret, const struct ppo *t)
{
    const struct rollout *r = &t->r;
    const int64_t N = r->first[r->opts.n];
    double mean = 0.0, squares = 0.0;

    for (int64_t i = 0; i < r->opts.n; i++) {
        double next = 0.0, ahead = 0.0;

        for (int64_t k = r->first[i + 1] - 1; k >= r->first[i]; k--) {
            const double v = (double)t->value[k];
            const double own = -t->opts.beta * (double)(r->old[k] - r->ref[k]) +
                               (k == r->first[i + 1] - 1 ? r->reward[i] : 0.0);

            ahead = own + t->opts.gamma * next - v +
                    t->opts.gamma * t->opts.lambda * ahead;
            next = v;
            A[k] = ahead;
            ret[k] = ahead + v;
            mean += ahead / (double)N;
        }
    }
    for (int64_t k = 0; k < N; k++)
        squares += (A[k] - mean) * (A[k] - mean);
    for (int64_t k = 0; k < N; k++)
        A[k] = (A[k] - mean) / sqrt(squares / (double)(N - 1) + 1e-8);
}

/* The loss where the critic says v [N], and the student, token by token, what
 * `step` says. */
static double
loss_by_hand(const struct ppo *t, exact_steps step, const double *v)
{
    const struct rollout *r = &t->r;
    const struct answer *list = w.answers.list;
    const double total = (double)r->first[r->opts.n];
    double A[64 * WORLD_LENGTH], ret[64 * WORLD_LENGTH], loss = 0.0;

    estimate(A, ret, t);
    for (int64_t i = 0; i < r->opts.n; i++) {
        const int64_t from = r->first[i], n = r->first[i + 1] - from;
        int64_t y = r->context[i] * WORLD_EACH;

        while (list[y].n != n || memcmp(list[y].ids, r->ids + from,
                                        (size_t)n * sizeof(int32_t)) != 0)
            y++;
        for (int64_t k = from; k < from + n; k++) {
            const double c = exp(step[y][k - from][list[y].ids[k - from]] -
                                 (double)r->old[k]);
            const double held = c < 0.8 ? 0.8 : c > 1.2 ? 1.2 : c;
            const double old = (double)t->value[k];
            const double near = v[k] < old - 0.2   ? old - 0.2
                                : v[k] > old + 0.2 ? old + 0.2
                                                   : v[k];
            const double off = fmax(fabs(v[k] - ret[k]), fabs(near - ret[k]));

            loss -= fmin(c * A[k], held * A[k]) / total;
            loss += 0.1 * 0.5 * off * off / total; // TRL's vf_coef
        }
    }
    return loss;
}

static double
step_loss(struct ppo *t, const struct run_task *task, int64_t step)
{
    double loss = 0.0, weight = 0.0, tokens = 0.0;
    trv_err err = {0};

    if (task->begin_step(t, step, &tokens, &err))
        fail_msg("%s", err.msg);
    for (int64_t micro = 0; micro < t->opts.accumulate; micro++)
        if (task->gradient(t, step, micro, &loss, &weight, &tokens, &err))
            fail_msg("%s", err.msg);
    task->end_step(t, step);
    assert_close(weight, 1.0, 1e-12);
    return loss;
}

static void
update(const struct run_task *task, exact_steps step)
{
    double logp[WORLD_ALL];
    trv_err err = {0};

    if (task->after_update(task->of, &err))
        fail_msg("%s", err.msg);
    world_logp(&w, logp, &w.student);
    exact_split(&w, step, logp);
}

/* A batch is drawn and learned from again: by a critic that says one value of
 * all, with a student that has moved, and by one that reads what the student
 * sees, with a student that stays. */
static void
test_ppo_loss_is_its_formula(void **state)
{
    static exact_steps step;
    double v[64 * WORLD_LENGTH];

    (void)state;
    for (int reads = 0; reads < 2; reads++) {
        struct run_task task;
        struct ppo t;
        struct rng r;
        float *u;
        int64_t N;

        begin(&t, &task, 64);
        t.opts.gamma = 0.9;
        t.opts.lambda = 0.5;
        t.opts.updates = 2;
        t.opts.accumulate = 3;
        u = task.w + t.n_weights;
        rng_init(&r, 6, 6);
        for (int64_t c = 0; reads && c < t.width; c++)
            u[c] = 0.3f * (float)rng_normal(&r);
        u[t.width] = 0.3f;
        (void)step_loss(&t, &task, 0);
        u[t.width] = 0.9f;
        for (int64_t i = 0; !reads && i < t.n_weights; i++)
            task.w[i] += 0.12f * (float)rng_normal(&r);
        update(&task, step);
        N = t.r.first[64];
        for (int64_t k = 0; k < N; k++) {
            v[k] = (double)t.value[k] + 0.6;
            assert_true(reads || fabs(v[k] - 0.9) < 1e-6);
        }
        assert_close(step_loss(&t, &task, 1), loss_by_hand(&t, step, v), 1e-5);
        (void)step_loss(&t, &task, 2); // another batch, valued anew
        assert_true(reads || fabs((double)t.value[0] - 0.9) < 1e-6);
        ppo_release(&t);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ppo_reaches_the_regularised_optimum),
        cmocka_unit_test(test_ppo_loss_is_its_formula),
        cmocka_unit_test(test_ppo_gradients_equal_central_differences),
        cmocka_unit_test(test_ppo_resumes_in_the_midst_of_a_batch_bit_for_bit),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
