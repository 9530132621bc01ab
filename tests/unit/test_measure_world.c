/* test_measure_world.c -- whole measurements between different sides in the
 * world where all answers are counted: every figure is its exact sum, but for
 * the chance of the draw, which its own standard error bounds.
 *
 * A figure of this many inputs lies beyond four errors once in 16,000; the seed
 * is fixed. Each error is far smaller than what the figures differ by.
 */
#include "support/test.h"

#include <math.h>
#include <string.h>

#include "measure/examples.h"
#include "measure/measure.h"
#include "support/ruler.h"

#define INPUTS 4000
#define CANDIDATES 3
#define TASK "ratio:beta=0.5,prompt:ca"

static struct ruler r;

static int
set_up(void **state)
{
    (void)state;
    ruler_open(&r, "measure_world", INPUTS);
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    ruler_close(&r);
    return 0;
}

static trv_measure_options
options(void)
{
    trv_measure_options o = TRV_MEASURE_OPTIONS_INIT;

    o.inputs = o.control = r.file;
    o.max_inputs = INPUTS;
    o.max_tokens = WORLD_LENGTH;
    o.candidates = CANDIDATES;
    o.seed = 8;
    return o;
}

static trv_measurement
measure_with(const char *source, const char *target, const char *task,
             const trv_measure_options *o)
{
    struct adaptation *a = ruler_spec(&r, source);
    struct adaptation *b = ruler_spec(&r, target);
    struct adaptation *t = task ? ruler_spec(&r, task) : NULL;
    trv_measurement m;
    trv_err err = {0};

    if (measure_run(r.w.s, &m, NULL, a, b, true, t, o, NULL, NULL, &err))
        fail_msg("%s", err.msg);
    adaptation_free(t);
    adaptation_free(b);
    adaptation_free(a);
    return m;
}

static trv_measurement
measure(const char *source, const char *target, const char *task)
{
    const trv_measure_options o = options();

    return measure_with(source, target, task, &o);
}

static void
check(const char *name, const trv_figure *got, double want)
{
    print_message("%-14s %9.5f +- %.5f, exactly %9.5f\n", name, got->mean,
                  got->stderr_, want);
    assert_true(got->n > INPUTS / 2);
    assert_true(got->stderr_ > 0.0 && got->stderr_ < 0.04);
    assert_close(got->mean, want, 4.0 * got->stderr_);
    /* Of so many inputs every interval is nearly the symmetric one. */
    assert_close(got->low, got->mean - 1.96 * got->stderr_, 0.1 * got->stderr_);
    assert_close(got->high, got->mean + 1.96 * got->stderr_,
                 0.1 * got->stderr_);
}

/* The mean over the inputs and the answers of `from` of a value of answers. */
static double
expect(enum side from,
       double (*of)(const struct ruler *, int64_t, enum side, enum side),
       enum side p, enum side q)
{
    double sum = 0.0;

    for (int64_t y = 0; y < WORLD_ALL; y++)
        sum += exp(r.logp[from][y]) * of(&r, y, p, q);
    return sum / WORLD_INPUTS;
}

static double
expect_of(enum side from, const double *value)
{
    double sum = 0.0;

    for (int64_t y = 0; y < WORLD_ALL; y++)
        sum += exp(r.logp[from][y]) * value[y];
    return sum / WORLD_INPUTS;
}

/* All three candidates: two of the base, one of `second`. */
static struct ruler_ranks
expect_ranks(enum side second)
{
    const double *p0 = r.logp[SIDE_BASE], *p1 = r.logp[second];
    double a[WORLD_ALL], b[WORLD_ALL];
    struct ruler_ranks sum = {0};

    for (int64_t y = 0; y < WORLD_ALL; y++) {
        a[y] = ruler_score(&r, y, SIDE_A);
        b[y] = ruler_score(&r, y, SIDE_B);
    }
    for (int64_t i = 0; i < WORLD_ALL; i++) {
        const int64_t from = i - i % WORLD_EACH;

        for (int64_t j = from; j < from + WORLD_EACH; j++)
            for (int64_t l = from; l < from + WORLD_EACH; l++) {
                const double of_a[] = {a[i], a[j], a[l]};
                const double of_b[] = {b[i], b[j], b[l]};

                ruler_ranks_add(&sum, of_a, of_b, CANDIDATES,
                                exp(p0[i] + p0[j] + p1[l]));
            }
    }
    return sum;
}

static void
check_ranks(const trv_measurement *m, enum side second)
{
    const struct ruler_ranks want = expect_ranks(second);

    check("rank_tau", &m->rank_tau, ruler_tau(&want));
    check("pair_accuracy", &m->pair_accuracy, ruler_pairs(&want));
    check("pearson", &m->pearson, ruler_pearson(&want));
}

static void
test_measure_figures_between_two_sides_are_their_exact_sums(void **state)
{
    const double there = expect(SIDE_A, ruler_kl, SIDE_A, SIDE_B);
    const double far = expect(SIDE_A, ruler_kl, SIDE_A, SIDE_BASE);
    const double agree = expect(SIDE_A, ruler_agree, SIDE_A, SIDE_B);
    trv_measurement m = measure("prompt:bdb", "lora:%/moved", TASK);
    double task[WORLD_ALL];

    (void)state;
    exact_reward(&r.w, task, TASK, WORLD_LENGTH);
    check("kl_forward", &m.kl_forward, there);
    check("kl_reverse", &m.kl_reverse,
          expect(SIDE_B, ruler_kl, SIDE_B, SIDE_A));
    check("kl_base", &m.kl_base, far);
    check("gap_closed", &m.gap_closed, 1.0 - there / far);
    check("top1_agreement", &m.top1_agreement, agree);
    assert_true(agree > 0.1 && agree < 0.9); // it says something
    check("drift", &m.drift, expect(SIDE_BASE, ruler_kl, SIDE_BASE, SIDE_B));
    check("drift_source", &m.drift_source,
          expect(SIDE_BASE, ruler_kl, SIDE_BASE, SIDE_A));
    check("task_base", &m.task_base, expect_of(SIDE_BASE, task));
    check("task_gain", &m.task_gain,
          expect_of(SIDE_B, task) - expect_of(SIDE_BASE, task));
    check("task_source", &m.task_source, expect_of(SIDE_A, task));
    check("task_target", &m.task_target, expect_of(SIDE_B, task));
    check_ranks(&m, SIDE_A);
    trv_measurement_release(&m);
}

/* A reward has no answers: the candidates are the base's and the target's, and
 * the source is the task. */
static void
test_measure_a_reward_against_what_acts_is_its_exact_sum(void **state)
{
    trv_measurement m = measure("ratio:prompt:bdb", "lora:%/moved", NULL);
    double task[WORLD_ALL];

    (void)state;
    exact_reward(&r.w, task, "ratio:prompt:bdb", WORLD_LENGTH);
    assert_int_equal(m.kl_forward.n + m.kl_reverse.n + m.gap_closed.n +
                         m.top1_agreement.n,
                     0);
    check_ranks(&m, SIDE_B);
    assert_int_equal(m.drift.n, 0); // it is meant to move
    check("task_base", &m.task_base, expect_of(SIDE_BASE, task));
    assert_int_equal(m.task_source.n, 0);
    check("task_target", &m.task_target, expect_of(SIDE_B, task));
    trv_measurement_release(&m);
}

static void
test_measure_two_rewards_are_compared_on_answers_of_the_base(void **state)
{
    trv_measurement m = measure("ratio:prompt:bdb", "ratio:lora:%/moved", NULL);

    (void)state;
    check_ranks(&m, SIDE_BASE);
    assert_int_equal(m.drift.n, 0); // it does not act
    assert_int_equal(m.task_target.n, 0);
    trv_measurement_release(&m);
}

/* The error of a mean over inputs of the mean reward of k answers to each. */
static double
task_error(enum side side, const double *value, double k)
{
    double within = 0.0, mean[WORLD_INPUTS] = {0.0}, between;

    for (int x = 0; x < WORLD_INPUTS; x++) {
        double square = 0.0;

        for (int64_t y = x * WORLD_EACH; y < (x + 1) * WORLD_EACH; y++) {
            mean[x] += exp(r.logp[side][y]) * value[y];
            square += exp(r.logp[side][y]) * value[y] * value[y];
        }
        within += (square - mean[x] * mean[x]) / WORLD_INPUTS;
    }
    between = 0.5 * (mean[0] - mean[1]);
    return sqrt((within / k + between * between) / INPUTS);
}

/* As many answers of each side as there are candidates of the source, which
 * shows in the errors; of 4000 inputs these are good to some per cent. */
static void
test_measure_a_task_takes_as_many_answers_of_each_side(void **state)
{
    trv_measure_options o = options();
    trv_measurement m;
    double task[WORLD_ALL];

    (void)state;
    o.candidates = 8;
    m = measure_with("prompt:bdb", "lora:%/moved", TASK, &o);
    exact_reward(&r.w, task, TASK, WORLD_LENGTH);
    assert_close(m.task_base.stderr_ / task_error(SIDE_BASE, task, 4), 1, 0.1);
    assert_close(m.task_source.stderr_ / task_error(SIDE_A, task, 4), 1, 0.1);
    assert_close(m.task_target.stderr_ / task_error(SIDE_B, task, 4), 1, 0.1);
    assert_true(task_error(SIDE_B, task, 1) >
                1.3 * task_error(SIDE_B, task, 4));
    trv_measurement_release(&m);
}

/* What a conversion samples under the same seed was learned from. */
static void
test_measure_inputs_are_not_those_of_a_conversion(void **state)
{
    trv_measure_options o = options();
    struct inputs learned;
    trv_measurement m;
    int same = 0;
    trv_err err = {0};

    (void)state;
    o.inputs = NULL;
    o.max_inputs = o.examples = 20;
    m = measure_with("base", "prompt:b", NULL, &o);
    if (inputs_open(&learned, r.w.s,
                    &(struct inputs_options){
                        .use = INPUTS_LEARN, .want = 20, .seed = o.seed},
                    &err))
        fail_msg("%s", err.msg);
    assert_true(m.n_examples >= 10);
    for (int i = 0; i < m.n_examples; i++) {
        trv_example of_row = {0};

        if (examples_input(&of_row, &learned.data.rows[i], &err))
            fail_msg("%s", err.msg);
        same += strcmp(of_row.input, m.examples[i].input) == 0;
        mem_free(of_row.input);
    }
    assert_true(same < 5); // of few letters, some are equal by chance
    inputs_release(&learned);
    trv_measurement_release(&m);
}

/* Without a target its answers alone, beside the base's: the same figures as
 * with one. */
static void
test_measure_a_source_alone_is_its_exact_reward(void **state)
{
    const trv_measure_options o = options();
    struct adaptation *a = ruler_spec(&r, "prompt:bdb");
    struct adaptation *task = ruler_spec(&r, TASK);
    trv_measurement m, both = measure("prompt:bdb", "lora:%/moved", TASK);
    double reward[WORLD_ALL];
    trv_err err = {0};

    (void)state;
    exact_reward(&r.w, reward, TASK, WORLD_LENGTH);
    if (measure_run(r.w.s, &m, NULL, a, NULL, false, task, &o, NULL, NULL,
                    &err))
        fail_msg("%s", err.msg);
    check("task_source", &m.task_source, expect_of(SIDE_A, reward));
    check("task_gain", &m.task_gain,
          expect_of(SIDE_A, reward) - expect_of(SIDE_BASE, reward));
    for (int64_t y = 0; y < WORLD_ALL; y++)
        reward[y] = (double)r.w.answers.list[y].n;
    check("tokens_source", &m.tokens_source, expect_of(SIDE_A, reward));
    check("tokens_base", &m.tokens_base, expect_of(SIDE_BASE, reward));
    assert_int_equal(m.tokens_target.n, 0);
    assert_int_equal(m.kl_base.n + m.pearson.n + m.drift.n + m.task_target.n,
                     0);
    assert_close(m.task_source.mean, both.task_source.mean, 0.08);
    assert_true(m.cost.tokens < 0.4 * both.cost.tokens);
    trv_measurement_release(&both);
    trv_measurement_release(&m);
    adaptation_free(task);
    adaptation_free(a);
}

/* Keys and values of further tokens, or the weights of a LoRA, in f32. */
static void
test_measure_cost_counts_what_a_token_reads(void **state)
{
    const struct model_config *cfg = &r.w.s->model->cfg;
    const double of_token =
        2.0 * 4.0 * (double)(cfg->layers * cfg->kv_heads * cfg->head_dim);
    trv_measurement m = measure("lora:%/moved", "prompt:bdb", NULL), again;

    (void)state;
    assert_close(m.cost.added_bytes_per_token, 3.0 * of_token,
                 1e-9);                         // a mean over the inputs
    assert_int_equal(m.cost.artefact_bytes, 3); // its text
    again = measure("lora:%/moved", "prompt:bdb", NULL);
    assert_true(m.cost.tokens > INPUTS && m.cost.flop > 0);
    assert_close(again.cost.tokens, m.cost.tokens, 0); // its own alone
    assert_close(again.cost.flop / m.cost.flop, 1.0, 1e-9);
    trv_measurement_release(&again);
    trv_measurement_release(&m);
    m = measure("prompt:bdb", "lora:%/moved", NULL);
    assert_close(m.cost.added_bytes_per_token,
                 4.0 * (double)adapter_weights_flat(&r.w.student).n, 0);
    trv_measurement_release(&m);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            test_measure_figures_between_two_sides_are_their_exact_sums),
        cmocka_unit_test(
            test_measure_a_reward_against_what_acts_is_its_exact_sum),
        cmocka_unit_test(
            test_measure_two_rewards_are_compared_on_answers_of_the_base),
        cmocka_unit_test(
            test_measure_a_task_takes_as_many_answers_of_each_side),
        cmocka_unit_test(test_measure_a_source_alone_is_its_exact_reward),
        cmocka_unit_test(test_measure_inputs_are_not_those_of_a_conversion),
        cmocka_unit_test(test_measure_cost_counts_what_a_token_reads),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
