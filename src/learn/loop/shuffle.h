/* shuffle.h -- the order in which a run meets its data: each epoch a new one,
 * given by (seed, epoch) alone, so that a resumed run needs to save nothing.
 */
#ifndef LEARN_SHUFFLE_H
#define LEARN_SHUFFLE_H

#include <stdint.h>

#include "base/err.h"

struct shuffle {
    int64_t *order; // of this epoch [n]
    int64_t n, epoch;
    uint64_t seed;
};

/** 1 <= n < 2^31. TRV_ENOMEM. */
int shuffle_init(struct shuffle *s, int64_t n, uint64_t seed, trv_err *err);
/** Which of 0..n-1 stands at a position counted from the run's start; after n
 * positions the next epoch begins. Cheap but where an epoch begins. */
int64_t shuffle_at(struct shuffle *s, int64_t position);
void shuffle_release(struct shuffle *s); // accepts zeros

#endif
