/* prompt_value.h -- the value of a prompt: answers are drawn under it and
 * scored.
 *
 *   value of (z, x) = mean over answers y ~ p_z(.|x) of r(x,y) - beta k(x,y)
 *   k(x,y) = sum over positions t of KL(p_z(.|x,y<t), p0(.|x,y<t)), nats
 *
 * E over y of k is KL(p_z, p0) of whole answers; taken position by position
 * over the full vocabulary it varies less than log p_z(y) - log p0(y) does.
 */
#ifndef TRANSFORM_PROMPT_VALUE_H
#define TRANSFORM_PROMPT_VALUE_H

#include <jansson.h>
#include <trivium/trivium.h>

#include "adapt/view.h"

/* A request for one answer, and its result. */
struct prompt_value {
    struct adaptation *z; // NULL: the base
    const struct data_row *row;
    uint64_t stream;   // of its random numbers
    bool fits;         // does an answer of max_tokens fit the context?
    double reward, kl; // kl is 0 where beta is; both NaN where it does not fit
    char *text;        // the answer, NUL-terminated; mem_free
    int32_t *ids;      // [tokens] of it; mem_free
    int64_t tokens;    // its end included
};

struct prompt_value_options {
    struct session *s;
    struct adaptation *reward;
    int64_t max_tokens;
    double temperature;
    bool kl; // is k wanted?
    uint64_t seed;
    /* Called now and then; false stops: TRV_ECANCELED. May be NULL. */
    bool (*watch)(void *payload);
    void *payload;
};

/** Draw and score. `spent` takes the tokens that were drawn on top. What
 * view_open(), engine_sample_contexts() and reward_score() return. */
int prompt_value_run(struct prompt_value *list, int64_t n,
                     const struct prompt_value_options *opts, double *spent,
                     trv_err *err);
void prompt_value_release(struct prompt_value *list, int64_t n);

/** Continue texts, or answer them in a chat where the model has one: n samples
 * of at most max_tokens from the base, sample i in stream first + i.
 * text[i]: mem_free. */
int prompt_value_sample(char **text, const char *const *ask, int64_t n,
                        uint64_t first, const struct prompt_value_options *opts,
                        double *spent, trv_err *err);

/** A mean over inputs and its standard error; NaN for fewer than 2. */
struct prompt_value_mean {
    double mean, error;
    int64_t n;
};
struct prompt_value_mean prompt_value_mean(const double *x, int64_t n);

/** Write the measured values as JSON for a manifest: `name` with a prompt, and
 * NAME_base without. TRV_ENOMEM. */
int prompt_value_note(json_t *manifest, const char *name,
                      const struct prompt_value_mean *base,
                      const struct prompt_value_mean *with, trv_err *err);

#endif
