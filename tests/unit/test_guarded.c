/* test_guarded.c -- nobody but operators touches the backend's memory.
 *
 * Under a backend whose pages are closed between its calls, a decoder of every
 * family runs forward and backward, learns by the loop of training, scores and
 * samples; each result equals that of `ref`, which the guarded backend wraps,
 * bit for bit.
 */
#include "support/families.h"
#include "support/guarded.h"
#include "support/test.h"

#include <math.h>
#include <string.h>
#include <unistd.h>

#include "learn/supervised.h"
#include "model/decoder/head.h"
#include "model/sample/engine.h"

#define N_ROWS 3
#define N_IDS 12
#define STEPS 3
#define TOKENS 2 // virtual ones

static void
must(int rc, const trv_err *err)
{
    if (rc)
        fail_msg("%s", err->msg);
}

/* A tiny model of a family on one of the two backends, and rows of it: the
 * first two begin alike. */
struct fixture {
    struct session s;
    struct decoder *d;
    struct adapter_weights adapter_weights;
    struct learned_row list[N_ROWS];
    struct learned_rows rows;
    int32_t ids[N_ROWS][N_IDS];
};

static void
open_fixture(struct fixture *f, const char *family, bool guarded)
{
    const struct backend_options opts = {.isa = "ref", .prec = PREC_F32};
    char rel[128];
    trv_err err = {0};

    *f = (struct fixture){0};
    snprintf(rel, sizeof(rel), "golden/models/%s", family);
    must(model_open(&f->s.model, test_source(rel), &err), &err);
    if (guarded)
        f->s.be = guarded_open();
    else
        must(backend_open(&f->s.be, &opts, &err), &err);
    must(session_decoder(&f->s, &f->d, &err), &err);
    for (int i = 0; i < N_ROWS; i++) {
        for (int t = 0; t < N_IDS; t++)
            f->ids[i][t] = (t < 4 ? 0 : 7 * i) + 3 * t + 1;
        f->list[i] = (struct learned_row){f->ids[i], N_IDS - i, 3};
    }
    f->rows = (struct learned_rows){.list = f->list, .n = N_ROWS};
}

static void
close_fixture(struct fixture *f)
{
    adapter_weights_release(&f->adapter_weights);
    decoder_free(f->d);
    arena_release(&f->s.arena);
    backend_free(f->s.be);
    model_free(f->s.model);
}

static bool with_dora; // the LoRA that begins next has magnitudes

/* Terms that change what is computed: every value is drawn. */
static void
begin_terms(struct fixture *f, enum kind kind)
{
    const struct student_options o = {
        .kind = kind,
        .lora = {.rank = 2,
                 .alpha = 4.0,
                 .dropout = 0.1,
                 .dora = with_dora,
                 .targets = "all-linear"},
        .virtual = {.tokens = TOKENS},
        .bottleneck = {.size = 3, .places = "both"},
        .seed = 5};
    struct adapter_weights_flat flat;
    struct rng r;
    trv_err err = {0};

    must(student_begin(&f->adapter_weights, f->s.model, &o, &err), &err);
    flat = adapter_weights_flat(&f->adapter_weights);
    rng_init(&r, 9, 9);
    for (int64_t i = 0; i < flat.n; i++)
        flat.w[i] = (float)(0.2 * rng_normal(&r));
    if (f->adapter_weights.virtual.k > 0)
        must(student_start(&f->adapter_weights, &f->s, f->ids[2], N_IDS, NULL,
                           &err),
             &err);
    must(adapter_weights_refresh(&f->adapter_weights, f->s.be, &err), &err);
    for (int i = 0; i < N_ROWS && f->adapter_weights.virtual.k > 0; i++) {
        memmove(f->ids[i] + TOKENS, f->ids[i],
                (N_IDS - TOKENS) * sizeof(int32_t));
        for (int j = 0; j < TOKENS; j++)
            f->ids[i][j] = VIRTUAL_ID(j);
    }
}

static float *
downloaded(const struct fixture *f, const float *x, int64_t n)
{
    float *out = mem_array((size_t)n, sizeof(*out));

    assert_non_null(out);
    f->s.be->ops->download(f->s.be, out, x, (size_t)n * sizeof(*out));
    return out;
}

/* --- learning --- */

struct learned {
    double loss[STEPS];
    float *w;
    int64_t n;
};

static bool
note_loss(const trv_progress *p, void *payload)
{
    struct learned *out = payload;

    if (p->done >= 1 && p->done <= STEPS)
        out->loss[p->done - 1] = p->loss;
    return true;
}

/* Some steps of all weights or of one kind's terms. */
static void
learn(struct learned *out, const char *family, enum kind kind, bool guarded)
{
    struct run_options opts = RUN_OPTIONS_INIT;
    struct supervised t;
    struct run_task task;
    struct run_result result;
    struct fixture f;
    trv_err err = {0};

    open_fixture(&f, family, guarded);
    if (kind != KIND_FULL)
        begin_terms(&f, kind);
    t = (struct supervised){.s = &f.s,
                            .rows = &f.rows,
                            .adapter_weights =
                                kind == KIND_FULL ? NULL : &f.adapter_weights,
                            .batch = N_ROWS,
                            .accumulate = 1};
    must(supervised_init(&t, &task, &err), &err);
    opts.steps = STEPS;
    opts.lr = 1e-2;
    opts.schedule = "constant";
    opts.warmup = 0;
    opts.weight_decay = 0.01;
    *out = (struct learned){0};
    must(run_train(&result, &task, &opts, f.s.be, note_loss, out, &err), &err);
    out->n = task.n;
    out->w = downloaded(&f, task.w, task.n);
    supervised_release(&t);
    close_fixture(&f);
}

static void
check_learning(const char *family, enum kind kind)
{
    struct learned ref, guarded;

    learn(&ref, family, kind, false);
    learn(&guarded, family, kind, true);
    assert_int_equal(guarded.n, ref.n);
    for (int i = 0; i < STEPS; i++)
        assert_true(isfinite(ref.loss[i]));
    assert_memory_equal(guarded.loss, ref.loss, sizeof(ref.loss));
    assert_memory_equal(guarded.w, ref.w, (size_t)ref.n * sizeof(float));
    mem_free(ref.w);
    mem_free(guarded.w);
}

static void
test_guarded_lora_learns_as_ref_in_every_family(void **state)
{
    const char *family;

    (void)state;
    for (size_t i = 0; (family = test_family(i)); i++)
        check_learning(family, KIND_LORA);
}

static void
test_guarded_weights_learn_as_ref_in_every_family(void **state)
{
    const char *family;

    (void)state;
    for (size_t i = 0; (family = test_family(i)); i++)
        check_learning(family, KIND_FULL);
}

static void
test_guarded_other_terms_learn_as_ref(void **state)
{
    (void)state;
    check_learning("llama", KIND_SOFT);
    check_learning("llama", KIND_PREFIX);
    check_learning("llama", KIND_ADAPTER);
    check_learning("gpt2", KIND_SOFT);
    with_dora = true;
    check_learning("gpt2", KIND_LORA);
    check_learning("qwen2", KIND_LORA);
    check_learning("olmo2", KIND_LORA);
    with_dora = false;
}

/* --- sampling and scoring --- */

static void
sample(struct sample_out out[N_ROWS], const char *family, bool guarded)
{
    struct sample_options opts = {.sampling = {.temperature = 0.9,
                                               .top_p = 0.95,
                                               .repetition_penalty = 1.1},
                                  .max_tokens = 6,
                                  .seed = 3,
                                  .ignore_eos = true,
                                  .want_logps = true};
    struct sample_row rows[N_ROWS];
    struct fixture f;
    trv_err err = {0};

    open_fixture(&f, family, guarded);
    begin_terms(&f, KIND_LORA);
    opts.sampling.vocab = f.s.model->cfg.vocab;
    for (int i = 0; i < N_ROWS; i++)
        rows[i] = (struct sample_row){
            f.ids[i], N_IDS - i, i ? &f.adapter_weights : NULL, (uint64_t)i};
    must(engine_sample(f.d, &f.s.arena, out, rows, N_ROWS, &opts, &err), &err);
    close_fixture(&f);
}

static void
test_guarded_samples_equal_those_of_ref(void **state)
{
    const char *family;

    (void)state;
    for (size_t k = 0; (family = test_family(k)); k++) {
        struct sample_out ref[N_ROWS], guarded[N_ROWS];

        sample(ref, family, false);
        sample(guarded, family, true);
        for (int i = 0; i < N_ROWS; i++) {
            const size_t n = (size_t)ref[i].n;

            assert_int_equal(guarded[i].n, ref[i].n);
            assert_memory_equal(guarded[i].ids, ref[i].ids,
                                n * sizeof(int32_t));
            assert_memory_equal(guarded[i].logps, ref[i].logps,
                                n * sizeof(float));
            mem_free(ref[i].ids);
            mem_free(ref[i].logps);
            mem_free(guarded[i].ids);
            mem_free(guarded[i].logps);
        }
    }
}

/* --- the double itself --- */

/* Can the kernel read there for us? It says so without a signal. */
static bool
is_open(const void *p)
{
    int ends[2];
    bool open;

    assert_int_equal(pipe(ends), 0);
    open = write(ends[1], p, 1) == 1;
    close(ends[0]);
    close(ends[1]);
    return open;
}

static void
test_guarded_memory_is_closed_outside_of_calls(void **state)
{
    struct backend *be = guarded_open();
    const float x[2] = {1.0f, -2.0f};
    float y[2] = {0};
    float *p = be->ops->mem_alloc(be, sizeof(x));

    (void)state;
    assert_true(is_open(x));
    assert_false(is_open(p));
    be->ops->upload(be, p, x, sizeof(x));
    assert_false(is_open(p));
    be->ops->download(be, y, p, sizeof(y));
    assert_memory_equal(x, y, sizeof(x));
    assert_int_equal(guarded_live(be), 1);
    be->ops->mem_free(be, p);
    assert_int_equal(guarded_live(be), 0);
    backend_free(be);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_guarded_memory_is_closed_outside_of_calls),
        cmocka_unit_test(test_guarded_lora_learns_as_ref_in_every_family),
        cmocka_unit_test(test_guarded_weights_learn_as_ref_in_every_family),
        cmocka_unit_test(test_guarded_other_terms_learn_as_ref),
        cmocka_unit_test(test_guarded_samples_equal_those_of_ref),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
