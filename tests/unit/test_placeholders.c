/* test_placeholders.c -- templates of prompts. */
#include "support/test.h"

#include "adapt/prompt/placeholders.h"
#include "base/mem.h"

static void
fills(const char *template, const char *want)
{
    const struct slot slots[] = {{"{a}", "1{b}"}, {"{b}", "2"}};
    struct strbuf b = {0};

    assert_int_equal(placeholders_fill(&b, template, slots, 2), 0);
    assert_string_equal(b.s ? b.s : "", want);
    sb_release(&b);
}

static void
test_slots_what_is_put_in_is_not_looked_at_again(void **state)
{
    (void)state;
    fills("<{a}|{b}>", "<1{b}|2>");
}

static void
test_slots_unknown_places_and_braces_stand_for_themselves(void **state)
{
    (void)state;
    fills("{c} {{a} {", "{c} {1{b} {");
    fills("", "");
}

static void
test_slots_once_means_once(void **state)
{
    (void)state;
    assert_true(placeholders_once("x {a}", "{a}"));
    assert_false(placeholders_once("x", "{a}"));
    assert_false(placeholders_once("{a}{a}", "{a}"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_slots_what_is_put_in_is_not_looked_at_again),
        cmocka_unit_test(
            test_slots_unknown_places_and_braces_stand_for_themselves),
        cmocka_unit_test(test_slots_once_means_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
