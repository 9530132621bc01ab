/* test_preference_pairs.c -- preferences from rewards and from files. */
#include "support/test.h"

#include <math.h>
#include <string.h>

#include "learn/loss/logistic.h"
#include "support/world.h"
#include "transform/policy/preference_pairs.h"

static struct world w;

static int
set_up(void **state)
{
    (void)state;
    world_open(&w, "pairs_world", 1.0);
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    world_close(&w);
    return 0;
}

/* Three groups of four answers. */
static const double reward[12] = {0.1, 0.9, 0.4, 0.9, 0.5, 0.5,
                                  0.5, 0.5, 2.0, 1.0, 0.0, 1.0};

static void
make(struct pairs *out, const struct preference_pairs_options *how)
{
    const struct answers twelve = {.n = 12};
    trv_err err = {0};

    if (preference_pairs_of_rewards(out, &twelve, reward, 4, how, &err))
        fail_msg("%s", err.msg);
}

static void
test_pairs_take_the_best_with_the_worst_of_each_input(void **state)
{
    struct pairs p;

    (void)state;
    make(&p, &(struct preference_pairs_options){.soft = true});
    assert_int_equal(p.n, 2);
    assert_int_equal(p.n_dropped, 1); // equal rewards prefer nothing
    assert_int_equal(p.list[0].chosen, 1);
    assert_int_equal(p.list[0].rejected, 0);
    assert_close(p.list[0].label, logistic(0.8), 1e-15);
    assert_int_equal(p.list[1].chosen, 8);
    assert_int_equal(p.list[1].rejected, 10);
    pairs_release(&p);
    make(&p, &(struct preference_pairs_options){.margin = 1.0});
    assert_int_equal(p.n, 1);
    assert_close(p.list[0].label, 1.0, 0.0);
    pairs_release(&p);
}

static void
test_pairs_all_are_those_above_the_margin_and_in_order(void **state)
{
    struct pairs p;

    (void)state;
    make(&p, &(struct preference_pairs_options){.all = true, .margin = 0.45});
    assert_int_equal(p.n, 9); // 4 of the first group, 5 of the third
    for (int64_t i = 0; i < p.n; i++) {
        assert_true(reward[p.list[i].chosen] >
                    reward[p.list[i].rejected] + 0.45);
        assert_int_equal(p.list[i].chosen / 4, p.list[i].rejected / 4);
    }
    pairs_release(&p);
}

static void
open_rows(struct inputs *in, const char *rows)
{
    trv_err err = {0};

    *in = (struct inputs){0};
    if (data_parse(&in->data, "pairs.jsonl", rows, strlen(rows), &err))
        fail_msg("%s", err.msg);
}

static void
test_pairs_of_a_file_are_joined_to_their_prompt_and_end(void **state)
{
    static const char rows[] =
        "{\"prompt\": \"ab\", \"chosen\": \"c\", \"rejected\": \"dd\"}\n"
        "{\"prompt\": \"a\", \"chosen\": \"c\", \"rejected\": \"c\"}\n"
        "{\"prompt\": \"a\", \"chosen\": \"abcdabcdabcdabcdabcd\","
        " \"rejected\": \"c\"}\n"
        "{\"prompt\": \"d\", \"chosen\": \"\", \"rejected\": \"c\"}\n";
    static const int32_t context[] = {4, 0, 1}, better[] = {2, 5},
                         worse[] = {3, 3, 5};
    struct answers a;
    struct inputs in;
    struct pairs p;
    trv_err err = {0};

    (void)state;
    open_rows(&in, rows);
    if (preference_pairs_of_file(&p, &a, w.s, NULL, &in, &err))
        fail_msg("%s", err.msg);
    assert_int_equal(p.n, 2);
    assert_int_equal(p.n_dropped, 2); // equal answers; one too long
    assert_int_equal(a.n, 4);
    assert_int_equal(a.n_contexts, 2);
    assert_int_equal(a.tokens, 2 + 3 + 1 + 2);
    assert_int_equal(a.contexts[1].input, 3);
    assert_int_equal(a.contexts[0].student.n, 3);
    assert_memory_equal(a.contexts[0].student.v, context, sizeof(context));
    assert_memory_equal(a.contexts[0].teacher.parts[0].ids, context,
                        sizeof(context));
    assert_int_equal(a.list[p.list[0].chosen].n, 2);
    assert_memory_equal(a.list[p.list[0].chosen].ids, better, sizeof(better));
    assert_memory_equal(a.list[p.list[0].rejected].ids, worse, sizeof(worse));
    assert_int_equal(a.list[p.list[1].chosen].context, 1);
    answers_release(&a);
    pairs_release(&p);
    inputs_release(&in);
}

static void
test_pairs_of_a_file_without_one_are_refused_by_line(void **state)
{
    struct answers a;
    struct inputs in;
    struct pairs p;
    trv_err err = {0};

    (void)state;
    open_rows(&in, "{\"prompt\": \"a\", \"chosen\": \"b\","
                   " \"rejected\": \"c\"}\n{\"prompt\": \"a\"}\n");
    assert_int_equal(preference_pairs_of_file(&p, &a, w.s, NULL, &in, &err),
                     TRV_EFORMAT);
    assert_non_null(strstr(err.msg, "line 2"));
    answers_release(&a);
    pairs_release(&p);
    inputs_release(&in);
    open_rows(&in, "{\"prompt\": \"a\", \"chosen\": \"b\","
                   " \"rejected\": \"b\"}\n");
    assert_int_equal(preference_pairs_of_file(&p, &a, w.s, NULL, &in, &err),
                     TRV_EFORMAT);
    assert_non_null(strstr(err.msg, "different answers"));
    answers_release(&a);
    pairs_release(&p);
    inputs_release(&in);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pairs_take_the_best_with_the_worst_of_each_input),
        cmocka_unit_test(
            test_pairs_all_are_those_above_the_margin_and_in_order),
        cmocka_unit_test(
            test_pairs_of_a_file_are_joined_to_their_prompt_and_end),
        cmocka_unit_test(test_pairs_of_a_file_without_one_are_refused_by_line),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
