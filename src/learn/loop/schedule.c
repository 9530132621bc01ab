/* schedule.c -- the learning rate at a step. */
#include "learn/loop/schedule.h"

#include <math.h>
#include <string.h>

static const double pi = 3.14159265358979323846;

int
schedule_init(struct schedule *s, const char *shape, int64_t steps,
              double warmup, double peak, trv_err *err)
{
    static const char *const shapes[] = {"cosine", "linear", "constant"};
    int found = -1;

    for (int i = 0; i < 3; i++) {
        if (strcmp(shape, shapes[i]) == 0)
            found = i;
    }
    if (found < 0)
        return err_fail(err, TRV_EINVAL,
                        "no schedule '%.100s'; there are cosine, linear and "
                        "constant",
                        shape);
    if (steps < 1)
        return err_fail(err, TRV_EINVAL, "a run of %lld steps",
                        (long long)steps);
    if (!(warmup >= 0.0 && warmup <= 1.0))
        return err_fail(err, TRV_EINVAL, "warm-up %g is no share of the steps",
                        warmup);
    if (!(peak > 0.0 && isfinite(peak)))
        return err_fail(err, TRV_EINVAL, "learning rate %g is not above 0",
                        peak);
    *s = (struct schedule){.shape = (enum schedule_shape)found,
                           .steps = steps,
                           .warmup = (int64_t)ceil((double)steps * warmup),
                           .peak = peak};
    return 0;
}

double
schedule_at(const struct schedule *s, int64_t t)
{
    const int64_t left = s->steps - s->warmup;
    double u;

    if (t < s->warmup)
        return s->peak * ((double)(t + 1) / (double)(s->warmup + 1));
    u = (double)(t - s->warmup) / (double)(left > 1 ? left : 1);
    switch (s->shape) {
    case SCHEDULE_COSINE:
        u = 0.5 * (1.0 + cos(pi * u));
        break;
    case SCHEDULE_LINEAR:
        u = 1.0 - u;
        break;
    case SCHEDULE_CONSTANT:
        u = 1.0;
        break;
    }
    return s->peak * (u > 0.0 ? u : 0.0);
}
