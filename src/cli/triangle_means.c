/* triangle_means.c -- groups of nodes, and means over seeds. */
#include "cli/triangle_means.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *
means_text(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    return text ? text : "";
}

static double
number(const json_t *object, const char *key)
{
    const json_t *x = json_object_get(object, key);

    return json_is_number(x) ? json_number_value(x) : (double)NAN;
}

trv_figure
means_figure(const json_t *f)
{
    trv_figure out = {(double)NAN, (double)NAN, (double)NAN, (double)NAN, 0};

    if (!json_is_number(json_object_get(f, "mean")))
        return out;
    out.mean = number(f, "mean");
    out.stderr_ = number(f, "stderr");
    out.low = number(f, "low");
    out.high = number(f, "high");
    out.n = json_integer_value(json_object_get(f, "n"));
    out.n = out.n > 0 ? out.n : 1;
    return out;
}

trv_figure
means_field(const json_t *object, const char *key)
{
    return means_figure(json_object_get(object, key));
}

#define NORMAL_95 1.959963984540054

trv_figure
means_combine(const trv_figure *list, int n)
{
    trv_figure out = {(double)NAN, (double)NAN, (double)NAN, (double)NAN, 0};
    double sum = 0.0, squares = 0.0, own = 0.0;
    int used = 0;

    for (int i = 0; i < n; i++) {
        if (list[i].n == 0 || !isfinite(list[i].mean))
            continue;
        sum += list[i].mean;
        own +=
            isfinite(list[i].stderr_) ? list[i].stderr_ * list[i].stderr_ : 0.0;
        out = list[i];
        used++;
    }
    if (used == 1) {
        out.n = 1;
        return out; // with its own interval
    }
    out.n = used;
    if (used == 0)
        return out;
    out.mean = sum / used;
    for (int i = 0; i < n; i++)
        if (list[i].n > 0 && isfinite(list[i].mean))
            squares += (list[i].mean - out.mean) * (list[i].mean - out.mean);
    out.stderr_ = sqrt(fmax(squares / (used - 1), own / used) / used);
    out.low = out.mean - NORMAL_95 * out.stderr_;
    out.high = out.mean + NORMAL_95 * out.stderr_;
    return out;
}

/* ---- groups -------------------------------------------------------------- */

static bool
same(const char *a, const char *b)
{
    return strcmp(a, b) == 0;
}

static struct means_group
group_of(const json_t *node)
{
    const json_t *path = json_object_get(node, "path");
    struct means_group g = {
        .task = means_text(node, "task"),
        .role = means_text(node, "role"),
        .method = means_text(node, "method"),
        .kind = means_text(node, "kind"),
        .form = means_text(node, "form"),
        .chosen = json_is_true(json_object_get(node, "chosen")),
        .fidelity = means_text(json_object_get(node, "fidelity"), "name")};

    for (size_t i = 0; i < json_array_size(path) && i < MEANS_FORMS_MAX; i++) {
        const char *form = json_string_value(json_array_get(path, i));

        g.path[i] = form ? form : "?";
        g.length = (int)i;
    }
    return g;
}

/* Paths of the same forms may go through other methods on the way: ids differ in
 * the seed alone, which stands between the first two slashes. */
static const char *
way_of(const json_t *node)
{
    const char *id = means_text(node, "id"), *slash = strchr(id, '/');
    const char *second = slash ? strchr(slash + 1, '/') : NULL;

    return second ? second + 1 : id;
}

struct builder {
    struct means *m;
    const char **ways; // [n] of the groups
    int *of;           // [nodes] each node's group
    trv_figure *list;  // [nodes] scratch
};

static int
find(const struct builder *b, const json_t *node)
{
    for (int i = 0; i < b->m->n; i++)
        if (same(b->ways[i], way_of(node)) &&
            same(b->m->groups[i].task, means_text(node, "task")))
            return i;
    return -1;
}

static void
count(struct means_group *g, const json_t *node)
{
    const char *status = means_text(node, "status");

    if (same(status, "done")) {
        g->done++;
        g->first = g->first ? g->first : node;
        if (!*g->fidelity)
            g->fidelity = means_text(json_object_get(node, "fidelity"), "name");
    } else if (same(status, "failed")) {
        g->failed++;
    } else if (same(status, "cut")) {
        g->cut++;
    } else {
        g->waiting++;
    }
    if (!g->sentence && *means_text(node, "sentence"))
        g->sentence = means_text(node, "sentence");
}

/* The mean of a field of cost over a group's nodes. */
static double
mean_cost(const struct builder *b, const json_t *nodes, int group,
          const char *field)
{
    double sum = 0.0;
    int n = 0;

    for (size_t i = 0; i < json_array_size(nodes); i++) {
        const double x =
            number(json_object_get(json_array_get(nodes, i), "cost"), field);

        if (b->of[i] == group && isfinite(x)) {
            sum += x;
            n++;
        }
    }
    return n ? sum / n : (double)NAN;
}

static trv_figure
mean_figure(const struct builder *b, const json_t *nodes, int group,
            const char *field)
{
    int n = 0;

    for (size_t i = 0; i < json_array_size(nodes); i++)
        if (b->of[i] == group)
            b->list[n++] = means_field(
                json_object_get(json_array_get(nodes, i), "fidelity"), field);
    return means_combine(b->list, n);
}

static void
fill(const struct builder *b, const json_t *nodes)
{
    for (int g = 0; g < b->m->n; g++) {
        struct means_group *to = &b->m->groups[g];

        to->kept = mean_figure(b, nodes, g, "of_root");
        to->step = mean_figure(b, nodes, g, "of_parent");
        to->seconds = mean_cost(b, nodes, g, "seconds");
        to->whole_seconds = mean_cost(b, nodes, g, "whole_seconds");
        to->bytes = mean_cost(b, nodes, g, "artefact_bytes");
        to->added = mean_cost(b, nodes, g, "added_seconds_per_token");
    }
}

int
means_of(struct means *out, const json_t *report)
{
    const json_t *nodes = json_object_get(report, "nodes");
    const size_t n = json_array_size(nodes);
    struct builder b = {.m = out};

    *out = (struct means){.groups = calloc(n + 1, sizeof(*out->groups))};
    b.ways = calloc(n + 1, sizeof(*b.ways));
    b.of = calloc(n + 1, sizeof(*b.of));
    b.list = calloc(n + 1, sizeof(*b.list));
    for (size_t i = 0; i < n && out->groups && b.ways && b.of; i++) {
        const json_t *node = json_array_get(nodes, i);
        int at = find(&b, node);

        if (at < 0) {
            at = out->n++;
            out->groups[at] = group_of(node);
            b.ways[at] = way_of(node);
        }
        b.of[i] = at;
        count(&out->groups[at], node);
    }
    if (out->groups && b.ways && b.of && b.list)
        fill(&b, nodes);
    else
        means_release(out);
    free(b.ways);
    free(b.of);
    free(b.list);
    return out->groups ? 0 : -1;
}

void
means_release(struct means *m)
{
    free(m->groups);
    *m = (struct means){0};
}

double
means_strength(const struct means_group *g)
{
    double x = g->kept.n ? g->kept.mean : (double)NAN;

    if (same(g->fidelity, "pairs ordered alike"))
        x = 2.0 * x - 1.0;
    return isfinite(x) ? fmin(fmax(x, 0.0), 1.0) : (double)NAN;
}
