/* optimiser.h -- AdamW over one flat vector of parameters. */
#ifndef LEARN_OPTIMISER_H
#define LEARN_OPTIMISER_H

#include "backend/backend.h"

/* Parameters first .. first+n-1 have their own weight decay. */
struct decay_range {
    int64_t first, n;
    double decay;
};

struct optimiser {
    struct backend *be;
    int64_t n, step; // step: updates made so far
    float *m, *v;    // first and second moments [n], in the backend's memory
    double beta1, beta2, eps;
    double decay;                     // of all parameters outside `ranges`
    const struct decay_range *ranges; // in order, apart; borrowed
    int64_t n_ranges;
};

/** Zero moments; beta1 0.9, beta2 0.999, eps 1e-8, as torch.optim.AdamW. */
int optimiser_init(struct optimiser *o, struct backend *be, int64_t n,
                   double decay, trv_err *err);
void optimiser_release(struct optimiser *o); // accepts zeros

/** Euclidean norm of scale * g [n]; infinite or NaN where g is. */
double optimiser_norm(struct backend *be, const float *g, int64_t n,
                      double scale);
/** The factor that clipping puts on the gradient: min(1, max / (norm + 1e-6)),
 * as torch.nn.utils.clip_grad_norm_; 1 where max is 0. */
double optimiser_clip(double norm, double max);

/** One update: w [n] by the gradient gscale * g [n] at rate lr. */
void optimiser_step(struct optimiser *o, struct backend *be, float *w,
                    const float *g, double gscale, double lr);

#endif
