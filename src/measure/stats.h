/* stats.h -- means over inputs, with standard errors of independent inputs. */
#ifndef MEASURE_STATS_H
#define MEASURE_STATS_H

#include <trivium/trivium.h>

/** Mean, standard error (of independent inputs; NaN for one) and the interval
 * mean +- 1.96 errors. Values that are NaN do not count. */
trv_figure stats_mean(const double *x, int64_t n);

/** The same figure with its interval cut to lo..hi, where values cannot lie
 * outside: an agreement is no more than 1. */
trv_figure stats_within(trv_figure f, double lo, double hi);

/**
 * 1 - mean(x) / mean(y), x and y paired by input; n 0 where mean(y) is not
 * above 0.
 * Numbers  standard error by the delta method: with r = mean(x) / mean(y),
 *          sd(x - r y) / (sqrt(n) mean(y)).
 */
trv_figure stats_gap(const double *x, const double *y, int64_t n);

/**
 * Two scores of the same k candidates, in one input.
 * tau   Kendall's tau-b; NaN where either score ties all.
 * pairs share of pairs that a orders (no tie) which b orders alike; a tie in b
 *       counts a half; NaN where a orders none.
 */
void stats_ranks(double *tau, double *pairs, const double *a, const double *b,
                 int64_t k);

/** Pearson's r between a and b [n_inputs, k], each centred within its input;
 * standard error by the jackknife over inputs. Candidates that are NaN in
 * either do not count. */
trv_figure stats_pearson(const double *a, const double *b, int64_t n_inputs,
                         int64_t k);

#endif
