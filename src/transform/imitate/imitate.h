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

/* Variants of the methods here. */
enum imitate_variant {
    IMITATE_DISTILL,  // the teacher's distribution; also of prefix and soft
    IMITATE_SFT,      // its answers
    IMITATE_FEATURES, // its distribution and hidden states
    IMITATE_SOLVE,    // the closed form is all: no training
};

/* Who teaches, where that is not what is converted. */
struct imitation {
    struct adaptation *teacher; // NULL: what is converted
    double beta;                // of the reward that teaches; 0: none does
};

/** Learn job->to from job->from and write it. What convert_run() returns. */
int imitate_run(const struct convert_job *job, trv_cost *cost,
                const struct imitation *how, trv_err *err);
/** The run of methods that learn from what is converted. */
int imitate_method(const struct convert_job *job, trv_cost *cost, trv_err *err);

#endif
