/* api_note.h -- a measurement, noted in the target's trivium.json. */
#ifndef API_API_NOTE_H
#define API_API_NOTE_H

#include "api/api.h"
#include "measure/measure.h"

/** TRV_EINVAL: the target is no folder with a trivium.json. */
int api_note_check(const struct adaptation *target, trv_err *err);

/**
 * Write the figures that were measured to `measured` in the target's
 * trivium.json, with what they depend on and nothing that a second run would
 * say otherwise: no time, no seconds. Other keys that stand there stay.
 */
int api_note(const trv_measurement *m, const struct measured_on *on,
             struct adaptation *source, const struct adaptation *target,
             const trv_measure_options *opts, trv_err *err);

#endif
