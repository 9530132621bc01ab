/* reward_view.c -- writes a view as a folder. */
#include "transform/views/reward_view.h"

#include <math.h>
#include <string.h>

#include "adapt/output.h"
#include "adapt/reward/reward.h"
#include "base/clock.h"

/* The head of trivium.json, with the chain up to here. */
static int
begin(struct artefact *head, const struct convert_job *job,
      const struct reward *r, const struct model_identity *id, trv_err *err)
{
    json_t *options = json_object();
    int rc =
        options ? 0
                : err_fail(err, TRV_ENOMEM, "no memory to save '%s'", job->out);

    if (!rc && job->to != KIND_JUDGE &&
        json_object_set_new(options, "beta", json_real(r->beta)))
        rc = err_fail(err, TRV_ENOMEM, "no memory to save '%s'", job->out);
    if (!rc && r->minus &&
        json_object_set_new(options, "against", json_string(r->minus->spec)))
        rc = err_fail(err, TRV_ENOMEM, "no memory to save '%s'", job->out);
    if (!rc)
        rc = artefact_init(head, job->to, job->s->model->name, id, err);
    if (!rc && job->from->artefact.root)
        rc = artefact_inherit(head, &job->from->artefact, err);
    if (!rc)
        rc = artefact_add_step(
            head,
            &(struct artefact_step){.from = job->from->spec,
                                    .edge = job->edge,
                                    .method = kind_name(job->to),
                                    .options = options},
            err);
    json_decref(options);
    return rc;
}

static void
fill_cost(trv_cost *cost, const char *out, double began)
{
    char *manifest = path_join(out, ARTEFACT_MANIFEST);

    cost->artefact_bytes = manifest ? file_size(manifest) : 0;
    cost->seconds = clock_now() - began;
    cost->final_loss = (double)NAN; // nothing was learned
    mem_free(manifest);
}

static int
save(const struct convert_job *job, struct reward *r, trv_cost *cost,
     trv_err *err)
{
    const double began = clock_now();
    const struct adaptation a = {.form = FORM_REWARD,
                                 .kind = job->to,
                                 .spec = job->from->spec,
                                 .reward = r};
    const struct model_identity *id;
    struct adaptation *again = NULL;
    struct artefact head = {0};
    struct outdir own = {0}, *to = job->held ? job->held : &own;
    int rc = job->held ? 0 : outdir_init(&own, job->out, err);

    if (!rc && !job->held)
        rc = output_lock(&own, job->to, job->opts->replace, err);
    if (!rc)
        rc = session_identity(job->s, &id, err);
    if (!rc)
        rc = begin(&head, job, r, id, err);
    if (!rc)
        rc = reward_save(&head, &a, to, err);
    if (!rc)
        rc = adaptation_open(&again, job->s->model, id, job->out, true, err);
    adaptation_free(again);
    artefact_release(&head);
    outdir_release(&own);
    if (!rc)
        fill_cost(cost, job->out, began);
    return rc;
}

int
view_ratio(const struct convert_job *job, trv_cost *cost, trv_err *err)
{
    struct reward r = {
        .beta = job->opts->beta, .plus = job->from, .conf = json_object()};
    const int rc = r.conf ? save(job, &r, cost, err)
                          : err_fail(err, TRV_ENOMEM, "no memory for a reward");

    json_decref(r.conf);
    return rc;
}

int
view_contrast(const struct convert_job *job, trv_cost *cost, trv_err *err)
{
    const char *against = job->opts->against;
    struct adaptation *minus = NULL;
    struct reward r = {
        .beta = job->opts->beta, .plus = job->from, .conf = json_object()};
    int rc = r.conf ? 0 : err_fail(err, TRV_ENOMEM, "no memory for a reward");

    if (!rc && against && strcmp(against, "base") != 0)
        rc = adaptation_open(&minus, job->s->model,
                             job->s->identified ? &job->s->id : NULL, against,
                             false, err);
    r.minus = minus;
    if (!rc)
        job_log_notes(job, minus);
    if (!rc)
        rc = save(job, &r, cost, err);
    json_decref(r.conf);
    adaptation_free(minus);
    return rc;
}

/* The principle is the prompt's text, less the blanks that part it from an
 * input. */
static int
take_principle(struct reward *r, const struct convert_job *job, trv_err *err)
{
    const char *text = job->from->text;
    size_t n;

    if (job->from->kind != KIND_TEXT)
        return err_fail(err, TRV_EUNSUPPORTED,
                        "a judge's principle is a text, and '%.200s' is %s",
                        job->from->spec, kind_name(job->from->kind));
    for (n = strlen(text); n > 0 && strchr(" \t\r\n", text[n - 1]);)
        n--;
    r->conf = json_pack("{s:s%}", "principle", text, n);
    return r->conf ? 0 : err_fail(err, TRV_ENOMEM, "no memory for a reward");
}

int
view_judge(const struct convert_job *job, trv_cost *cost, trv_err *err)
{
    struct reward r = {.beta = 1.0};
    int rc = take_principle(&r, job, err);

    if (!rc)
        rc = save(job, &r, cost, err);
    json_decref(r.conf);
    return rc;
}
