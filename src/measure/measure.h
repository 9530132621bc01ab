/* measure.h -- how far two adaptations of one base are apart, or how much of a
 * task's reward one gets.
 *
 * Which figures are measured follows from what the two are, and from what was
 * asked for (plan.h); only what these need is drawn and computed. For each
 * held-out input x (an input is the unit of every standard error):
 *   y_A ~ A  ->  KL(A||B), KL(A||base), same argmax, along y_A
 *   y_B ~ B  ->  KL(B||A), along y_B
 *   k candidates (half from A, half from the base)  ->  both score views
 * and on as many control inputs y_0 ~ base -> KL(base||B), the drift, beside
 * KL(base||A).
 * A, B and the base run as differently adapted rows of one packed batch.
 * Scores are adapt/reward's. A reward has no distribution to walk along: where
 * A or B is one, only the score views are compared. A task is a reward: its
 * mean over the answers that each side drew.
 */
#ifndef MEASURE_MEASURE_H
#define MEASURE_MEASURE_H

#include <trivium/trivium.h>

#include "adapt/view.h"

/** Inputs that a measurement read. */
struct measured_inputs {
    int64_t n;           // rows of the file, or sampled; 0: none were read
    char hash[HASH_HEX]; // of the file's bytes, or of the sampled tokens
};

struct measured_on {
    struct measured_inputs inputs, control;
};

/** `on` (NULL: not asked for) says what was read. Without a target `b` is not
 * looked at. */
int measure_run(struct session *s, trv_measurement *out, struct measured_on *on,
                struct adaptation *a, struct adaptation *b, bool has_target,
                struct adaptation *task, const trv_measure_options *opts,
                trv_progress_fn progress, void *payload, trv_err *err);

/** Free what a measurement holds; accepts zeros. */
void measure_release(trv_measurement *m);

/** {"mean":, "stderr":, "n":, "low":, "high":}, null where not measured; NULL
 * without memory. */
json_t *measure_figure(const trv_figure *f);
/** One JSON object, freed with mem_free(). */
int measure_json(char **out, const trv_measurement *m, trv_err *err);

#endif
