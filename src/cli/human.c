/* human.c -- digits that mean something, and units. */
#include "cli/human.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

const char *
human_count(char out[HUMAN_MAX], double n)
{
    char digits[32];
    size_t len, at = 0;

    if (!(fabs(n) < 1e15)) {
        snprintf(out, HUMAN_MAX, "%g", n);
        return out;
    }
    snprintf(digits, sizeof(digits), "%.0f", fabs(n));
    len = strlen(digits);
    if (n <= -0.5)
        out[at++] = '-';
    for (size_t i = 0; i < len; i++) {
        if (i && (len - i) % 3 == 0)
            out[at++] = ',';
        out[at++] = digits[i];
    }
    out[at] = '\0';
    return out;
}

const char *
human_counted(char out[HUMAN_MAX], double n, const char *unit)
{
    char count[HUMAN_MAX];
    const int len = (int)strlen(unit) - (n == 1.0);

    snprintf(out, HUMAN_MAX, "%s %.*s", human_count(count, n), len, unit);
    return out;
}

/* Three significant digits with a prefix for each factor of 1000. */
static const char *
with_prefix(char out[HUMAN_MAX], double n, const char *const *units)
{
    while (fabs(n) >= 999.5 && units[1]) {
        n /= 1000;
        units++;
    }
    snprintf(out, HUMAN_MAX, "%.*f %s",
             n == floor(n) || fabs(n) >= 99.95 ? 0
             : fabs(n) >= 9.995                ? 1
                                               : 2,
             n, units[0]);
    return out;
}

const char *
human_bytes(char out[HUMAN_MAX], double n)
{
    static const char *const units[] = {"B", "kB", "MB", "GB", "TB", NULL};

    return with_prefix(out, n, units);
}

const char *
human_flop(char out[HUMAN_MAX], double n)
{
    static const char *const units[] = {"FLOP",  "kFLOP", "MFLOP", "GFLOP",
                                        "TFLOP", "PFLOP", "EFLOP", NULL};

    return with_prefix(out, n, units);
}

const char *
human_seconds(char out[HUMAN_MAX], double s)
{
    const double whole = floor(s + 0.5);

    if (!isfinite(s) || s < 0)
        snprintf(out, HUMAN_MAX, "unknown");
    else if (s < 1e-9)
        snprintf(out, HUMAN_MAX, "0 s");
    else if (s < 1e-3)
        snprintf(out, HUMAN_MAX, "%.3g us", s * 1e6);
    else if (s < 0.9995)
        snprintf(out, HUMAN_MAX, "%.3g ms", s * 1e3);
    else if (s < 9.95)
        snprintf(out, HUMAN_MAX, "%.1f s", s);
    else if (whole < 60)
        snprintf(out, HUMAN_MAX, "%.0f s", whole);
    else if (whole < 3600)
        snprintf(out, HUMAN_MAX, "%.0f min %02.0f s", floor(whole / 60),
                 fmod(whole, 60));
    else
        snprintf(out, HUMAN_MAX, "%.0f h %02.0f min", floor(whole / 3600),
                 floor(fmod(whole, 3600) / 60));
    return out;
}

const char *
human_estimate(char out[HUMAN_MAX], double s)
{
    if (!isfinite(s) || s < 0)
        snprintf(out, HUMAN_MAX, "unknown");
    else if (s < 9.5)
        snprintf(out, HUMAN_MAX, "%.0f s", fmax(ceil(s), 1.0));
    else if (s < 95)
        snprintf(out, HUMAN_MAX, "%.0f s", 5.0 * floor(s / 5.0 + 0.5));
    else if (s < 5970)
        snprintf(out, HUMAN_MAX, "%.0f min", floor(s / 60.0 + 0.5));
    else
        snprintf(out, HUMAN_MAX, "%.1f h", s / 3600.0);
    return out;
}

/* Digits after the point, so that the standard error shows two digits. */
static int
decimals_of(const trv_figure *f)
{
    double scale = f->stderr_;
    int d;

    if (!isfinite(scale) || scale <= 0)
        return 3;
    d = 1 - (int)floor(log10(scale));
    return d < 0 ? 0 : d > 6 ? 6 : d;
}

const char *
human_figure(char out[HUMAN_MAX], const trv_figure *f)
{
    const int d = decimals_of(f);

    if (f->n <= 0)
        snprintf(out, HUMAN_MAX, "not measured");
    else if (!isfinite(f->stderr_) || f->n == 1)
        snprintf(out, HUMAN_MAX, "%.*f", d, f->mean); // one input: no spread
    else
        snprintf(out, HUMAN_MAX, "%.*f \302\261 %.*f", d, f->mean, d,
                 f->stderr_);
    return out;
}

const char *
human_mean(char out[HUMAN_MAX], const trv_figure *f)
{
    snprintf(out, HUMAN_MAX, "%.*f", decimals_of(f), f->mean);
    return out;
}

const char *
human_interval(char out[HUMAN_MAX], const trv_figure *f)
{
    const int d = decimals_of(f);

    if (f->n <= 1 || !isfinite(f->low) || !isfinite(f->high))
        out[0] = '\0';
    else
        snprintf(out, HUMAN_MAX, "%.*f to %.*f", d, f->low, d, f->high);
    return out;
}
