/* params_to_reward.c -- the edge params -> reward.
 *
 *   ratio   r(x,y) = beta (log p_D(y|x) - log p0(y|x))
 *
 * is exact and needs no training: p0 exp(r / beta) is p_D itself, so the reward
 * is the update, seen from the other side (Rafailov et al. 2023,
 * arXiv:2305.18290, section 4). It refers to the folder of the update.
 *
 *   head    the ratio's ranking of answers, learned by a scalar head:
 *           head_method.h
 */
#include "transform/edges/edges.h"
#include "transform/head/head_method.h"
#include "transform/edges/reward_view.h"

int
params_to_reward(const struct convert_job *job, trv_cost *cost, trv_err *err)
{
    static const enum kind methods[] = {KIND_RATIO, KIND_HEAD};
    struct reward r = {.beta = job->opts->beta > 0 ? job->opts->beta : 1.0,
                       .plus = job->from};
    int rc;

    if (job->to == KIND_HEAD)
        return learn_head(job, cost, "params->reward", err);
    rc = reward_edge_method(job, methods, 2, err);
    if (rc)
        return rc;
    if (job->opts->against)
        return err_fail(err, TRV_EINVAL,
                        "a ratio is to the base: against goes with contrast "
                        "only");
    r.conf = json_object();
    rc = r.conf ? reward_edge_save(job, &r, "params->reward", cost, err)
                : err_fail(err, TRV_ENOMEM, "no memory for a reward");
    json_decref(r.conf);
    return rc;
}
