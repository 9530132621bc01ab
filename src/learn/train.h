/* train.h -- plain learning from given data: `trivium train`. */
#ifndef LEARN_TRAIN_H
#define LEARN_TRAIN_H

#include <trivium/trivium.h>

#include "adapt/session.h"
#include "base/outdir.h"

/** Train and write what `to` names, "KIND:OUT". `held`: OUT, locked by the
 * caller; NULL: the run locks it. */
int train_run(struct session *s, trv_cost *cost, const char *to,
              struct outdir *held, const trv_train_options *opts,
              trv_progress_fn progress, void *payload, trv_err *err);

#endif
