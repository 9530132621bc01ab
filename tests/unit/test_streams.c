/* test_streams.c -- no two uses of a run share a random stream. */
#include "support/test.h"

#include "base/streams.h"

static const struct {
    const char *name;
    uint64_t first, end;
    unsigned runs;
} list[] = {
#define ROW(name, first, end, runs) {#name, first, end, runs},
    STREAM_LIST(ROW)
#undef ROW
};

#define COUNT (sizeof(list) / sizeof(list[0]))

static void
test_streams_of_one_run_do_not_overlap(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT; i++)
        for (size_t k = 0; k < i; k++)
            if ((list[i].runs & list[k].runs) && list[i].first < list[k].end &&
                list[k].first < list[i].end)
                fail_msg("%s and %s overlap", list[k].name, list[i].name);
}

static void
test_streams_are_ranges_that_a_generator_can_tell_apart(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT; i++)
        if (list[i].first >= list[i].end || list[i].end > STREAM_BIT(63) ||
            list[i].runs == 0)
            fail_msg("%s is no range", list[i].name);
}

/* What is on disk was drawn from these: to move one changes artefacts. */
static void
test_streams_of_training_stay_where_they_are(void **state)
{
    (void)state;
    assert_true(STREAM_ANSWERS == 0);
    assert_true(STREAM_LORA == (uint64_t)1 << 60);
    assert_true(STREAM_BOTTLENECK == ((uint64_t)1 << 60) + 1);
    assert_true(STREAM_STUDENT == (uint64_t)1 << 61);
    assert_true(STREAM_ROLLOUT == (uint64_t)1 << 61);
    assert_true(STREAM_EPOCH == (uint64_t)1 << 62);
    assert_true(STREAM_INPUTS == (uint64_t)1 << 59);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_streams_of_one_run_do_not_overlap),
        cmocka_unit_test(
            test_streams_are_ranges_that_a_generator_can_tell_apart),
        cmocka_unit_test(test_streams_of_training_stay_where_they_are),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
