/* test_bottleneck_file.c -- bottleneck adapters on disk; the folders of
 * tests/golden/virtual were written by Python.
 */
#include "support/test.h"

#include <string.h>

#include "adapt/params/bottleneck_file.h"
#include "base/json.h"
#include "base/mem.h"

static void
open_config(struct model_config *cfg)
{
    json_t *obj;

    assert_int_equal(
        json_open(&obj, test_source("golden/models/llama/config.json"), NULL),
        0);
    assert_int_equal(config_from_json(cfg, obj, "c", NULL), 0);
    json_decref(obj);
}

static const char *
golden(const char *file)
{
    char rel[128];

    snprintf(rel, sizeof(rel), "golden/virtual/llama/adapter%s%s",
             *file ? "/" : "", file);
    return test_source(rel);
}

static void
test_bottleneck_file_is_written_as_it_was_read(void **state)
{
    struct model_config cfg;
    struct bottleneck b, again;
    struct payload_files files;
    struct strbuf want = {0};
    json_t *ours, *theirs;
    char *base;
    trv_err err = {0};

    (void)state;
    open_config(&cfg);
    assert_true(bottleneck_file_is(golden("")));
    assert_false(bottleneck_file_is(test_source("golden")));
    if (bottleneck_file_read(&b, &base, &cfg, golden(""), true, &err))
        fail_msg("%s", err.msg);
    assert_string_equal(base, "llama");
    assert_int_equal(b.size, 6);
    assert_int_equal(b.f, ACT_SILU);
    assert_int_equal(b.n, 2 * 2 * (2 * 6 * 32 + 6 + 32));
    assert_int_equal(bottleneck_file_encode(&files, &b, base, NULL), 0);
    assert_int_equal(
        file_read(&want, golden(BOTTLENECK_WEIGHTS), 1 << 20, NULL), 0);
    assert_int_equal(files.n_weights, want.len);
    assert_memory_equal(files.weights, want.s, want.len);
    assert_int_equal(json_open(&theirs, golden(BOTTLENECK_CONFIG), NULL), 0);
    ours = json_loads(files.config, 0, NULL);
    assert_true(json_equal(ours, theirs));
    assert_int_equal(bottleneck_file_parse(&again, NULL, &cfg, "again",
                                           files.config, files.n_config,
                                           files.weights, files.n_weights,
                                           false, NULL),
                     0);
    assert_memory_equal(again.w, b.w, (size_t)b.n * sizeof(float));
    json_decref(ours);
    json_decref(theirs);
    payload_files_release(&files);
    bottleneck_release(&again);
    bottleneck_release(&b);
    sb_release(&want);
    mem_free(base);
}

static void
refuses(const char *patch, int code, const char *says)
{
    struct model_config cfg;
    struct bottleneck b;
    struct strbuf weights = {0};
    json_t *config, *change = json_loads(patch, 0, NULL);
    char *text;
    trv_err err = {0};
    int rc;

    open_config(&cfg);
    assert_int_equal(json_open(&config, golden(BOTTLENECK_CONFIG), NULL), 0);
    assert_int_equal(
        file_read(&weights, golden(BOTTLENECK_WEIGHTS), 1 << 20, NULL), 0);
    assert_int_equal(json_object_update(config, change), 0);
    text = json_dumps(config, 0);
    rc = bottleneck_file_parse(&b, NULL, &cfg, "dir", text, strlen(text),
                               weights.s, weights.len, false, &err);
    if (rc != code || !strstr(err.msg, says))
        fail_msg("%s: code %d, not %d; '%s' should say '%s'", patch, rc, code,
                 err.msg, says);
    bottleneck_release(&b);
    free(text);
    json_decref(change);
    json_decref(config);
    sb_release(&weights);
}

static void
test_bottleneck_file_refuses_what_does_not_fit_in_one_sentence(void **state)
{
    (void)state;
    refuses("{}", 0, "");
    refuses("{\"size\": 5}", TRV_EMISMATCH, "[6, 32]");
    refuses("{\"size\": 60000}", TRV_EMISMATCH, "[60000, 32]");
    refuses("{\"size\": 0}", TRV_EFORMAT, "'size'");
    refuses("{\"size\": null}", TRV_EFORMAT, "'size'");
    refuses("{\"layers\": 3}", TRV_EMISMATCH, "3 layers of width 32");
    refuses("{\"width\": 16}", TRV_EMISMATCH, "width 16");
    refuses("{\"activation\": \"tanh\"}", TRV_EUNSUPPORTED, "'tanh'");
    refuses("{\"activation\": 1}", TRV_EFORMAT, "activation");
    refuses("{\"places\": []}", TRV_EFORMAT, "places");
    refuses("{\"places\": [\"nose\"]}", TRV_EFORMAT, "places");
    refuses("{\"places\": [\"mlp\", \"mlp\"]}", TRV_EFORMAT, "places");
    refuses("{\"places\": [4]}", TRV_EFORMAT, "places");
    refuses("{\"places\": [\"mlp\"]}", TRV_EMISMATCH, "holds 16 tensors");
}

static void
test_bottleneck_file_cut_is_refused(void **state)
{
    struct model_config cfg;
    struct bottleneck b;
    struct strbuf config = {0}, weights = {0};

    (void)state;
    open_config(&cfg);
    assert_int_equal(
        file_read(&config, golden(BOTTLENECK_CONFIG), 1 << 20, NULL), 0);
    assert_int_equal(
        file_read(&weights, golden(BOTTLENECK_WEIGHTS), 1 << 20, NULL), 0);
    for (size_t n = 0; n < weights.len; n += 397) {
        trv_err err = {0};

        assert_int_not_equal(bottleneck_file_parse(&b, NULL, &cfg, "dir",
                                                   config.s, config.len,
                                                   weights.s, n, false, &err),
                             0);
        assert_true(strlen(err.msg) > 10);
        assert_null(b.w);
    }
    sb_release(&config);
    sb_release(&weights);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bottleneck_file_is_written_as_it_was_read),
        cmocka_unit_test(
            test_bottleneck_file_refuses_what_does_not_fit_in_one_sentence),
        cmocka_unit_test(test_bottleneck_file_cut_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
