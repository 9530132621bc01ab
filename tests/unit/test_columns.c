/* test_columns.c -- facts about texts side by side. */
#include "support/test.h"

#include <stdlib.h>
#include <string.h>

#include "cli/columns.h"

static char *
side_by_side(int width, const char *a, const char *b)
{
    char *text = NULL;
    size_t n = 0;
    FILE *f = open_memstream(&text, &n);

    assert_non_null(f);
    columns_print(f, width, (const char *const[]){"A", "B"},
                  (const char *const[]){a, b}, 2, false);
    fclose(f);
    return text;
}

static void
check(int width, const char *a, const char *b, const char *want)
{
    char *text = side_by_side(width, a, b);

    assert_string_equal(text, want);
    free(text);
}

static void
test_columns_wrap_words_each_in_its_own(void **state)
{
    (void)state;
    check(40, "the quick brown fox jumps", "over",
          "A                    B\n"
          "the quick brown fox  over\n"
          "jumps\n");
    check(40, "over", "the quick brown fox jumps",
          "A                    B\n"
          "over                 the quick brown fox\n"
          "                     jumps\n");
}

static void
test_columns_cut_a_word_that_is_too_long(void **state)
{
    (void)state;
    check(40, "abcdefghijklmnopqrstuvwxyz", "b",
          "A                    B\n"
          "abcdefghijklmnopqrs  b\n"
          "tuvwxyz\n");
}

static void
test_columns_keep_line_ends_and_drop_blank_lines_around(void **state)
{
    (void)state;
    check(40, "\n one\n\n  two\n\n", "1\n2\n3",
          "A                    B\n"
          "one                  1\n"
          "                     2\n"
          "  two                3\n");
    check(40, "", " \n", "A                    B\n\n");
}

/* Two han characters take four columns; a combining accent none. */
static void
test_columns_count_what_the_screen_shows(void **state)
{
    (void)state;
    check(40, "\346\274\242\345\255\227", "b",
          "A                    B\n"
          "\346\274\242\345\255\227                 b\n");
    check(40, "e\314\201t\303\251", "b",
          "A                    B\n"
          "e\314\201t\303\251                  b\n");
}

static void
test_columns_obey_no_control_characters(void **state)
{
    (void)state;
    check(40, "a\033[31mb\tc\rd\302\233x", "b\377",
          "A                    B\n"
          "a [31mb c d x        b \n");
}

static void
test_columns_stand_one_under_another_where_it_is_narrow(void **state)
{
    (void)state;
    check(20, "the quick brown fox jumps", "over",
          "A\nthe quick brown fox\njumps\n\nB\nover\n");
}

static void
test_columns_end_in_any_width(void **state)
{
    (void)state;
    for (int width = 1; width < 80; width++)
        free(side_by_side(width, "a \346\274\242 bb\n\n   c    d",
                          "       x       "));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_columns_wrap_words_each_in_its_own),
        cmocka_unit_test(test_columns_cut_a_word_that_is_too_long),
        cmocka_unit_test(
            test_columns_keep_line_ends_and_drop_blank_lines_around),
        cmocka_unit_test(test_columns_count_what_the_screen_shows),
        cmocka_unit_test(test_columns_obey_no_control_characters),
        cmocka_unit_test(
            test_columns_stand_one_under_another_where_it_is_narrow),
        cmocka_unit_test(test_columns_end_in_any_width),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
