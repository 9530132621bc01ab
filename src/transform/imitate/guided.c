/* guided.c -- the teacher is p0 exp(r / beta). */
#include "transform/imitate/guided.h"

#include "adapt/reward/reward.h"

int
imitate_guided(const struct convert_job *job, trv_cost *cost, trv_err *err)
{
    const double beta = job->opts->beta;
    struct imitation how = {.beta = beta};
    struct reward_guide guide;
    int rc;

    if (!reward_guides(job->from))
        return err_fail(err, TRV_EUNSUPPORTED,
                        "distill learns from a reward that has a value for "
                        "each token as a log-ratio (ratio, contrast), and "
                        "'%.200s' has none",
                        job->from->spec);
    rc = reward_guide(&guide, job->from, beta, err);
    if (!rc)
        rc = view_ready(&guide.mix, job->s->be, err);
    how.teacher = &guide.mix;
    return rc ? rc : imitate_run(job, cost, &how, err);
}
