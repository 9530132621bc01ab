/* stats.h -- means over inputs, with standard errors of independent inputs. */
#ifndef MEASURE_STATS_H
#define MEASURE_STATS_H

#include <trivium/trivium.h>

/** The mean of n independent inputs, its standard error (NaN for one) and its
 * 95 % interval, by Student's t. Values that are NaN do not count. */
trv_figure stats_mean(const double *x, int64_t n);

/**
 * The same of values that lie in lo..hi, where a symmetric interval would leave
 * them or, where all values are alike, have no width.
 * Numbers  Wilson's score interval of the mean on the scale 0..1, with n / phi
 *          for n. phi is the variance over p (1 - p), that of values which are
 *          0 or 1; one further value of phi 1 keeps it from 0. So it is
 *          Wilson's own for shares of counts.
 * Source   Wilson 1927; Korn and Graubard 1998 for the number of values that
 *          counts as many.
 */
trv_figure stats_bounded(const double *x, int64_t n, double lo, double hi);

/** The same of values that are not below 0: the interval is that of the mean's
 * logarithm, by the delta method. */
trv_figure stats_positive(const double *x, int64_t n);

/**
 * 1 - mean(x) / mean(y), x and y paired by input and not below 0; n 0 where
 * mean(y) is not above 0.
 * Numbers  standard error by the delta method: with r = mean(x) / mean(y),
 *          sd(x - r y) / (sqrt(n) mean(y)). The interval is that of log r, so
 *          it never passes 1.
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
 * standard error by the jackknife over inputs, interval by Fisher's z.
 * Candidates that are NaN in either do not count. */
trv_figure stats_pearson(const double *a, const double *b, int64_t n_inputs,
                         int64_t k);

#endif
