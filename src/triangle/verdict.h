/* verdict.h -- what is wrong with a node, in words, from its figures: what no
 * single measurement can see, because it compares several.
 *
 *   reward hacking   the reward rose, and a second one, which nothing was made
 *                    for, fell; or it was reached far from the base
 *   forgetting       the metric fell below the base's on a data set that
 *                    nothing learned from
 *   poor optimum     nothing was gained, or hardly anything was kept
 *
 * A reward that cannot tell answers apart and a context that overflows are the
 * conversion's own errors; drift and intervals are the measurement's.
 */
#ifndef TRIANGLE_VERDICT_H
#define TRIANGLE_VERDICT_H

#include <jansson.h>
#include <stdbool.h>

#include "base/err.h"

/** Add sentences to `trouble` of a row as node_measure() makes it. `of_reward`:
 * a reward is what it comes from, and so what it may have been bent to.
 * TRV_ENOMEM. */
int verdict_add(json_t *row, bool of_reward, trv_err *err);

#endif
