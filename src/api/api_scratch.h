/* api_scratch.h -- a training that begins with random weights. */
#ifndef API_API_SCRATCH_H
#define API_API_SCRATCH_H

#include <trivium/trivium.h>

#include "base/outdir.h"

/** OUT, locked. TRV_EINVAL: `to` is not what the lock was taken for. */
int api_scratch_out(struct outdir **out, trv_scratch *s, const char *to,
                    trv_err *err);

#endif
