/* test_err.c -- sentences of failures. */
#include "support/test.h"

#include <string.h>

#include "base/err.h"

static void
test_err_nomem_says_what_memory_was_for(void **state)
{
    char name[2 * sizeof(((trv_err *)0)->msg)];
    trv_err err = {0};

    (void)state;
    assert_int_equal(err_nomem(&err, "to read '%s'", "a.st"), TRV_ENOMEM);
    assert_int_equal(err.code, TRV_ENOMEM);
    assert_string_equal(err.msg, "no memory to read 'a.st'");

    assert_int_equal(err_nomem(NULL, "for a batch"), TRV_ENOMEM);

    memset(name, 'x', sizeof(name) - 1); // what does not fit is cut
    name[sizeof(name) - 1] = '\0';
    assert_int_equal(err_nomem(&err, "for '%s'", name), TRV_ENOMEM);
    assert_int_equal(strlen(err.msg), sizeof(err.msg) - 1);
}

static void
test_err_option_begins_the_sentence(void **state)
{
    trv_err err;

    (void)state;
    assert_int_equal(err_option(&err, TRV_ERANGE, "top-k", "is %d", -3),
                     TRV_ERANGE);
    assert_string_equal(err.msg, "top-k is -3");
    assert_string_equal(err.option, "top-k");
    (void)err_prefix(&err, "'%s'", "a.json");
    assert_string_equal(err.msg, "'a.json': top-k is -3");
    assert_null(err.option);
    (void)err_option(&err, TRV_ERANGE, "top-k", "is %d", -3);
    (void)err_fail(&err, TRV_EIO, "gone");
    assert_null(err.option);
    assert_int_equal(err_option(NULL, TRV_EIO, "top-k", "is odd"), TRV_EIO);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_err_nomem_says_what_memory_was_for),
        cmocka_unit_test(test_err_option_begins_the_sentence),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
