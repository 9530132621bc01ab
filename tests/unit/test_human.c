/* test_human.c -- facts about numbers as people read them. */
#include "support/test.h"

#include <math.h>

#include "cli/human.h"

static void
test_human_count_parts_thousands(void **state)
{
    char out[HUMAN_MAX];

    (void)state;
    assert_string_equal(human_count(out, 0), "0");
    assert_string_equal(human_count(out, 999), "999");
    assert_string_equal(human_count(out, 1000), "1,000");
    assert_string_equal(human_count(out, -1234567), "-1,234,567");
    assert_string_equal(human_count(out, (double)NAN), "nan");
}

static void
test_human_counted_says_one_of_a_unit(void **state)
{
    char out[HUMAN_MAX];

    (void)state;
    assert_string_equal(human_counted(out, 0, "steps"), "0 steps");
    assert_string_equal(human_counted(out, 1, "steps"), "1 step");
    assert_string_equal(human_counted(out, 1200, "inputs"), "1,200 inputs");
}

static void
test_human_bytes_keep_three_digits(void **state)
{
    char out[HUMAN_MAX];

    (void)state;
    assert_string_equal(human_bytes(out, 12), "12 B");
    assert_string_equal(human_bytes(out, 1234), "1.23 kB");
    assert_string_equal(human_bytes(out, 12345678), "12.3 MB");
    assert_string_equal(human_bytes(out, 999999), "1.00 MB");
    assert_string_equal(human_bytes(out, 5e15), "5000 TB");
}

static void
test_human_seconds_choose_their_unit(void **state)
{
    char out[HUMAN_MAX];

    (void)state;
    assert_string_equal(human_seconds(out, 0.0000125), "12.5 us");
    assert_string_equal(human_seconds(out, 0), "0 s");
    assert_string_equal(human_seconds(out, 0.25), "250 ms");
    assert_string_equal(human_seconds(out, 9.9), "9.9 s");
    assert_string_equal(human_seconds(out, 59.6), "1 min 00 s");
    assert_string_equal(human_seconds(out, 151), "2 min 31 s");
    assert_string_equal(human_seconds(out, 7260), "2 h 01 min");
    assert_string_equal(human_seconds(out, (double)NAN), "unknown");
    assert_string_equal(human_seconds(out, -1), "unknown");
}

static void
test_human_figure_shows_two_digits_of_the_error(void **state)
{
    char out[HUMAN_MAX];
    const trv_figure f = {.mean = 0.91234,
                          .stderr_ = 0.0112,
                          .low = 0.8899,
                          .high = 0.9348,
                          .n = 50};

    (void)state;
    assert_string_equal(human_figure(out, &f), "0.912 \302\261 0.011");
    assert_string_equal(human_interval(out, &f), "0.890 to 0.935");
}

static void
test_human_figure_says_what_was_not_measured(void **state)
{
    char out[HUMAN_MAX];
    const trv_figure none = {.n = 0}, one = {.mean = 0.5, .n = 1};

    (void)state;
    assert_string_equal(human_figure(out, &none), "not measured");
    assert_string_equal(human_interval(out, &none), "");
    assert_string_equal(human_figure(out, &one), "0.500"); // no spread of one
    assert_string_equal(human_interval(out, &one), "");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_human_count_parts_thousands),
        cmocka_unit_test(test_human_counted_says_one_of_a_unit),
        cmocka_unit_test(test_human_bytes_keep_three_digits),
        cmocka_unit_test(test_human_seconds_choose_their_unit),
        cmocka_unit_test(test_human_figure_shows_two_digits_of_the_error),
        cmocka_unit_test(test_human_figure_says_what_was_not_measured),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
