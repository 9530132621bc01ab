/* triangle_plan.c -- times of nodes, and the cap. */
#include "triangle/triangle_plan.h"

#include <limits.h>
#include <math.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "triangle/node_make.h"
#include "triangle/node_measure.h"

/* The caps in turn; budgets of cost_budget(). */
static const struct {
    const char *text;
    double seconds;
} caps[] = {
    {"none", (double)INFINITY},
    {"10m", 600},
    {"5m", 300},
    {"3m", 180},
    {"2m", 120},
    {"90s", 90},
    {"60s", 60},
    {"40s", 40},
    {"30s", 30},
    {"20s", 20},
    {"15s", 15},
    {"10s", 10},
    {"7s", 7},
    {"5s", 5},
    {"3s", 3},
};
#define CAPS (int)(sizeof(caps) / sizeof(*caps))

/* What a node's conversion takes; `why`: it does not apply, and this says it. */
struct times {
    double full, least, figures;
    char *why;
};

/* ---- times --------------------------------------------------------------- */

/* Nodes of one task that convert the same kinds by the same method take about
 * the same time, whatever their seed and their parent's path. */
static int
like(const struct triangle *t, int node)
{
    const struct tree_node *v = &t->tree.nodes[node];

    for (int i = 0; i < node; i++) {
        const struct tree_node *w = &t->tree.nodes[i];

        if (w->task == v->task && w->parent >= 0 && v->parent >= 0 &&
            w->twin < 0 && v->twin < 0 && w->kind == v->kind &&
            strcmp(w->method, v->method) == 0 &&
            w->forms[w->depth - 1] == v->forms[v->depth - 1] &&
            t->tree.nodes[w->parent].kind == t->tree.nodes[v->parent].kind)
            return i;
    }
    return -1;
}

/* The source of a node, where it can be opened before anything is made. */
static int
open_source(struct adaptation **out, const struct triangle *t,
            const struct tree_node *v, trv_err *err)
{
    const struct tree_node *p = &t->tree.nodes[v->parent];
    const char *spec =
        p->role == ROLE_SOURCE ? t->tasks[p->task].source[p->forms[0]] : NULL;

    *out = NULL;
    return spec ? adaptation_open(out, t->s->model, NULL, spec, false, err) : 0;
}

static int
time_of(struct times *out, const struct triangle *t, int node, trv_err *err)
{
    const struct tree_node *v = &t->tree.nodes[node];
    struct adaptation *from = NULL;
    struct tree_node made;
    trv_err why = {0};
    int rc;

    out->figures = node_measure_seconds(t, v);
    if (v->twin >= 0 || !triangle_conversion(&made, t, v))
        return 0;
    rc = triangle_lay(t, &t->tasks[v->task], err);
    if (!rc)
        rc = open_source(&from, t, &made, err);
    if (!rc) {
        rc = node_plan(&out->full, t, &made, from, "none", &why);
        if (!rc)
            rc = node_plan(&out->least, t, &made, from, "0.001s", &why);
        if (rc && rc != TRV_ENOMEM && rc != TRV_ECANCELED) {
            out->why = mem_strdup(why.msg);
            rc = out->why ? 0 : err_nomem(err, "to plan a triangle");
        } else if (rc) {
            rc = err_fail(err, rc, "%s", why.msg);
        }
    }
    adaptation_free(from);
    return rc;
}

static int
time_all(struct times *times, const struct triangle *t,
         trv_progress_fn progress, void *payload, trv_err *err)
{
    trv_progress p = {.stage = "planning",
                      .total = t->tree.n,
                      .unit = "nodes",
                      .loss = (double)NAN};
    struct rate rate; // the session's from here on, for node_measure_seconds()
    int rc = rate_measure(&rate, t->s, true, err);

    for (int i = 0; i < t->tree.n && !rc; i++) {
        const int same = like(t, i);

        if (same >= 0) {
            times[i] = times[same];
            times[i].why = times[same].why ? mem_strdup(times[same].why) : NULL;
            if (times[same].why && !times[i].why)
                rc = err_nomem(err, "to plan a triangle");
        } else {
            rc = time_of(&times[i], t, i, err);
        }
        p.done = i + 1;
        if (!rc && progress && !progress(&p, payload))
            rc = err_fail(err, TRV_ECANCELED, "stopped while planning");
    }
    return rc;
}

/* ---- what fits ----------------------------------------------------------- */

static double
seconds_of(const struct times *x, double cap)
{
    return fmin(x->full, fmax(x->least, cap)) + x->figures;
}

/* Seconds of the nodes that apply, up to a rank. */
static double
sum_under(const struct times *times, const struct tree *tree, int rank,
          double cap)
{
    double sum = 0.0;

    for (int i = 0; i < tree->n; i++)
        if (!times[i].why && tree->nodes[i].rank <= rank)
            sum += seconds_of(&times[i], cap);
    return sum;
}

/* What says most has the larger part of the time: the sources and the six edges
 * by their default methods. The cap is the largest with which these fit in it;
 * what comes behind them takes what is left, by the same cap. Where even their
 * least sizes do not fit, a cap below what these take anyway would spoil the
 * short ones and gain nothing. */
#define CORE_SHARE 0.6
#define LEAST_MARGIN 1.25

static int
choose_cap(const struct times *times, const struct tree *tree, double budget)
{
    const double least = sum_under(times, tree, TREE_RANK_CORE, 0.0);
    const double core = fmax(CORE_SHARE * budget, LEAST_MARGIN * least);

    for (int c = 0; c < CAPS; c++)
        if (sum_under(times, tree, INT_MAX, caps[c].seconds) <= budget ||
            sum_under(times, tree, TREE_RANK_CORE, caps[c].seconds) <= core)
            return c;
    return CAPS - 1;
}

/* A row that is left out: {"sentence":}. */
static json_t *
cut_row(const char *why)
{
    return json_pack("{s:s}", "sentence", why);
}

/* {"cap":, "seconds":, "budget":, "cut": [...], "nodes": {id: {"seconds":,
 * or "sentence":}}} */
static json_t *
plan_to_json(const struct triangle *t, struct times *times, trv_err *err)
{
    const double budget = t->budget;
    const int c = choose_cap(times, &t->tree, budget);
    json_t *nodes = json_object(), *cut = json_array();
    json_t *plan = NULL;
    double sum = 0.0, full = 0.0;
    int rc = nodes && cut ? 0 : TRV_ENOMEM;

    for (int i = 0; i < t->tree.n && !rc; i++) {
        const struct tree_node *v = &t->tree.nodes[i];
        const double own = seconds_of(&times[i], caps[c].seconds);
        json_t *node = NULL;

        full += times[i].why ? 0.0 : times[i].full + times[i].figures;
        if (times[i].why) {
            node = cut_row(times[i].why);
        } else {
            sum += own;
            node = json_pack("{s:f}", "seconds", own);
        }
        rc = json_object_set_new(nodes, v->id, node);
    }
    if (!rc && isfinite(caps[c].seconds) && sum < full)
        rc = json_array_append_new(
            cut, json_sprintf("a conversion takes %s at most, by smaller sizes "
                              "than its method's",
                              caps[c].text));
    if (!rc && sum > budget)
        rc = json_array_append_new(
            cut, json_string("what says least comes last and is left out where "
                             "no time is left for it"));
    if (!rc)
        plan = json_pack("{s:s,s:f,s:o,s:O,s:O}", "cap", caps[c].text,
                         "seconds", sum, "budget",
                         isfinite(budget) ? json_real(budget) : json_null(),
                         "cut", cut, "nodes", nodes);
    json_decref(nodes);
    json_decref(cut);
    if (!plan)
        (void)err_nomem(err, "to plan a triangle");
    return plan;
}

/* ---- the kept plan ------------------------------------------------------- */

/* Take a plan as the run's: a cap of the list, and a time for each node. */
static int
take_plan(struct triangle *t, const json_t *plan, trv_err *err)
{
    const char *cap = json_string_value(json_object_get(plan, "cap"));
    const json_t *nodes = json_object_get(plan, "nodes");

    t->cap = NULL;
    for (int c = 0; c < CAPS; c++)
        if (cap && strcmp(caps[c].text, cap) == 0)
            t->cap = caps[c].text;
    t->planned = mem_calloc((size_t)t->tree.n + 1, sizeof(*t->planned));
    if (!t->planned)
        return err_nomem(err, "to plan a triangle");
    for (int i = 0; i < t->tree.n && t->cap; i++) {
        const json_t *node = json_object_get(nodes, t->tree.nodes[i].id);
        const json_t *seconds = json_object_get(node, "seconds");

        if (!json_is_object(node))
            t->cap = NULL;
        t->planned[i] =
            json_is_number(seconds) ? json_number_value(seconds) : -1.0;
    }
    return t->cap ? 0
                  : err_fail(err, TRV_EFORMAT,
                             "the plan in '%s/%s' is damaged: remove the "
                             "folder and start anew",
                             t->dir, STORE_FILE);
}

static void
tell(const struct triangle *t, const json_t *plan)
{
    const double seconds = json_number_value(json_object_get(plan, "seconds"));
    const json_t *cut = json_object_get(plan, "cut");
    char x[COST_WORDS];
    int made = 0;

    for (int i = 0; i < t->tree.n; i++)
        made += t->planned[i] >= 0.0;
    triangle_say(t, "%d nodes of %d to be made and measured: about %s", made,
                 t->tree.n, cost_time_text(x, seconds));
    for (size_t i = 0; i < json_array_size(cut); i++)
        triangle_say(t, "cut: %s", json_string_value(json_array_get(cut, i)));
}

int
triangle_plan(struct triangle *t, const json_t *asked, trv_progress_fn progress,
              void *payload, trv_err *err)
{
    struct times *times = mem_calloc((size_t)t->tree.n + 1, sizeof(*times));
    json_t *was = NULL, *plan = NULL;
    int rc = times ? 0 : err_nomem(err, "to plan a triangle");

    t->budget = 3600.0;
    if (!rc && t->o->budget)
        rc = cost_budget(&t->budget, t->o->budget, err);
    if (!rc)
        rc = store_get(t->store, &was, "asked", err);
    if (!rc && was && json_equal(was, asked))
        rc = store_get(t->store, &plan, "plan", err);
    if (!rc && !plan) {
        rc = time_all(times, t, progress, payload, err);
        if (!rc)
            plan = plan_to_json(t, times, err);
        if (!rc && !plan)
            rc = TRV_ENOMEM;
        if (!rc)
            rc = store_set(t->store, "plan", json_incref(plan), err);
        if (!rc)
            rc = store_set(t->store, "asked", json_deep_copy(asked), err);
    }
    if (!rc)
        rc = take_plan(t, plan, err);
    if (!rc)
        tell(t, plan);
    for (int i = 0; times && i < t->tree.n; i++)
        mem_free(times[i].why);
    mem_free(times);
    json_decref(was);
    json_decref(plan);
    return rc;
}
