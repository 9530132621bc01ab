/* test_policy_pass.c -- answers under what is trained, in one pass. */
#include "support/test.h"

#include <math.h>
#include <string.h>

#include "support/world.h"
#include "transform/policy/policy_pass.h"

static struct world w;

static int
set_up(void **state)
{
    (void)state;
    world_open(&w, "pass_world", 1.0);
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    world_close(&w);
    return 0;
}

static void
forward_how(struct policy_pass *p, struct policy_row rows[WORLD_ALL],
            struct policy_how how)
{
    struct decoder *d;
    trv_err err = {0};
    int rc = session_decoder(w.s, &d, &err);

    for (int64_t i = 0; i < WORLD_ALL; i++) {
        const struct answer *y = &w.answers.list[i];

        rows[i] = (struct policy_row){&w.answers.contexts[y->context].student,
                                      y->ids, y->n};
    }
    arena_reset(&w.s->arena);
    if (!rc)
        rc = policy_plan(d, &w.student, &err);
    if (!rc)
        rc = policy_forward(p, d, &w.s->arena, &w.student, rows, WORLD_ALL, how,
                            &err);
    if (!rc)
        rc = policy_score(p, &w.s->arena, &err);
    if (rc)
        fail_msg("%s", err.msg);
}

static void
forward(struct policy_pass *p, struct policy_row rows[WORLD_ALL])
{
    forward_how(p, rows, (struct policy_how){0});
}

static void
test_policy_pass_drops_out_where_asked_to(void **state)
{
    static const struct policy_how hows[] = {
        {false, 1}, {true, 1}, {true, 1}, {true, 2}};
    static struct policy_row rows[WORLD_ALL];
    double logp[4];
    struct rng r;
    trv_err err = {0};

    (void)state;
    world_reset_student(&w);
    rng_init(&r, 8, 8);
    for (int64_t i = 0; i < w.student.lora.n; i++)
        w.student.lora.w[i] += 0.1f * (float)rng_normal(&r);
    w.student.lora.dropout = 0.5f;
    assert_int_equal(terms_refresh(&w.student, w.s->be, &err), 0);
    for (int k = 0; k < 4; k++) {
        struct policy_pass p;

        forward_how(&p, rows, hows[k]);
        logp[k] = 0.0;
        for (int64_t i = 0; i < p.N; i++)
            logp[k] += (double)p.logp[i];
    }
    assert_true(fabs(logp[0] - logp[1]) > 1.0);
    assert_close(logp[1], logp[2], 0); // the same seed
    assert_true(fabs(logp[1] - logp[3]) > 1.0);
    world_reset_student(&w);
}

static void
test_policy_pass_scores_as_the_engine_does(void **state)
{
    static struct policy_row rows[WORLD_ALL];
    struct policy_pass p;

    (void)state;
    world_reset_student(&w); // B is zero: the base
    forward(&p, rows);
    assert_int_equal(p.S, WORLD_ALL);
    assert_int_equal(p.first[p.S], w.answers.tokens);
    for (int64_t i = 0; i < WORLD_ALL; i++) // f32 sums in another order
        assert_close(policy_sum(&p, p.logp, i), w.base[i], 2e-5);
}

static void
test_policy_pass_computes_what_answers_share_once(void **state)
{
    static struct policy_row rows[WORLD_ALL];
    struct policy_pass p;

    (void)state;
    forward(&p, rows);
    /* <s>, then a or dc; behind each all first tokens that go on, and theirs;
     * the last tokens are only predicted. */
    assert_int_equal(p.b.T, 1 + (1 + 5 + 25) + (2 + 5 + 25));
}

static void
test_policy_pass_adds_gradients_to_those_that_are_there(void **state)
{
    static struct policy_row rows[WORLD_ALL];
    const int64_t n = w.student.lora.n;
    float *g = w.student.lora.g, *once = mem_calloc((size_t)n, sizeof(*once));
    struct policy_pass p;
    trv_err err = {0};

    (void)state;
    world_reset_student(&w);
    g = w.student.lora.g;
    for (int k = 0; k < 2; k++) {
        float *coef;

        forward(&p, rows);
        coef = arena_f32(&w.s->arena, p.N, 1);
        for (int64_t i = 0; i < p.N; i++)
            coef[i] = i % 3 == 0 ? 1.0f : 0.0f;
        assert_int_equal(
            policy_backward(&p, &w.s->arena, coef, (struct mat){0}, &err), 0);
        if (k == 0)
            memcpy(once, g, (size_t)n * sizeof(*once));
    }
    for (int64_t i = 0; i < n; i++)
        assert_close(g[i], 2.0f * once[i], 1e-5 + 1e-5 * fabs((double)once[i]));
    mem_free(once);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_policy_pass_drops_out_where_asked_to),
        cmocka_unit_test(test_policy_pass_scores_as_the_engine_does),
        cmocka_unit_test(test_policy_pass_computes_what_answers_share_once),
        cmocka_unit_test(
            test_policy_pass_adds_gradients_to_those_that_are_there),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
