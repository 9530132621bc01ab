/* logistic.h -- the logistic function and its logarithm, exact at both ends:
 * what every loss over pairs stands on.
 */
#ifndef LEARN_LOGISTIC_H
#define LEARN_LOGISTIC_H

/** 1 / (1 + exp(-x)), in 0..1, to the last bits for x of any size. */
double logistic(double x);

/** log(logistic(x)) <= 0: near x for x far below 0, near -exp(-x) far above;
 * finite for any finite x. Its slope is logistic(-x). */
double logistic_log(double x);

#endif
