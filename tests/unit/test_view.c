/* test_view.c -- inputs from files and from the model itself, on a tiny model.
 */
#include "support/test.h"

#include <string.h>

#include "adapt/view.h"

static struct session *
open_tiny(const char *isa)
{
    const struct backend_options be = {.isa = isa, .prec = PREC_F32};
    struct session *s;
    trv_err err = {0};

    if (session_open(&s, test_source("golden/tiny/one"), &be, &err))
        fail_msg("%s", err.msg);
    return s;
}

static void
open_sampled(struct inputs *in, struct session *s, enum inputs_use use,
             uint64_t seed)
{
    trv_err err = {0};

    if (inputs_open(
            in, s,
            &(struct inputs_options){.use = use, .want = 40, .seed = seed},
            &err))
        fail_msg("%s", err.msg);
}

static bool
same_prompt(const struct data_row *a, const struct data_row *b)
{
    return json_equal(a->prompt, b->prompt);
}

static void
test_view_inputs_sampled_to_measure_are_not_those_to_learn(void **state)
{
    struct session *s = open_tiny(NULL);
    struct inputs in[3];
    int alike = 0;

    (void)state;
    for (int use = 0; use < 3; use++)
        open_sampled(&in[use], s, (enum inputs_use)use, 7);
    for (int64_t i = 0; i < 40; i++)
        alike += same_prompt(&in[0].data.rows[i], &in[1].data.rows[i]) +
                 same_prompt(&in[0].data.rows[i], &in[2].data.rows[i]) +
                 same_prompt(&in[1].data.rows[i], &in[2].data.rows[i]);
    assert_true(alike < 12); // of 120: a short text may come twice
    for (int use = 0; use < 3; use++)
        inputs_release(&in[use]);
    session_free(s);
}

static void
test_view_inputs_sampled_with_one_seed_are_the_same(void **state)
{
    struct session *s = open_tiny(NULL);
    struct inputs a, b;

    (void)state;
    open_sampled(&a, s, INPUTS_LEARN, 1ULL << 63);
    open_sampled(&b, s, INPUTS_LEARN, 1ULL << 63);
    assert_string_equal(a.data.hash, b.data.hash);
    for (int64_t i = 0; i < 40; i++)
        assert_true(same_prompt(&a.data.rows[i], &b.data.rows[i]));
    inputs_release(&b);
    open_sampled(&b, s, INPUTS_LEARN, 0);
    assert_string_not_equal(a.data.hash, b.data.hash);
    inputs_release(&a);
    inputs_release(&b);
    session_free(s);
}

static void
test_view_a_line_of_text_is_a_prompt_of_its_file_and_line(void **state)
{
    struct session *s = open_tiny(NULL);
    const char *dir = test_tmpdir("view_turn");
    struct inputs in = {0};
    trv_err err = {0};
    char path[512];

    (void)state;
    snprintf(path, sizeof(path), "%s/in.txt", dir);
    assert_int_equal(file_write_atomic(path, "one\ntwo\n", 8, &err), 0);
    if (inputs_open(&in, s, &(struct inputs_options){.path = path}, &err))
        fail_msg("%s", err.msg);
    assert_int_equal(in.data.n, 2);
    assert_string_equal(json_string_value(in.data.rows[1].prompt), "two");
    assert_string_equal(in.data.rows[1].path, path);
    assert_int_equal(in.data.rows[1].line, 2);
    inputs_release(&in);
    session_free(s);
}

/* BOS, "One", and before them the virtual tokens. */
static void
test_view_virtual_tokens_come_before_all_else(void **state)
{
    struct session *s = open_tiny(NULL);
    struct adaptation a = {.kind = KIND_SOFT, .form = FORM_PROMPT};
    struct data_row row = {.json = json_pack("{s:s}", "prompt", "One"),
                           .label = -1};
    struct ids base = {0}, ids = {0};
    trv_err err = {0};

    (void)state;
    row.prompt = json_object_get(row.json, "prompt");
    assert_int_equal(virtual_init(&a.adapter_weights.virtual, VIRTUAL_SOFT,
                                  &s->model->cfg, 3, false, &err),
                     0);
    assert_int_equal(view_conditioning(&base, s->model, NULL, &row, &err), 0);
    assert_int_equal(view_conditioning(&ids, s->model, &a, &row, &err), 0);
    assert_int_equal(ids.n, base.n + 3);
    for (int j = 0; j < 3; j++)
        assert_int_equal(ids.v[j], VIRTUAL_ID(j));
    assert_memory_equal(ids.v + 3, base.v, (size_t)base.n * sizeof(*base.v));
    assert_ptr_equal(view_weights(&a), &a.adapter_weights);
    ids.n = 0;
    assert_int_equal(view_weights_conditioning(&ids, s->model,
                                               &a.adapter_weights, &row, &err),
                     0);
    assert_int_equal(ids.n, base.n + 3);
    ids_release(&ids);
    ids_release(&base);
    json_decref(row.json);
    adapter_weights_release(&a.adapter_weights);
    session_free(s);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_view_virtual_tokens_come_before_all_else),
        cmocka_unit_test(
            test_view_inputs_sampled_to_measure_are_not_those_to_learn),
        cmocka_unit_test(test_view_inputs_sampled_with_one_seed_are_the_same),
        cmocka_unit_test(
            test_view_a_line_of_text_is_a_prompt_of_its_file_and_line),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
