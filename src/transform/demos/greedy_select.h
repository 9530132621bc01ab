/* greedy_select.h -- select and order a few of n things by the value of the
 * whole: greedy forward selection, then changes as long as they help.
 *
 *   grow   each thing that is left, at the front or at the end of what there
 *          is; the best stays, as long as it raises the value
 *   mend   each exchange of two places or of a place for a thing that is left,
 *          each move, each leaving out, each insertion where fewer than `most`
 *          are there; the best one is done, at most `mends` times
 *
 * It begins `starts` times, with the best thing, the second best, and so on.
 */
#ifndef TRANSFORM_GREEDY_SELECT_H
#define TRANSFORM_GREEDY_SELECT_H

#include <stdint.h>

#include "base/err.h"

#define GREEDY_SELECT_MAX 64

struct greedy_select {
    void *self;
    /* Value of the things at[0..k), in this order; -INFINITY: impossible. */
    int (*value)(void *self, double *out, const int64_t *at, int64_t k,
                 trv_err *err);
    int64_t n, most, mends, starts; // n, most <= GREEDY_SELECT_MAX
};

/** @param at  takes the places of *k things, 0 to most; @param value of them.
 * @return what value() returns; TRV_EINVAL where the value of none is
 *         -INFINITY. */
int greedy_select_run(int64_t *at, int64_t *k, double *value,
                      const struct greedy_select *c, trv_err *err);

#endif
