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
    trv_err err = {0};

    memset(f, 0, sizeof(*f));
    snprintf(f->dir, sizeof(f->dir), "%s", test_tmpdir(name));
    f->opts = (trv_convert_options)TRV_CONVERT_OPTIONS_INIT;
    f->opts.lora.rank = 2;
    f->opts.samples = 6;
    f->opts.max_tokens = 6;
    f->opts.learn.steps = 3;
    f->opts.learn.batch = 2;
    if (trv_model_open(&f->m, test_source("golden/tiny/one"), NULL, &err) ||
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
    refuses(&f, TRV_ETOOLONG, "answers of 100000 tokens");
    f.opts.learn.lr = (double)(0.0f / 0.0f);
    refuses(&f, TRV_ERANGE, "learning rate");
    f.opts.method = "sft";
    f.opts.on_policy = 0.5;
    refuses(&f, TRV_EINVAL, "on-policy");
    f.opts.inputs = "nowhere.jsonl";
    refuses(&f, TRV_EIO, "nowhere.jsonl");
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
    assert_int_equal(entries(f.dir), 5); // mine, z, fresh, and two .run
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
test_convert_says_when_it_diverged(void **state)
{
    struct fixture f;
    char line[200] = "";
    trv_err err;
    int rc;

    (void)state;
    open_fixture(&f, "convert_diverged");
    f.opts.on_message = keep_line;
    f.opts.message_payload = line;
    f.opts.learn.steps = 30;
    convert_well(&f, "well");
    assert_string_equal(line, "");
    f.opts.learn.lr = 100;
    f.opts.lora.alpha = 1e6;
    /* Whether it ends finite and useless or is caught as infinite on the way
     * hangs on the last bits, which differ by instruction set. */
    rc = convert(&f, "worse", NULL, &err);
    if (rc)
        assert_int_equal(rc, TRV_ENONFINITE);
    else
        assert_non_null(strstr(line, "the loss rose from"));
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

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_convert_refuses_wrong_options_before_it_samples),
        cmocka_unit_test(test_convert_replaces_artefacts_and_nothing_else),
        cmocka_unit_test(test_convert_odd_options_give_the_same_bytes_twice),
        cmocka_unit_test(test_convert_counts_only_its_own_work),
        cmocka_unit_test(test_convert_says_when_it_diverged),
        cmocka_unit_test(test_convert_stopped_at_once_leaves_nothing_behind),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
