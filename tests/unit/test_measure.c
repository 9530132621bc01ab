/* test_measure.c -- figures whose values are known beforehand, on a tiny model
 * and on a trained one.
 */
#include "support/test.h"

#include <math.h>
#include <string.h>
#include <trivium/trivium.h>

#include "base/file.h"
#include "base/json.h"

static trv_model *
open_model(const char *path)
{
    const trv_model_options opts = {.version = 1, .precision = "f32"};
    trv_model *m = NULL;
    trv_err err = {0};

    if (trv_model_open(&m, path, &opts, &err))
        fail_msg("%s", err.msg);
    return m;
}

static trv_adaptation *
open_adaptation(trv_model *m, const char *spec)
{
    trv_adaptation *a = NULL;
    trv_err err = {0};

    if (trv_adaptation_open(&a, m, spec, false, &err))
        fail_msg("%s", err.msg);
    return a;
}

static trv_measure_options
small(void)
{
    trv_measure_options o = TRV_MEASURE_OPTIONS_INIT;

    o.max_inputs = 9;
    o.max_tokens = 12;
    o.seed = UINT64_MAX;
    return o;
}

static trv_measurement
measure_with(trv_model *m, const char *source, const char *target,
             const trv_measure_options *opts)
{
    trv_adaptation *a = open_adaptation(m, source);
    trv_adaptation *b = open_adaptation(m, target);
    trv_measurement r;
    trv_err err = {0};

    if (trv_measure(m, &r, a, b, opts, NULL, NULL, &err))
        fail_msg("%s", err.msg);
    trv_adaptation_free(a);
    trv_adaptation_free(b);
    return r;
}

static trv_measurement
measure(trv_model *m, const char *source, const char *target)
{
    const trv_measure_options opts = small();

    return measure_with(m, source, target, &opts);
}

/* A thing against itself. */
static void
check_self(const trv_measurement *r)
{
    assert_true(r->kl_base.mean > 0.01);
    assert_close(r->kl_forward.mean, 0, 0);
    assert_close(r->kl_reverse.mean, 0, 0);
    assert_close(r->gap_closed.mean, 1, 0);
    assert_close(r->gap_closed.stderr_, 0, 0);
    assert_close(r->top1_agreement.mean, 1, 0);
    assert_close(r->rank_tau.mean, 1, 1e-12);
    assert_close(r->pair_accuracy.mean, 1, 0);
    assert_close(r->pearson.mean, 1, 1e-12); // sums of doubles
    assert_true(r->kl_forward.n > 0);
}

static void
test_measure_a_prompt_against_itself_is_0_apart(void **state)
{
    trv_model *m = open_model(test_source("golden/tiny/one"));
    trv_measurement r = measure(m, "prompt:Say it.", "prompt:Say it.");

    (void)state;
    check_self(&r);
    trv_measurement_release(&r);
    trv_model_free(m);
}

static void
test_measure_a_prompt_against_itself_on_a_trained_model(void **state)
{
    const char *path = test_asset("models/tinystories-656k");
    trv_measurement r;
    trv_model *m;

    (void)state;
    if (!path)
        skip();
    m = open_model(path);
    r = measure(m, "prompt:The end. A sad story about a dog.",
                "prompt:The end. A sad story about a dog.");
    check_self(&r);
    trv_measurement_release(&r);
    trv_model_free(m);
}

static void
test_measure_the_base_is_no_target_and_no_source(void **state)
{
    trv_model *m = open_model(test_source("golden/tiny/one"));
    trv_measurement r = measure(m, "prompt:Say it.", "base");
    trv_err err = {0};
    char *json = NULL;
    json_t *root = NULL;

    (void)state;
    assert_close(r.gap_closed.mean, 0, 0); // KL(A,B) is KL(A,base)
    assert_close(r.kl_forward.mean, r.kl_base.mean, 0);
    assert_true(r.kl_reverse.mean > 0);
    /* Nothing that the base could do: it neither drifts nor scores. */
    assert_int_equal(r.drift.n, 0);
    assert_int_equal(r.pearson.n, 0);
    assert_null(r.trouble);
    trv_measurement_release(&r);

    r = measure(m, "base", "prompt:Say it.");
    assert_int_equal(r.kl_base.n, 0);
    assert_true(r.kl_forward.mean > 0);
    assert_int_equal(r.gap_closed.n, 0); // no gap to close
    assert_true(!r.trouble || !strstr(r.trouble, "hardly differs"));
    assert_int_equal(trv_measurement_json(&json, &r, &err), 0);
    assert_int_equal(json_parse(&root, "report", json, strlen(json), &err), 0);
    assert_true(json_is_null(
        json_object_get(json_object_get(root, "gap_closed"), "mean")));
    json_decref(root);
    trv_free(json);
    trv_measurement_release(&r);
    trv_model_free(m);
}

/* A LoRA is opened twice, so its rows are two groups of a batch; nothing but
 * the last bits of f32 sums may differ. */
static void
test_measure_a_lora_against_itself_is_0_apart(void **state)
{
    trv_model *m = open_model(test_source("golden/tiny/one"));
    trv_adaptation *from = open_adaptation(m, "prompt:Say it.");
    trv_convert_options o = TRV_CONVERT_OPTIONS_INIT;
    char to[620], spec[600];
    trv_measurement r;
    trv_err err = {0};

    (void)state;
    o.samples = 16;
    o.max_tokens = 8;
    o.learn.steps = 40;
    o.learn.batch = 8;
    snprintf(spec, sizeof(spec), "%s/z", test_tmpdir("measure_lora"));
    snprintf(to, sizeof(to), "lora:%s", spec);
    if (trv_convert(m, NULL, from, to, &o, NULL, NULL, &err))
        fail_msg("%s", err.msg);
    trv_adaptation_free(from);
    r = measure(m, spec, spec);
    assert_true(r.kl_base.mean > 0.001);
    assert_close(r.kl_forward.mean, 0, 1e-8);
    assert_close(r.kl_reverse.mean, 0, 1e-8);
    assert_close(r.gap_closed.mean, 1, 1e-5);
    assert_close(r.top1_agreement.mean, 1, 0);
    assert_close(r.pearson.mean, 1, 1e-6);
    trv_measurement_release(&r);
    r = measure(m, "prompt:Say it.", spec);
    assert_true(r.gap_closed.mean > 0.1); // it learned
    assert_true(r.cost.artefact_bytes > 0);
    assert_true(r.drift.mean > 0);
    trv_measurement_release(&r);
    trv_model_free(m);
}

static json_t *
report_without_times(const trv_measurement *r)
{
    static const char *const times[] = {"seconds", "added_seconds_per_token",
                                        "peak_bytes"};
    trv_err err = {0};
    char *text = NULL;
    json_t *root = NULL, *cost;

    assert_int_equal(trv_measurement_json(&text, r, &err), 0);
    assert_int_equal(json_parse(&root, "report", text, strlen(text), &err), 0);
    trv_free(text);
    cost = json_object_get(root, "cost");
    for (int i = 0; i < 3; i++) // peak: a second run finds memory laid out
        assert_int_equal(json_object_del(cost, times[i]), 0);
    return root;
}

static void
test_measure_one_seed_gives_one_report(void **state)
{
    trv_measure_options opts = small();
    json_t *json[3];

    (void)state;
    for (int i = 0; i < 3; i++) {
        trv_model *m = open_model(test_source("golden/tiny/one"));
        trv_measurement r;

        opts.seed = i < 2 ? UINT64_MAX : 1;
        r = measure_with(m, "prompt:Say it.", "prompt:Once", &opts);
        json[i] = report_without_times(&r);
        trv_measurement_release(&r);
        trv_model_free(m);
    }
    assert_true(json_equal(json[0], json[1]));
    assert_false(json_equal(json[0], json[2]));
    for (int i = 0; i < 3; i++)
        json_decref(json[i]);
}

static void
test_measure_messages_against_text_with_inputs_of_both_kinds(void **state)
{
    static const char said[] =
        "[{\"role\": \"system\", \"content\": \"Say it.\"}]";
    static const char rows[] =
        "{\"prompt\": \"Once\"}\n"
        "{\"prompt\": [{\"role\": \"user\", \"content\": \"Say\"}]}\n";
    trv_model *m = open_model(test_source("golden/tiny/one"));
    trv_measure_options opts = small();
    trv_measurement r;
    trv_err err = {0};
    const char *dir = test_tmpdir("measure_messages");
    char file[600], inputs[600], spec[620];

    (void)state;
    snprintf(file, sizeof(file), "%s/z.json", dir);
    snprintf(inputs, sizeof(inputs), "%s/in.jsonl", dir);
    snprintf(spec, sizeof(spec), "messages:%s", file);
    if (file_write_atomic(file, said, strlen(said), &err) ||
        file_write_atomic(inputs, rows, strlen(rows), &err))
        fail_msg("%s", err.msg);
    opts.inputs = inputs;
    r = measure_with(m, spec, spec, &opts);
    check_self(&r);
    assert_int_equal(r.kl_forward.n, 2);
    trv_measurement_release(&r);
    /* A text before the user's turn is the system message, as z is. */
    r = measure_with(m, spec, "prompt:Say it.", &opts);
    assert_close(r.kl_forward.mean, 0, 1e-8);
    trv_measurement_release(&r);
    trv_model_free(m);
}

static void
test_measure_examples_share_their_random_numbers(void **state)
{
    trv_model *m = open_model(test_source("golden/tiny/one"));
    trv_measure_options opts = small();
    trv_measurement r;

    (void)state;
    opts.examples = 4;
    r = measure_with(m, "prompt:Say it.", "prompt:Say it.", &opts);
    assert_int_equal(r.n_examples, 4);
    for (int i = 0; i < 4; i++) {
        const trv_example *e = &r.examples[i];

        assert_true(strlen(e->input) > 0);
        assert_string_equal(e->source, e->target);
        assert_string_not_equal(e->base, e->source);
        assert_true(i == 0 || strcmp(e->base, r.examples[i - 1].base) != 0);
    }
    trv_measurement_release(&r);
    assert_null(r.examples);
    r = measure_with(m, "prompt:Say it.", "base", &opts);
    for (int i = 0; i < 4; i++)
        assert_string_equal(r.examples[i].base, r.examples[i].target);
    trv_measurement_release(&r);
    opts.examples = INT32_MAX; // more than there are inputs
    r = measure_with(m, "prompt:Say it.", "base", &opts);
    assert_int_equal(r.n_examples, opts.max_inputs);
    trv_measurement_release(&r);
    trv_model_free(m);
}

static void
check_ends(const char *text, const int64_t *ends, int64_t n)
{
    assert_true(n > 0);
    for (int64_t i = 0; i < n; i++) {
        assert_true(ends[i] >= (i ? ends[i - 1] : 0));
        assert_true((text[ends[i]] & 0xC0) != 0x80); // no character is cut
    }
    assert_int_equal(ends[n - 1], (int64_t)strlen(text));
}

static void
test_measure_examples_say_where_their_tokens_end(void **state)
{
    trv_model *m = open_model(test_source("golden/tiny/one"));
    trv_measure_options opts = small();
    trv_measurement r;

    (void)state;
    opts.examples = 4;
    r = measure_with(m, "prompt:Say it.", "prompt:Once", &opts);
    for (int i = 0; i < 4; i++) {
        const trv_example *e = &r.examples[i];

        check_ends(e->base, e->base_tokens.ends, e->base_tokens.n);
        check_ends(e->source, e->source_tokens.ends, e->source_tokens.n);
        check_ends(e->target, e->target_tokens.ends, e->target_tokens.n);
    }
    trv_measurement_release(&r);
    trv_model_free(m);
}

/* The figures are means over inputs; positions weigh each token alike. */
static void
test_measure_keeps_what_its_figures_are_means_of(void **state)
{
    trv_model *m = open_model(test_source("golden/tiny/one"));
    trv_measure_options opts = small();
    trv_measurement r = measure_with(m, "prompt:Say it.", "prompt:Once", &opts);
    double kl = 0, kl_base = 0;
    json_t *json = NULL;
    char *text = NULL;
    trv_err err = {0};

    (void)state;
    assert_int_equal(r.n_inputs, r.kl_forward.n);
    for (int64_t i = 0; i < r.n_inputs; i++) {
        kl += r.inputs[i].kl_forward / (double)r.n_inputs;
        kl_base += r.inputs[i].kl_base / (double)r.n_inputs;
    }
    assert_close(kl, r.kl_forward.mean, 1e-12); // sums of 64-bit numbers
    assert_close(kl_base, r.kl_base.mean, 1e-12);
    assert_true(r.n_positions > 0 && r.n_positions <= opts.max_tokens);
    assert_int_equal(r.positions[0].answers, r.n_inputs);
    for (int64_t i = 1; i < r.n_positions; i++)
        assert_in_range(r.positions[i].answers, 1, r.positions[i - 1].answers);
    assert_int_equal(trv_measurement_json(&text, &r, &err), 0);
    assert_int_equal(json_parse(&json, "report", text, strlen(text), &err), 0);
    assert_close(
        json_number_value(json_array_get(
            json_object_get(json_object_get(json, "per_position"), "kl_base"),
            0)),
        r.positions[0].kl_base, 1e-15);
    assert_int_equal(json_array_size(json_object_get(
                         json_object_get(json, "per_input"), "kl_forward")),
                     r.n_inputs);
    json_decref(json);
    trv_free(text);
    trv_measurement_release(&r);
    trv_model_free(m);
}

static void
test_measure_examples_change_no_figure(void **state)
{
    trv_model *m = open_model(test_source("golden/tiny/one"));
    trv_measure_options opts = small();
    trv_measurement without, with;

    (void)state;
    without = measure_with(m, "prompt:Say it.", "prompt:Once", &opts);
    opts.examples = 2;
    with = measure_with(m, "prompt:Say it.", "prompt:Once", &opts);
    assert_close(with.kl_forward.mean, without.kl_forward.mean, 0);
    assert_close(with.kl_reverse.mean, without.kl_reverse.mean, 0);
    assert_close(with.pearson.mean, without.pearson.mean, 0);
    assert_close(with.drift.mean, without.drift.mean, 0);
    trv_measurement_release(&without);
    trv_measurement_release(&with);
    trv_model_free(m);
}

/* Of 4 rows and 2 examples the first and the third are shown; a conversation
 * is shown with its roles, one message alone without. */
static void
test_measure_examples_are_spread_over_the_inputs(void **state)
{
    static const char rows[] =
        "{\"prompt\": [{\"role\": \"user\", \"content\": \"One\"}]}\n"
        "{\"prompt\": \"Two\"}\n"
        "{\"messages\": [{\"role\": \"user\", \"content\": \"Three\"},"
        " {\"role\": \"assistant\", \"content\": \"3\"},"
        " {\"role\": \"user\", \"content\": \"Four\"}]}\n"
        "{\"prompt\": \"Five\"}\n";
    trv_model *m = open_model(test_source("golden/tiny/one"));
    trv_measure_options opts = small();
    trv_measurement r;
    json_t *json = NULL, *shown;
    char *text = NULL, inputs[600];
    trv_err err = {0};

    (void)state;
    snprintf(inputs, sizeof(inputs), "%s/in.jsonl",
             test_tmpdir("measure_examples"));
    if (file_write_atomic(inputs, rows, strlen(rows), &err))
        fail_msg("%s", err.msg);
    opts.inputs = inputs;
    opts.examples = 2;
    r = measure_with(m, "prompt:Say it.", "base", &opts);
    assert_int_equal(r.n_examples, 2);
    assert_string_equal(r.examples[0].input, "One");
    assert_string_equal(r.examples[1].input,
                        "user: Three\nassistant: 3\nuser: Four");
    assert_int_equal(trv_measurement_json(&text, &r, &err), 0);
    assert_int_equal(json_parse(&json, "report", text, strlen(text), &err), 0);
    shown = json_object_get(json, "examples");
    assert_int_equal(json_array_size(shown), 2);
    assert_string_equal(
        json_string_value(json_object_get(json_array_get(shown, 1), "source")),
        r.examples[1].source);
    json_decref(json);
    trv_free(text);
    trv_measurement_release(&r);
    trv_model_free(m);
}

static bool
stop_later(const trv_progress *p, void *payload)
{
    int *left = payload;

    (void)p;
    return (*left)-- > 0;
}

static void
test_measure_stops_wherever_it_is_asked_to(void **state)
{
    trv_model *m = open_model(test_source("golden/tiny/one"));
    trv_adaptation *a = open_adaptation(m, "prompt:Say it.");
    trv_measure_options opts = small();
    int calls = 0, rc = TRV_ECANCELED;

    (void)state;
    opts.examples = 2;
    for (; rc && calls < 1000; calls += 7) {
        trv_measurement r;
        trv_err err = {0};
        int left = calls;

        rc = trv_measure(m, &r, a, a, &opts, stop_later, &left, &err);
        if (rc)
            assert_int_equal(rc, TRV_ECANCELED);
        trv_measurement_release(&r);
    }
    assert_int_equal(rc, 0);
    assert_true(calls > 21); // it was stopped in several stages
    trv_adaptation_free(a);
    trv_model_free(m);
}

static void
test_measure_names_the_option_that_is_out_of_bounds(void **state)
{
    trv_model *m = open_model(test_source("golden/tiny/one"));
    trv_adaptation *a = open_adaptation(m, "base");
    trv_measure_options bad[6] = {small(), small(), small(),
                                  small(), small(), small()};
    static const char *const names[] = {"version",    "max-inputs",
                                        "max-tokens", "candidates",
                                        "examples",   "candidates"};

    (void)state;
    bad[0].version = 2;
    bad[1].max_inputs = -1;
    bad[2].max_tokens = -1;
    bad[3].candidates = 1;
    bad[4].examples = -1;
    bad[5].candidates = 65;
    for (int i = 0; i < 6; i++) {
        trv_measurement r;
        trv_err err = {0};

        assert_true(trv_measure(m, &r, a, a, &bad[i], NULL, NULL, &err) < 0);
        assert_non_null(strstr(err.msg, names[i]));
    }
    trv_adaptation_free(a);
    trv_model_free(m);
}

/* The mean of log pA - log p0 is KL(A, base) above 0 along A's answers, and
 * -KL(base, A) below 0 along the base's, so the sides cannot be mixed up. */
static void
test_measure_a_task_is_the_mean_reward_of_each_sides_answers(void **state)
{
    trv_model *m = open_model(test_source("golden/tiny/one"));
    trv_adaptation *ratio = open_adaptation(m, "ratio:prompt:Say it.");
    trv_adaptation *any = open_adaptation(m, "verifier:regex,pattern=^");
    trv_measure_options opts = small();
    trv_measurement r;

    (void)state;
    opts.candidates = 32; // KL is about 4 nats an answer, one deviation 4, too
    opts.task = ratio;
    r = measure_with(m, "prompt:Say it.", "base", &opts);
    assert_true(r.task_base.high < 0);
    assert_true(r.task_source.low > 0);
    assert_true(r.task_target.high < 0);
    assert_int_equal(r.task_target.n, r.kl_base.n);
    trv_measurement_release(&r);

    opts.task = any; // holds of every answer
    r = measure_with(m, "base", "prompt:Say it.", &opts);
    assert_close(r.task_base.mean, 1, 0);
    assert_close(r.task_source.mean, 1, 0);
    assert_close(r.task_target.mean, 1, 0);
    trv_measurement_release(&r);
    trv_adaptation_free(any);
    trv_adaptation_free(ratio);
    trv_model_free(m);
}

static void
test_measure_a_reward_as_the_source_is_the_task(void **state)
{
    trv_model *m = open_model(test_source("golden/tiny/one"));
    trv_measure_options opts = small();
    trv_measurement r;

    (void)state;
    opts.candidates = 32;
    r = measure_with(m, "ratio:prompt:Say it.", "prompt:Say it.", &opts);
    assert_true(r.task_base.high < 0);
    assert_int_equal(r.task_source.n, 0); // it has no answers
    assert_true(r.task_target.low > 0);
    trv_measurement_release(&r);
    r = measure(m, "prompt:Say it.", "base");
    assert_int_equal(r.task_base.n, 0); // no task, no figure
    trv_measurement_release(&r);
    trv_model_free(m);
}

static void
test_measure_refuses_a_task_that_is_no_reward(void **state)
{
    trv_model *m = open_model(test_source("golden/tiny/one"));
    trv_adaptation *base = open_adaptation(m, "base");
    trv_adaptation *z = open_adaptation(m, "prompt:Say it.");
    trv_measure_options opts = small();
    trv_measurement r;
    trv_err err = {0};

    (void)state;
    opts.task = z;
    assert_int_equal(trv_measure(m, &r, base, z, &opts, NULL, NULL, &err),
                     TRV_EINVAL);
    assert_string_equal(err.msg, "a task is a reward, such as verifier:number, "
                                 "and 'text' is none");
    trv_adaptation_free(z);
    trv_adaptation_free(base);
    trv_model_free(m);
}

static void
count_lines(const char *line, void *payload)
{
    (void)line;
    ++*(int *)payload;
}

/* What is announced bounds what is used, whatever is measured; and a dry run
 * uses nothing. */
static void
test_measure_takes_no_more_tokens_than_announced(void **state)
{
    static const char *const figures[] = {NULL,    "kl_reverse", "gap_closed",
                                          "drift", "ranks",      "task"};
    trv_model *m = open_model(test_source("golden/tiny/one"));
    trv_adaptation *task = open_adaptation(m, "ratio:prompt:Say it.");
    trv_measure_options opts = small();
    int lines = 0;

    (void)state;
    opts.on_message = count_lines;
    opts.message_payload = &lines;
    opts.task = task;
    for (int i = 0; i < 6; i++) {
        trv_measurement r;

        opts.figures = figures[i];
        opts.examples = i == 0 ? 2 : 0;
        opts.dry_run = false;
        r = measure_with(m, "prompt:Say it.", "prompt:Once", &opts);
        print_message("%s: %.0f of %.0f tokens\n",
                      figures[i] ? figures[i] : "all", r.cost.tokens,
                      r.cost.planned_tokens);
        assert_true(r.cost.tokens > 0);
        assert_true(r.cost.tokens <= r.cost.planned_tokens);
        trv_measurement_release(&r);
        opts.dry_run = true;
        r = measure_with(m, "prompt:Say it.", "prompt:Once", &opts);
        assert_int_equal(r.gap_closed.n + r.kl_reverse.n + r.drift.n, 0);
        trv_measurement_release(&r);
    }
    assert_true(lines >= 12); // a plan for each
    trv_adaptation_free(task);
    trv_model_free(m);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_measure_a_prompt_against_itself_is_0_apart),
        cmocka_unit_test(
            test_measure_a_prompt_against_itself_on_a_trained_model),
        cmocka_unit_test(test_measure_the_base_is_no_target_and_no_source),
        cmocka_unit_test(test_measure_a_lora_against_itself_is_0_apart),
        cmocka_unit_test(test_measure_one_seed_gives_one_report),
        cmocka_unit_test(
            test_measure_messages_against_text_with_inputs_of_both_kinds),
        cmocka_unit_test(test_measure_examples_share_their_random_numbers),
        cmocka_unit_test(test_measure_examples_say_where_their_tokens_end),
        cmocka_unit_test(test_measure_keeps_what_its_figures_are_means_of),
        cmocka_unit_test(test_measure_examples_change_no_figure),
        cmocka_unit_test(test_measure_examples_are_spread_over_the_inputs),
        cmocka_unit_test(test_measure_stops_wherever_it_is_asked_to),
        cmocka_unit_test(
            test_measure_a_task_is_the_mean_reward_of_each_sides_answers),
        cmocka_unit_test(test_measure_a_reward_as_the_source_is_the_task),
        cmocka_unit_test(test_measure_refuses_a_task_that_is_no_reward),
        cmocka_unit_test(test_measure_takes_no_more_tokens_than_announced),
        cmocka_unit_test(test_measure_names_the_option_that_is_out_of_bounds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
