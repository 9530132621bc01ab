/* stage.h -- a measurement in progress, and what it reports of its stages.
 *
 * All stages share one struct measure. This file owns the progress of the
 * current stage; the answers are answers_drawn.h's, the figures those of
 * divergence.h and ranks.h.
 */
#ifndef MEASURE_STAGE_H
#define MEASURE_STAGE_H

#include <trivium/trivium.h>

#include "adapt/view.h"
#include "learn/cost_plan.h"
#include "measure/measure.h"

/* The three sides of a measurement. */
enum side { SIDE_BASE, SIDE_A, SIDE_B, SIDES };

struct item; // answers_drawn.h

struct measure {
    struct session *s;
    struct decoder *d;
    struct adaptation *side[SIDES];
    bool has_target;         // else SIDE_B is not there
    struct adaptation *task; // a reward, or NULL
    const trv_measure_options *opts;
    trv_progress_fn progress;
    void *payload;
    struct inputs in;
    struct measured_on on; // what was read
    struct item *items;    // [n]: of `in`, or of the control inputs
    int64_t n;
    int64_t dropped; // inputs of `in` that do not fit
    /* plan.h chooses these */
    unsigned asked; // a bit for each figure: ASKED()
    int64_t max_inputs, max_tokens, candidates;
    int64_t per_side[SIDES]; // answers of each side to an input
    bool acts[SIDES];        // it has a distribution: all but rewards
    bool target_moves;       // the target acts, and is not the base
    enum side second;        // whose answers are candidates beside the base's
    enum side priced;        // whose cost is said: the target, or the source
    /* budget.h: what it will take, where that was planned */
    struct cost_plan plan;
    struct rate rate;
    bool is_rated, is_cut;
    int64_t full_inputs, full_tokens; // what would have been taken, and
    double full_seconds;              // how long, about
    double seconds[SIDES];            // of sampling
    double drawn_tokens[SIDES];
    double stage_began, stage_tokens; // when the stage began
    const char *stage, *unit;
    int64_t stage_done, stage_total;
};

/** A line for people, through opts->on_message. */
void stage_say(const struct measure *m, const char *fmt, ...) TRV_PRINTF(2, 3);

/** What was read, for measured_on. */
void stage_note_inputs(struct measured_inputs *to, const struct data *rows);

/** From here on progress is of `stage`, 0 of `total` units. */
void stage_begin(struct measure *m, const char *stage, const char *unit,
                 int64_t total);

/** Report `done` units of the stage; false: the caller of the measurement
 * wants it to stop. */
bool stage_report(const struct measure *m, int64_t done);

/** The same as callbacks whose payload is the measure: of inputs_open(), and of
 * sampling, which counts from the stage's `stage_done` on. */
bool stage_on_inputs(void *payload, int64_t done, double tokens);
bool stage_on_drawn(void *payload, int64_t rows_done, int64_t tokens);

/** Returns TRV_ECANCELED. */
int stage_canceled(trv_err *err);

#endif
