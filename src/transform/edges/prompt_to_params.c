/* prompt_to_params.c -- the edge prompt -> params: a student without the prompt
 * learns to answer as the model does with it. And params -> params, the same
 * with another teacher: parameters of one kind, a mix, or what was carried over
 * from another model, become parameters of a kind that can be kept.
 */
#include <string.h>

#include "transform/edges/edges.h"
#include "transform/imitate/imitate.h"

static int
imitate_as_params(const struct convert_job *job, trv_cost *cost,
                  const char *edge, trv_err *err)
{
    const char *method = job->opts->method ? job->opts->method : "distill";
    struct imitation how = {.edge = edge, .method = method};

    if (job->to != KIND_LORA && job->to != KIND_ADAPTER && job->to != KIND_FULL)
        return err_fail(err, TRV_EUNSUPPORTED,
                        "%s cannot become '%s' yet; it can become lora, "
                        "adapter, full",
                        job->from->form == FORM_PROMPT ? "a prompt"
                                                       : job->from->spec,
                        kind_name(job->to));
    if (strcmp(method, "sft") == 0)
        how.hard = true;
    else if (strcmp(method, "features") == 0)
        how.features = true;
    else if (strcmp(method, "solve") == 0)
        how.closed = true;
    else if (strcmp(method, "distill") != 0)
        return err_fail(err, TRV_EUNSUPPORTED,
                        "method '%s' is unknown for %s to params; there are "
                        "distill, sft, features, solve",
                        method, form_name(job->from->form));
    return imitate_run(job, cost, &how, err);
}

int
prompt_to_params(const struct convert_job *job, trv_cost *cost, trv_err *err)
{
    return imitate_as_params(job, cost, "prompt->params", err);
}

int
params_to_params(const struct convert_job *job, trv_cost *cost, trv_err *err)
{
    return imitate_as_params(job, cost, "params->params", err);
}
