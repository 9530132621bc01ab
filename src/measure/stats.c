/* stats.c -- means over inputs, with their standard errors. */
#include "measure/stats.h"

#include <math.h>

#define NORMAL 1.959963984540054 // 97.5 % of the normal distribution below it

/* The same of Student's t: the first values as they are tabled, from there on
 * the expansion in 1 / df (Abramowitz and Stegun 26.7.5), within 2e-4. */
static double
student(int64_t df)
{
    static const double first[] = {12.7062, 4.3027, 3.1824, 2.7764, 2.5706};
    const double z = NORMAL, z3 = z * z * z, z5 = z3 * z * z, z7 = z5 * z * z;
    const double v = (double)df;

    if (df < 1)
        return (double)NAN;
    if (df <= 5)
        return first[df - 1];
    return z + (z3 + z) / (4 * v) + (5 * z5 + 16 * z3 + 3 * z) / (96 * v * v) +
           (3 * z7 + 19 * z5 + 17 * z3 - 15 * z) / (384 * v * v * v);
}

/* A figure with the interval mean +- t errors. */
static trv_figure
figure(double mean, double error, int64_t n)
{
    const double half = student(n - 1) * error;

    return (trv_figure){mean, error, mean - half, mean + half, n};
}

/* The interval of log x brought back: x is above 0, and stays so. */
static void
log_interval(double *low, double *high, double x, double error, int64_t n)
{
    const double factor = exp(student(n - 1) * error / x);

    *low = x / factor;
    *high = x * factor;
}

trv_figure
stats_mean(const double *x, int64_t n)
{
    double sum = 0.0, squares = 0.0, mean;
    int64_t m = 0;

    for (int64_t i = 0; i < n; i++)
        if (!isnan(x[i])) {
            sum += x[i];
            m++;
        }
    if (m == 0)
        return figure((double)NAN, (double)NAN, 0);
    mean = sum / (double)m;
    for (int64_t i = 0; i < n; i++)
        if (!isnan(x[i]))
            squares += (x[i] - mean) * (x[i] - mean);
    return figure(
        mean, m > 1 ? sqrt(squares / (double)(m - 1) / (double)m) : (double)NAN,
        m);
}

trv_figure
stats_bounded(const double *x, int64_t n, double lo, double hi)
{
    trv_figure f = stats_mean(x, n);
    const double m = (double)f.n, p = (f.mean - lo) / (hi - lo);
    const double most = p * (1.0 - p); // the variance of values 0 and 1
    const double error = f.stderr_ / (hi - lo);
    double phi = 1.0, z, each, centre, half;

    if (f.n < 2)
        return f;
    if (most > 0.0)
        phi = fmin(1.0, (error * error * m * (m - 1.0) / most + 1.0) / m);
    /* A phi of 1 is known; below it is estimated as t's variance is. */
    z = NORMAL + (student(f.n - 1) - NORMAL) * (1.0 - phi);
    each = z * z * phi / m;
    centre = (p + each / 2.0) / (1.0 + each);
    half = sqrt(each * fmax(most, 0.0) + each * each / 4.0) / (1.0 + each);
    f.low = lo + (hi - lo) * fmin(p, fmax(centre - half, 0.0));
    f.high = lo + (hi - lo) * fmax(p, fmin(centre + half, 1.0));
    return f;
}

trv_figure
stats_positive(const double *x, int64_t n)
{
    trv_figure f = stats_mean(x, n);

    if (f.mean > 0.0)
        log_interval(&f.low, &f.high, f.mean, f.stderr_, f.n);
    else if (f.low < 0.0) // 0, or its last bits
        f.low = 0.0;
    return f;
}

trv_figure
stats_gap(const double *x, const double *y, int64_t n)
{
    double sx = 0.0, sy = 0.0, squares = 0.0, ratio, error, low, high;
    trv_figure f;

    for (int64_t i = 0; i < n; i++) {
        sx += x[i];
        sy += y[i];
    }
    if (n == 0 || !(sy > 0.0))
        return figure((double)NAN, (double)NAN, 0);
    ratio = sx / sy;
    for (int64_t i = 0; i < n; i++) {
        const double e = x[i] - ratio * y[i];

        squares += e * e;
    }
    error =
        n > 1 ? sqrt(squares / (double)(n - 1) * (double)n) / sy : (double)NAN;
    f = figure(1.0 - ratio, error, n);
    if (ratio > 0.0) {
        log_interval(&low, &high, ratio, error, n);
        f.low = 1.0 - high;
        f.high = 1.0 - low;
    } else if (f.high > 1.0) {
        f.high = 1.0;
    }
    return f;
}

void
stats_ranks(double *tau, double *pairs, const double *a, const double *b,
            int64_t k)
{
    double agree = 0.0, differ = 0.0, ties_a = 0.0, ties_b = 0.0, norm;
    double ordered = 0.0, alike = 0.0;

    for (int64_t i = 0; i < k; i++)
        for (int64_t j = i + 1; j < k; j++) {
            const double da = a[i] - a[j], db = b[i] - b[j];

            if (isnan(da) || isnan(db))
                continue;
            if (da != 0.0) {
                ordered += 1.0;
                alike += db == 0.0 ? 0.5 : (da > 0.0) == (db > 0.0);
            }
            if (da == 0.0 && db == 0.0)
                continue;
            if (da == 0.0)
                ties_a += 1.0;
            else if (db == 0.0)
                ties_b += 1.0;
            else if ((da > 0.0) == (db > 0.0))
                agree += 1.0;
            else
                differ += 1.0;
        }
    norm = sqrt((agree + differ + ties_a) * (agree + differ + ties_b));
    *tau = norm > 0.0 ? (agree - differ) / norm : (double)NAN;
    *pairs = ordered > 0.0 ? alike / ordered : (double)NAN;
}

/* Sums of products of one input's candidates about its own means. */
struct moments {
    double aa, bb, ab;
};

static struct moments
centred(const double *a, const double *b, int64_t k)
{
    struct moments m = {0};
    double ma = 0.0, mb = 0.0;
    int64_t n = 0;

    for (int64_t i = 0; i < k; i++)
        if (!isnan(a[i]) && !isnan(b[i])) {
            ma += a[i];
            mb += b[i];
            n++;
        }
    if (n < 2)
        return m;
    ma /= (double)n;
    mb /= (double)n;
    for (int64_t i = 0; i < k; i++)
        if (!isnan(a[i]) && !isnan(b[i])) {
            m.aa += (a[i] - ma) * (a[i] - ma);
            m.bb += (b[i] - mb) * (b[i] - mb);
            m.ab += (a[i] - ma) * (b[i] - mb);
        }
    return m;
}

static double
correlation(struct moments m)
{
    const double norm = sqrt(m.aa * m.bb);

    return norm > 0.0 ? m.ab / norm : (double)NAN;
}

trv_figure
stats_pearson(const double *a, const double *b, int64_t n_inputs, int64_t k)
{
    struct moments all = {0};
    double r, z, half, sum = 0.0, squares = 0.0;
    trv_figure f;
    int64_t n = 0;

    for (int64_t i = 0; i < n_inputs; i++) {
        const struct moments m = centred(a + i * k, b + i * k, k);

        all.aa += m.aa;
        all.bb += m.bb;
        all.ab += m.ab;
    }
    r = correlation(all);
    for (int64_t i = 0; i < n_inputs && !isnan(r); i++) {
        const struct moments m = centred(a + i * k, b + i * k, k);
        const double without = correlation(
            (struct moments){all.aa - m.aa, all.bb - m.bb, all.ab - m.ab});

        if (isnan(without))
            continue;
        sum += without;
        squares += without * without;
        n++;
    }
    if (isnan(r) || n < 2)
        return figure(r, (double)NAN, isnan(r) ? 0 : n_inputs);
    squares -= sum * sum / (double)n;
    f = figure(r, sqrt(fmax(squares, 0.0) * (double)(n - 1) / (double)n), n);
    z = atanh(r);
    half = student(n - 1) * f.stderr_ / (1.0 - r * r);
    f.low = isfinite(half) && isfinite(z) ? tanh(z - half) : r;
    f.high = isfinite(half) && isfinite(z) ? tanh(z + half) : r;
    return f;
}
