/* run.c -- the loop of training.
 *
 *   step:  clear g; begin_step; micro-batches add to g; end_step; check; clip;
 *          AdamW; after_update; a line of metrics; progress; now and then a
 *          checkpoint
 *
 * The order within a step is what makes resuming exact: a checkpoint is taken
 * between steps, after the line of metrics, and holds the length of
 * metrics.jsonl at that moment; what lies behind it is cut on a resume.
 */
#include "learn/loop/run.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "learn/loop/run_state.h"
#include "learn/loop/schedule.h"

#define METRICS "metrics.jsonl"

struct run {
    const struct run_task *task;
    const struct run_options *opts;
    struct backend *be;
    struct schedule schedule;
    struct optimiser opt;
    struct decay_range *undecayed; // of the optimiser
    char *metrics_path;
    FILE *metrics; // NULL where there is no folder
    struct run_result result;
    double tail_sum; // of the losses of the last tenth of the steps
    int64_t tail_n;
    double started, seconds_before; // monotonic; of earlier parts of the run
};

/* ---- the folder ------------------------------------------------------ */

static int
open_metrics(struct run *r, int64_t keep, trv_err *err)
{
    r->metrics = fopen(r->metrics_path, keep > 0 ? "r+b" : "wb");
    if (!r->metrics && keep > 0 && errno == ENOENT) // removed: begin anew
        r->metrics = fopen(r->metrics_path, "wb");
    if (!r->metrics)
        return err_fail(err, TRV_EIO, "cannot open '%s': %s", r->metrics_path,
                        strerror(errno));
    if (keep > 0 && file_size(r->metrics_path) > keep &&
        ftruncate(fileno(r->metrics), keep) != 0)
        return err_fail(err, TRV_EIO, "cannot shorten '%s': %s",
                        r->metrics_path, strerror(errno));
    if (fseek(r->metrics, 0, SEEK_END) != 0)
        return err_fail(err, TRV_EIO, "cannot open '%s': %s", r->metrics_path,
                        strerror(errno));
    return 0;
}

/* The host's view of a vector [n]; NULL without memory. */
static const float *
fetch(const struct run *r, struct arena *a, float *x)
{
    return backend_fetch(r->be, a, mat_f32(x, 1, r->task->n)).data;
}

static int
save_vectors(const struct run *r, const struct run_state *s, trv_err *err)
{
    struct arena a = {0};
    const float *w = fetch(r, &a, r->task->w);
    const float *m = fetch(r, &a, r->opt.m), *v = fetch(r, &a, r->opt.v);
    const int rc =
        w && m && v ? run_state_save(r->opts->dir, s, w, m, v, r->task->n, err)
                    : err_fail(err, TRV_ENOMEM, "no memory to save a run");

    arena_release(&a);
    return rc;
}

static int
save(struct run *r, trv_err *err)
{
    struct run_state s = {
        .step = r->opt.step,
        .metrics_bytes = r->metrics ? (int64_t)ftell(r->metrics) : 0,
        .first_loss = r->result.first_loss,
        .last_loss = r->result.last_loss,
        .tail_sum = r->tail_sum,
        .tail_n = r->tail_n,
        .tokens = r->result.tokens,
        .seconds = r->seconds_before + clock_now() - r->started,
        .fingerprint = r->opts->fingerprint,
    };
    json_t *state = NULL;
    int rc = 0;

    if (r->task->save)
        rc = r->task->save(r->task->self, &state, err);
    s.task = state;
    if (!rc)
        rc = save_vectors(r, &s, err);
    json_decref(state);
    return rc;
}

static int
resume(struct run *r, int64_t *metrics_bytes, trv_err *err)
{
    struct run_file c = {0};
    const struct run_state *s = &c.state;
    int rc;

    rc = run_state_open(&c, r->opts->dir, r->task->n, err);
    if (rc)
        return rc;
    rc = run_state_same_run(&c, r->opts->fingerprint, err);
    if (!rc && s->step > r->opts->steps)
        rc = err_fail(err, TRV_EMISMATCH,
                      "cannot resume '%s': it is at step %" PRId64
                      " of a run of %" PRId64,
                      c.path, s->step, r->opts->steps);
    if (!rc && r->task->load)
        rc = r->task->load(r->task->self, s->task, err);
    if (rc)
        goto done;
    run_state_values(&c, r->be, r->task->w, r->opt.m, r->opt.v);
    r->opt.step = s->step;
    r->tail_sum = s->tail_sum;
    r->tail_n = s->tail_n;
    r->seconds_before = s->seconds;
    r->result.first_loss = s->first_loss;
    r->result.last_loss = s->last_loss;
    r->result.tokens = s->tokens;
    *metrics_bytes = s->metrics_bytes;
    if (r->task->after_update)
        rc = r->task->after_update(r->task->of, err);
done:
    run_state_release(&c);
    return rc;
}

static int
open_folder(struct run *r, trv_err *err)
{
    const char *dir = r->opts->dir;
    int64_t metrics_bytes = 0;
    int rc = 0;

    if (!dir)
        return r->opts->resume ? err_fail(err, TRV_EINVAL,
                                          "a run without a folder cannot be "
                                          "resumed")
                               : 0;
    r->metrics_path = path_join(dir, METRICS);
    if (!r->metrics_path)
        return err_nomem(err, "to open '%s'", dir);
    if (r->opts->resume)
        rc = resume(r, &metrics_bytes, err);
    else if (run_is_stopped(dir) && !r->opts->replace)
        rc = err_fail(err, TRV_EEXIST,
                      "a stopped run lies in '%s': --resume goes on, "
                      "--replace starts anew",
                      dir);
    else if (!(rc = dir_make(dir, err)))
        run_discard(dir);
    return rc ? rc : open_metrics(r, metrics_bytes, err);
}

/* ---- a step ---------------------------------------------------------- */

/* The first that is not finite, or n. */
static int64_t
first_nonfinite(const struct run *r, double *value, trv_err *err)
{
    struct arena a = {0};
    const float *g = fetch(r, &a, r->task->g);
    int64_t i = 0;

    if (!g) {
        arena_release(&a);
        return err_fail(err, TRV_ENOMEM, "no memory to look at a gradient");
    }
    while (i < r->task->n && isfinite(g[i]))
        i++;
    *value = i < r->task->n ? (double)g[i] : 0.0;
    arena_release(&a);
    return i;
}

static int
nonfinite_gradient(const struct run *r, int64_t step, trv_err *err)
{
    const struct run_task *t = r->task;
    char name[320] = "";
    double value = 0.0;
    const int64_t i = first_nonfinite(r, &value, err);

    if (i < 0)
        return (int)i;
    if (i == t->n) // each value is finite, their squares' sum is not
        return err_fail(err, TRV_ENONFINITE,
                        "the gradient's norm overflows at step %" PRId64,
                        step + 1);
    if (t->locate)
        t->locate(t->of, name, sizeof(name), i);
    else
        snprintf(name, sizeof(name), "parameter %" PRId64, i);
    return err_fail(err, TRV_ENONFINITE,
                    "the gradient of %s is %g at step %" PRId64, name, value,
                    step + 1);
}

static int
nonfinite_loss(int64_t step, double loss, double weight, trv_err *err)
{
    if (isfinite(loss) && isfinite(weight))
        return err_fail(err, TRV_EINVAL,
                        "no token carries loss at step %" PRId64, step + 1);
    return err_fail(err, TRV_ENONFINITE, "the loss is %g at step %" PRId64,
                    isfinite(weight) ? loss : weight, step + 1);
}

/* Extend the error that stopped a run by how to proceed. */
static int
append_last_good(const struct run *r, int rc, trv_err *err)
{
    const size_t n = err ? strlen(err->msg) : 0;

    if (err && r->opts->dir)
        snprintf(err->msg + n, sizeof(err->msg) - n,
                 run_is_stopped(r->opts->dir)
                     ? "; the last good checkpoint is in '%s'"
                     : "; there was no checkpoint yet in '%s'",
                 r->opts->dir);
    return rc;
}

static void
write_figures(struct run *r)
{
    const struct run_figure *list = NULL;
    const struct run_task *t = r->task;
    const int64_t n = t->figures ? t->figures(t->self, &list) : 0;

    for (int64_t i = 0; i < n; i++)
        if (isfinite(list[i].value)) // JSON has no other numbers
            fprintf(r->metrics, "\"%s\": %.17g, ", list[i].name, list[i].value);
}

static int
write_metrics(struct run *r, double loss, double lr, double norm, double tokens,
              trv_err *err)
{
    if (!r->metrics)
        return 0;
    fprintf(r->metrics,
            "{\"step\": %" PRId64 ", \"loss\": %.17g, \"lr\": %.17g, "
            "\"grad_norm\": %.17g, ",
            r->opt.step, loss, lr, norm);
    write_figures(r);
    fprintf(r->metrics, "\"tokens\": %.17g}\n", tokens);
    if (fflush(r->metrics) != 0 || ferror(r->metrics))
        return err_fail(err, TRV_EIO, "cannot write '%s': %s", r->metrics_path,
                        strerror(errno));
    return 0;
}

/* Add to g and to the sums what all micro-batches of a step do. */
static int
add_step(const struct run *r, int64_t step, double *loss, double *weight,
         double *tokens, trv_err *err)
{
    const struct run_task *t = r->task;
    int rc = t->begin_step ? t->begin_step(t->self, step, tokens, err) : 0;

    for (int64_t micro = 0; micro < r->opts->accumulate && !rc; micro++)
        rc = t->gradient(t->self, step, micro, loss, weight, tokens, err);
    return rc;
}

static int
take_step(struct run *r, trv_err *err)
{
    const struct run_task *t = r->task;
    const int64_t step = r->opt.step;
    const double lr = schedule_at(&r->schedule, step);
    double loss = 0.0, weight = 0.0, tokens = 0.0, norm, clip;
    int rc;

    r->be->ops->zero(r->be, mat_f32(t->g, 1, t->n));
    rc = add_step(r, step, &loss, &weight, &tokens, err);
    if (rc)
        return rc;
    if (t->end_step)
        t->end_step(t->self, step);
    if (!isfinite(loss) || !isfinite(weight) || !(weight > 0.0))
        return append_last_good(r, nonfinite_loss(step, loss, weight, err),
                                err);
    loss /= weight;
    norm = optimiser_norm(r->be, t->g, t->n, 1.0 / weight);
    if (!isfinite(norm))
        return append_last_good(r, nonfinite_gradient(r, step, err), err);
    clip = optimiser_clip(norm, r->opts->clip);
    optimiser_step(&r->opt, r->be, t->w, t->g, clip / weight, lr);
    if (t->after_update) {
        rc = t->after_update(t->of, err);
        if (rc)
            return rc;
    }

    if (step == 0)
        r->result.first_loss = loss;
    r->result.last_loss = loss;
    r->result.tokens += tokens;
    if (step >= r->opts->steps - (r->opts->steps + 9) / 10) {
        r->tail_sum += loss;
        r->tail_n++;
    }
    return write_metrics(r, loss, lr, norm, tokens, err);
}

/* ---- how it ended ---------------------------------------------------- */

/* Far above what too few steps or the noise of a small batch explain. */
static bool
has_risen(double loss, double first)
{
    return !(loss - first <= 0.5 * fabs(first) + 0.1);
}

static double
mean_loss(const struct run *r)
{
    return r->tail_n ? r->tail_sum / (double)r->tail_n : (double)NAN;
}

/* A run that may not be saved needs its end, however rarely one asks. */
static bool
is_due(const struct run *r)
{
    const int64_t every = r->opts->checkpoint_every;

    if (r->opt.step < r->opts->steps)
        return every && r->opt.step % every == 0;
    return every || !r->task->loss_unit ||
           has_risen(mean_loss(r), r->result.first_loss);
}

static int
look_for_divergence(struct run *r, trv_err *err)
{
    const struct run_task *t = r->task;
    const double first = r->result.first_loss;
    double loss = 0.0, weight = 0.0, tokens = 0.0;
    int rc;

    if (!t->loss_unit || !r->tail_n || !has_risen(mean_loss(r), first))
        return 0;
    rc = add_step(r, 0, &loss, &weight, &tokens, err);
    r->result.first_again = loss / weight;
    r->result.diverged = has_risen(r->result.first_again, first);
    return rc;
}

/* ---- the run --------------------------------------------------------- */

/* The stretches of parameters that weight decay leaves alone: how many, and,
 * where `out` is given, they. */
static int64_t
find_undecayed(struct decay_range *out, const struct run_task *t)
{
    int64_t n = 0, end;

    for (int64_t at = 0; at < t->n; at = end) {
        const bool decays = t->decays(t->of, at, &end);

        TRV_ASSERT(end > at && end <= t->n);
        if (!decays && out)
            out[n] = (struct decay_range){at, end - at, 0.0};
        n += !decays;
    }
    return n;
}

static int
open_optimiser(struct run *r, trv_err *err)
{
    const double decay = r->opts->weight_decay;
    int64_t n;
    int rc = optimiser_init(&r->opt, r->be, r->task->n, decay, err);

    if (rc || decay == 0.0 || !r->task->decays)
        return rc;
    n = find_undecayed(NULL, r->task);
    r->undecayed = mem_array((size_t)n + 1, sizeof(*r->undecayed));
    if (!r->undecayed)
        return err_nomem(err, "to plan the weight decay");
    r->opt.n_ranges = find_undecayed(r->undecayed, r->task);
    r->opt.ranges = r->undecayed;
    return 0;
}

static int
check_options(const struct run_task *t, const struct run_options *o,
              trv_err *err)
{
    TRV_ASSERT(t->w && t->g && t->n > 0 && t->gradient);
    if (o->accumulate < 1)
        return err_fail(err, TRV_EINVAL, "%" PRId64 " micro-batches of a step",
                        o->accumulate);
    if (!(o->clip >= 0.0))
        return err_fail(err, TRV_EINVAL, "clipping at %g is below 0", o->clip);
    if (o->checkpoint_every < 0)
        return err_fail(err, TRV_EINVAL, "a checkpoint every %" PRId64 " steps",
                        o->checkpoint_every);
    return 0;
}

static bool
go_on(const struct run *r, trv_progress_fn progress, void *payload)
{
    const trv_progress p = {
        .stage = "training",
        .done = r->opt.step,
        .total = r->opts->steps,
        .unit = "steps",
        .tokens = r->result.tokens,
        .loss = r->result.last_loss,
        .seconds = r->seconds_before + clock_now() - r->started,
    };

    return !progress || progress(&p, payload);
}

static int
cancel(struct run *r, trv_err *err)
{
    int rc;

    if (!r->opts->dir)
        return err_fail(err, TRV_ECANCELED,
                        "stopped after step %" PRId64 " of %" PRId64,
                        r->opt.step, r->opts->steps);
    rc = save(r, err);
    return rc ? rc
              : err_fail(err, TRV_ECANCELED,
                         "stopped after step %" PRId64 " of %" PRId64
                         ": saved in '%s', --resume goes on from there",
                         r->opt.step, r->opts->steps, r->opts->dir);
}

int
run_train(struct run_result *out, const struct run_task *task,
          const struct run_options *opts, struct backend *be,
          trv_progress_fn progress, void *payload, trv_err *err)
{
    struct run r = {
        .task = task, .opts = opts, .be = be, .started = clock_now()};
    int rc;

    r.result.first_loss = r.result.last_loss = (double)NAN;
    r.result.tokens = opts->tokens; // of a resumed run, the checkpoint's
    rc = check_options(task, opts, err);
    if (rc)
        goto done;
    rc = schedule_init(&r.schedule, opts->schedule, opts->steps, opts->warmup,
                       opts->lr, err);
    if (rc)
        goto done;
    rc = open_optimiser(&r, err);
    if (rc)
        goto done;
    rc = open_folder(&r, err);
    if (rc)
        goto done;

    while (r.opt.step < opts->steps) {
        rc = take_step(&r, err);
        if (rc)
            goto done;
        if (!go_on(&r, progress, payload) && r.opt.step < opts->steps) {
            rc = cancel(&r, err);
            goto done;
        }
        if (opts->dir && is_due(&r)) {
            rc = save(&r, err);
            if (rc)
                goto done;
        }
    }
    /* The checkpoint's writer looks for NaN; where none was due, look now. */
    if (!isfinite(be->ops->sum_squares(be, task->w, task->n)))
        rc = append_last_good(&r,
                              err_fail(err, TRV_ENONFINITE,
                                       "a parameter is not finite after "
                                       "the last step"),
                              err);
    if (!rc)
        rc = look_for_divergence(&r, err);
done:
    r.result.steps = r.opt.step;
    r.result.mean_loss = mean_loss(&r);
    r.result.seconds = r.seconds_before + clock_now() - r.started;
    *out = r.result;
    if (r.metrics && fclose(r.metrics) != 0 && !rc)
        rc = err_fail(err, TRV_EIO, "cannot write '%s': %s", r.metrics_path,
                      strerror(errno));
    mem_free(r.metrics_path);
    optimiser_release(&r.opt);
    mem_free(r.undecayed);
    return rc;
}

void
run_discard(const char *dir)
{
    char *path = path_join(dir, RUN_STATE_FILE);

    if (path)
        unlink(path);
    mem_free(path);
}

bool
run_is_stopped(const char *dir)
{
    char *path = path_join(dir, RUN_STATE_FILE);
    const bool is = path && file_exists(path);

    mem_free(path);
    return is;
}
