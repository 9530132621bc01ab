/* trouble.h -- what looks wrong in a measurement, in words. */
#ifndef MEASURE_TROUBLE_H
#define MEASURE_TROUBLE_H

#include "measure/stage.h"

/** out->trouble: a line for each thing that its figures, or `dropped` inputs,
 * give reason to doubt; NULL where there is none. Returns 0 or TRV_ENOMEM. */
int trouble_name(const struct measure *m, trv_measurement *out, int64_t dropped,
                 trv_err *err);

#endif
