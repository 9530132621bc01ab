/* test_exit_code.c -- each code of the library ends in one exit status. */
#include "support/test.h"

#include <string.h>

#include "cli/cmd.h"

static const int codes[] = {
#define CODE(name, value, text) name,
    TRV_ERROR_LIST(CODE)
#undef CODE
};

static const struct {
    int code;
    enum cli_exit status;
} rows[] = {
#define ROW(code, status) {code, status},
    CLI_CODE_LIST(ROW)
#undef ROW
};

static const struct {
    int status;
    const char *word, *text;
} exits[] = {
#define EXIT(name, value, word, text) {value, word, text},
    CLI_EXIT_LIST(EXIT)
#undef EXIT
};

#define COUNT(list) (sizeof(list) / sizeof(*(list)))

static void
test_exit_code_of_every_failure_stands_in_the_table_once(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(codes); i++) {
        int n = 0;

        for (size_t k = 0; k < COUNT(rows); k++)
            n += rows[k].code == codes[i] && rows[k].status != CLI_OK;
        if (n != 1)
            fail_msg("%s: %d rows", trv_code_text(codes[i]), n);
    }
    assert_int_equal(COUNT(rows), COUNT(codes));
}

static void
test_exit_code_has_a_number_a_word_and_a_meaning_of_its_own(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(exits); i++)
        for (size_t k = 0; k < i; k++) {
            assert_int_not_equal(exits[i].status, exits[k].status);
            assert_string_not_equal(exits[i].word, exits[k].word);
            assert_string_not_equal(exits[i].text, exits[k].text);
        }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            test_exit_code_of_every_failure_stands_in_the_table_once),
        cmocka_unit_test(
            test_exit_code_has_a_number_a_word_and_a_meaning_of_its_own),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
