/* test_api_faults.c -- every long call of the public interface with memory that
 * fails on purpose: an error that says so, nothing left allocated, no crash.
 * Failing places are sampled: each of the first 40, then every further by a
 * tenth of its number. On the oracle's backend: the other's scratch is a
 * promise of backend.h, not an error.
 */
#include "support/test.h"

#include <string.h>
#include <trivium/trivium.h>

#include "base/mem.h"

typedef int (*call_fn)(trv_model *m, trv_adaptation *a, trv_err *err);

static int
call_generate(trv_model *m, trv_adaptation *a, trv_err *err)
{
    trv_generate_options o = TRV_GENERATE_OPTIONS_INIT;
    trv_completion out[3];
    int rc;

    o.samples = 3;
    o.max_tokens = 5;
    o.top_k = 4;
    o.repetition_penalty = 1.2;
    o.ignore_eos = true;
    rc = trv_generate(m, out, a, "Once", &o, NULL, NULL, err);
    for (int i = 0; i < 3 && !rc; i++)
        trv_free(out[i].text);
    return rc;
}

static int
call_answer(trv_model *m, trv_adaptation *a, trv_err *err)
{
    const trv_turn said[] = {
        {"system", "Be."}, {"user", "a"}, {"assistant", "b"}, {"user", "c"}};
    trv_generate_options o = TRV_GENERATE_OPTIONS_INIT;
    trv_completion out;
    int rc;

    o.max_tokens = 3;
    o.turns = said;
    o.n_turns = 4;
    rc = trv_generate(m, &out, a, NULL, &o, NULL, NULL, err);
    if (!rc)
        trv_free(out.text);
    return rc;
}

static int
call_measure(trv_model *m, trv_adaptation *a, trv_err *err)
{
    trv_measure_options o = TRV_MEASURE_OPTIONS_INIT;
    trv_measurement r;
    char *said = NULL, *json = NULL;
    int rc;

    o.max_inputs = 3;
    o.max_tokens = 4;
    o.examples = 2;
    rc = trv_measure(m, &r, a, a, &o, NULL, NULL, err);
    if (!rc)
        rc = trv_measurement_json(&json, &r, err);
    if (!rc)
        rc = trv_adaptation_describe(&said, a, err);
    trv_measurement_release(&r);
    trv_free(json);
    trv_free(said);
    return rc;
}

static int
call_convert(trv_model *m, trv_adaptation *a, trv_err *err)
{
    trv_convert_options o = TRV_CONVERT_OPTIONS_INIT;
    char to[600];

    o.samples = 4;
    o.max_tokens = 4;
    o.learn.steps = 3;
    o.learn.batch = 2;
    o.on_policy = 0.5;
    o.lora.dropout = 0.1;
    o.learn.checkpoint_every = 2;
    o.replace = true;
    snprintf(to, sizeof(to), "lora:%s/z", test_tmpdir("api_faults"));
    return trv_convert(m, NULL, a, to, &o, NULL, NULL, err);
}

/* All weights, by hidden states. */
static int
call_convert_all(trv_model *m, trv_adaptation *a, trv_err *err)
{
    trv_convert_options o = TRV_CONVERT_OPTIONS_INIT;
    char to[600];

    o.method = "features";
    o.samples = 4;
    o.max_tokens = 4;
    o.learn.steps = 2;
    o.learn.batch = 2;
    snprintf(to, sizeof(to), "full:%s/z", test_tmpdir("api_faults"));
    return trv_convert(m, NULL, a, to, &o, NULL, NULL, err);
}

static void
put_file(const char *path, const char *text)
{
    FILE *f = fopen(path, "wb");

    assert_non_null(f);
    assert_int_equal(fwrite(text, 1, strlen(text), f), strlen(text));
    assert_int_equal(fclose(f), 0);
}

static int
convert_reward_to(trv_model *m, const char *form, const char *method,
                  trv_err *err)
{
    trv_convert_options o = TRV_CONVERT_OPTIONS_INIT;
    trv_adaptation *a = NULL;
    char to[600];
    int rc;

    o.method = method;
    o.samples = 8;
    o.group = 4;
    o.max_tokens = 3;
    o.learn.steps = 3;
    o.learn.batch = 4;
    if (method && strcmp(method, "grpo") == 0)
        o.updates = 2;
    o.learn.checkpoint_every = 1;
    if (strcmp(form, "lora") == 0)
        o.lora.rank = 1;
    snprintf(to, sizeof(to), "%s:%s/z", form, test_tmpdir("api_faults"));
    rc = trv_adaptation_open(&a, m, "verifier:length,by=chars,lo=3,hi=3", false,
                             err);
    if (!rc)
        rc = trv_convert(m, NULL, a, to, &o, NULL, NULL, err);
    trv_adaptation_free(a);
    return rc;
}

static int
convert_reward(trv_model *m, const char *method, trv_err *err)
{
    return convert_reward_to(m, "lora", method, err);
}

static int
call_grpo_all(trv_model *m, trv_adaptation *a, trv_err *err)
{
    (void)a;
    return convert_reward_to(m, "full", "grpo", err);
}

static int
call_dpo(trv_model *m, trv_adaptation *a, trv_err *err)
{
    (void)a;
    return convert_reward(m, "dpo", err);
}

static int
call_tilt(trv_model *m, trv_adaptation *a, trv_err *err)
{
    (void)a;
    return convert_reward(m, "tilt", err);
}

static int
call_grpo(trv_model *m, trv_adaptation *a, trv_err *err)
{
    (void)a;
    return convert_reward(m, "grpo", err);
}

static int
call_ppo(trv_model *m, trv_adaptation *a, trv_err *err)
{
    (void)a;
    return convert_reward(m, "ppo", err);
}

static int
train(trv_model *m, const char *form, trv_err *err)
{
    static const char text[] = "{\"text\": \"one two\"}\n"
                               "{\"prompt\": \"a\", \"completion\": \"b\"}\n";
    trv_train_options o = TRV_TRAIN_OPTIONS_INIT;
    const char *dir = test_tmpdir("api_faults");
    char to[600], rows[600];

    snprintf(rows, sizeof(rows), "%s/rows.jsonl", dir);
    snprintf(to, sizeof(to), "%s:%s/z", form, dir);
    put_file(rows, text);
    o.data = o.eval = rows;
    o.learn.steps = 2;
    o.learn.batch = 2;
    o.learn.checkpoint_every = 1;
    return trv_train(m, NULL, to, &o, NULL, NULL, err);
}

static int
call_train_lora(trv_model *m, trv_adaptation *a, trv_err *err)
{
    (void)a;
    return train(m, "lora", err);
}

static int
call_train_full(trv_model *m, trv_adaptation *a, trv_err *err)
{
    (void)a;
    return train(m, "full", err);
}

/* A reward of every kind that needs no program, opened, scored with, acting. */
static int
call_reward(trv_model *m, trv_adaptation *a, trv_err *err)
{
    static const char text[] =
        "{\"prompt\": \"a\", \"completion\": \"b 1\", \"answer\": 1}\n";
    static const char ask[] = "{answer}";
    trv_score_options so = TRV_SCORE_OPTIONS_INIT;
    trv_generate_options go = TRV_GENERATE_OPTIONS_INIT;
    const char *dir = test_tmpdir("api_faults");
    char rows[600], template[600], spec[1000];
    trv_adaptation *r = NULL;
    trv_completion c;
    trv_scores scores = {0};
    int rc;

    (void)a;
    snprintf(rows, sizeof(rows), "%s/rows.jsonl", dir);
    snprintf(template, sizeof(template), "%s/ask.txt", dir);
    put_file(rows, text);
    put_file(template, ask);
    snprintf(spec, sizeof(spec),
             "sum:1*ratio:prompt:A+1*contrast:prompt:A,minus=prompt:B"
             "+1*judge:template=@%s,x+1*verifier:number"
             "+1*verifier:regex,share=1,pattern=b",
             template);
    so.data = rows;
    rc = trv_adaptation_open(&r, m, spec, false, err);
    if (!rc)
        rc = trv_score(m, &scores, r, &so, NULL, NULL, err);
    trv_scores_release(&scores);
    trv_adaptation_free(r);
    if (rc)
        return rc;
    so.tokens = true;
    go.best_of = 2;
    go.max_tokens = 3;
    rc = trv_adaptation_open(&r, m, "sum:1*ratio:prompt:A", false, err);
    if (!rc)
        rc = trv_score(m, &scores, r, &so, NULL, NULL, err);
    trv_scores_release(&scores);
    if (!rc)
        rc = trv_generate(m, &c, r, "Once", &go, NULL, NULL, err);
    if (!rc)
        trv_free(c.text);
    trv_adaptation_free(r);
    return rc;
}

static int
call_convert_to_reward(trv_model *m, trv_adaptation *a, trv_err *err)
{
    trv_convert_options o = TRV_CONVERT_OPTIONS_INIT;
    char to[600];

    o.replace = true;
    o.against = "prompt:No.";
    snprintf(to, sizeof(to), "contrast:%s/z", test_tmpdir("api_faults"));
    return trv_convert(m, NULL, a, to, &o, NULL, NULL, err);
}

/* A search for words, from a reward that is opened here, too. */
static int
search(trv_model *m, const char *form, trv_err *err)
{
    static const char text[] = "a\nb\nc\nd\ne\nf\n";
    trv_convert_options o = TRV_CONVERT_OPTIONS_INIT;
    const char *dir = test_tmpdir("api_faults");
    trv_adaptation *r;
    char to[600], rows[600];
    FILE *f;
    int rc;

    snprintf(rows, sizeof(rows), "%s/rows.txt", dir);
    snprintf(to, sizeof(to), "%s:%s/z", form, dir);
    f = fopen(rows, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(text, 1, strlen(text), f), strlen(text));
    assert_int_equal(fclose(f), 0);
    o.inputs = rows;
    o.max_tokens = 2;
    o.evolve.inputs = 3;
    o.evolve.held_out = 1;
    o.beta = 0.1;
    if (strcmp(form, "demos") == 0) {
        o.evolve.demos = 2;
    } else {
        o.evolve.phrases = rows;
        o.evolve.rounds = 1;
        o.evolve.population = 3;
        o.evolve.minibatch = 2;
        o.prompt_tokens = 6;
    }
    rc = trv_adaptation_open(&r, m, "verifier:length,hi=1", false, err);
    if (rc)
        return rc;
    rc = trv_convert(m, NULL, r, to, &o, NULL, NULL, err);
    trv_adaptation_free(r);
    return rc;
}

static int
call_evolve(trv_model *m, trv_adaptation *a, trv_err *err)
{
    (void)a;
    return search(m, "prompt", err);
}

static int
call_demos(trv_model *m, trv_adaptation *a, trv_err *err)
{
    (void)a;
    return search(m, "demos", err);
}

static int
call_look_up(trv_model *m, trv_adaptation *a, trv_err *err)
{
    static const char text[] =
        "{\"prompt\": \"one\", \"completion\": \"two\"}\n";
    const char *dir = test_tmpdir("api_faults");
    trv_generate_options o = TRV_GENERATE_OPTIONS_INIT;
    char spec[700], rows[600];
    trv_completion out;
    FILE *f;
    int rc = 0;

    (void)a;
    snprintf(rows, sizeof(rows), "%s/rows.jsonl", dir);
    f = fopen(rows, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(text, 1, strlen(text), f), strlen(text));
    assert_int_equal(fclose(f), 0);
    o.max_tokens = 2;
    for (int i = 0; i < 2 && !rc; i++) {
        trv_adaptation *z;

        snprintf(spec, sizeof(spec), "%s:%s", i ? "retrieve" : "demos", rows);
        rc = trv_adaptation_open(&z, m, spec, false, err);
        if (rc)
            break;
        rc = trv_generate(m, &out, z, "one?", &o, NULL, NULL, err);
        if (!rc)
            trv_free(out.text);
        trv_adaptation_free(z);
    }
    return rc;
}

static void
sweep_in(const char *layout, call_fn call)
{
    const trv_model_options mo = {.version = 1,
                                  .precision = "f32",
                                  .threads = 2,
                                  .isa = "ref",
                                  .layout = layout};
    int64_t live = -1, n = 0, calls;
    bool failed = true; // an allocation did; there may be another way, so rc 0
    int rc = 0;

    for (; failed && n < 1000000; n += 1 + (n > 40 ? n / 10 : 0)) {
        trv_model *m = NULL;
        trv_adaptation *a = NULL;
        trv_err err = {0};

        if (trv_model_open(&m, test_source("golden/tiny/one"), &mo, &err) ||
            trv_adaptation_open(&a, m, "prompt:Say it.", false, &err))
            fail_msg("%s", err.msg);
        calls = mem_stats_get().calls;
        mem_fail_after(n);
        rc = call(m, a, &err);
        mem_fail_after(-1);
        failed = rc || mem_stats_get().calls - calls > n;
        if (rc && (rc != TRV_ENOMEM || !strstr(err.msg, "memory")))
            fail_msg("allocation %lld: %d '%s'", (long long)n, rc, err.msg);
        trv_adaptation_free(a);
        trv_model_free(m);
        if (live < 0) // what the first call keeps for the whole process
            live = mem_stats_get().live_bytes;
        if (mem_stats_get().live_bytes != live)
            fail_msg("allocation %lld: %lld bytes leaked", (long long)n,
                     (long long)(mem_stats_get().live_bytes - live));
    }
    assert_int_equal(rc, 0);
    assert_true(n > 40);
}

static void
sweep(call_fn call)
{
    sweep_in(NULL, call);
}

static void
test_api_generate_survives_want_of_memory(void **state)
{
    (void)state;
    sweep(call_generate);
    sweep(call_answer);
}

static void
test_api_measure_survives_want_of_memory(void **state)
{
    (void)state;
    sweep(call_measure);
}

static void
test_api_convert_survives_want_of_memory(void **state)
{
    (void)state;
    sweep(call_convert);
    sweep(call_convert_all);
}

static void
test_api_learning_from_a_reward_survives_want_of_memory(void **state)
{
    (void)state;
    sweep_in("raw", call_dpo);
    sweep_in("raw", call_tilt);
    sweep_in("raw", call_grpo);
    sweep_in("raw", call_grpo_all);
    sweep_in("raw", call_ppo);
}

static void
test_api_train_survives_want_of_memory(void **state)
{
    (void)state;
    sweep(call_train_lora);
    sweep(call_train_full);
}

static void
test_api_rewards_survive_want_of_memory(void **state)
{
    (void)state;
    sweep(call_reward);
    sweep(call_convert_to_reward);
}

static void
test_api_prompts_of_words_survive_want_of_memory(void **state)
{
    (void)state;
    sweep(call_look_up);
    sweep(call_evolve);
    sweep(call_demos);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_api_generate_survives_want_of_memory),
        cmocka_unit_test(test_api_measure_survives_want_of_memory),
        cmocka_unit_test(test_api_convert_survives_want_of_memory),
        cmocka_unit_test(
            test_api_learning_from_a_reward_survives_want_of_memory),
        cmocka_unit_test(test_api_train_survives_want_of_memory),
        cmocka_unit_test(test_api_rewards_survive_want_of_memory),
        cmocka_unit_test(test_api_prompts_of_words_survive_want_of_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
