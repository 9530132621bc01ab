/* reward_edge.c -- from a view to a folder. */
#include "transform/reward_edge.h"

#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "adapt/output.h"
#include "base/file.h"

int
reward_edge_method(const struct convert_job *job, const enum kind *methods,
                   int n, trv_err *err)
{
    const char *method = job->opts->method;
    const char *from = form_name(job->from->form);
    struct strbuf known = {0};
    int bad = 0;

    for (int i = 0; i < n; i++)
        if (job->to == methods[i] &&
            (!method || strcmp(method, kind_name(methods[i])) == 0))
            return 0;
    for (int i = 0; i < n; i++)
        bad |= sb_printf(&known, "%s%s", i ? ", " : "", kind_name(methods[i]));
    if (bad)
        err_fail(err, TRV_ENOMEM, "no memory to plan a conversion");
    else if (method)
        err_fail(err, TRV_EUNSUPPORTED,
                 "method '%s' does not make '%s' of %s; there are %s, each for "
                 "the kind of its name",
                 method, kind_name(job->to), from, known.s);
    else
        err_fail(err, TRV_EUNSUPPORTED,
                 "%s cannot become the reward '%s' yet; there are %s", from,
                 kind_name(job->to), known.s);
    sb_release(&known);
    return bad ? TRV_ENOMEM : TRV_EUNSUPPORTED;
}

/* The head of trivium.json, with the chain up to here. */
static int
begin(struct artefact *head, const struct convert_job *job,
      const struct reward *r, const char *edge, const struct model_identity *id,
      trv_err *err)
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
                                    .edge = edge,
                                    .method = kind_name(job->to),
                                    .options = options},
            err);
    json_decref(options);
    return rc;
}

static void
tell_cost(trv_cost *cost, const char *out, double began)
{
    char *manifest = path_join(out, ARTEFACT_MANIFEST);

    cost->artefact_bytes = manifest ? file_size(manifest) : 0;
    cost->seconds = clock_now() - began;
    cost->final_loss = (double)NAN; // nothing was learned
    mem_free(manifest);
}

int
reward_edge_save(const struct convert_job *job, struct reward *r,
                 const char *edge, trv_cost *cost, trv_err *err)
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
        rc = output_claim(&own, job->to, job->opts->replace, err);
    if (!rc)
        rc = session_identity(job->s, &id, err);
    if (!rc)
        rc = begin(&head, job, r, edge, id, err);
    if (!rc)
        rc = reward_save(&head, &a, to, err);
    if (!rc)
        rc = adaptation_open(&again, job->s->model, id, job->out, true, err);
    adaptation_free(again);
    artefact_release(&head);
    outdir_release(&own);
    if (!rc)
        tell_cost(cost, job->out, began);
    return rc;
}
