/* test_maths.c -- answers of mathematics are equal where math-verify calls them
 * so, and no text takes more than its share of work.
 */
#include "support/test.h"

#include <string.h>

#include "adapt/reward/answer_value.h"
#include "adapt/reward/maths.h"
#include "base/json.h"

/* Where we say another thing than math-verify, and why. */
static const struct {
    const char *reference, *answer;
    bool ours;
} differences[] = {
    /* a dollar with a backslash is money, too */
    {"12.50", "\\$12.50", true},
    /* a percentage equals its number, whole or not */
    {"12.5\\%", "12.5", true},
    {"12.5\\%", "\\boxed{12.5}", true},
    {"7.5", "$7.5\\%$", true},
    /* boxes by their other name */
    {"3", "\\fbox{3}", true},
    /* how programs write a large number */
    {"3 \\times 10^5", "3e5", true},
    {"100", "1e2", true},
    /* other names of a brace and of the empty set */
    {"\\{1,2,3\\}", "$\\lbrace 1,2,3 \\rbrace$", true},
    {"\\emptyset", "$\\varnothing$", true},
    /* thousands parted by LaTeX's thin space; the package adds the groups */
    {"10\\,000", "$10000$", true},
    {"10\\,000", "10,000", true},
    /* a number before a full stop, a number in brackets */
    {"7/10", "The probability is 7/10.", true},
    {"14", "\\boxed{14.}", true},
    {"14", "(14)", true},
    /* values that the package does not work out */
    {"0.\\overline{3}", "$\\frac13$", true},
    {"x=\\frac{-1\\pm\\sqrt{5}}{2}",
     "$\\frac{-1+\\sqrt5}{2}, \\frac{-1-\\sqrt5}{2}$", true},
    {"e^{i\\pi}", "$-1$", true},
    /* a comma parts two numbers; it is no decimal point */
    {"1.23", "1,23", false},
};

static bool
expected(const char *reference, const char *answer, bool theirs, int *n_other)
{
    for (size_t i = 0; i < sizeof(differences) / sizeof(differences[0]); i++)
        if (strcmp(differences[i].reference, reference) == 0 &&
            strcmp(differences[i].answer, answer) == 0) {
            assert_int_not_equal(differences[i].ours, theirs);
            ++*n_other;
            return differences[i].ours;
        }
    return theirs;
}

static int
compare(double *out, const char *reference, const char *answer, trv_err *err)
{
    const struct answer_value a = {.reference = reference,
                                   .n_reference = strlen(reference),
                                   .text = answer,
                                   .n_text = strlen(answer),
                                   .formula = true};

    return answer_value(out, &a, err);
}

static void
test_maths_equals_math_verify(void **state)
{
    json_t *list, *row;
    size_t i;
    int n_equal = 0, n_other = 0, bad = 0;

    (void)state;
    assert_int_equal(
        json_open(&list, test_source("golden/reward/math.json"), NULL), 0);
    json_array_foreach(list, i, row)
    {
        const char *x = json_string_value(json_array_get(row, 0));
        const char *y = json_string_value(json_array_get(row, 1));
        const bool want =
            expected(x, y, json_is_true(json_array_get(row, 2)), &n_other);
        trv_err err = {0};
        double got = -1;

        if (compare(&got, x, y, &err) || (got == 1) != want) {
            print_error("'%s' and '%s' are %sequal; we say %g %s\n", x, y,
                        want ? "" : "not ", got, err.msg);
            bad++;
        }
        n_equal += want;
    }
    assert_int_equal(bad, 0);
    assert_in_range(json_array_size(list), 500, 2000);
    assert_in_range(n_equal, 250, 1600);
    assert_int_equal(n_other, sizeof(differences) / sizeof(differences[0]));
    json_decref(list);
}

/* A text of n repetitions between two others. */
static void
repeated(struct strbuf *b, const char *first, const char *again, int n,
         const char *last)
{
    sb_reset(b);
    assert_int_equal(sb_puts(b, first), 0);
    for (int i = 0; i < n; i++)
        assert_int_equal(sb_puts(b, again), 0);
    assert_int_equal(sb_puts(b, last), 0);
}

static void
test_maths_work_is_bounded(void **state)
{
    static const struct {
        const char *first, *again, *last;
        int n;
    } texts[] = {
        {"", "(", "", 4000},
        {"1", ")", "", 4000},
        {"", "-", "1", 4000},
        {"1", "/2", "", 2000},
        {"x", "^2", "", 2000},
        {"3", "!", "", 4000},
        {"", "\\frac", "", 800},
        {"", "\\sqrt{", "", 600},
        {"\\{", "\\{1,2,3,4\\},", "5\\}", 60},
        {"1", "^{4096},1", "", 60},
        {"1", ",1", "", 3000},
        {"9", "9", "", 4000},
        {"1e", "9", "", 4},
        {"", "|", "", 4000},
        {"", "\\begin{matrix}", "", 280},
        {"", "a\\cup ", "b", 600},
        {"", "\\text{", "", 600},
        {"2^{", "2^{", "2", 900},
        {"", "\\pm ", "1", 800},
        {"1", "=1", "", 2000},
        {"", "x_", "", 2000},
    };
    struct strbuf b = {0};

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        double got;

        repeated(&b, texts[i].first, texts[i].again, texts[i].n, texts[i].last);
        if (compare(&got, b.s, b.s, NULL) == 0)
            assert_true(got == 0 || got == 1);
    }
    repeated(&b, "", "1+", MATHS_TEXT_MAX, "1");
    assert_int_equal(compare(&(double){0}, b.s, "1", NULL), TRV_EINVAL);
    sb_release(&b);
}

/* A +- reads what it stands in twice, and so does each around it. */
static void
test_maths_nested_signs_are_bounded(void **state)
{
    (void)state;
    for (int n = 1; n <= 20; n += 19) {
        struct strbuf b = {0};
        double got;
        int rc;

        repeated(&b, "", "1\\pm\\{", n, "2");
        for (int i = 0; i < n; i++)
            assert_int_equal(sb_puts(&b, "\\}"), 0);
        rc = compare(&got, b.s, b.s, NULL);
        assert_int_equal(rc, n > 1 ? TRV_EINVAL : 0);
        sb_release(&b);
    }
}

static void
test_maths_finds_the_answer_of_a_text(void **state)
{
    static const struct {
        const char *text, *piece;
    } cases[] = {
        {"", NULL},
        {"no idea", NULL},
        {"so \\boxed{\\frac{1}{2}} it is", "\\frac{1}{2}"},
        {"\\boxed{{a}{b}}", "{a}{b}"},
        {"\\boxed{1} and \\boxed{2}", "1,2"},
        {"a $x$ b $y$ c", "y"},
        {"$1$ and $2$", "1, 2"},
        {"The answer is $4$. Check: $2+2$", "4"},
        {"The answer is $4$, which is what was to be found from all of these "
         "given terms, as $9-5$ shows",
         "4"},
        {"answer: 9 * 2 = 18", "18"},
        {"The answer is 42, not 43.", "42"},
        {"\\boxed{42", "\\boxed{42"},
        {"9 of 10", "10"},
        {"#### 5\nmore 6", "5"},
        {"costs $5 and $6 each", "6"},
        {"it is 70%", "70\\%"},
        {"it is 7/10 or so", "7/10"},
    };
    struct strbuf out = {0};

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        bool found;

        assert_int_equal(
            maths_find(&out, &found, cases[i].text, strlen(cases[i].text)), 0);
        if (found != (cases[i].piece != NULL) ||
            (found && strcmp(out.s, cases[i].piece) != 0))
            fail_msg("'%s' gives '%s'", cases[i].text, found ? out.s : "none");
    }
    sb_release(&out);
}

/* (-8)^(1/3) is -2 to whoever writes it, though -2 is no principal root. */
static void
test_maths_odd_roots_of_negatives_are_real(void **state)
{
    static const char *const equal[][2] = {
        {"-2", "$(-8)^{1/3}$"},
        {"4", "$(-8)^{2/3}$"},
        {"-2", "$\\sqrt[3]{-8}$"},
    };
    double got;

    (void)state;
    for (size_t i = 0; i < sizeof(equal) / sizeof(equal[0]); i++) {
        assert_int_equal(compare(&got, equal[i][0], equal[i][1], NULL), 0);
        assert_close(got, 1.0, 0.0);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_maths_equals_math_verify),
        cmocka_unit_test(test_maths_work_is_bounded),
        cmocka_unit_test(test_maths_nested_signs_are_bounded),
        cmocka_unit_test(test_maths_odd_roots_of_negatives_are_real),
        cmocka_unit_test(test_maths_finds_the_answer_of_a_text),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
