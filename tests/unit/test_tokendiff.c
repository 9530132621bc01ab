/* test_tokendiff.c -- facts about the tokens that differ. */
#include "support/test.h"

#include <stdlib.h>
#include <string.h>

#include "cli/tokendiff.h"

#define MOST 5000

/* Every letter is a token. Marks are shown as capitals. */
static void
check(const char *a, const char *b, const char *want)
{
    static int64_t ends[MOST];
    const struct tokens x = {a, ends, (int64_t)strlen(a)};
    const struct tokens y = {b, ends, (int64_t)strlen(b)};
    bool *differs;

    for (int64_t i = 0; i < MOST; i++)
        ends[i] = i + 1;
    differs = tokens_differ(&x, &y);
    assert_non_null(differs);
    for (int64_t i = 0; i < x.n; i++)
        assert_int_equal(differs[i], want[i] != a[i]);
    free(differs);
}

static void
test_tokens_of_equal_texts_do_not_differ(void **state)
{
    (void)state;
    check("", "", "");
    check("abc", "abc", "abc");
}

static void
test_tokens_differ_where_the_other_lacks_them(void **state)
{
    (void)state;
    check("abc", "", "ABC");
    check("abc", "axc", "aBc");
    check("abxc", "abc", "abXc");
    check("abc", "abxc", "abc");
    check("abcd", "acbd", "aBcd"); // either of both would do
    check("xaybzc", "abc", "XaYbZc");
}

static void
test_tokens_are_compared_whole(void **state)
{
    static const int64_t one[] = {2, 3}, two[] = {1, 3};
    const struct tokens a = {"abc", one, 2}, b = {"abc", two, 2};
    bool *differs = tokens_differ(&a, &b);

    (void)state;
    assert_true(differs[0] && differs[1]);
    free(differs);
}

/* Beyond the bound only the common ends are found, and nothing is slow. */
static void
test_tokens_of_long_texts_differ_between_their_ends(void **state)
{
    static char a[4002], b[4002], want[4002];

    (void)state;
    for (int i = 0; i < 4000; i++) {
        a[i] = i % 2 ? 'x' : 'y';
        b[i] = i % 3 ? 'x' : 'z';
    }
    a[0] = b[0] = want[0] = 'q';
    a[4000] = b[4000] = want[4000] = 'e';
    for (int i = 1; i < 4000; i++)
        want[i] = (char)(a[i] - 32);
    if (a[1] == b[1])
        want[1] = a[1];
    if (a[3999] == b[3999])
        want[3999] = a[3999];
    check(a, b, want);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tokens_of_equal_texts_do_not_differ),
        cmocka_unit_test(test_tokens_differ_where_the_other_lacks_them),
        cmocka_unit_test(test_tokens_are_compared_whole),
        cmocka_unit_test(test_tokens_of_long_texts_differ_between_their_ends),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
