/* test_answers.c -- contexts and answers of prompt -> params on a tiny model,
 * and what is read back after a stop.
 */
#include "support/test.h"

#include <string.h>
#include <unistd.h>

#include "base/seal.h"
#include "transform/answers.h"

#define SAMPLES 150 // two whole blocks of 64 and a part

struct fixture {
    struct session *s;
    struct adaptation *teacher;
    struct inputs in;
    struct answers answers;
    char file[600];
};

static void
must(int rc, const trv_err *err)
{
    if (rc)
        fail_msg("%s", err->msg);
}

static void
open_fixture(struct fixture *f, const char *name)
{
    static const char rows[] = "{\"prompt\": \"Once\"}\n"
                               "{\"prompt\": \"Say\"}\n"
                               "{\"prompt\": \"it\"}\n";
    const struct backend_options be = {.prec = PREC_F32};
    trv_err err = {0};

    memset(f, 0, sizeof(*f));
    snprintf(f->file, sizeof(f->file), "%s/answers.jsonl", test_tmpdir(name));
    must(session_open(&f->s, test_source("golden/tiny/one"), &be, &err), &err);
    must(adaptation_open(&f->teacher, f->s->model, NULL, "prompt:Say it.",
                         false, &err),
         &err);
    must(data_parse(&f->in.data, "in.jsonl", rows, strlen(rows), &err), &err);
}

static void
close_fixture(struct fixture *f)
{
    answers_release(&f->answers);
    inputs_release(&f->in);
    adaptation_free(f->teacher);
    session_free(f->s);
}

static int
draw(struct fixture *f, bool resume, trv_progress_fn progress, void *payload,
     trv_err *err)
{
    answers_release(&f->answers);
    must(answers_contexts(&f->answers, f->s, f->teacher, NULL, &f->in, 8, err),
         err);
    return answers_draw(&f->answers, f->s,
                        &(struct answers_options){.samples = SAMPLES,
                                                  .max_tokens = 8,
                                                  .temperature = 1.0,
                                                  .seed = 3,
                                                  .file = f->file,
                                                  .resume = resume,
                                                  .progress = progress,
                                                  .payload = payload},
                        err);
}

static void
read_file(struct strbuf *out, const char *path)
{
    trv_err err = {0};

    *out = (struct strbuf){0};
    must(file_read(out, path, 1 << 24, &err), &err);
}

static void
test_answers_contexts_differ_by_the_prompt_alone(void **state)
{
    struct fixture f;
    trv_err err = {0};

    (void)state;
    open_fixture(&f, "answers_contexts");
    must(answers_contexts(&f.answers, f.s, f.teacher, NULL, &f.in, 8, &err),
         &err);
    assert_int_equal(f.answers.n_contexts, 3);
    for (int i = 0; i < 3; i++) {
        const struct paired_row *c = &f.answers.contexts[i];

        assert_int_equal(c->teacher.n, 1);
        assert_true(c->teacher.parts[0].n_ids > c->student.n);
        assert_int_equal(c->teacher.parts[0].ids[0], c->student.v[0]); // BOS
        assert_int_equal(c->input, i);
    }
    close_fixture(&f);
}

static void
test_answers_contexts_without_room_are_dropped_or_refused(void **state)
{
    struct fixture f;
    trv_err err = {0};
    int64_t context;

    (void)state;
    open_fixture(&f, "answers_room");
    context = f.s->model->cfg.context;
    assert_int_equal(answers_contexts(&f.answers, f.s, f.teacher, NULL, &f.in,
                                      context, &err),
                     TRV_ETOOLONG);
    assert_non_null(strstr(err.msg, "max-tokens"));
    answers_release(&f.answers);
    assert_int_equal(answers_contexts(&f.answers, f.s, f.teacher, NULL, &f.in,
                                      context - 2, &err),
                     TRV_ETOOLONG);
    assert_non_null(strstr(err.msg, "tokens under the source and"));
    assert_int_equal(f.answers.n_dropped, 3);
    close_fixture(&f);
}

static void
test_answers_contexts_survive_every_failing_allocation(void **state)
{
    struct fixture f;
    trv_err err = {0};
    struct decoder *d;
    int rc = TRV_ENOMEM;
    int64_t n = 0, live;

    (void)state;
    open_fixture(&f, "answers_fault");
    must(session_decoder(f.s, &d, &err), &err); // it stays
    live = mem_stats_get().live_bytes;
    for (; rc && n < 20000; n++) {
        mem_fail_after(n);
        rc = answers_contexts(&f.answers, f.s, f.teacher, NULL, &f.in, 8, &err);
        mem_fail_after(-1);
        if (rc)
            assert_int_equal(rc, TRV_ENOMEM);
        answers_release(&f.answers);
        assert_int_equal(mem_stats_get().live_bytes, live);
    }
    assert_int_equal(rc, 0);
    assert_true(n > 10);
    close_fixture(&f);
}

static bool
stop_after(const trv_progress *p, void *payload)
{
    return p->done < *(const int64_t *)payload;
}

static void
test_answers_a_resumed_run_draws_what_a_whole_one_draws(void **state)
{
    const int64_t stops[] = {1, 70, 130, 149};
    struct strbuf whole, part;
    struct fixture f;
    trv_err err = {0};

    (void)state;
    open_fixture(&f, "answers_resume");
    must(draw(&f, false, NULL, NULL, &err), &err);
    assert_int_equal(f.answers.n, SAMPLES);
    read_file(&whole, f.file);
    for (int i = 0; i < 4; i++) {
        static const char torn[] = "{\"input\": 1, \"ids\": [1, 2]}\n{\"in";
        int64_t stop = stops[i], size;

        assert_int_equal(draw(&f, false, stop_after, &stop, &err),
                         TRV_ECANCELED);
        size = file_exists(f.file) ? file_size(f.file) : 0;
        assert_true(size < (int64_t)whole.len);
        if (size > 0) { // and what a kill would leave behind it
            FILE *out = fopen(f.file, "ab");

            assert_int_equal(fwrite(torn, 1, strlen(torn), out), strlen(torn));
            fclose(out);
        }
        must(draw(&f, true, NULL, NULL, &err), &err);
        assert_int_equal(f.answers.n, SAMPLES);
        read_file(&part, f.file);
        assert_int_equal(part.len, whole.len);
        assert_memory_equal(part.s, whole.s, whole.len);
        sb_release(&part);
    }
    sb_release(&whole);
    close_fixture(&f);
}

static void
test_answers_a_broken_line_is_named(void **state)
{
    static const char *const lines[] = {
        "[]",
        "{\"input\": 1, \"ids\": [3]}", // the first answers input 0
        "{\"input\": 0, \"ids\": []}",
        "{\"input\": 0, \"ids\": [3, -1]}",
        "{\"input\": 0, \"ids\": [3, 1e3]}",
        "{\"input\": 0, \"ids\": [99999999]}",
        "{\"input\": 0, \"ids\": [1,1,1,1,1,1,1,1,1]}", // above max_tokens
        "{\"input\": 0, \"ids\": 5}",
        "nonsense",
    };
    struct fixture f;

    (void)state;
    open_fixture(&f, "answers_broken");
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        struct strbuf b = {0};
        trv_err err = {0};

        for (int k = 0; k < 64; k++)
            assert_int_equal(sb_printf(&b, "%s\n", lines[i]), 0);
        (void)unlink(f.file);
        must(journal_append(f.file, b.s, b.len, &err), &err);
        assert_int_equal(draw(&f, true, NULL, NULL, &err), TRV_EFORMAT);
        assert_non_null(strstr(err.msg, "answers.jsonl' line 1"));
        sb_release(&b);
    }
    close_fixture(&f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answers_contexts_differ_by_the_prompt_alone),
        cmocka_unit_test(
            test_answers_contexts_without_room_are_dropped_or_refused),
        cmocka_unit_test(
            test_answers_contexts_survive_every_failing_allocation),
        cmocka_unit_test(
            test_answers_a_resumed_run_draws_what_a_whole_one_draws),
        cmocka_unit_test(test_answers_a_broken_line_is_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
