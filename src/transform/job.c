/* job.c -- what the edges share: messages, inputs, the student, the run. */
#include "transform/job.h"

#include <math.h>
#include <stdarg.h>
#include <string.h>

#include "adapt/fingerprint.h"
#include "adapt/reward/reward.h"
#include "base/clock.h"

void
job_log(const struct convert_job *job, const char *fmt, ...)
{
    char line[512];
    va_list ap;

    if (!job->opts->on_message)
        return;
    va_start(ap, fmt);
    vsnprintf(line, sizeof(line), fmt, ap);
    va_end(ap);
    job->opts->on_message(line, job->opts->message_payload);
}

void
job_log_notes(const struct convert_job *job, const struct adaptation *a)
{
    for (const char *s = a && a->notes.s ? a->notes.s : ""; *s;) {
        const size_t n = strcspn(s, "\n");

        job_log(job, "warning: %.*s", (int)n, s);
        s += n + (s[n] == '\n');
    }
}

struct relay {
    const struct convert_job *job;
    int64_t total;
    double began;
};

static bool
relay_inputs(void *payload, int64_t done, double tokens)
{
    const struct relay *r = payload;
    const trv_progress p = {.stage = "sampling inputs",
                            .done = done,
                            .total = r->total,
                            .unit = "inputs",
                            .tokens = tokens,
                            .loss = (double)NAN,
                            .seconds = clock_now() - r->began};

    return !r->job->progress || r->job->progress(&p, r->job->payload);
}

int
job_inputs(struct inputs *in, const struct convert_job *job,
           const struct work *w, const char *path, int64_t want, trv_err *err)
{
    struct relay relay = {job, want, clock_now()};
    int rc = inputs_open(in, job->s,
                         &(struct inputs_options){.path = path,
                                                  .use = INPUTS_LEARN,
                                                  .want = want,
                                                  .seed = job->opts->seed,
                                                  .progress = relay_inputs,
                                                  .payload = &relay},
                         err);

    if (!rc && in->data.unused)
        job_log(job, "warning: %s", in->data.unused);
    if (!rc && !job->opts->pairs)
        rc = reward_check_rows(job->from, in->data.rows, in->data.n, err);
    if (rc)
        inputs_release(in);
    return work_stopped(w, rc, "while sampling inputs", err);
}

int
job_student(struct student_options *out, const struct convert_job *job,
            trv_err *err)
{
    const trv_convert_options *o = job->opts;
    int rc;

    *out = (struct student_options){.kind = job->to,
                                    .lora = o->lora,
                                    .virtual = o->virtual_tokens,
                                    .bottleneck = o->bottleneck,
                                    .save_as = o->save_as,
                                    .seed = o->seed};
    rc = student_check(out, err);
    return rc || job->to != KIND_FULL ? rc
                                      : student_check_full(job->s->model, err);
}

int
job_begin(struct work *w, const struct convert_job *job, const char *kept,
          trv_err *err)
{
    const trv_convert_options *o = job->opts;

    *w = (struct work){.s = job->s,
                       .kind = job->to,
                       .held = job->held,
                       .seed = o->seed,
                       .replace = o->replace,
                       .resume = o->resume,
                       .allow_diverged = o->allow_diverged,
                       .on_message = o->on_message,
                       .message_payload = o->message_payload,
                       .progress = job->progress,
                       .payload = job->payload};
    return work_begin(w, job->out, kept, err);
}

int
job_draw(struct answers *out, const struct work *w, struct answers_options how,
         trv_err *err)
{
    char of[HASH_HEX];
    const bool shared =
        w->s->draws && (!how.teacher || how.teacher == w->s->draws_of);
    const int rc = shared ? source_hash(of, how.teacher, err) : 0;

    if (rc)
        return rc;
    how.of = shared ? of : NULL;
    if (!how.file)
        how.file = w->place.kept;
    how.resume = w->resume;
    how.progress = w->progress;
    how.payload = w->payload;
    return work_stopped(w, answers_draw(out, w->s, &how, err), "while sampling",
                        err);
}

int
job_write_run(struct work *w, const struct convert_job *job, const char *method,
              const struct inputs *in, json_t *own, trv_err *err)
{
    char source[HASH_HEX];
    struct row_layout layout;
    json_t *more;
    int rc = source_hash(source, job->from, err);

    view_layout(&layout, job->s->model, in,
                job->to == KIND_TEXT || adaptation_has_text(job->from));
    w->layout = layout.name;
    if (rc) {
        json_decref(own);
        return rc;
    }
    more =
        json_pack("{s:s,s:s,s:s,s:s}", "method", method, "from",
                  job->from->spec, "source", source, "inputs", in->data.hash);
    if (own && job->cut && json_object_set(own, JOB_CUT, job->cut)) {
        json_decref(own);
        own = NULL;
    }
    if (own && (!more || json_object_update(own, more))) {
        json_decref(own);
        own = NULL;
    }
    json_decref(more);
    job_log(job, "%s", layout.line);
    return work_write_run(w, own, err);
}

void
job_log_dropped(const struct convert_job *job, int64_t dropped, int64_t n,
                int64_t prompt, int64_t answer)
{
    char before[64] = "";

    if (dropped == 0)
        return;
    if (prompt > 0)
        snprintf(before, sizeof(before), "a prompt of %lld and ",
                 (long long)prompt);
    job_log(job,
            "warning: %lld of %lld inputs leave no room for %s%lld answer "
            "tokens and are left out",
            (long long)dropped, (long long)n, before, (long long)answer);
}

int
job_check_messages(const struct convert_job *job, trv_err *err)
{
    const struct model *m = job->s->model;

    if (job->to != KIND_MESSAGES || (m->chat && !m->no_system))
        return 0;
    return err_fail(err, TRV_EINVAL,
                    m->chat ? "the chat template of '%s' has no place for a "
                              "system message, which messages hold: make a "
                              "text, prompt:OUT"
                            : "'%s' has no chat template, which messages need; "
                              "--chat-template FILE gives it one",
                    m->path);
}

int
job_refuse_messages(const struct inputs *in, trv_err *err)
{
    return err_fail(err, TRV_EINVAL,
                    "messages are the prompt of a chat, and inputs of '%s' are "
                    "laid out raw: make a text, prompt:OUT",
                    in->data.path);
}

void
job_log_full(const struct convert_job *job)
{
    const int64_t params = model_params(job->s->model);
    const double n = (double)params;
    const double packed = job->s->be->act_type == DT_BF16 ? 2.0 : 4.0;

    if (job->to == KIND_FULL)
        job_log(job,
                "all %lld weights learn, about %.3g MB with their "
                "gradient and the optimiser; the base stays beside them as "
                "it is, about %.3g MB",
                (long long)params, (16.0 + 2.0 * packed) * n / 1e6,
                packed * n / 1e6);
}
