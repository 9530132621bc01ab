/* params_to_prompt.c -- the edge params -> prompt: the base under a prompt
 * learns to answer as the adapted model does.
 *
 *   prefix, soft   virtual tokens trained as every student is
 *   text           searched for (text_method.c)
 *
 * A prompt of text is compressed into virtual tokens by the same means, on an
 * edge of its own, prompt -> prompt (gist tokens: Mu et al. 2023,
 * arXiv:2304.08467).
 */
#include <string.h>

#include "learn/student.h"
#include "transform/edges/edges.h"
#include "transform/imitate/imitate.h"

/* The method and what is made are one choice, said twice: by `to`, and perhaps
 * by the method's name. */
static int
imitate_as_prompt(const struct convert_job *job, trv_cost *cost,
                  const char *edge, trv_err *err)
{
    const char *kind = kind_name(job->to);
    const char *method = job->opts->method ? job->opts->method : kind;

    if (!student_is_virtual(job->to))
        return err_fail(err, TRV_EUNSUPPORTED,
                        "%s cannot become '%s' yet; it can become prefix, soft",
                        job->from->spec, kind);
    if (strcmp(method, kind) != 0)
        return err_fail(err, TRV_EUNSUPPORTED,
                        "method '%s' does not make '%s'; there are prefix, "
                        "soft, each for what it is named after",
                        method, kind);
    return imitate_run(
        job, cost, &(struct imitation){.edge = edge, .method = method}, err);
}

int
params_to_prompt(const struct convert_job *job, trv_cost *cost, trv_err *err)
{
    if (job->to == KIND_TEXT || job->to == KIND_MESSAGES)
        return params_to_text(job, cost, err);
    if (job->to == KIND_DEMOS)
        return params_to_demos(job, cost, err);
    return imitate_as_prompt(job, cost, "params->prompt", err);
}

int
prompt_to_prompt(const struct convert_job *job, trv_cost *cost, trv_err *err)
{
    return imitate_as_prompt(job, cost, "prompt->prompt", err);
}
