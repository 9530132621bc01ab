/* convert.h -- the door to the edges of the triangle: checks, the choice of a
 * method, dispatch.
 */
#ifndef TRANSFORM_CONVERT_H
#define TRANSFORM_CONVERT_H

#include <trivium/trivium.h>

#include "adapt/adaptation.h"
#include "transform/link_budget.h"
#include "transform/method.h"

#define CONVERT_LINKS_MAX 8 // conversions of a chain

/** The edges in the order of the help; NULL behind the last. */
const struct edge *convert_edge_at(int64_t i);

/** Check that options are within their bounds, and that texts which a manifest
 * or a fingerprint stores are UTF-8. TRV_ERANGE, TRV_EINVAL. */
int convert_check(const struct adaptation *from,
                  const trv_convert_options *opts, trv_err *err);

/* What a conversion from one form to a kind is done by. */
struct convert_choice {
    const struct edge *edge;
    struct method_use use;
};

/** Choose by the forms and the method's name; NULL: the first of the edge that
 * makes the kind or, with given pairs, that reads them, too. TRV_EUNSUPPORTED
 * lists the methods that exist. */
int convert_choose(struct convert_choice *out, enum form from, enum kind to,
                   const char *method, bool has_pairs, trv_err *err);

/** method_check_read() of a chain of n conversions. */
int convert_check_read(const struct convert_choice *list, int n,
                       const trv_convert_options *o, trv_err *err);

/** What can be refused before anything is planned or drawn: a source that the
 * method cannot learn from, a reward that needs a column where inputs are
 * sampled. `from` NULL: a link before makes it. TRV_EINVAL, TRV_EUNSUPPORTED. */
int convert_refuse(const struct convert_job *job, trv_err *err);

/** A job of `from` (NULL: of a kind, `made`, that a link before makes) to the
 * kind and place that `to` names ("lora:out/z"), by what was chosen, as the
 * next link of a budget. TRV_EINVAL, and convert_refuse()'s. */
int convert_add(struct budget *b, struct adaptation *from, enum kind made,
                const char *to, const struct convert_choice *choice,
                const trv_convert_options *opts, trv_err *err);

/** Run link i of a budget that was fitted, from `from`. `held`: the output,
 * locked by the caller; NULL: it is locked here. */
int convert_link(struct budget *b, int i, trv_cost *cost,
                 struct adaptation *from, struct outdir *held,
                 trv_progress_fn progress, void *payload, trv_err *err);

/** Check, choose and convert. */
int convert_run(struct session *s, trv_cost *cost, struct adaptation *from,
                const char *to, const trv_convert_options *opts,
                trv_progress_fn progress, void *payload, trv_err *err);

#endif
