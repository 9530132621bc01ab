/* logistic.c -- exp is only taken of what is not above 0. */
#include "learn/loss/logistic.h"

#include <math.h>

double
logistic(double x)
{
    const double e = exp(-fabs(x));

    return (x < 0.0 ? e : 1.0) / (1.0 + e);
}

double
logistic_log(double x)
{
    return (x < 0.0 ? x : 0.0) - log1p(exp(-fabs(x)));
}
