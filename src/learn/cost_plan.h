/* cost_plan.h -- what a conversion or training will take, said before it.
 *
 *   options, lengths of the inputs --a method's plan--> stages of work
 *     --rate.h--> seconds;  what does not fit a budget is cut
 *
 * A method plans twice by one function: with the longest inputs, which bounds
 * the tokens, and with the mean ones, which estimates the time. Tokens are
 * those of decoder passes (backend.h counts them): contexts and answers,
 * drawn, scored or learned. What began alike and was computed once costs less
 * than planned, never more.
 */
#ifndef LEARN_COST_PLAN_H
#define LEARN_COST_PLAN_H

#include <trivium/trivium.h>

#include "adapt/rate.h"

/* Tokens of the rows that a plan is made for. */
struct cost_lengths {
    bool is_bound;  // the longest: the plan bounds; else the mean: it estimates
    bool is_given;  // inputs of a file; else they are sampled
    double inputs;  // rows of the file
    double context; // of an input by itself
    double source;  // under the source, of all its parts together
    double parts;   // of the source: an answer runs through each
    double against; // under --against
    double answers; // of a given pair, both together
    double judged;  // tokens that a reward puts around an answer to score it
    double verdicts; // how often it sees the answer itself
    /* what all rows begin with alike, of the context and under the source; of a
     * bound 0 */
    double shared, source_shared;
};

/* Work that is reported as one stage of progress. */
struct cost_stage {
    const char *name; // trv_progress.stage
    struct rate_work work;
};

#define COST_STAGES 12
struct cost_plan {
    struct cost_stage stages[COST_STAGES];
    int n;
    double answers; // drawn
    double steps;   // of the optimiser, or of a search
    double looks;   // answers of an evaluation that nobody asked for
    double bytes;   // of learning, beside the model
    bool full;      // all weights learn: each token costs more
};

/* ---- adding work ---- */

#define COST_BLOCK 64.0 // rows that are drawn together

/** The stage of that name, at the end where it is new. */
struct rate_work *cost_stage(struct cost_plan *p, const char *name);
/** `rows` answers of `answer` tokens to contexts of `context`, drawn by `batch`;
 * `parts`: models that each token runs through. */
void cost_draw(struct cost_plan *p, const char *stage, double rows,
               double context, double answer, double parts, double batch);
/* Rows that go through the decoder in batches, each a context and an answer. */
struct cost_rows {
    double n, batch;        // of all batches; of one
    double context, answer; // tokens of each
    double shared;          // of the context: alike in all rows
    double contexts;        // different ones that rows are drawn from; 0: each
    double answers;         // its own. The same of answers
};
/** Their tokens: what rows of a batch begin with alike is computed once. Of a
 * bound all of them. */
double cost_packed(const struct cost_lengths *l, const struct cost_rows *r);
void cost_score(struct cost_plan *p, const char *stage, double tokens);
void cost_learn(struct cost_plan *p, const char *stage, double tokens);
/** Inputs that are sampled, where none are given. */
void cost_inputs(struct cost_plan *p, const struct cost_lengths *l,
                 double want);
/** Scores of answers by the source, which is a reward. */
void cost_judge(struct cost_plan *p, const char *stage,
                const struct cost_lengths *l, double rows, double answer);
/** How many answers an evaluation may take, `each` tokens apiece, so that it is
 * a tenth of the plan so far: 1 to `most`. */
double cost_looks(const struct cost_plan *p, double each, double most);

/* ---- reading a plan ---- */

struct rate_work cost_total(const struct cost_plan *p);
double cost_tokens(const struct cost_plan *p);
/** Seconds of all stages, or of those behind the stage named (NULL: all). */
double cost_seconds(const struct cost_plan *p, const struct rate *r,
                    const char *behind);
/** Seconds that a slow machine takes for it: a bound that no measuring is
 * needed for. */
double cost_slow_seconds(const struct cost_plan *p, const struct model *m);

/* The caller's progress, with the time left of the whole. */
struct cost_progress {
    const struct cost_plan *plan;
    const struct rate *rate; // NULL: not measured
    double after;            // seconds of what comes behind the plan
    trv_progress_fn progress;
    void *payload;
};
bool cost_report(const trv_progress *p, void *payload);

/* ---- a budget ---- */

/* By what sizes are divided in turn: coarse, so that a rate that varies by a
 * third mostly gives the same step. */
#define COST_DIVISORS                                                          \
    {                                                                          \
        1.5, 2, 3, 4, 6, 8, 12, 16, 24, 32, 64, 128, 256, 512, 1024            \
    }

/** "90s", "10m", "2h", a number of seconds: a millisecond to a year; "none":
 * infinite. TRV_EINVAL. */
int cost_budget(double *seconds, const char *text, trv_err *err);
/** The budget of a model where none is given: none for models as small as those
 * that the defaults were chosen on. */
double cost_usual_budget(const struct model *m);

/** "45 s", "6 min", "2 h": as coarse as an estimate is. */
#define COST_WORDS 32
const char *cost_time_text(char out[COST_WORDS], double seconds);
/** "12,345" */
const char *cost_count_text(char out[COST_WORDS], double n);

#endif
