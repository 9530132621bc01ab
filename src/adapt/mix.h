/* mix.h -- several adaptations at once, each with a weight.
 *
 *   log p = log p0 + sum W_i (log p_i - log p0), then normalised
 *
 * W 1 of a single one is that adaptation; above 1 it is strengthened (guidance),
 * below 0 it is what the text moves away from.
 */
#ifndef ADAPT_MIX_H
#define ADAPT_MIX_H

#include "adapt/adaptation.h"

/** Fill a mix from "1.5*A-0.5*B", what stands behind "mix:". A term ends where
 * a sign, a number and a star begin the next. TRV_EINVAL shows the form. */
int mix_read(struct adaptation *a, const struct adaptation_how *how,
             const char *list, trv_err *err);

/** Does a term of a mix or a sum begin here: an optional sign, a number, a star
 * and more? Gives the number and what stands behind the star; else NULL. */
const char *mix_term(double *weight, const char *s);

/** Open adaptations given one by one, each as A, A=W or W*A (a text behind
 * prompt: and the options of demos, retrieve and rewards keep their '='). One of weight 1 is opened as itself. n >= 1. */
int mix_open(struct adaptation **out, const struct model *m,
             const struct model_identity *id, const char *const *specs,
             int64_t n, bool any_base, trv_err *err);

#endif
