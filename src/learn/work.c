/* work.c -- from the lock on an output to a complete artefact. */
#include "learn/work.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "adapt/rate.h"
#include "base/clock.h"
#include "base/mem.h"
#include "learn/loop/run_state.h"
#include "learn/options.h"
#include "model/files/writer.h"
#include "text/row_layout.h"

/* A mean loss of the last tenth of the steps above so many times the first step's
 * is warned of; above half as much again the run has diverged (run.c). */
#define RISE_WARNED 1.2

int
work_begin(struct work *w, const char *out, const char *kept, trv_err *err)
{
    w->began = clock_now();
    w->flop = w->s->decoder ? w->s->decoder->flop : 0.0;
    w->done = w->s->be->done;
    mem_stats_reset_peak();
    return run_place_init(&w->place, out, w->held, kept, err);
}

/* Draw without the memo from here on: what learns is in no key. */
static void
forget_memo(const struct work *w)
{
    if (w->memo && w->s->memo == w->memo)
        w->s->memo = NULL;
}

void
work_release(struct work *w)
{
    run_place_release(&w->place);
    artefact_release(&w->head);
    json_decref(w->options);
    json_decref(w->fingerprint);
    forget_memo(w);
    memo_free(w->memo);
    w->memo = NULL;
    w->options = w->fingerprint = NULL;
}

/* ---- messages and progress ---------------------------------------------- */

void
work_log(const struct work *w, const char *fmt, ...)
{
    char line[512];
    va_list ap;

    if (!w->on_message)
        return;
    va_start(ap, fmt);
    vsnprintf(line, sizeof(line), fmt, ap);
    va_end(ap);
    w->on_message(line, w->message_payload);
}

static bool
report_scores(void *payload, int64_t done, int64_t total)
{
    const struct work *w = payload;
    const trv_progress p = {.stage = w->stage,
                            .done = done,
                            .total = total,
                            .unit = "answers",
                            .loss = (double)NAN,
                            .seconds = clock_now() - w->stage_began};

    return !w->progress || w->progress(&p, w->payload);
}

struct reward_watch
work_watch(struct work *w, const char *stage)
{
    const bool learned = w->memo && !w->s->memo;

    w->stage_began = clock_now();
    w->stage = stage;
    return (struct reward_watch){
        .progress =
            learned && !run_is_stopped(w->place.dir) ? NULL : report_scores,
        .payload = w,
        .memo = w->s->memo};
}

/* ---- its place ---------------------------------------------------------- */

/* The model as it is used: also how it lays out plain prompts, since a judge's
 * are that whatever the rows are. */
static int
model_to_json(json_t **out, const struct work *w, trv_err *err)
{
    const struct model_identity *id;
    int rc = session_identity(w->s, &id, err);

    *out = NULL;
    if (rc)
        return rc;
    *out = json_pack("{s:s,s:s,s:s,s:s,s:s}", "weights", id->weights,
                     "tokenizer", id->tokenizer, "chat", id->chat, "layout",
                     model_is_chat(w->s->model) ? LAYOUT_NAME_CHAT
                                                : LAYOUT_NAME_RAW,
                     "precision", w->s->be->prec == PREC_BF16 ? "bf16" : "f32");
    return *out ? 0 : err_nomem(err, "to plan a run");
}

/* Whose results a memo holds: what its keys do not say, and the fingerprint
 * only where there is one already. */
static int
open_memo(struct work *w, trv_err *err)
{
    json_t *about;
    int rc = model_to_json(&about, w, err);

    if (!rc)
        rc = memo_open(&w->memo, w->place.memo, w->resume, about, err);
    if (!rc && memo_about(w->memo))
        rc = run_state_compare(memo_about(w->memo), about, w->place.memo, err);
    json_decref(about);
    w->s->memo = rc ? NULL : w->memo;
    return rc;
}

int
work_lock(struct work *w, trv_err *err)
{
    int rc = run_place_lock(&w->place, w->kind, w->replace, w->resume, err);

    w->claimed = !rc;
    if (!rc && w->resume && !run_place_is_stopped(&w->place)) {
        work_log(w, "nothing to resume in '%s': starting anew", w->place.dir);
        w->resume = false;
    }
    return rc ? rc : open_memo(w, err);
}

/* What a resumed run must agree on. The instruction set is not in it: another
 * machine may go on, to the same bits only where it has the same one. */
int
work_write_run(struct work *w, json_t *own, trv_err *err)
{
    json_t *model, *shared;
    char seed[24];
    int rc = model_to_json(&model, w, err);

    w->fingerprint = own;
    if (rc)
        return rc;
    snprintf(seed, sizeof(seed), "%llu", (unsigned long long)w->seed);
    shared = json_pack("{s:s,s:s*,s:O}", "seed", seed, "rows", w->layout,
                       "options", w->options);
    if (!own || !shared || json_object_update(own, model) ||
        json_object_update(own, shared))
        rc = err_nomem(err, "to plan a run");
    json_decref(model);
    json_decref(shared);
    return rc ? rc : run_place_begin(&w->place, w->resume, own, err);
}

bool
work_has_checkpoint(const struct work *w)
{
    return w->resume && run_is_stopped(w->place.dir);
}

/* What is to be replaced is still there, so going on takes both options. */
static int
stopped(const struct work *w, int rc, trv_err *err)
{
    const size_t n = err ? strlen(err->msg) : 0;

    if (rc == TRV_ECANCELED && err && w->replace && file_exists(w->place.out))
        snprintf(err->msg + n, sizeof(err->msg) - n, ", with --replace again");
    return rc;
}

int
work_train(struct run_result *out, const struct work *w,
           const struct run_task *task, const trv_learn_options *learn,
           trv_err *err)
{
    struct run_options run = options_run(learn);
    int rc;

    run.dir = w->place.dir;
    run.resume = work_has_checkpoint(w);
    run.replace = true; // run_place_lock() asked before
    run.fingerprint = w->fingerprint;
    run.tokens = w->tokens;
    forget_memo(w);
    rc = run_train(out, task, &run, w->s->be, w->progress, w->payload, err);
    if (rc)
        return stopped(w, rc, err);
    if (!out->diverged && task->loss_unit && *task->loss_unit &&
        out->mean_loss > RISE_WARNED * out->first_loss)
        work_log(w,
                 "warning: the loss rose from %.3g to %.3g %s: the learning "
                 "rate may be too high (--lr)",
                 out->first_loss, out->mean_loss, task->loss_unit);
    if (!out->diverged)
        return 0;
    return work_diverged(w, err,
                         "its loss rose from %.3g to %.3g%s%s (on the rows of "
                         "the first step to %.3g)",
                         out->first_loss, out->mean_loss,
                         *task->loss_unit ? " " : "", task->loss_unit,
                         out->first_again);
}

int
work_diverged(const struct work *w, trv_err *err, const char *fmt, ...)
{
    char how[200];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(how, sizeof(how), fmt, ap);
    va_end(ap);
    if (!w->allow_diverged)
        return err_fail(err, TRV_EDIVERGED,
                        "the run diverged: %s; nothing was saved. The learning "
                        "rate is probably too high (--lr). The last checkpoint "
                        "and metrics.jsonl are in '%s'; --resume with "
                        "--allow-diverged saves the run as it is",
                        how, w->place.dir);
    work_log(w,
             "warning: the run diverged: %s; it is saved all the same "
             "(--allow-diverged)",
             how);
    return 0;
}

int
work_stopped(const struct work *w, int rc, const char *when, trv_err *err)
{
    if (rc != TRV_ECANCELED)
        return rc;
    if (run_place_has_work(&w->place))
        return stopped(w,
                       err_fail(err, rc,
                                "stopped %s; what was done lies in '%s': go "
                                "on with --resume",
                                when, w->place.dir),
                       err);
    return err_fail(err, rc,
                    "stopped before any answer was kept: there is nothing to "
                    "resume");
}

/* ---- what comes out ----------------------------------------------------- */

int
work_begin_manifest(struct work *w, enum kind kind,
                    const struct adaptation *from,
                    const struct artefact_step *step, json_t *counts,
                    trv_err *err)
{
    struct artefact_step signed_step = *step;
    const struct model_identity *id;
    int rc = counts ? session_identity(w->s, &id, err)
                    : err_nomem(err, "to save '%s'", w->place.out);

    signed_step.from = from ? from->spec : "data";
    signed_step.options = w->options;
    signed_step.seed = w->seed;
    signed_step.cost = counts;
    if (!rc)
        rc = artefact_init(&w->head, kind, w->s->model->name, id, err);
    if (!rc && w->layout &&
        json_object_set_new(w->head.root, "layout", json_string(w->layout)))
        rc = err_nomem(err, "to save '%s'", w->place.out);
    if (!rc)
        w->head.base_origin = w->s->model->origin;
    if (!rc && from && from->artefact.root)
        rc = artefact_inherit(&w->head, &from->artefact, err);
    if (!rc)
        rc = artefact_add_step(&w->head, &signed_step, err);
    json_decref(counts);
    return rc ? rc : run_place_put_logs(&w->place, err);
}

struct noted {
    struct artefact *head;
    struct outdir *dir;
};

static int
put_noted(void *self, const char *name, const void *bytes, size_t n,
          trv_err *err)
{
    struct noted *to = self;

    return artefact_put(to->head, to->dir, name, bytes, n, err);
}

static int
save_weights(struct work *w, const struct decoder *d, const int32_t *pad,
             enum dtype type, trv_err *err)
{
    struct outdir *dir = run_place_out(&w->place);
    struct noted to = {&w->head, dir};
    const struct writer_sink sink = {put_noted, &to};
    int rc = pad ? writer_scorer(sink, d, *pad, type, err)
                 : writer_trained(sink, d, type, err);

    if (!rc)
        rc = artefact_finish(&w->head, dir, err);
    if (!rc)
        rc = outdir_commit(dir, err);
    return rc;
}

int
work_save_student(struct work *w, const struct student_options *o,
                  const struct adapter_weights *adapter_weights,
                  const struct decoder *own, trv_err *err)
{
    if (own)
        return save_weights(w, own, NULL, student_save_type(o), err);
    return adaptation_save_weights(&w->head, adapter_weights, &w->s->model->cfg,
                                   run_place_out(&w->place), err);
}

int
work_save_scorer(struct work *w, const struct decoder *d, int32_t pad,
                 enum dtype type, trv_err *err)
{
    return save_weights(w, d, &pad, type, err);
}

int
work_save_prompt(struct work *w, const struct adaptation *z, trv_err *err)
{
    return adaptation_save_prompt(&w->head, z, run_place_out(&w->place), err);
}

void
work_end(struct work *w, int rc, trv_cost *cost)
{
    forget_memo(w);
    if (rc && w->claimed)
        run_place_leave(&w->place, w->resume || rc == TRV_ECANCELED ||
                                       rc == TRV_EIO || rc == TRV_ENOMEM);
    if (rc)
        return;
    run_place_finish(&w->place);
    cost->seconds = clock_now() - w->began;
    cost->flop = w->s->decoder->flop - w->flop;
    cost->tokens = rate_tokens(&w->s->be->done) - rate_tokens(&w->done);
    cost->drawn_tokens = w->s->be->done.draws - w->done.draws;
    cost->artefact_bytes = artefact_bytes(&w->head);
    cost->peak_bytes = mem_stats_get().peak_bytes;
}
