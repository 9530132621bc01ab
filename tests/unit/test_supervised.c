/* test_supervised.c -- learning from given text, on the tiny model that has a
 * tokenizer. */
#include "support/test.h"

#include <math.h>
#include <string.h>

#include "base/file.h"
#include "learn/supervised.h"

static void
must(int rc, const trv_err *err)
{
    if (rc)
        fail_msg("%s", err->msg);
}

static void
open_session(struct session *s, const char *isa)
{
    const struct backend_options be = {.isa = isa, .prec = PREC_F32};
    trv_err err = {0};

    memset(s, 0, sizeof(*s));
    must(model_open(&s->model, test_source("golden/tiny/one"), &err), &err);
    s->model->layout = TEXT_RAW;
    must(backend_open(&s->be, &be, &err), &err);
}

static void
close_session(struct session *s)
{
    decoder_free(s->decoder);
    arena_release(&s->arena);
    model_free(s->model);
    backend_free(s->be);
}

/* Rows of the three kinds, in a file. */
static void
open_rows(struct learned_rows *rows, const struct session *s, int64_t longest)
{
    static const char text[] =
        "{\"text\": \"one two three\"}\n"
        "{\"prompt\": \"say \", \"completion\": \"it again\"}\n"
        "{\"messages\": [{\"role\": \"user\", \"content\": \"hello\"},"
        " {\"role\": \"assistant\", \"content\": \"hi there\"}]}\n";
    char path[128];
    trv_err err = {0};

    snprintf(path, sizeof(path), "%s/rows.jsonl", test_tmpdir("supervised"));
    must(file_write_atomic(path, text, strlen(text), &err), &err);
    must(learned_rows_open(rows, s->model, path, LOSS_LAST, longest, &err),
         &err);
}

static void
test_supervised_rows_carry_loss_on_answers_only(void **state)
{
    struct session s;
    struct learned_rows rows;

    (void)state;
    open_session(&s, "ref");
    open_rows(&rows, &s, 512);
    assert_int_equal(rows.n, 3);
    assert_int_equal(rows.list[0].n_context, 1); // text: all but the first
    for (int i = 0; i < 3; i++) {
        const struct learned_row *r = &rows.list[i];
        struct strbuf answer = {0};
        trv_err err = {0};

        assert_true(r->n > r->n_context);
        must(tokenizer_decode(s.model->tokenizer, &answer,
                              r->ids + r->n_context, r->n - r->n_context, true,
                              &err),
             &err);
        if (i == 1)
            assert_string_equal(answer.s, "it again");
        if (i == 2)
            assert_non_null(strstr(answer.s, "hi there"));
        if (i == 2)
            assert_null(strstr(answer.s, "hello"));
        sb_release(&answer);
        if (i < 2) // the end is learned
            assert_int_equal(r->ids[r->n - 1],
                             tokenizer_eos(s.model->tokenizer));
    }
    learned_rows_release(&rows);
    close_session(&s);
}

/* The sums of one step, of all its micro-batches. */
static double
step_loss(double *weight, struct session *s, const struct learned_rows *rows,
          int64_t step, int64_t batch, int64_t accumulate)
{
    struct supervised t = {
        .s = s, .rows = rows, .batch = batch, .accumulate = accumulate};
    struct run_task task;
    double loss = 0, tokens = 0;
    trv_err err = {0};

    *weight = 0;
    must(supervised_init(&t, &task, &err), &err);
    for (int64_t micro = 0; micro < accumulate; micro++)
        must(
            task.gradient(task.self, step, micro, &loss, weight, &tokens, &err),
            &err);
    supervised_release(&t);
    return loss;
}

/* Of a conversation of two answers, all three choices; the sums of a step are
 * over the tokens that are learned, and so is the loss. */
static void
test_supervised_learns_what_loss_on_says(void **state)
{
    static const char text[] =
        "{\"messages\": [{\"role\": \"user\", \"content\": \"one\"},"
        " {\"role\": \"assistant\", \"content\": \"two\"},"
        " {\"role\": \"user\", \"content\": \"three\"},"
        " {\"role\": \"assistant\", \"content\": \"four\"}]}\n";
    struct session s;
    struct learned_rows rows[LOSS_COUNT];
    char path[128];
    trv_err err = {0};

    (void)state;
    open_session(&s, "ref");
    snprintf(path, sizeof(path), "%s/rows.jsonl", test_tmpdir("loss-on"));
    must(file_write_atomic(path, text, strlen(text), &err), &err);
    for (int on = 0; on < LOSS_COUNT; on++) {
        double loss, weight, sum;

        must(learned_rows_open(&rows[on], s.model, path, (enum example_loss)on,
                               512, &err),
             &err);
        must(supervised_loss(&loss, &s, &rows[on], NULL, &err), &err);
        sum = step_loss(&weight, &s, &rows[on], 0, 1, 1);
        assert_close(weight, rows[on].loss_tokens, 0);
        assert_close(sum / weight, loss, 1e-5 * loss);
    }
    assert_null(rows[LOSS_LAST].list[0].learned);
    assert_non_null(rows[LOSS_ASSISTANT].list[0].learned);
    assert_null(rows[LOSS_ALL].list[0].learned);
    assert_int_equal(rows[LOSS_ALL].loss_tokens, rows[LOSS_ALL].tokens - 1);
    assert_true(rows[LOSS_LAST].loss_tokens < rows[LOSS_ASSISTANT].loss_tokens);
    for (int on = 0; on < LOSS_COUNT; on++)
        learned_rows_release(&rows[on]);
    close_session(&s);
}

static void
test_supervised_a_text_beside_a_prompt_is_passed_over(void **state)
{
    static const char text[] =
        "{\"text\": \"say it again\", \"prompt\": \"say \", "
        "\"completion\": \"it again\"}\n"
        "{\"prompt\": \"say \", \"completion\": \"it again\"}\n";
    struct session s;
    struct learned_rows rows;
    char path[128];
    trv_err err = {0};

    (void)state;
    open_session(&s, "ref");
    snprintf(path, sizeof(path), "%s/rows.jsonl", test_tmpdir("supervised"));
    must(file_write_atomic(path, text, strlen(text), &err), &err);
    must(learned_rows_open(&rows, s.model, path, LOSS_LAST, 512, &err), &err);
    assert_int_equal(rows.n, 2);
    assert_int_equal(rows.list[0].n, rows.list[1].n);
    assert_int_equal(rows.list[0].n_context, rows.list[1].n_context);
    assert_memory_equal(rows.list[0].ids, rows.list[1].ids,
                        (size_t)rows.list[0].n * sizeof(int32_t));
    learned_rows_release(&rows);
    close_session(&s);
}

static void
test_supervised_a_text_that_says_its_end_gets_no_second_one(void **state)
{
    struct session s;
    struct learned_rows rows;
    struct strbuf text = {0};
    const char *eos;
    char path[128];
    trv_err err = {0};

    (void)state;
    open_session(&s, "ref");
    eos =
        tokenizer_token(s.model->tokenizer, tokenizer_eos(s.model->tokenizer));
    assert_non_null(eos);
    assert_int_equal(sb_printf(&text,
                               "{\"text\": \"one two\"}\n"
                               "{\"text\": \"one two%s\"}\n",
                               eos),
                     0);
    snprintf(path, sizeof(path), "%s/rows.jsonl", test_tmpdir("supervised"));
    must(file_write_atomic(path, text.s, text.len, &err), &err);
    must(learned_rows_open(&rows, s.model, path, LOSS_LAST, 512, &err), &err);
    assert_int_equal(rows.list[0].n, rows.list[1].n);
    assert_memory_equal(rows.list[0].ids, rows.list[1].ids,
                        (size_t)rows.list[0].n * sizeof(int32_t));
    learned_rows_release(&rows);
    sb_release(&text);
    close_session(&s);
}

static void
test_supervised_rows_are_cut_at_their_end(void **state)
{
    struct session s;
    struct learned_rows whole, cut;

    (void)state;
    open_session(&s, "ref");
    open_rows(&whole, &s, 512);
    open_rows(&cut, &s, 3);
    assert_true(cut.n_cut >= 1);
    assert_int_equal(cut.n + cut.n_dropped, whole.n);
    for (int64_t i = 0; i < cut.n; i++)
        assert_true(cut.list[i].n <= 3);
    assert_int_equal(cut.list[0].ids[0], whole.list[0].ids[0]);
    learned_rows_release(&whole);
    learned_rows_release(&cut);
    close_session(&s);
}

/* The slope of the loss along a random direction, for a LoRA and for all
 * weights: differences of an f32 loss of order 10, whose rounding over 2h is
 * below 1e-3 of a slope of order 1. */
static void
check_slope(bool full)
{
    const float h = 0.01f;
    struct session s;
    struct learned_rows rows;
    struct adapter_weights adapter_weights = {0};
    struct lora_spec spec = {.rank = 3, .alpha = 6};
    struct supervised t = {.s = &s, .rows = &rows, .batch = 3, .accumulate = 1};
    struct run_task task;
    struct rng r;
    float *v, *w0;
    double slope = 0, norm = 0, loss[2], weight = 0, tokens = 0, at = 0;
    trv_err err = {0};

    open_session(&s, "ref");
    open_rows(&rows, &s, 512);
    rng_init(&r, 4, 4);
    if (!full) {
        must(lora_targets(spec.parts, &s.model->cfg, "all-linear", &err), &err);
        must(lora_init(&adapter_weights.lora, &s.model->cfg, &spec, true, &r,
                       &err),
             &err);
        for (int64_t i = 0; i < adapter_weights.lora.n; i++)
            adapter_weights.lora.w[i] = 0.1f * (float)rng_normal(&r);
        must(adapter_weights_refresh(&adapter_weights, s.be, &err), &err);
        t.adapter_weights = &adapter_weights;
    }
    must(supervised_init(&t, &task, &err), &err);
    memset(task.g, 0, (size_t)task.n * sizeof(float));
    must(task.gradient(task.self, 0, 0, &at, &weight, &tokens, &err), &err);
    assert_close(weight, (double)rows.loss_tokens, 0);
    v = mem_array((size_t)task.n, sizeof(float));
    w0 = mem_array((size_t)task.n, sizeof(float));
    memcpy(w0, task.w, (size_t)task.n * sizeof(float));
    for (int64_t i = 0; i < task.n; i++) {
        v[i] = (float)rng_normal(&r);
        norm += (double)v[i] * (double)v[i];
    }
    for (int64_t i = 0; i < task.n; i++) {
        v[i] = (float)((double)v[i] / sqrt(norm));
        slope += (double)task.g[i] * (double)v[i];
    }
    norm = sqrt(s.be->ops->sum_squares(s.be, task.g, task.n));
    for (int k = 0; k < 2; k++) {
        for (int64_t i = 0; i < task.n; i++)
            task.w[i] = w0[i] + (k ? h : -h) * v[i];
        must(task.after_update(task.of, &err), &err);
        loss[k] = 0;
        must(task.gradient(task.self, 0, 0, &loss[k], &weight, &tokens, &err),
             &err);
    }
    assert_true(norm > 1e-3);
    assert_close((loss[1] - loss[0]) / (2.0 * (double)h), slope, 2e-3 * norm);
    mem_free(v);
    mem_free(w0);
    supervised_release(&t);
    adapter_weights_release(&adapter_weights);
    learned_rows_release(&rows);
    close_session(&s);
}

static void
test_supervised_gradient_equals_differences_for_lora(void **state)
{
    (void)state;
    check_slope(false);
}

static void
test_supervised_gradient_equals_differences_for_all_weights(void **state)
{
    (void)state;
    check_slope(true);
}

/* Sums in f32 of some 10 values, in another order. */
static void
test_supervised_micro_batches_and_steps_add_up_to_all_rows(void **state)
{
    struct session s;
    struct learned_rows rows;
    double whole, weight, sum = 0, weights = 0, one;

    (void)state;
    open_session(&s, "ref");
    open_rows(&rows, &s, 512);
    whole = step_loss(&weight, &s, &rows, 0, 3, 1);
    assert_close(step_loss(&one, &s, &rows, 0, 3, 3), whole, 1e-5 * whole);
    assert_close(one, weight, 0);
    assert_close(step_loss(&one, &s, &rows, 0, 3, 2), whole, 1e-5 * whole);
    assert_close(one, weight, 0);
    for (int64_t step = 0; step < 3; step++) {
        sum += step_loss(&one, &s, &rows, step, 1, 1);
        weights += one;
    }
    assert_close(sum, whole, 1e-5 * whole);
    assert_close(weights, weight, 0);
    learned_rows_release(&rows);
    close_session(&s);
}

static void
test_supervised_training_all_weights_learns_the_rows(void **state)
{
    struct session s;
    struct learned_rows rows;
    struct supervised t = {.s = &s, .rows = &rows, .batch = 3, .accumulate = 1};
    struct run_options opts = RUN_OPTIONS_INIT;
    struct run_result result;
    struct run_task task;
    double before, after;
    trv_err err = {0};

    (void)state;
    open_session(&s, NULL);
    open_rows(&rows, &s, 512);
    must(supervised_loss(&before, &s, &rows, NULL, &err), &err);
    must(supervised_init(&t, &task, &err), &err);
    opts.steps = 40;
    opts.lr = 1e-2;
    must(run_train(&result, &task, &opts, s.be, NULL, NULL, &err), &err);
    must(supervised_loss(&after, &s, &rows, NULL, &err), &err);
    assert_close(result.first_loss, before, 1e-4 * before);
    assert_true(after < 0.2 * before);
    supervised_release(&t);
    learned_rows_release(&rows);
    close_session(&s);
}

static void
test_supervised_rows_under_virtual_tokens_carry_the_same_loss(void **state)
{
    struct session s;
    struct learned_rows rows;
    struct adapter_weights adapter_weights = {0};
    double before, after;
    trv_err err = {0};

    (void)state;
    open_session(&s, NULL);
    open_rows(&rows, &s, 64);
    must(supervised_loss(&before, &s, &rows, NULL, &err), &err);
    must(virtual_init(&adapter_weights.virtual, VIRTUAL_SOFT, &s.model->cfg, 3,
                      true, &err),
         &err);
    must(learned_rows_under(&rows, &adapter_weights, &err), &err);
    for (int64_t i = 0; i < rows.n; i++)
        for (int j = 0; j < 3; j++)
            assert_int_equal(rows.list[i].ids[j], VIRTUAL_ID(j));
    must(supervised_loss(&after, &s, &rows, NULL, &err), &err); // of the base
    assert_close(after, before, 0);
    must(supervised_loss(&after, &s, &rows, &adapter_weights, &err), &err);
    assert_true(isfinite(after) && after != before);
    adapter_weights_release(&adapter_weights);
    learned_rows_release(&rows);
    close_session(&s);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            test_supervised_rows_under_virtual_tokens_carry_the_same_loss),
        cmocka_unit_test(test_supervised_rows_carry_loss_on_answers_only),
        cmocka_unit_test(test_supervised_learns_what_loss_on_says),
        cmocka_unit_test(test_supervised_a_text_beside_a_prompt_is_passed_over),
        cmocka_unit_test(
            test_supervised_a_text_that_says_its_end_gets_no_second_one),
        cmocka_unit_test(test_supervised_rows_are_cut_at_their_end),
        cmocka_unit_test(test_supervised_gradient_equals_differences_for_lora),
        cmocka_unit_test(
            test_supervised_gradient_equals_differences_for_all_weights),
        cmocka_unit_test(
            test_supervised_micro_batches_and_steps_add_up_to_all_rows),
        cmocka_unit_test(test_supervised_training_all_weights_learns_the_rows),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
