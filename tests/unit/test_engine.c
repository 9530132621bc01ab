/* test_engine.c -- packing, scoring and sampling on the tiny models. */
#include "support/families.h"
#include "support/test.h"

#include <math.h>
#include <string.h>

#include "model/sample/engine.h"
#include "model/decoder/head.h"

struct fixture {
    struct model *model;
    struct backend *be;
    struct decoder *d;
    struct arena a;
};

static void
must(int rc, const trv_err *err)
{
    if (rc)
        fail_msg("%s", err->msg);
}

static void
open_fixture(struct fixture *f, const char *family, enum precision prec)
{
    const struct backend_options opts = {.prec = prec};
    char rel[128];
    trv_err err = {0};

    *f = (struct fixture){0};
    snprintf(rel, sizeof(rel), "golden/models/%s", family);
    must(model_open(&f->model, test_source(rel), &err), &err);
    must(backend_open(&f->be, &opts, &err), &err);
    must(decoder_open(&f->d, f->model, f->be, &err), &err);
}

static void
close_fixture(struct fixture *f)
{
    arena_release(&f->a);
    decoder_free(f->d);
    backend_free(f->be);
    model_free(f->model);
}

static void
test_batch_computes_a_common_beginning_once(void **state)
{
    const int32_t x[] = {1, 2, 3, 4}, y[] = {1, 2, 5, 6}, z[] = {1, 2, 3},
                  w[] = {7};
    const struct row rows[] = {
        {x, 4, NULL}, {y, 4, NULL}, {z, 3, NULL}, {w, 1, NULL}, {x, 4, NULL}};
    const int64_t *const *at;
    struct arena a = {0};
    struct batch b;

    (void)state;
    assert_int_equal(batch_pack(&b, &at, &a, rows, 5, NULL), 0);
    assert_int_equal(b.T, 7); // 1 2 3 4, 5 6, 7
    assert_int_equal(at[0][1], at[1][1]);
    assert_int_equal(at[0][2], at[2][2]);
    assert_true(at[0][2] != at[1][2]);
    for (int i = 0; i < 4; i++)
        assert_int_equal(at[0][i], at[4][i]);
    for (int r = 0; r < 5; r++)
        for (int64_t i = 0; i < rows[r].n; i++) {
            assert_int_equal(b.ids[at[r][i]], rows[r].ids[i]);
            assert_int_equal(b.pos[at[r][i]], i);
        }
    arena_release(&a);
}

/* Scores of rows that share beginnings, against each row in its own pass. The
 * sums run over the same values in another order of rows: a few units in the
 * last place of f32, which 1e-5 nats is far above. */
static void
test_engine_scores_shared_rows_as_if_alone(void **state)
{
    const int32_t ids[] = {5, 9, 33, 60, 2, 17, 17, 8, 41, 12, 5, 9, 30};
    enum { N = 4 };

    (void)state;
    for (size_t m = 0; test_family(m); m++) {
        struct fixture f;
        int32_t text[N][13];
        struct scored_row rows[N];
        float together[N][13], alone[13];
        float *out[N], *one[1] = {alone};
        trv_err err = {0};

        open_fixture(&f, test_family(m), PREC_F32);
        for (int r = 0; r < N; r++) {
            memcpy(text[r], ids, sizeof(ids));
            text[r][4 + 2 * r] += 1; // alike up to there
            rows[r] = (struct scored_row){text[r], 13 - r, 3, NULL};
            out[r] = together[r];
        }
        must(engine_score(f.d, &f.a, out, rows, N, &err), &err);
        for (int r = 0; r < N; r++) {
            must(engine_score(f.d, &f.a, one, &rows[r], 1, &err), &err);
            for (int64_t i = 0; i < rows[r].n - 3; i++)
                assert_close(together[r][i], alone[i], 1e-5);
        }
        close_fixture(&f);
    }
}

static void
sample(struct fixture *f, struct sample_out *out, int64_t n, int64_t batch,
       double temperature)
{
    static const int32_t context[][5] = {
        {1, 2, 3, 4, 5}, {1, 2, 3, 9, 9}, {7, 6, 5, 4, 3}, {1, 2, 3, 4, 5}};
    struct sample_row rows[8];
    struct sample_options opts = {.sampling = SAMPLING_INIT,
                                  .max_tokens = 12,
                                  .batch = batch,
                                  .seed = 42,
                                  .ignore_eos = true};
    trv_err err = {0};

    opts.sampling.temperature = temperature;
    for (int64_t i = 0; i < n; i++)
        rows[i] =
            (struct sample_row){context[i % 4], 5 - i % 2, NULL, (uint64_t)i};
    must(engine_sample(f->d, &f->a, out, rows, n, &opts, &err), &err);
}

/* What was drawn through the cache scores the same in a packed pass. One set
 * of kernels: only the blocking of sums differs. The largest difference is
 * printed; users elsewhere see 0.012 nat per token. */
static void
test_engine_scores_a_sample_as_it_was_drawn(void **state)
{
    static const int32_t context[] = {1, 2, 3, 4};

    (void)state;
    for (int p = 0; p < 2; p++) {
        /* bf16 rounds what enters a product: an f32 sum that differs in its
         * last place may round to the other neighbour, 2^-8 apart, and these
         * weights are ten times a trained model's. */
        const double bound = p == 0 ? 2e-5 : 0.05;
        double worst = 0;

        for (size_t m = 0; test_family(m); m++) {
            struct fixture f;
            struct sample_out out[1];
            int32_t ids[16];
            float logp[12], *to[1] = {logp};
            struct scored_row row = {ids, 0, 4, NULL};
            struct sample_row from = {context, 4, NULL, 7};
            struct sample_options opts = {.sampling = SAMPLING_INIT,
                                          .max_tokens = 12,
                                          .seed = 3,
                                          .ignore_eos = true};
            double sum = 0;
            trv_err err = {0};

            open_fixture(&f, test_family(m), p == 0 ? PREC_F32 : PREC_BF16);
            must(engine_sample(f.d, &f.a, out, &from, 1, &opts, &err), &err);
            memcpy(ids, context, sizeof(context));
            memcpy(ids + 4, out[0].ids, (size_t)out[0].n * sizeof(int32_t));
            row.n = 4 + out[0].n;
            must(engine_score(f.d, &f.a, to, &row, 1, &err), &err);
            for (int64_t i = 0; i < out[0].n; i++)
                sum += (double)logp[i];
            worst = fmax(worst, fabs(sum - out[0].logp) / (double)out[0].n);
            mem_free(out[0].ids);
            close_fixture(&f);
        }
        print_message("sampler and scorer differ by at most %.2g nat per "
                      "token in %s\n",
                      worst, p == 0 ? "f32" : "bf16");
        assert_true(worst <= bound);
    }
}

static void
test_engine_samples_do_not_depend_on_the_batch(void **state)
{
    struct fixture f;
    struct sample_out one[8], many[8];

    (void)state;
    open_fixture(&f, "llama", PREC_F32);
    sample(&f, one, 8, 1, 1.0);
    sample(&f, many, 8, 8, 1.0);
    for (int i = 0; i < 8; i++) {
        assert_int_equal(one[i].n, 12);
        assert_memory_equal(one[i].ids, many[i].ids, 12 * sizeof(int32_t));
        mem_free(one[i].ids);
        mem_free(many[i].ids);
    }
    close_fixture(&f);
}

static void
test_engine_greedy_follows_the_argmax_of_a_full_pass(void **state)
{
    struct fixture f;
    struct sample_out out[2];
    int32_t ids[17] = {1, 2, 3, 4, 5};
    const int64_t *const *at;
    struct row row = {ids, 17, NULL};
    struct batch b;
    struct mat hidden, logits;
    trv_err err = {0};

    (void)state;
    open_fixture(&f, "mistral", PREC_F32);
    sample(&f, out, 1, 1, 0.0);
    memcpy(ids + 5, out[0].ids, 12 * sizeof(int32_t));
    arena_reset(&f.a);
    must(batch_pack(&b, &at, &f.a, &row, 1, &err), &err);
    must(decoder_forward(f.d, &f.a, &hidden, &b, NULL, NULL, &err), &err);
    logits = mat_new(&f.a, DT_F32, 17, f.model->cfg.vocab);
    must(head_logits(f.d, &f.a, logits, (struct head_rows){hidden, at[0]}, 17,
                     &err),
         &err);
    for (int t = 4; t < 16; t++) {
        const float *x = (const float *)logits.data + t * logits.ld;
        int64_t best = 0;

        for (int64_t v = 1; v < f.model->cfg.vocab; v++)
            if (x[v] > x[best])
                best = v;
        assert_int_equal(ids[t + 1], best);
    }
    mem_free(out[0].ids);
    close_fixture(&f);
}

static void
test_engine_refuses_a_prompt_that_fills_the_context(void **state)
{
    struct fixture f;
    int32_t *ids;
    struct sample_row row;
    struct sample_out out;
    const struct sample_options opts = {.sampling = SAMPLING_INIT,
                                        .max_tokens = 4};
    trv_err err = {0};

    (void)state;
    open_fixture(&f, "gpt2", PREC_F32);
    ids = mem_calloc((size_t)f.model->cfg.context, sizeof(*ids));
    row = (struct sample_row){ids, f.model->cfg.context, NULL, 0};
    assert_int_equal(engine_sample(f.d, &f.a, &out, &row, 1, &opts, &err),
                     TRV_ETOOLONG);
    assert_non_null(strstr(err.msg, "context"));
    mem_free(ids);
    close_fixture(&f);
}

static void
test_engine_repeats_a_pass_without_allocating(void **state)
{
    struct fixture f;
    const int32_t ids[] = {5, 9, 33, 60, 2, 17, 17, 8};
    const struct scored_row row = {ids, 8, 2, NULL};
    float logp[6], *out[1] = {logp};
    int64_t calls = 0;
    trv_err err = {0};

    (void)state;
    open_fixture(&f, "qwen3", PREC_F32);
    for (int i = 0; i < 5; i++) {
        if (i == 3)
            calls = mem_stats_get().calls;
        arena_reset(&f.a);
        must(engine_score(f.d, &f.a, out, &row, 1, &err), &err);
    }
    assert_int_equal(mem_stats_get().calls, calls);
    close_fixture(&f);
}

static bool
note_first(void *payload, int64_t rows_done, int64_t tokens)
{
    int64_t *first = payload;

    (void)rows_done;
    if (*first == 0)
        *first = tokens;
    return true;
}

static void
test_engine_a_high_token_limit_does_not_part_the_batch(void **state)
{
    const int32_t x[] = {1, 2, 3};
    struct sample_row rows[9];
    struct sample_out outs[9];
    int64_t first = 0; // tokens of the first step: the rows of a wave
    struct sample_options opts = {.sampling = SAMPLING_INIT,
                                  .max_tokens = INT64_MAX,
                                  .on_progress = note_first,
                                  .payload = &first};
    struct fixture f;
    trv_err err = {0};

    (void)state;
    open_fixture(&f, "llama", PREC_F32);
    for (int i = 0; i < 9; i++)
        rows[i] = (struct sample_row){x, 3, NULL, (uint64_t)i};
    must(engine_sample(f.d, &f.a, outs, rows, 9, &opts, &err), &err);
    assert_int_equal(first, 9);
    for (int i = 0; i < 9; i++) {
        assert_in_range(outs[i].n, 1, f.model->cfg.context - 3);
        mem_free(outs[i].ids);
    }
    close_fixture(&f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_batch_computes_a_common_beginning_once),
        cmocka_unit_test(test_engine_scores_shared_rows_as_if_alone),
        cmocka_unit_test(test_engine_scores_a_sample_as_it_was_drawn),
        cmocka_unit_test(test_engine_samples_do_not_depend_on_the_batch),
        cmocka_unit_test(test_engine_greedy_follows_the_argmax_of_a_full_pass),
        cmocka_unit_test(test_engine_refuses_a_prompt_that_fills_the_context),
        cmocka_unit_test(
            test_engine_a_high_token_limit_does_not_part_the_batch),
        cmocka_unit_test(test_engine_repeats_a_pass_without_allocating),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
