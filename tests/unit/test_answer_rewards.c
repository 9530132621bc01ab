/* test_answer_rewards.c -- rewards of tokens, kept for a resumed run. */
#include "support/test.h"

#include <math.h>
#include <string.h>

#include "base/file.h"
#include "base/seal.h"
#include "support/world.h"
#include "transform/answer_rewards.h"

static struct world w;

static int
set_up(void **state)
{
    (void)state;
    world_open(&w, "trials_world", 1.0);
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    world_close(&w);
    return 0;
}

static struct adaptation *
open_reward(const char *spec)
{
    struct adaptation *a;
    trv_err err = {0};

    if (adaptation_open(&a, w.s->model, NULL, spec, false, &err))
        fail_msg("%s", err.msg);
    return a;
}

/* The rows' own column `answer`: "b", and "ca". */
static void
test_answer_rewards_see_text_without_special_tokens_and_all_columns(
    void **state)
{
    static const int32_t b_end[] = {1, 5}, ca[] = {4, 2, 0}, end[] = {5};
    struct adaptation *exact = open_reward("verifier:exact");
    const struct completion list[] = {{&w.in.data.rows[0], b_end, 2},
                                      {&w.in.data.rows[1], b_end, 2},
                                      {&w.in.data.rows[1], ca, 3},
                                      {&w.in.data.rows[1], end, 1}};
    const double want[] = {1, 0, 1, 0};
    double got[4];
    trv_err err = {0};

    (void)state;
    if (answer_rewards_score(got, w.s, exact, list, 4, NULL, &err))
        fail_msg("%s", err.msg);
    for (int i = 0; i < 4; i++)
        assert_close(got[i], want[i], 0.0);
    adaptation_free(exact);
}

/* A program that would say something else each time. */
static void
test_answer_rewards_kept_are_read_again_and_not_asked_again(void **state)
{
    struct adaptation *odd = open_reward(
        "verifier:command,cmd=while read line; do echo 0.$(date +%N)1; done");
    double was[WORLD_ALL], is[WORLD_ALL];
    json_t *other;
    char file[600];
    trv_err err = {0};

    (void)state;
    snprintf(file, sizeof(file), "%s/rewards.json", test_tmpdir("trials"));
    if (answer_rewards_keep(was, w.s, odd, &w.answers, &w.in, file, true, NULL,
                            &err) ||
        answer_rewards_keep(is, w.s, odd, &w.answers, &w.in, file, true, NULL,
                            &err))
        fail_msg("%s", err.msg);
    assert_memory_equal(was, is, sizeof(was));
    if (answer_rewards_keep(is, w.s, odd, &w.answers, &w.in, file, false, NULL,
                            &err))
        fail_msg("%s", err.msg);
    assert_memory_not_equal(was, is, sizeof(was));
    other = json_pack("{s:[f]}", "rewards", 1.0);
    assert_int_equal(seal_write(file, other, &err), 0);
    json_decref(other);
    assert_int_equal(answer_rewards_keep(is, w.s, odd, &w.answers, &w.in, file,
                                         true, NULL, &err),
                     TRV_EFORMAT);
    adaptation_free(odd);
}

static void
test_answer_rewards_count_inputs_whose_answers_are_alike(void **state)
{
    static const double r[] = {1, 1, 1, 0, 1, 0, 0, 0, 0};
    struct answer_reward_stats f;

    (void)state;
    answer_rewards_summarise(&f, r, 9, 3);
    assert_int_equal(f.groups, 3);
    assert_int_equal(f.flat, 2);
    assert_close(f.mean, 4.0 / 9.0, 1e-15);
    assert_close(f.std, sqrt(20.0 / 9.0 / 8.0), 1e-15);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            test_answer_rewards_see_text_without_special_tokens_and_all_columns),
        cmocka_unit_test(
            test_answer_rewards_kept_are_read_again_and_not_asked_again),
        cmocka_unit_test(
            test_answer_rewards_count_inputs_whose_answers_are_alike),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
