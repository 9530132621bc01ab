/* test_params_to_prompt.c -- whole conversions into virtual tokens in a world
 * where all answers are counted. The parameters come from virtual tokens of the
 * same kind and number, so there are some that do what they do: KL 0 is the
 * optimum, and each method must come near it from elsewhere.
 */
#include "support/test.h"

#include <math.h>
#include <string.h>

#include "support/exact.h"

static struct world w;

static int
set_up(void **state)
{
    (void)state;
    world_open(&w, "params_prompt_world", 1.0);
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

    o.samples = 2048;
    o.learn.batch = 128;
    o.learn.steps = 200;
    o.learn.lr = 0.01;
    return o;
}

/* From `of` virtual tokens to a LoRA to `k` of them, which start from a text. */
static void
goes_round(const char *name, int64_t of, double size, int32_t k, double lr,
           int32_t steps)
{
    const enum kind kind = name[0] == 's' ? KIND_SOFT : KIND_PREFIX;
    trv_convert_options o = options("distill");
    double source[WORLD_ALL], lora[WORLD_ALL], p[WORLD_ALL];
    char from[64], to[64];

    snprintf(from, sizeof(from), "%s:%%/origin", name);
    snprintf(to, sizeof(to), "%s:%%/again", name);
    exact_save(&w, "origin", kind, of, size, 11);
    exact_logp(&w, source, from);
    exact_convert(&w, from, "lora:%/between", &o);
    exact_logp(&w, lora, "lora:%/between");
    exact_assert_reached(&w, "lora", source, lora, 0.01);
    o = options(NULL);
    o.virtual_tokens.tokens = k;
    o.virtual_tokens.start = "text:ab";
    o.learn.steps = steps;
    o.learn.lr = lr;
    exact_convert(&w, "lora:%/between", to, &o);
    exact_logp(&w, p, to);
    exact_assert_reached(&w, name, lora, p, 0.01);
}

static void
test_params_to_prompt_prefix_reaches_the_parameters(void **state)
{
    (void)state;
    goes_round("prefix", 8, 0.5, 8, 0.1, 800);
}

/* Twice as many as there were, for of few the loss has more than one valley;
 * and their steps are small, for they act through all that the layers make of
 * them. */
static void
test_params_to_prompt_soft_reaches_the_parameters(void **state)
{
    (void)state;
    goes_round("soft", 4, 0.3, 8, 0.05, 3000);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_params_to_prompt_prefix_reaches_the_parameters),
        cmocka_unit_test(test_params_to_prompt_soft_reaches_the_parameters),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
