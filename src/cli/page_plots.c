/* page_plots.c -- the page's plots: from measured values to points. */
#include "cli/page_plots.h"

#include <math.h>
#include <stdlib.h>

#include "cli/human.h"
#include "cli/plot.h"

#define BINS 200        // points of a curve
#define LEAST_NATS 1e-4 // two distributions nearer than that are one to the eye

/* Points of a plot: two values over x, in one block. */
struct points {
    double *x, *a, *b; // [n]
    int64_t n;
};

static int
points_alloc(struct points *p, int64_t n)
{
    *p = (struct points){
        .x = calloc((size_t)(n > 0 ? n : 1), 3 * sizeof(double))};
    p->a = p->x ? p->x + n : NULL;
    p->b = p->x ? p->x + 2 * n : NULL;
    return p->x ? 0 : -1;
}

/* Means of neighbouring places, weighed by their answers; the far places that
 * less than a tenth of all answers reach are left out. */
static int
positions_bin(struct points *p, const trv_measurement *r)
{
    const trv_measured_position *at = r->positions;
    int64_t n = 0, width;

    while (n < r->n_positions && at[n].answers * 10 >= at[0].answers)
        n++;
    width = (n + BINS - 1) / BINS;
    if (points_alloc(p, BINS))
        return -1;
    for (int64_t i = 0; i < n; i += width) {
        double weight = 0, where = 0;

        for (int64_t k = i; k < n && k < i + width; k++) {
            const double w = (double)at[k].answers;

            p->a[p->n] += w * at[k].kl_base;
            p->b[p->n] += w * at[k].kl_forward;
            where += w * (double)(k + 1);
            weight += w;
        }
        p->a[p->n] /= weight;
        p->b[p->n] /= weight;
        p->x[p->n++] = where / weight;
    }
    return 0;
}

int
page_plot_positions(FILE *f, const trv_measurement *r, const char *source,
                    const char *target)
{
    struct points p;
    char alt[400], says[300];
    struct plot plot = {.title = "Along the answer",
                        .says = says,
                        .alt = alt,
                        .x = {.label = "place of the token in the answer"},
                        .y = {.log = true},
                        .n = 2};

    if (positions_bin(&p, r))
        return -1;
    snprintf(says, sizeof(says),
             "Divergence from the %s at each token, in nats (logarithmic), as "
             "a mean over the inputs.",
             source);
    snprintf(alt, sizeof(alt),
             "Line plot. Base model: %.3g nats at the first token, %.3g at "
             "token %.0f. %s: %.3g and %.3g.",
             p.a[0], p.a[p.n - 1], p.x[p.n - 1], target, p.b[0], p.b[p.n - 1]);
    plot.series[0] = (struct plot_series){"base", "base model", p.x, p.a, p.n};
    plot.series[1] = (struct plot_series){"target", target, p.x, p.b, p.n};
    plot_fit(&plot.x, p.x, p.n, 0);
    plot_fit(&plot.y, p.a, p.n, LEAST_NATS);
    plot_fit(&plot.y, p.b, p.n, LEAST_NATS);
    plot_lines(f, &plot);
    free(p.x);
    return 0;
}

int
page_plot_inputs(FILE *f, const trv_measurement *r, const char *source,
                 const char *target)
{
    struct points p;
    char alt[400], says[300], near[HUMAN_MAX], all[HUMAN_MAX];
    int64_t nearer = 0;
    int bad;
    struct plot plot = {
        .title = "Input by input",
        .says = says,
        .alt = alt,
        .x = {.label = "nats per token, logarithmic", .log = true},
        .n = 2};

    if (points_alloc(&p, r->n_inputs))
        return -1;
    for (p.n = 0; p.n < r->n_inputs; p.n++) {
        p.a[p.n] = r->inputs[p.n].kl_base;
        p.b[p.n] = r->inputs[p.n].kl_forward;
        nearer += p.b[p.n] < p.a[p.n];
    }
    human_count(near, (double)nearer);
    snprintf(says, sizeof(says),
             "Divergence from the %s; each dot is an input, the line their "
             "median. The %s is nearer than the base model on %s of %s.",
             source, target, near, human_counted(all, (double)p.n, "inputs"));
    snprintf(alt, sizeof(alt),
             "Dot plot of two strips over nats per token. Mean of the base "
             "model %.3g, of the %s %.3g.",
             r->kl_base.mean, target, r->kl_forward.mean);
    plot.series[0] = (struct plot_series){"base", "base model", p.a, NULL, p.n};
    plot.series[1] = (struct plot_series){"target", target, p.b, NULL, p.n};
    plot_fit(&plot.x, p.a, p.n, LEAST_NATS);
    plot_fit(&plot.x, p.b, p.n, LEAST_NATS);
    bad = plot_dots(f, &plot);
    free(p.x);
    return bad;
}

/* Means of neighbouring steps, and over a twentieth of all. */
static int
curve_bin(struct points *p, const struct curve *c)
{
    const int64_t width = (c->n + BINS - 1) / BINS;
    int64_t reach;

    if (points_alloc(p, BINS))
        return -1;
    for (int64_t i = 0; i < c->n; i += width) {
        const int64_t end = i + width < c->n ? i + width : c->n;

        for (int64_t k = i; k < end; k++)
            p->a[p->n] += c->value[k] / (double)(end - i);
        p->x[p->n++] = c->step[end - 1];
    }
    reach = p->n / 40;
    for (int64_t i = 0; i < p->n; i++) {
        const int64_t back = i < reach ? i : reach; // the first is itself
        const int64_t end = i + back + 1 < p->n ? i + back + 1 : p->n;

        for (int64_t k = i - back; k < end; k++)
            p->b[i] += p->a[k] / (double)(end - i + back);
    }
    return 0;
}

/* Losses that fall by more than a factor of 20 are seen better by decades. */
static bool
wants_log(const struct points *p)
{
    double low = (double)INFINITY, high = 0;

    for (int64_t i = 0; i < p->n; i++) {
        low = p->a[i] < low ? p->a[i] : low;
        high = p->a[i] > high ? p->a[i] : high;
    }
    return low > 0 && high > 20 * low;
}

int
page_plot_curve(FILE *f, const struct curve *c, const char *title,
                const char *what)
{
    struct points p;
    char alt[300], says[300], x[HUMAN_MAX];
    struct plot plot = {.title = title,
                        .says = says,
                        .alt = alt,
                        .x = {.label = "step"},
                        .n = 2};

    if (c->n < 2)
        return 0;
    if (curve_bin(&p, c))
        return -1;
    plot.y.log = wants_log(&p);
    snprintf(says, sizeof(says),
             "%s at each step%s: %.3g in the first, %.3g at the end.", what,
             plot.y.log ? " (logarithmic)" : "", c->value[0], p.b[p.n - 1]);
    snprintf(alt, sizeof(alt),
             "Line plot over %s steps: %.3g, %.3g half way, "
             "%.3g at the end.",
             human_count(x, c->step[c->n - 1]), p.b[0], p.b[p.n / 2],
             p.b[p.n - 1]);
    plot.series[0] = (struct plot_series){"target", NULL, p.x, p.a, p.n};
    plot.series[1] =
        (struct plot_series){"target", "running mean", p.x, p.b, p.n};
    plot_fit(&plot.x, p.x, p.n, 0);
    plot_fit(&plot.y, p.a, p.n, 0);
    plot_lines(f, &plot);
    free(p.x);
    return 0;
}
