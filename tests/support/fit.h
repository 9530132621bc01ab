/* fit.h -- options for one of several methods: what it does not read is left at
 * its default, for the door refuses what nothing reads.
 */
#ifndef SUPPORT_FIT_H
#define SUPPORT_FIT_H

#include <stdbool.h>
#include <stddef.h>

#include <trivium/trivium.h>

#include "adapt/artefact.h"

/** An option of the .def files and its field. */
struct fit_option {
    enum fit_type {
        FIT_FLAG,
        FIT_INT,
        FIT_SEED,
        FIT_NUM,
        FIT_TEXT,
        FIT_CHOICE
    } type;
    const char *name;
    size_t offset, size;
    double lo, hi; // of numbers
    const char *choices, *value, *unit, *shown, *help;
};
/** NULL behind the last; NULL for a name that is none. */
const struct fit_option *fit_option_at(size_t i);
const struct fit_option *fit_option_of(const char *name);
/** Set an option from text, as on a command line; a text is borrowed. */
void fit_set(trv_convert_options *o, const struct fit_option *option,
             const char *value);
bool fit_equal(const trv_convert_options *a, const trv_convert_options *b,
               const struct fit_option *option);

/** Reset the options that no link of a chain reads: from a form through kinds,
 * names parted by blanks ("lora", "ratio lora"), o->method the last one's. */
void fit_options(trv_convert_options *o, enum form from, const char *kinds);

#endif
