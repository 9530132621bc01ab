/* imitate.h -- a student learns to do what a teacher does: the machinery of
 * every edge that makes something trained out of something that acts.
 *
 *   inputs x -> contexts of teacher and student -> answers y from the teacher
 *     -> a closed form (solve.c), training (distill.c), or the one as the
 *        other's start -> an artefact
 */
#ifndef TRANSFORM_IMITATE_H
#define TRANSFORM_IMITATE_H

#include "transform/job.h"

/* What an edge decides; names are borrowed and go into trivium.json. */
struct imitation {
    struct adaptation *teacher; // NULL: what is converted
    const char *edge;           // "prompt->params"
    const char *method;         // "distill"
    double beta;                // of a reward that teaches; 0: none does
    bool hard;     // learn the teacher's answers, not its distribution
    bool features; // and its hidden states
    bool closed;   // the closed form is all: no training
};

/** Learn job->to from job->from and write it. What convert_run() returns. */
int imitate_run(const struct convert_job *job, trv_cost *cost,
                const struct imitation *how, trv_err *err);

#endif
