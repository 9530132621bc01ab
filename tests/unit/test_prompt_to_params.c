/* test_prompt_to_params.c -- whole conversions of a prompt in a world where all
 * answers are counted: the optimum of every method is the prompt's own
 * distribution.
 */
#include "support/test.h"

#include <math.h>
#include <string.h>

#include "support/exact.h"
#include "transform/imitate/solve.h"

#define PROMPT "prompt:bdb"

static struct world w;
static double wanted[WORLD_ALL]; // log p of the answers under the prompt

static int
set_up(void **state)
{
    (void)state;
    world_open(&w, "p2p_world", 1.0);
    exact_prompt(&w, wanted, "bdb");
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

    o.samples = 2048; // each beginning that matters is among them
    if (strcmp(method, "solve") == 0)
        return o;
    o.learn.batch = 128;
    o.learn.steps = 200;
    o.learn.lr = 0.01;
    return o;
}

static void
reaches(const char *to, const char *what, const trv_convert_options *o,
        double bound)
{
    double p[WORLD_ALL];

    exact_convert(&w, PROMPT, to, o);
    exact_logp(&w, p, to);
    exact_assert_reached(&w, what, wanted, p, bound);
}

static void
test_prompt_to_params_distill_reaches_the_prompt_by_every_divergence(
    void **state)
{
    static const char *const divergences[] = {"forward", "reverse", "jsd"};

    (void)state;
    for (int k = 0; k < 3; k++)
        for (int own = 0; own < 2; own++) {
            trv_convert_options o = options("distill");
            char what[80];

            o.divergence = divergences[k];
            o.on_policy = own;
            snprintf(what, sizeof(what), "%s, on-policy %d", divergences[k],
                     own);
            reaches("lora:%/distilled", what, &o, 0.01);
        }
}

static void
test_prompt_to_params_distill_into_bottlenecks_reaches_the_prompt(void **state)
{
    trv_convert_options o = options("distill");

    (void)state;
    o.bottleneck.size = 32;
    o.learn.lr = 0.02;
    reaches("adapter:%/bottlenecks", "adapter", &o, 0.01);
}

/* The answers are a sample: the likeliest distribution under n of them is about
 * (free parameters) / 2n nats away, and there are 155 for each of two inputs
 * that have n/2 answers each. */
static void
test_prompt_to_params_sft_reaches_the_prompt(void **state)
{
    trv_convert_options o = options("sft");

    (void)state;
    o.samples = 32768; // 155 / 32768 = 0.005
    o.learn.batch = 1024;
    reaches("lora:%/sft", "sft", &o, 0.01);
}

/* Answers of two tokens have 2 * (1 + 5) positions, fewer than a map has
 * inputs: the least squares have no rest, and what keeps the two apart is the
 * ridge alone. */
static void
test_prompt_to_params_solve_is_exact_but_for_its_ridge(void **state)
{
    static const double ridges[] = {1e-5, SOLVE_RIDGE};
    static const double bounds[] = {1e-5, 0.01};
    struct adaptation *from;
    struct answers answers = {0};
    double p[WORLD_ALL];
    trv_err err = {0};

    (void)state;
    assert_int_equal(
        adaptation_open(&from, w.s->model, NULL, PROMPT, true, &err), 0);
    assert_int_equal(answers_contexts(&answers, w.s, from, &w.student, &w.in,
                                      WORLD_LENGTH, &err),
                     0);
    answers.list = mem_calloc(WORLD_ALL, sizeof(*answers.list));
    for (int64_t i = 0; i < WORLD_ALL; i++) {
        struct answer *y = &answers.list[answers.n++];

        *y = w.answers.list[i]; // its ids are borrowed
        y->n = y->n < 2 ? y->n : 2;
    }
    for (int k = 0; k < 2; k++) {
        const struct solve_options o = {.ridge = ridges[k]};
        struct solve_result got;
        double kl;

        world_reset_student(&w);
        if (solve_run(w.s, &got, &w.student, &answers, &o, &err))
            fail_msg("%s", err.msg);
        world_logp(&w, p, &w.student);
        kl = exact_kl_cut(&w, wanted, p, 2);
        print_message("ridge %g: KL %.7f of %.3f\n", ridges[k], kl,
                      exact_kl_cut(&w, wanted, w.base, 2));
        assert_true(kl < bounds[k]);
    }
    answers.n = 0;
    answers_release(&answers);
    adaptation_free(from);
}

/* Answers of three tokens have 62 positions for 16 and 32 inputs of a map, so a
 * rest is left, which steps then learn: fewer than from nothing. */
static void
test_prompt_to_params_solve_closes_the_gap_and_steps_the_rest(void **state)
{
    trv_convert_options o = options("solve");
    double p[WORLD_ALL];

    (void)state;
    exact_convert(&w, PROMPT, "lora:%/solved", &o);
    exact_logp(&w, p, "lora:%/solved");
    print_message("solve: KL %.5f of %.3f\n", world_kl(wanted, p),
                  world_kl(wanted, w.base));
    assert_true(world_kl(wanted, p) < 0.02 * world_kl(wanted, w.base));
    o = options("distill");
    o.init = "solve";
    reaches("lora:%/solved", "distill from solve", &o, 0.005);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            test_prompt_to_params_distill_reaches_the_prompt_by_every_divergence),
        cmocka_unit_test(
            test_prompt_to_params_distill_into_bottlenecks_reaches_the_prompt),
        cmocka_unit_test(test_prompt_to_params_sft_reaches_the_prompt),
        cmocka_unit_test(
            test_prompt_to_params_solve_is_exact_but_for_its_ridge),
        cmocka_unit_test(
            test_prompt_to_params_solve_closes_the_gap_and_steps_the_rest),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
