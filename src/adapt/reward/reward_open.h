/* reward_open.h -- rewards from options and from parts that are open: for the
 * rows of kinds.c, whose slot `open` this is.
 */
#ifndef ADAPT_REWARD_REWARD_OPEN_H
#define ADAPT_REWARD_REWARD_OPEN_H

#include "adapt/reward/reward.h"
#include "adapt/reward/reward_conf.h"

/* By their names: a factor, a temperature, none. */
extern const struct conf_option beta_options[], alpha_options[], no_options[];

/** TRV_EUNSUPPORTED: a folder asks for an outside program. */
int reward_open_verifier(struct adaptation *a, struct kind_source *from,
                         trv_err *err);
int reward_open_judge(struct adaptation *a, struct kind_source *from,
                      trv_err *err);
/** What compares one or two sides, by the row's factor. TRV_EINVAL: a factor
 * out of bounds; a side that has no distribution. */
int reward_open_sides(struct adaptation *a, struct kind_source *from,
                      trv_err *err);
/** TRV_EINVAL: a part that is the base. */
int reward_open_sum(struct adaptation *a, struct kind_source *from,
                    trv_err *err);

#endif
