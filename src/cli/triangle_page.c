/* triangle_page.c -- the page of a triangle: what holds, what does not and why,
 * and only then the numbers.
 *
 *     header    what was measured, and how many arrows hold
 *     triangles one for each task, and its six arrows in words
 *     trouble   what looks wrong, by its sentence, and where
 *     map       from what to what, the mean of all tasks
 *     ways      round trips and chains beside their direct edges
 *     plots     fidelity against time; reward against distance from the base
 *     drift     what was forgotten
 *     curves    of the trainings
 *     answers   side by side
 *     table     every node once, sortable
 *     budget    what was cut, and the machine-readable report
 */
#include "cli/triangle_page.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/curves.h"
#include "cli/html.h"
#include "cli/human.h"
#include "cli/page_plots.h"
#include "cli/page_style.h"
#include "cli/plot.h"
#include "cli/triangle_draw.h"
#include "cli/triangle_means.h"
#include "cli/tokendiff.h"

#define HOLDS 0.85 // of an arrow's strength, from which on it is said to hold
#define CURVES_MAX 12  // plots of training
#define EXAMPLES_MAX 2 // answers of an arrow
#define EXCERPT 90

static const char *const forms[] = {"params", "prompt", "reward"};
#define FORMS 3

struct page {
    FILE *f;
    const json_t *report, *nodes;
    struct means m;
};

static void
put_line(FILE *f, const char *s)
{
    html_line(f, s, strlen(s));
}

static const json_t *
tasks_of(const struct page *p)
{
    return json_object_get(p->report, "tasks");
}

static const char *
task_name(const struct page *p, size_t i)
{
    return means_text(json_array_get(tasks_of(p), i), "name");
}

static bool
is(const char *a, const char *b)
{
    return strcmp(a, b) == 0;
}

static void
begin_section(const struct page *p, const char *id, const char *title)
{
    fprintf(p->f, "<section aria-labelledby=\"%s\">\n<h2 id=\"%s\">%s</h2>\n",
            id, id, title);
}

static void
end_section(const struct page *p)
{
    fputs("</section>\n", p->f);
}

/* "prompt → params → prompt" */
static void
put_path(FILE *f, const struct means_group *g)
{
    for (int i = 0; i <= g->length; i++)
        fprintf(f, "%s", i ? " \342\206\222 " : ""), put_line(f, g->path[i]);
}

/* ---- header -------------------------------------------------------------- */

/* Arrows over all tasks that were measured, and those that hold. */
static void
count_arrows(const struct page *p, int *held, int *measured)
{
    *held = *measured = 0;
    for (size_t t = 0; t < json_array_size(tasks_of(p)); t++)
        for (int a = 0; a < FORMS; a++)
            for (int b = 0; b < FORMS; b++) {
                const struct means_group *g =
                    a == b ? NULL
                           : triangle_arrow(&p->m, task_name(p, t), forms[a],
                                            forms[b]);
                const double s = g ? means_strength(g) : (double)NAN;

                *measured += isfinite(s);
                *held += isfinite(s) && s >= HOLDS;
            }
}

static void
put_title(const struct page *p)
{
    const char *model = means_text(json_object_get(p->report, "model"), "name");

    fputs("The triangle of ", p->f);
    put_line(p->f, *model ? model : "a model");
}

static void
put_header(const struct page *p)
{
    const json_t *model = json_object_get(p->report, "model");
    const double size = json_number_value(json_object_get(model, "parameters"));
    const size_t seeds = json_array_size(json_object_get(p->report, "seeds"));
    int held, measured;
    char x[HUMAN_MAX], y[HUMAN_MAX];

    count_arrows(p, &held, &measured);
    fputs("<header>\n<h1>", p->f);
    put_title(p);
    fprintf(p->f,
            "</h1>\n<p class=\"lead\">An adaptation of a language model can be "
            "parameters, a prompt or a reward. Each was converted into each "
            "other, for %s and %s",
            human_counted(x, (double)json_array_size(tasks_of(p)), "tasks"),
            human_counted(y, (double)seeds, "seeds"));
    if (size > 0)
        fprintf(p->f, ", on a model of %.0f million parameters", size / 1e6);
    if (measured)
        fprintf(p->f, ". %d of %d arrows keep %.2f or more.</p>\n", held,
                measured, HOLDS);
    else
        fputs(". Nothing is measured yet.</p>\n", p->f);
    fputs("</header>\n", p->f);
}

/* ---- triangles ----------------------------------------------------------- */

static void
put_arrow_row(const struct page *p, const char *task, const char *from,
              const char *to)
{
    const struct means_group *g = triangle_arrow(&p->m, task, from, to);
    char text[40];

    if (!g)
        return;
    fprintf(p->f, "<li class=\"%s\"><span>%s \342\206\222 %s</span> <b>%s</b> ",
            triangle_class(means_strength(g)), from, to,
            triangle_figure(text, g));
    put_line(p->f, g->fidelity);
    fputs(*g->fidelity ? ", by " : "by ", p->f);
    put_line(p->f, g->method);
    fputs("</li>\n", p->f);
}

static void
put_triangles(const struct page *p)
{
    begin_section(p, "triangles", "What each arrow kept");
    fputs(
        "<p class=\"note\">Of what the source does beyond the base, each "
        "arrow says which share its result does, too: 1 is all, 0 is "
        "nothing. An arrow into a reward says which share of pairs of answers "
        "it orders as the source does; half is chance. From a reward it is "
        "the share of the reward that could be gained. \302\261 is one "
        "standard error over seeds and inputs.</p>\n<div class=\"tasks\">\n",
        p->f);
    for (size_t t = 0; t < json_array_size(tasks_of(p)); t++) {
        const json_t *task = json_array_get(tasks_of(p), t);

        fputs("<article class=\"task\">\n<h3>", p->f);
        put_line(p->f, means_text(task, "name"));
        fputs("</h3>\n<p class=\"note\">", p->f);
        put_line(p->f, means_text(task, "says"));
        fputs("</p>\n", p->f);
        triangle_draw(p->f, &p->m, means_text(task, "name"));
        fputs("<ul class=\"arrows\">\n", p->f);
        for (int a = 0; a < FORMS; a++)
            for (int b = 0; b < FORMS; b++)
                if (a != b)
                    put_arrow_row(p, means_text(task, "name"), forms[a],
                                  forms[b]);
        fputs("</ul>\n</article>\n", p->f);
    }
    fputs("</div>\n", p->f);
    end_section(p);
}

/* ---- trouble ------------------------------------------------------------- */

/* Was the sentence said by an earlier node? Numbers in it make two of a kind
 * differ, so letters alone are compared. */
static bool
says_alike(const char *a, const char *b)
{
    while (*a && *b) {
        while (*a && (strchr("0123456789.", *a)))
            a++;
        while (*b && (strchr("0123456789.", *b)))
            b++;
        if (*a != *b)
            return false;
        if (*a) {
            a++;
            b++;
        }
    }
    return *a == *b;
}

/* A sentence of a node that is told as trouble; NULL behind the last. */
static const char *
sentence_at(const json_t *node, size_t i)
{
    const json_t *list = json_object_get(node, "trouble");
    const char *why = means_text(node, "sentence");

    if (is(means_text(node, "status"), "failed"))
        return i == 0 && *why ? why : NULL;
    return json_string_value(json_array_get(list, i));
}

static bool
was_said(const json_t *nodes, size_t node, size_t at, const char *s)
{
    for (size_t n = 0; n <= node; n++) {
        const char *other;

        for (size_t i = 0; (other = sentence_at(json_array_get(nodes, n), i)) &&
                           (n < node || i < at);
             i++)
            if (says_alike(s, other))
                return true;
    }
    return false;
}

static void
put_where(const struct page *p, const char *s)
{
    int n = 0;

    for (size_t k = 0; k < json_array_size(p->nodes); k++) {
        const json_t *node = json_array_get(p->nodes, k);
        const char *other;

        for (size_t i = 0; (other = sentence_at(node, i)); i++) {
            if (!says_alike(s, other))
                continue;
            if (n < 4) {
                fputs(n ? ", " : " <span class=\"where\">", p->f);
                put_line(p->f, means_text(node, "id"));
            }
            n++;
            break;
        }
    }
    if (n > 4)
        fprintf(p->f, " and %d more", n - 4);
    if (n)
        fputs("</span>", p->f);
}

static void
put_trouble(const struct page *p)
{
    bool any = false;

    for (size_t k = 0; k < json_array_size(p->nodes); k++) {
        const char *s;

        for (size_t i = 0; (s = sentence_at(json_array_get(p->nodes, k), i));
             i++) {
            if (was_said(p->nodes, k, i, s))
                continue;
            if (!any)
                fputs("<section class=\"trouble\" aria-labelledby=\"trouble\">"
                      "\n<h2 id=\"trouble\">What looks wrong</h2>\n<ul>\n",
                      p->f);
            any = true;
            fputs("<li>", p->f);
            put_line(p->f, s);
            put_where(p, s);
            fputs("</li>\n", p->f);
        }
    }
    if (any)
        fputs("</ul>\n</section>\n", p->f);
}

/* ---- the map ------------------------------------------------------------- */

/* Has an earlier edge the same kind and method? */
static bool
is_first_column(const struct page *p, int at)
{
    const struct means_group *g = &p->m.groups[at];

    for (int i = 0; i < at; i++) {
        const struct means_group *h = &p->m.groups[i];

        if (h->length == 1 && is(h->kind, g->kind) &&
            is(h->method, g->method) && is(h->form, g->form))
            return false;
    }
    return g->length == 1;
}

/* The mean of an edge over all tasks. */
static trv_figure
cell_of(const struct page *p, const char *from, const struct means_group *to,
        double *strength, int *failed)
{
    trv_figure *list = calloc((size_t)p->m.n + 1, sizeof(*list)), mean = {0};
    double sum = 0.0;
    int n = 0;

    *failed = 0;
    for (int i = 0; i < p->m.n && list; i++) {
        const struct means_group *g = &p->m.groups[i];

        if (g->length != 1 || !is(g->path[0], from) || !is(g->kind, to->kind) ||
            !is(g->method, to->method) || !is(g->form, to->form))
            continue;
        *failed += g->failed;
        if (g->kept.n && isfinite(means_strength(g))) {
            sum += means_strength(g);
            list[n++] = g->kept;
        }
    }
    *strength = n ? sum / n : (double)NAN;
    if (n)
        mean = means_combine(list, n);
    free(list);
    return mean;
}

/* Is there a cell to be filled in its row? */
static bool
is_measured(const struct page *p, const struct means_group *to)
{
    for (int a = 0; a < FORMS; a++) {
        double strength;
        int failed;

        if (cell_of(p, forms[a], to, &strength, &failed).n || failed)
            return true;
    }
    return false;
}

static void
put_map(const struct page *p)
{
    begin_section(p, "map", "From what to what");
    fputs("<p class=\"note\">The mean over tasks and seeds. A deeper colour "
          "kept more.</p>\n<div class=\"scroll\" tabindex=\"0\" "
          "role=\"region\" aria-labelledby=\"map\"><table class=\"map\">\n"
          "<thead><tr><th scope=\"col\">into</th>",
          p->f);
    for (int a = 0; a < FORMS; a++)
        fprintf(p->f, "<th scope=\"col\">from %s</th>", forms[a]);
    fputs("</tr></thead>\n<tbody>\n", p->f);
    for (int i = 0; i < p->m.n; i++) {
        const struct means_group *g = &p->m.groups[i];

        if (!is_first_column(p, i) || !is_measured(p, g))
            continue;
        fputs("<tr><th scope=\"row\">", p->f);
        put_line(p->f, g->kind);
        fputs("<span>by ", p->f);
        put_line(p->f, g->method);
        fputs("</span></th>", p->f);
        for (int a = 0; a < FORMS; a++) {
            double strength;
            int failed;
            const trv_figure mean = cell_of(p, forms[a], g, &strength, &failed);

            if (mean.n)
                fprintf(p->f, "<td class=\"%s\">%.2f</td>",
                        triangle_class(strength), mean.mean);
            else
                fprintf(p->f, "<td>%s</td>", failed ? "failed" : "");
        }
        fputs("</tr>\n", p->f);
    }
    fputs("</tbody></table></div>\n", p->f);
    end_section(p);
}

/* ---- round trips and chains ---------------------------------------------- */

static void
put_way(const struct page *p, const struct means_group *g)
{
    const double strength = means_strength(g);
    trv_figure bar = g->kept;
    char text[40];

    fputs("<tr><th scope=\"row\">", p->f);
    put_path(p->f, g);
    fputs("<span>", p->f);
    put_line(p->f, g->task);
    fprintf(p->f, "</span></th><td>%d</td><td>%s", g->length,
            triangle_figure(text, g));
    if (isfinite(strength)) {
        bar.low = fmax(bar.low, 0.0);
        bar.n = 2; // with its interval
        plot_bar(p->f, "target", &bar, 1.0);
    }
    fputs("<span>", p->f);
    put_line(p->f, g->fidelity);
    fputs("</span></td></tr>\n", p->f);
}

static void
put_ways(const struct page *p)
{
    bool any = false;

    for (int i = 0; i < p->m.n; i++)
        any = any || (p->m.groups[i].length > 1 && p->m.groups[i].done);
    if (!any)
        return;
    begin_section(p, "ways", "Round trips and chains");
    fputs("<p class=\"note\">What is left of the source after so many "
          "conversions in a row, each by the method that its edge takes by "
          "default.</p>\n<div class=\"scroll\" tabindex=\"0\" role=\"region\" "
          "aria-labelledby=\"ways\"><table>\n<thead><tr><th scope=\"col\">"
          "path</th><th scope=\"col\">length</th><th scope=\"col\">kept of the "
          "source</th></tr></thead>\n<tbody>\n",
          p->f);
    for (int length = 2; length < MEANS_FORMS_MAX; length++)
        for (int i = 0; i < p->m.n; i++)
            if (p->m.groups[i].length == length && p->m.groups[i].done)
                put_way(p, &p->m.groups[i]);
    fputs("</tbody></table></div>\n", p->f);
    end_section(p);
}

/* ---- plots --------------------------------------------------------------- */

/* Points of up to one series a form. */
struct cloud {
    double *x[FORMS], *y[FORMS];
    int64_t n[FORMS];
};

static int
cloud_begin(struct cloud *c, int most)
{
    bool whole = true;

    *c = (struct cloud){.n = {0}};
    for (int i = 0; i < FORMS; i++) {
        c->x[i] = calloc((size_t)most + 1, sizeof(double));
        c->y[i] = calloc((size_t)most + 1, sizeof(double));
        whole = whole && c->x[i] && c->y[i];
    }
    return whole ? 0 : -1;
}

static void
cloud_release(struct cloud *c)
{
    for (int i = 0; i < FORMS; i++) {
        free(c->x[i]);
        free(c->y[i]);
    }
}

static void
cloud_add(struct cloud *c, const char *form, double x, double y)
{
    for (int i = 0; i < FORMS; i++)
        if (is(form, forms[i]) && isfinite(x) && isfinite(y)) {
            c->x[i][c->n[i]] = x;
            c->y[i][c->n[i]++] = y;
        }
}

static void
cloud_draw(const struct page *p, const struct cloud *c, struct plot *plot,
           double floor_)
{
    static const char *const kinds[] = {"target", "source", "base"};
    static const char *const names[] = {"into params", "into a prompt",
                                        "into a reward"};
    int64_t all = 0;

    for (int i = 0; i < FORMS; i++) {
        all += c->n[i];
        plot->series[i] =
            (struct plot_series){kinds[i], names[i], c->x[i], c->y[i], c->n[i]};
        plot_fit(&plot->x, c->x[i], c->n[i], floor_);
        plot_fit(&plot->y, c->y[i], c->n[i], 0);
    }
    plot->n = FORMS;
    if (all > 1)
        plot_scatter(p->f, plot);
}

static int
put_pareto(const struct page *p)
{
    struct plot plot = {
        .title = "What it kept against what it took",
        .says = "Each dot is a conversion, the mean over its seeds: higher is "
                "better, further left is cheaper.",
        .alt = "Scatter plot of the share kept over seconds of conversion; the "
               "table below has every value.",
        .x = {.label = "seconds of conversion (logarithmic)", .log = true},
        .y = {.label = "kept"}};
    struct cloud c;
    int bad = cloud_begin(&c, p->m.n);

    for (int i = 0; i < p->m.n && !bad; i++) {
        const struct means_group *g = &p->m.groups[i];

        if (g->length > 0)
            cloud_add(&c, g->form, fmax(g->whole_seconds, 0.01),
                      means_strength(g));
    }
    if (!bad)
        cloud_draw(p, &c, &plot, 0.01);
    cloud_release(&c);
    return bad;
}

static int
put_reach(const struct page *p)
{
    struct plot plot = {
        .title = "Reward against the way from the base",
        .says =
            "What was made of a reward: how much of it the answers get, and "
            "how far the model went for it. A reward that is reached far "
            "from the base is often reached without sense.",
        .alt = "Scatter plot of the mean reward over nats per token from the "
               "base; the table below has every value.",
        .x = {.label = "nats per token from the base"},
        .y = {.label = "mean reward"}};
    struct cloud c;
    int bad = cloud_begin(&c, (int)json_array_size(p->nodes));

    for (size_t i = 0; i < json_array_size(p->nodes) && !bad; i++) {
        const json_t *node = json_array_get(p->nodes, i);
        const json_t *path = json_object_get(node, "path");
        const char *from = json_string_value(json_array_get(path, 0));

        if (from && is(from, "reward") && json_array_size(path) > 1)
            cloud_add(
                &c, means_text(node, "form"), means_field(node, "kl_base").mean,
                means_field(json_object_get(node, "reward"), "target").mean);
    }
    if (!bad)
        cloud_draw(p, &c, &plot, 0);
    cloud_release(&c);
    return bad;
}

static int
put_plots(const struct page *p)
{
    int bad;

    begin_section(p, "plots", "What it cost");
    fputs("<div class=\"two\">\n<div>\n", p->f);
    bad = put_pareto(p);
    fputs("</div>\n<div>\n", p->f);
    bad = bad || put_reach(p);
    fputs("</div>\n</div>\n", p->f);
    end_section(p);
    return bad;
}

/* ---- what was forgotten -------------------------------------------------- */

static void
put_drift(const struct page *p)
{
    bool any = false;

    for (size_t i = 0; i < json_array_size(p->nodes); i++) {
        const json_t *node = json_array_get(p->nodes, i);
        const trv_figure own = means_field(node, "drift");
        const trv_figure source = means_field(node, "drift_source");
        const json_t *metric = json_object_get(node, "metric");
        const trv_figure held =
            means_field(json_object_get(metric, "heldout"), "target");
        const trv_figure unseen =
            means_field(json_object_get(metric, "unseen"), "target");

        if (!own.n || !json_is_true(json_object_get(node, "chosen")) ||
            json_array_size(json_object_get(node, "path")) != 2)
            continue;
        if (!any) {
            begin_section(p, "drift", "What was forgotten");
            fputs("<p class=\"note\">How far the result moved on texts where "
                  "nothing should change, in nats per token, beside what the "
                  "source itself does there; and the task's metric on held-out "
                  "rows and on a data set that nothing learned "
                  "from.</p>\n<div class=\"scroll\" tabindex=\"0\" "
                  "role=\"region\" aria-labelledby=\"drift\"><table>\n<thead>"
                  "<tr><th scope=\"col\">conversion</th><th scope=\"col\">drift"
                  "</th><th scope=\"col\">the source's</th><th scope=\"col\">"
                  "metric</th><th scope=\"col\">unseen</th></tr></thead>\n"
                  "<tbody>\n",
                  p->f);
        }
        any = true;
        fputs("<tr><th scope=\"row\">", p->f);
        put_line(p->f, means_text(node, "id"));
        fprintf(p->f, "</th><td>%.3f</td>", own.mean);
        fprintf(p->f, source.n ? "<td>%.3f</td>" : "<td></td>", source.mean);
        fprintf(p->f, held.n ? "<td>%.3f</td>" : "<td></td>", held.mean);
        fprintf(p->f, unseen.n ? "<td>%.3f</td></tr>\n" : "<td></td></tr>\n",
                unseen.mean);
    }
    if (any) {
        fputs("</tbody></table></div>\n", p->f);
        end_section(p);
    }
}

/* ---- curves -------------------------------------------------------------- */

static int
put_curve(const struct page *p, const json_t *node, const json_t *curve)
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
                                is(means_text(curve, "name"), "loss") ? "Loss"
                                                                      : "Value")
              : -1;
    free(c.step);
    free(c.value);
    return bad;
}

static int
put_curves(const struct page *p)
{
    int shown = 0, bad = 0;

    for (size_t i = 0; i < json_array_size(p->nodes) && !bad; i++) {
        const json_t *node = json_array_get(p->nodes, i);
        const json_t *list = json_object_get(node, "curves");

        if (!json_is_true(json_object_get(node, "chosen")) ||
            !is(means_text(node, "role"), "edge") || shown == CURVES_MAX)
            continue;
        for (size_t k = 0;
             k < json_array_size(list) && !bad && shown < CURVES_MAX; k++) {
            if (shown++ == 0) {
                begin_section(p, "curves", "How it learned");
                fputs("<div class=\"two\">\n", p->f);
            }
            fputs("<div>\n", p->f);
            bad = put_curve(p, node, json_array_get(list, k));
            fputs("</div>\n", p->f);
        }
    }
    if (shown) {
        fputs("</div>\n", p->f);
        end_section(p);
    }
    return bad;
}

/* ---- answers ------------------------------------------------------------- */

/* Ends of the words of a text [n of them in *out]; NULL without memory. */
static int64_t *
words_of(const char *s, int64_t *out)
{
    const size_t len = strlen(s);
    int64_t *ends = calloc(len + 1, sizeof(*ends));

    *out = 0;
    for (size_t i = 0; i < len && ends; i++)
        if (i + 1 == len || (s[i] == ' ' && s[i + 1] != ' ') || s[i] == '\n')
            ends[(*out)++] = (int64_t)i + 1;
    return ends;
}

/* A text with the words marked that another does not have. */
static int
put_marked(FILE *f, const char *s, const char *other)
{
    struct tokens a = {.text = s}, b = {.text = other};
    int64_t *x = words_of(s, &a.n), *y = words_of(other, &b.n);
    bool *differ = NULL;
    int64_t from = 0;

    a.ends = x;
    b.ends = y;
    if (x && y)
        differ = tokens_differ(&a, &b);
    for (int64_t i = 0; i < a.n && differ; i++) {
        fputs(differ[i] ? "<mark>" : "", f);
        html_text(f, s + from, (size_t)(a.ends[i] - from));
        fputs(differ[i] ? "</mark>" : "", f);
        from = a.ends[i];
    }
    free(x);
    free(y);
    free(differ);
    return differ ? 0 : -1;
}

static int
put_said(const struct page *p, const char *class, const char *who,
         const char *text, const char *other)
{
    int bad;

    fprintf(p->f, "<div class=\"said %s\"><h4>%s</h4><p>", class, who);
    bad = put_marked(p->f, text, other);
    fputs("</p></div>\n", p->f);
    return bad;
}

static int
put_example(const struct page *p, const json_t *node, const json_t *e)
{
    const char *base = means_text(e, "base"), *source = means_text(e, "source");
    const char *target = means_text(e, "target");
    int bad;

    fputs("<article>\n<p class=\"asked\">", p->f);
    html_text(p->f, means_text(e, "input"), strlen(means_text(e, "input")));
    fputs("</p>\n<p class=\"note\">", p->f);
    put_line(p->f, means_text(node, "id"));
    fputs("</p>\n<div class=\"three\">\n", p->f);
    bad = put_said(p, "base", "base", base, target);
    if (!bad && *source)
        bad = put_said(p, "source", "source", source, target);
    if (!bad)
        bad = put_said(p, "target", "result", target, *source ? source : base);
    fputs("</div>\n</article>\n", p->f);
    return bad;
}

static int
put_examples(const struct page *p)
{
    bool any = false;
    int bad = 0;

    for (int i = 0; i < p->m.n && !bad; i++) {
        const struct means_group *g = &p->m.groups[i];
        const json_t *list =
            g->first ? json_object_get(g->first, "examples") : NULL;

        if (!g->chosen || g->length != 1 || !json_array_size(list))
            continue;
        if (!any) {
            begin_section(p, "answers", "What they say");
            fputs("<p class=\"note\">All drawn with the same random numbers at "
                  "temperature 0.7; words are marked that the result and its "
                  "source do not share.</p>\n",
                  p->f);
        }
        any = true;
        for (size_t k = 0;
             k < json_array_size(list) && k < EXAMPLES_MAX && !bad; k++)
            bad = put_example(p, g->first, json_array_get(list, k));
    }
    if (any)
        end_section(p);
    return bad;
}

/* ---- the table ----------------------------------------------------------- */

static void
put_number(FILE *f, double x, int digits)
{
    if (isfinite(x)) {
        fprintf(f, "<td data-v=\"%.9g\">%.*f</td>", x, digits, x);
    } else {
        fputs("<td data-v=\"\"></td>", f);
    }
}

static double
cost_of(const json_t *node, const char *key)
{
    const json_t *x = json_object_get(json_object_get(node, "cost"), key);

    return json_is_number(x) ? json_number_value(x) : (double)NAN;
}

static void
put_row(const struct page *p, const json_t *node)
{
    const json_t *fidelity = json_object_get(node, "fidelity");
    const char *status = means_text(node, "status");
    const char *why = means_text(node, "sentence");

    fputs("<tr><th scope=\"row\">", p->f);
    put_line(p->f, means_text(node, "id"));
    if (*why) {
        fputs("<span>", p->f);
        put_line(p->f, why);
        fputs("</span>", p->f);
    }
    fputs("</th><td>", p->f);
    put_line(p->f, status);
    fputs("</td>", p->f);
    put_number(p->f, means_field(fidelity, "of_root").mean, 3);
    put_number(p->f, means_field(fidelity, "of_parent").mean, 3);
    put_number(p->f, means_field(node, "kl_base").mean, 3);
    put_number(p->f, means_field(node, "rank_tau").mean, 2);
    put_number(p->f,
               means_field(json_object_get(node, "reward"), "target").mean,
               3);
    put_number(p->f, means_field(json_object_get(node, "pairs"), "target").mean,
               3);
    put_number(p->f, cost_of(node, "seconds"), 1);
    put_number(p->f, cost_of(node, "processor_seconds"), 1);
    put_number(p->f, cost_of(node, "tokens_read") / 1e3, 0);
    put_number(p->f, cost_of(node, "tokens_drawn") / 1e3, 0);
    put_number(p->f, cost_of(node, "flop") / 1e12, 2);
    put_number(p->f, cost_of(node, "peak_bytes") / 1e6, 0);
    put_number(p->f, cost_of(node, "artefact_bytes") / 1e3, 0);
    put_number(p->f, cost_of(node, "added_seconds_per_token") * 1e3, 2);
    fputs("</tr>\n", p->f);
}

static const char *const columns[] = {
    "conversion", "status",      "kept",     "of the step",
    "KL to base", "tau",         "reward",   "pairs right",
    "seconds",    "processor s", "k read",   "k drawn",
    "TFLOP",      "MB at most",  "kB of it", "ms a token more",
};

/* Sorts by a column whose head is pressed; numbers by data-v, what has none
 * last. */
static const char sorter[] =
    "<script>\n"
    "for(const t of document.querySelectorAll('table.sort')){\n"
    "const head=[...t.tHead.rows[0].cells],body=t.tBodies[0];\n"
    "head.forEach((h,c)=>{const b=document.createElement('button');"
    "b.append(...h.childNodes);h.append(b);\n"
    "b.onclick=()=>{const up=h.ariaSort!=='ascending';"
    "head.forEach(x=>x.ariaSort=null);"
    "h.ariaSort=up?'ascending':'descending';\n"
    "const key=r=>{const d=r.cells[c].dataset.v;return d===undefined?"
    "r.cells[c].textContent:d===''?null:+d};\n"
    "body.append(...[...body.rows].sort((x,y)=>{const p=key(x),q=key(y);"
    "if(p===null||q===null)return(p===null)-(q===null);"
    "return(p<q?-1:p>q?1:0)*(up?1:-1)}))}})}\n"
    "</script>\n";

static void
put_table(const struct page *p)
{
    begin_section(p, "all", "All figures");
    fputs("<div class=\"scroll\" tabindex=\"0\" role=\"region\" "
          "aria-labelledby=\"all\"><table class=\"sort\">\n<thead><tr>",
          p->f);
    for (size_t i = 0; i < sizeof(columns) / sizeof(*columns); i++)
        fprintf(p->f, "<th scope=\"col\">%s</th>", columns[i]);
    fputs("</tr></thead>\n<tbody>\n", p->f);
    for (size_t i = 0; i < json_array_size(p->nodes); i++)
        put_row(p, json_array_get(p->nodes, i));
    fputs("</tbody></table></div>\n", p->f);
    end_section(p);
}

/* ---- the end ------------------------------------------------------------- */

static void
put_budget(const struct page *p)
{
    const json_t *b = json_object_get(p->report, "budget");
    const json_t *cut = json_object_get(b, "cut");
    const double asked = json_number_value(json_object_get(b, "seconds"));
    const double used = json_number_value(json_object_get(b, "used_seconds"));
    char x[HUMAN_MAX], y[HUMAN_MAX];

    begin_section(p, "budget", "How it was run");
    fprintf(p->f, "<p>%s of work", human_seconds(x, used));
    if (asked > 0)
        fprintf(p->f, ", of a budget of %s", human_estimate(y, asked));
    fputs(".</p>\n", p->f);
    if (json_array_size(cut)) {
        fputs("<ul>\n", p->f);
        for (size_t i = 0; i < json_array_size(cut); i++) {
            const char *s = json_string_value(json_array_get(cut, i));

            fputs("<li>", p->f);
            put_line(p->f, s ? s : "");
            fputs("</li>\n", p->f);
        }
        fputs("</ul>\n", p->f);
    }
    end_section(p);
}

int
triangle_page_write(FILE *f, const json_t *report)
{
    struct page p = {
        .f = f, .report = report, .nodes = json_object_get(report, "nodes")};
    int bad = means_of(&p.m, report);

    if (bad)
        return bad;
    fputs("<!doctype html>\n<html lang=\"en\">\n<head>\n"
          "<meta charset=\"utf-8\">\n<meta name=\"viewport\" "
          "content=\"width=device-width,initial-scale=1\">\n<title>",
          f);
    put_title(&p);
    fputs("</title>\n<style>\n", f);
    for (int i = 0; page_style[i]; i++)
        fputs(page_style[i], f);
    for (int i = 0; page_style_triangle[i]; i++)
        fputs(page_style_triangle[i], f);
    fputs("</style>\n</head>\n<body>\n<main>\n", f);
    put_header(&p);
    put_triangles(&p);
    put_trouble(&p);
    put_map(&p);
    put_ways(&p);
    bad = put_plots(&p);
    put_drift(&p);
    bad = bad || put_curves(&p) || put_examples(&p);
    put_table(&p);
    put_budget(&p);
    fprintf(f,
            "</main>\n<footer>\n<p>Made by trivium %s. report.json beside this "
            "file has all of it for programs.</p>\n</footer>\n",
            trv_version());
    fputs(sorter, f);
    fputs("</body>\n</html>\n", f);
    means_release(&p.m);
    return bad ? -1 : 0;
}
