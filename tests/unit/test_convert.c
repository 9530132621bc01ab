/* test_convert.c -- conversions through the public interface, on a tiny model:
 * what is refused before anything is computed, and what odd options give.
 */
#include "support/test.h"

#include <dirent.h>
#include <string.h>
#include <trivium/trivium.h>

#include "base/file.h"
#include "base/strbuf.h"

struct fixture {
    trv_model *m;
    trv_adaptation *from;
    char dir[512];
    trv_convert_options opts; // a conversion of a moment
};

static void
open_fixture(struct fixture *f, const char *name)
{
    trv_model_options raw = TRV_MODEL_OPTIONS_INIT;
    trv_err err = {0};

    raw.layout = "raw";
    memset(f, 0, sizeof(*f));
    snprintf(f->dir, sizeof(f->dir), "%s", test_tmpdir(name));
    f->opts = (trv_convert_options)TRV_CONVERT_OPTIONS_INIT;
    f->opts.samples = 6;
    f->opts.max_tokens = 6;
    f->opts.learn.steps = 3;
    f->opts.learn.batch = 2;
    if (trv_model_open(&f->m, test_source("golden/tiny/one"), &raw, &err) ||
        trv_adaptation_open(&f->from, f->m, "prompt:Say it again.", false,
                            &err))
        fail_msg("%s", err.msg);
}

static void
close_fixture(struct fixture *f)
{
    trv_adaptation_free(f->from);
    trv_model_free(f->m);
}

static int
convert(struct fixture *f, const char *name, trv_cost *cost, trv_err *err)
{
    char to[600];

    snprintf(to, sizeof(to), "lora:%s/%s", f->dir, name);
    *err = (trv_err){0};
    return trv_convert(f->m, cost, f->from, to, &f->opts, NULL, NULL, err);
}

static void
convert_well(struct fixture *f, const char *name)
{
    trv_err err;

    if (convert(f, name, NULL, &err))
        fail_msg("%s", err.msg);
}

static char *
file_in(const struct fixture *f, const char *name, const char *file)
{
    static char path[2][800];
    static int turn;

    turn = !turn;
    snprintf(path[turn], sizeof(path[turn]), "%s/%s/%s", f->dir, name, file);
    return path[turn];
}

/* Refused with this code and these words, and no trace left on the disk. */
static void
refuses(struct fixture *f, int code, const char *words)
{
    trv_err err;

    assert_int_equal(convert(f, "z", NULL, &err), code);
    if (!strstr(err.msg, words))
        fail_msg("'%s' does not say '%s'", err.msg, words);
    assert_true(dir_is_empty(f->dir));
    f->opts = (trv_convert_options)TRV_CONVERT_OPTIONS_INIT;
    f->opts.samples = 6;
    f->opts.max_tokens = 6;
}

static void
test_convert_refuses_wrong_options_before_it_samples(void **state)
{
    struct fixture f;

    (void)state;
    open_fixture(&f, "convert_refuses");
    f.opts.learn.schedule = "zigzag";
    refuses(&f, TRV_EINVAL, "zigzag");
    f.opts.learn.schedule = NULL;
    refuses(&f, TRV_EINVAL, "schedule");
    f.opts.divergence = "sideways";
    refuses(&f, TRV_EINVAL, "sideways");
    f.opts.lora.targets = "nose_proj";
    refuses(&f, TRV_EINVAL, "nose_proj");
    f.opts.lora.targets = NULL;
    refuses(&f, TRV_EINVAL, "targets");
    f.opts.learn.batch = 4;
    f.opts.learn.accumulate = 5;
    refuses(&f, TRV_EINVAL, "micro-batches");
    f.opts.max_tokens = 100000;
    refuses(&f, TRV_ETOOLONG, "max-tokens is 100000, which does not fit");
    f.opts.learn.lr = (double)(0.0f / 0.0f);
    refuses(&f, TRV_ERANGE, "lr is nan");
    f.opts.method = "sft";
    f.opts.on_policy = 0.5;
    refuses(&f, TRV_EINVAL, "on-policy");
    f.opts.method = "solve";
    f.opts.on_policy = 0.5;
    refuses(&f, TRV_EINVAL,
            "on-policy goes with distill, features, prefix and "
            "soft; the method here is solve");
    f.opts.virtual_tokens.tokens = 4;
    refuses(&f, TRV_EINVAL,
            "virtual-tokens goes with soft and prefix; what is "
            "made here is lora");
    f.opts.method = "dpo";
    refuses(&f, TRV_EUNSUPPORTED,
            "'dpo' is one of reward->params; for prompt to params");
    f.opts.method = "solve";
    f.opts.lora.targets = "q_proj,up_proj";
    refuses(&f, TRV_EINVAL, "name neither");
    f.opts.init = "solve";
    f.opts.lora.targets = "k_proj";
    refuses(&f, TRV_EINVAL, "name neither");
    f.opts.init = "warm";
    refuses(&f, TRV_EINVAL, "there are zero|solve");
    f.opts.inputs = "nowhere.jsonl";
    refuses(&f, TRV_EIO, "nowhere.jsonl");
    f.opts.via = "soft";
    f.opts.temperature = (double)(0.0f / 0.0f);
    refuses(&f, TRV_ERANGE, "temperature");
    close_fixture(&f);
}

/* What a manifest or a fingerprint would hold is JSON: that it is not UTF-8 is
 * no want of memory. */
static void
test_convert_refuses_words_that_no_manifest_can_hold(void **state)
{
    struct fixture f;
    char spec[600];
    trv_err err = {0};

    (void)state;
    open_fixture(&f, "convert_words");
    f.opts.against = "prompt:\xff";
    refuses(&f, TRV_EINVAL, "against is 'prompt:\xff', which is not UTF-8");
    f.opts.via = "soft";
    f.opts.inputs = "\xff.jsonl";
    refuses(&f, TRV_EINVAL, "inputs is '\xff.jsonl', which is not UTF-8");
    f.opts.search.start = "\xff";
    refuses(&f, TRV_EINVAL, "search-from is");
    f.opts.evolve.demos_template = "\xff{input}{output}";
    refuses(&f, TRV_EINVAL, "demos-template is");
    snprintf(spec, sizeof(spec), "prompt:@%s/\xff.txt",
             test_tmpdir("convert_words_from"));
    assert_int_equal(file_write_atomic(strchr(spec, '@') + 1, "x", 1, &err), 0);
    trv_adaptation_free(f.from);
    assert_int_equal(trv_adaptation_open(&f.from, f.m, spec, false, &err), 0);
    refuses(&f, TRV_EINVAL, "which is not UTF-8 and cannot be written in");
    close_fixture(&f);
}

static void
same_files(const struct fixture *f, const char *a, const char *b)
{
    static const char *const names[] = {"adapter_model.safetensors",
                                        "adapter_config.json", "trivium.json"};
    trv_err err = {0};

    for (int i = 0; i < 3; i++) {
        struct strbuf x = {0}, y = {0};

        if (file_read(&x, file_in(f, a, names[i]), 1 << 20, &err) ||
            file_read(&y, file_in(f, b, names[i]), 1 << 20, &err))
            fail_msg("%s", err.msg);
        assert_int_equal(x.len, y.len);
        assert_memory_equal(x.s, y.s, x.len);
        sb_release(&x);
        sb_release(&y);
    }
}

static int
entries(const char *dir)
{
    DIR *d = opendir(dir);
    int n = 0;

    assert_non_null(d);
    while (readdir(d))
        n++;
    closedir(d);
    return n - 2; // "." and ".."
}

static void
test_convert_replaces_artefacts_and_nothing_else(void **state)
{
    struct fixture f;
    trv_err err = {0};

    (void)state;
    open_fixture(&f, "convert_replaces");
    assert_int_equal(dir_make(file_in(&f, "mine", ""), &err), 0);
    assert_int_equal(
        file_write_atomic(file_in(&f, "mine", "thesis.txt"), "x", 1, &err), 0);
    f.opts.replace = true;
    assert_int_equal(convert(&f, "mine", NULL, &err), TRV_EEXIST);
    assert_non_null(strstr(err.msg, "is no artefact"));
    assert_true(file_exists(file_in(&f, "mine", "thesis.txt")));

    convert_well(&f, "z");
    f.opts.seed = 1;
    convert_well(&f, "z");
    f.opts.replace = false;
    convert_well(&f, "fresh");
    same_files(&f, "z", "fresh");        // the new one, whole
    assert_int_equal(entries(f.dir), 3); // mine, z, fresh
    assert_int_equal(convert(&f, "z", NULL, &err), TRV_EEXIST);
    close_fixture(&f);
}

static void
test_convert_odd_options_give_the_same_bytes_twice(void **state)
{
    struct fixture f;

    (void)state;
    for (int kind = 0; kind < 5; kind++) {
        open_fixture(&f, "convert_odd");
        f.opts.seed = UINT64_MAX - 4;
        switch (kind) {
        case 0: // fewer samples than rows of a step
            f.opts.samples = 3;
            f.opts.learn.batch = 8;
            break;
        case 1:
            f.opts.on_policy = 1.0;
            f.opts.divergence = "reverse";
            break;
        case 2:
            f.opts.temperature = 0.0;
            f.opts.method = "sft";
            break;
        case 3:
            f.opts.lora.dropout = 0.5;
            f.opts.divergence = "jsd";
            f.opts.learn.accumulate = 2;
            break;
        default:
            f.opts.lora.rslora = true;
            f.opts.learn.warmup = 1.0;
            f.opts.learn.clip = 0.0;
            f.opts.learn.checkpoint_every = 1;
        }
        convert_well(&f, "a");
        convert_well(&f, "b"); // on the same model, not on a fresh one
        same_files(&f, "a", "b");
        close_fixture(&f);
    }
}

static void
test_convert_counts_only_its_own_work(void **state)
{
    struct fixture f;
    trv_cost first, second;
    trv_err err;

    (void)state;
    open_fixture(&f, "convert_cost");
    assert_int_equal(convert(&f, "a", &first, &err), 0);
    assert_int_equal(convert(&f, "b", &second, &err), 0);
    assert_true(first.flop > 0);
    assert_close(second.flop, first.flop, 0);
    assert_close(second.tokens, first.tokens, 0);
    close_fixture(&f);
}

static void
keep_line(const char *line, void *payload)
{
    if (strncmp(line, "note: ", 6) != 0) // of the prompt itself
        snprintf(payload, 200, "%s", line);
}

static void
keep_warning(const char *line, void *payload)
{
    if (strncmp(line, "warning: ", 9) == 0)
        snprintf(payload, 200, "%s", line);
}

static void
test_convert_says_when_it_diverged(void **state)
{
    struct fixture f;
    char line[200] = "";
    trv_err err;
    int rc;

    (void)state;
    open_fixture(&f, "convert_diverged");
    f.opts.on_message = keep_warning;
    f.opts.message_payload = line;
    f.opts.learn.steps = 30;
    convert_well(&f, "well");
    assert_string_equal(line, "");
    f.opts.learn.lr = 100;
    f.opts.lora.alpha = 1e6;
    /* Whether it ends finite and useless or is caught as infinite on the way
     * hangs on the last bits, which differ by instruction set. */
    rc = convert(&f, "worse", NULL, &err);
    assert_true(rc == TRV_ENONFINITE || rc == TRV_EDIVERGED);
    if (rc == TRV_EDIVERGED)
        assert_non_null(strstr(err.msg, "its loss rose from"));
    assert_false(file_exists(file_in(&f, "worse", "trivium.json")));
    f.opts.allow_diverged = f.opts.replace = true;
    rc = convert(&f, "worse", NULL, &err);
    if (rc)
        assert_int_equal(rc, TRV_ENONFINITE);
    else
        assert_non_null(strstr(line, "its loss rose from"));
    close_fixture(&f);
}

static bool
stop_at_once(const trv_progress *p, void *payload)
{
    (void)p;
    (void)payload;
    return false;
}

static void
test_convert_stopped_at_once_leaves_nothing_behind(void **state)
{
    struct fixture f;
    trv_err err = {0};
    char to[600];

    (void)state;
    open_fixture(&f, "convert_stopped");
    snprintf(to, sizeof(to), "lora:%s/z", f.dir);
    assert_int_equal(
        trv_convert(f.m, NULL, f.from, to, &f.opts, stop_at_once, NULL, &err),
        TRV_ECANCELED);
    assert_true(dir_is_empty(f.dir));
    close_fixture(&f);
}

/* A conversion to any kind; from NULL: the fixture's prompt. */
static int
convert_to(struct fixture *f, const char *kind, const char *name,
           const trv_adaptation *from, trv_cost *cost, trv_err *err)
{
    char to[600];

    snprintf(to, sizeof(to), "%s:%s/%s", kind, f->dir, name);
    *err = (trv_err){0};
    return trv_convert(f->m, cost, from ? from : f->from, to, &f->opts, NULL,
                       NULL, err);
}

static void
open_made(struct fixture *f, trv_adaptation **a, const char *name)
{
    char path[600];
    trv_err err = {0};

    snprintf(path, sizeof(path), "%s/%s", f->dir, name);
    if (trv_adaptation_open(a, f->m, path, false, &err))
        fail_msg("%s", err.msg);
}

/* Every kind that learns, from a prompt: it opens, gives text, and comes again
 * to the same bytes. */
static void
test_convert_makes_every_kind_that_learns(void **state)
{
    static const char *const kinds[] = {"adapter", "prefix", "soft", "full"};
    static const char *const files[] = {
        "bottleneck.safetensors", "adapter_model.safetensors",
        "adapter_model.safetensors", "model.safetensors"};

    (void)state;
    for (int i = 0; i < 4; i++) {
        struct fixture f;
        struct strbuf x = {0}, y = {0};
        trv_generate_options g = TRV_GENERATE_OPTIONS_INIT;
        trv_completion c;
        trv_adaptation *a;
        trv_err err = {0};

        open_fixture(&f, "convert_kinds");
        if (i == 0)
            f.opts.bottleneck.size = 3;
        else if (i < 3)
            f.opts.virtual_tokens.tokens = 4;
        for (int turn = 0; turn < 2; turn++)
            if (convert_to(&f, kinds[i], turn ? "b" : "a", NULL, NULL, &err))
                fail_msg("%s", err.msg);
        if (file_read(&x, file_in(&f, "a", files[i]), 1 << 20, &err) ||
            file_read(&y, file_in(&f, "b", files[i]), 1 << 20, &err))
            fail_msg("%s", err.msg);
        assert_int_equal(x.len, y.len);
        assert_memory_equal(x.s, y.s, x.len);
        open_made(&f, &a, "a");
        g.max_tokens = 4;
        if (trv_generate(f.m, &c, a, "One", &g, NULL, NULL, &err))
            fail_msg("%s", err.msg);
        assert_int_equal(c.prompt_tokens,
                         i % 3 == 0 ? 4 : 8); // BOS and a byte each
        trv_free(c.text);
        trv_adaptation_free(a);
        sb_release(&x);
        sb_release(&y);
        close_fixture(&f);
    }
}

/* The chain: a prompt, a LoRA made from it, a prefix made from that, and a LoRA
 * again; and what virtual tokens start from. */
static void
test_convert_params_become_prompts_and_come_back(void **state)
{
    struct fixture f;
    struct strbuf manifest = {0};
    trv_adaptation *lora, *prefix;
    char line[200] = "";
    trv_err err = {0};

    (void)state;
    open_fixture(&f, "convert_chain");
    f.opts.on_message = keep_line;
    f.opts.message_payload = line;
    f.opts.learn.steps = 40;
    convert_well(&f, "lora");
    f.opts.virtual_tokens.tokens = 14; // those of the prompt
    open_made(&f, &lora, "lora");
    if (convert_to(&f, "prefix", "prefix", lora, NULL, &err))
        fail_msg("%s", err.msg);
    assert_non_null(strstr(line, "virtual tokens start from"));
    if (convert_to(&f, "prefix", "direct", NULL, NULL, &err))
        fail_msg("%s", err.msg);
    assert_non_null(strstr(line, "start from the prompt itself"));
    assert_non_null(strstr(line, ": Say it again."));
    f.opts.virtual_tokens.start = "sampled";
    if (convert_to(&f, "soft", "soft", lora, NULL, &err))
        fail_msg("%s", err.msg);
    assert_non_null(strstr(line, "start from an answer of the source"));
    f.opts.virtual_tokens.start = "text:Once";
    if (convert_to(&f, "soft", "soft2", lora, NULL, &err))
        fail_msg("%s", err.msg);
    assert_non_null(strstr(line, "start from the text that was given"));
    assert_non_null(strstr(line, ": Once"));
    open_made(&f, &prefix, "prefix");
    f.opts.virtual_tokens =
        (trv_virtual_options)TRV_VIRTUAL_OPTIONS_INIT; // a LoRA has none
    if (convert_to(&f, "lora", "back", prefix, NULL, &err))
        fail_msg("%s", err.msg);
    if (file_read(&manifest, file_in(&f, "back", "trivium.json"), 1 << 20,
                  &err))
        fail_msg("%s", err.msg);
    assert_non_null(strstr(manifest.s, "params->prompt"));
    assert_non_null(strstr(manifest.s, "prompt->params"));
    sb_release(&manifest);
    trv_adaptation_free(lora);
    trv_adaptation_free(prefix);
    close_fixture(&f);
}

/* Started from somewhere else, a prefix comes nearer to what it imitates. */
/* How much of the way from the base to `from` the artefact `name` is. */
static double
gap_closed(struct fixture *f, const char *name)
{
    trv_measure_options o = TRV_MEASURE_OPTIONS_INIT;
    trv_measurement m;
    trv_adaptation *a;
    trv_err err = {0};
    double gap;

    open_made(f, &a, name);
    o.max_inputs = 16;
    o.max_tokens = 6;
    if (trv_measure(f->m, &m, f->from, a, &o, NULL, NULL, &err))
        fail_msg("%s", err.msg);
    gap = m.gap_closed.mean;
    trv_measurement_release(&m);
    trv_adaptation_free(a);
    return gap;
}

static void
test_convert_all_weights_come_nearer_to_the_source(void **state)
{
    struct fixture f;
    trv_err err;

    (void)state;
    open_fixture(&f, "convert_full");
    f.opts.samples = 64;
    f.opts.learn.steps = 60;
    f.opts.learn.batch = 8;
    f.opts.learn.lr = 1e-2;
    assert_int_equal(convert_to(&f, "full", "z", NULL, NULL, &err), 0);
    assert_true(gap_closed(&f, "z") > 0.3);
    close_fixture(&f);
}

static void
test_convert_virtual_tokens_learn(void **state)
{
    static const char *const kinds[] = {"prefix", "soft"};

    (void)state;
    for (int i = 0; i < 2; i++) {
        struct fixture f;
        trv_cost before, after;
        trv_err err;

        open_fixture(&f, "convert_learns");
        f.opts.virtual_tokens.tokens = 8;
        f.opts.virtual_tokens.start = "text:zzzzzzzz";
        f.opts.learn.lr = 0.05;
        f.opts.learn.steps = 1;
        assert_int_equal(convert_to(&f, kinds[i], "a", NULL, &before, &err), 0);
        f.opts.learn.steps = 60;
        assert_int_equal(convert_to(&f, kinds[i], "b", NULL, &after, &err), 0);
        assert_true(after.final_loss < 0.7 * before.final_loss);
        close_fixture(&f);
    }
}

static void
test_convert_refuses_what_no_edge_makes(void **state)
{
    static const struct {
        const char *kind, *method, *says;
    } cases[] = {
        {"mix", NULL, "it can become lora, adapter, full"},
        {"text", NULL, "it can become prefix, soft"},
        {"prefix", "distill", "there are prefix, soft"},
        {"soft", "prefix", "'soft', which is made by soft"},
        {"adapter", "prefix", "there are distill, sft"},
        {"sum", NULL, "it can become contrast, judge, head"},
    };
    struct fixture f;
    trv_err err;

    (void)state;
    open_fixture(&f, "convert_no_edge");
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        f.opts.method = cases[i].method;
        assert_int_equal(convert_to(&f, cases[i].kind, "z", NULL, NULL, &err),
                         TRV_EUNSUPPORTED);
        if (!strstr(err.msg, cases[i].says))
            fail_msg("'%s' does not say '%s'", err.msg, cases[i].says);
    }
    f.opts.method = "solve";
    assert_int_equal(convert_to(&f, "adapter", "z", NULL, NULL, &err),
                     TRV_EUNSUPPORTED);
    assert_non_null(strstr(err.msg, "made by distill, sft, features"));
    f.opts.method = NULL;
    f.opts.init = "solve";
    assert_int_equal(convert_to(&f, "adapter", "z", NULL, NULL, &err),
                     TRV_EINVAL);
    assert_non_null(strstr(err.msg, "no closed form of 'adapter'"));
    f.opts.init = "zero";
    f.opts.virtual_tokens.tokens = 128; // the whole context
    assert_int_equal(convert_to(&f, "prefix", "z", NULL, NULL, &err),
                     TRV_ERANGE);
    f.opts.virtual_tokens.tokens = 124; // no room for an answer
    assert_int_equal(convert_to(&f, "soft", "z", NULL, NULL, &err),
                     TRV_ETOOLONG);
    f.opts.virtual_tokens.start = "nowhere";
    assert_int_equal(convert_to(&f, "soft", "z", NULL, NULL, &err), TRV_EINVAL);
    assert_true(dir_is_empty(f.dir));
    close_fixture(&f);
}

static bool
stop_solving(const trv_progress *p, void *payload)
{
    (void)payload;
    return strcmp(p->stage, "solving") != 0 || p->done < 2;
}

/* Solve alone writes two maps a layer and no steps; as a start, it is followed
 * by steps that find the loss lower than from zero. */
static void
test_convert_solves_alone_or_before_training(void **state)
{
    struct fixture f;
    trv_cost alone, zero, solved;
    trv_err err;
    char to[600];
    struct strbuf config = {0};

    (void)state;
    open_fixture(&f, "convert_solve");
    f.opts.samples = 24;
    f.opts.method = "solve";
    f.opts.learn = (trv_learn_options)TRV_LEARN_OPTIONS_INIT;
    assert_int_equal(convert(&f, "alone", &alone, &err), 0);
    assert_int_equal(alone.steps, 0);
    assert_true(alone.final_loss != alone.final_loss); // there is none
    assert_true(alone.tokens > 0 && alone.flop > 0);
    if (file_read(&config, file_in(&f, "alone", "adapter_config.json"), 1 << 20,
                  &err))
        fail_msg("%s", err.msg);
    assert_non_null(strstr(config.s, "o_proj"));
    assert_null(strstr(config.s, "q_proj"));
    sb_release(&config);
    convert_well(&f, "again");
    f.opts.replace = true;
    convert_well(&f, "again");
    same_files(&f, "alone", "again");

    f.opts.method = "distill";
    f.opts.learn.steps = 3;
    f.opts.learn.batch = 2;
    f.opts.learn.lr = 1e-9; // so that the loss is the start's
    assert_int_equal(convert(&f, "zero", &zero, &err), 0);
    f.opts.init = "solve";
    assert_int_equal(convert(&f, "solved", &solved, &err), 0);
    assert_int_equal(solved.steps, 3);
    assert_true(solved.final_loss < 0.9 * zero.final_loss);

    snprintf(to, sizeof(to), "lora:%s/stopped", f.dir);
    assert_int_equal(
        trv_convert(f.m, NULL, f.from, to, &f.opts, stop_solving, NULL, &err),
        TRV_ECANCELED);
    assert_non_null(strstr(err.msg, "stopped while solving"));
    f.opts.resume = true;
    convert_well(&f, "stopped");
    same_files(&f, "solved", "stopped");
    close_fixture(&f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_convert_refuses_wrong_options_before_it_samples),
        cmocka_unit_test(test_convert_refuses_words_that_no_manifest_can_hold),
        cmocka_unit_test(test_convert_replaces_artefacts_and_nothing_else),
        cmocka_unit_test(test_convert_odd_options_give_the_same_bytes_twice),
        cmocka_unit_test(test_convert_counts_only_its_own_work),
        cmocka_unit_test(test_convert_says_when_it_diverged),
        cmocka_unit_test(test_convert_solves_alone_or_before_training),
        cmocka_unit_test(test_convert_stopped_at_once_leaves_nothing_behind),
        cmocka_unit_test(test_convert_makes_every_kind_that_learns),
        cmocka_unit_test(test_convert_params_become_prompts_and_come_back),
        cmocka_unit_test(test_convert_all_weights_come_nearer_to_the_source),
        cmocka_unit_test(test_convert_virtual_tokens_learn),
        cmocka_unit_test(test_convert_refuses_what_no_edge_makes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
