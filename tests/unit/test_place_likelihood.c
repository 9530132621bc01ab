/* test_place_likelihood.c -- the weighted likelihood of answers under prompts,
 * against answers that are scored one by one, and its gradient.
 */
#include "support/test.h"

#include <math.h>
#include <string.h>

#include "model/sample/engine.h"
#include "transform/search/place_likelihood.h"

#define WIDEST 128

static const char rows[] = "{\"prompt\": \"a\"}\n{\"prompt\": \"dc\"}\n";

struct fixture {
    struct session *s;
    struct data data;
    struct prompt_place slot;
    struct place_answer y[3];
    struct place_likelihood l;
    const struct place_answer *one;
};

static void
must(int rc, const trv_err *err)
{
    if (rc)
        fail_msg("%s", err->msg);
}

static void
open_fixture(struct fixture *f)
{
    static const int32_t answers[3][3] = {{1, 2, 7}, {3, 3, 3}, {7, 0, 0}};
    static const int64_t n[] = {3, 3, 1};
    static const double coef[] = {0.5, 0.125, 2.0};
    const struct backend_options be = {.prec = PREC_F32, .threads = 1};
    struct decoder *d;
    trv_err err = {0};

    memset(f, 0, sizeof(*f));
    must(session_open(&f->s, test_source("golden/search/world"), &be, &err),
         &err);
    must(session_decoder(f->s, &d, &err), &err);
    must(decoder_plan_input_backward(d, &err), &err);
    must(data_parse(&f->data, "rows.jsonl", rows, strlen(rows), &err), &err);
    must(prompt_place_open(&f->slot, f->s->model, f->data.rows, f->data.n, "",
                           &err),
         &err);
    for (int i = 0; i < 3; i++)
        f->y[i] = (struct place_answer){i % 2, answers[i], n[i]};
    f->l = (struct place_likelihood){f->s, &f->slot, f->y, coef, 3};
}

static void
close_fixture(struct fixture *f)
{
    prompt_place_release(&f->slot);
    data_release(&f->data);
    session_free(f->s);
}

/* By one pass for each answer. */
static double
plain(struct fixture *f, const int32_t *z, int64_t n)
{
    double sum = 0.0;

    for (int64_t i = 0; i < f->l.n; i++) {
        const struct place_answer *y = &f->y[i];
        const struct place_row *at = &f->slot.at[y->row];
        struct ids ids = {0};
        struct scored_row row = {0};
        float logp[3], *out = logp;
        trv_err err = {0};

        assert_int_equal(ids_append(&ids, at->head.v, at->head.n), 0);
        assert_int_equal(ids_append(&ids, z, n), 0);
        assert_int_equal(ids_append(&ids, at->tail.v, at->tail.n), 0);
        row.n_context = ids.n;
        assert_int_equal(ids_append(&ids, y->ids, y->n), 0);
        row.ids = ids.v;
        row.n = ids.n;
        arena_reset(&f->s->arena);
        must(engine_score(f->s->decoder, &f->s->arena, &out, &row, 1, &err),
             &err);
        for (int64_t k = 0; k < y->n; k++)
            sum -= f->l.coef[i] * (double)logp[k];
        ids_release(&ids);
    }
    return sum;
}

static void
test_slot_likelihood_is_the_weighted_sum_over_answers(void **state)
{
    int32_t a[] = {2}, b[] = {3, 4, 0};
    const struct ids z[] = {{.v = a, .n = 1}, {.v = b, .n = 3}};
    struct fixture f;
    double value[2];
    trv_err err = {0};

    (void)state;
    open_fixture(&f);
    arena_reset(&f.s->arena);
    must(place_likelihood_evaluate(value, &f.l, z, 2, &err), &err);
    assert_close(value[0], plain(&f, a, 1), 1e-5);
    assert_close(value[1], plain(&f, b, 3), 1e-5);
    assert_true(fabs(value[0] - value[1]) > 1e-2);
    close_fixture(&f);
}

/* -log p of the tokens of one answer. */
static int
loss_of_one(void *self, struct arena *a, struct head_rows x, int64_t n,
            struct mat d_hidden, trv_err *err)
{
    const struct fixture *f = self;
    const float ones[3] = {1.0f, 1.0f, 1.0f};
    float logp[3];

    return head_logprobs(f->s->decoder, a, logp, NULL, x, f->one->ids, n, ones,
                         d_hidden, err);
}

static void
test_slot_likelihood_gradient_is_the_weighted_sum_of_gradients(void **state)
{
    int32_t v[] = {3, 1};
    const struct ids z = {.v = v, .n = 2};
    struct fixture f;
    float g[2 * WIDEST], one[2 * WIDEST], sum[2 * WIDEST] = {0};
    double norm = 0.0;
    int64_t n;
    trv_err err = {0};

    (void)state;
    open_fixture(&f);
    n = 2 * f.s->decoder->cfg->width;
    assert_true(n <= 2 * WIDEST);
    arena_reset(&f.s->arena);
    must(place_likelihood_gradient(g, &f.l, &z, 0.0, &err), &err);
    for (int i = 0; i < 3; i++) {
        f.one = &f.y[i];
        must(place_gradient(one, f.s->decoder, &f.s->arena, &f.slot, &z, f.one,
                            1, 0.0, loss_of_one, &f, &err),
             &err);
        for (int64_t c = 0; c < n; c++)
            sum[c] += (float)f.l.coef[i] * one[c];
    }
    for (int64_t c = 0; c < n; c++) {
        assert_close((double)g[c], (double)sum[c], 1e-4);
        norm += (double)(sum[c] * sum[c]);
    }
    assert_true(sqrt(norm) > 0.1);
    close_fixture(&f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_slot_likelihood_is_the_weighted_sum_over_answers),
        cmocka_unit_test(
            test_slot_likelihood_gradient_is_the_weighted_sum_of_gradients),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
