/* evolve_add.h -- a proposed text as a candidate of the pool, and a candidate's
 * tokens in the prompt's place.
 */
#ifndef TRANSFORM_EVOLVE_ADD_H
#define TRANSFORM_EVOLVE_ADD_H

#include "transform/evolve/evolve.h"

/** Add one of parts, which are taken over; *out is NULL where it is known, too
 * long or not plain. */
int evolve_add_parts(struct candidate **out, struct evolve *e,
                     struct parts *parts, const char *how, int64_t parent,
                     int64_t mate, trv_err *err);
/** The same of a text that stands as it is. */
int evolve_add_text(struct candidate **out, struct evolve *e, const char *text,
                    const char *how, int64_t parent, trv_err *err);
/** The tokens of a candidate in its place, appended; none where it has no place
 * of its own. */
int evolve_ids(struct ids *z, const struct evolve *e, const struct candidate *a,
               trv_err *err);

#endif
