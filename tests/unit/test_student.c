/* test_student.c -- terms to be trained: their options, and where virtual
 * tokens start.
 */
#include "support/families.h"
#include "support/test.h"

#include <math.h>
#include <string.h>

#include "base/file.h"
#include "learn/student.h"

static void
must(int rc, const trv_err *err)
{
    if (rc)
        fail_msg("%s", err->msg);
}

static struct student_options
options_of(enum kind kind)
{
    return (struct student_options){.kind = kind,
                                    .lora = TRV_LORA_OPTIONS_INIT,
                                    .virtual = TRV_VIRTUAL_OPTIONS_INIT,
                                    .bottleneck = TRV_BOTTLENECK_OPTIONS_INIT,
                                    .seed = 3};
}

static struct session *
open_session(const char *path)
{
    const struct backend_options be = {.prec = PREC_F32};
    struct session *s;
    trv_err err = {0};

    must(session_open(&s, test_source(path), &be, &err), &err);
    return s;
}

static void
refuses(const struct student_options *o, int code, const char *says)
{
    trv_err err = {0};

    assert_int_equal(student_check(o, &err), code);
    if (!strstr(err.msg, says))
        fail_msg("'%s' should say '%s'", err.msg, says);
}

static void
test_student_checks_the_options_of_its_own_kind(void **state)
{
    struct student_options o = options_of(KIND_SOFT);

    (void)state;
    assert_int_equal(student_check(&o, NULL), 0);
    o.lora.rank = 0; // not looked at
    assert_int_equal(student_check(&o, NULL), 0);
    o.virtual.tokens = 0;
    refuses(&o, TRV_ERANGE, "virtual tokens is 0");
    o = options_of(KIND_PREFIX);
    o.virtual.start = "somewhere";
    refuses(&o, TRV_EINVAL, "'somewhere'");
    o.virtual.start = "text:";
    refuses(&o, TRV_EINVAL, "text:TEXT");
    o.virtual.start = "@";
    refuses(&o, TRV_EINVAL, "@FILE");
    o.virtual.start = "text:\xff";
    refuses(&o, TRV_EINVAL, "not UTF-8");
    o.virtual.start = "sampled";
    assert_int_equal(student_check(&o, NULL), 0);
    o = options_of(KIND_ADAPTER);
    assert_int_equal(student_check(&o, NULL), 0);
    o.bottleneck.size = 0;
    refuses(&o, TRV_ERANGE, "bottleneck is 0");
    o = options_of(KIND_ADAPTER);
    o.bottleneck.places = "nose";
    refuses(&o, TRV_EINVAL, "'nose'");
    o.bottleneck.places = NULL;
    refuses(&o, TRV_EINVAL, "both or mlp");
    o = options_of(KIND_LORA);
    o.lora.targets = NULL;
    refuses(&o, TRV_EINVAL, "targets");
}

static void
test_student_tells_what_counts(void **state)
{
    static const char *const want[] = {
        "{\"virtual_tokens\": 32, \"start\": \"\"}",
        "{\"bottleneck\": 64, \"places\": \"both\"}"};
    static const enum kind kinds[] = {KIND_PREFIX, KIND_ADAPTER};

    (void)state;
    for (int i = 0; i < 2; i++) {
        const struct student_options o = options_of(kinds[i]);
        json_t *said = json_object(), *expected = json_loads(want[i], 0, NULL);

        assert_int_equal(student_to_json(said, &o, NULL), 0);
        assert_true(json_equal(said, expected));
        json_decref(said);
        json_decref(expected);
    }
}

static void
test_student_begins_with_gradients_of_every_kind(void **state)
{
    static const enum kind kinds[] = {KIND_LORA, KIND_ADAPTER, KIND_SOFT,
                                      KIND_PREFIX};
    struct session *s = open_session("golden/tiny/one");

    (void)state;
    for (int i = 0; i < 4; i++) {
        const struct student_options o = options_of(kinds[i]);
        struct adapter_weights a, b;
        struct adapter_weights_flat flat;
        trv_err err = {0};

        assert_true(student_can_be(kinds[i]));
        assert_int_equal(student_is_virtual(kinds[i]), i >= 2);
        must(student_begin(&a, s->model, &o, &err), &err);
        must(student_begin(&b, s->model, &o, &err), &err);
        flat = adapter_weights_flat(&a);
        assert_true(flat.n > 0 && flat.g);
        assert_memory_equal(flat.w, adapter_weights_flat(&b).w,
                            (size_t)flat.n * sizeof(float));
        assert_true(student_default_lr(kinds[i], &s->model->cfg) > 0);
        adapter_weights_release(&a);
        adapter_weights_release(&b);
    }
    assert_true(student_can_be(KIND_FULL)); // without terms
    assert_false(student_can_be(KIND_TEXT));
    session_free(s);
}

/* Hidden states of the last n tokens of a row. */
static void
last_hidden(float *out, struct session *s, const struct row *row, int64_t n)
{
    const int64_t *const *at;
    struct decoder *d;
    struct mat hidden;
    struct batch b;
    trv_err err = {0};

    must(session_decoder(s, &d, &err), &err);
    arena_reset(&s->arena);
    must(batch_pack(&b, &at, &s->arena, row, 1, &err), &err);
    must(decoder_forward(d, &s->arena, &hidden, &b, NULL, NULL, &err), &err);
    for (int64_t i = 0; i < n; i++)
        memcpy(out + i * hidden.cols,
               (const float *)hidden.data + at[0][row->n - n + i] * hidden.cols,
               (size_t)hidden.cols * sizeof(float));
}

/* Virtual tokens that start from a text are that text: what follows them is
 * computed as after the text itself, to the order of f32 sums. */
static void
test_student_that_starts_from_a_text_acts_as_the_text(void **state)
{
    static const int32_t text[] = {5, 60, 33, 7, 101, 21, 40, 11, 12, 13};
    enum { K = 6, N = 4 };

    (void)state;
    for (size_t fam = 0; test_family(fam); fam++)
        for (int k = 0; k < 2; k++) {
            struct student_options o = options_of(k ? KIND_PREFIX : KIND_SOFT);
            int32_t ids[K + N];
            float want[N * 64], got[N * 64];
            struct session *s;
            struct adapter_weights t;
            char path[64];
            trv_err err = {0};
            double worst = 0, top = 0;

            snprintf(path, sizeof(path), "golden/models/%s", test_family(fam));
            s = open_session(path);
            o.virtual.tokens = K;
            must(student_begin(&t, s->model, &o, &err), &err);
            must(student_start(&t, s, text, K, NULL, &err), &err);
            last_hidden(want, s, &(struct row){text, K + N, NULL}, N);
            for (int j = 0; j < K; j++)
                ids[j] = VIRTUAL_ID(j);
            memcpy(ids + K, text + K, N * sizeof(*ids));
            last_hidden(got, s, &(struct row){ids, K + N, &t}, N);
            for (int64_t i = 0; i < N * s->model->cfg.width; i++) {
                worst = fmax(worst, fabs((double)got[i] - (double)want[i]));
                top = fmax(top, fabs((double)want[i]));
            }
            if (!(worst <= 1e-6 * top))
                fail_msg("%s %s: off by %g of %g", test_family(fam),
                         kind_name(o.kind), worst, top);
            adapter_weights_release(&t);
            session_free(s);
        }
}

static void
test_student_start_repeats_a_text_that_is_too_short(void **state)
{
    static const int32_t shorter[] = {5, 60, 33};
    static const int32_t whole[] = {5, 60, 33, 5, 60, 33, 5, 60};
    struct session *s = open_session("golden/models/llama");

    (void)state;
    for (int k = 0; k < 2; k++) {
        struct student_options o = options_of(k ? KIND_PREFIX : KIND_SOFT);
        struct adapter_weights a, b;
        trv_err err = {0};

        o.virtual.tokens = 8;
        must(student_begin(&a, s->model, &o, &err), &err);
        must(student_begin(&b, s->model, &o, &err), &err);
        must(student_start(&a, s, shorter, 3, NULL, &err), &err);
        must(student_start(&b, s, whole, 8, NULL, &err), &err);
        assert_memory_equal(a.virtual.w, b.virtual.w,
                            (size_t)a.virtual.n * sizeof(float));
        adapter_weights_release(&a);
        adapter_weights_release(&b);
    }
    session_free(s);
}

static void
test_student_text_is_tokenised_as_a_text_that_begins(void **state)
{
    struct session *s = open_session("golden/tiny/one");
    trv_virtual_options o = TRV_VIRTUAL_OPTIONS_INIT;
    struct ids a = {0}, b = {0};
    char path[200], spec[210];
    trv_err err = {0};

    (void)state;
    must(student_text(&a, s, &o, &err), &err); // none named
    assert_int_equal(a.n, 0);
    o.start = "sampled";
    assert_true(student_start_is_sampled(&o));
    must(student_text(&a, s, &o, &err), &err);
    assert_int_equal(a.n, 0);
    o.start = "text:Say it.";
    assert_false(student_start_is_sampled(&o));
    must(student_text(&a, s, &o, &err), &err);
    assert_int_equal(a.n, 8); // BOS and a token a byte
    assert_int_equal(a.v[0], 256);
    snprintf(path, sizeof(path), "%s/z.txt", test_tmpdir("student"));
    must(file_write_atomic(path, "Say it.", 7, &err), &err);
    snprintf(spec, sizeof(spec), "@%s", path);
    o.start = spec;
    must(student_text(&b, s, &o, &err), &err);
    assert_int_equal(b.n, a.n);
    assert_memory_equal(a.v, b.v, (size_t)a.n * sizeof(*a.v));
    o.start = "@nowhere";
    assert_int_equal(student_text(&b, s, &o, &err), TRV_EIO);
    ids_release(&a);
    ids_release(&b);
    session_free(s);
}

/* ---- weight decay ------------------------------------------------------- */

/* transformers' Trainer.get_decay_parameter_names(): no layer of norms, and
 * nothing whose name holds "bias" or a norm's; GPT-2 calls its norms ln_. */
static bool
trainer_decays(const char *name)
{
    return !strstr(name, "bias") && !strstr(name, "norm") &&
           !strstr(name, "ln_");
}

/* A gradient of zeros: the update is weight decay alone. */
static int
no_gradient(void *self, int64_t step, int64_t micro, double *loss,
            double *weight, double *tokens, trv_err *err)
{
    (void)self;
    (void)step;
    (void)micro;
    (void)err;
    *loss += 1.0;
    *weight += 1.0;
    *tokens += 1.0;
    return 0;
}

/* One step of AdamW with weight decay: w *= 1 - lr decay, or nothing. */
static void
step_and_compare(struct decoder *d, const char *family)
{
    struct run_task task = {.gradient = no_gradient};
    struct student st = {d, NULL};
    struct run_options o = RUN_OPTIONS_INIT;
    struct run_result r;
    float *before = mem_array((size_t)d->n_full, sizeof(*before));
    int64_t n_still = 0;
    trv_err err = {0};

    assert_non_null(before);
    memcpy(before, d->w_full, (size_t)d->n_full * sizeof(*before));
    student_learns(&task, &st);
    o.steps = 1;
    o.lr = 0.5;
    o.schedule = "constant";
    o.warmup = 0.0;
    o.weight_decay = 0.25;
    must(run_train(&r, &task, &o, d->be, NULL, NULL, &err), &err);
    for (int64_t i = 0; i < d->n_items; i++) {
        const struct dec_item *item = &d->items[i];
        const bool decays = trainer_decays(item->name);

        n_still += !decays;
        for (int64_t k = 0; k < item->rows * item->cols; k++) {
            const float was = before[item->at + k];
            const float is = d->w_full[item->at + k];

            /* The factor 7/8 is exact; a product rounds once. */
            if (is != (decays ? was * 0.875f : was))
                fail_msg("%s: %s was %g and is %g", family, item->name,
                         (double)was, (double)is);
        }
    }
    assert_true(n_still >= 2 * d->cfg->layers); // a layer's norms
    mem_free(before);
}

static void
test_student_of_all_weights_decays_as_the_trainer_of_transformers(void **state)
{
    (void)state;
    for (size_t fam = 0; test_family(fam); fam++) {
        struct decoder *d;
        struct session *s;
        char path[64];
        trv_err err = {0};

        snprintf(path, sizeof(path), "golden/models/%s", test_family(fam));
        s = open_session(path);
        must(student_open_full(&d, s, &err), &err);
        step_and_compare(d, test_family(fam));
        decoder_free(d);
        session_free(s);
    }
}

static void
test_student_decays_a_scalar_head_and_every_term(void **state)
{
    struct session *s = open_session("golden/models/llama");
    struct student_options o = options_of(KIND_LORA);
    struct decoder *d;
    struct adapter_weights t;
    int64_t end;
    trv_err err = {0};

    (void)state;
    must(decoder_open(&d, s->model, s->be, &err), &err);
    must(decoder_add_score(d, &err), &err);
    must(decoder_train_full(d, &err), &err);
    assert_true(student_decays(d, NULL, d->score.v - d->w_full, &end));
    assert_int_equal(end, d->n_full);
    assert_false(student_decays(d, NULL, d->score.v - d->w_full - 1, &end));
    assert_int_equal(end, d->score.v - d->w_full);

    must(student_begin(&t, s->model, &o, &err), &err);
    assert_true(student_decays(d, &t, 0, &end));
    assert_int_equal(end, t.lora.n);
    adapter_weights_release(&t);
    decoder_free(d);
    session_free(s);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_student_checks_the_options_of_its_own_kind),
        cmocka_unit_test(test_student_tells_what_counts),
        cmocka_unit_test(test_student_begins_with_gradients_of_every_kind),
        cmocka_unit_test(test_student_that_starts_from_a_text_acts_as_the_text),
        cmocka_unit_test(test_student_start_repeats_a_text_that_is_too_short),
        cmocka_unit_test(test_student_text_is_tokenised_as_a_text_that_begins),
        cmocka_unit_test(
            test_student_of_all_weights_decays_as_the_trainer_of_transformers),
        cmocka_unit_test(test_student_decays_a_scalar_head_and_every_term),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
