/* reward_conf.h -- the options of a reward: an object of strings (as a spec has
 * them) or of numbers and flags (as a person writes trivium.json).
 *
 *   key=value,key=value,last=all the rest, commas and all
 *
 * A value ends at the next comma, so it holds none; the keys that take the rest
 * of the text stand last, and their values are taken as they are.
 */
#ifndef ADAPT_REWARD_REWARD_CONF_H
#define ADAPT_REWARD_REWARD_CONF_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

/** Read options into conf. `keys` are those known, NULL at the end; one of
 * `rest` takes the rest of the text. `what` names the reward in messages.
 * TRV_EINVAL, TRV_ENOMEM. */
int conf_parse(json_t *conf, const char *text, const char *what,
               const char *const *keys, const char *const *rest, trv_err *err);

/** Take `key=value,` off the front of *text as long as the key is known: what
 * is left is the subject, as it stands; `alone` allows an empty one. A key may
 * be given once. */
int conf_lead(json_t *conf, const char **text, const char *what,
              const char *const *keys, bool alone, trv_err *err);

/** TRV_EINVAL names a key of conf that is not in `keys`, and those that are. */
int conf_known(const json_t *conf, const char *what, const char *const *keys,
               trv_err *err);

/* Absent leaves *out as it is. TRV_EINVAL names what is wrong. */
int conf_text(const char **out, const json_t *conf, const char *key,
              const char *what, trv_err *err);
int conf_num(double *out, const json_t *conf, const char *key, double lo,
             double hi, const char *what, trv_err *err);
int conf_flag(bool *out, const json_t *conf, const char *key, const char *what,
              trv_err *err);
/** The place of the value among `names`, NULL at the end. */
int conf_choice(int *out, const json_t *conf, const char *key,
                const char *const *names, const char *what, trv_err *err);

#endif
