/* origin.h -- where a side of a measurement comes from: its words, and how it
 * was made, from trivium.json and the metrics of its run. */
#ifndef CLI_ORIGIN_H
#define CLI_ORIGIN_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <trivium/trivium.h>

#include "cli/curves.h"

struct origin {
    json_t *said; // trv_adaptation_describe()
    struct curves curves;
};

/** Zeros are an origin of nothing. A run without metrics, or lines of them that
 * are broken, are no failure: that curve is shorter. */
int origin_open(struct origin *o, const trv_adaptation *a, trv_err *err);
void origin_release(struct origin *o); // accepts zeros

/** A prompt's messages (array), or NULL. */
const json_t *origin_words(const struct origin *o);
/** The conversions that made it (array of at least one), or NULL. */
const json_t *origin_chain(const struct origin *o);

/** The commands that made it, each option with its value, and what was not
 * kept as a remark; `model` as it is named now. */
void origin_commands(FILE *f, const struct origin *o, const char *model);

/** A command as it was typed, but for its lines. */
void origin_words_typed(FILE *f, char *const *words, int n);

#endif
