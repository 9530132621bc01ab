/* test_conversation.c -- facts about what was said. */
#include "support/test.h"

#include <stdio.h>
#include <string.h>

#include "cli/conversation.h"

static void
say(struct conversation *c, const char *text)
{
    assert_true(conversation_say(c, text, strlen(text)));
}

/* "role:content" of every message, parted by '|'. */
static void
check(const struct conversation *c, const char *want)
{
    char got[400] = "";
    size_t at = 0;
    int32_t n;
    const trv_turn *turns = conversation_turns(c, &n);

    for (int32_t i = 0; i < n; i++)
        at += (size_t)snprintf(got + at, sizeof(got) - at, "%s%s:%s",
                               i ? "|" : "", turns[i].role, turns[i].content);
    assert_string_equal(got, want);
}

static void
test_conversation_turns_go_from_user_to_assistant(void **state)
{
    struct conversation c = {0};

    (void)state;
    check(&c, "");
    say(&c, "a");
    assert_false(conversation_is_answered(&c));
    say(&c, "b");
    assert_true(conversation_is_answered(&c));
    say(&c, "c");
    check(&c, "user:a|assistant:b|user:c");
    assert_int_equal(conversation_questions(&c), 2);
    conversation_take_back(&c);
    check(&c, "user:a|assistant:b");
    conversation_release(&c);
}

static void
test_conversation_system_message_comes_first_and_survives_a_reset(void **state)
{
    struct conversation c = {0};

    (void)state;
    say(&c, "a");
    assert_true(conversation_system(&c, "Be kind."));
    check(&c, "system:Be kind.|user:a");
    conversation_reset(&c);
    check(&c, "system:Be kind.");
    assert_true(conversation_system(&c, "Be brief."));
    check(&c, "system:Be brief.");
    assert_true(conversation_system(&c, NULL));
    check(&c, "");
    conversation_release(&c);
}

static void
test_conversation_forgets_pairs_but_never_the_latest_question(void **state)
{
    struct conversation c = {0};

    (void)state;
    assert_true(conversation_system(&c, "S"));
    for (int i = 0; i < 5; i++)
        say(&c, (const char *const[]){"a", "b", "c", "d", "e"}[i]);
    assert_true(conversation_forget(&c));
    check(&c, "system:S|user:c|assistant:d|user:e");
    assert_true(conversation_forget(&c));
    assert_false(conversation_forget(&c));
    check(&c, "system:S|user:e");
    conversation_release(&c);
}

static void
test_conversation_holds_a_thousand_turns(void **state)
{
    struct conversation c = {0};
    int32_t n;

    (void)state;
    for (int i = 0; i < 1000; i++)
        say(&c, "x");
    conversation_turns(&c, &n);
    assert_int_equal(n, 1000);
    conversation_release(&c);
}

static void
test_conversation_mends_what_no_model_can_be_given(void **state)
{
    struct conversation c = {0};

    (void)state;
    assert_true(conversation_say(&c, "a\0b\377c", 5));
    check(&c, "user:a\357\277\275b\357\277\275c");
    conversation_release(&c);
}

static void
test_conversation_json_is_a_list_of_messages(void **state)
{
    struct conversation c = {0};
    json_t *list, *want;

    (void)state;
    assert_true(conversation_system(&c, "S"));
    say(&c, "a\n\"b\"");
    list = conversation_json(&c);
    want = json_pack("[{s:s,s:s},{s:s,s:s}]", "role", "system", "content", "S",
                     "role", "user", "content", "a\n\"b\"");
    assert_true(json_equal(list, want));
    json_decref(list);
    json_decref(want);
    conversation_release(&c);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_conversation_turns_go_from_user_to_assistant),
        cmocka_unit_test(
            test_conversation_system_message_comes_first_and_survives_a_reset),
        cmocka_unit_test(
            test_conversation_forgets_pairs_but_never_the_latest_question),
        cmocka_unit_test(test_conversation_holds_a_thousand_turns),
        cmocka_unit_test(test_conversation_mends_what_no_model_can_be_given),
        cmocka_unit_test(test_conversation_json_is_a_list_of_messages),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
