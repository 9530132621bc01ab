/* convert.h -- the edges of the triangle: which there are, and the one door to
 * them all.
 */
#ifndef TRANSFORM_CONVERT_H
#define TRANSFORM_CONVERT_H

#include <trivium/trivium.h>

#include "adapt/view.h"

/** What an edge is given. `opts` is checked and complete but for zeros, which
 * stand for the method's own defaults. */
struct convert_job {
    struct session *s;
    struct adaptation *from;
    enum kind to;
    const char *out;
    const trv_convert_options *opts;
    trv_progress_fn progress;
    void *payload;
};

/** Convert `from` to the kind and place that `to` names ("lora:out/z"). */
int convert_run(struct session *s, trv_cost *cost, struct adaptation *from,
                const char *to, const trv_convert_options *opts,
                trv_progress_fn progress, void *payload, trv_err *err);

/** A message to people through opts->on_message. */
void convert_say(const struct convert_job *job, const char *fmt, ...)
    TRV_PRINTF(2, 3);

/* The edges, one file each. */
int prompt_to_params(const struct convert_job *job, trv_cost *cost,
                     trv_err *err);

#endif
