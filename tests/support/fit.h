/* fit.h -- options for one of several methods: what it does not read is left at
 * its default, for the door refuses what nothing reads.
 */
#ifndef SUPPORT_FIT_H
#define SUPPORT_FIT_H

#include <trivium/trivium.h>

#include "adapt/artefact.h"

/** Reset the options that no link of a chain reads: from a form through kinds,
 * names parted by blanks ("lora", "ratio lora"), o->method the last one's. */
void fit_options(trv_convert_options *o, enum form from, const char *kinds);

#endif
