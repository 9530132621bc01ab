/* train_head.h -- a reward model from given pairs: `trivium train --to head:`.
 */
#ifndef LEARN_TRAIN_HEAD_H
#define LEARN_TRAIN_HEAD_H

#include <trivium/trivium.h>

#include "learn/work.h"

/** As train_run(), which calls it: `begun` is filled except its place, `out` is
 * the folder, the options are checked. */
int train_head_run(const struct work *begun, trv_cost *cost, const char *out,
                   const trv_train_options *opts, trv_err *err);

#endif
