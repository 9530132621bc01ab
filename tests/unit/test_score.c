/* test_score.c -- scores of a file's answers and pairs, by rules whose values
 * are known.
 */
#include "support/test.h"

#include <math.h>
#include <string.h>

#include "base/file.h"
#include "measure/score.h"
#include "support/world.h"

static struct world w;

static int
set_up(void **state)
{
    (void)state;
    world_open(&w, "score_world", 1.0);
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    world_close(&w);
    return 0;
}

static int
score(trv_scores *out, const char *rows, const char *spec, int32_t max_rows,
      trv_err *err)
{
    trv_score_options o = TRV_SCORE_OPTIONS_INIT;
    struct adaptation *a = NULL;
    char path[600];
    int rc;

    snprintf(path, sizeof(path), "%s/rows.jsonl", w.dir);
    if (file_write_atomic(path, rows, strlen(rows), err) ||
        adaptation_open(&a, w.s->model, NULL, spec, true, err))
        fail_msg("%s", err->msg);
    o.data = path;
    o.max_rows = max_rows;
    rc = score_run(w.s, out, a, &o, NULL, NULL, err);
    adaptation_free(a);
    return rc;
}

/* The share of the letters a and b: 1 over 0, 0 over 1/2, and a tie. */
static const char pairs[] =
    "{\"prompt\": \"d\", \"chosen\": \"ab\", \"rejected\": \"c\"}\n"
    "{\"prompt\": \"d\", \"chosen\": \"c\", \"rejected\": \"a\"}\n"
    "{\"prompt\": \"d\", \"chosen\": \"a\", \"rejected\": \"b\"}\n";
static const char share[] = "verifier:contains,inside=1,share=1,words=a|b";

static void
test_score_sums_up_pairs(void **state)
{
    const double all[] = {1.0, 0.0, 0.0, 0.5, 0.5, 0.5};
    double squares = 0.0;
    trv_scores got;
    trv_err err = {0};

    (void)state;
    if (score(&got, pairs, share, 0, &err))
        fail_msg("%s", err.msg);
    assert_int_equal(got.n, 3);
    for (int i = 0; i < 3; i++) {
        assert_true(got.rows[i].pair);
        assert_close(got.rows[i].answer.score, all[2 * i], 0);
        assert_close(got.rows[i].rejected.score, all[2 * i + 1], 0);
    }
    for (int i = 0; i < 6; i++)
        squares += (all[i] - 2.5 / 6) * (all[i] - 2.5 / 6);
    assert_close(got.score.mean, 2.5 / 6, 1e-15);
    assert_close(got.deviation, sqrt(squares / 5), 1e-15);
    assert_close(got.chosen.mean, 0.5, 1e-15);
    assert_close(got.rejected.mean, 1.0 / 3, 1e-15);
    assert_close(got.margin.mean, 1.0 / 6, 1e-15);
    assert_close(got.accuracy.mean, 0.5, 1e-15); // 1, 0, and a half
    trv_scores_release(&got);
}

static void
test_score_takes_the_first_rows_where_asked_to(void **state)
{
    trv_scores got;
    trv_err err = {0};

    (void)state;
    if (score(&got, pairs, share, 2, &err))
        fail_msg("%s", err.msg);
    assert_int_equal(got.n, 2);
    assert_int_equal(got.score.n, 4);
    trv_scores_release(&got);
    if (score(&got, pairs, share, 9, &err))
        fail_msg("%s", err.msg);
    assert_int_equal(got.n, 3);
    trv_scores_release(&got);
}

/* The row's own answer is compared with another column, never with itself. */
static void
test_score_an_answer_is_no_reference_for_itself(void **state)
{
    trv_scores got;
    trv_err err = {0};

    (void)state;
    assert_int_equal(score(&got, "{\"prompt\": \"d\", \"completion\": \"a\"}\n",
                           "verifier:exact", 0, &err),
                     TRV_EINVAL);
    if (score(&got,
              "{\"prompt\": \"d\", \"completion\": \"a\", "
              "\"solution\": \"a\"}\n",
              "verifier:exact", 0, &err))
        fail_msg("%s", err.msg);
    assert_close(got.score.mean, 1.0, 0);
    trv_scores_release(&got);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_score_sums_up_pairs),
        cmocka_unit_test(test_score_takes_the_first_rows_where_asked_to),
        cmocka_unit_test(test_score_an_answer_is_no_reference_for_itself),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
