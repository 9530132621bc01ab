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

static trv_figure
figure(const json_t *f)
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

/* Where each figure stands in a node. */
static const char *const keys[MEANS_FIGURES][3] = {
    [MEANS_KEPT] = {"fidelity", "of_root"},
    [MEANS_STEP] = {"fidelity", "of_parent"},
    [MEANS_KL_BASE] = {"kl_base"},
    [MEANS_DRIFT] = {"drift"},
    [MEANS_DRIFT_SOURCE] = {"drift_source"},
    [MEANS_HELD_BASE] = {"metric", "heldout", "base"},
    [MEANS_HELD] = {"metric", "heldout", "target"},
    [MEANS_UNSEEN_BASE] = {"metric", "unseen", "base"},
    [MEANS_UNSEEN] = {"metric", "unseen", "target"},
    [MEANS_REWARD_BASE] = {"reward", "base"},
    [MEANS_REWARD] = {"reward", "target"},
    [MEANS_SECOND_BASE] = {"second_reward", "base"},
    [MEANS_SECOND] = {"second_reward", "target"},
    [MEANS_TOKENS_BASE] = {"answer_tokens", "base"},
    [MEANS_TOKENS] = {"answer_tokens", "target"},
    [MEANS_RANK_TAU] = {"rank_tau"},
    [MEANS_PAIRS] = {"pairs", "target"},
};

trv_figure
means_node(const json_t *node, enum means_what what)
{
    for (int i = 0; i < 3 && keys[what][i]; i++)
        node = json_object_get(node, keys[what][i]);
    return figure(node);
}

double
means_cost(const json_t *node, const char *field)
{
    return number(json_object_get(node, "cost"), field);
}

#define NORMAL_95 1.959963984540054

/* The 97.5 % quantile of Student's t: a table, and from 11 degrees on the
 * expansion of Cornish and Fisher, which is right to 0.002 there. */
static double
student_95(int degrees)
{
    static const double table[] = {12.7062, 4.3027, 3.1824, 2.7764, 2.5706,
                                   2.4469,  2.3646, 2.3060, 2.2622, 2.2281};
    const double z = NORMAL_95, z3 = z * z * z, d = degrees;

    if (degrees <= 10)
        return table[degrees - 1];
    return z + (z3 + z) / (4 * d) +
           (5 * z3 * z * z + 16 * z3 + 3 * z) / (96 * d * d);
}

static bool
is_measured(const trv_figure *f)
{
    return f->n > 0 && isfinite(f->mean);
}

trv_figure
means_combine(const trv_figure *list, int n)
{
    trv_figure out = {(double)NAN, (double)NAN, (double)NAN, (double)NAN, 0};
    double sum = 0.0, squares = 0.0, own = 0.0, half;
    int used = 0;

    for (int i = 0; i < n; i++) {
        if (!is_measured(&list[i]))
            continue;
        sum += list[i].mean;
        own +=
            isfinite(list[i].stderr_) ? list[i].stderr_ * list[i].stderr_ : 0.0;
        out = list[i];
        used++;
    }
    out.n = used;
    if (used <= 1)
        return out; // with its own interval
    out.mean = sum / used;
    if (!isfinite(out.mean)) {
        out.n = 0; // numbers of a foreign report may be too large to add
        return out;
    }
    for (int i = 0; i < n; i++)
        if (is_measured(&list[i]))
            squares += (list[i].mean - out.mean) * (list[i].mean - out.mean);
    squares = sqrt(squares / (used - 1) / used);
    own = sqrt(own) / used;
    out.stderr_ = fmax(squares, own);
    half = fmax(student_95(used - 1) * squares, NORMAL_95 * own);
    out.low = out.mean - half;
    out.high = out.mean + half;
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

/* Nodes of a group are a list: its first, and the next of each. */
struct builder {
    struct means *m;
    json_t *by_way;    // "task\nway": the group
    int *first, *next; // [groups], [nodes]; -1 ends a list
    trv_figure *list;  // [nodes] scratch
};

static int
begin(struct builder *b, struct means *out, size_t n)
{
    *b = (struct builder){.m = out};
    *out = (struct means){.groups = calloc(n + 1, sizeof(*out->groups)),
                          .of = calloc(n + 1, sizeof(*out->of))};
    b->by_way = json_object();
    b->first = calloc(n + 1, sizeof(*b->first));
    b->next = calloc(n + 1, sizeof(*b->next));
    b->list = calloc(n + 1, sizeof(*b->list));
    return out->groups && out->of && b->by_way && b->first && b->next && b->list
               ? 0
               : -1;
}

static void
end(struct builder *b)
{
    json_decref(b->by_way);
    free(b->first);
    free(b->next);
    free(b->list);
}

/* A node's group, made where it is the first; -1 without memory. */
static int
find(struct builder *b, const json_t *node)
{
    char *key = NULL;
    size_t n = 0;
    FILE *f = open_memstream(&key, &n);
    json_t *at = NULL;
    int group = -1;

    if (f)
        fprintf(f, "%s\n%s", means_text(node, "task"), way_of(node));
    if (f && fclose(f) == 0 && key) {
        at = json_object_get(b->by_way, key);
        group = at ? (int)json_integer_value(at) : b->m->n;
    }
    if (group >= 0 && !at) {
        b->m->groups[group] = group_of(node);
        b->first[group] = -1;
        b->m->n++;
        if (json_object_set_new(b->by_way, key, json_integer(group)))
            group = -1;
    }
    free(key);
    return group;
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

    for (int i = b->first[group]; i >= 0; i = b->next[i]) {
        const double x = means_cost(json_array_get(nodes, (size_t)i), field);

        if (isfinite(x)) {
            sum += x;
            n++;
        }
    }
    return n ? sum / n : (double)NAN;
}

static trv_figure
mean_figure(const struct builder *b, const json_t *nodes, int group,
            enum means_what what)
{
    int n = 0;

    for (int i = b->first[group]; i >= 0; i = b->next[i])
        b->list[n++] = means_node(json_array_get(nodes, (size_t)i), what);
    return means_combine(b->list, n);
}

static void
fill(const struct builder *b, const json_t *nodes)
{
    for (int g = 0; g < b->m->n; g++) {
        struct means_group *to = &b->m->groups[g];

        for (int k = 0; k < MEANS_FIGURES; k++)
            to->f[k] = mean_figure(b, nodes, g, (enum means_what)k);
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
    struct builder b;
    int bad = begin(&b, out, n);

    for (size_t i = 0; i < n && !bad; i++) {
        const json_t *node = json_array_get(nodes, i);
        const int at = find(&b, node);

        bad = at < 0;
        if (bad)
            break;
        out->of[i] = at;
        b.next[i] = b.first[at];
        b.first[at] = (int)i;
        count(&out->groups[at], node);
    }
    if (!bad)
        fill(&b, nodes);
    else
        means_release(out);
    end(&b);
    return bad ? -1 : 0;
}

void
means_release(struct means *m)
{
    free(m->groups);
    free(m->of);
    *m = (struct means){0};
}

double
means_strength(const struct means_group *g)
{
    double x = g->f[MEANS_KEPT].n ? g->f[MEANS_KEPT].mean : (double)NAN;

    if (same(g->fidelity, "pairs ordered alike"))
        x = 2.0 * x - 1.0;
    return isfinite(x) ? fmin(fmax(x, 0.0), 1.0) : (double)NAN;
}
