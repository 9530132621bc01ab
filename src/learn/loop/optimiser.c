/* optimiser.c -- AdamW's state and its passes over a flat vector; the
 * arithmetic is the backend's.
 */
#include "learn/loop/optimiser.h"

#include <math.h>

int
optimiser_init(struct optimiser *o, struct backend *be, int64_t n, double decay,
               trv_err *err)
{
    *o = (struct optimiser){.be = be,
                            .n = n,
                            .beta1 = 0.9,
                            .beta2 = 0.999,
                            .eps = 1e-8,
                            .decay = decay};
    TRV_ASSERT(n > 0);
    if (!(decay >= 0.0 && isfinite(decay)))
        return err_fail(err, TRV_EINVAL, "weight decay %g is below 0", decay);
    o->m = be->ops->mem_alloc(be, (size_t)n * sizeof(float));
    o->v = be->ops->mem_alloc(be, (size_t)n * sizeof(float));
    if (!o->m || !o->v) {
        optimiser_release(o);
        return err_nomem(err, "for the moments of %lld parameters",
                         (long long)n);
    }
    be->ops->zero(be, mat_f32(o->m, 1, n));
    be->ops->zero(be, mat_f32(o->v, 1, n));
    return 0;
}

void
optimiser_release(struct optimiser *o)
{
    backend_drop(o->be, o->m);
    backend_drop(o->be, o->v);
    *o = (struct optimiser){0};
}

double
optimiser_norm(struct backend *be, const float *g, int64_t n, double scale)
{
    return sqrt(be->ops->sum_squares(be, g, n)) * fabs(scale);
}

double
optimiser_clip(double norm, double max)
{
    const double factor = max > 0.0 ? max / (norm + 1e-6) : 1.0;

    return factor < 1.0 ? factor : 1.0;
}

void
optimiser_step(struct optimiser *o, struct backend *be, float *w,
               const float *g, double gscale, double lr)
{
    int64_t at = 0, r = 0;

    o->step++;
    while (at < o->n) { // a stretch of one weight decay at a time
        const struct decay_range *d = r < o->n_ranges ? &o->ranges[r] : NULL;
        const bool inside = d && d->first <= at;
        const int64_t end = inside ? d->first + d->n : d ? d->first : o->n;

        TRV_ASSERT(end >= at && end <= o->n);
        be->ops->adamw(be, w + at, o->m + at, o->v + at, g + at, end - at,
                       (float)lr, (float)o->beta1, (float)o->beta2,
                       (float)o->eps, (float)(inside ? d->decay : o->decay),
                       o->step, (float)gscale);
        r += inside;
        at = end;
    }
}
