/* triangle_plots.c -- fidelity against cost, reward against the way from the
 * base, and curves of training. A form has a colour and a shape everywhere.
 */
#include <math.h>
#include <stdlib.h>

#include "cli/curves.h"
#include "cli/page_plots.h"
#include "cli/plot.h"
#include "cli/triangle_parts.h"

#define CURVES_MAX 12 // plots of training
#define LEAST_SECONDS 0.01

/* ---- clouds -------------------------------------------------------------- */

/* Points of up to one series a form. */
struct cloud {
    double *x[TPAGE_FORMS], *y[TPAGE_FORMS];
    int64_t n[TPAGE_FORMS];
};

static int
cloud_begin(struct cloud *c, int most)
{
    bool whole = true;

    *c = (struct cloud){.n = {0}};
    for (int i = 0; i < TPAGE_FORMS; i++) {
        c->x[i] = calloc((size_t)most + 1, sizeof(double));
        c->y[i] = calloc((size_t)most + 1, sizeof(double));
        whole = whole && c->x[i] && c->y[i];
    }
    return whole ? 0 : -1;
}

static void
cloud_release(struct cloud *c)
{
    for (int i = 0; i < TPAGE_FORMS; i++) {
        free(c->x[i]);
        free(c->y[i]);
    }
}

static void
cloud_add(struct cloud *c, const char *form, double x, double y)
{
    for (int i = 0; i < TPAGE_FORMS; i++)
        if (tpage_is(form, tpage_forms[i]) && isfinite(x) && isfinite(y)) {
            c->x[i][c->n[i]] = x;
            c->y[i][c->n[i]++] = y;
        }
}

/* One dot alone says nothing that the table does not. */
static bool
cloud_is_worth(const struct cloud *c)
{
    int64_t all = 0;

    for (int i = 0; i < TPAGE_FORMS; i++)
        all += c->n[i];
    return all > 1;
}

static void
cloud_draw(const struct triangle_page *p, const struct cloud *c,
           struct plot *plot, double floor_)
{
    static const char *const kinds[] = {"target", "source", "base"};
    static const char *const names[] = {"into params", "into a prompt",
                                        "into a reward"};
    for (int i = 0; i < TPAGE_FORMS; i++) {
        plot->series[i] =
            (struct plot_series){kinds[i], names[i], c->x[i], c->y[i], c->n[i]};
        plot_fit(&plot->x, c->x[i], c->n[i], floor_);
        plot_fit(&plot->y, c->y[i], c->n[i], 0);
    }
    plot->n = TPAGE_FORMS;
    plot_scatter(p->f, plot);
}

/* ---- fidelity against cost ----------------------------------------------- */

static void
put_pareto(const struct triangle_page *p, const struct cloud *c)
{
    struct plot plot = {
        .title = "What it kept against what it took",
        .says = "Each dot is a conversion, the mean over its seeds: higher is "
                "better, further left is cheaper. The line joins those that "
                "nothing cheaper matches.",
        .alt = "Scatter plot of the share kept over seconds of conversion; the "
               "table of all figures has every value.",
        .x = {.label = "seconds of conversion (logarithmic)", .log = true},
        .y = {.label = "kept"},
        .front = true};

    cloud_draw(p, c, &plot, LEAST_SECONDS);
}

static void
put_added(const struct triangle_page *p, const struct cloud *c)
{
    struct plot plot = {
        .title = "What it kept against what it costs to serve",
        .says = "Milliseconds that each token takes longer than the base's.",
        .alt = "Scatter plot of the share kept over milliseconds added to each "
               "token; the table of all figures has every value.",
        .x = {.label = "ms added to each token served"},
        .y = {.label = "kept"}};

    cloud_draw(p, c, &plot, 0);
}

/* Two plots side by side, those of which there is something to draw. */
int
tpage_cost(const struct triangle_page *p)
{
    void (*const put[])(const struct triangle_page *,
                        const struct cloud *) = {put_pareto, put_added};
    struct cloud c[2];
    int bad = cloud_begin(&c[0], p->m.n);

    bad = cloud_begin(&c[1], p->m.n) || bad ? -1 : 0;
    for (int i = 0; i < p->m.n && !bad; i++) {
        const struct means_group *g = &p->m.groups[i];

        if (g->length > 0)
            cloud_add(&c[0], g->form,
                      isfinite(g->whole_seconds)
                          ? fmax(g->whole_seconds, LEAST_SECONDS)
                          : (double)NAN,
                      means_strength(g));
        if (g->length == 1)
            cloud_add(&c[1], g->form, 1e3 * g->added, means_strength(g));
    }
    if (!bad && (cloud_is_worth(&c[0]) || cloud_is_worth(&c[1]))) {
        tpage_begin(p, "cost", "What it cost", NULL);
        fputs("<div class=\"two\">\n", p->f);
        for (int k = 0; k < 2; k++) {
            fputs("<div>\n", p->f);
            if (cloud_is_worth(&c[k]))
                put[k](p, &c[k]);
            fputs("</div>\n", p->f);
        }
        fputs("</div>\n", p->f);
        tpage_end(p);
    }
    cloud_release(&c[0]);
    cloud_release(&c[1]);
    return bad;
}

/* ---- reward against the way ---------------------------------------------- */

int
tpage_reach(const struct triangle_page *p)
{
    struct plot plot = {
        .title = "Each arrow and path that begins at the reward",
        .says = "How much of the reward the answers get, and how far the model "
                "went for it. A reward that is reached far from the base is "
                "often reached without sense.",
        .alt = "Scatter plot of the mean reward over nats per token from the "
               "base; the table of all figures has every value.",
        .x = {.label = "nats per token from the base"},
        .y = {.label = "mean reward"}};
    struct cloud c;
    int bad = cloud_begin(&c, p->m.n);

    for (int i = 0; i < p->m.n && !bad; i++) {
        const struct means_group *g = &p->m.groups[i];

        if (g->length > 0 && tpage_is(g->path[0], "reward"))
            cloud_add(&c, g->form, g->f[MEANS_KL_BASE].mean,
                      g->f[MEANS_REWARD].mean);
    }
    if (!bad && cloud_is_worth(&c)) {
        tpage_begin(p, "reach", "Reward against distance", NULL);
        cloud_draw(p, &c, &plot, 0);
        tpage_end(p);
    }
    cloud_release(&c);
    return bad;
}

/* ---- curves -------------------------------------------------------------- */

static int
put_curve(const struct triangle_page *p, const json_t *node,
          const json_t *curve)
{
    const json_t *steps = json_object_get(curve, "steps");
    const json_t *values = json_object_get(curve, "values");
    const size_t n = json_array_size(steps);
    struct curve c = {.n = 0};
    char title[300];
    int bad = 0;

    if (n < 2 || json_array_size(values) != n)
        return 0;
    c.step = calloc(n, sizeof(double));
    c.value = calloc(n, sizeof(double));
    for (size_t i = 0; i < n && c.step && c.value; i++) {
        const json_t *x = json_array_get(steps, i);
        const json_t *y = json_array_get(values, i);

        if (!json_is_number(x) || !json_is_number(y) ||
            (c.n && json_number_value(x) <= c.step[c.n - 1]))
            continue;
        c.step[c.n] = json_number_value(x);
        c.value[c.n++] = json_number_value(y);
    }
    snprintf(title, sizeof(title), "%s, %s: %s", means_text(node, "task"),
             means_text(node, "method"), means_text(curve, "name"));
    bad = c.step && c.value
              ? page_plot_curve(p->f, &c, title,
                                tpage_is(means_text(curve, "name"), "loss")
                                    ? "Loss"
                                    : "Value")
              : -1;
    free(c.step);
    free(c.value);
    return bad;
}

/* Of the first seed that was done: one look at each training is enough. */
int
tpage_curves(const struct triangle_page *p)
{
    int shown = 0, bad = 0;

    for (int i = 0; i < p->m.n && !bad; i++) {
        const struct means_group *g = &p->m.groups[i];
        const json_t *list = json_object_get(g->first, "curves");

        if (!g->chosen || g->length != 1)
            continue;
        for (size_t k = 0;
             k < json_array_size(list) && !bad && shown < CURVES_MAX; k++) {
            if (shown++ == 0) {
                tpage_begin(p, "curves", "How it learned", NULL);
                fputs("<div class=\"multiples\">\n", p->f);
            }
            bad = put_curve(p, g->first, json_array_get(list, k));
        }
    }
    if (shown) {
        fputs("</div>\n", p->f);
        tpage_end(p);
    }
    return bad;
}
