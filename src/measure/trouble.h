/* trouble.h -- the warnings of a measurement, as text. */
#ifndef MEASURE_TROUBLE_H
#define MEASURE_TROUBLE_H

#include "measure/stage.h"

/** out->trouble: a line for each thing that its figures, or inputs that were
 * dropped, give reason to doubt; NULL where there is none. Returns 0 or
 * TRV_ENOMEM. */
int trouble_name(struct measure *m, trv_measurement *out, trv_err *err);

#endif
