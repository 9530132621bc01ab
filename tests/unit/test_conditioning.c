/* test_conditioning.c -- mixes: several parts make one distribution. */
#include "support/test.h"

#include <math.h>
#include <string.h>

#include "model/sample/engine.h"
#include "model/decoder/pass.h"

#define N_ANSWER 6

static const int32_t own[] = {1, 5, 9, 13}, other[] = {1, 40, 5, 9, 13};
static const int32_t answer[N_ANSWER] = {3, 17, 8, 8, 21, 2};

struct fixture {
    struct model *model[2];
    struct decoder *d[2];
    struct backend *be;
    struct arena a;
};

static void
must(int rc, const trv_err *err)
{
    if (rc)
        fail_msg("%s", err->msg);
}

static void
open_fixture(struct fixture *f, enum precision prec)
{
    static const char *const families[] = {"golden/models/llama",
                                           "golden/models/mistral"};
    const struct backend_options opts = {.prec = prec};
    trv_err err = {0};

    *f = (struct fixture){0};
    must(backend_open(&f->be, &opts, &err), &err);
    for (int i = 0; i < 2; i++) {
        must(model_open(&f->model[i], test_source(families[i]), &err), &err);
        must(decoder_open(&f->d[i], f->model[i], f->be, &err), &err);
    }
}

static void
close_fixture(struct fixture *f)
{
    arena_release(&f->a);
    for (int i = 0; i < 2; i++) {
        decoder_free(f->d[i]);
        model_free(f->model[i]);
    }
    backend_free(f->be);
}

/* log softmax of sum w_i * log p_i, in double, each p_i from its own pass: the
 * definition of a mix, computed without it. */
static void
mix_by_hand(double *logp, struct fixture *f, const struct context *c)
{
    const int64_t V = f->model[0]->cfg.vocab;
    double *sum = mem_calloc((size_t)(N_ANSWER * V), sizeof(*sum));
    trv_err err = {0};

    for (int64_t p = 0; p < c->n; p++) {
        struct component part = c->parts[p];
        const struct context plain = {&part, 1, NULL};
        const struct answered row = {&plain, answer, N_ANSWER};
        struct head_side side = {0};
        struct mat logits;

        part.weight = 1.0;
        arena_reset(&f->a);
        must(pass_forward(&side, NULL, &f->a, 1, &row, 1, &err), &err);
        logits = mat_new(&f->a, DT_F32, N_ANSWER, V);
        must(head_mix(&f->a, logits, &side, N_ANSWER, &err), &err);
        for (int64_t i = 0; i < N_ANSWER; i++) {
            const float *x = (const float *)logits.data + i * logits.ld;
            double z = 0;

            for (int64_t v = 0; v < V; v++)
                z += exp((double)x[v]);
            for (int64_t v = 0; v < V; v++)
                sum[i * V + v] += c->parts[p].weight * ((double)x[v] - log(z));
        }
    }
    for (int64_t i = 0; i < N_ANSWER; i++) {
        double z = 0;

        for (int64_t v = 0; v < V; v++)
            z += exp(sum[i * V + v]);
        logp[i] = sum[i * V + answer[i]] - log(z);
    }
    mem_free(sum);
}

static void
score(float *logp, struct fixture *f, const struct context *c)
{
    const struct answered row = {c, answer, N_ANSWER};
    float *to[] = {logp};
    trv_err err = {0};

    arena_reset(&f->a);
    must(engine_score_contexts(&f->a, to, &row, 1, &err), &err);
}

static void
test_context_mix_scores_by_its_definition(void **state)
{
    static const double weights[][3] = {
        {-0.5, 1.5, 0}, {0.3, 0.7, 0}, {1, 2, -2}, {0, 1, 0}};
    struct fixture f;

    (void)state;
    open_fixture(&f, PREC_F32);
    for (int w = 0; w < 4; w++) {
        struct component parts[] = {
            {f.d[0], NULL, own, 4, weights[w][0]},
            {f.d[0], NULL, other, 5, weights[w][1]},
            {f.d[1], NULL, own, 4, weights[w][2]}}; // another model
        const struct context c = {parts, weights[w][2] != 0.0 ? 3 : 2, NULL};
        double want[N_ANSWER];
        float got[N_ANSWER];

        mix_by_hand(want, &f, &c);
        score(got, &f, &c);
        /* Sums of a few logits of at most 30 in f32: 30 * 4 * 2^-23 = 1.4e-5,
         * and as much again from passes packed in another way. */
        for (int i = 0; i < N_ANSWER; i++)
            assert_close(got[i], want[i], 3e-5);
    }
    close_fixture(&f);
}

static void
test_context_all_weight_on_one_part_is_that_part(void **state)
{
    struct fixture f;
    float mixed[N_ANSWER], alone[N_ANSWER];

    (void)state;
    open_fixture(&f, PREC_F32);
    {
        struct component parts[] = {{f.d[0], NULL, own, 4, 0.0},
                                    {f.d[0], NULL, other, 5, 1.0}};
        const struct context both = {parts, 2, NULL},
                             one = {parts + 1, 1, NULL};

        score(mixed, &f, &both);
        score(alone, &f, &one);
        for (int i = 0; i < N_ANSWER; i++)
            assert_close(mixed[i], alone[i], 1e-5);
    }
    close_fixture(&f);
}

static void
test_context_a_sample_of_a_mix_scores_as_it_was_drawn(void **state)
{
    (void)state;
    for (int p = 0; p < 2; p++) {
        struct fixture f;

        open_fixture(&f, p ? PREC_BF16 : PREC_F32);
        for (int seed = 0; seed < 4; seed++) {
            struct component parts[] = {{f.d[0], NULL, own, 4, -0.5},
                                        {f.d[0], NULL, other, 5, 0.7},
                                        {f.d[1], NULL, other, 5, 0.8}};
            const struct context c = {parts, 3, NULL};
            const struct sampled_row rows[] = {{&c, 3}, {&c, 4}, {&c, 3}};
            const struct sample_options opts = {.sampling = SAMPLING_INIT,
                                                .max_tokens = 12,
                                                .seed = (uint64_t)seed,
                                                .ignore_eos = true};
            struct sample_out out[3];
            trv_err err = {0};

            arena_reset(&f.a);
            must(engine_sample_contexts(&f.a, out, rows, 3, &opts, &err), &err);
            assert_memory_equal(out[0].ids, out[2].ids, 12 * sizeof(int32_t));
            for (int r = 0; r < 2; r++) {
                const struct answered row = {&c, out[r].ids, out[r].n};
                float logp[12], *to[] = {logp};
                double sum = 0;

                must(engine_score_contexts(&f.a, to, &row, 1, &err), &err);
                for (int i = 0; i < 12; i++)
                    sum += (double)logp[i];
                /* The bounds of test_engine.c, by the sum of the weights'
                 * sizes, which is 2. */
                assert_close(out[r].logp / 12, sum / 12, p ? 0.1 : 4e-5);
            }
            for (int r = 0; r < 3; r++)
                mem_free(out[r].ids);
        }
        close_fixture(&f);
    }
}

static void
test_context_measures_what_its_parts_hold(void **state)
{
    struct fixture f;

    (void)state;
    open_fixture(&f, PREC_F32);
    {
        struct component parts[] = {{f.d[0], NULL, own, 4, 0.5},
                                    {f.d[1], NULL, other, 5, 0.5}};
        const struct context c = {parts, 2, NULL};
        const int64_t a = f.model[0]->cfg.context - 4,
                      b = f.model[1]->cfg.context - 5;

        assert_int_equal(conditioning_length(&c), 5);
        assert_int_equal(conditioning_left(&c), a < b ? a : b);
    }
    close_fixture(&f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_context_mix_scores_by_its_definition),
        cmocka_unit_test(test_context_all_weight_on_one_part_is_that_part),
        cmocka_unit_test(test_context_a_sample_of_a_mix_scores_as_it_was_drawn),
        cmocka_unit_test(test_context_measures_what_its_parts_hold),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
