/* test_rollout.c -- batches of the student's own answers. */
#include "support/test.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "support/world.h"
#include "transform/policy/rollout.h"

#define N 24
#define GROUP 4

static struct world w;
static int64_t asked;

static int
set_up(void **state)
{
    (void)state;
    world_open(&w, "rollout_world", 1.0);
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    world_close(&w);
    return 0;
}

static int
score(void *payload, double *reward, const struct completion *list, int64_t n,
      trv_err *err)
{
    (void)payload;
    (void)err;
    asked += n;
    for (int64_t i = 0; i < n; i++)
        reward[i] = world_reward_of(&w, list[i].row, list[i].ids, list[i].n);
    return 0;
}

static void
begin(struct rollout *r)
{
    trv_err err = {0};

    *r = (struct rollout){.s = w.s,
                          .contexts = &w.answers,
                          .in = &w.in,
                          .judge = {score, NULL},
                          .student = &w.student,
                          .opts = {.n = N,
                                   .K = GROUP,
                                   .max_tokens = WORLD_LENGTH,
                                   .temperature = 1,
                                   .seed = 2}};
    if (rollout_init(r, &err))
        fail_msg("%s", err.msg);
}

static void
draw(struct rollout *r, int64_t b)
{
    double tokens = 0;
    trv_err err = {0};

    if (rollout_draw(r, b, &tokens, &err))
        fail_msg("%s", err.msg);
}

static bool
is_same(const struct rollout *a, const struct rollout *b)
{
    const size_t n = (size_t)a->first[N];

    return memcmp(a->first, b->first, sizeof(*a->first) * (N + 1)) == 0 &&
           memcmp(a->context, b->context, sizeof(*a->context) * N) == 0 &&
           memcmp(a->ids, b->ids, sizeof(*a->ids) * n) == 0 &&
           memcmp(a->old, b->old, sizeof(*a->old) * n) == 0 &&
           memcmp(a->ref, b->ref, sizeof(*a->ref) * n) == 0 &&
           memcmp(a->reward, b->reward, sizeof(*a->reward) * N) == 0;
}

static void
test_rollout_batch_is_a_function_of_its_number(void **state)
{
    struct rollout a, b;

    (void)state;
    begin(&a);
    begin(&b);
    draw(&a, 0);
    draw(&a, 3);
    draw(&b, 3);
    assert_true(is_same(&a, &b));
    draw(&b, 4);
    assert_false(is_same(&a, &b));
    asked = 0;
    draw(&b, 4); // it is held
    assert_int_equal(asked, 0);
    rollout_release(&a);
    rollout_release(&b);
}

/* Without temperature the likeliest token is drawn, so a group is one answer. */
static void
test_rollout_draws_at_its_temperature(void **state)
{
    int64_t unequal[2] = {0, 0};

    (void)state;
    for (int t = 0; t < 2; t++) {
        struct rollout r;

        begin(&r);
        r.opts.temperature = t;
        draw(&r, 0);
        for (int64_t i = 0; i < N; i++) {
            const int64_t of = i - i % GROUP, n = r.first[i + 1] - r.first[i];

            unequal[t] += r.first[of + 1] - r.first[of] != n ||
                          memcmp(r.ids + r.first[of], r.ids + r.first[i],
                                 (size_t)n * sizeof(*r.ids)) != 0;
        }
        rollout_release(&r);
    }
    assert_int_equal(unequal[0], 0);
    assert_true(unequal[1] > N / 4);
}

static void
test_rollout_answers_of_a_group_have_one_input(void **state)
{
    struct rollout r;
    int64_t seen[WORLD_INPUTS] = {0};

    (void)state;
    begin(&r);
    draw(&r, 0);
    for (int64_t i = 0; i < N; i++) {
        assert_int_equal(r.context[i], r.context[i / GROUP * GROUP]);
        seen[r.context[i]]++;
        assert_true(r.first[i + 1] > r.first[i]);
    }
    assert_int_equal(seen[0], N / 2); // the shuffle meets each as often
    rollout_release(&r);
}

static void
test_rollout_comes_back_from_a_checkpoint_bit_for_bit(void **state)
{
    struct rollout a, b;
    json_t *obj = json_object(), *again = NULL;
    char *text;
    trv_err err = {0};

    (void)state;
    begin(&a);
    begin(&b);
    draw(&a, 1);
    assert_int_equal(rollout_save(obj, &a, &err), 0);
    text = json_dumps(obj, JSON_COMPACT); // as a checkpoint writes it
    assert_int_equal(json_parse(&again, "x", text, strlen(text), &err), 0);
    assert_int_equal(rollout_load(&b, again, &err), 0);
    assert_true(is_same(&a, &b));
    assert_int_equal(b.batch, 1);
    json_array_remove(
        json_object_get(json_object_get(again, "rollout"), "answers"), 0);
    assert_int_equal(rollout_load(&b, again, &err), TRV_EFORMAT);
    json_decref(obj);
    json_decref(again);
    free(text);
    rollout_release(&a);
    rollout_release(&b);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rollout_batch_is_a_function_of_its_number),
        cmocka_unit_test(test_rollout_draws_at_its_temperature),
        cmocka_unit_test(test_rollout_answers_of_a_group_have_one_input),
        cmocka_unit_test(test_rollout_comes_back_from_a_checkpoint_bit_for_bit),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
