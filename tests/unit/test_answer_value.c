/* test_answer_value.c -- what a number or a formula is, in a row and in an
 * answer, and that nothing else is taken for one.
 */
#include "support/test.h"

#include <math.h>
#include <string.h>

#include "adapt/reward/reward.h"
#include "adapt/reward/verifier.h"
#include "base/mem.h"
#include "base/json.h"
#include "base/rng.h"
#include "base/strbuf.h"
#include "text/jinja/jinja_str.h"

/* Score an answer to a row that is read from a file of JSON lines. */
static int
score(double *out, const char *check, const char *row, const char *answer,
      trv_err *err)
{
    struct verifier *v = NULL;
    struct data d = {0};
    json_t *conf = NULL;
    int rc = data_parse(&d, "f.jsonl", row, strlen(row), err);

    if (!rc)
        rc = verifier_parse(&conf, check, err);
    if (!rc)
        rc = verifier_open(&v, conf, NULL, err);
    if (!rc)
        rc = verifier_score(v, out,
                            &(struct reward_item){.row = &d.rows[0],
                                                  .text = answer,
                                                  .n_text = strlen(answer)},
                            0, err);
    json_decref(conf);
    verifier_free(v);
    data_release(&d);
    return rc;
}

static void
gives(const char *check, const char *row, const char *answer, double want)
{
    trv_err err = {0};
    double got = -1;

    if (score(&got, check, row, answer, &err))
        fail_msg("%s of %s: %s", check, row, err.msg);
    if (got != want)
        fail_msg("%s of %s gives '%s' %g", check, row, answer, got);
}

static void
test_answer_value_python_number_equals_itself(void **state)
{
    json_t *list, *row, *form;
    size_t i, k;
    int n = 0;

    (void)state;
    assert_int_equal(
        json_open(&list, test_source("golden/reward/printed.json"), NULL), 0);
    json_array_foreach(list, i, row)
    {
        char line[512];

        snprintf(line, sizeof(line), "{\"prompt\":\"x\",\"answer\":%s}",
                 json_string_value(json_array_get(row, 0)));
        json_array_foreach(json_array_get(row, 1), k, form)
        {
            gives("number", line, json_string_value(form), 1);
            n++;
        }
        json_array_foreach(json_array_get(row, 2), k, form)
            gives("number", line, json_string_value(form), 0);
    }
    assert_in_range(n, 500, 2000);
    json_decref(list);
}

static void
test_answer_value_any_double_equals_itself(void **state)
{
    struct rng rng;

    (void)state;
    rng_init(&rng, 7, 0);
    for (int i = 0; i < 3000; i++) {
        const uint64_t high = rng_below(&rng, UINT32_MAX);
        const uint64_t bits = high << 32 | rng_below(&rng, UINT32_MAX);
        struct strbuf b = {0};
        char line[200], answer[64];
        double x;

        memcpy(&x, &bits, sizeof(x));
        if (!isfinite(x))
            continue;
        assert_int_equal(jstr_float(&b, x), 0);
        snprintf(line, sizeof(line), "{\"prompt\":\"x\",\"answer\":%s}", b.s);
        snprintf(answer, sizeof(answer), "It is %.17g.", x);
        gives("number", line, b.s, 1);
        gives("number", line, answer, 1);
        sb_release(&b);
    }
}

#define ROW(answer) "{\"prompt\":\"x\",\"answer\":\"" answer "\"}"

static void
test_answer_value_structure_is_never_reduced_to_its_digits(void **state)
{
    static const struct {
        const char *row, *answer;
        double want;
    } cases[] = {
        {ROW("1/3"), "2/3", 0},
        {ROW("1/3"), "It is 1/3.", 1},
        {ROW("1/3"), "3", 0},
        {ROW("1/3"), "\\boxed{\\frac{1}{3}}", 1},
        {ROW("\\\\frac{1}{3}"), "\\boxed{\\frac{2}{3}}", 0},
        {ROW("\\\\frac{1}{3}"), "\\boxed{\\frac{2}{6}}", 1},
        {ROW("(1,2)"), "(5,2)", 0},
        {ROW("(1,2)"), "$(1, 2)$", 1},
        {ROW("\\\\{1,2\\\\}"), "\\boxed{\\{2,1\\}}", 1},
        {ROW("[0,1)"), "$[0,1]$", 0},
        {ROW("2\\\\frac{1}{2}"), "2.5", 1},
        {ROW("3"), "\\boxed{\\frac{2}{3}}", 0},
        {ROW("3"), "$\\frac{2}{3}$", 0},
        {ROW("3"), "It is 2/3", 0},
        {ROW("3"), "12/4 = 3", 1},
        {ROW("3"), "first \\boxed{2}, so the answer is \\boxed{3}", 0},
        {ROW("3"),
         "first \\boxed{2}. We think more about it, and see, "
         "when we count it again, that it is one more: \\boxed{3}",
         1},
        {ROW("-2\\\\frac{1}{2}"), "-2.5", 1},
        {ROW("-2\\\\frac{1}{2}"), "-1.5", 0},
        {ROW("-2 1/2"), "-2.5", 1},
        {ROW("-2 1/2"), "-1.5", 0},
        {ROW("(0,1)\\\\cup(2,3)"), "$(0,1)\\cup(2,3)$", 1},
        {ROW("(0,1)\\\\cup(2,3)"), "$(0,1)\\cap(2,3)$", 0},
        {ROW("3"), "\\boxed{3 apples and 4 pears}", 0},
        {"{\"prompt\":\"x\",\"answer\":0.1}", "0.10000000000000001", 1},
        {"{\"prompt\":\"x\",\"answer\":0.1}", "0.10000000000000001%", 0},
        {ROW("3"), "\\boxed{3} of 7", 1},
        {ROW("3"), "\\boxed{3 apples}", 1},
        {ROW("2"), "on 1/2/2", 0},
        {ROW("50%"), "50", 1},
        {ROW("50%"), "0.5", 1},
        {ROW("$1,200"), "it costs 1200 dollars", 1},
        {ROW("-$5"), "-5", 1},
        {ROW("9 bees"), "9", 1},
        {ROW("The answer is 42."), "42", 1},
        {ROW("x = 4"), "4", 1},
        {ROW("so it is \\\\boxed{7}, not 8"), "7", 1},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        gives("number", cases[i].row, cases[i].answer, cases[i].want);
}

static void
test_answer_value_refuses_what_it_does_not_understand(void **state)
{
    static const struct {
        const char *row, *says;
    } cases[] = {
        {ROW("3 apples and 4 pears"), "no single number"},
        {ROW("none"), "holds no number"},
        {ROW("(1,2"), "does not close"},
        {ROW("\\\\boxed{}"), "no number"},
        {ROW("3 @ 4"), "at '@ 4'"},
        {ROW("\\\\begin{cases} 1 & x \\\\end{cases}"), "not understood"},
        {ROW("#### 3 of 4"), "at '"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        trv_err err = {0};
        double got;

        if (score(&got, "number", cases[i].row, "4", &err) != TRV_EINVAL ||
            !strstr(err.msg, cases[i].says) ||
            !strstr(err.msg, "'f.jsonl' line 1: column 'answer' with"))
            fail_msg("%s: '%s' should say '%s'", cases[i].row, err.msg,
                     cases[i].says);
    }
}

static void
test_answer_value_without_memory_frees_what_it_holds(void **state)
{
    static const char *const checks[] = {"number", "math"};
    const int64_t live = mem_stats_get().live_bytes;

    (void)state;
    for (size_t i = 0; i < 2; i++)
        for (int64_t n = 0;; n++) {
            double got;
            int rc;

            mem_fail_after(n);
            rc = score(&got, checks[i], ROW("(1,\\\\sqrt{2})"),
                       "so $(1, 2^{1/2})$", NULL);
            mem_fail_after(-1);
            assert_int_equal(mem_stats_get().live_bytes, live);
            if (!rc) {
                assert_close(got, 1, 0);
                break;
            }
            assert_int_equal(rc, TRV_ENOMEM);
        }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answer_value_python_number_equals_itself),
        cmocka_unit_test(test_answer_value_any_double_equals_itself),
        cmocka_unit_test(
            test_answer_value_structure_is_never_reduced_to_its_digits),
        cmocka_unit_test(test_answer_value_refuses_what_it_does_not_understand),
        cmocka_unit_test(test_answer_value_without_memory_frees_what_it_holds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
