/* convert.h -- the door to the edges of the triangle: checks, the choice of a
 * method, dispatch.
 */
#ifndef TRANSFORM_CONVERT_H
#define TRANSFORM_CONVERT_H

#include <trivium/trivium.h>

#include "adapt/adaptation.h"
#include "transform/method.h"

#define CONVERT_LINKS_MAX 8 // conversions of a chain

/** The edges in the order of the help; NULL behind the last. */
const struct edge *convert_edge_at(int64_t i);

/* What a conversion from one form to a kind is done by. */
struct convert_choice {
    const struct edge *edge;
    struct method_use use;
};

/** Choose by the forms and the method's name; NULL: the first of the edge that
 * makes the kind or, with given pairs, that reads them, too. TRV_EUNSUPPORTED
 * says what there is. */
int convert_choose(struct convert_choice *out, enum form from, enum kind to,
                   const char *method, bool has_pairs, trv_err *err);

/** method_check_read() of a chain of n conversions. */
int convert_check_read(const struct convert_choice *list, int n,
                       const trv_convert_options *o, trv_err *err);

/** Convert `from` to the kind and place that `to` names ("lora:out/z"), by what
 * was chosen; options are checked already. */
int convert_link(struct session *s, trv_cost *cost, struct adaptation *from,
                 const char *to, const struct convert_choice *choice,
                 const trv_convert_options *opts, trv_progress_fn progress,
                 void *payload, trv_err *err);

/** Check, choose and convert. */
int convert_run(struct session *s, trv_cost *cost, struct adaptation *from,
                const char *to, const trv_convert_options *opts,
                trv_progress_fn progress, void *payload, trv_err *err);

#endif
