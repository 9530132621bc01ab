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

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_err_nomem_says_what_memory_was_for),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
