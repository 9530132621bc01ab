/* test_curves.c -- facts about what is read of metrics.jsonl. */
#include "support/test.h"

#include <string.h>

#include "cli/curves.h"

static struct curves
read_text(const char *text)
{
    static char copy[4096];
    struct curves o = {0};
    FILE *f;

    assert_true(strlen(text) < sizeof(copy));
    memcpy(copy, text, strlen(text) + 1);
    f = fmemopen(copy, strlen(text), "r");
    assert_non_null(f);
    assert_int_equal(curves_read(&o, f), 0);
    fclose(f);
    return o;
}

static void
test_curves_reads_the_curves_of_a_run(void **state)
{
    struct curves o =
        read_text("{\"step\": 1, \"loss\": 0.5}\n"
                  "{\"step\": 2, \"loss\": 0.25, \"reward\": -1}\n"
                  "{\"step\": 5, \"loss\": 1}");

    (void)state;
    assert_int_equal(o.loss.n, 3);
    assert_close(o.loss.step[2], 5, 0);
    assert_close(o.loss.value[1], 0.25, 0);
    assert_int_equal(o.reward.n, 1);
    assert_close(o.reward.value[0], -1, 0);
    curves_release(&o);
    assert_null(o.loss.step);
}

static void
test_curves_passes_over_lines_that_say_nothing(void **state)
{
    struct curves o =
        read_text("\n{\"step\": 1, \"loss\": null}\nbroken\n[1]\n"
                  "{\"loss\": 3}\n{\"step\": 2, \"loss\": 4}\n"
                  "{\"step\": 2, \"loss\": 5}\n{\"step\": 3, \"lo");

    (void)state;
    assert_int_equal(o.loss.n, 1);
    assert_close(o.loss.value[0], 4, 0);
    curves_release(&o);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_curves_reads_the_curves_of_a_run),
        cmocka_unit_test(test_curves_passes_over_lines_that_say_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
