/* test_distill.c -- the loss that turns a prompt into parameters, and its
 * gradient, on a tiny model and the oracle's backend.
 */
#include "support/test.h"

#include <math.h>
#include <string.h>

#include "model/decoder/head.h"
#include "transform/imitate/distill.h"

#define N_INPUTS 3
#define N_ANSWERS 6

struct fixture {
    struct session s;
    struct answers answers;
    struct adapter_weights adapter_weights;
    struct distill t;
    struct run_task task;
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

/* Inputs x with and without a prompt z of 5 tokens, two answers to each, and a
 * LoRA with random A and B. */
static void
open_fixture(struct fixture *f, const char *family, const char *isa,
             struct distill_options opts, float dropout)
{
    static const int32_t z[] = {11, 12, 13, 14, 15};
    static const int32_t x[N_INPUTS][3] = {{1, 2, 3}, {1, 2, 4}, {9, 8, 7}};
    static const int32_t y[] = {21, 22, 23, 24, 25, 26, 27};
    const struct backend_options be = {.isa = isa, .prec = PREC_F32};
    struct lora_spec spec = {.rank = 3, .alpha = 6, .dropout = dropout};
    struct decoder *d;
    struct rng r;
    char rel[128];
    trv_err err = {0};

    memset(f, 0, sizeof(*f));
    snprintf(rel, sizeof(rel), "golden/models/%s", family);
    must(model_open(&f->s.model, test_source(rel), &err), &err);
    must(backend_open(&f->s.be, &be, &err), &err);
    rng_init(&r, 7, 1);
    must(lora_targets(spec.parts, &f->s.model->cfg, "all-linear", &err), &err);
    must(lora_init(&f->adapter_weights.lora, &f->s.model->cfg, &spec, true, &r,
                   &err),
         &err);
    for (int64_t i = 0; i < f->adapter_weights.lora.n; i++)
        f->adapter_weights.lora.w[i] = 0.1f * (float)rng_normal(&r);
    must(lora_refresh(&f->adapter_weights.lora, f->s.be, &err), &err);

    f->answers.contexts = mem_calloc(N_INPUTS, sizeof(struct paired_row));
    f->answers.list = mem_calloc(N_ANSWERS, sizeof(struct answer));
    f->answers.n_contexts = N_INPUTS;
    f->answers.n = N_ANSWERS;
    must(session_decoder(&f->s, &d, &err), &err);
    for (int i = 0; i < N_INPUTS; i++) {
        struct ids ids = {0};

        push_all(&ids, z, 5);
        push_all(&ids, x[i], 3);
        must(conditioning_plain(&f->answers.contexts[i].teacher, d, NULL, &ids,
                                &err),
             &err);
        push_all(&f->answers.contexts[i].student, x[i], 3);
    }
    for (int i = 0; i < N_ANSWERS; i++) {
        struct answer *a = &f->answers.list[i];

        a->context = i % N_INPUTS;
        a->n = 2 + i % 4;
        a->ids = mem_array((size_t)a->n, sizeof(int32_t));
        memcpy(a->ids, y + i % 3, (size_t)a->n * sizeof(int32_t));
    }
    opts.max_tokens = 6;
    f->t = (struct distill){.s = &f->s,
                            .answers = &f->answers,
                            .student = &f->adapter_weights,
                            .opts = opts};
    must(distill_init(&f->t, &f->task, &err), &err);
}

static void
close_fixture(struct fixture *f)
{
    distill_release(&f->t);
    answers_release(&f->answers);
    lora_release(&f->adapter_weights.lora);
    decoder_free(f->s.decoder);
    arena_release(&f->s.arena);
    model_free(f->s.model);
    backend_free(f->s.be);
}

static double
loss_at(struct fixture *f, int64_t step, int64_t micro, double *weight)
{
    double loss = 0, tokens = 0, w = 0;
    trv_err err = {0};

    if (micro == 0)
        must(f->task.begin_step(f->task.self, step, &tokens, &err), &err);
    must(f->task.gradient(f->task.self, step, micro, &loss, &w, &tokens, &err),
         &err);
    if (weight)
        *weight = w;
    return loss;
}

static double
loss_moved(struct fixture *f, const float *w0, const float *v, float h,
           int64_t step)
{
    trv_err err = {0};
    double loss;

    for (int64_t i = 0; i < f->adapter_weights.lora.n; i++)
        f->adapter_weights.lora.w[i] = w0[i] + h * v[i];
    must(f->task.after_update(f->task.of, &err), &err);
    loss = loss_at(f, step, 0, NULL);
    return loss;
}

/* The slope along a random direction, by differences of the f32 loss: its
 * rounding, about 1e-6, divided by 2h, and a truncation of order h^2. */
static void
check_slope(struct fixture *f, int64_t step)
{
    const float h = 0.01f;
    float *w0 = mem_array((size_t)f->adapter_weights.lora.n, sizeof(float));
    float *v = mem_array((size_t)f->adapter_weights.lora.n, sizeof(float));
    double slope = 0, norm = 0, lo, hi;
    struct rng r;

    rng_init(&r, 99, 5);
    memcpy(w0, f->adapter_weights.lora.w,
           (size_t)f->adapter_weights.lora.n * sizeof(float));
    for (int64_t i = 0; i < f->adapter_weights.lora.n; i++) {
        v[i] = (float)rng_normal(&r);
        norm += (double)v[i] * (double)v[i];
    }
    for (int64_t i = 0; i < f->adapter_weights.lora.n; i++)
        v[i] = (float)((double)v[i] / sqrt(norm));
    memset(f->adapter_weights.lora.g, 0,
           (size_t)f->adapter_weights.lora.n * sizeof(float));
    (void)loss_at(f, step, 0, NULL);
    norm = 0;
    for (int64_t i = 0; i < f->adapter_weights.lora.n; i++) {
        slope += (double)f->adapter_weights.lora.g[i] * (double)v[i];
        norm += (double)f->adapter_weights.lora.g[i] *
                (double)f->adapter_weights.lora.g[i];
    }
    hi = loss_moved(f, w0, v, h, step);
    lo = loss_moved(f, w0, v, -h, step);
    assert_true(norm > 1e-4); // a gradient that is there
    assert_close((hi - lo) / (2.0 * (double)h), slope, 1e-3 * sqrt(norm));
    mem_free(w0);
    mem_free(v);
}

static void
test_distill_gradient_equals_differences_for_every_divergence(void **state)
{
    static const char *const families[] = {"gpt2", "qwen3"};

    (void)state;
    for (int m = 0; m < 2; m++)
        for (int kind = DIV_FORWARD; kind <= DIV_JSD; kind++) {
            struct fixture f;

            open_fixture(
                &f, families[m], "ref",
                (struct distill_options){.divergence = (enum divergence)kind,
                                         .batch = 4,
                                         .accumulate = 1},
                0);
            check_slope(&f, 0);
            close_fixture(&f);
        }
}

static void
test_distill_gradient_equals_differences_with_hidden_states(void **state)
{
    static const char *const families[] = {"gpt2", "qwen3", "llama"};
    static const char *const layers[] = {"all", "1", "last"};

    (void)state;
    for (int m = 0; m < 3; m++) {
        struct features features;
        struct fixture f;
        trv_err err = {0};

        open_fixture(&f, families[m], "ref",
                     (struct distill_options){.batch = 4, .accumulate = 1}, 0);
        must(features_init(&features, layers[m], 2.0, &f.s.model->cfg, &err),
             &err);
        f.t.features = &features;
        check_slope(&f, 0);
        features_release(&features);
        close_fixture(&f);
    }
}

static void
test_distill_accumulates_hidden_states_as_one_batch(void **state)
{
    struct features features;
    struct fixture one, two;
    double whole, parts, weight[2], more;
    trv_err err = {0};

    (void)state;
    open_fixture(&one, "llama", "ref",
                 (struct distill_options){.batch = 4, .accumulate = 1}, 0);
    open_fixture(&two, "llama", "ref",
                 (struct distill_options){.batch = 4, .accumulate = 2}, 0);
    must(features_init(&features, "all", 1.0, &one.s.model->cfg, &err), &err);
    one.t.features = two.t.features = &features;
    whole = loss_at(&one, 0, 0, &weight[0]);
    parts = loss_at(&two, 0, 0, &weight[1]);
    parts += loss_at(&two, 0, 1, &more);
    assert_close(parts, whole, 1e-5 * whole); // sums in another order
    assert_close(weight[1] + more, weight[0], 0);
    for (int64_t i = 0; i < one.adapter_weights.lora.n; i++)
        assert_close(two.adapter_weights.lora.g[i],
                     one.adapter_weights.lora.g[i], 1e-4);
    features_release(&features);
    close_fixture(&one);
    close_fixture(&two);
}

/* Ranks that differ by part, parts left out: what is stacked then is uneven. */
static void
test_distill_gradient_equals_differences_for_uneven_ranks(void **state)
{
    static const int64_t of_part[PART_COUNT] = {[PART_Q] = 2,
                                                [PART_V] = 5,
                                                [PART_GATE] = 3,
                                                [PART_UP] = 1,
                                                [PART_DOWN] = 4};
    struct fixture f;
    int64_t *ranks;
    double *alphas;
    struct rng r;
    trv_err err = {0};

    (void)state;
    for (int dropped = 0; dropped < 2; dropped++) {
        const int64_t n = 2 * PART_COUNT;

        open_fixture(&f, "mistral", "ref",
                     (struct distill_options){.batch = 4, .accumulate = 1}, 0);
        distill_release(&f.t);
        lora_release(&f.adapter_weights.lora);
        ranks = mem_calloc((size_t)n, sizeof(*ranks));
        alphas = mem_calloc((size_t)n, sizeof(*alphas));
        for (int64_t i = 0; i < n; i++) {
            ranks[i] =
                i < PART_COUNT && i == PART_V ? 0 : of_part[i % PART_COUNT];
            alphas[i] = 3.0 + (double)(i % 4);
        }
        assert_int_equal(f.s.model->cfg.layers, 2);
        must(lora_init_shaped(
                 &f.adapter_weights.lora, &f.s.model->cfg,
                 &(struct lora_shape){.ranks = ranks, .alphas = alphas}, true,
                 &err),
             &err);
        f.adapter_weights.lora.dropout = dropped ? 0.25f : 0.0f;
        rng_init(&r, 8, 8);
        for (int64_t i = 0; i < f.adapter_weights.lora.n; i++)
            f.adapter_weights.lora.w[i] = 0.1f * (float)rng_normal(&r);
        must(lora_refresh(&f.adapter_weights.lora, f.s.be, &err), &err);
        must(distill_init(&f.t, &f.task, &err), &err);
        check_slope(&f, 0);
        mem_free(ranks);
        mem_free(alphas);
        close_fixture(&f);
    }
}

static void
test_distill_sft_and_dropout_gradients_equal_differences(void **state)
{
    struct fixture f;

    (void)state;
    open_fixture(
        &f, "llama", "ref",
        (struct distill_options){.hard = true, .batch = 4, .accumulate = 1}, 0);
    check_slope(&f, 1);
    close_fixture(&f);
    open_fixture(&f, "llama", "ref",
                 (struct distill_options){.batch = 4, .accumulate = 1}, 0.3f);
    check_slope(&f, 1);
    close_fixture(&f);
}

static void
test_distill_loss_is_0_where_the_student_sees_the_prompt_too(void **state)
{
    struct fixture f;
    trv_err err = {0};
    double weight;

    (void)state;
    open_fixture(&f, "llama", NULL,
                 (struct distill_options){.batch = 6, .accumulate = 1}, 0);
    for (int i = 0; i < N_INPUTS; i++) {
        f.answers.contexts[i].student.n = 0;
        push_all(&f.answers.contexts[i].student,
                 f.answers.contexts[i].teacher.parts[0].ids,
                 f.answers.contexts[i].teacher.parts[0].n_ids);
    }
    memset(f.adapter_weights.lora.w, 0,
           (size_t)f.adapter_weights.lora.n * sizeof(float));
    must(f.task.after_update(f.task.of, &err), &err);
    assert_close(loss_at(&f, 0, 0, &weight), 0.0, 1e-4);
    assert_close(weight, 2 + 3 + 4 + 5 + 2 + 3, 0); // every answer token
    close_fixture(&f);
}

static void
test_distill_micro_batches_add_up_to_the_whole(void **state)
{
    struct fixture f;
    double whole, parts = 0, weight, w, sum_w = 0, worst = 0, top = 0;
    float *g;

    (void)state;
    open_fixture(&f, "mistral", NULL,
                 (struct distill_options){.batch = 5, .accumulate = 1}, 0);
    memset(f.adapter_weights.lora.g, 0,
           (size_t)f.adapter_weights.lora.n * sizeof(float));
    whole = loss_at(&f, 2, 0, &weight);
    g = mem_array((size_t)f.adapter_weights.lora.n, sizeof(float));
    memcpy(g, f.adapter_weights.lora.g,
           (size_t)f.adapter_weights.lora.n * sizeof(float));
    memset(f.adapter_weights.lora.g, 0,
           (size_t)f.adapter_weights.lora.n * sizeof(float));
    f.t.opts.accumulate = 3;
    for (int i = 0; i < 3; i++) {
        parts += loss_at(&f, 2, i, &w);
        sum_w += w;
    }
    assert_close(parts, whole, 1e-5 * whole);
    assert_close(sum_w, weight, 0);
    for (int64_t i = 0; i < f.adapter_weights.lora.n; i++) {
        top = fmax(top, fabs((double)g[i]));
        worst = fmax(worst,
                     fabs((double)g[i] - (double)f.adapter_weights.lora.g[i]));
    }
    assert_true(worst <= 1e-5 * top);
    mem_free(g);
    close_fixture(&f);
}

static void
test_distill_learns_the_prompt(void **state)
{
    struct fixture f;
    struct run_options opts = RUN_OPTIONS_INIT;
    struct run_result result;
    trv_err err = {0};

    (void)state;
    open_fixture(&f, "qwen2", NULL,
                 (struct distill_options){.batch = 6, .accumulate = 1}, 0);
    opts.steps = 60;
    opts.lr = 1e-2;
    must(run_train(&result, &f.task, &opts, f.s.be, NULL, NULL, &err), &err);
    assert_true(result.first_loss > 0.05);
    assert_true(result.last_loss < 0.1 * result.first_loss);
    close_fixture(&f);
}

/* Allocations that the steps after the second make: the first grows the arena,
 * the second finds it joined into one block. */
struct count {
    int64_t before, steps;
};

static bool
count_calls(const trv_progress *p, void *payload)
{
    struct count *c = payload;

    if (p->done == 2)
        c->before = mem_stats_get().calls;
    if (p->done > 2) {
        assert_int_equal(mem_stats_get().calls, c->before);
        c->steps++;
    }
    return true;
}

static void
test_distill_steps_after_the_second_allocate_nothing(void **state)
{
    const struct distill_options kinds[] = {
        {.batch = 6, .accumulate = 1},
        {.batch = 12, .accumulate = 2, .divergence = DIV_JSD},
        {.batch = 6, .accumulate = 1, .hard = true},
    };

    (void)state;
    for (int k = 0; k < 3; k++) {
        struct run_options opts = RUN_OPTIONS_INIT;
        struct count c = {0};
        struct run_result result;
        struct fixture f;
        trv_err err = {0};

        /* Micro-batches are whole epochs, so that all are alike in size. */
        open_fixture(&f, "qwen3", NULL, kinds[k], k ? 0.1f : 0.0f);
        opts.steps = 8;
        opts.lr = 1e-3;
        opts.accumulate = kinds[k].accumulate;
        must(run_train(&result, &f.task, &opts, f.s.be, count_calls, &c, &err),
             &err);
        assert_int_equal(c.steps, 6);
        close_fixture(&f);
    }
}

static void
test_distill_want_of_memory_is_an_error_of_the_plan(void **state)
{
    struct fixture f;
    trv_err err = {0};
    int rc = 0, failed = 0;

    (void)state;
    open_fixture(&f, "llama", NULL,
                 (struct distill_options){.batch = 6, .accumulate = 1}, 0);
    distill_release(&f.t);
    decoder_free(f.s.decoder);
    f.s.decoder = NULL;
    assert_int_equal(session_decoder(&f.s, &f.t.d, &err), 0);
    for (int i = 0; i < N_INPUTS; i++)
        f.answers.contexts[i].teacher.parts[0].d = f.t.d;
    for (int64_t n = 0; n < 1000; n++) {
        struct run_task task;

        mem_fail_after(n);
        rc = distill_init(&f.t, &task, &err);
        mem_fail_after(-1);
        if (!rc)
            break;
        assert_int_equal(rc, TRV_ENOMEM);
        failed++;
    }
    assert_int_equal(rc, 0);
    /* The order; and the weights' backward forms, where a backend makes some. */
    assert_true(failed >= 1);
    (void)loss_at(&f, 0, 0, NULL);
    close_fixture(&f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            test_distill_gradient_equals_differences_for_every_divergence),
        cmocka_unit_test(
            test_distill_gradient_equals_differences_with_hidden_states),
        cmocka_unit_test(test_distill_accumulates_hidden_states_as_one_batch),
        cmocka_unit_test(
            test_distill_gradient_equals_differences_for_uneven_ranks),
        cmocka_unit_test(
            test_distill_sft_and_dropout_gradients_equal_differences),
        cmocka_unit_test(
            test_distill_loss_is_0_where_the_student_sees_the_prompt_too),
        cmocka_unit_test(test_distill_micro_batches_add_up_to_the_whole),
        cmocka_unit_test(test_distill_learns_the_prompt),
        cmocka_unit_test(test_distill_steps_after_the_second_allocate_nothing),
        cmocka_unit_test(test_distill_want_of_memory_is_an_error_of_the_plan),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
