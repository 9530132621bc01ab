/* lowrank.h -- the best map of low rank, in closed form: reduced-rank ridge
 * regression from its normal equations, which are gathered block by block.
 *
 *   min over M of rank <= R:  sum_i |K (M a_i - d_i)|^2 + ridge |K M|^2
 *
 * With G = sum a a^T + ridge I = L L^T and S = sum d a^T, the optimum of full
 * rank is S G^-1, and what a smaller one loses is measured by G and K alone:
 *
 *   X = L^-1 S^T [in,out],  U [out,R] = leading eigenvectors of K X^T X K^T
 *   M = B A,  B = K^-1 U [out,R],  A = U^T K S G^-1 [R,in]
 *
 * Cutting S G^-1 by its own singular values would forget how long the inputs
 * are in each direction. Nothing else in the program calls LAPACK.
 *
 * Source   Izenman 1975, J. Multivariate Anal. 5, 248-264; with a ridge:
 *          Mukherjee and Zhu 2011, Stat. Anal. Data Min. 4, 612-622.
 */
#ifndef TRANSFORM_LOWRANK_H
#define TRANSFORM_LOWRANK_H

#include "backend/backend.h"
#include "base/mem.h"

struct lowrank {
    int64_t in, out;
    int64_t n;    // pairs gathered
    double *g;    // [in,in] sum a a^T
    double *s;    // [out,in] sum d a^T
    double dd;    // sum |d|^2
    float *block; // [max(in,out), in] one block's sums
};

/** Empty sums. TRV_ENOMEM; TRV_ERANGE where LAPACK's integers end. */
int lowrank_init(struct lowrank *f, int64_t in, int64_t out, trv_err *err);
void lowrank_reset(struct lowrank *f);
/** The sums of another of the same shape. */
void lowrank_copy(struct lowrank *to, const struct lowrank *from);
void lowrank_release(struct lowrank *f); // accepts zeros

/** Add the pairs of a block: a [n,in] (F32 or the backend's act_type), d
 * [n,out] f32. Sums are f32 within the block and double between blocks. */
void lowrank_add(struct lowrank *f, struct backend *be, struct mat a,
                 struct mat d);

struct lowrank_options {
    int64_t rank;         // R >= 1
    double ridge;         // > 0, in units of G's mean diagonal
    const double *metric; // K^T K [out,out], positive definite; NULL: the unit
};
struct lowrank_fit {
    int64_t rank; // of M: <= R
    double full;  // share of sum |d|^2 that full rank explains, less its ridge
    double kept;  // share of that, in the metric, that rank R keeps
};

/**
 * Solve. The sums are used up: reset comes next.
 *
 * Outputs  a [R,in], b [out,R] with b a = M; directions that are not there
 *          (fit->rank < R) are left alone in a and 0 in b. Each row of a has
 *          the norm `row_norm`, and b takes the rest: the product is the same,
 *          and training goes on from what a LoRA usually starts with.
 * Returns  0; TRV_ENOMEM; TRV_ENONFINITE where the sums are not finite or the
 *          equations cannot be solved.
 * Numbers  double; one thread of OpenBLAS, so that the result does not depend
 *          on how many there are.
 */
int lowrank_solve(struct lowrank *f, float *a, float *b,
                  struct lowrank_fit *fit, const struct lowrank_options *opts,
                  double row_norm, trv_err *err);

/**
 * Shorten each direction of a solved map to what pairs outside its sums bear
 * out. Directions are orthogonal in the metric, so each has a best length of
 * its own:
 *
 *   t_k = b_k^T K^T K S a_k / (b_k^T K^T K b_k  a_k^T G a_k),  cut to [0, 1]
 *
 * with G and S of `held`, without a ridge. A direction that follows the noise
 * of the fit alone gets a length near 0.
 *
 * Inputs   a [rank,in], b [out,rank] of lowrank_solve() under the same metric.
 * Outputs  b     column k multiplied by t_k
 *          gain  by how much the map so shortened lowers sum |K (M a - d)|^2 of
 *                the held pairs
 * Returns  0; TRV_ENOMEM; TRV_ENONFINITE where the sums are not finite.
 * Numbers  double; one thread of OpenBLAS.
 */
int lowrank_shorten(const struct lowrank *held, const float *a, float *b,
                    double *gain, const struct lowrank_options *opts,
                    trv_err *err);

#endif
