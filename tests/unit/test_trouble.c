/* test_trouble.c -- each thing that looks wrong is named, and nothing else. */
#include "support/test.h"

#include <stddef.h>
#include <string.h>

#include "base/mem.h"
#include "measure/plan.h"
#include "measure/trouble.h"

static const struct model_config cfg = {.context = 64};
static struct decoder decoder = {.cfg = &cfg};

static trv_figure
figure(double mean, double half)
{
    return (trv_figure){mean, half / 1.96, mean - half, mean + half, 9};
}

/* A measurement of all figures that gives no reason to doubt. */
static trv_measurement
sound(void)
{
    return (trv_measurement){.kl_forward = figure(0.1, 0.01),
                             .kl_reverse = figure(0.2, 0.01),
                             .kl_base = figure(1.0, 0.1),
                             .gap_closed = figure(0.9, 0.05),
                             .pair_accuracy = figure(0.8, 0.1),
                             .drift = figure(0.09, 0.01),
                             .drift_source = figure(0.05, 0.01),
                             .task_base = figure(0.5, 0.1),
                             .task_target = figure(0.45, 0.1),
                             .task_gain = figure(-0.05, 0.1)};
}

/* What a case changes of a sound measurement: up to three figures, and what the
 * sides are. */
struct doubt {
    const char *name;
    const char *says; // in the one line that is named; NULL: none is
    struct {
        bool is_set;
        size_t at; // of the figure
        trv_figure to;
    } set[3];
    int64_t dropped;
    bool no_target, is_reward, is_base, unasked;
};

#define SET(field, mean, half)                                                 \
    {                                                                          \
        true, offsetof(trv_measurement, field),                                \
        {                                                                      \
            mean, (half) / 1.96, (mean) - (half), (mean) + (half), 9           \
        }                                                                      \
    }
#define UNSET(field)                                                           \
    {                                                                          \
        true, offsetof(trv_measurement, field),                                \
        {                                                                      \
            .n = 0                                                             \
        }                                                                      \
    }

/* Each warning, and each of its false alarms. */
static const struct doubt doubts[] = {
    {.name = "all is well"},
    {.name = "one input dropped",
     .says = "1 input leaves no room in the context of 64 and was",
     .dropped = 1},
    {.name = "two inputs dropped",
     .says = "2 inputs leave no room in the context of 64 and were",
     .dropped = 2},
    {.name = "scores alike",
     .says = "scores all candidates alike",
     .set = {UNSET(pair_accuracy)}},
    {.name = "ranks not asked for",
     .set = {UNSET(pair_accuracy)},
     .unasked = true},
    {.name = "a source like the base",
     .says = "hardly differs from the base",
     .set = {SET(kl_base, 0.009, 0.001)}},
    {.name = "then no gap is wide or negative",
     .says = "hardly differs from the base",
     .set = {SET(kl_base, 0.009, 0.001), SET(gap_closed, -1.0, 3.0)}},
    {.name = "the base as source",
     .set = {UNSET(kl_base), UNSET(gap_closed), UNSET(pair_accuracy)},
     .unasked = true},
    {.name = "farther than the base",
     .says = "farther from the source than the base",
     .set = {SET(gap_closed, -0.1, 0.05)}},
    {.name = "perhaps farther", .set = {SET(gap_closed, -0.05, 0.09)}},
    {.name = "a wide gap",
     .says = "interval of gap_closed is wide",
     .set = {SET(gap_closed, 0.9, 0.11)}},
    {.name = "a gap not so wide", .set = {SET(gap_closed, 0.9, 0.09)}},
    {.name = "a target of its own words",
     .says = "kl_reverse is far above kl_forward",
     .set = {SET(kl_reverse, 0.4, 0.01)}},
    {.name = "perhaps of its own words", .set = {SET(kl_reverse, 0.4, 0.2)}},
    {.name = "near enough",
     .set = {SET(kl_reverse, 0.4, 0.01), SET(kl_forward, 0.015, 0.01)}},
    {.name = "the base as target",
     .set = {SET(kl_reverse, 0.4, 0.01)},
     .is_base = true},
    {.name = "less reward",
     .says = "less of the task's reward",
     .set = {SET(task_gain, -0.2, 0.1)}},
    {.name = "perhaps less reward", .set = {SET(task_gain, -0.2, 0.21)}},
    {.name = "a source that gets less",
     .set = {SET(task_gain, -0.2, 0.1)},
     .no_target = true},
    {.name = "drift", .says = "drift is high", .set = {SET(drift, 0.4, 0.1)}},
    {.name = "drift of a prompt that says nothing to texts",
     .says = "drift is high",
     .set = {SET(drift, 0.4, 0.1), UNSET(drift_source)}},
    {.name = "drift below the bound",
     .set = {SET(drift, 0.09, 0.01), SET(drift_source, 0.001, 0.001)}},
    {.name = "drift above the bound by chance", .set = {SET(drift, 0.4, 0.35)}},
    {.name = "drift that is the source's own",
     .set = {SET(drift, 0.4, 0.1), SET(drift_source, 0.3, 0.1)}},
    {.name = "a source that hardly moves its own inputs",
     .set = {SET(kl_base, 0.05, 0.001), SET(drift, 0.08, 0.01)}},
    {.name = "a verifier's target is meant to move",
     .set = {SET(drift, 2.0, 0.1)},
     .is_reward = true},
};

/* NULL: there is none. */
static void
check(const struct doubt *d)
{
    trv_measurement out = sound();
    struct measure m = {.d = &decoder,
                        .dropped = d->dropped,
                        .has_target = !d->no_target,
                        .target_moves = !d->is_base,
                        .acts = {true, !d->is_reward, true},
                        .asked = d->unasked ? 0 : (1u << FIGURE_COUNT) - 1};
    trv_err err = {0};

    for (int i = 0; i < 3; i++)
        if (d->set[i].is_set)
            *(trv_figure *)(void *)((char *)&out + d->set[i].at) = d->set[i].to;
    assert_int_equal(trouble_name(&m, &out, &err), 0);
    if (!d->says && out.trouble)
        fail_msg("%s: false alarm: %s", d->name, out.trouble);
    if (d->says && (!out.trouble || !strstr(out.trouble, d->says)))
        fail_msg("%s: nothing says '%s'", d->name, d->says);
    if (out.trouble && strchr(out.trouble, '\n'))
        fail_msg("%s: more than one line: %s", d->name, out.trouble);
    mem_free(out.trouble);
}

static void
test_trouble_is_named_where_there_is_some_and_only_there(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(doubts) / sizeof(*doubts); i++)
        check(&doubts[i]);
}

/* What was not measured, as of a reward, is no trouble. */
static void
test_trouble_is_none_of_what_was_not_measured(void **state)
{
    trv_measurement out = {.pair_accuracy = figure(0.8, 0.1)};
    struct measure m = {.d = &decoder, .has_target = true};
    trv_err err = {0};

    (void)state;
    assert_int_equal(trouble_name(&m, &out, &err), 0);
    assert_null(out.trouble);
}

static void
test_trouble_has_a_line_for_each(void **state)
{
    trv_measurement out = sound();
    struct measure m = {.d = &decoder,
                        .dropped = 2,
                        .has_target = true,
                        .acts = {true, true, true}};
    trv_err err = {0};

    (void)state;
    out.drift = figure(2.0, 0.1);
    assert_int_equal(trouble_name(&m, &out, &err), 0);
    assert_string_equal(
        out.trouble,
        "2 inputs leave no room in the context of 64 and were left out\n"
        "the target moves the control inputs more than the source does: drift "
        "is high");
    mem_free(out.trouble);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            test_trouble_is_named_where_there_is_some_and_only_there),
        cmocka_unit_test(test_trouble_is_none_of_what_was_not_measured),
        cmocka_unit_test(test_trouble_has_a_line_for_each),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
