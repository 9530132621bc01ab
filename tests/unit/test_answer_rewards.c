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

static bool
count_down(void *payload, int64_t done, int64_t total)
{
    int64_t *left = payload;

    (void)done;
    (void)total;
    return (*left)-- != 0;
}

/* Score over a memo, stopped at a call (-1: never). */
static void
score_all(double *out, struct adaptation *by, bool resume, int64_t stop)
{
    struct reward_watch watch = {.progress = count_down, .payload = &stop};
    const bool stops = stop >= 0;
    json_t *about = json_object();
    static char file[600];
    trv_err err = {0};
    int rc;

    if (!file[0])
        snprintf(file, sizeof(file), "%s/memo.jsonl", test_tmpdir("trials"));
    assert_int_equal(memo_open(&watch.memo, file, resume, about, &err), 0);
    rc = answer_rewards_all(out, w.s, by, &w.answers, &w.in, &watch, &err);
    if (rc != (stops ? TRV_ECANCELED : 0))
        fail_msg("%d: %s", rc, err.msg);
    memo_free(watch.memo);
    json_decref(about);
}

/* A program that would say something else each time. */
static void
test_answer_rewards_kept_are_read_again_and_not_asked_again(void **state)
{
    struct adaptation *odd = open_reward(
        "verifier:command,cmd=while read line; do echo 0.$(date +%N)1; done");
    double was[WORLD_ALL], is[WORLD_ALL];

    (void)state;
    score_all(was, odd, false, -1);
    score_all(is, odd, true, -1);
    assert_memory_equal(was, is, sizeof(was));
    score_all(is, odd, false, -1);
    assert_memory_not_equal(was, is, sizeof(was));
    adaptation_free(odd);
}

/* Stopped after some, in either part of a sum: those stay as they are. */
static void
test_answer_rewards_are_kept_from_the_first_on(void **state)
{
    struct adaptation *odd = open_reward(
        "sum:1*verifier:command,cmd=while read line; do echo 0.$(date +%N)1; "
        "done+2*verifier:length,by=chars,lo=1,hi=2");
    double was[WORLD_ALL], is[WORLD_ALL];

    (void)state;
    for (int64_t at = 1; at < 2 * WORLD_ALL; at += WORLD_ALL / 3) {
        score_all(was, odd, false, at);
        score_all(was, odd, true, -1);
        score_all(is, odd, true, -1);
        assert_memory_equal(was, is, sizeof(was));
    }
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
        cmocka_unit_test(test_answer_rewards_are_kept_from_the_first_on),
        cmocka_unit_test(
            test_answer_rewards_count_inputs_whose_answers_are_alike),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
