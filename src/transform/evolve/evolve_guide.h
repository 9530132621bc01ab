/* evolve_guide.h -- what well rewarded answers say about instructions: under
 * which of them they are likely, and which tokens would make them likelier.
 *
 *   hint(z) = mean log p_z(token) over the tokens of the best answers seen
 *
 * A reward of texts is a number for whole answers, and where every answer earns
 * the same it says nothing. The answers that did earn something, under whatever
 * instruction, are known by their tokens: their likelihood is a graded signal,
 * and has a gradient in the instruction. It is a guide and no more: what is kept
 * was tried.
 */
#ifndef TRANSFORM_EVOLVE_GUIDE_H
#define TRANSFORM_EVOLVE_GUIDE_H

#include "transform/evolve/evolve.h"
#include "transform/search/place_likelihood.h"

struct evolve_guide {
    struct evolve *e;
    struct place_answer *y; // [n] borrowed from the candidates
    double *coef;           // [n]
    int64_t n;              // 0: nothing earned more than another
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
