/* advantage.c -- group means, leave-one-out, and estimates along an answer. */
#include "learn/loss/advantage.h"

#include <math.h>
#include <stddef.h>

#include "base/err.h"

/* TRL adds it to every standard deviation that it divides by. */
static const double std_floor = 1e-4;
/* Below it TRL calls a spread zero (torch.isclose to 0). */
static const double no_spread = 1e-8;

/* Mean and unbiased deviation of the numbers that are there. */
struct moments {
    double origin; // one of the numbers
    double mean;   // of number - origin: exactly 0 where all are equal
    double std;    // 0 where there are fewer than two
    int64_t n;
};

static struct moments
moments_of(const double *x, int64_t n)
{
    struct moments m = {0};
    double sum = 0.0, squares = 0.0;

    for (int64_t i = 0; i < n; i++) {
        if (isnan(x[i]))
            continue;
        if (m.n++ == 0)
            m.origin = x[i];
        sum += x[i] - m.origin;
    }
    if (m.n < 2)
        return m;
    m.mean = sum / (double)m.n;
    for (int64_t i = 0; i < n; i++) {
        const double off = (x[i] - m.origin) - m.mean;

        squares += isnan(off) ? 0.0 : off * off;
    }
    m.std = sqrt(squares / (double)(m.n - 1));
    return m;
}

static struct advantage_figures
figures_of(const struct moments *all, const double *r, int64_t G, int64_t K)
{
    struct advantage_figures f = {.mean = all->origin + all->mean,
                                  .std = all->std};

    for (int64_t g = 0; g < G; g++)
        f.zero_spread += moments_of(r + g * K, K).std <= no_spread;
    f.zero_spread /= (double)G;
    return f;
}

void
advantage_group(double *adv, struct advantage_figures *f, const double *r,
                int64_t G, int64_t K, enum advantage_scale scale)
{
    const struct moments all = moments_of(r, G * K);

    TRV_ASSERT(G >= 1 && K >= 1);
    if (f)
        *f = figures_of(&all, r, G, K);
    for (int64_t g = 0; g < G; g++) {
        const struct moments m = moments_of(r + g * K, K);
        const double by = scale == ADVANTAGE_NONE    ? 1.0
                          : scale == ADVANTAGE_BATCH ? all.std + std_floor
                                                     : m.std + std_floor;

        for (int64_t i = g * K; i < (g + 1) * K; i++)
            adv[i] = isnan(r[i]) ? 0.0 : ((r[i] - m.origin) - m.mean) / by;
    }
}

void
advantage_leave_one_out(double *adv, struct advantage_figures *f,
                        const double *r, int64_t G, int64_t K, bool normalise)
{
    const struct moments all = moments_of(r, G * K);
    struct moments of_adv;

    TRV_ASSERT(G >= 1 && K >= 1);
    if (f)
        *f = figures_of(&all, r, G, K);
    /* r - (sum - r) / (n - 1) = (r - mean) * n / (n - 1) */
    for (int64_t g = 0; g < G; g++) {
        const struct moments m = moments_of(r + g * K, K);
        const double n = (double)m.n, by = m.n > 1 ? n / (n - 1.0) : 0.0;

        for (int64_t i = g * K; i < (g + 1) * K; i++)
            adv[i] = m.n > 1 ? ((r[i] - m.origin) - m.mean) * by : (double)NAN;
    }
    of_adv = moments_of(adv, G * K);
    for (int64_t i = 0; i < G * K; i++) {
        if (isnan(adv[i]))
            adv[i] = 0.0;
        else if (normalise)
            adv[i] = ((adv[i] - of_adv.origin) - of_adv.mean) /
                     (of_adv.std + std_floor);
    }
}

void
advantage_kl_penalty(double *r, const float *old, const float *ref,
                     const int64_t *first, int64_t S, double beta)
{
    for (int64_t s = 0; s < S; s++) {
        double kl = 0.0;

        for (int64_t t = first[s]; t < first[s + 1]; t++)
            kl += (double)old[t] - (double)ref[t];
        r[s] -= beta * kl;
    }
}

void
advantage_token_rewards(double *token_r, const double *r, const float *old,
                        const float *ref, const int64_t *first, int64_t S,
                        double beta)
{
    for (int64_t s = 0; s < S; s++) {
        for (int64_t t = first[s]; t < first[s + 1]; t++)
            token_r[t] = -beta * ((double)old[t] - (double)ref[t]);
        if (first[s + 1] > first[s])
            token_r[first[s + 1] - 1] += r[s];
    }
}

void
advantage_gae(double *adv, double *ret, const double *token_r, const float *v,
              const int64_t *first, int64_t S, const struct gae_options *opts)
{
    for (int64_t s = 0; s < S; s++) {
        double next_v = 0.0, next_adv = 0.0;

        for (int64_t t = first[s + 1] - 1; t >= first[s]; t--) {
            const double value = (double)v[t];

            next_adv = token_r[t] + opts->gamma * next_v - value +
                       opts->gamma * opts->lambda * next_adv;
            next_v = value;
            adv[t] = next_adv;
            ret[t] = next_adv + value;
        }
    }
}

void
advantage_whiten(double *x, int64_t n, bool shift_mean)
{
    const struct moments m = moments_of(x, n);
    const double by = 1.0 / sqrt(m.std * m.std + 1e-8);
    const double back = shift_mean ? 0.0 : m.origin + m.mean;

    TRV_ASSERT(n >= 1);
    for (int64_t i = 0; i < n; i++)
        x[i] = ((x[i] - m.origin) - m.mean) * by + back;
}
