/* test_ranks.c -- what both sides think of the answers that were drawn, again
 * from the world where every answer's probability is known.
 */
#include "support/test.h"

#include <math.h>
#include <string.h>

#include "measure/answers_drawn.h"
#include "measure/ranks.h"
#include "support/ruler.h"

#define INPUTS 200
#define MOST 8 // candidates

static struct ruler r;

static int
set_up(void **state)
{
    (void)state;
    ruler_open(&r, "ranks_world", INPUTS);
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    ruler_close(&r);
    return 0;
}

/* The world's places of an item's candidates: the base's answers, then those of
 * the second side. */
static int
candidates(int64_t *y, const struct measure *m, int64_t i)
{
    const enum side from[] = {SIDE_BASE, m->second};
    int n = 0;

    for (int s = 0; s < 2; s++)
        for (int64_t k = 0; k < m->per_side[from[s]]; k++) {
            const struct drawn *d = &m->items[i].from[from[s]][k];

            y[n++] = ruler_find(&r, i % WORLD_INPUTS, d->ids, d->n);
        }
    return n;
}

static void
test_ranks_are_those_of_the_log_ratios(void **state)
{
    struct measure m;
    struct ruler_ranks want = {0};
    trv_measurement out = {0};
    trv_err err = {0};

    (void)state;
    ruler_begin(&r, &m, "prompt:bdb", "lora:%/moved");
    m.candidates = MOST;
    m.second = SIDE_A;
    m.per_side[SIDE_BASE] = 5;
    m.per_side[SIDE_A] = 3;
    ruler_draw(&m);
    if (ranks_scores(&m, &out, &err))
        fail_msg("%s", err.msg);
    for (int64_t i = 0; i < INPUTS; i++) {
        double a[MOST], b[MOST];
        int64_t y[MOST];
        const int k = candidates(y, &m, i);

        assert_int_equal(k, MOST);
        for (int c = 0; c < k; c++) {
            a[c] = ruler_score(&r, y[c], SIDE_A);
            b[c] = ruler_score(&r, y[c], SIDE_B);
        }
        ruler_ranks_add(&want, a, b, k, 1.0);
    }
    /* Ranks are whole numbers: equal to the rounding of sums. */
    assert_close(out.rank_tau.mean, ruler_tau(&want), 1e-12);
    assert_close(out.pair_accuracy.mean, ruler_pairs(&want), 1e-12);
    assert_close(out.pearson.mean, ruler_pearson(&want), 1e-6); // of f32
    assert_true(out.rank_tau.mean > 0.05 && out.rank_tau.mean < 0.5);
    ruler_end(&m);
}

#define COUNTS                                                                 \
    "verifier:command,cmd=n=0; while read -r x; do n=$((n+1)); echo $n; done"

/* One side counts its questions and answers with the count, so no answer has
 * the score of another; but one that was drawn twice keeps its first. */
static void
check_ties(const char *source, const char *target, enum side acts)
{
    struct measure m;
    struct ruler_ranks want = {0};
    trv_measurement out = {0};
    int repeats = 0;
    trv_err err = {0};

    ruler_begin(&r, &m, source, target);
    m.candidates = MOST;
    m.second = acts;
    m.per_side[SIDE_BASE] = m.per_side[acts] = MOST / 2;
    ruler_draw(&m);
    if (ranks_scores(&m, &out, &err))
        fail_msg("%s", err.msg);
    for (int64_t i = 0; i < INPUTS; i++) {
        double count[MOST], score[MOST];
        int64_t y[MOST];
        const int k = candidates(y, &m, i);

        for (int c = 0; c < k; c++) {
            score[c] = ruler_score(&r, y[c], acts);
            count[c] = (double)c;
            for (int e = c - 1; e >= 0; e--)
                if (y[e] == y[c])
                    count[c] = count[e];
            repeats += count[c] < (double)c;
        }
        if (acts == SIDE_A)
            ruler_ranks_add(&want, score, count, k, 1.0);
        else
            ruler_ranks_add(&want, count, score, k, 1.0);
    }
    assert_true(repeats > INPUTS / 10);
    assert_close(out.rank_tau.mean, ruler_tau(&want), 1e-12);
    assert_close(out.pair_accuracy.mean, ruler_pairs(&want), 1e-12);
    assert_close(out.pearson.mean, ruler_pearson(&want), 1e-6); // of f32
    ruler_end(&m);
}

static void
test_ranks_tie_equal_answers(void **state)
{
    (void)state;
    check_ties(COUNTS, "lora:%/moved", SIDE_B);
    check_ties("prompt:bdb", COUNTS, SIDE_A);
}

/* Each side's own answers, all of them. */
static void
test_ranks_task_is_the_mean_reward_of_all_answers_of_a_side(void **state)
{
    static const char spec[] = "ratio:beta=0.5,prompt:ca";
    const int64_t per[SIDES] = {2, 3, 1};
    struct measure m;
    trv_measurement out = {0};
    const trv_figure *const got[SIDES] = {&out.task_base, &out.task_source,
                                          &out.task_target};
    double reward[WORLD_ALL];
    trv_err err = {0};

    (void)state;
    exact_reward(&r.w, reward, spec, WORLD_LENGTH);
    ruler_begin(&r, &m, "prompt:bdb", "lora:%/moved");
    m.task = ruler_spec(&r, spec);
    memcpy(m.per_side, per, sizeof(per));
    ruler_draw(&m);
    if (ranks_task(&m, &out, &err))
        fail_msg("%s", err.msg);
    for (int s = 0; s < SIDES; s++) {
        double sum = 0.0;

        for (int64_t i = 0; i < INPUTS; i++)
            for (int64_t k = 0; k < per[s]; k++) {
                const struct drawn *y = &m.items[i].from[s][k];

                sum += reward[ruler_find(&r, i % WORLD_INPUTS, y->ids, y->n)] /
                       (double)per[s];
            }
        assert_int_equal(got[s]->n, INPUTS);
        assert_close(got[s]->mean, sum / INPUTS, 1e-6); // of f32
    }
    assert_close(out.task_gain.mean, out.task_target.mean - out.task_base.mean,
                 1e-12);
    /* Paired: two inputs alone, so what they share is not chance. */
    assert_true(out.task_gain.stderr_ <
                hypot(out.task_target.stderr_, out.task_base.stderr_));
    ruler_end(&m);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ranks_are_those_of_the_log_ratios),
        cmocka_unit_test(test_ranks_tie_equal_answers),
        cmocka_unit_test(
            test_ranks_task_is_the_mean_reward_of_all_answers_of_a_side),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
