/* test_adapter_weights.c -- virtual tokens, prefixes and bottlenecks in the decoder,
 * against PEFT and a module of torch.
 *
 * tests/golden/virtual holds tables for the tiny model of each family with
 * logits and gradients that transformers and torch.autograd computed in
 * float64. Bounds are those of test_decoder.c, for its reasons: 2e-5 of the
 * largest value for logits in f32, 5e-5 for gradients; in bf16 a thousandth of
 * a nat and 8 %.
 */
#include "support/families.h"
#include "support/test.h"

#include <math.h>
#include <string.h>

#include "model/sample/engine.h"
#include "model/decoder/head.h"
#include "model/files/safetensors.h"

#define N_SEQS 2
#define TOKENS 5 // virtual ones
#define SIZE 6   // of the bottlenecks

enum term_kind { SOFT, PREFIX, ADAPTER, N_KINDS };
static const char *const kind_names[] = {"soft", "prefix", "adapter"};

/* A tiny model on a backend, the terms of each kind, and what they give. */
struct fixture {
    const char *family;
    struct model *model;
    struct backend *be;
    struct decoder *d;
    struct st_file golden;
    struct arena a;
    int32_t ids[N_SEQS][64]; // VIRTUAL_ID(0..TOKENS-1), then the text
    int64_t n[N_SEQS];       // of the text
    struct adapter_weights adapter_weights[N_KINDS];
};

static void
must(int rc, const trv_err *err)
{
    if (rc)
        fail_msg("%s", err->msg);
}

static float *
read_all(const struct st_file *st, const char *name, int64_t *n)
{
    const struct tensor *t = st_find(st, name);
    float *out;

    if (!t)
        fail_msg("no tensor %s", name);
    *n = tensor_rows(t) * tensor_cols(t);
    out = mem_array((size_t)*n, sizeof(float));
    assert_non_null(out);
    tensor_rows_f32(out, t, 0, tensor_rows(t));
    return out;
}

static const char *
golden_path(const char *folder, const char *family, const char *file)
{
    char rel[256];

    snprintf(rel, sizeof(rel), "golden/%s/%s%s%s", folder, family,
             *file ? "/" : "", file);
    return test_source(rel);
}

static void
load_virtual(struct fixture *f, enum term_kind kind)
{
    struct virtual_tokens *v = &f->adapter_weights[kind].virtual;
    char file[64];
    struct st_file st;
    trv_err err = {0};
    float *w;
    int64_t n;

    snprintf(file, sizeof(file), "%s/adapter_model.safetensors",
             kind_names[kind]);
    must(st_open(&st, golden_path("virtual", f->family, file), &err), &err);
    must(virtual_init(v, kind == SOFT ? VIRTUAL_SOFT : VIRTUAL_PREFIX,
                      &f->model->cfg, TOKENS, true, &err),
         &err);
    w = read_all(&st, "prompt_embeddings", &n);
    assert_int_equal(n, v->n);
    memcpy(v->w, w, (size_t)n * sizeof(float));
    mem_free(w);
    st_release(&st);
}

static void
load_bottleneck(struct fixture *f)
{
    const struct bottleneck_spec spec = {
        .size = SIZE, .places = {true, true}, .f = ACT_SILU};
    struct bottleneck *b = &f->adapter_weights[ADAPTER].bottleneck;
    struct st_file st;
    trv_err err = {0};
    int64_t at = 0;

    must(bottleneck_init(b, &f->model->cfg, &spec, true, NULL, &err), &err);
    must(st_open(&st,
                 golden_path("virtual", f->family,
                             "adapter/bottleneck.safetensors"),
                 &err),
         &err);
    while (at < b->n) {
        char name[96];
        float *w;
        int64_t n;

        bottleneck_locate(name, sizeof(name), b, at);
        w = read_all(&st, name, &n);
        memcpy(b->w + at, w, (size_t)n * sizeof(float));
        at += n;
        mem_free(w);
    }
    assert_int_equal(at, b->n);
    st_release(&st);
}

static void
open_fixture(struct fixture *f, const char *family, const char *isa,
             enum precision prec)
{
    const struct backend_options opts = {.isa = isa, .prec = prec};
    trv_err err = {0};

    *f = (struct fixture){.family = family};
    must(model_open(&f->model, golden_path("models", family, ""), &err), &err);
    must(backend_open(&f->be, &opts, &err), &err);
    must(decoder_open(&f->d, f->model, f->be, &err), &err);
    must(st_open(&f->golden,
                 golden_path("models", family, "golden.safetensors"), &err),
         &err);
    for (int i = 0; i < N_SEQS; i++) {
        char name[16];
        float *v;

        snprintf(name, sizeof(name), "ids.%d", i);
        v = read_all(&f->golden, name, &f->n[i]);
        for (int j = 0; j < TOKENS; j++)
            f->ids[i][j] = VIRTUAL_ID(j);
        for (int64_t t = 0; t < f->n[i]; t++)
            f->ids[i][TOKENS + t] = (int32_t)v[t];
        mem_free(v);
    }
    st_release(&f->golden);
    must(st_open(&f->golden,
                 golden_path("virtual", family, "golden.safetensors"), &err),
         &err);
    load_virtual(f, SOFT);
    load_virtual(f, PREFIX);
    load_bottleneck(f);
    for (int k = 0; k < N_KINDS; k++)
        must(adapter_weights_refresh(&f->adapter_weights[k], f->be, &err),
             &err);
}

static void
close_fixture(struct fixture *f)
{
    arena_release(&f->a);
    decoder_free(f->d);
    for (int k = 0; k < N_KINDS; k++)
        adapter_weights_release(&f->adapter_weights[k]);
    backend_free(f->be);
    model_free(f->model);
    st_release(&f->golden);
}

/* Sequence i as a row under terms (NULL: the base). */
static struct row
row_of(const struct fixture *f, int i,
       const struct adapter_weights *adapter_weights)
{
    const int64_t skip =
        TOKENS - adapter_weights_virtual_count(adapter_weights);

    return (struct row){f->ids[i] + skip, TOKENS + f->n[i] - skip,
                        adapter_weights};
}

/* Hidden states of both sequences, packed, and the packed tokens of the text
 * (the virtual ones left out). */
static void
run(struct fixture *f, const struct adapter_weights *adapter_weights,
    struct batch *b, struct mat *hidden, const int64_t *text[N_SEQS],
    struct saved *save)
{
    struct row rows[N_SEQS];
    const int64_t *const *at;
    trv_err err = {0};

    for (int i = 0; i < N_SEQS; i++)
        rows[i] = row_of(f, i, adapter_weights);
    arena_reset(&f->a);
    must(batch_pack(b, &at, &f->a, rows, N_SEQS, &err), &err);
    must(decoder_forward(f->d, &f->a, hidden, b, NULL, save, &err), &err);
    for (int i = 0; i < N_SEQS; i++)
        text[i] = at[i] + adapter_weights_virtual_count(adapter_weights);
}

/* Logits against the golden ones: off by at most `bound` of the largest, or,
 * where `kl` is wanted, their mean divergence. */
static double
check_logits(struct fixture *f, enum term_kind kind, double bound, bool kl)
{
    const int64_t V = f->model->cfg.vocab;
    const int64_t *text[N_SEQS];
    struct mat hidden;
    struct batch b;
    double sum = 0;
    int64_t positions = 0;

    run(f, &f->adapter_weights[kind], &b, &hidden, text, NULL);
    for (int i = 0; i < N_SEQS; i++) {
        struct mat logits = mat_new(&f->a, DT_F32, f->n[i], V);
        double top = 0, worst = 0;
        trv_err err = {0};
        char name[32];
        float *want, div[64];
        int64_t n;

        must(head_logits(f->d, &f->a, logits,
                         (struct head_rows){hidden, text[i]}, f->n[i], &err),
             &err);
        snprintf(name, sizeof(name), "%s.logits.%d", kind_names[kind], i);
        want = read_all(&f->golden, name, &n);
        assert_int_equal(n, f->n[i] * V);
        for (int64_t k = 0; k < n; k++) {
            const double x = (double)((const float *)logits.data)[k];

            assert_true(isfinite(x));
            top = fmax(top, fabs((double)want[k]));
            worst = fmax(worst, fabs(x - (double)want[k]));
        }
        if (!kl && worst > bound * top)
            fail_msg("%s %s: off by %g of %g", f->family, name, worst, top);
        f->be->ops->divergence(f->be, div, mat_f32(want, f->n[i], V), logits,
                               DIV_FORWARD, NULL);
        for (int64_t t = 0; t < f->n[i]; t++, positions++)
            sum += (double)div[t];
        mem_free(want);
    }
    return sum / (double)positions;
}

/* The golden loss: every token of the text after its first, summed; where `g`
 * is wanted, its gradients. */
static double
loss_of(struct fixture *f, const struct adapter_weights *adapter_weights,
        bool backward)
{
    const int64_t *text[N_SEQS];
    int64_t where[64];
    int32_t target[64];
    float coef[64], logp[64];
    struct saved save = {0};
    struct mat hidden, dh = {0};
    struct batch b;
    trv_err err = {0};
    double loss = 0;
    int64_t n = 0;

    run(f, adapter_weights, &b, &hidden, text, backward ? &save : NULL);
    for (int i = 0; i < N_SEQS; i++)
        for (int64_t t = 1; t < f->n[i]; t++) {
            where[n] = text[i][t - 1];
            coef[n] = 1.0f;
            target[n++] = f->ids[i][TOKENS + t];
        }
    if (backward) {
        dh = mat_new(&f->a, DT_F32, b.T, f->model->cfg.width);
        memset(dh.data, 0, (size_t)(b.T * dh.cols) * sizeof(float));
    }
    must(head_logprobs(f->d, &f->a, logp, NULL,
                       (struct head_rows){hidden, where}, target, n,
                       backward ? coef : NULL, dh, &err),
         &err);
    if (backward)
        must(decoder_backward(f->d, &f->a, dh, &b, &save, &err), &err);
    for (int64_t i = 0; i < n; i++)
        loss -= (double)logp[i];
    return loss;
}

static void
check_vector(const struct fixture *f, const char *name, const float *got,
             const float *want, int64_t n, double bound)
{
    double top = 0, worst = 0;

    for (int64_t k = 0; k < n; k++) {
        assert_true(isfinite((double)got[k]));
        top = fmax(top, fabs((double)want[k]));
        worst = fmax(worst, fabs((double)got[k] - (double)want[k]));
    }
    if (worst > bound * top)
        fail_msg("%s %s: off by %g of %g", f->family, name, worst, top);
}

static void
check_gradients(struct fixture *f, enum term_kind kind, double bound)
{
    const struct adapter_weights *adapter_weights = &f->adapter_weights[kind];
    const struct adapter_weights_flat flat =
        adapter_weights_flat(adapter_weights);
    char name[128];
    double loss;
    float *want;
    int64_t n;

    memset(flat.g, 0, (size_t)flat.n * sizeof(float));
    loss = loss_of(f, adapter_weights, true);
    snprintf(name, sizeof(name), "%s.loss", kind_names[kind]);
    want = read_all(&f->golden, name, &n);
    assert_close(loss, want[0], bound * (double)want[0]);
    mem_free(want);
    for (int64_t at = 0; at < flat.n; at += n) {
        char tensor[64];

        snprintf(name, sizeof(name), "%s.grad", kind_names[kind]);
        if (kind == ADAPTER) {
            adapter_weights_locate(tensor, sizeof(tensor), adapter_weights,
                                   &f->model->cfg, at);
            snprintf(name, sizeof(name), "adapter.grad.%s", tensor);
        }
        want = read_all(&f->golden, name, &n);
        check_vector(f, name, flat.g + at, want, n, bound);
        mem_free(want);
    }
}

static void
check_f32(const char *isa)
{
    for (size_t i = 0; test_family(i); i++) {
        struct fixture f;

        open_fixture(&f, test_family(i), isa, PREC_F32);
        for (int k = 0; k < N_KINDS; k++) {
            (void)check_logits(&f, (enum term_kind)k, 2e-5, false);
            check_gradients(&f, (enum term_kind)k, 5e-5);
        }
        close_fixture(&f);
    }
}

static void
test_terms_on_ref_equal_peft_and_autograd(void **state)
{
    (void)state;
    check_f32("ref");
}

static void
test_terms_on_cpu_f32_equal_peft_and_autograd(void **state)
{
    (void)state;
    check_f32(NULL);
}

static void
test_terms_on_cpu_bf16_are_within_a_thousandth_of_a_nat(void **state)
{
    (void)state;
    for (size_t i = 0; test_family(i); i++) {
        struct fixture f;

        open_fixture(&f, test_family(i), NULL, PREC_BF16);
        for (int k = 0; k < N_KINDS; k++) {
            const double kl = check_logits(&f, (enum term_kind)k, 0, true);

            if (!(kl < 1e-3))
                fail_msg("%s %s: %g nat", f.family, kind_names[k], kl);
            check_gradients(&f, (enum term_kind)k, 0.08);
        }
        close_fixture(&f);
    }
}

/* The loss is about 100 nats in f32 steps of 8e-6; over 2h = 1/32 that is 2e-4
 * of slopes whose largest are 1 to 30. The curvature over h adds about as much.
 */
static void
test_terms_gradients_equal_central_differences(void **state)
{
    struct fixture f;

    (void)state;
    open_fixture(&f, "llama", "ref", PREC_F32);
    for (int k = 0; k < N_KINDS; k++) {
        const struct adapter_weights *adapter_weights = &f.adapter_weights[k];
        const struct adapter_weights_flat flat =
            adapter_weights_flat(adapter_weights);
        const float h = 1.0f / 64;
        double top = 0;

        memset(flat.g, 0, (size_t)flat.n * sizeof(float));
        (void)loss_of(&f, adapter_weights, true);
        for (int64_t i = 0; i < flat.n; i++)
            top = fmax(top, fabs((double)flat.g[i]));
        for (int64_t i = 3; i < flat.n; i += flat.n / 13) {
            const float w = flat.w[i];
            double lo, hi;

            flat.w[i] = w + h;
            hi = loss_of(&f, adapter_weights, false);
            flat.w[i] = w - h;
            lo = loss_of(&f, adapter_weights, false);
            flat.w[i] = w;
            assert_close((hi - lo) / (2.0 * (double)h), flat.g[i], 5e-3 * top);
        }
    }
    close_fixture(&f);
}

static void
test_terms_gradients_are_added(void **state)
{
    struct fixture f;

    (void)state;
    open_fixture(&f, "qwen3", "ref", PREC_F32);
    for (int k = 0; k < N_KINDS; k++) {
        const struct adapter_weights_flat flat =
            adapter_weights_flat(&f.adapter_weights[k]);
        float *once = mem_array((size_t)flat.n, sizeof(float));

        memset(flat.g, 0, (size_t)flat.n * sizeof(float));
        (void)loss_of(&f, &f.adapter_weights[k], true);
        for (int64_t i = 0; i < flat.n; i++)
            once[i] = 2.0f * flat.g[i];
        (void)loss_of(&f, &f.adapter_weights[k], true);
        check_vector(&f, "twice", flat.g, once, flat.n, 1e-6);
        mem_free(once);
    }
    close_fixture(&f);
}

/* Rows of all kinds and of none in one pass see what they see alone, and each
 * kind's virtual tokens are computed once. */
static void
test_terms_of_each_kind_share_a_batch(void **state)
{
    struct row rows[N_SEQS * (N_KINDS + 1)];
    const int64_t *const *at;
    const int64_t *alone_at[N_SEQS];
    struct mat hidden, alone;
    struct fixture f;
    struct batch b;
    trv_err err = {0};
    float *all;
    int n_rows = 0;

    (void)state;
    open_fixture(&f, "llama", NULL, PREC_F32);
    for (int k = 0; k <= N_KINDS; k++)
        for (int i = 0; i < N_SEQS; i++)
            rows[n_rows++] =
                row_of(&f, i, k < N_KINDS ? &f.adapter_weights[k] : NULL);
    must(batch_pack(&b, &at, &f.a, rows, n_rows, &err), &err);
    assert_int_equal(b.T, (N_KINDS + 1) * (f.n[0] + f.n[1]) + 2 * TOKENS);
    must(decoder_forward(f.d, &f.a, &hidden, &b, NULL, NULL, &err), &err);
    all = mem_array((size_t)(b.T * hidden.cols), sizeof(float));
    memcpy(all, hidden.data, (size_t)(b.T * hidden.cols) * sizeof(float));
    for (int r = 0; r < n_rows; r++) { // at[] dies with the next pass
        const int k = r / N_SEQS, i = r % N_SEQS;
        const struct adapter_weights *adapter_weights =
            k < N_KINDS ? &f.adapter_weights[k] : NULL;
        const int64_t skip = adapter_weights_virtual_count(adapter_weights);
        int64_t here[64];
        struct batch one;

        memcpy(here, at[r] + skip, (size_t)f.n[i] * sizeof(*here));
        run(&f, adapter_weights, &one, &alone, alone_at, NULL);
        for (int64_t t = 0; t < f.n[i]; t++)
            check_vector(&f, "row", all + here[t] * hidden.cols,
                         (const float *)alone.data +
                             alone_at[i][t] * hidden.cols,
                         hidden.cols, 1e-5);
        arena_reset(&f.a); // pack all again, for the next row
        must(batch_pack(&b, &at, &f.a, rows, n_rows, &err), &err);
    }
    mem_free(all);
    close_fixture(&f);
}

/* What is drawn through the cache scores as it was drawn: f32 sums of one
 * kernel in another order, over 20 tokens. */
static void
test_terms_sample_as_they_score(void **state)
{
    (void)state;
    for (size_t fam = 0; test_family(fam); fam++) {
        struct fixture f;

        open_fixture(&f, test_family(fam), NULL, PREC_F32);
        for (int k = 0; k < N_KINDS; k++) {
            const struct sample_options so = {.sampling = SAMPLING_INIT,
                                              .max_tokens = 20,
                                              .ignore_eos = true,
                                              .seed = 3};
            struct sample_row rows[N_SEQS];
            struct sample_out outs[N_SEQS];
            trv_err err = {0};

            for (int i = 0; i < N_SEQS; i++) {
                const struct row r = row_of(&f, i, &f.adapter_weights[k]);

                rows[i] = (struct sample_row){r.ids, r.n, r.adapter_weights,
                                              (uint64_t)i};
            }
            arena_reset(&f.a);
            must(engine_sample(f.d, &f.a, outs, rows, N_SEQS, &so, &err), &err);
            for (int i = 0; i < N_SEQS; i++) {
                int32_t ids[128];
                float logp[32], *list = logp;
                struct scored_row scored = {ids, rows[i].n + outs[i].n,
                                            rows[i].n, rows[i].adapter_weights};
                double sum = 0;

                assert_int_equal(outs[i].n, 20);
                memcpy(ids, rows[i].ids, (size_t)rows[i].n * sizeof(*ids));
                memcpy(ids + rows[i].n, outs[i].ids, 20 * sizeof(*ids));
                must(engine_score(f.d, &f.a, &list, &scored, 1, &err), &err);
                for (int t = 0; t < 20; t++)
                    sum += (double)logp[t];
                assert_close(sum, outs[i].logp, 2e-4);
                mem_free(outs[i].ids);
            }
        }
        close_fixture(&f);
    }
}

static void
test_terms_allow_virtual_ids_only_where_they_have_them(void **state)
{
    const struct {
        int kind; // N_KINDS: the base
        int32_t id;
        int rc;
    } cases[] = {
        {SOFT, VIRTUAL_ID(TOKENS - 1), 0},
        {SOFT, VIRTUAL_ID(TOKENS), TRV_ERANGE},
        {PREFIX, INT32_MIN, TRV_ERANGE},
        {ADAPTER, VIRTUAL_ID(0), TRV_ERANGE},
        {N_KINDS, VIRTUAL_ID(0), TRV_ERANGE},
    };
    struct fixture f;

    (void)state;
    open_fixture(&f, "gpt2", NULL, PREC_F32);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct row row = {
            &cases[i].id, 1,
            cases[i].kind < N_KINDS ? &f.adapter_weights[cases[i].kind] : NULL};
        const int64_t *const *at;
        struct mat hidden;
        struct batch b;
        trv_err err = {0};

        arena_reset(&f.a);
        must(batch_pack(&b, &at, &f.a, &row, 1, &err), &err);
        assert_int_equal(
            decoder_forward(f.d, &f.a, &hidden, &b, NULL, NULL, &err),
            cases[i].rc);
    }
    close_fixture(&f);
}

/* All weights learn beside rows of virtual tokens: their ids are no rows of the
 * embedding, and nothing flows into what a prefix's tokens computed. */
static void
test_terms_leave_full_training_finite_and_their_own(void **state)
{
    (void)state;
    for (int k = 0; k < 2; k++) {
        struct fixture f;
        trv_err err = {0};
        double sum = 0;

        open_fixture(&f, "gpt2", "ref", PREC_F32);
        must(decoder_train_full(f.d, &err), &err);
        (void)loss_of(&f, &f.adapter_weights[k], true);
        for (int64_t i = 0; i < f.d->n_full; i++)
            sum += fabs((double)f.d->g_full[i]);
        assert_true(isfinite(sum) && sum > 0);
        for (int j = 0; k == PREFIX && j < TOKENS; j++) // positions of a prefix
            for (int64_t c = 0; c < f.model->cfg.width; c++)
                assert_true(f.d->d_pos_embed[j * f.model->cfg.width + c] ==
                            0.0f);
        close_fixture(&f);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_terms_on_ref_equal_peft_and_autograd),
        cmocka_unit_test(test_terms_on_cpu_f32_equal_peft_and_autograd),
        cmocka_unit_test(
            test_terms_on_cpu_bf16_are_within_a_thousandth_of_a_nat),
        cmocka_unit_test(test_terms_gradients_equal_central_differences),
        cmocka_unit_test(test_terms_gradients_are_added),
        cmocka_unit_test(test_terms_of_each_kind_share_a_batch),
        cmocka_unit_test(test_terms_sample_as_they_score),
        cmocka_unit_test(
            test_terms_allow_virtual_ids_only_where_they_have_them),
        cmocka_unit_test(test_terms_leave_full_training_finite_and_their_own),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
