/* test_trouble.c -- each thing that looks wrong is named, and nothing else. */
#include "support/test.h"

#include <string.h>

#include "base/mem.h"
#include "measure/trouble.h"

static const struct model_config cfg = {.context = 64};
static struct decoder decoder = {.cfg = &cfg};

static trv_figure
figure(double mean, double half)
{
    return (trv_figure){mean, half / 1.96, mean - half, mean + half, 9};
}

/* A measurement that gives no reason to doubt. */
static trv_measurement
sound(void)
{
    return (trv_measurement){.kl_forward = figure(0.1, 0.01),
                             .kl_reverse = figure(0.2, 0.01),
                             .kl_base = figure(1.0, 0.1),
                             .gap_closed = figure(0.9, 0.05),
                             .pair_accuracy = figure(0.8, 0.1),
                             .drift = figure(0.1, 0.01),
                             .task_base = figure(0.5, 0.1),
                             .task_target = figure(0.45, 0.1)};
}

/* NULL: there is none. */
static void
says(trv_measurement out, int64_t dropped, const char *want)
{
    struct measure m = {.d = &decoder, .dropped = dropped};
    trv_err err = {0};

    assert_int_equal(trouble_name(&m, &out, &err), 0);
    if (!want) {
        assert_null(out.trouble);
        return;
    }
    assert_non_null(out.trouble);
    assert_non_null(strstr(out.trouble, want));
    assert_null(strchr(out.trouble, '\n')); // one line alone
    mem_free(out.trouble);
}

static void
test_trouble_is_named_where_there_is_some(void **state)
{
    trv_measurement m = sound();

    (void)state;
    says(m, 0, NULL);
    says(m, 1, "1 inputs leave no room in the context of 64");
    m.pair_accuracy.n = 0;
    says(m, 0, "scores all candidates alike");
    m = sound();
    m.kl_base = figure(0.009, 0.1);
    m.drift = figure(0.001, 0.1);
    says(m, 0, "hardly differs from the base");
    m.gap_closed = figure(-1.0, 3.0); // that follows
    says(m, 0, "hardly differs from the base");
    m = sound();
    m.gap_closed = figure(-0.1, 0.05);
    says(m, 0, "farther from the source than the base");
    m.gap_closed = figure(0.9, 0.11);
    says(m, 0, "interval of gap_closed is wide");
    m.gap_closed = figure(0.9, 0.09);
    says(m, 0, NULL);
    m.kl_reverse = figure(0.31, 0.01);
    says(m, 0, "kl_reverse is far above kl_forward");
    m.kl_forward = figure(0.015, 0.01); // near enough
    says(m, 0, NULL);
    m = sound();
    m.task_target = figure(0.25, 0.1);
    says(m, 0, "less of the task's reward");
    m = sound();
    m.drift = figure(1.1, 0.1);
    says(m, 0, "drift is high");
}

/* What was not measured, as of a reward, is no trouble. */
static void
test_trouble_is_none_of_what_was_not_measured(void **state)
{
    trv_measurement m = {.pair_accuracy = figure(0.8, 0.1)};

    (void)state;
    says(m, 0, NULL);
}

static void
test_trouble_has_a_line_for_each(void **state)
{
    trv_measurement out = sound();
    struct measure m = {.d = &decoder, .dropped = 2};
    trv_err err = {0};

    (void)state;
    out.drift = figure(2.0, 0.1);
    assert_int_equal(trouble_name(&m, &out, &err), 0);
    assert_string_equal(
        out.trouble,
        "2 inputs leave no room in the context of 64 and were left out\n"
        "the target moves the control inputs more than the source moves its "
        "own: drift is high");
    mem_free(out.trouble);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_trouble_is_named_where_there_is_some),
        cmocka_unit_test(test_trouble_is_none_of_what_was_not_measured),
        cmocka_unit_test(test_trouble_has_a_line_for_each),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
