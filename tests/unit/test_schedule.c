/* test_schedule.c -- rates equal those of transformers. */
#include "support/test.h"

#include "base/json.h"
#include "learn/loop/schedule.h"

static void
test_schedule_equals_transformers(void **state)
{
    json_t *root;
    const json_t *cases, *c, *v;
    size_t i, t;

    (void)state;
    assert_int_equal(
        json_open(&root, test_source("golden/learn/learn.json"), NULL), 0);
    cases = json_object_get(root, "schedules");
    assert_int_equal(json_array_size(cases), 12);
    json_array_foreach(cases, i, c)
    {
        struct schedule s;
        int64_t first;

        assert_int_equal(
            schedule_init(&s, json_string_value(json_object_get(c, "shape")),
                          json_integer_value(json_object_get(c, "steps")),
                          json_number_value(json_object_get(c, "warmup")),
                          json_number_value(json_object_get(c, "peak")), NULL),
            0);
        /* transformers warms up from a first rate of 0, which is left out. */
        first = s.warmup > 0;
        s.steps -= first;
        s.warmup -= first;
        json_array_foreach(json_object_get(c, "lr"), t, v)
        {
            if ((int64_t)t < first)
                continue;
            /* The same double arithmetic, but for the last bit of cos. */
            assert_close(schedule_at(&s, (int64_t)t - first),
                         json_number_value(v), 1e-18);
        }
        assert_int_equal(t, s.steps + first);
    }
    json_decref(root);
}

static void
test_schedule_has_no_update_at_rate_0(void **state)
{
    struct schedule s;

    (void)state;
    for (int64_t steps = 1; steps < 40; steps++) {
        assert_int_equal(schedule_init(&s, "cosine", steps, 0.03, 1, NULL), 0);
        for (int64_t t = 0; t < steps; t++)
            assert_true(schedule_at(&s, t) > 0);
    }
}

static void
test_schedule_refuses_what_is_none(void **state)
{
    struct schedule s;
    trv_err err;

    (void)state;
    assert_int_equal(schedule_init(&s, "square", 5, 0, 1, &err), TRV_EINVAL);
    assert_non_null(strstr(err.msg, "'square'; there are cosine, linear"));
    assert_int_equal(schedule_init(&s, "cosine", 0, 0, 1, &err), TRV_EINVAL);
    assert_int_equal(schedule_init(&s, "cosine", 5, 1.1, 1, &err), TRV_EINVAL);
    assert_int_equal(schedule_init(&s, "cosine", 5, 0, 0, &err), TRV_EINVAL);
    assert_int_equal(schedule_init(&s, "cosine", 5, 0.0 / 0.0, 1, &err),
                     TRV_EINVAL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_schedule_equals_transformers),
        cmocka_unit_test(test_schedule_has_no_update_at_rate_0),
        cmocka_unit_test(test_schedule_refuses_what_is_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
