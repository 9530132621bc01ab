/* prompt_to_reward.c -- the edge prompt -> reward.
 *
 *   contrast   r(x,y) = beta (log p_z+(y|x) - log p_z-(y|x)), z- may be the base
 *   judge      the prompt is a principle: the model is asked whether an answer
 *              obeys it (adapt/reward/judge.h)
 *
 * Both are views and need no training. The prompts are copied.
 *
 *   head       what the prompt says against what another says, learned by a
 *              scalar head: head_method.h
 */
#include <string.h>

#include "transform/edges/edges.h"
#include "transform/head/head_method.h"
#include "transform/edges/reward_view.h"

/* The principle is the prompt's text, less the blanks that part it from an
 * input. */
static int
tell_principle(struct reward *r, const struct convert_job *job, trv_err *err)
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
prompt_to_reward(const struct convert_job *job, trv_cost *cost, trv_err *err)
{
    static const enum kind methods[] = {KIND_CONTRAST, KIND_JUDGE, KIND_HEAD};
    struct adaptation *minus = NULL;
    struct reward r = {.beta = job->opts->beta > 0 ? job->opts->beta : 1.0};
    const char *against = job->opts->against;
    int rc;

    if (job->to == KIND_HEAD)
        return learn_head(job, cost, "prompt->reward", err);
    rc = reward_edge_method(job, methods, 3, err);
    if (!rc && job->to == KIND_JUDGE && against)
        rc = err_fail(err, TRV_EINVAL,
                      "a judge has one principle: against goes with contrast "
                      "only");
    if (!rc && job->to == KIND_JUDGE)
        rc = tell_principle(&r, job, err);
    if (!rc && job->to == KIND_CONTRAST) {
        r.plus = job->from;
        r.conf = json_object();
        if (!r.conf)
            rc = err_fail(err, TRV_ENOMEM, "no memory for a reward");
        else if (against && strcmp(against, "base") != 0)
            rc = adaptation_open(&minus, job->s->model,
                                 job->s->identified ? &job->s->id : NULL,
                                 against, false, err);
        r.minus = minus;
    }
    if (!rc)
        rc = reward_edge_save(job, &r, "prompt->reward", cost, err);
    json_decref(r.conf);
    adaptation_free(minus);
    return rc;
}
