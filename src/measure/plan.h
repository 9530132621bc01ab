/* plan.h -- what a measurement measures: which figures, of which answers, of
 * what size.
 *
 *   names of figures, what the two sides are
 *     ─► figures, a bit for each ─► answers of each side to an input
 *
 * Everything that is drawn or computed later follows from these.
 */
#ifndef MEASURE_PLAN_H
#define MEASURE_PLAN_H

#include "measure/stage.h"

/** The figures of measure_figures.def by their place, which is the bit. */
enum figure_place {
#define FIGURE(field, group, scale, needs, cost, says) FIGURE_##field,
#include <trivium/measure_figures.def>
    FIGURE_COUNT
};
/** The bit of a figure, as in trv_measurement.asked. */
#define ASKED(field) (1u << FIGURE_##field)

/* Figures that are measured together. */
#define ASKED_ALONG_SOURCE                                                     \
    (ASKED(gap_closed) | ASKED(kl_forward) | ASKED(kl_base) |                  \
     ASKED(top1_agreement))
#define ASKED_DRIFT (ASKED(drift) | ASKED(drift_source))
#define ASKED_RANKS (ASKED(rank_tau) | ASKED(pair_accuracy) | ASKED(pearson))
#define ASKED_TASK                                                             \
    (ASKED(task_base) | ASKED(task_source) | ASKED(task_target) |              \
     ASKED(task_gain))

/**
 * Choose m->asked and m->acts from opts->figures and the sides; without names
 * all figures that say something of these two.
 *
 * @return TRV_EINVAL: a name that is none, with the one that is near; a figure
 *         that these sides do not have, with the reason; no figure at all;
 *         another temperature than 1 for what is measured along answers.
 */
int plan_figures(struct measure *m, trv_err *err);

/**
 * m->per_side, m->second and the sizes that are not given: what m->asked needs.
 * Half of the candidates are the base's, half those of a side that acts: the
 * source, or else the target. A walk along a side's text takes one answer, a
 * task half as many as there are candidates, or one where they are all alike.
 */
void plan_answers(struct measure *m);

/** Does a side answer for the task? */
bool plan_has_task(const struct measure *m, enum side side);

#endif
