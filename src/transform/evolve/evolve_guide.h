/* evolve_guide.h -- instructions guided by well rewarded answers: the
 * likelihood of these answers under an instruction, and its gradient in the
 * instruction's tokens.
 *
 *   hint(z) = mean log p_z(token) over the tokens of the best answers seen
 *
 * A reward of texts is one number for a whole answer; where every answer has
 * the same reward, it cannot rank instructions. The tokens of the best answers,
 * under whatever instruction they were drawn, are known: their likelihood is a
 * graded signal and has a gradient in the instruction. It only guides: every
 * instruction that is kept was evaluated.
 */
#ifndef TRANSFORM_EVOLVE_GUIDE_H
#define TRANSFORM_EVOLVE_GUIDE_H

#include "transform/evolve/evolve.h"
#include "transform/search/place_likelihood.h"

#define GUIDE_TARGETS 16 // answers: the gradient's pass holds them all
#define GUIDE_NEAR                                                             \
    32 // prompts near a parent, of which the likeliest is its child

struct evolve_guide {
    struct evolve *e;
    struct place_answer *y; // [n] borrowed from the candidates
    double *coef;           // [n]
    int64_t n;              // 0: all rewards are equal
};

/** Gather the best answers of the pool. Without a slot there are none.
 * TRV_ENOMEM. */
int evolve_guide_open(struct evolve_guide *g, struct evolve *e, trv_err *err);
void evolve_guide_release(struct evolve_guide *g); // accepts zeros

/** hint[i] of candidates, NaN where one has no place of its own. Resets the
 * session's arena. */
int evolve_guide_hints(double *hint, const struct evolve_guide *g,
                       struct candidate *const *list, int64_t n, trv_err *err);

/** A child of `parent`, some of its tokens changed along the gradient; *out is
 * NULL where none is new. Resets the session's arena. */
int evolve_guide_child(struct candidate **out, const struct evolve_guide *g,
                       const struct candidate *parent, struct rng *rng,
                       trv_err *err);

#endif
