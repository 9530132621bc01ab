/* test_rate.c -- seconds a token, measured in a moment. */
#include "support/test.h"

#include <math.h>

#include "adapt/rate.h"
#include "base/clock.h"

static struct session *s;

static int
open_model(const char *name)
{
    const struct backend_options o = {.threads = 1};
    trv_err err = {0};

    const int rc = session_open(&s, test_source(name), &o, &err);

    if (rc)
        fail_msg("%s", err.msg);
    return rc;
}

static void
test_rate_every_part_of_the_work_takes_time(void **state)
{
    struct rate r;
    trv_err err = {0};

    (void)state;
    assert_int_equal(open_model("../models/nano"), 0);
    assert_int_equal(rate_measure(&r, s, true, &err), 0);
    assert_true(r.score > 0.0 && r.score < 0.1);
    assert_true(r.learn > r.score);
    assert_true(r.step >= 0.0 && r.draw >= 0.0 && r.step + r.draw > 0.0);
    session_free(s);
}

static void
test_rate_measuring_leaves_the_counters_as_they_were(void **state)
{
    struct rate r;
    trv_err err = {0};

    (void)state;
    assert_int_equal(open_model("../models/nano"), 0);
    assert_int_equal(rate_measure(&r, s, true, &err), 0);
    assert_close(s->decoder->flop, 0.0, 0.0);
    assert_close(s->decoder->tokens, 0.0, 0.0);
    session_free(s);
}

static void
test_rate_measuring_is_bounded(void **state)
{
    struct rate r;
    trv_err err = {0};
    double began;

    (void)state;
    assert_int_equal(open_model("../models/nano"), 0);
    began = clock_now();
    assert_int_equal(rate_measure(&r, s, true, &err), 0);
    assert_true(clock_now() - began < 20.0); // 0.2 s on a free core
    session_free(s);
}

static void
test_rate_a_context_of_a_few_tokens_is_enough(void **state)
{
    struct rate r;
    trv_err err = {0};

    (void)state;
    assert_int_equal(open_model("golden/world"), 0);
    assert_int_equal(rate_measure(&r, s, true, &err), 0);
    assert_true(r.score > 0.0 && r.learn > 0.0);
    session_free(s);
}

static void
test_rate_seconds_are_the_sum_of_what_is_done(void **state)
{
    const struct rate r = {.score = 1, .learn = 10, .step = 100, .draw = 1000};

    (void)state;
    assert_close(rate_seconds(&r, &(struct rate_work){.scored = 2,
                                                      .learned = 3,
                                                      .draws = 4,
                                                      .steps = 5}),
                 4532.0, 0.0);
    assert_close(rate_steps(64.0, 16.0), 4.0, 0.0);
    assert_close(rate_steps(64.0, 0.0), 64.0, 0.0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rate_every_part_of_the_work_takes_time),
        cmocka_unit_test(test_rate_measuring_leaves_the_counters_as_they_were),
        cmocka_unit_test(test_rate_measuring_is_bounded),
        cmocka_unit_test(test_rate_a_context_of_a_few_tokens_is_enough),
        cmocka_unit_test(test_rate_seconds_are_the_sum_of_what_is_done),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
