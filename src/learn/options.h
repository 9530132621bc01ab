/* options.h -- the options that all learning shares: checked, told to a
 * manifest, and handed to the loop.
 */
#ifndef LEARN_OPTIONS_H
#define LEARN_OPTIONS_H

#include <jansson.h>
#include <trivium/trivium.h>

#include "learn/run.h"

/** A number and its bounds; NaN is outside all of them. */
struct bounded {
    const char *name;
    double value, lo, hi;
};
/** TRV_ERANGE names the first that is out of bounds. */
int options_within(const struct bounded *list, size_t n, trv_err *err);

/** Bounds of every number; TRV_EINVAL where a text is NULL. */
int options_check_lora(const trv_lora_options *o, trv_err *err);
int options_check_learn(const trv_learn_options *o, trv_err *err);

/** Add what was used to a JSON object: `steps`, `batch` and `lr` as they were
 * decided. TRV_ENOMEM. */
int options_tell_lora(json_t *to, const trv_lora_options *o, trv_err *err);
int options_tell_learn(json_t *to, const trv_learn_options *o, trv_err *err);

/** The loop's options but for its folder and fingerprint. `o` is complete. */
struct run_options options_run(const trv_learn_options *o);

#endif
