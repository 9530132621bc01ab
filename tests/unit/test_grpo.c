/* test_grpo.c -- the student's own answers in a world where the optimum is
 * known.
 */
#include "support/test.h"

#include <math.h>
#include <string.h>

#include "base/file.h"
#include "support/exact.h"
#include "transform/policy/grpo.h"

static struct world w;
static double own_reward; // of every answer, where it is not NaN

static int
set_up(void **state)
{
    (void)state;
    world_open(&w, "grpo_world", 0.25);
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
        reward[i] = isnan(own_reward) ? world_reward_of(&w, list[i].row,
                                                        list[i].ids, list[i].n)
                                      : own_reward;
    return 0;
}

static void
begin(struct grpo *t, struct run_task *task, bool rloo, int64_t n, double beta)
{
    trv_err err = {0};

    own_reward = (double)NAN;
    world_reset_student(&w);
    *t = (struct grpo){
        .r = {.s = w.s,
              .contexts = &w.answers,
              .in = &w.in,
              .judge = {score, NULL},
              .opts = {.n = n,
                       .K = 16,
                       .max_tokens = WORLD_LENGTH,
                       .temperature = 1,
                       .seed = 9}},
        .student = &w.student,
        .opts = {.rloo = rloo,
                 .mean = rloo ? POLICY_MEAN_GRPO : POLICY_MEAN_DAPO,
                 .clip = 0.2,
                 .beta = beta,
                 .steps = 1,
                 .updates = 1,
                 .accumulate = 1}};
    if (grpo_init(t, task, &err))
        fail_msg("%s", err.msg);
}

static void
run(struct grpo *t, struct run_task *task, int64_t steps, const char *dir,
    bool resume)
{
    struct run_options o = RUN_OPTIONS_INIT;
    struct run_result result;
    trv_err err = {0};

    o.steps = t->opts.steps = steps;
    o.lr = 0.01;
    o.schedule = "linear";
    o.dir = dir;
    o.resume = resume;
    o.replace = true;
    o.checkpoint_every = 0;
    if (run_train(&result, task, &o, w.s->be, NULL, NULL, &err))
        fail_msg("%s", err.msg);
}

/* E[r] - beta KL(p, p0), which is greatest at the optimum. */
static double
objective(const double *p)
{
    return world_reward(&w, p) - w.beta * world_kl(p, w.base);
}

static void
test_grpo_with_rloo_reaches_the_regularised_optimum(void **state)
{
    struct run_task task;
    struct grpo t;
    double p[WORLD_ALL];

    (void)state;
    begin(&t, &task, true, 128, w.beta);
    run(&t, &task, 250, NULL, false);
    world_logp(&w, p, &w.student);
    print_message("objective %.4f of %.4f, from %.4f; KL to the optimum "
                  "%.4f\n",
                  objective(p), objective(w.best), objective(w.base),
                  world_kl(p, w.best));
    assert_true(objective(w.base) < 0.9 * objective(w.best));
    assert_true(objective(p) > 0.98 * objective(w.best));
    grpo_release(&t);
}

static void
test_grpo_raises_the_reward_to_that_of_the_optimum(void **state)
{
    struct run_task task;
    struct grpo t;
    double p[WORLD_ALL];

    (void)state;
    begin(&t, &task, false, 64, 0.0);
    run(&t, &task, 100, NULL, false);
    world_logp(&w, p, &w.student);
    print_message("reward %.4f, of the optimum %.4f, from %.4f\n",
                  world_reward(&w, p), world_reward(&w, w.best),
                  world_reward(&w, w.base));
    assert_true(world_reward(&w, w.base) < 0.8 * world_reward(&w, w.best));
    assert_true(world_reward(&w, p) > 0.98 * world_reward(&w, w.best));
    grpo_release(&t);
}

/* What was drawn is held while the parameters are moved, so the loss is one of
 * the parameters alone. */
static void
test_grpo_gradient_equals_central_difference(void **state)
{
    (void)state;
    for (int form = 0; form < 3; form++) { // GRPO, RLOO, GSPO
        struct run_task task;
        struct grpo t;

        begin(&t, &task, form == 1, 32, 0.1);
        t.opts.ratio = form == 2 ? POLICY_RATIO_MEAN : POLICY_RATIO_TOKEN;
        t.opts.updates = 1000;
        t.opts.accumulate = 2;
        t.opts.clip = 0.9; // no kink nearby
        /* Losses of about 1 in f32: 1e-7 of it, divided by h. */
        world_check_slope(&task, 0, 2, 1e-3);
        grpo_release(&t);
    }
}

/* -min(c A, clip(c) A) for a ratio c within 0.8 and 1.2. */
static double
clipped(double c, double A)
{
    const double held = c < 0.8 ? 0.8 : c > 1.2 ? 1.2 : c;

    return -(c * A < held * A ? c * A : held * A);
}

/* Advantages of the held batch, by their formulas. */
static void
advantages(double *A, const struct grpo *t, bool rloo, double beta)
{
    const struct rollout *r = &t->r;
    const int64_t K = r->opts.K;
    double x[64], sum, squares;

    for (int64_t i = 0; i < r->opts.n; i++) {
        x[i] = r->reward[i];
        for (int64_t k = r->first[i]; rloo && k < r->first[i + 1]; k++)
            x[i] -= beta * (double)(r->old[k] - r->ref[k]);
    }
    for (int64_t g = 0; g < r->opts.n; g += K) {
        sum = squares = 0.0;
        for (int64_t i = g; i < g + K; i++)
            sum += x[i];
        for (int64_t i = g; i < g + K; i++)
            squares += (x[i] - sum / (double)K) * (x[i] - sum / (double)K);
        for (int64_t i = g; i < g + K; i++)
            A[i] = rloo ? x[i] - (sum - x[i]) / (double)(K - 1)
                        : (x[i] - sum / (double)K) /
                              (sqrt(squares / (double)(K - 1)) + 1e-4);
    }
}

/* The held batch's loss, and its mean distance from the reference, under a
 * student whose every step is known. */
static double
loss_by_hand(double *kl, const struct grpo *t, exact_steps step, bool rloo,
             double beta)
{
    const struct rollout *r = &t->r;
    const struct answer *list = w.answers.list;
    const double total = (double)r->first[r->opts.n];
    double A[64], by_answer = 0.0, by_token = 0.0;

    *kl = 0.0;
    advantages(A, t, rloo, beta);
    for (int64_t i = 0; i < r->opts.n; i++) {
        const int64_t from = r->first[i], n = r->first[i + 1] - from;
        int64_t y = r->context[i] * WORLD_EACH;
        double ratio = 0.0;

        while (list[y].n != n || memcmp(list[y].ids, r->ids + from,
                                        (size_t)n * sizeof(int32_t)) != 0)
            y++;
        for (int64_t k = 0; k < n; k++) {
            const double p = step[y][k][list[y].ids[k]];
            const double q = (double)r->ref[from + k] - p;

            *kl += (exp(q) - q - 1.0) / total;
            ratio += p - (double)r->old[from + k];
            by_token += clipped(exp(p - (double)r->old[from + k]), A[i]) +
                        beta * (exp(q) - q - 1.0);
        }
        by_answer += clipped(exp(ratio), A[i]);
    }
    return rloo ? by_answer / (double)r->opts.n : by_token / total;
}

/* A batch is drawn, the student moves, and the batch is learned from again. */
static void
test_grpo_loss_is_its_formula(void **state)
{
    static exact_steps step;
    double logp[WORLD_ALL];

    (void)state;
    for (int rloo = 0; rloo < 2; rloo++) {
        const struct run_figure *f;
        double loss = 0, weight = 0, tokens = 0, want, kl;
        struct run_task task;
        struct grpo t;
        struct rng rng;
        trv_err err = {0};

        begin(&t, &task, rloo == 1, 64, 0.1);
        t.opts.updates = 2;
        t.opts.accumulate = 3;
        if (task.begin_step(&t, 0, &tokens, &err))
            fail_msg("%s", err.msg);
        rng_init(&rng, 5, 5);
        for (int64_t i = 0; i < task.n; i++)
            task.w[i] += 0.12f * (float)rng_normal(&rng);
        if (task.after_update(task.of, &err))
            fail_msg("%s", err.msg);
        world_logp(&w, logp, &w.student);
        exact_split(&w, step, logp);
        loss = 0;
        if (task.begin_step(&t, 1, &tokens, &err))
            fail_msg("%s", err.msg);
        for (int64_t micro = 0; micro < 3; micro++)
            if (task.gradient(&t, 1, micro, &loss, &weight, &tokens, &err))
                fail_msg("%s", err.msg);
        task.end_step(&t, 1);
        want = loss_by_hand(&kl, &t, step, rloo == 1, 0.1);
        assert_close(loss, want, 1e-5 * (1.0 + fabs(want)));
        assert_true(fabs(loss) > 1e-3);
        assert_int_equal(task.figures(&t, &f), GRPO_FIGURES);
        assert_true(f[GRPO_CLIP].value > 0.1);
        assert_close(f[GRPO_KL].value, kl, 1e-5 * (1.0 + kl));
        grpo_release(&t);
    }
}

static void
test_grpo_scores_as_it_samples(void **state)
{
    const struct run_figure *f;
    double loss = 0, weight = 0, tokens = 0;
    struct run_task task;
    struct grpo t;
    trv_err err = {0};

    (void)state;
    begin(&t, &task, false, 32, 0.0);
    t.opts.mean = POLICY_MEAN_GRPO;
    assert_int_equal(task.begin_step(&t, 0, &tokens, &err), 0);
    assert_int_equal(task.gradient(&t, 0, 0, &loss, &weight, &tokens, &err), 0);
    task.end_step(&t, 0);
    for (int64_t i = 0; i < 32; i++)
        for (int64_t k = t.r.first[i]; k < t.r.first[i + 1]; k++)
            assert_close(t.r.old[k], t.r.ref[k], 1e-5); // B is zero
    assert_close(loss, 0.0, 1e-5); // a group's advantages add up to 0
    assert_int_equal(task.figures(&t, &f), GRPO_FIGURES);
    assert_string_equal(f[GRPO_ZERO_STD].name, "frac_reward_zero_std");
    assert_close(f[GRPO_CLIP].value, 0.0, 0.0);
    assert_close(f[GRPO_KL].value, 0.0, 1e-6);
    assert_true(f[GRPO_REWARD].value > 0.0);
    grpo_release(&t);
}

/* One answer has one ratio: of two tokens as far apart as from 1 up and down,
 * none is clipped. */
static void
test_grpo_clips_the_ratio_of_tokens_or_of_the_sequence(void **state)
{
    double shares[2];

    (void)state;
    for (int k = 0; k < 2; k++) {
        double loss = 0, weight = 0, tokens = 0;
        const struct run_figure *f;
        struct run_task task;
        struct grpo t;
        trv_err err = {0};

        begin(&t, &task, false, 32, 0.0);
        t.opts.ratio = k ? POLICY_RATIO_MEAN : POLICY_RATIO_TOKEN;
        t.opts.updates = 1000;
        assert_int_equal(task.begin_step(&t, 0, &tokens, &err), 0);
        for (int64_t i = 0; i < 32; i++) {
            const int64_t from = t.r.first[i], n = t.r.first[i + 1] - from;

            /* 1.6 and 1 / 1.6, the last of an odd number left as it is */
            for (int64_t j = 0; j + 1 < n; j += 2) {
                t.r.old[from + j] += 0.47f;
                t.r.old[from + j + 1] -= 0.47f;
            }
        }
        assert_int_equal(task.begin_step(&t, 1, &tokens, &err), 0);
        assert_int_equal(task.gradient(&t, 1, 0, &loss, &weight, &tokens, &err),
                         0);
        task.end_step(&t, 1);
        assert_int_equal(task.figures(&t, &f), GRPO_FIGURES);
        shares[k] = f[GRPO_CLIP].value;
        grpo_release(&t);
    }
    assert_true(shares[0] > 0.2);
    assert_close(shares[1], 0.0, 0.0);
}

/* The clip ratio of a step whose first half of answers is far from what was
 * drawn, in so many micro-batches. */
static double
clip_ratio(enum policy_ratio ratio, int64_t micros)
{
    double loss = 0, weight = 0, tokens = 0, share;
    const struct run_figure *f;
    struct run_task task;
    struct grpo t;
    trv_err err = {0};

    begin(&t, &task, false, 32, 0.0);
    t.opts.ratio = ratio;
    t.opts.updates = 1000;
    t.opts.accumulate = micros;
    assert_int_equal(task.begin_step(&t, 0, &tokens, &err), 0);
    assert_true(2 * t.r.first[16] != t.r.first[32]); // the weights differ
    for (int64_t k = 0; k < t.r.first[16]; k++)
        t.r.old[k] += 0.47f; // 1 / 1.6
    assert_int_equal(task.begin_step(&t, 1, &tokens, &err), 0);
    for (int64_t m = 0; m < micros; m++)
        assert_int_equal(task.gradient(&t, 1, m, &loss, &weight, &tokens, &err),
                         0);
    task.end_step(&t, 1);
    assert_int_equal(task.figures(&t, &f), GRPO_FIGURES);
    share = f[GRPO_CLIP].value;
    grpo_release(&t);
    return share;
}

static void
test_grpo_reports_one_clip_ratio_however_a_step_is_cut(void **state)
{
    static const enum policy_ratio ratios[] = {POLICY_RATIO_TOKEN,
                                               POLICY_RATIO_MEAN};

    (void)state;
    for (int i = 0; i < 2; i++) {
        const double whole = clip_ratio(ratios[i], 1);

        assert_true(whole > 0.1 && whole < 0.9);
        assert_close(clip_ratio(ratios[i], 2), whole, 1e-12);
    }
}

static void
test_grpo_learns_nothing_where_all_rewards_are_equal(void **state)
{
    const struct run_figure *f;
    double loss = 0, weight = 0, tokens = 0;
    struct run_task task;
    struct grpo t;
    trv_err err = {0};

    (void)state;
    begin(&t, &task, false, 32, 0.0);
    own_reward = 0.7;
    memset(task.g, 0, (size_t)task.n * sizeof(float));
    assert_int_equal(task.begin_step(&t, 0, &tokens, &err), 0);
    assert_int_equal(task.gradient(&t, 0, 0, &loss, &weight, &tokens, &err), 0);
    task.end_step(&t, 0);
    assert_int_equal(task.figures(&t, &f), GRPO_FIGURES);
    assert_close(f[GRPO_ZERO_STD].value, 1.0, 0.0);
    assert_close(loss, 0.0, 0.0);
    for (int64_t i = 0; i < task.n; i++)
        assert_close(task.g[i], 0.0, 0.0);
    grpo_release(&t);
}

/* A run that is stopped between two steps on one batch of answers. */
static bool
stop_at(const trv_progress *p, void *payload)
{
    return p->done < *(int64_t *)payload;
}

static void
test_grpo_resumes_in_the_midst_of_a_batch_bit_for_bit(void **state)
{
    const char *dir = test_tmpdir("grpo_resume");
    struct run_options o = RUN_OPTIONS_INIT;
    struct run_result result;
    struct run_task task;
    struct grpo t;
    float *whole;
    int64_t at = 5;
    trv_err err = {0};

    (void)state;
    begin(&t, &task, false, 32, 0.05);
    t.opts.updates = 3;
    run(&t, &task, 10, NULL, false);
    whole = mem_array((size_t)task.n, sizeof(float));
    memcpy(whole, task.w, (size_t)task.n * sizeof(float));
    grpo_release(&t);

    begin(&t, &task, false, 32, 0.05);
    t.opts.updates = 3;
    t.opts.steps = o.steps = 10;
    o.lr = 0.01;
    o.schedule = "linear";
    o.dir = dir;
    assert_int_equal(run_train(&result, &task, &o, w.s->be, stop_at, &at, &err),
                     TRV_ECANCELED);
    grpo_release(&t);

    begin(&t, &task, false, 32, 0.05);
    t.opts.updates = 3;
    run(&t, &task, 10, dir, true);
    assert_memory_equal(whole, task.w, (size_t)task.n * sizeof(float));
    mem_free(whole);
    grpo_release(&t);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_grpo_with_rloo_reaches_the_regularised_optimum),
        cmocka_unit_test(test_grpo_raises_the_reward_to_that_of_the_optimum),
        cmocka_unit_test(test_grpo_gradient_equals_central_difference),
        cmocka_unit_test(test_grpo_loss_is_its_formula),
        cmocka_unit_test(test_grpo_scores_as_it_samples),
        cmocka_unit_test(
            test_grpo_clips_the_ratio_of_tokens_or_of_the_sequence),
        cmocka_unit_test(
            test_grpo_reports_one_clip_ratio_however_a_step_is_cut),
        cmocka_unit_test(test_grpo_learns_nothing_where_all_rewards_are_equal),
        cmocka_unit_test(test_grpo_resumes_in_the_midst_of_a_batch_bit_for_bit),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
