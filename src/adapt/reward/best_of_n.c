/* best_of_n.c -- one answer of many. */
#include "adapt/reward/best_of_n.h"

#include <math.h>

int64_t
best_of_n(const double *score, int64_t n)
{
    int64_t best = 0;

    for (int64_t i = 1; i < n; i++)
        if (score[i] > score[best])
            best = i;
    return best;
}

int64_t
draw_weighted(const double *score, int64_t n, double beta, struct rng *rng)
{
    const double top = score[best_of_n(score, n)];
    double sum = 0, at;

    for (int64_t i = 0; i < n; i++)
        sum += exp((score[i] - top) / beta);
    at = rng_uniform(rng) * sum;
    for (int64_t i = 0; i < n; i++) {
        at -= exp((score[i] - top) / beta);
        if (at < 0)
            return i;
    }
    return best_of_n(score, n); // what rounding left over
}
