/* test_demo_values.c -- what demonstrations are worth, and the choice among
 * them against every choice there is, in a world of 8 tokens.
 */
#include "support/test.h"

#include <math.h>
#include <string.h>
#include <unistd.h>

#include "adapt/prompt/demos.h"
#include "base/file.h"
#include "base/mem.h"
#include "transform/demos/greedy_select.h"
#include "transform/demos/demo_values.h"
#include "base/seal.h"

struct set {
    struct session *s;
    struct adaptation *from;
    struct convert_job job;
    trv_convert_options o;
    struct demo_values v;
    char inputs[600], file[600];
};

static void
set_up(struct set *t, const char *from, const char *name)
{
    static const char words[] = "a\ncb\nd\nbd\nc\nab\ncc\nda\nbb\nb\nad\ndc\n";
    const struct backend_options be = {.prec = PREC_F32, .threads = 1};
    const char *dir = test_tmpdir(name);
    trv_err err = {0};

    *t = (struct set){.o = TRV_CONVERT_OPTIONS_INIT};
    snprintf(t->inputs, sizeof(t->inputs), "%s/in.txt", dir);
    snprintf(t->file, sizeof(t->file), "%s/values.jsonl", dir);
    if (file_write_atomic(t->inputs, words, strlen(words), &err) ||
        session_open(&t->s, test_source("golden/world"), &be, &err) ||
        adaptation_open(&t->from, t->s->model, NULL, from, false, &err) ||
        view_ready(t->from, t->s->be, &err))
        fail_msg("%s", err.msg);
    t->o.inputs = t->inputs;
    t->o.max_tokens = 3;
    t->o.evolve.demos = 2;
    t->o.evolve.held_out = 2;
    t->o.evolve.answers = 8;
    t->o.evolve.demos_template = "{input}{output} ";
    t->job = (struct convert_job){
        .s = t->s, .from = t->from, .to = KIND_DEMOS, .opts = &t->o};
}

static void
begin(struct set *t, bool keep, bool resume)
{
    trv_err err = {0};

    t->v = (struct demo_values){
        .job = &t->job, .file = keep ? t->file : NULL, .resume = resume};
    if (demo_values_open(&t->v, &err) || demo_values_begin(&t->v, &err))
        fail_msg("%s", err.msg);
}

static void
tear_down(struct set *t)
{
    adaptation_free(t->from);
    session_free(t->s);
}

static double
value(struct demo_values *v, int64_t i, int64_t j)
{
    const int64_t at[] = {i, j};
    double x;
    trv_err err = {0};

    if (demo_values_get(v, &x, at, i < 0 ? 0 : j < 0 ? 1 : 2, &err))
        fail_msg("%s", err.msg);
    return x;
}

/* The choice equals the best of all ordered choices of at most 2. */
static void
equals_brute_force(const char *from, const char *name)
{
    struct set t;
    struct greedy_select c = {
        .value = demo_values_get, .most = 2, .mends = 3, .starts = 2};
    int64_t at[GREEDY_SELECT_MAX], k;
    double got, best, none;
    trv_err err = {0};

    set_up(&t, from, name);
    begin(&t, false, false);
    c.self = &t.v;
    c.n = (int64_t)json_array_size(t.v.pool);
    assert_true(c.n >= 3);
    if (greedy_select_run(at, &k, &got, &c, &err))
        fail_msg("%s", err.msg);
    none = best = value(&t.v, -1, -1);
    for (int64_t i = 0; i < c.n; i++)
        for (int64_t j = -1; j < c.n; j++)
            if (j != i)
                best = fmax(best, value(&t.v, i, j));
    print_message("%lld candidates: none %.4f, chosen %.4f, best %.4f\n",
                  (long long)c.n, none, got, best);
    assert_true(best > none); // there is something to choose
    assert_close(got, best, 0.0);
    demo_values_release(&t.v);
    tear_down(&t);
}

static void
test_demo_values_the_choice_by_kl_equals_brute_force(void **state)
{
    (void)state;
    equals_brute_force("mix:1*prompt:ddcd ddbd ", "demo_values_kl");
}

static void
test_demo_values_the_choice_by_reward_equals_brute_force(void **state)
{
    (void)state;
    equals_brute_force("verifier:regex,pattern=^d", "demo_values_reward");
}

static void
test_demo_values_of_the_teachers_own_context_lose_nothing(void **state)
{
    struct set t;
    double kl[16];
    bool fits = false;
    struct adaptation *z;
    trv_err err = {0};

    (void)state;
    set_up(&t, "mix:1*prompt:ddcd ddbd ", "demo_values_same");
    begin(&t, false, false);
    if (adaptation_of_text(&z, "ddcd ddbd ", 10, &err) ||
        demo_witness_compare(kl, &fits, &t.v.witness, t.s, z, &err))
        fail_msg("%s", err.msg);
    assert_true(fits);
    assert_true(t.v.witness.n <= 16);
    for (int64_t i = 0; i < t.v.witness.n; i++)
        assert_close(kl[i], 0.0, 1e-5); // f32 logits, a few tokens
    adaptation_free(z);
    demo_values_release(&t.v);
    tear_down(&t);
}

static void
test_demo_values_that_were_kept_are_not_taken_again(void **state)
{
    struct set t;
    static const char more[] =
        "{\"at\":[2],\"value\":0.25,\"answers\":9,\"drawn\":20}\n";
    struct strbuf text = {0};
    double a, b;
    trv_err err = {0};

    (void)state;
    set_up(&t, "verifier:regex,pattern=^d", "demo_values_kept");
    begin(&t, true, false);
    a = value(&t.v, 0, 1);
    b = value(&t.v, 1, 0);
    demo_values_release(&t.v);
    assert_int_equal(journal_append(t.file, more, sizeof(more) - 1, &err), 0);
    assert_int_equal(file_read(&text, t.file, 1 << 20, &err), 0);
    sb_puts(&text, "{\"at\":[3],\"val");
    assert_int_equal(file_write_atomic(t.file, text.s, text.len, &err), 0);
    begin(&t, true, true);
    assert_close(value(&t.v, 0, 1), a, 0.0);
    assert_close(value(&t.v, 1, 0), b, 0.0);
    assert_close(value(&t.v, 2, -1), 0.25, 0.0); // it stood there
    demo_values_release(&t.v);
    sb_release(&text);
    tear_down(&t);
}

static void
test_demo_values_refuse_what_no_run_wrote(void **state)
{
    static const char *const bad[] = {
        "7\n",
        "{\"at\":[16],\"value\":1,\"answers\":1,\"drawn\":1}\n",
        "{\"at\":[-1],\"value\":1,\"answers\":1,\"drawn\":1}\n",
        "{\"at\":[0.5],\"value\":1,\"answers\":1,\"drawn\":1}\n",
        "{\"at\":[0],\"value\":\"x\",\"answers\":1,\"drawn\":1}\n",
        "{\"at\":{},\"value\":1,\"answers\":1,\"drawn\":1}\n",
        "{\"at\":[0],\"value\":1,\"answers\":-1,\"drawn\":1}\n",
        "{\"at\":[0],\"value\":1,\"answers\":1}\n",
        "x\n",
    };
    struct set t;

    (void)state;
    set_up(&t, "verifier:regex,pattern=^d", "demo_values_bad");
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        trv_err err = {0};

        (void)unlink(t.file);
        assert_int_equal(journal_append(t.file, bad[i], strlen(bad[i]), &err),
                         0);
        t.v =
            (struct demo_values){.job = &t.job, .file = t.file, .resume = true};
        assert_int_equal(demo_values_open(&t.v, &err), 0);
        assert_int_equal(demo_values_begin(&t.v, &err), TRV_EFORMAT);
        assert_non_null(strstr(err.msg, "start it anew"));
        demo_values_release(&t.v);
    }
    tear_down(&t);
}

static void
test_demo_values_of_demonstrations_without_room_are_impossible(void **state)
{
    struct set t;

    (void)state;
    set_up(&t, "mix:1*prompt:ddcd ddbd ", "demo_values_room");
    t.o.max_tokens = 28; // of a context of 64: two answers leave no room
    begin(&t, false, false);
    assert_true(isfinite(value(&t.v, -1, -1)));
    demo_values_release(&t.v);
    t.o.evolve.demos_template =
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa{input}"
        "{output} ";
    begin(&t, false, false);
    assert_true(isinf(value(&t.v, 0, -1)));
    demo_values_release(&t.v);
    tear_down(&t);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_demo_values_the_choice_by_kl_equals_brute_force),
        cmocka_unit_test(
            test_demo_values_the_choice_by_reward_equals_brute_force),
        cmocka_unit_test(
            test_demo_values_of_the_teachers_own_context_lose_nothing),
        cmocka_unit_test(test_demo_values_that_were_kept_are_not_taken_again),
        cmocka_unit_test(test_demo_values_refuse_what_no_run_wrote),
        cmocka_unit_test(
            test_demo_values_of_demonstrations_without_room_are_impossible),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
