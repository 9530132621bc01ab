/* test_examples.c -- facts about inputs as people read them. What is drawn for
 * them is test_measure.c's.
 */
#include "support/test.h"

#include <string.h>

#include "base/mem.h"
#include "measure/examples.h"

static void
check(const char *row_text, const char *want)
{
    struct data d = {0};
    trv_example e = {0};
    trv_err err = {0};

    if (data_parse(&d, "in.jsonl", row_text, strlen(row_text), &err) ||
        examples_input(&e, &d.rows[0], &err))
        fail_msg("%s", err.msg);
    assert_string_equal(e.input, want);
    mem_free(e.input);
    data_release(&d);
}

static void
test_examples_show_a_text_as_it_stands(void **state)
{
    (void)state;
    check("{\"prompt\": \"Once \\nupon\"}", "Once \nupon");
    check("{\"text\": \"Once\"}", "Once");
    check("{\"prompt\": \"2 + 2\", \"completion\": \"4\"}", "2 + 2");
}

static void
test_examples_show_one_message_without_its_role(void **state)
{
    (void)state;
    check("{\"prompt\": [{\"role\": \"user\", \"content\": \"Hi\"}]}", "Hi");
}

static void
test_examples_show_a_conversation_without_its_answer(void **state)
{
    static const char two[] =
        "{\"messages\": [{\"role\": \"system\", \"content\": \"Be.\"},"
        " {\"role\": \"user\", \"content\": \"Hi\"},"
        " {\"role\": \"assistant\", \"content\": \"Ho\"}]}";

    (void)state;
    check(two, "system: Be.\nuser: Hi");
}

static void
test_examples_of_zeros_are_released(void **state)
{
    trv_measurement none = {0};

    (void)state;
    examples_release(&none);
    assert_null(none.examples);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_examples_show_a_text_as_it_stands),
        cmocka_unit_test(test_examples_show_one_message_without_its_role),
        cmocka_unit_test(test_examples_show_a_conversation_without_its_answer),
        cmocka_unit_test(test_examples_of_zeros_are_released),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
