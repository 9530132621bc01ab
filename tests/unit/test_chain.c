/* test_chain.c -- round trips in a world where all answers are counted: what
 * comes back is the distribution that set out.
 */
#include "support/test.h"

#include <math.h>
#include <string.h>

#include "support/exact.h"

static struct world w;
static double moved[WORLD_ALL], said[WORLD_ALL]; // log p: a LoRA, a prompt

static int
set_up(void **state)
{
    (void)state;
    world_open(&w, "chain_world", 1.0);
    exact_save(&w, "moved", KIND_LORA, 0, 0.085, 31);
    exact_logp(&w, moved, "lora:%/moved");
    exact_prompt(&w, said, "c");
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
goes_round(const char *what, const char *from, const char *to,
           const double *wanted, const trv_convert_options *o)
{
    double p[WORLD_ALL];

    exact_convert(&w, from, to, o);
    exact_logp(&w, p, to);
    exact_assert_reached(&w, what, wanted, p, 0.01);
}

/* Pairs of the base's own answers, marked by the log-ratio. */
static trv_convert_options
by_preference(const char *via)
{
    trv_convert_options o = exact_options(&w, ",dpo");

    o.via = via;
    o.beta = 1.0;
    o.group = 32;
    o.samples = 8192;
    o.pairing = "all";
    o.learn.lr = 0.02;
    o.learn.steps = 400;
    o.learn.batch = 256;
    return o;
}

static void
test_chain_parameters_through_a_reward_come_back(void **state)
{
    const trv_convert_options o = by_preference("ratio");

    (void)state;
    goes_round("lora, ratio, lora", "lora:%/moved", "lora:%/again", moved, &o);
}

static void
test_chain_a_prompt_through_a_reward_becomes_its_parameters(void **state)
{
    trv_convert_options o = by_preference("contrast");

    (void)state;
    goes_round("prompt, contrast, dpo", "prompt:c", "lora:%/dpo", said, &o);
    o.method = ",tilt";
    o.pairing = NULL;
    o.group = 512;
    o.samples = 32768;
    o.learn.batch = 4;
    o.learn.lr = 0.01;
    o.learn.steps = 150;
    goes_round("prompt, contrast, tilt", "prompt:c", "lora:%/tilt", said, &o);
    o.method = ",grpo";
    o.advantage = "rloo";
    o.group = 64;
    o.learn.batch = 128;
    goes_round("prompt, contrast, rloo", "prompt:c", "lora:%/rloo", said, &o);
}

static void
test_chain_a_prompt_through_parameters_becomes_a_prefix(void **state)
{
    trv_convert_options o = exact_options(&w, NULL);

    (void)state;
    o.samples = 2048;
    o.learn.batch = 128;
    o.learn.steps = 200;
    o.learn.lr = 0.01;
    exact_convert(&w, "prompt:c", "lora:%/between", &o);
    o.virtual_tokens.tokens = 8;
    o.learn.steps = 800;
    o.learn.lr = 0.1;
    goes_round("prompt, lora, prefix", "lora:%/between", "prefix:%/prefix",
               said, &o);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_chain_parameters_through_a_reward_come_back),
        cmocka_unit_test(
            test_chain_a_prompt_through_a_reward_becomes_its_parameters),
        cmocka_unit_test(
            test_chain_a_prompt_through_parameters_becomes_a_prefix),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
