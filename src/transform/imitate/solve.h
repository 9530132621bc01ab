/* solve.h -- the method `solve` of prompt -> params: a LoRA in closed form,
 * layer by layer, with no step of an optimiser.
 *
 * A prompt acts on later tokens through what it makes attention add to their
 * residual stream. So each map W that writes to the stream (attention's output
 * and the MLP's second matrix) gets the low-rank change that brings the
 * student's stream nearest to the teacher's, from the bottom up:
 *
 *   a   what enters W under the student, all maps below already corrected
 *   d   the teacher's stream after W, less the student's
 *   dW  = argmin sum over answer positions |dW a - d|^2 + ridge |dW|^2,
 *         cut to the pair's rank by reduced-rank regression
 *         (transform/imitate/lowrank.h) in the metric of what an error there
 *         costs the teacher's answers (fisher.h), for which a few samples go
 *         back through the model
 *
 * Most of d cannot be known from a: on SmolLM2-135M a regression on 384 answers
 * explains a quarter of what the MLP's maps have to add, and on other answers
 * of the same inputs' kind less than half of that is there. So, from 32 inputs
 * on, each fourth input with its answers is held out: every direction of dW
 * takes the length that the held answers bear out, and of a few ridges that one
 * is kept which brings them nearest (docs/solve.md).
 *
 * Each side goes through the model once: a half layer of all samples, a solve,
 * the correction, and on. The target is the raw stream, learned positions
 * included: leaving out what positions alone add was measured to close less of
 * the gap (GPT-2, three prompts: 0.644 on average instead of 0.665).
 *
 * Source   that a context acts on a block as a low-rank change of its weights,
 *          exactly and of rank 1 at one position: Dherin et al. 2025,
 *          arXiv:2507.16003.
 */
#ifndef TRANSFORM_SOLVE_H
#define TRANSFORM_SOLVE_H

#include "transform/answers.h"

#define SOLVE_RIDGE 0.01

struct solve_options {
    double ridge;    // > 0, the least, in units of the inputs' mean square
    int64_t answers; // at most so many, from the first; 0: all
    trv_progress_fn progress;
    void *payload;
};

struct solve_result {
    int64_t maps;  // solved for
    double tokens; // through the model, both sides
};

/** Does solve write this part? */
bool solve_writes(enum part p);

/** Can a model's maps be solved for? TRV_EUNSUPPORTED where a layer norms what
 * they write, or runs its halves in parallel. */
int solve_check(const struct model_config *cfg, trv_err *err);

/**
 * Solve for the pairs of `student` that solve_writes(); its other pairs are
 * left alone, and must add nothing (B zero). The student is whole only after
 * success. The model has passed solve_check().
 *
 * @return 0; TRV_EINVAL (no pair to solve for), TRV_EUNSUPPORTED (a teacher
 *         that mixes several streams or another model), TRV_ECANCELED,
 *         TRV_ENONFINITE, TRV_ENOMEM.
 */
int solve_run(struct session *s, struct solve_result *out,
              struct adapter_weights *student, const struct answers *answers,
              const struct solve_options *opts, trv_err *err);

#endif
