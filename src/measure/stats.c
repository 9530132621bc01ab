/* stats.c -- means over inputs, with their standard errors. */
#include "measure/stats.h"

#include <math.h>

static trv_figure
figure(double mean, double error, int64_t n)
{
    return (trv_figure){mean, error, mean - 1.96 * error, mean + 1.96 * error,
                        n};
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
stats_within(trv_figure f, double lo, double hi)
{
    if (f.low < lo)
        f.low = lo;
    if (f.high > hi)
        f.high = hi;
    return f;
}

trv_figure
stats_gap(const double *x, const double *y, int64_t n)
{
    double sx = 0.0, sy = 0.0, squares = 0.0, ratio, error;

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
    return figure(1.0 - ratio, error, n);
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
    double r, sum = 0.0, squares = 0.0;
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
    return figure(r, sqrt(fmax(squares, 0.0) * (double)(n - 1) / (double)n), n);
}
