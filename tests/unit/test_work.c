/* test_work.c -- facts about what every run of an edge shares. */
#include "support/test.h"

#include <math.h>
#include <string.h>

#include "adapt/reward/reward.h"
#include "base/file.h"
#include "learn/options.h"
#include "learn/work.h"
#include "transform/job.h"

static void
must(int rc, const trv_err *err)
{
    if (rc)
        fail_msg("%s", err->msg);
}

struct fixture {
    struct session s;
    struct work w;
    char heard[512];
};

static void
hear(const char *line, void *payload)
{
    struct fixture *f = payload;

    snprintf(f->heard, sizeof(f->heard), "%s", line);
}

/* Work at `out`, below a folder of this test's. */
static void
open_work(struct fixture *f, const char *out, uint64_t seed, bool resume)
{
    struct decoder *d;
    trv_err err = {0};

    memset(&f->w, 0, sizeof(f->w));
    if (!f->s.model) {
        const struct backend_options be = {.isa = "ref", .prec = PREC_F32};

        must(model_open(&f->s.model, test_source("golden/models/llama"), &err),
             &err);
        must(backend_open(&f->s.be, &be, &err), &err);
        must(session_decoder(&f->s, &d, &err), &err);
    }
    f->w = (struct work){.s = &f->s,
                         .kind = KIND_LORA,
                         .seed = seed,
                         .resume = resume,
                         .on_message = hear,
                         .message_payload = f,
                         .options = json_pack("{s:i}", "batch", 2)};
    must(work_begin(&f->w, out, "answers.jsonl", &err), &err);
}

static void
close_fixture(struct fixture *f)
{
    work_release(&f->w);
    decoder_free(f->s.decoder);
    arena_release(&f->s.arena);
    model_free(f->s.model);
    backend_free(f->s.be);
}

static void
out_below(char *buf, size_t size)
{
    snprintf(buf, size, "%s/z", test_tmpdir("work"));
}

static void
keep_something(const struct work *w)
{
    must(file_write_atomic(w->place.kept, "x", 1, NULL), &(trv_err){0});
}

static void
test_work_that_has_nothing_to_go_on_from_begins_anew(void **state)
{
    struct fixture f = {0};
    trv_err err = {0};
    char out[256];

    (void)state;
    out_below(out, sizeof(out));
    open_work(&f, out, 1, true);
    must(work_lock(&f.w, &err), &err);
    assert_false(f.w.resume);
    assert_non_null(strstr(f.heard, "nothing to resume"));
    close_fixture(&f);
}

static void
test_work_is_not_resumed_with_another_seed(void **state)
{
    struct fixture f = {0};
    trv_err err = {0};
    char out[256];

    (void)state;
    out_below(out, sizeof(out));
    open_work(&f, out, 1, false);
    must(work_lock(&f.w, &err), &err);
    must(work_write_run(&f.w, json_pack("{s:s}", "method", "m"), &err), &err);
    keep_something(&f.w);
    work_release(&f.w);

    open_work(&f, out, 1, true);
    must(work_lock(&f.w, &err), &err);
    assert_true(f.w.resume);
    must(work_write_run(&f.w, json_pack("{s:s}", "method", "m"), &err), &err);
    work_release(&f.w);

    open_work(&f, out, 2, true);
    must(work_lock(&f.w, &err), &err);
    assert_int_equal(
        work_write_run(&f.w, json_pack("{s:s}", "method", "m"), &err),
        TRV_EMISMATCH);
    assert_non_null(strstr(err.msg, "seed"));
    close_fixture(&f);
}

/* A judge asks in the model's layout whatever the rows are, so what it said in
 * another is no result of this run, before there is a fingerprint and after. */
static void
test_work_is_not_resumed_in_another_layout(void **state)
{
    struct fixture f = {0};
    trv_err err = {0};
    char out[256];

    (void)state;
    for (int begun = 0; begun < 2; begun++) {
        out_below(out, sizeof(out));
        open_work(&f, out, 1, false);
        if (!begun)
            must(model_open_chat(
                     f.s.model,
                     test_source("golden/chat/templates/zephyr.jinja"), &err),
                 &err);
        f.s.model->layout = TEXT_CHAT;
        must(work_lock(&f.w, &err), &err);
        if (begun) {
            must(work_write_run(&f.w, json_object(), &err), &err);
            keep_something(&f.w);
        } else {
            must(memo_add(f.w.memo, "judged", json_real(0.5), &err), &err);
        }
        work_release(&f.w);

        open_work(&f, out, 1, true);
        f.s.model->layout = TEXT_RAW_ASKED;
        if (begun) {
            must(work_lock(&f.w, &err), &err);
            assert_int_equal(work_write_run(&f.w, json_object(), &err),
                             TRV_EMISMATCH);
        } else {
            assert_int_equal(work_lock(&f.w, &err), TRV_EMISMATCH);
        }
        assert_non_null(
            strstr(err.msg, "layout was \"chat\" and is \"raw\" now"));
        work_release(&f.w);
    }
    close_fixture(&f);
}

/* Lay the work of an edge from a text, or from a reward that is made of it; both
 * are called alike whatever it says. */
static int
lay_edge(struct fixture *f, const char *text, bool reward, trv_err *err)
{
    const struct inputs in = {.data = {.hash = "h"}}; // no rows
    struct reward r = {.conf = json_object(), .beta = 1.0};
    struct adaptation of = {.form = FORM_REWARD,
                            .kind = KIND_CONTRAST,
                            .spec = (char[]){"contrast:z"},
                            .reward = &r};
    const trv_convert_options o = TRV_CONVERT_OPTIONS_INIT;
    struct convert_job job = {.s = &f->s, .opts = &o};
    int rc;

    must(adaptation_of_text(&r.plus, text, strlen(text), err), err);
    job.from = reward ? &of : r.plus;
    rc = job_write_run(&f->w, &job, "demos", &in, json_object(), err);
    adaptation_free(r.plus);
    json_decref(r.conf);
    return rc;
}

static void
assert_tied_to_source(bool reward)
{
    struct fixture f = {0};
    trv_err err = {0};
    char out[256];

    out_below(out, sizeof(out));
    open_work(&f, out, 1, false);
    must(work_lock(&f.w, &err), &err);
    must(lay_edge(&f, "one", reward, &err), &err);
    keep_something(&f.w);
    work_release(&f.w);

    open_work(&f, out, 1, true);
    must(work_lock(&f.w, &err), &err);
    must(lay_edge(&f, "one", reward, &err), &err);
    work_release(&f.w);

    open_work(&f, out, 1, true);
    must(work_lock(&f.w, &err), &err);
    assert_int_equal(lay_edge(&f, "another", reward, &err), TRV_EMISMATCH);
    assert_non_null(strstr(err.msg, "source"));
    close_fixture(&f);
}

static void
test_work_of_an_edge_is_not_resumed_with_another_source(void **state)
{
    (void)state;
    assert_tied_to_source(false);
    assert_tied_to_source(true);
}

static void
test_work_that_fails_leaves_no_empty_folder(void **state)
{
    struct fixture f = {0};
    trv_cost cost = {0};
    trv_err err = {0};
    char out[256];

    (void)state;
    out_below(out, sizeof(out));
    open_work(&f, out, 1, false);
    must(work_lock(&f.w, &err), &err);
    must(work_write_run(&f.w, json_object(), &err), &err);
    assert_true(file_is_dir(f.w.place.dir));
    work_end(&f.w, TRV_EIO, &cost);
    assert_false(file_exists(f.w.place.dir));
    close_fixture(&f);
}

static void
test_work_says_how_to_go_on_only_where_something_was_kept(void **state)
{
    struct fixture f = {0};
    trv_err err = {0};
    char out[256];

    (void)state;
    out_below(out, sizeof(out));
    open_work(&f, out, 1, false);
    must(work_lock(&f.w, &err), &err);
    assert_int_equal(work_stopped(&f.w, TRV_EIO, "while sampling", &err),
                     TRV_EIO);
    assert_int_equal(work_stopped(&f.w, TRV_ECANCELED, "while sampling", &err),
                     TRV_ECANCELED);
    assert_null(strstr(err.msg, "--resume"));
    keep_something(&f.w);
    assert_int_equal(work_stopped(&f.w, TRV_ECANCELED, "while sampling", &err),
                     TRV_ECANCELED);
    assert_non_null(strstr(err.msg, "--resume"));
    close_fixture(&f);
}

static void
test_work_signs_with_its_options_and_its_seed(void **state)
{
    const struct artefact_step step = {
        .edge = "data->params", .method = "sft", .data = ""};
    const json_t *said;
    struct fixture f = {0};
    trv_err err = {0};
    char out[256];

    (void)state;
    out_below(out, sizeof(out));
    open_work(&f, out, 12345678901234567890ull, false);
    must(work_begin_manifest(&f.w, KIND_LORA, NULL, &step,
                             json_pack("{s:i}", "steps", 3), &err),
         &err);
    said = json_array_get(f.w.head.chain, 0);
    assert_string_equal(json_string_value(json_object_get(said, "seed")),
                        "12345678901234567890");
    assert_string_equal(json_string_value(json_object_get(said, "from")),
                        "data");
    assert_int_equal(json_integer_value(json_object_get(
                         json_object_get(said, "options"), "batch")),
                     2);
    assert_int_equal(json_integer_value(json_object_get(
                         json_object_get(said, "cost"), "steps")),
                     3);
    close_fixture(&f);
}

static void
test_work_refuses_micro_batches_without_rows(void **state)
{
    const struct learn_defaults d = {
        .steps = 5, .batch = 4, .lr = 1e-3, .rows = "rows"};
    trv_learn_options o = TRV_LEARN_OPTIONS_INIT;
    trv_err err = {0};

    (void)state;
    must(options_complete(&o, &d, &err), &err);
    assert_int_equal(o.steps, 5);
    assert_int_equal(o.batch, 4);
    assert_close(o.lr, 1e-3, 0);
    o.accumulate = 5;
    assert_int_equal(options_complete(&o, &d, &err), TRV_EINVAL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_work_that_has_nothing_to_go_on_from_begins_anew),
        cmocka_unit_test(test_work_is_not_resumed_with_another_seed),
        cmocka_unit_test(test_work_is_not_resumed_in_another_layout),
        cmocka_unit_test(
            test_work_of_an_edge_is_not_resumed_with_another_source),
        cmocka_unit_test(test_work_that_fails_leaves_no_empty_folder),
        cmocka_unit_test(
            test_work_says_how_to_go_on_only_where_something_was_kept),
        cmocka_unit_test(test_work_signs_with_its_options_and_its_seed),
        cmocka_unit_test(test_work_refuses_micro_batches_without_rows),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
