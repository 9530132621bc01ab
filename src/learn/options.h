/* options.h -- the options that all learning shares: checks, JSON for a
 * manifest, and the loop's options.
 */
#ifndef LEARN_OPTIONS_H
#define LEARN_OPTIONS_H

#include <jansson.h>
#include <trivium/trivium.h>

#include "learn/loop/run.h"
#include "model/decoder/lora.h"
#include "model/files/model.h"

/** A number and its bounds; NaN is outside all of them. */
struct bounded {
    const char *name;
    double value, lo, hi;
};
/** TRV_ERANGE names the first that is out of bounds. */
int options_within(const struct bounded *list, size_t n, trv_err *err);

/** The place of `name` among `n` names, for one option. TRV_EINVAL lists
 * them. */
int options_choose(int *out, const char *option, const char *name,
                   const char *const *names, int n, trv_err *err);
/** "forward", "reverse", "jsd". TRV_EINVAL. */
int options_divergence(enum divergence *out, const char *name, trv_err *err);

/** Bounds of every number; TRV_EINVAL where a text is NULL. */
int options_check_lora(const trv_lora_options *o, trv_err *err);
/** Begin what they ask for, so that nothing changes yet: what lora_begin() and
 * dora_start() return. */
int options_begin_lora(struct lora *l, const struct model *m,
                       const trv_lora_options *o, uint64_t seed, trv_err *err);
int options_check_learn(const trv_learn_options *o, trv_err *err);

/** A method's defaults. */
struct learn_defaults {
    int32_t steps, batch;
    double lr;
    const char *rows; // what a batch is of, for messages: "rows"
};
/** Replace every zero, and check that such a run is possible, before any
 * expensive work. `steps` 0 leaves them open, for options_epochs(). */
int options_complete(trv_learn_options *o, const struct learn_defaults *d,
                     trv_err *err);
/** The default of steps: `epochs` (0: 1) times n rows. `asked` is the batch
 * that the user set; where it is 0, a batch is all rows where they are
 * fewer. */
int options_epochs(trv_learn_options *o, int32_t asked, double epochs,
                   int64_t n, trv_err *err);

/** Defaults of learning from given data, where options are 0. */
#define GIVEN_BATCH 16
#define GIVEN_LENGTH 1024 // tokens of a row, or the context where shorter
/** The most tokens of a row: what was asked for, or the default as far as there
 * is room. TRV_ETOOLONG where more was asked for than that. */
int options_length(int64_t *out, int64_t asked, int64_t room, trv_err *err);

/** Add the values used to a JSON object, with the final `steps`, `batch` and
 * `lr`. TRV_ENOMEM. */
int options_lora_to_json(json_t *to, const trv_lora_options *o, trv_err *err);
int options_learn_to_json(json_t *to, const trv_learn_options *o, trv_err *err);

/** The loop's options but for its folder and fingerprint. `o` is complete. */
struct run_options options_run(const trv_learn_options *o);

#endif
