/* test_virtual_start.c -- which text virtual tokens start from, on a tiny model. */
#include "support/test.h"

#include <math.h>
#include <string.h>

#include "learn/student.h"
#include "transform/imitate/virtual_start.h"

#define SAMPLES 20

struct fixture {
    struct session *s;
    struct adaptation *teacher;
    struct inputs in;
    struct answers answers;
    struct adapter_weights student;
    struct distill t;
    struct run_task task;
    trv_convert_options opts;
    struct convert_job job;
    char line[600];
};

static void
must(int rc, const trv_err *err)
{
    if (rc)
        fail_msg("%s", err->msg);
}

static void
keep(const char *line, void *payload)
{
    struct fixture *f = payload;

    snprintf(f->line, sizeof(f->line), "%s", line);
}

static void
open_fixture(struct fixture *f, const char *spec, enum kind kind)
{
    static const char rows[] = "{\"prompt\": \"Once\"}\n"
                               "{\"prompt\": \"Say\"}\n"
                               "{\"prompt\": \"it\"}\n";
    const struct backend_options be = {.prec = PREC_F32};
    const struct student_options so = {.kind = kind,
                                       .virtual = {6, NULL},
                                       .bottleneck =
                                           TRV_BOTTLENECK_OPTIONS_INIT};
    trv_err err = {0};

    memset(f, 0, sizeof(*f));
    must(session_open(&f->s, test_source("golden/tiny/one"), &be, &err), &err);
    f->s->model->layout = TEXT_RAW;
    must(adaptation_open(&f->teacher, f->s->model, NULL, spec, false, &err),
         &err);
    must(data_parse(&f->in.data, "in.jsonl", rows, strlen(rows), &err), &err);
    must(student_begin(&f->student, f->s->model, &so, &err), &err);
    must(answers_contexts(&f->answers, f->s, f->teacher, &f->student, &f->in, 8,
                          &err),
         &err);
    must(answers_draw(&f->answers, f->s,
                      &(struct answers_options){.samples = SAMPLES,
                                                .max_tokens = 8,
                                                .temperature = 1.0,
                                                .seed = 3},
                      &err),
         &err);
    f->t = (struct distill){.s = f->s,
                            .answers = &f->answers,
                            .student = &f->student,
                            .opts = {.batch = 4, .accumulate = 1}};
    must(distill_init(&f->t, &f->task, &err), &err);
    must(adapter_weights_refresh(&f->student, f->s->be, &err), &err);
    f->opts = (trv_convert_options)TRV_CONVERT_OPTIONS_INIT;
    f->opts.on_message = keep;
    f->opts.message_payload = f;
    f->job =
        (struct convert_job){.s = f->s, .from = f->teacher, .opts = &f->opts};
}

static void
close_fixture(struct fixture *f)
{
    distill_release(&f->t);
    adapter_weights_release(&f->student);
    answers_release(&f->answers);
    inputs_release(&f->in);
    adaptation_free(f->teacher);
    session_free(f->s);
}

static double
start_from(struct fixture *f, const char *from)
{
    const trv_virtual_options o = {6, from};
    trv_err err = {0};
    double loss;

    must(start_virtual(&f->t, &f->job, &f->in, &o, &err), &err);
    must(distill_loss(&f->t, &loss, 16, &err), &err);
    return loss;
}

/* The choice is no worse than any that can be named. */
static void
test_start_is_the_best_of_what_is_tried(void **state)
{
    (void)state;
    for (int k = 0; k < 2; k++) {
        struct fixture f;
        double best, sampled, given;

        open_fixture(&f, "prompt:Say it.", k ? KIND_PREFIX : KIND_SOFT);
        given = start_from(&f, "text:zzzzz");
        assert_non_null(strstr(f.line, "the text that was given"));
        assert_non_null(strstr(f.line, ": zzzzz"));
        sampled = start_from(&f, "sampled");
        assert_non_null(strstr(f.line, "an answer of the source"));
        best = start_from(&f, NULL);
        assert_true(isfinite(best) && isfinite(given));
        assert_true(best <= sampled);
        assert_true(best < given);
        assert_close(start_from(&f, NULL), best, 0); // and the same again
        close_fixture(&f);
    }
}

/* With as many tokens as it has, a prefix that starts from the prompt is the
 * prompt, but for the second BOS after it. */
static void
test_start_from_the_prompt_itself_is_near_it(void **state)
{
    struct fixture f;
    double prompt, other;

    (void)state;
    open_fixture(&f, "prompt:Say i", KIND_PREFIX); // 6 tokens with BOS
    prompt = start_from(&f, NULL);
    assert_non_null(strstr(f.line, "the prompt itself"));
    other = start_from(&f, "text:zzzzz");
    assert_true(prompt < 0.5 * other);
    close_fixture(&f);
}

static void
test_start_leaves_other_terms_alone(void **state)
{
    struct fixture f;
    struct adapter_weights_flat flat;
    const trv_virtual_options o = TRV_VIRTUAL_OPTIONS_INIT;
    double before = 0, after = 0;
    trv_err err = {0};

    (void)state;
    open_fixture(&f, "prompt:Say it.", KIND_ADAPTER);
    flat = adapter_weights_flat(&f.student);
    for (int64_t i = 0; i < flat.n; i++)
        before += (double)flat.w[i] * (double)(i + 1);
    must(start_virtual(&f.t, &f.job, &f.in, &o, &err), &err);
    for (int64_t i = 0; i < flat.n; i++)
        after += (double)flat.w[i] * (double)(i + 1);
    assert_close(after, before, 0);
    assert_string_equal(f.line, "");
    close_fixture(&f);
}

static void
test_start_says_what_cannot_be_read(void **state)
{
    const trv_virtual_options o = {6, "@nowhere.txt"};
    struct fixture f;
    trv_err err = {0};

    (void)state;
    open_fixture(&f, "prompt:Say it.", KIND_SOFT);
    assert_int_equal(start_virtual(&f.t, &f.job, &f.in, &o, &err), TRV_EIO);
    assert_non_null(strstr(err.msg, "nowhere.txt"));
    close_fixture(&f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_start_is_the_best_of_what_is_tried),
        cmocka_unit_test(test_start_from_the_prompt_itself_is_near_it),
        cmocka_unit_test(test_start_leaves_other_terms_alone),
        cmocka_unit_test(test_start_says_what_cannot_be_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
