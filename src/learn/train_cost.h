/* train_cost.h -- what a training from given rows takes, and the cut of its
 * steps by a budget: cost_plan.h for `trivium train`.
 */
#ifndef LEARN_TRAIN_COST_H
#define LEARN_TRAIN_COST_H

#include "learn/cost_plan.h"
#include "learn/work.h"

/* Rows that are learned; of pairs, both sides together. */
struct train_rows {
    double n, mean, most; // how many, and tokens of one
    double held_out;      // tokens of all that are evaluated before and after
    double starts;        // tokens of the texts that virtual tokens may have
};

struct train_cost {
    struct cost_plan likely, bound;
    struct rate rate;
    bool is_measured;
    double budget, full_steps;
    json_t *cut; // {"steps": 60}; NULL: nothing was cut
    struct cost_progress progress;
};

/** Plan, cut learn->steps where neither they nor the epochs are given, and say
 * both; `params` learn. The work's progress gets the time left. A run that goes
 * on keeps the steps of its beginning. TRV_EINVAL, and what rate_measure() and
 * seal_open() return. */
int train_cost_fit(struct train_cost *c, struct work *w,
                   const struct train_rows *rows, trv_learn_options *learn,
                   const trv_train_options *o, int64_t params, trv_err *err);
/** The planned half of a cost. */
void train_cost_tell(trv_cost *cost, const struct train_cost *c);
/** A run's fingerprint (NULL: no memory) with what was cut. */
json_t *train_cost_note(json_t *own, const struct train_cost *c);
void train_cost_release(struct train_cost *c);

#endif
