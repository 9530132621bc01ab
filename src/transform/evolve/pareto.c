/* pareto.c -- candidates that are best on some input. */
#include "transform/evolve/pareto.h"

#include <stdbool.h>

static bool
dominates(const double *a, const double *b, int64_t m, bool first)
{
    bool above = first; // of two equal ones the first stands

    for (int64_t i = 0; i < m; i++) {
        if (a[i] < b[i])
            return false;
        above = above || a[i] > b[i];
    }
    return above;
}

int64_t
pareto_wins(int64_t *wins, const double *const *value, int64_t n, int64_t m)
{
    int64_t winners = 0;

    for (int64_t c = 0; c < n; c++) {
        wins[c] = 0;
        for (int64_t d = 0; d < n && wins[c] == 0; d++)
            if (d != c && dominates(value[d], value[c], m, d < c))
                wins[c] = -1; // out, until all are compared
    }
    for (int64_t i = 0; i < m; i++) {
        int64_t best = -1;

        for (int64_t c = 0; c < n; c++)
            if (wins[c] >= 0 && (best < 0 || value[c][i] > value[best][i]))
                best = c;
        for (int64_t c = 0; c < n; c++)
            wins[c] += wins[c] >= 0 && value[c][i] == value[best][i];
    }
    for (int64_t c = 0; c < n; c++) {
        wins[c] = wins[c] > 0 ? wins[c] : 0;
        winners += wins[c] > 0;
    }
    return winners;
}

int64_t
pareto_draw(const int64_t *wins, int64_t n, struct rng *rng)
{
    int64_t total = 0, at;

    for (int64_t c = 0; c < n; c++)
        total += wins[c];
    at = rng_below(rng, (uint32_t)total);
    for (int64_t c = 0; c < n; c++) {
        at -= wins[c];
        if (at < 0)
            return c;
    }
    return n - 1;
}
