/* triangle_plan.h -- which nodes fit a budget, and how long each may take.
 *
 * Every conversion is planned twice, at its full sizes and at its least. One
 * cap for all conversions, the largest of a coarse list with which the whole
 * fits, cuts the long ones (transform/link_budget.h). Where even the least does
 * not fit, the run leaves nodes out when their turn comes and no time is left.
 * The plan is kept in the store, so that a run that goes on does what it
 * began.
 */
#ifndef TRIANGLE_TRIANGLE_PLAN_H
#define TRIANGLE_TRIANGLE_PLAN_H

#include "triangle/triangle.h"

/** Set t->budget, t->cap and t->planned (-1: it does not apply); say what it
 * will take and what was cut. `asked`: what the caller chose, as JSON, for which
 * a plan is kept. TRV_EINVAL (a budget that is no time), what node_plan()
 * returns for want of memory or files. */
int triangle_plan(struct triangle *t, const json_t *asked,
                  trv_progress_fn progress, void *payload, trv_err *err);

#endif
