/* test_run.c -- the loop: it learns, it resumes bit for bit, it stops well. */
#include "support/test.h"

#include <math.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/rng.h"
#include "learn/loop/run.h"
#include "learn/loop/run_state.h"

#define N 9 // parameters of the logistic regression: 8 weights, a bias

/* Two tasks in one: a quadratic sum (w - i)^2 / 2, or logistic regression on
 * rows drawn from a random state that is part of the checkpoint. */
struct toy {
    float w[N], g[N];
    struct rng rng;
    bool quadratic;
    int64_t bad_loss_at, bad_gradient_at; // steps; -1: never
    int64_t refreshes;
};

static int
toy_gradient(void *self, int64_t step, int64_t micro, double *loss,
             double *weight, double *tokens, trv_err *err)
{
    struct toy *t = self;

    (void)micro;
    (void)err;
    if (t->quadratic) {
        for (int i = 0; i < N; i++) {
            const float e = t->w[i] - (float)i;

            t->g[i] += 2.0f * e; // of a sum of two equal losses
            *loss += (double)(e * e);
        }
        *weight += 2.0;
    } else {
        for (int row = 0; row < 16; row++) {
            double x[N], z = 0.0, p, y, truth = 0.0;

            for (int i = 0; i < N; i++) {
                x[i] = i < N - 1 ? rng_normal(&t->rng) : 1.0;
                z += x[i] * (double)t->w[i];
                truth += x[i] * (i % 2 ? 1.0 : -0.5);
            }
            y = truth > 0.0 ? 1.0 : 0.0;
            p = 1.0 / (1.0 + exp(-z));
            *loss -= y > 0.5 ? log(p) : log(1.0 - p);
            for (int i = 0; i < N; i++)
                t->g[i] += (float)((p - y) * x[i]);
        }
        *weight += 16.0;
    }
    *tokens += 16.0;
    if (step == t->bad_loss_at)
        *loss = (double)NAN;
    if (step == t->bad_gradient_at)
        t->g[4] = INFINITY;
    return 0;
}

static int
toy_after(void *self, trv_err *err)
{
    (void)err;
    ((struct toy *)self)->refreshes++;
    return 0;
}

static int
toy_save(void *self, json_t **out, trv_err *err)
{
    struct toy *t = self;

    *out = json_pack("{s:I,s:I}", "state", (json_int_t)t->rng.state, "stream",
                     (json_int_t)t->rng.stream);
    return *out ? 0 : err_fail(err, TRV_ENOMEM, "no memory");
}

static int
toy_load(void *self, const json_t *state, trv_err *err)
{
    json_int_t word, stream;

    if (json_unpack((json_t *)(uintptr_t)state, "{s:I,s:I}", "state", &word,
                    "stream", &stream))
        return err_fail(err, TRV_EFORMAT, "the random state is broken");
    ((struct toy *)self)->rng = (struct rng){(uint64_t)word, (uint64_t)stream};
    return 0;
}

static void
toy_locate(void *self, char *buf, size_t size, int64_t index)
{
    (void)self;
    snprintf(buf, size, "weight number %lld", (long long)index);
}

static struct run_task
toy_task(struct toy *t, bool quadratic)
{
    memset(t, 0, sizeof(*t));
    t->quadratic = quadratic;
    t->bad_loss_at = t->bad_gradient_at = -1;
    rng_init(&t->rng, 11, 3);
    return (struct run_task){.self = t,
                             .of = t,
                             .w = t->w,
                             .g = t->g,
                             .n = N,
                             .gradient = toy_gradient,
                             .after_update = toy_after,
                             .save = toy_save,
                             .load = toy_load,
                             .locate = toy_locate};
}

static struct backend *be;

static int
set_up(void **state)
{
    const struct backend_options o = {
        .prec = PREC_F32, .threads = 1, .isa = "ref"};

    (void)state;
    return backend_open(&be, &o, NULL);
}

static int
tear_down(void **state)
{
    (void)state;
    backend_free(be);
    return 0;
}

static struct run_options
options(int64_t steps, const char *dir)
{
    struct run_options o = RUN_OPTIONS_INIT;

    o.steps = steps;
    o.lr = 0.05;
    o.warmup = 0.1;
    o.weight_decay = 0.01;
    o.accumulate = 2;
    o.dir = dir;
    return o;
}

static bool
stop_after(const trv_progress *p, void *payload)
{
    return p->done < *(int64_t *)payload;
}

/* The values of one field in metrics.jsonl. */
static int
read_metrics(double *out, int max, const char *dir, const char *field)
{
    char *path = path_join(dir, "metrics.jsonl");
    FILE *f = fopen(path, "rb");
    char line[1024];
    int n = 0;

    assert_non_null(f);
    while (fgets(line, sizeof(line), f)) {
        json_t *obj;

        assert_true(n < max);
        assert_int_equal(json_parse(&obj, path, line, strlen(line), NULL), 0);
        assert_int_equal(json_integer_value(json_object_get(obj, "step")),
                         n + 1);
        out[n++] = json_number_value(json_object_get(obj, field));
        json_decref(obj);
    }
    fclose(f);
    mem_free(path);
    return n;
}

static void
test_run_finds_the_minimum_of_a_quadratic(void **state)
{
    struct toy t;
    const struct run_task task = toy_task(&t, true);
    struct run_options o = options(2000, NULL);
    struct run_result r;

    (void)state;
    o.weight_decay = 0.0;
    assert_int_equal(run_train(&r, &task, &o, be, NULL, NULL, NULL), 0);
    /* The first loss is sum i^2 / 2 = 102; the rate falls to 0 at the end. */
    assert_close(r.first_loss, 102.0, 1e-9);
    for (int i = 0; i < N; i++)
        assert_close(t.w[i], i, 1e-3);
    assert_true(r.last_loss < 1e-6);
    assert_int_equal(r.steps, 2000);
    assert_int_equal(t.refreshes, 2000);
    assert_close(r.tokens, 2000 * 2 * 16, 0.0);
}

static void
test_run_learns_a_logistic_regression(void **state)
{
    struct toy t;
    const struct run_task task = toy_task(&t, false);
    struct run_options o = options(400, NULL);
    struct run_result r;

    (void)state;
    assert_int_equal(run_train(&r, &task, &o, be, NULL, NULL, NULL), 0);
    assert_close(r.first_loss, log(2.0), 1e-6); // all weights are 0
    assert_true(r.mean_loss < 0.25);
    for (int i = 0; i < N; i++) // the truth's signs
        assert_true(i % 2 ? t.w[i] > 0.0f : t.w[i] < 0.0f);
}

static void
test_run_resumes_bit_for_bit(void **state)
{
    char straight[256], parted[256];
    struct toy a, b;
    const struct run_task task_a = toy_task(&a, false);
    struct run_task task_b = toy_task(&b, false);
    struct run_result ra, rb;
    double la[16], lb[16];
    int64_t five = 5;
    struct run_options o;
    trv_err err;

    (void)state;
    snprintf(straight, sizeof(straight), "%s", test_tmpdir("run-straight"));
    snprintf(parted, sizeof(parted), "%s", test_tmpdir("run-parted"));
    o = options(10, straight);
    assert_int_equal(run_train(&ra, &task_a, &o, be, NULL, NULL, NULL), 0);

    o = options(10, parted);
    assert_int_equal(run_train(&rb, &task_b, &o, be, stop_after, &five, &err),
                     TRV_ECANCELED);
    assert_non_null(strstr(err.msg, "stopped after step 5 of 10"));
    assert_non_null(strstr(err.msg, parted));
    assert_non_null(strstr(err.msg, "--resume"));
    assert_true(run_is_stopped(parted));

    task_b = toy_task(&b, false); // a new process knows nothing
    memset(b.w, 0x5a, sizeof(b.w));
    o.resume = true;
    assert_int_equal(run_train(&rb, &task_b, &o, be, NULL, NULL, &err), 0);
    assert_memory_equal(a.w, b.w, sizeof(a.w));
    assert_int_equal(read_metrics(la, 16, straight, "loss"), 10);
    assert_int_equal(read_metrics(lb, 16, parted, "loss"), 10);
    assert_memory_equal(la, lb, 10 * sizeof(la[0]));
    assert_int_equal(read_metrics(la, 16, straight, "grad_norm"), 10);
    assert_int_equal(read_metrics(lb, 16, parted, "grad_norm"), 10);
    assert_memory_equal(la, lb, 10 * sizeof(la[0]));
    assert_close(ra.first_loss, rb.first_loss, 0.0);
    assert_close(ra.mean_loss, rb.mean_loss, 0.0);
    assert_close(ra.tokens, rb.tokens, 0.0);
    assert_int_equal(rb.steps, 10);

    run_discard(parted);
    assert_false(run_is_stopped(parted));
}

static int
slow_gradient(void *self, int64_t step, int64_t micro, double *loss,
              double *weight, double *tokens, trv_err *err)
{
    usleep(10000);
    return toy_gradient(self, step, micro, loss, weight, tokens, err);
}

/* Stopped after step 23, one of the three that the loss at the end is of. */
static void
test_run_resumed_counts_what_was_before(void **state)
{
    char straight[256], parted[256];
    struct toy a, b;
    const struct run_task task_a = toy_task(&a, true);
    struct run_task task_b = toy_task(&b, true);
    struct run_result ra, rb;
    int64_t at = 23;
    struct run_options o;
    trv_err err;

    (void)state;
    snprintf(straight, sizeof(straight), "%s", test_tmpdir("run-whole"));
    snprintf(parted, sizeof(parted), "%s", test_tmpdir("run-counted"));
    o = options(25, straight);
    assert_int_equal(run_train(&ra, &task_a, &o, be, NULL, NULL, NULL), 0);
    o = options(25, parted);
    task_b.gradient = slow_gradient;
    assert_int_equal(run_train(&rb, &task_b, &o, be, stop_after, &at, &err),
                     TRV_ECANCELED);
    task_b = toy_task(&b, true);
    o.resume = true;
    assert_int_equal(run_train(&rb, &task_b, &o, be, NULL, NULL, &err), 0);
    assert_close(rb.mean_loss, ra.mean_loss, 0.0);
    assert_close(rb.tokens, ra.tokens, 0.0);
    assert_true(rb.seconds > 23 * 2 * 0.01); // each micro-batch slept
    run_discard(parted);
}

/* A run of fewer steps than were made is another one. */
static void
test_run_refuses_to_resume_behind_its_end(void **state)
{
    char dir[256];
    struct toy t;
    const struct run_task task = toy_task(&t, true);
    struct run_result r;
    int64_t five = 5;
    struct run_options o;
    trv_err err;

    (void)state;
    snprintf(dir, sizeof(dir), "%s", test_tmpdir("run-shorter"));
    o = options(10, dir);
    assert_int_equal(run_train(&r, &task, &o, be, stop_after, &five, &err),
                     TRV_ECANCELED);
    o.resume = true;
    o.steps = 4;
    assert_int_equal(run_train(&r, &task, &o, be, NULL, NULL, &err),
                     TRV_EMISMATCH);
    assert_non_null(strstr(err.msg, "at step 5 of a run of 4"));
    run_discard(dir);
}

static void
test_run_checkpoints_are_as_often_as_asked_for(void **state)
{
    char dir[256];
    struct toy t;
    const struct run_task task = toy_task(&t, true);
    struct run_file file;
    struct run_result r;
    struct run_options o;
    trv_err err;

    (void)state;
    snprintf(dir, sizeof(dir), "%s", test_tmpdir("run-often"));
    o = options(10, dir);
    o.checkpoint_every = 3;
    t.bad_loss_at = 5; // the sixth step: five are made, three are saved
    assert_int_equal(run_train(&r, &task, &o, be, NULL, NULL, &err),
                     TRV_ENONFINITE);
    if (run_state_open(&file, dir, N, &err))
        fail_msg("%s", err.msg);
    assert_int_equal(file.state.step, 3);
    run_state_release(&file);
    run_discard(dir);
}

/* Gradients that shrink: clipped, the early ones count for less. */
static void
test_run_clips_gradients_above_the_bound_only(void **state)
{
    static const double clips[] = {0.0, 1e9, 0.5};
    struct toy t[3];

    (void)state;
    for (int k = 0; k < 3; k++) {
        const struct run_task task = toy_task(&t[k], true);
        struct run_options o = options(60, NULL);
        struct run_result r;

        o.lr = 0.2;
        o.clip = clips[k];
        assert_int_equal(run_train(&r, &task, &o, be, NULL, NULL, NULL), 0);
    }
    assert_memory_equal(t[0].w, t[1].w, sizeof(t[0].w));
    assert_true(fabs((double)(t[0].w[8] - t[2].w[8])) > 0.01);
}

static int64_t
toy_figures(void *self, const struct run_figure **out)
{
    static struct run_figure list[2];

    list[0] = (struct run_figure){"toy/refreshes",
                                  (double)((struct toy *)self)->refreshes};
    list[1] = (struct run_figure){"toy/unknown", (double)NAN};
    *out = list;
    return 2;
}

static void
test_run_metrics_take_the_task_s_own_figures(void **state)
{
    char dir[256];
    struct toy t;
    struct run_task task = toy_task(&t, true);
    struct run_result r;
    struct run_options o;
    double seen[8];

    (void)state;
    snprintf(dir, sizeof(dir), "%s", test_tmpdir("run-figures"));
    o = options(4, dir);
    task.figures = toy_figures;
    assert_int_equal(run_train(&r, &task, &o, be, NULL, NULL, NULL), 0);
    assert_int_equal(read_metrics(seen, 8, dir, "toy/refreshes"), 4);
    for (int i = 0; i < 4; i++) // asked for after the update
        assert_close(seen[i], i + 1, 0.0);
    /* A NaN is no JSON: were it there, the lines could not be read. */
    assert_int_equal(read_metrics(seen, 8, dir, "toy/unknown"), 4);
    assert_close(seen[0], 0.0, 0.0);
}

static void
test_run_cuts_metrics_behind_the_checkpoint(void **state)
{
    char dir[256];
    struct toy a, b;
    const struct run_task task_a = toy_task(&a, false);
    struct run_task task_b = toy_task(&b, false);
    struct run_result r;
    double lr[16];
    struct run_options o;

    (void)state;
    snprintf(dir, sizeof(dir), "%s", test_tmpdir("run-cut"));
    o = options(10, NULL);
    assert_int_equal(run_train(&r, &task_a, &o, be, NULL, NULL, NULL), 0);

    o = options(10, dir);
    o.checkpoint_every = 3;
    b.bad_loss_at = 7; // step 8 fails: 7 lines, but a checkpoint of step 6
    assert_int_equal(run_train(&r, &task_b, &o, be, NULL, NULL, NULL),
                     TRV_ENONFINITE);
    assert_int_equal(read_metrics(lr, 16, dir, "lr"), 7);
    task_b = toy_task(&b, false);
    o.resume = true;
    assert_int_equal(run_train(&r, &task_b, &o, be, NULL, NULL, NULL), 0);
    assert_int_equal(read_metrics(lr, 16, dir, "lr"), 10);
    assert_memory_equal(a.w, b.w, sizeof(a.w));
}

static void
test_run_accumulation_equals_one_large_batch(void **state)
{
    struct toy a, b;
    const struct run_task task_a = toy_task(&a, true);
    const struct run_task task_b = toy_task(&b, true);
    struct run_options o = options(20, NULL);
    struct run_result ra, rb;

    (void)state;
    o.accumulate = 1;
    assert_int_equal(run_train(&ra, &task_a, &o, be, NULL, NULL, NULL), 0);
    o.accumulate = 4;
    assert_int_equal(run_train(&rb, &task_b, &o, be, NULL, NULL, NULL), 0);
    /* Sums of powers of two of one number: exact. */
    assert_memory_equal(a.w, b.w, sizeof(a.w));
    assert_close(ra.last_loss, rb.last_loss, 1e-12);
}

static void
test_run_stops_at_a_loss_that_is_not_finite(void **state)
{
    char dir[256];
    struct toy t;
    struct run_task task = toy_task(&t, false);
    struct strbuf before = {0}, after = {0};
    struct run_options o;
    struct run_result r;
    char *path;
    trv_err err;

    (void)state;
    snprintf(dir, sizeof(dir), "%s", test_tmpdir("run-nan"));
    path = path_join(dir, "checkpoint.safetensors");
    o = options(10, dir);
    o.checkpoint_every = 4;
    t.bad_loss_at = 6;
    assert_int_equal(run_train(&r, &task, &o, be, NULL, NULL, &err),
                     TRV_ENONFINITE);
    assert_non_null(strstr(err.msg, "the loss is nan at step 7"));
    assert_non_null(strstr(err.msg, dir));
    assert_int_equal(file_read(&before, path, 1 << 20, NULL), 0);

    task = toy_task(&t, false);
    t.bad_gradient_at = 7;
    o.resume = true;
    assert_int_equal(run_train(&r, &task, &o, be, NULL, NULL, &err),
                     TRV_ENONFINITE);
    assert_non_null(
        strstr(err.msg, "the gradient of weight number 4 is inf at step 8"));
    assert_int_equal(file_read(&after, path, 1 << 20, NULL), 0);
    assert_int_equal(before.len, after.len);
    assert_memory_equal(before.s, after.s, before.len);
    sb_release(&before);
    sb_release(&after);
    mem_free(path);
}

static void
test_run_refuses_to_resume_another_run_by_field(void **state)
{
    char dir[256];
    struct toy t;
    struct run_task task = toy_task(&t, false);
    json_t *was = json_pack("{s:{s:i, s:s}, s:s}", "options", "rank", 16,
                            "method", "distill", "data", "ab12");
    json_t *is = json_deep_copy(was);
    struct run_options o;
    struct run_result r;
    int64_t two = 2;
    trv_err err;

    (void)state;
    snprintf(dir, sizeof(dir), "%s", test_tmpdir("run-other"));
    o = options(4, dir);
    o.fingerprint = was;
    o.resume = true;
    assert_int_equal(run_train(&r, &task, &o, be, NULL, NULL, &err), TRV_EIO);
    assert_non_null(strstr(err.msg, "no stopped run"));
    o.resume = false;
    assert_int_equal(run_train(&r, &task, &o, be, stop_after, &two, NULL),
                     TRV_ECANCELED);

    json_object_set_new(json_object_get(is, "options"), "rank",
                        json_integer(8));
    o.fingerprint = is;
    assert_int_equal(run_train(&r, &task, &o, be, NULL, NULL, &err),
                     TRV_EEXIST); // neither resumed nor replaced
    o.resume = true;
    assert_int_equal(run_train(&r, &task, &o, be, NULL, NULL, &err),
                     TRV_EMISMATCH);
    assert_non_null(strstr(err.msg, "options.rank was 16 and is 8 now"));
    json_object_del(is, "data");
    json_object_set_new(json_object_get(is, "options"), "rank",
                        json_integer(16));
    assert_int_equal(run_train(&r, &task, &o, be, NULL, NULL, &err),
                     TRV_EMISMATCH);
    assert_non_null(strstr(err.msg, "data was \"ab12\" and is absent now"));

    o.resume = false;
    o.replace = true;
    assert_int_equal(run_train(&r, &task, &o, be, NULL, NULL, &err), 0);
    json_decref(was);
    json_decref(is);
}

static void
test_run_full_disk_leaves_the_last_checkpoint_whole(void **state)
{
    char dir[256];
    struct toy t;
    struct run_task task = toy_task(&t, false);
    struct rlimit old, small;
    struct run_options o;
    struct run_result r;
    double lr[64];
    int64_t three = 3;
    trv_err err;
    int rc;

    (void)state;
    snprintf(dir, sizeof(dir), "%s", test_tmpdir("run-full"));
    o = options(40, dir);
    assert_int_equal(run_train(&r, &task, &o, be, stop_after, &three, NULL),
                     TRV_ECANCELED);

    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    small = old;
    small.rlim_cur = 1200; // some more lines of metrics, then no more
    task = toy_task(&t, false);
    o.resume = true;
    o.checkpoint_every = 1;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    rc = run_train(&r, &task, &o, be, NULL, NULL, &err);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    assert_int_equal(rc, TRV_EIO);
    assert_non_null(strstr(err.msg, "cannot write"));
    assert_true(r.steps < 40);

    task = toy_task(&t, false);
    assert_int_equal(run_train(&r, &task, &o, be, NULL, NULL, &err), 0);
    assert_int_equal(read_metrics(lr, 64, dir, "lr"), 40);
}

/* ---- divergence --------------------------------------------------------- */

static void
test_run_whose_loss_rose_has_diverged_and_ends_so_again(void **state)
{
    const char *dir = test_tmpdir("run-diverged");
    struct toy t;
    struct run_task task = toy_task(&t, true);
    struct run_options o = options(12, dir);
    struct run_result r, again;
    trv_err err;

    (void)state;
    o.lr = 1000.0; // AdamW moves each weight by it, whatever the gradient is
    o.schedule = "constant";
    o.checkpoint_every = 0;
    assert_int_equal(run_train(&r, &task, &o, be, NULL, NULL, &err), 0);
    assert_false(r.diverged); // a loss that nobody says should fall

    task = toy_task(&t, true);
    task.loss_unit = "";
    o.replace = true;
    assert_int_equal(run_train(&r, &task, &o, be, NULL, NULL, &err), 0);
    assert_true(r.diverged);
    assert_true(r.mean_loss > 1.5 * r.first_loss);
    assert_true(r.first_again > 1.5 * r.first_loss);

    task = toy_task(&t, true);
    task.loss_unit = "";
    o.replace = false;
    o.resume = true;
    assert_int_equal(run_train(&again, &task, &o, be, NULL, NULL, &err), 0);
    assert_int_equal(again.steps, 12); // and none of them now
    assert_true(again.diverged);
    assert_close(again.mean_loss, r.mean_loss, 0.0);
    assert_close(again.first_again, r.first_again, 0.0);
}

/* ---- what a step begins and ends with ----------------------------------- */

static char order[64]; // the calls of a run, a letter each

static void
note_call(char call)
{
    const size_t n = strlen(order);

    assert_true(n + 1 < sizeof(order));
    order[n] = call;
    order[n + 1] = '\0';
}

static int
noted_begin(void *self, int64_t step, double *tokens, trv_err *err)
{
    (void)self;
    note_call('b');
    *tokens += 100.0;
    return step == 3 ? err_fail(err, TRV_EIO, "no answers") : 0;
}

static int
noted_gradient(void *self, int64_t step, int64_t micro, double *loss,
               double *weight, double *tokens, trv_err *err)
{
    note_call((char)('0' + micro));
    return toy_gradient(self, step, micro, loss, weight, tokens, err);
}

static void
noted_end(void *self, int64_t step)
{
    (void)self;
    (void)step;
    note_call('e');
}

static int
noted_after(void *of, trv_err *err)
{
    note_call('u');
    return toy_after(of, err);
}

static struct run_task
noted_task(struct toy *t)
{
    struct run_task task = toy_task(t, true);

    order[0] = '\0';
    task.begin_step = noted_begin;
    task.gradient = noted_gradient;
    task.end_step = noted_end;
    task.after_update = noted_after;
    return task;
}

static void
test_run_begins_and_ends_each_step_once(void **state)
{
    struct toy t;
    struct run_task task = noted_task(&t);
    struct run_options o = options(2, NULL);
    struct run_result r;
    trv_err err;

    (void)state;
    assert_int_equal(run_train(&r, &task, &o, be, NULL, NULL, NULL), 0);
    assert_string_equal(order, "b01eub01eu");
    assert_close(r.tokens, 2 * (100 + 2 * 16), 0.0);

    task = noted_task(&t); // a failed beginning ends the run
    o = options(5, NULL);
    assert_int_equal(run_train(&r, &task, &o, be, NULL, NULL, &err), TRV_EIO);
    assert_string_equal(order, "b01eub01eub01eub");
    assert_int_equal(r.steps, 3);
}

static void
test_run_that_looks_for_divergence_ends_no_step_again(void **state)
{
    struct toy t;
    struct run_task task = noted_task(&t);
    struct run_options o = options(2, NULL);
    struct run_result r;

    (void)state;
    o.lr = 1000.0;
    o.schedule = "constant";
    task.loss_unit = "";
    assert_int_equal(run_train(&r, &task, &o, be, NULL, NULL, NULL), 0);
    assert_true(r.diverged);
    assert_string_equal(order, "b01eub01eub01");
}

/* ---- easy rows ---------------------------------------------------------- */

/* The first step's rows are easy, all others are not, and nothing is learned. */
static int
uneven_gradient(void *self, int64_t step, int64_t micro, double *loss,
                double *weight, double *tokens, trv_err *err)
{
    (void)self;
    (void)micro;
    (void)err;
    *loss += step == 0 ? 0.1 : 3.0;
    *weight += 1.0;
    *tokens += 1.0;
    return 0;
}

static void
test_run_with_easy_rows_first_has_not_diverged(void **state)
{
    struct toy t;
    struct run_task task = toy_task(&t, true);
    struct run_options o = options(30, NULL);
    struct run_result r;
    trv_err err;

    (void)state;
    task.loss_unit = "";
    task.gradient = uneven_gradient;
    assert_int_equal(run_train(&r, &task, &o, be, NULL, NULL, &err), 0);
    assert_close(r.mean_loss, 3.0, 1e-12);
    assert_close(r.first_again, 0.1, 1e-12);
    assert_false(r.diverged);
}

static bool
count_calls(const trv_progress *p, void *payload)
{
    int64_t *calls = payload;

    if (p->done == 2)
        *calls = mem_stats_get().calls;
    else if (p->done > 2)
        assert_int_equal(mem_stats_get().calls, *calls);
    return true;
}

static void
test_run_allocates_nothing_after_its_first_step(void **state)
{
    struct toy t;
    const struct run_task task = toy_task(&t, false);
    struct run_options o = options(8, test_tmpdir("run-calls"));
    struct run_result r;
    int64_t calls = 0;

    (void)state;
    assert_int_equal(run_train(&r, &task, &o, be, count_calls, &calls, NULL),
                     0);
    assert_true(calls > 0);
}

static void
test_run_survives_every_failed_allocation(void **state)
{
    char dir[256];

    (void)state;
    snprintf(dir, sizeof(dir), "%s", test_tmpdir("run-sweep"));
    for (int64_t n = 0; n < 200; n++) {
        const int64_t live = mem_stats_get().live_bytes;
        struct toy t;
        const struct run_task task = toy_task(&t, false);
        struct run_options o = options(4, dir);
        struct run_result r;
        int rc;

        o.replace = true;
        mem_fail_after(n);
        rc = run_train(&r, &task, &o, be, NULL, NULL, NULL);
        mem_fail_after(-1);
        assert_int_equal(mem_stats_get().live_bytes, live);
        if (rc == 0)
            return;
        assert_int_equal(rc, TRV_ENOMEM);
    }
    fail_msg("never passed");
}

/* A tenth of 25 steps is 3, rounded up. */
static void
test_run_mean_loss_is_that_of_the_last_tenth_of_the_steps(void **state)
{
    struct toy t;
    const struct run_task task = toy_task(&t, true);
    const char *dir = test_tmpdir("run-tail");
    struct run_options o;
    struct run_result r;
    double loss[25];

    (void)state;
    o = options(25, dir);
    assert_int_equal(run_train(&r, &task, &o, be, NULL, NULL, NULL), 0);
    assert_int_equal(read_metrics(loss, 25, dir, "loss"), 25);
    assert_close(r.mean_loss, (loss[22] + loss[23] + loss[24]) / 3.0, 1e-12);
    assert_true(loss[21] > loss[22] + 0.1); // another share would show
    assert_close(r.first_loss, loss[0], 0);
    assert_close(r.last_loss, loss[24], 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            test_run_whose_loss_rose_has_diverged_and_ends_so_again),
        cmocka_unit_test(test_run_with_easy_rows_first_has_not_diverged),
        cmocka_unit_test(test_run_finds_the_minimum_of_a_quadratic),
        cmocka_unit_test(test_run_learns_a_logistic_regression),
        cmocka_unit_test(test_run_resumes_bit_for_bit),
        cmocka_unit_test(test_run_resumed_counts_what_was_before),
        cmocka_unit_test(test_run_refuses_to_resume_behind_its_end),
        cmocka_unit_test(test_run_checkpoints_are_as_often_as_asked_for),
        cmocka_unit_test(test_run_clips_gradients_above_the_bound_only),
        cmocka_unit_test(test_run_metrics_take_the_task_s_own_figures),
        cmocka_unit_test(test_run_cuts_metrics_behind_the_checkpoint),
        cmocka_unit_test(test_run_accumulation_equals_one_large_batch),
        cmocka_unit_test(test_run_stops_at_a_loss_that_is_not_finite),
        cmocka_unit_test(test_run_refuses_to_resume_another_run_by_field),
        cmocka_unit_test(test_run_full_disk_leaves_the_last_checkpoint_whole),
        cmocka_unit_test(test_run_begins_and_ends_each_step_once),
        cmocka_unit_test(test_run_that_looks_for_divergence_ends_no_step_again),
        cmocka_unit_test(test_run_allocates_nothing_after_its_first_step),
        cmocka_unit_test(test_run_survives_every_failed_allocation),
        cmocka_unit_test(
            test_run_mean_loss_is_that_of_the_last_tenth_of_the_steps),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
