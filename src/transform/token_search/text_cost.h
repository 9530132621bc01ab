/* text_cost.h -- what a search for a text takes, and the sizes that decide
 * it.
 */
#ifndef TRANSFORM_TEXT_COST_H
#define TRANSFORM_TEXT_COST_H

#include "learn/cost_plan.h"
#include "transform/job.h"

/* Defaults that depend on the source; the others are the method's. The field's
 * (GCG: 250 steps, width 512, one restart) take hours on a few cores; these
 * take minutes on a model of some millions of parameters, and restarts say how
 * far to trust them. */
#define TEXT_SAMPLES 128
#define TEXT_PER_INPUT 8 // answers of the base, to be weighted by a reward
#define TEXT_INPUTS 64
#define TEXT_BETA 0.01
/* Texts that a restart chooses among: a drawn one costs a few tokens, and what
 * is asked for may be what the model writes once in a hundred. */
#define TEXT_STARTS 512
/* Answers, or inputs, that restarts are evaluated on. */
#define TEXT_JUDGED 64
/* Of a reward: answers to an input in a step, for each of these candidates. */
#define TEXT_DRAWN 4
#define TEXT_CONFIRMS 4
/* What the candidates of a step may take, in floating-point operations: a
 * second or two on two cores. */
#define TEXT_STEP_FLOP 5e11
#define TEXT_LEAST_WIDTH 32
#define TEXT_MOST_WIDTH 512

/** The plan of the method `text`. */
void text_plan(struct cost_plan *p, const struct convert_job *job,
               const struct cost_lengths *l);

#endif
