/* test_answer_pass.c -- answers under what is trained, in one pass. */
#include "support/test.h"

#include <math.h>
#include <string.h>

#include "learn/answer_pass.h"
#include "learn/student.h"
#include "support/world.h"

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
forward_how(struct answer_pass *p, struct answer_row rows[WORLD_ALL],
            bool dropout, uint64_t seed)
{
    struct decoder *d;
    trv_err err = {0};
    int rc = session_decoder(w.s, &d, &err);

    for (int64_t i = 0; i < WORLD_ALL; i++) {
        const struct answer *y = &w.answers.list[i];

        rows[i] = answer_row_of(&w.answers.contexts[y->context].student, y->ids,
                                y->n, &w.student);
    }
    arena_reset(&w.s->arena);
    if (!rc)
        rc = student_plan(d, &w.student, &err);
    if (!rc)
        rc = answer_forward(p, d, &w.s->arena, rows, WORLD_ALL, dropout, seed,
                            &err);
    if (!rc)
        rc = answer_score(p, &w.s->arena, &err);
    if (rc)
        fail_msg("%s", err.msg);
}

static void
forward(struct answer_pass *p, struct answer_row rows[WORLD_ALL])
{
    forward_how(p, rows, false, 0);
}

static void
test_answer_pass_drops_out_where_asked_to(void **state)
{
    static const struct {
        bool dropout;
        uint64_t seed;
    } hows[] = {{false, 1}, {true, 1}, {true, 1}, {true, 2}};
    static struct answer_row rows[WORLD_ALL];
    double logp[4];
    struct rng r;
    trv_err err = {0};

    (void)state;
    world_reset_student(&w);
    rng_init(&r, 8, 8);
    for (int64_t i = 0; i < w.student.lora.n; i++)
        w.student.lora.w[i] += 0.1f * (float)rng_normal(&r);
    w.student.lora.dropout = 0.5f;
    assert_int_equal(adapter_weights_refresh(&w.student, w.s->be, &err), 0);
    for (int k = 0; k < 4; k++) {
        struct answer_pass p;

        forward_how(&p, rows, hows[k].dropout, hows[k].seed);
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
test_answer_pass_scores_as_the_engine_does(void **state)
{
    static struct answer_row rows[WORLD_ALL];
    struct answer_pass p;

    (void)state;
    world_reset_student(&w); // B is zero: the base
    forward(&p, rows);
    assert_int_equal(p.S, WORLD_ALL);
    assert_int_equal(p.first[p.S], w.answers.tokens);
    for (int64_t i = 0; i < WORLD_ALL; i++) // f32 sums in another order
        assert_close(answer_sum(&p, p.logp, i), w.base[i], 2e-5);
}

static void
test_answer_pass_computes_what_answers_share_once(void **state)
{
    static struct answer_row rows[WORLD_ALL];
    struct answer_pass p;

    (void)state;
    forward(&p, rows);
    /* <s>, then a or dc; behind each all first tokens that go on, and theirs;
     * the last tokens are only predicted. */
    assert_int_equal(p.b.T, 1 + (1 + 5 + 25) + (2 + 5 + 25));
}

static void
test_answer_pass_adds_gradients_to_those_that_are_there(void **state)
{
    static struct answer_row rows[WORLD_ALL];
    const int64_t n = w.student.lora.n;
    float *g = w.student.lora.g, *once = mem_calloc((size_t)n, sizeof(*once));
    struct answer_pass p;
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
            answer_backward(&p, &w.s->arena, coef, (struct mat){0}, &err), 0);
        if (k == 0)
            memcpy(once, g, (size_t)n * sizeof(*once));
    }
    for (int64_t i = 0; i < n; i++)
        assert_close(g[i], 2.0f * once[i], 1e-5 + 1e-5 * fabs((double)once[i]));
    mem_free(once);
}

static void
test_answer_pass_finds_each_answer_token_where_it_is_predicted(void **state)
{
    static const int32_t context[] = {1, 2}, answer[] = {3, 4, 5};
    static const int32_t whole[] = {1, 2, 9, 6};
    const struct answer_row rows[] = {{context, 2, answer, 3, NULL},
                                      {whole, 2, whole + 2, 2, NULL},
                                      {context, 2, NULL, 0, NULL}};
    struct answer_pass p;
    struct arena a = {0};
    trv_err err = {0};

    (void)state;
    assert_int_equal(answer_pack(&p, NULL, &a, rows, 3, &err), 0);
    assert_int_equal(p.b.T, 5); // 1 2, then 3 4 or 9; 5 and 6 are not packed
    assert_int_equal(p.N, 5);
    assert_memory_equal(p.first, ((int64_t[]){0, 3, 5, 5}),
                        4 * sizeof(int64_t));
    assert_memory_equal(p.target, ((int32_t[]){3, 4, 5, 9, 6}),
                        5 * sizeof(int32_t));
    for (int64_t s = 0; s < 2; s++)
        for (int64_t k = p.first[s]; k < p.first[s + 1]; k++) {
            const int64_t i = k - p.first[s]; // token i of the answer
            const int32_t before = i ? rows[s].ids[i - 1] : context[1];

            assert_int_equal(p.b.ids[p.where[k]], before);
            assert_int_equal(p.b.pos[p.where[k]], 1 + i);
        }
    for (int64_t i = 0; i < 2; i++) // a context alone is packed to its end
        assert_int_equal(p.b.ids[p.at[2][i]], context[i]);
    arena_release(&a);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            test_answer_pass_finds_each_answer_token_where_it_is_predicted),
        cmocka_unit_test(test_answer_pass_drops_out_where_asked_to),
        cmocka_unit_test(test_answer_pass_scores_as_the_engine_does),
        cmocka_unit_test(test_answer_pass_computes_what_answers_share_once),
        cmocka_unit_test(
            test_answer_pass_adds_gradients_to_those_that_are_there),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
