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
begin(struct dpo_task *t, struct run_task *task, enum preference_loss loss,
      int64_t batch, int64_t steps)
{
    trv_err err = {0};

    make_pairs();
    world_reset_student(&w);
    *t = (struct dpo_task){.s = w.s,
                           .answers = &w.answers,
                           .list = list,
                           .n = PAIRS,
                           .student = &w.student,
                           .opts = {.loss = {.loss = loss, .beta = w.beta},
                                    .steps = steps,
                                    .batch = batch,
                                    .accumulate = 1}};
    if (dpo_task_init(t, task, &err))
        fail_msg("%s", err.msg);
}

static void
test_prefer_reaches_the_optimum_of_the_reward(void **state)
{
    struct run_options run = RUN_OPTIONS_INIT;
    struct run_result result;
    struct run_task task;
    struct dpo_task t;
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
    dpo_task_release(&t);
}

static void
test_prefer_gradient_equals_central_difference_for_every_loss(void **state)
{
    static const enum preference_loss losses[] = {
        PREFERENCE_SIGMOID, PREFERENCE_IPO, PREFERENCE_HINGE, PREFERENCE_ORPO};

    (void)state;
    /* KTO has baselines without a gradient: its slope is none of a loss. */
    for (int i = 0; i < 4; i++) {
        struct run_task task;
        struct dpo_task t;

        begin(&t, &task, losses[i], 8, 100);
        t.opts.accumulate = 2;
        t.opts.sft_weight = i % 2 ? 0.0 : 0.7; // beside two of them
        /* Losses of about 10 in f32: 1e-6 of them, divided by h. */
        world_check_slope(&task, 3, 2, 2e-3);
        dpo_task_release(&t);
    }
}

/* The sum over all pairs by TRL's formulas, from log p of whole answers. */
static double
loss_by_hand(double *accuracy, const double *p,
             const struct dpo_task_options *o)
{
    const double beta = o->loss.beta, e = o->loss.smoothing;
    double sum = 0.0, said = 0.0, tokens = 0.0;

    *accuracy = 0.0;
    for (int i = 0; i < PAIRS; i++) {
        const int64_t c = list[i].chosen, r = list[i].rejected;
        const double nc = (double)w.answers.list[c].n;
        const double nr = (double)w.answers.list[r].n;
        const double hc = p[c] - w.base[c], hr = p[r] - w.base[r];
        const double z = beta * (hc - hr);
        const double right =
            list[i].label * (1.0 - e) + (1.0 - list[i].label) * e;
        const double off = hc / nc - hr / nr - 1.0 / (2.0 * beta);

        if (o->loss.loss == PREFERENCE_SIGMOID)
            sum -= right * logistic_log(z) + (1.0 - right) * logistic_log(-z);
        else if (o->loss.loss == PREFERENCE_IPO)
            sum += off * off;
        else
            sum += z < 1.0 ? 1.0 - z : 0.0;
        *accuracy += (hc > hr) / (double)PAIRS;
        said += p[c];
        tokens += nc;
    }
    return sum - o->sft_weight * PAIRS * said / tokens;
}

static void
test_prefer_loss_is_its_formula(void **state)
{
    static const enum preference_loss losses[] = {
        PREFERENCE_SIGMOID, PREFERENCE_IPO, PREFERENCE_HINGE};

    (void)state;
    for (int i = 0; i < 3; i++) {
        const struct run_figure *f;
        struct run_task task;
        struct dpo_task t;
        struct rng r;
        double p[WORLD_ALL], loss = 0, weight = 0, tokens = 0, accuracy, want;
        trv_err err = {0};

        begin(&t, &task, losses[i], PAIRS, 100);
        t.opts.loss.smoothing = i == 0 ? 0.1 : 0.0;
        t.opts.sft_weight = 0.1 * i;
        rng_init(&r, 3, 3);
        for (int64_t k = 0; k < task.n; k++)
            task.w[k] += 0.08f * (float)rng_normal(&r);
        if (task.after_update(task.of, &err) ||
            task.begin_step(&t, 0, &tokens, &err) ||
            task.gradient(&t, 0, 0, &loss, &weight, &tokens, &err))
            fail_msg("%s", err.msg);
        world_logp(&w, p, &w.student);
        want = loss_by_hand(&accuracy, p, &t.opts);
        assert_close(loss, want, 1e-5 * want); // of f32 values
        assert_close(weight, PAIRS, 0);
        assert_int_equal(task.figures(&t, &f), DPO_FIGURES);
        assert_close(f[DPO_ACCURACY].value, accuracy, 1e-3); // near ties
        assert_true(fabs(accuracy - 0.5) > 0.01);
        dpo_task_release(&t);
    }
}

/* ---- ORPO, whose loss is one of the policy alone ------------------------ */

#define FEW 800 // pairs, all of them in each step

/* ORPO's loss of pairs under log p [WORLD_ALL], as its paper writes it; d: its
 * slopes there, set. */
static double
orpo_by_hand(double *d, const double *logp, double beta)
{
    double nll = 0.0, odds = 0.0, tokens = 0.0;

    memset(d, 0, WORLD_ALL * sizeof(*d));
    for (int i = 0; i < FEW; i++)
        tokens += (double)w.answers.list[list[i].chosen].n;
    for (int i = 0; i < FEW; i++) {
        const int64_t c = list[i].chosen, r = list[i].rejected;
        const double nc = (double)w.answers.list[c].n;
        const double nr = (double)w.answers.list[r].n;
        const double a = exp(logp[c] / nc), b = exp(logp[r] / nr);
        const double ratio = a / (1.0 - a) / (b / (1.0 - b));

        nll -= logp[c] / tokens;
        odds += log(1.0 + 1.0 / ratio) / FEW;
        d[c] -= 1.0 / tokens + beta / FEW / (1.0 + ratio) / (1.0 - a) / nc;
        d[r] += beta / FEW / (1.0 + ratio) / (1.0 - b) / nr;
    }
    return nll + beta * odds;
}

/* The least loss of any distribution over the answers: Adam on the logits of
 * all answers to each input, from the base. */
static double
orpo_minimum(double *logp, double beta)
{
    static double z[WORLD_ALL], m[WORLD_ALL], v[WORLD_ALL], d[WORLD_ALL];
    double loss = 0.0;

    memcpy(z, w.base, sizeof(z));
    memset(m, 0, sizeof(m));
    memset(v, 0, sizeof(v));
    for (int step = 1; step <= 6000; step++) {
        const double lr = 0.05 * (1.0 - step / 6001.0);

        for (int64_t x = 0; x < WORLD_ALL; x += WORLD_EACH) {
            double sum = 0.0;

            for (int64_t i = x; i < x + WORLD_EACH; i++)
                sum += exp(z[i]);
            for (int64_t i = x; i < x + WORLD_EACH; i++)
                logp[i] = z[i] - log(sum);
        }
        loss = orpo_by_hand(d, logp, beta);
        for (int64_t i = 0; i < WORLD_ALL; i++) {
            const int64_t x = i - i % WORLD_EACH;
            double g = d[i];

            for (int64_t k = x; k < x + WORLD_EACH; k++)
                g -= d[k] * exp(logp[i]);
            m[i] = 0.9 * m[i] + 0.1 * g;
            v[i] = 0.999 * v[i] + 0.001 * g * g;
            z[i] -= lr * m[i] / (1.0 - pow(0.9, step)) /
                    (sqrt(v[i] / (1.0 - pow(0.999, step))) + 1e-12);
        }
    }
    return loss;
}

/* Pairs of any two answers, the better one by a draw, as people with this
 * reward would choose: so the best odds are finite, and near-certain tokens,
 * which a model of width 16 cannot say, are not what is best. */
static void
make_few(void)
{
    struct rng r;

    rng_init(&r, 29, 9);
    for (int n = 0; n < FEW;) {
        const int64_t x = n % WORLD_INPUTS * WORLD_EACH;
        const int64_t i = x + rng_below(&r, WORLD_EACH);
        const int64_t k = x + rng_below(&r, WORLD_EACH);
        const bool first =
            rng_uniform(&r) < logistic(w.reward[i] - w.reward[k]);

        if (i != k)
            list[n++] = (struct preference){first ? i : k, first ? k : i, 1.0};
    }
}

static double
mean_log_odds_ratio(const double *logp)
{
    double sum = 0.0;

    for (int i = 0; i < FEW; i++) {
        const struct answer *c = &w.answers.list[list[i].chosen];
        const struct answer *r = &w.answers.list[list[i].rejected];
        const double a = exp(logp[list[i].chosen] / (double)c->n);
        const double b = exp(logp[list[i].rejected] / (double)r->n);

        sum += log(a / (1.0 - a)) - log(b / (1.0 - b));
    }
    return sum / FEW;
}

static void
test_prefer_by_orpo_reaches_the_least_loss_of_any_distribution(void **state)
{
    struct run_options run = RUN_OPTIONS_INIT;
    double p[WORLD_ALL], best[WORLD_ALL], d[WORLD_ALL];
    double loss = 0, weight = 0, tokens = 0, least, begun, by_hand;
    struct run_result result;
    struct run_task task;
    struct dpo_task t;
    trv_err err = {0};

    (void)state;
    run.steps = 800;
    run.lr = 0.03;
    begin(&t, &task, PREFERENCE_ORPO, FEW, run.steps);
    make_few();
    t.n = FEW;
    shuffle_release(&t.shuffle);
    assert_int_equal(shuffle_init(&t.shuffle, FEW, 0, &err), 0);
    assert_null(t.ref); // no reference is scored
    least = orpo_minimum(best, w.beta);
    begun = orpo_by_hand(d, w.base, w.beta);
    if (run_train(&result, &task, &run, w.s->be, NULL, NULL, &err))
        fail_msg("%s", err.msg);
    world_logp(&w, p, &w.student);
    by_hand = orpo_by_hand(d, p, w.beta);
    assert_int_equal(task.begin_step(&t, 0, &tokens, &err), 0);
    assert_int_equal(task.gradient(&t, 0, 0, &loss, &weight, &tokens, &err), 0);
    print_message("loss %.5f, least %.5f, from %.5f; log odds ratio %.4f, "
                  "from %.4f, at the least %.4f\n",
                  by_hand, least, begun, mean_log_odds_ratio(p),
                  mean_log_odds_ratio(w.base), mean_log_odds_ratio(best));
    assert_close(loss / weight, by_hand, 1e-5); // a handful of f32
    assert_true(begun - least > 0.5);
    assert_true(by_hand > least - 1e-5);
    /* What is left, 0.6 %, are answers that no pair prefers: the model, whose
     * logits are bounded, does not bring them to 0. */
    assert_true(by_hand < least + 0.01 * (begun - least));
    assert_true(mean_log_odds_ratio(p) > mean_log_odds_ratio(w.base) + 0.1);
    dpo_task_release(&t);
}

static void
test_prefer_begins_at_log_2_with_no_reward(void **state)
{
    const struct run_figure *f;
    struct run_task task;
    struct dpo_task t;
    double loss = 0, weight = 0, tokens = 0;
    trv_err err = {0};

    (void)state;
    begin(&t, &task, PREFERENCE_SIGMOID, 8, 100);
    assert_int_equal(task.begin_step(&t, 0, &tokens, &err), 0);
    assert_int_equal(task.gradient(&t, 0, 0, &loss, &weight, &tokens, &err), 0);
    assert_close(loss / weight, log(2.0), 1e-6);
    assert_int_equal(task.figures(&t, &f), DPO_FIGURES);
    assert_string_equal(f[DPO_CHOSEN].name, "rewards/chosen");
    assert_close(f[DPO_CHOSEN].value, 0.0, 1e-6);
    assert_close(f[DPO_REJECTED].value, 0.0, 1e-6);
    assert_true(f[DPO_LOGP_CHOSEN].value < 0.0);
    dpo_task_release(&t);
}

static void
test_prefer_scores_the_reference_without_the_student(void **state)
{
    struct run_task task;
    struct dpo_task t;
    trv_err err = {0};

    (void)state;
    begin(&t, &task, PREFERENCE_SIGMOID, 8, 100);
    dpo_task_release(&t);
    for (int64_t i = 0; i < w.student.lora.n; i++)
        w.student.lora.w[i] += 0.3f;
    assert_int_equal(adapter_weights_refresh(&w.student, w.s->be, &err), 0);
    assert_int_equal(dpo_task_init(&t, &task, &err), 0);
    for (int64_t i = 0; i < WORLD_ALL; i++)
        if (!isnan(t.ref[i]))
            assert_close(t.ref[i], w.base[i], 1e-5);
    dpo_task_release(&t);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_prefer_reaches_the_optimum_of_the_reward),
        cmocka_unit_test(
            test_prefer_gradient_equals_central_difference_for_every_loss),
        cmocka_unit_test(test_prefer_loss_is_its_formula),
        cmocka_unit_test(
            test_prefer_by_orpo_reaches_the_least_loss_of_any_distribution),
        cmocka_unit_test(test_prefer_begins_at_log_2_with_no_reward),
        cmocka_unit_test(test_prefer_scores_the_reference_without_the_student),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
