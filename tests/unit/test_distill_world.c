/* test_distill_world.c -- the losses of distillation in the world where all
 * answers are counted: on given answers they are sums, and on the student's own
 * their mean is one.
 */
#include "support/test.h"

#include <math.h>

#include "support/exact.h"
#include "transform/imitate/distill.h"

#define PROMPT "prompt:bdb"
#define ROWS 16384 // of an on-policy step

static struct world w;
static struct adaptation *from;
static struct answers answers; // the world's, with the teacher's contexts
static exact_steps teacher, student;
static double logp[WORLD_ALL]; // of the student

static void
must(int rc, const trv_err *err)
{
    if (rc)
        fail_msg("%s", err->msg);
}

static int
set_up(void **state)
{
    double said[WORLD_ALL];
    struct rng r;
    trv_err err = {0};

    (void)state;
    world_open(&w, "distill_world", 1.0);
    must(adaptation_open(&from, w.s->model, NULL, PROMPT, true, &err), &err);
    rng_init(&r, 8, 3);
    for (int64_t i = 0; i < w.student.lora.n; i++)
        w.student.lora.w[i] += 0.08f * (float)rng_normal(&r);
    must(adapter_weights_refresh(&w.student, w.s->be, &err), &err);
    exact_prompt(&w, said, "bdb");
    exact_split(&w, teacher, said);
    world_logp(&w, logp, &w.student);
    exact_split(&w, student, logp);
    must(answers_contexts(&answers, w.s, from, &w.student, &w.in, WORLD_LENGTH,
                          &err),
         &err);
    answers.list = w.answers.list; // borrowed
    answers.n = WORLD_ALL;
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    answers.list = NULL;
    answers.n = 0;
    answers_release(&answers);
    adaptation_free(from);
    world_close(&w);
    return 0;
}

static double
divergence(enum divergence kind, const double *lp, const double *lq)
{
    double sum = 0.0;

    for (int v = 0; v < WORLD_TOKENS; v++) {
        const double p = exp(lp[v]), q = exp(lq[v]), m = 0.5 * (p + q);

        if (kind == DIV_FORWARD)
            sum += p * (lp[v] - lq[v]);
        else if (kind == DIV_REVERSE)
            sum += q * (lq[v] - lp[v]);
        else
            sum += 0.5 * (p * (lp[v] - log(m)) + q * (lq[v] - log(m)));
    }
    return sum;
}

/* The loss of one answer. */
static double
loss_of(int64_t y, const struct distill_options *o)
{
    double sum = 0.0;

    for (int64_t k = 0; k < w.answers.list[y].n; k++)
        sum += divergence(o->divergence, teacher[y][k], student[y][k]);
    return o->hard ? -logp[y] : sum;
}

/* One step's loss and weight, of all its rows. */
static double
step_loss(double *weight, const struct distill_options *o, int64_t step)
{
    struct distill t = {
        .s = w.s, .answers = &answers, .student = &w.student, .opts = *o};
    struct run_task task;
    double loss = 0.0, tokens = 0.0;
    trv_err err = {0};

    *weight = 0.0;
    must(distill_init(&t, &task, &err), &err);
    must(task.begin_step(task.self, step, &tokens, &err), &err);
    for (int64_t micro = 0; micro < o->accumulate; micro++)
        must(
            task.gradient(task.self, step, micro, &loss, weight, &tokens, &err),
            &err);
    distill_release(&t);
    return loss;
}

/* A step of as many rows as there are answers takes each of them once. */
static void
test_distill_loss_of_all_answers_is_their_sum(void **state)
{
    double n = 0.0;

    (void)state;
    for (int64_t y = 0; y < WORLD_ALL; y++)
        n += (double)w.answers.list[y].n;
    for (int kind = 0; kind < 4; kind++) {
        const struct distill_options o = {
            .hard = kind == 3,
            .divergence = kind < 3 ? (enum divergence)kind : DIV_FORWARD,
            .batch = WORLD_ALL,
            .accumulate = 4,
            .max_tokens = WORLD_LENGTH};
        double want = 0.0, weight, got = step_loss(&weight, &o, 1);

        for (int64_t y = 0; y < WORLD_ALL; y++)
            want += loss_of(y, &o);
        assert_close(weight, n, 0);
        assert_close(got, want, 1e-5 * want); // of f32 values, 900 of them
    }
}

/* The mean over answers that the student draws; four standard errors of it,
 * from the exact variance. */
static void
test_distill_on_policy_loss_is_along_the_students_answers(void **state)
{
    (void)state;
    for (int kind = DIV_FORWARD; kind <= DIV_JSD; kind++) {
        const struct distill_options o = {.divergence = (enum divergence)kind,
                                          .on_policy = 1.0,
                                          .batch = ROWS,
                                          .accumulate = 16,
                                          .max_tokens = WORLD_LENGTH,
                                          .seed = 4};
        double mean = 0.0, square = 0.0, length = 0.0, given = 0.0, bound;
        double weight, got;

        for (int64_t y = 0; y < WORLD_ALL; y++) {
            const double p = exp(logp[y]) / WORLD_INPUTS, l = loss_of(y, &o);

            mean += p * l;
            square += p * l * l;
            length += p * (double)w.answers.list[y].n;
            given += l / WORLD_ALL; // on the answers of the list
        }
        bound = 4.0 * sqrt((square - mean * mean) / ROWS);
        got = step_loss(&weight, &o, 3) / ROWS;
        print_message("divergence %d: %.4f, exactly %.4f within %.4f; on the "
                      "given answers %.4f\n",
                      kind, got, mean, bound, given);
        assert_true(fabs(given - mean) > 2.0 * bound);
        assert_close(got, mean, bound);
        /* Lengths lie between 1 and 3, so their variance is below 1. */
        assert_close(weight / ROWS, length, 4.0 / sqrt(ROWS));
    }
}

/* The mean a token of the last answers of the list. */
static void
test_distill_loss_is_looked_at_on_the_last_answers(void **state)
{
    const struct distill_options o = {.accumulate = 1};
    struct distill t = {
        .s = w.s, .answers = &answers, .student = &w.student, .opts = o};
    struct run_task task;
    double want = 0.0, n = 0.0, got;
    trv_err err = {0};

    (void)state;
    for (int64_t y = WORLD_ALL - 40; y < WORLD_ALL; y++) {
        want += loss_of(y, &o);
        n += (double)w.answers.list[y].n;
    }
    must(distill_init(&t, &task, &err), &err);
    must(distill_loss(&t, &got, 40, &err), &err);
    assert_close(got, want / n, 1e-5);
    distill_release(&t);
}

/* The share of steps that draw; and each step draws anew. */
static void
test_distill_on_policy_steps_are_the_share_asked_for(void **state)
{
    struct distill_options o = {.batch = 64,
                                .accumulate = 1,
                                .max_tokens = WORLD_LENGTH,
                                .on_policy = 0.3};
    struct distill t = {.opts = o};
    double n = 0.0, weight, first, second;

    (void)state;
    for (int64_t step = 0; step < 10000; step++)
        n += distill_is_on_policy(&t, step);
    assert_close(n / 10000.0, 0.3, 4.0 * sqrt(0.3 * 0.7 / 10000.0));
    t.opts.on_policy = 0.0;
    for (int64_t step = 0; step < 1000; step++)
        assert_false(distill_is_on_policy(&t, step));
    o.on_policy = 1.0;
    answers.n = 1; // one context, so only the draws differ
    first = step_loss(&weight, &o, 0);
    second = step_loss(&weight, &o, 1);
    assert_true(fabs(first - second) > 1e-3);
    assert_close(step_loss(&weight, &o, 0), first, 0);
    answers.n = WORLD_ALL;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_distill_loss_of_all_answers_is_their_sum),
        cmocka_unit_test(
            test_distill_on_policy_loss_is_along_the_students_answers),
        cmocka_unit_test(test_distill_loss_is_looked_at_on_the_last_answers),
        cmocka_unit_test(test_distill_on_policy_steps_are_the_share_asked_for),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
