/* linear.h -- the weights of a linear map as f32, wherever they are stored. */
#ifndef BACKEND_LINEAR_H
#define BACKEND_LINEAR_H

#include "backend/backend.h"

/** Rows of part p as W sees them: its outputs. */
int64_t linear_part_out(const struct linear *lin, int p);

/** w [out, in] = the whole of W, from the master or else from the parts.
 * TRV_ENOMEM. */
int linear_weights(float *w, const struct linear *lin, trv_err *err);

/** The parts' shapes add up to [out, in]; TRV_EINVAL where not. */
int linear_check(const struct linear *lin, trv_err *err);

#endif
