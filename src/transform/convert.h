/* convert.h -- the door to the edges of the triangle: checks, then dispatch. */
#ifndef TRANSFORM_CONVERT_H
#define TRANSFORM_CONVERT_H

#include <trivium/trivium.h>

#include "adapt/adaptation.h"

/** Convert `from` to the kind and place that `to` names ("lora:out/z"). */
int convert_run(struct session *s, trv_cost *cost, struct adaptation *from,
                const char *to, const trv_convert_options *opts,
                trv_progress_fn progress, void *payload, trv_err *err);

#endif
