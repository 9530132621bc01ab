/* test_reward_to_prompt.c -- virtual tokens learned from a reward, in a world
 * where all answers are counted. The reward is the log-ratio of virtual tokens
 * of the same kind, so the optimum of E[r] - beta KL(p, p0) is known and within
 * reach: what those say themselves.
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
    world_open(&w, "reward_prompt_world", 1.0);
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    world_close(&w);
    return 0;
}

/* From the log-ratio of four virtual tokens to eight: of few the loss has more
 * than one valley. At the optimum all advantages are zero, so the noise of the
 * answers that are drawn ends there, too. */
static void
climbs(const char *name, int32_t steps)
{
    trv_convert_options o = exact_options(&w, "grpo");
    double best[WORLD_ALL], p[WORLD_ALL];
    char from[64], to[64];

    snprintf(from, sizeof(from), "contrast:%s:%%/origin", name);
    snprintf(to, sizeof(to), "%s:%%/learned", name);
    exact_save(&w, "origin", name[0] == 's' ? KIND_SOFT : KIND_PREFIX, 4, 0.3,
               11);
    exact_logp(&w, best, strchr(from, ':') + 1);
    o.advantage = "rloo"; // with the distance in the reward
    o.beta = 1.0;
    o.group = 32;
    o.virtual_tokens.tokens = 8;
    o.virtual_tokens.start = "text:ab";
    o.learn.batch = 64;
    o.learn.steps = steps;
    o.learn.lr = 0.1;
    exact_convert(&w, from, to, &o);
    exact_logp(&w, p, to);
    exact_assert_reached(&w, name, best, p, 0.01);
}

static void
test_reward_to_prompt_prefix_climbs_to_the_optimum(void **state)
{
    (void)state;
    climbs("prefix", 2000);
}

static void
test_reward_to_prompt_soft_climbs_to_the_optimum(void **state)
{
    (void)state;
    climbs("soft", 3500);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reward_to_prompt_prefix_climbs_to_the_optimum),
        cmocka_unit_test(test_reward_to_prompt_soft_climbs_to_the_optimum),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
