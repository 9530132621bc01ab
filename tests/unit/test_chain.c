/* test_chain.c -- round trips in a world where all answers are counted: what
 * comes back is the distribution that set out.
 */
#include "support/test.h"

#include <math.h>
#include <string.h>

#include "support/exact.h"
#include "transform/chain.h"

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
    o.samples = 0; // it draws its own answers to the given inputs
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

/* Lets the first link learn, and stops the second after its first step. */
static bool
stop_second(const trv_progress *p, void *payload)
{
    int *starts = payload;

    if (strcmp(p->stage, "training") != 0)
        return true;
    *starts += p->done == 1;
    return *starts < 2;
}

/* Nothing of the first link is left but what it made, so the chain itself must
 * know by which method. */
static void
test_chain_resumes_by_the_same_methods_only(void **state)
{
    trv_convert_options o = exact_options(&w, "sft,prefix");
    struct adaptation *from;
    char to[600];
    int starts = 0;
    trv_cost cost;
    trv_err err = {0};

    (void)state;
    o.via = "lora";
    o.replace = false;
    o.virtual_tokens.tokens = 2;
    o.samples = 32;
    o.learn.steps = 3;
    o.learn.batch = 4;
    o.learn.checkpoint_every = 1;
    snprintf(to, sizeof(to), "%s", exact_spec(&w, "prefix:%/stopped"));
    assert_int_equal(
        adaptation_open(&from, w.s->model, NULL, "prompt:c", true, &err), 0);
    assert_int_equal(
        chain_run(w.s, &cost, from, to, &o, stop_second, &starts, &err),
        TRV_ECANCELED);
    o.resume = true;
    o.method = "distill,prefix";
    assert_int_equal(chain_run(w.s, &cost, from, to, &o, NULL, NULL, &err),
                     TRV_EMISMATCH);
    assert_non_null(strstr(err.msg, "method"));
    o.method = "sft,prefix";
    if (chain_run(w.s, &cost, from, to, &o, NULL, NULL, &err))
        fail_msg("%s", err.msg);
    adaptation_free(from);
}

static void
note_link(const char *line, void *payload)
{
    char *last = payload;

    if (strncmp(line, "link ", 5) == 0)
        snprintf(last, 2000, "%s", line);
}

static bool
stop_at_once(const trv_progress *p, void *payload)
{
    (void)p;
    (void)payload;
    return false;
}

/* A form alone stands for its usual kind: parameters are a LoRA, and a prompt
 * behind a reward is text. */
static void
test_chain_a_prompt_behind_a_reward_is_text(void **state)
{
    static const struct {
        const char *from, *via, *says;
    } list[] = {
        {"lora:%/moved", "reward,prompt", "link 2 of 3"},
        {"prompt:c", "params,prompt", "link 1 of 3"},
    };

    (void)state;
    for (int k = 0; k < 2; k++) {
        trv_convert_options o = exact_options(&w, NULL);
        struct adaptation *from;
        char last[2000] = "", to[600];
        trv_cost cost;
        trv_err err = {0};

        o.via = list[k].via;
        if (k == 1)
            o.virtual_tokens.tokens = 2; // of the prefix in between
        o.on_message = note_link;
        o.message_payload = last;
        snprintf(to, sizeof(to), "%s", exact_spec(&w, "lora:%/forms"));
        assert_int_equal(adaptation_open(&from, w.s->model, NULL,
                                         exact_spec(&w, list[k].from), true,
                                         &err),
                         0);
        assert_true(
            chain_run(w.s, &cost, from, to, &o, stop_at_once, NULL, &err) != 0);
        if (!strstr(last, list[k].says))
            fail_msg("'%s' should say '%s': %s", last, list[k].says, err.msg);
        assert_non_null(strstr(last, k ? "lora:" : "text:"));
        adaptation_free(from);
    }
}

/* Of two links only the last has a method of this name. */
static void
test_chain_one_method_is_the_last_links(void **state)
{
    trv_convert_options o = exact_options(&w, "prefix");

    (void)state;
    o.via = "lora";
    o.samples = 32;
    o.virtual_tokens.tokens = 2;
    o.learn.steps = 2;
    o.learn.batch = 4;
    exact_convert(&w, "prompt:c", "prefix:%/by_name", &o);
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
        cmocka_unit_test(test_chain_a_prompt_behind_a_reward_is_text),
        cmocka_unit_test(test_chain_one_method_is_the_last_links),
        cmocka_unit_test(test_chain_resumes_by_the_same_methods_only),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
