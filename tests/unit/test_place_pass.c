/* test_place_pass.c -- gradients of the embeddings of a prompt, against
 * differences, and values of many prompts, against one pass for each.
 */
#include "support/test.h"

#include <math.h>
#include <string.h>

#include "adapt/session.h"
#include "base/rng.h"
#include "model/sample/engine.h"
#include "transform/search/place_pass.h"

#define FLUENCY 0.7

/* Three inputs, of which one has another head; tokens of z are nowhere else. */
struct fixture {
    struct session s;
    struct decoder *d;
    struct place_row at[3];
    struct prompt_place slot;
    struct place_answer y[3];
    struct ids z;
};

static void
must(int rc, const trv_err *err)
{
    if (rc)
        fail_msg("%s", err->msg);
}

static void
push_all(struct ids *ids, const int32_t *v, int64_t n)
{
    assert_int_equal(ids_append(ids, v, n), 0);
}

static void
open_fixture(struct fixture *f, const char *family, const char *isa)
{
    static const int32_t heads[2][2] = {{3, 4}, {3, 5}};
    static const int32_t tails[3][3] = {{6, 7, 8}, {6, 7, 9}, {10, 6, 7}};
    static const int32_t y[3][4] = {{11, 12, 13, 2}, {11, 12, 2, 0}, {14, 2}};
    static const int32_t n_y[] = {4, 3, 2};
    static const int32_t z[] = {50, 51, 52, 53};
    const struct backend_options be = {.isa = isa, .prec = PREC_F32};
    char rel[128];
    trv_err err = {0};

    memset(f, 0, sizeof(*f));
    snprintf(rel, sizeof(rel), "golden/models/%s", family);
    must(model_open(&f->s.model, test_source(rel), &err), &err);
    must(backend_open(&f->s.be, &be, &err), &err);
    must(session_decoder(&f->s, &f->d, &err), &err);
    for (int i = 0; i < 3; i++) {
        push_all(&f->at[i].head, heads[i == 2], 2);
        push_all(&f->at[i].tail, tails[i], 3);
        f->y[i] = (struct place_answer){i, y[i], n_y[i]};
    }
    f->slot = (struct prompt_place){.m = f->s.model, .at = f->at, .n = 3};
    push_all(&f->z, z, 4);
}

static void
close_fixture(struct fixture *f)
{
    for (int i = 0; i < 3; i++) {
        ids_release(&f->at[i].head);
        ids_release(&f->at[i].tail);
    }
    ids_release(&f->z);
    decoder_free(f->s.decoder);
    arena_release(&f->s.arena);
    model_free(f->s.model);
    backend_free(f->s.be);
}

static const int32_t targets[] = {11, 12, 13, 2, 11, 12, 2, 14, 2};

/* -sum of log p of all answer tokens: its gradient, and its value. */
static int
loss_gradient(void *self, struct arena *a, struct head_rows x, int64_t n,
              struct mat d_hidden, trv_err *err)
{
    struct fixture *f = self;
    float logp[9], ones[9] = {1, 1, 1, 1, 1, 1, 1, 1, 1};

    assert_int_equal(n, 9);
    return head_logprobs(f->d, a, logp, NULL, x, targets, n, ones, d_hidden,
                         err);
}

static int
loss_value(void *self, double *value, struct arena *a,
           const struct head_side *side, int64_t places, trv_err *err)
{
    float logp[9];
    int rc = head_score(a, logp, NULL, side, targets, places, err);

    (void)self;
    *value = 0;
    for (int i = 0; i < 9; i++)
        *value -= (double)logp[i];
    return rc;
}

static double
loss_of(struct fixture *f, const struct ids *z)
{
    double value, nats;
    int64_t told;
    trv_err err = {0};

    arena_reset(&f->s.arena);
    must(place_evaluate(&value, f->d, &f->s.arena, &f->slot, z, 1, f->y, 3,
                        loss_value, f, &err),
         &err);
    must(place_surprise(&nats, &told, f->d, &f->s.arena, &f->slot, z, 1, &err),
         &err);
    return value + FLUENCY * nats / (double)told;
}

/* The rows of the table that z's tokens read are moved: they are read nowhere
 * else, as these families' heads have a table of their own. The f32 losses, of
 * about 40, carry rounding of some 1e-5, which 2h divides; the rest of the
 * bound is truncation. */
static void
test_slot_gradient_equals_central_differences(void **state)
{
    static const char *const families[] = {"llama", "mistral"};
    const float h = 0.01f;

    (void)state;
    for (int m = 0; m < 2; m++) {
        struct fixture f;
        struct rng r;
        float g[4 * 64];
        trv_err err = {0};

        open_fixture(&f, families[m], "ref");
        must(decoder_train_full(f.d, &err), &err);
        assert_true(f.d->cfg->width <= 64);
        must(place_gradient(g, f.d, &f.s.arena, &f.slot, &f.z, f.y, 3, FLUENCY,
                            loss_gradient, &f, &err),
             &err);
        rng_init(&r, 3, 1);
        for (int i = 0; i < 4; i++) {
            const int64_t C = f.d->cfg->width;
            float *row = f.d->embed + f.z.v[i] * C;
            float was[64], v[64];
            double slope = 0, norm = 0, hi, lo;

            memcpy(was, row, (size_t)C * sizeof(float));
            for (int64_t c = 0; c < C; c++) {
                v[c] = (float)rng_normal(&r) / sqrtf((float)C);
                slope += (double)g[i * C + c] * (double)v[c];
                norm += (double)g[i * C + c] * (double)g[i * C + c];
            }
            for (int64_t c = 0; c < C; c++)
                row[c] = was[c] + h * v[c];
            hi = loss_of(&f, &f.z);
            for (int64_t c = 0; c < C; c++)
                row[c] = was[c] - h * v[c];
            lo = loss_of(&f, &f.z);
            memcpy(row, was, (size_t)C * sizeof(float));
            assert_true(norm > 1e-3);
            assert_close((hi - lo) / (2.0 * (double)h), slope,
                         2e-3 * sqrt(norm) + 1e-3);
        }
        close_fixture(&f);
    }
}

static void
test_slot_evaluate_of_many_prompts_equals_each_alone(void **state)
{
    struct fixture f;
    struct ids z[5] = {{0}};
    double many[5];
    trv_err err = {0};

    (void)state;
    open_fixture(&f, "mistral", NULL);
    for (int i = 0; i < 5; i++) {
        push_all(&z[i], f.z.v, 4 - i / 3);
        z[i].v[i % 3] = 60 + i;
    }
    must(place_evaluate(many, f.d, &f.s.arena, &f.slot, z, 5, f.y, 3,
                        loss_value, &f, &err),
         &err);
    for (int i = 0; i < 5; i++) {
        double one;

        must(place_evaluate(&one, f.d, &f.s.arena, &f.slot, &z[i], 1, f.y, 3,
                            loss_value, &f, &err),
             &err);
        assert_close(many[i], one, 1e-5 * one); // other shapes, other sums
        assert_true(one > 1.0);
    }
    assert_true(fabs(many[0] - many[1]) > 1e-3); // prompts matter
    for (int i = 0; i < 5; i++)
        ids_release(&z[i]);
    close_fixture(&f);
}

static void
test_slot_surprise_is_what_the_engine_scores(void **state)
{
    static const int32_t row[] = {3, 4, 50, 51, 52, 53};
    struct fixture f;
    float logp[4], *out = logp;
    const struct scored_row scored = {row, 6, 2, NULL};
    double nats, want = 0;
    int64_t told;
    trv_err err = {0};

    (void)state;
    open_fixture(&f, "llama", NULL);
    must(engine_score(f.d, &f.s.arena, &out, &scored, 1, &err), &err);
    for (int i = 0; i < 4; i++)
        want -= (double)logp[i];
    must(place_surprise(&nats, &told, f.d, &f.s.arena, &f.slot, &f.z, 1, &err),
         &err);
    assert_int_equal(told, 4);
    assert_close(nats, want, 0);
    f.at[0].head.n = 0; // the first token has nothing before it
    must(place_surprise(&nats, &told, f.d, &f.s.arena, &f.slot, &f.z, 1, &err),
         &err);
    assert_int_equal(told, 3);
    close_fixture(&f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_slot_gradient_equals_central_differences),
        cmocka_unit_test(test_slot_evaluate_of_many_prompts_equals_each_alone),
        cmocka_unit_test(test_slot_surprise_is_what_the_engine_scores),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
