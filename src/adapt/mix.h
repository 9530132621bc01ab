/* mix.h -- several adaptations at once, each with a weight.
 *
 *   log p = log p0 + sum W_i (log p_i - log p0), then normalised
 *
 * W 1 of a single one is that adaptation; above 1 it is strengthened
 * (guidance), below 0 it is what the text moves away from.
 */
#ifndef ADAPT_MIX_H
#define ADAPT_MIX_H

#include "adapt/adaptation.h"

/** A mix of parts that are open. TRV_EINVAL: a part that is a mix or a reward.
 */
int mix_open(struct adaptation *a, struct kind_source *from, trv_err *err);

#endif
