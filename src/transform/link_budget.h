/* link_budget.h -- the plan of one conversion or of a chain, before any work: what it
 * takes, and which sizes are cut so that it fits a time.
 *
 *   options --defaults--> sizes --lengths.h, method.plan--> tokens
 *     --rate.h--> seconds;  too long: sizes that were not given are divided by
 *     the same step (1.5, 2, 3, 4, 6, ...) until it fits or all are at their
 *     least, and then the late ones likewise (struct method_cut)
 *
 * A rate differs from run to run, and the same command must make the same
 * bytes. So steps are coarse; what was cut is said as options, with which any
 * machine makes the same; and it is part of the run's fingerprint, from which
 * a resumed run takes its sizes instead of measuring again.
 */
#ifndef TRANSFORM_LINK_BUDGET_H
#define TRANSFORM_LINK_BUDGET_H

#include "learn/cost_plan.h"
#include "transform/job.h"

/* One conversion. */
struct budget_link {
    struct convert_job job;    // job.opts is `o`, job.cost is `likely`
    trv_convert_options o;     // the method's defaults are in it, and the cuts
    struct adaptation earlier; // stands for what a link before is to make
    struct cost_lengths mean, most;
    struct cost_plan likely, bound;
    json_t *cut; // {"steps": 60}; NULL: nothing was cut
};

struct budget {
    struct session *s;
    const trv_convert_options *given;
    struct budget_link *links; // [n] of the caller
    int n;
    double seconds; // the budget; may be infinite
    struct rate rate;
    bool is_measured;
};

/** Fill a link: a job with its opts as they were given. `from` NULL: a kind
 * alone, `made`, of a link before. */
void budget_add(struct budget *b, const struct convert_job *job, enum kind made,
                const trv_convert_options *opts);
/** Plan all links, and cut what does not fit. `kept` (NULL: none): the cuts of a
 * run that goes on, an object for each link or null; nothing is then measured
 * or cut. TRV_EINVAL (a budget that is no time), and what lengths_measure() and
 * rate_measure() return. */
int budget_fit(struct budget *b, const json_t *kept, trv_err *err);
/** Say the plan, and what was cut. */
void budget_tell(const struct budget *b);
/** The planned half of a cost. */
void budget_to_cost(trv_cost *cost, const struct budget *b);
void budget_release(struct budget *b);

/** The cuts of a run of `out` that was stopped, for budget_fit(): an array of
 * one. NULL: there is none. To be released. What seal_open() returns. */
int budget_read_kept(json_t **kept, const char *out, trv_err *err);

/** Seconds of the links behind link i. */
double budget_after(const struct budget *b, int i);

#endif
