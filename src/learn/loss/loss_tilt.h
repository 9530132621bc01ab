/* loss_tilt.h -- learning from samples of the base model by their rewards: as
 * importance-weighted likelihood (the tilt), or from the best of n alone.
 *
 * The tilted distribution is pr(y|x) = p0(y|x) exp(r(x,y) / beta) / Z(x). With
 * y_1..y_n drawn from p0( . |x), sum_i w_i log p(y_i|x) estimates its cross
 * entropy with p, so that minimising -sum is minimising KL(pr, p).
 */
#ifndef LEARN_LOSS_TILT_H
#define LEARN_LOSS_TILT_H

#include <stdint.h>

/* Statistics of the weights of one input's samples. */
struct tilt_figures {
    double ess;   // effective sample size 1 / sum w^2, 1..n; 0: no reward
    double kl;    // sum w log(n w), 0..log n: estimates KL(pr, p0), nats
    double value; // beta log mean exp(r / beta): estimates beta log Z
};

/**
 * Self-normalised importance weights of the samples of one input.
 *
 *   w[i] = exp(r[i] / beta) / sum over j of exp(r[j] / beta)
 *
 * Shapes   w, r  f64 [n], n >= 1.
 * Inputs   r     rewards; NaN: not scored, has weight 0 and is left out.
 *          beta  > 0, in units of r; small: only the best count.
 * Outputs  w  OVERWRITTEN; sums to 1, or all 0 where nothing is scored.
 *          f  may be NULL.
 * Memory   borrows all, allocates nothing. Any thread, no shared state.
 * Numbers  the maximum is subtracted first: finite for any finite r.
 * Source   self-normalised estimate and effective sample size: Owen 2013,
 *          "Monte Carlo theory, methods and examples", sections 9.2, 9.3.
 */
void loss_tilt_weights(double *w, struct tilt_figures *f, const double *r,
                       int64_t n, double beta);

/**
 * Weighted likelihood of whole answers, and the coefficients of its gradient.
 *
 *   loss = scale * sum over i of -w[i] * sum over tokens t of i of p[t]
 *
 * Shapes   p, coef f32 [N]; answer i is tokens first[i]..first[i+1]-1;
 *          first [n+1], w [n].
 * Inputs   p      log-probability of each token under the policy, nats.
 *          scale  1 / inputs of the step, say.
 * Outputs  coef  OVERWRITTEN by scale * w[i]: with it head_logprobs() adds the
 *                gradient of this loss. NULL for evaluation.
 * Returns  the loss in nats.
 * Memory   borrows all, allocates nothing. Any thread, no shared state.
 * Numbers  sums in double, left to right.
 */
double loss_tilt(float *coef, const float *p, const int64_t *first,
                 const double *w, int64_t n, double scale);

/** The index of the greatest of r [n], the lowest such index where several are
 * equal; NaN is never the greatest; -1 where all are NaN, or n is 0. */
int64_t loss_tilt_best(const double *r, int64_t n);

#endif
