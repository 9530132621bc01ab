/* place_likelihood.h -- how likely given answers are under prompts in their
 * place: it leads a search towards given answers.
 *
 *   loss(z) = sum over answers i of -coef[i] log p(y[i] | head z tail)
 *
 * Teacher-forced: nothing is drawn, and it has a gradient in z.
 */
#ifndef TRANSFORM_PLACE_LIKELIHOOD_H
#define TRANSFORM_PLACE_LIKELIHOOD_H

#include "adapt/session.h"
#include "transform/search/place_pass.h"

struct place_likelihood {
    struct session *s; // its decoder is made
    const struct prompt_place *slot;
    const struct place_answer *y; // [n]
    const double *coef;           // [n]
    int64_t n;
};

/** g [z->n, C] of loss + fluency, as place_gradient(). */
int place_likelihood_gradient(float *g, const struct place_likelihood *l,
                              const struct ids *z, double fluency,
                              trv_err *err);
/** value[i] = loss(z[i]). */
int place_likelihood_evaluate(double *value, const struct place_likelihood *l,
                              const struct ids *z, int64_t n_z, trv_err *err);

#endif
