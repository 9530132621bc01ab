/* loss_tilt.c -- weights from rewards, likelihood by weights. */
#include "learn/loss/loss_tilt.h"

#include <math.h>
#include <stddef.h>

#include "base/err.h"

int64_t
loss_tilt_best(const double *r, int64_t n)
{
    int64_t best = -1;

    for (int64_t i = 0; i < n; i++) {
        if (!isnan(r[i]) && (best < 0 || r[i] > r[best]))
            best = i;
    }
    return best;
}

void
loss_tilt_weights(double *w, struct tilt_figures *f, const double *r, int64_t n,
                  double beta)
{
    const int64_t best = loss_tilt_best(r, n);
    double sum = 0.0, squares = 0.0, kl = 0.0, count = 0.0;

    TRV_ASSERT(n >= 1 && beta > 0.0);
    for (int64_t i = 0; i < n; i++) {
        w[i] = isnan(r[i]) ? 0.0 : exp((r[i] - r[best]) / beta);
        sum += w[i];
        count += !isnan(r[i]);
    }
    for (int64_t i = 0; i < n && best >= 0; i++) {
        w[i] /= sum;
        squares += w[i] * w[i];
        kl += w[i] > 0.0 ? w[i] * log(count * w[i]) : 0.0;
    }
    if (!f)
        return;
    *f = (struct tilt_figures){0};
    if (best >= 0) {
        f->ess = 1.0 / squares;
        f->kl = kl > 0.0 ? kl : 0.0; // rounding alone is below 0
        f->value = r[best] + beta * log(sum / count);
    }
}

double
loss_tilt(float *coef, const float *p, const int64_t *first, const double *w,
          int64_t n, double scale)
{
    double loss = 0.0;

    for (int64_t i = 0; i < n; i++) {
        double logp = 0.0;

        for (int64_t t = first[i]; t < first[i + 1]; t++) {
            logp += (double)p[t];
            if (coef)
                coef[t] = (float)(scale * w[i]);
        }
        loss -= w[i] * logp;
    }
    return scale * loss;
}
