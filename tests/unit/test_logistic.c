/* test_logistic.c -- the logistic function at its ends and in between. */
#include "support/test.h"

#include <math.h>

#include "learn/loss/logistic.h"

static void
test_logistic_equals_its_formula_where_that_is_safe(void **state)
{
    (void)state;
    /* A few roundings of numbers up to 1, and up to 30 for the logarithm. */
    for (double x = -30.0; x <= 30.0; x += 0.37) {
        const double s = 1.0 / (1.0 + exp(-x));

        assert_close(logistic(x), s, 4e-16 * s);
        assert_close(logistic_log(x), -log(1.0 + exp(-x)), 1e-14);
    }
    assert_close(logistic(0.0), 0.5, 0.0);
    assert_close(logistic_log(0.0), -log(2.0), 1e-16);
}

static void
test_logistic_keeps_its_digits_far_out(void **state)
{
    (void)state;
    assert_close(logistic(-700.0), exp(-700.0), 1e-15 * exp(-700.0));
    assert_close(logistic_log(700.0), -exp(-700.0), 1e-15 * exp(-700.0));
    assert_close(logistic_log(-700.0), -700.0, 0.0);
    assert_close(logistic_log(-1e300), -1e300, 0.0);
    assert_close(logistic_log(1e300), 0.0, 0.0);
    assert_close(logistic(-1e300), 0.0, 0.0);
    assert_close(logistic(1e300), 1.0, 0.0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_logistic_equals_its_formula_where_that_is_safe),
        cmocka_unit_test(test_logistic_keeps_its_digits_far_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
