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
#include <trivium/trivium.h>

#include "base/err.h"

/** An option: what the help says of it, and how it is read. Tables of them end
 * with a name NULL, and are all that there is: what they do not list is
 * refused, and what they list is read. */
struct conf_option {
    trv_spec_option info; // `value` of a choice lists the names: "a|b|c"
    enum conf_type {
        CONF_TEXT,   // into a const char *, which is conf's
        CONF_FLAG,   // bool
        CONF_NUMBER, // double
        CONF_CHOICE, // int: the place of the name
    } type;
    size_t at;     // of the field that takes it
    double lo, hi; // of a number
};

/** Read options of a spec into conf; one that takes the rest of the text has
 * it. `what` names the reward in messages. TRV_EINVAL, TRV_ENOMEM. */
int conf_parse(json_t *conf, const char *text, const char *what,
               const struct conf_option *options, trv_err *err);

/** Take `key=value,` off the front of *text as long as the key is known: what
 * is left is the subject, as it stands; `alone` allows an empty one. A key may
 * be given once. */
int conf_lead(json_t *conf, const char **text, const char *what,
              const struct conf_option *options, bool alone, trv_err *err);

/** Read conf into the fields of `into`. What is not there becomes the option's
 * fallback, or stays as it is where there is none. TRV_EINVAL names a key that
 * is not known, and what is wrong with a value. */
int conf_read(void *into, const json_t *conf, const struct conf_option *options,
              const char *what, trv_err *err);
/** A text: TRV_EINVAL where it is none. Absent leaves *out as it is. */
int conf_text(const char **out, const json_t *conf, const char *key,
              const char *what, trv_err *err);

#endif
