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
call_measure(trv_model *m, trv_adaptation *a, trv_err *err)
{
    trv_measure_options o = TRV_MEASURE_OPTIONS_INIT;
    trv_measurement r;
    int rc;

    o.max_inputs = 3;
    o.max_tokens = 4;
    rc = trv_measure(m, &r, a, a, &o, NULL, NULL, err);
    trv_measurement_release(&r);
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

static int
train(trv_model *m, const char *form, trv_err *err)
{
    static const char text[] = "{\"text\": \"one two\"}\n"
                               "{\"prompt\": \"a\", \"completion\": \"b\"}\n";
    trv_train_options o = TRV_TRAIN_OPTIONS_INIT;
    const char *dir = test_tmpdir("api_faults");
    char to[600], rows[600];
    FILE *f;

    snprintf(rows, sizeof(rows), "%s/rows.jsonl", dir);
    snprintf(to, sizeof(to), "%s:%s/z", form, dir);
    f = fopen(rows, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(text, 1, strlen(text), f), strlen(text));
    assert_int_equal(fclose(f), 0);
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

static void
sweep(call_fn call)
{
    const trv_model_options mo = {1, "f32", 2, "ref"};
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
test_api_generate_survives_want_of_memory(void **state)
{
    (void)state;
    sweep(call_generate);
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
}

static void
test_api_train_survives_want_of_memory(void **state)
{
    (void)state;
    sweep(call_train_lora);
    sweep(call_train_full);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_api_generate_survives_want_of_memory),
        cmocka_unit_test(test_api_measure_survives_want_of_memory),
        cmocka_unit_test(test_api_convert_survives_want_of_memory),
        cmocka_unit_test(test_api_train_survives_want_of_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
