/* train.h -- plain learning from given data: `trivium train`. */
#ifndef LEARN_TRAIN_H
#define LEARN_TRAIN_H

#include <trivium/trivium.h>

#include "adapt/session.h"

/** Train and write what `to` names, "KIND:OUT". */
int train_run(struct session *s, trv_cost *cost, const char *to,
              const trv_train_options *opts, trv_progress_fn progress,
              void *payload, trv_err *err);

#endif
