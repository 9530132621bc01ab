/* triangle_ways.c -- from what into what, what longer paths leave of a source,
 * and what was forgotten.
 */
#include <math.h>
#include <stdlib.h>

#include "cli/plot.h"
#include "cli/triangle_draw.h"
#include "cli/triangle_parts.h"

/* ---- groups of all tasks ------------------------------------------------- */

/* Of the same path by the same methods, whatever the task. Edges of one step
 * are told apart by kind and method; longer paths go by default methods. */
static bool
alike(const struct means_group *a, const struct means_group *b)
{
    if (a->length != b->length || !tpage_is(a->kind, b->kind) ||
        !tpage_is(a->method, b->method))
        return false;
    for (int i = 0; i <= a->length; i++)
        if (!tpage_is(a->path[i], b->path[i]))
            return false;
    return true;
}

/* Is there no earlier group of its kind? */
static bool
is_first(const struct triangle_page *p, int at)
{
    for (int i = 0; i < at; i++)
        if (alike(&p->m.groups[i], &p->m.groups[at]))
            return false;
    return true;
}

/* What a group's like keep over all tasks, in its own measure. */
struct over {
    trv_figure kept;
    double strength; // 0 to 1; NaN: not measured
    int failed;
};

static int
over_tasks(struct over *out, const struct triangle_page *p,
           const struct means_group *g)
{
    trv_figure *list = calloc((size_t)p->m.n + 1, sizeof(*list));
    double sum = 0.0;
    int n = 0;

    *out = (struct over){.strength = (double)NAN};
    for (int i = 0; i < p->m.n && list; i++) {
        const struct means_group *h = &p->m.groups[i];

        if (!alike(g, h))
            continue;
        out->failed += h->failed;
        if (isfinite(means_strength(h))) {
            sum += means_strength(h);
            list[n++] = h->f[MEANS_KEPT];
        }
    }
    if (list)
        out->kept = means_combine(list, n);
    if (n)
        out->strength = sum / n;
    free(list);
    return list ? 0 : -1;
}

/* ---- the map ------------------------------------------------------------- */

static bool
is_of_cell(const struct means_group *g, const char *from, const char *into)
{
    const int length = tpage_is(from, into) ? 2 : 1;

    return g->length == length && tpage_is(g->path[0], from) &&
           tpage_is(g->path[length], into) && (g->done || g->failed);
}

static void
put_chip(const struct triangle_page *p, const struct means_group *g,
         const struct over *o)
{
    fprintf(p->f, "<li class=\"%s\"><b>", triangle_class(o->strength));
    if (o->kept.n)
        tpage_number(p->f, o->kept.mean, 2);
    else
        fputs(o->failed ? "failed" : "not measured", p->f);
    fputs("</b> ", p->f);
    if (g->length == 2) {
        fputs("by way of ", p->f);
        tpage_line(p, g->path[1]);
    } else {
        tpage_line(p, g->method);
        if (!tpage_is(g->kind, g->method)) {
            fputs(", ", p->f);
            tpage_line(p, g->kind);
        }
    }
    fputs("</li>", p->f);
}

static int
put_cell(const struct triangle_page *p, const char *from, const char *into)
{
    int n = 0, bad = 0;

    fputs("<td>", p->f);
    for (int i = 0; i < p->m.n && !bad; i++) {
        const struct means_group *g = &p->m.groups[i];
        struct over o;

        if (!is_of_cell(g, from, into) || !is_first(p, i))
            continue;
        bad = over_tasks(&o, p, g);
        fputs(n++ ? "" : "<ul class=\"chips\">", p->f);
        if (!bad)
            put_chip(p, g, &o);
    }
    fputs(n ? "</ul></td>" : "</td>", p->f);
    return bad;
}

int
tpage_map(const struct triangle_page *p)
{
    static const char *const heads[] = {"", "into params", "into a prompt",
                                        "into a reward", NULL};
    int bad = 0;

    tpage_begin(
        p, "map", "From what into what",
        "Every method and kind, the mean over tasks and seeds; a deeper "
        "blue kept more. From a form into itself is the round trip.");
    tpage_begin_table(p, "map", "map", heads);
    for (int a = 0; a < TPAGE_FORMS && !bad; a++) {
        fprintf(p->f, "<tr><th scope=\"row\">from %s</th>", tpage_forms[a]);
        for (int b = 0; b < TPAGE_FORMS && !bad; b++)
            bad = put_cell(p, tpage_forms[a], tpage_forms[b]);
        fputs("</tr>\n", p->f);
    }
    tpage_end_table(p);
    tpage_end(p);
    return bad;
}

/* ---- round trips and chains ---------------------------------------------- */

static void
put_bar(const struct triangle_page *p, const struct over *o)
{
    trv_figure bar = o->kept;

    if (!bar.n)
        return;
    bar.mean = fmax(bar.mean, 0.0);
    bar.low = fmax(bar.low, 0.0);
    bar.n = 2; // with its interval, where there is one
    plot_bar(p->f, "target", &bar, 1.0);
}

/* The arrow that goes there at once, by its default method. */
static int
put_direct(const struct triangle_page *p, const struct means_group *g)
{
    for (int i = 0; i < p->m.n; i++) {
        const struct means_group *h = &p->m.groups[i];
        struct over o;

        if (h->length != 1 || !h->chosen || !tpage_is(h->path[0], g->path[0]) ||
            !tpage_is(h->path[1], g->path[g->length]))
            continue;
        if (over_tasks(&o, p, h))
            return -1;
        fputs("<td>", p->f);
        tpage_figure(p, &o.kept);
        put_bar(p, &o);
        fputs("</td>", p->f);
        return 0;
    }
    fputs("<td></td>", p->f);
    return 0;
}

static int
put_way(const struct triangle_page *p, const struct means_group *g, bool chain)
{
    struct over o;
    int bad = over_tasks(&o, p, g);

    fputs("<tr><th scope=\"row\">", p->f);
    tpage_path(p, g);
    fputs("</th><td>", p->f);
    if (!bad) {
        tpage_figure(p, &o.kept);
        put_bar(p, &o);
    }
    fputs("<span>", p->f);
    tpage_line(p, g->fidelity);
    fputs("</span></td>", p->f);
    if (chain && !bad)
        bad = put_direct(p, g);
    fputs("</tr>\n", p->f);
    return bad;
}

static bool
is_way(const struct means_group *g, bool chain)
{
    const bool round = tpage_is(g->path[0], g->path[g->length]);

    return g->length > 1 && g->done && round != chain;
}

static int
put_list(const struct triangle_page *p, bool chain)
{
    static const char *const round_heads[] = {"round trip",
                                              "kept of the source", NULL};
    static const char *const chain_heads[] = {"chain", "kept of the source",
                                              "by the direct arrow", NULL};
    bool any = false;
    int bad = 0;

    for (int length = 2; length < MEANS_FORMS_MAX && !bad; length++)
        for (int i = 0; i < p->m.n && !bad; i++) {
            const struct means_group *g = &p->m.groups[i];

            if (g->length != length || !is_way(g, chain) || !is_first(p, i))
                continue;
            if (!any)
                tpage_begin_table(p, chain ? "chains" : "trips", "ways",
                                  chain ? chain_heads : round_heads);
            any = true;
            bad = put_way(p, g, chain);
        }
    if (any)
        tpage_end_table(p);
    return bad;
}

/* The strength of paths of a length by default methods, over all of them. */
static trv_figure
of_length(const struct triangle_page *p, trv_figure *list, int length)
{
    int n = 0;

    for (int i = 0; i < p->m.n; i++) {
        const struct means_group *g = &p->m.groups[i];

        if (g->length == length && g->chosen && isfinite(means_strength(g)))
            list[n++] =
                (trv_figure){means_strength(g), 0, (double)NAN, (double)NAN, 1};
    }
    return means_combine(list, n);
}

static int
put_lengths(const struct triangle_page *p)
{
    static const char *const heads[] = {"conversions in a row", "kept",
                                        "paths, of each task", NULL};
    trv_figure *list = calloc((size_t)p->m.n + 1, sizeof(*list));

    if (!list)
        return -1;
    tpage_begin_table(p, "chains", "ways", heads);
    for (int length = 1; length < MEANS_FORMS_MAX; length++) {
        const struct over o = {.kept = of_length(p, list, length)};

        if (!o.kept.n)
            continue;
        fprintf(p->f, "<tr><th scope=\"row\">%d</th><td>", length);
        tpage_figure(p, &o.kept);
        put_bar(p, &o);
        fprintf(p->f, "</td><td>%lld</td></tr>\n", (long long)o.kept.n);
    }
    tpage_end_table(p);
    free(list);
    return 0;
}

int
tpage_ways(const struct triangle_page *p)
{
    bool trips = false, chains = false;
    int bad = 0;

    for (int i = 0; i < p->m.n; i++) {
        chains = chains || is_way(&p->m.groups[i], true);
        trips = trips || is_way(&p->m.groups[i], false);
    }
    if (chains || trips) {
        tpage_begin(
            p, "chains", "Chains",
            "What conversions in a row leave, each by the method that "
            "its arrow takes by default; the mean over tasks and seeds. "
            "By length, chance counts as nothing kept, so that all "
            "paths have one scale; the interval is over paths.");
        bad = put_lengths(p) || put_list(p, true);
        tpage_end(p);
    }
    if (trips && !bad) {
        tpage_begin(p, "trips", "Round trips", NULL);
        bad = put_list(p, false);
        tpage_end(p);
    }
    return bad ? -1 : 0;
}

/* ---- what was forgotten -------------------------------------------------- */

static void
put_pair(const struct triangle_page *p, const char *head, const trv_figure *a,
         const trv_figure *b, const char *word, int digits)
{
    if (!b->n) {
        fputs("<td></td>", p->f);
        return;
    }
    fprintf(p->f, "<td data-h=\"%s\">", head);
    tpage_number(p->f, b->mean, digits);
    if (a->n) {
        fprintf(p->f, " <span>%s ", word);
        tpage_number(p->f, a->mean, digits);
        fputs("</span>", p->f);
    }
    fputs("</td>", p->f);
}

int
tpage_drift(const struct triangle_page *p)
{
    static const char *const heads[] = {"arrow",
                                        "drift",
                                        "held-out metric",
                                        "unseen metric",
                                        "second reward",
                                        "tokens of an answer",
                                        NULL};
    bool any = false;

    for (int i = 0; i < p->m.n; i++) {
        const struct means_group *g = &p->m.groups[i];
        const trv_figure *f = g->f;

        if (g->length != 1 || !g->chosen || !f[MEANS_DRIFT].n)
            continue;
        if (!any) {
            tpage_begin(
                p, "drift", "What was forgotten",
                "Drift is how far the result moved on texts where "
                "nothing should change, in nats per token. The metric "
                "stands on held-out rows and on a data set that nothing "
                "learned from. Nothing was optimised for the second "
                "reward.");
            tpage_begin_table(p, "drift", "list", heads);
        }
        any = true;
        fputs("<tr><th scope=\"row\">", p->f);
        tpage_path(p, g);
        fputs("<span>", p->f);
        tpage_line(p, g->task);
        fputs("</span></th>", p->f);
        put_pair(p, heads[1], &f[MEANS_DRIFT_SOURCE], &f[MEANS_DRIFT], "source",
                 3);
        put_pair(p, heads[2], &f[MEANS_HELD_BASE], &f[MEANS_HELD], "base", 2);
        put_pair(p, heads[3], &f[MEANS_UNSEEN_BASE], &f[MEANS_UNSEEN], "base",
                 2);
        put_pair(p, heads[4], &f[MEANS_SECOND_BASE], &f[MEANS_SECOND], "base",
                 2);
        put_pair(p, heads[5], &f[MEANS_TOKENS_BASE], &f[MEANS_TOKENS], "base",
                 1);
        fputs("</tr>\n", p->f);
    }
    if (any) {
        tpage_end_table(p);
        tpage_end(p);
    }
    return 0;
}
