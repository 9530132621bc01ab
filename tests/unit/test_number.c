/* test_number.c -- numbers in texts: found where a reader finds them, equal
 * where Python's decimal says so.
 */
#include "support/test.h"

#include <string.h>

#include "text/number.h"
#include "base/json.h"

/* The number that a text says, as it is written; "" for none. */
static void
says(const char *text, bool strict, const char *want)
{
    struct number got;
    char s[64] = "";

    if (number_said(&got, text, strlen(text), strict))
        snprintf(s, sizeof(s), "%s%.*s", got.negative ? "-" : "", (int)got.n,
                 got.s);
    if (strcmp(s, want) != 0)
        fail_msg("'%s' says '%s', not '%s'", text, s, want);
}

static void
test_number_is_the_last_of_a_text(void **state)
{
    (void)state;
    says("", false, "");
    says("none at all", false, "");
    says("12 apples and 7 pears", false, "7");
    says("It costs $1,234.50.", false, "1,234.50");
    says("1,2,3", false, "3"); // a list, no thousands
    says("1,2345", false, "2345");
    says("1234,567", false, "567"); // nor after four digits
    says("12,345,678", false, "12,345,678");
    says("version 3.", false, "3");
    says("x=.5", false, ".5");
    says("5-3", false, "3"); // a difference
    says("it is -3", false, "-3");
    says("= \xe2\x88\x92"
         "3",
         false, "-3"); // U+2212
    says("(-3)", false, "-3");
    says("(4)-3", false, "3");
    says("a b 4e", false, "4");
}

static void
test_number_behind_the_mark_comes_first(void **state)
{
    (void)state;
    says("3 + 4 = 7\n#### 7\nThat is 8.", false, "7");
    says("#### 1 #### 2 and 3", false, "2");
    says("#### nothing 5", false, "5");
    says("9 ####", false, ""); // nothing stands behind it
    says("9", true, "");
    says("#### -12", true, "-12");
}

static void
test_number_equality_is_that_of_decimals(void **state)
{
    json_t *list, *row;
    size_t i;
    int n_equal = 0;

    (void)state;
    assert_int_equal(
        json_open(&list, test_source("golden/reward/number.json"), NULL), 0);
    json_array_foreach(list, i, row)
    {
        const char *x = json_string_value(json_array_get(row, 0));
        const char *y = json_string_value(json_array_get(row, 1));
        const bool want = json_is_true(json_array_get(row, 2));
        struct number a, b;

        assert_true(number_said(&a, x, strlen(x), false));
        assert_true(number_said(&b, y, strlen(y), false));
        if (number_equal(&a, &b) != want || number_equal(&b, &a) != want)
            fail_msg("%s and %s are %sequal to decimal", x, y,
                     want ? "" : "not ");
        n_equal += want;
    }
    assert_int_equal(json_array_size(list), 400);
    assert_in_range(n_equal, 100, 300);
    json_decref(list);
}

static void
test_number_zero_has_no_sign_and_no_length(void **state)
{
    static const char *const zeros[] = {"0", "-0", "0.000", "00", "0e7", ".0"};
    struct number a, b;

    (void)state;
    for (size_t i = 0; i < 6; i++)
        for (size_t k = 0; k < 6; k++) {
            assert_true(number_said(&a, zeros[i], strlen(zeros[i]), false));
            assert_true(number_said(&b, zeros[k], strlen(zeros[k]), false));
            assert_true(number_equal(&a, &b));
        }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_number_is_the_last_of_a_text),
        cmocka_unit_test(test_number_behind_the_mark_comes_first),
        cmocka_unit_test(test_number_equality_is_that_of_decimals),
        cmocka_unit_test(test_number_zero_has_no_sign_and_no_length),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
