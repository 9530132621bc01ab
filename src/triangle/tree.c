/* tree.c -- which nodes there are, and in which order. */
#include "triangle/tree.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

static const char *const role_names[] = {"source", "edge", "round trip",
                                         "chain"};

const char *
tree_role_name(enum tree_role r)
{
    return role_names[r];
}

const struct edge *
tree_edge(enum form from, enum form to)
{
    const struct edge *e;

    for (int64_t i = 0; (e = convert_edge_at(i)); i++)
        if (e->from == from && e->to == to)
            return e;
    return NULL;
}

/* ---- what a conversion makes --------------------------------------------- */

/* The kind that a method makes where nobody says which: the first of its list,
 * but words as the task's inputs are. */
static enum kind
usual_kind(const struct method *m, bool is_chat)
{
    if (method_makes(m, KIND_MESSAGES) && method_makes(m, KIND_TEXT))
        return is_chat ? KIND_MESSAGES : KIND_TEXT;
    for (int k = KIND_BASE + 1; k < KIND_COUNT; k++) {
        const char *name = kind_name((enum kind)k);

        if (strncmp(m->info.makes, name, strlen(name)) == 0 &&
            method_makes(m, (enum kind)k))
            return (enum kind)k;
    }
    return KIND_BASE; // no row of a table is so
}

static bool
is_listed(const char *list, const char *name)
{
    const size_t n = strlen(name);

    while (list && *list) {
        const size_t len = strcspn(list, " ");

        if (len == n && strncmp(list, name, n) == 0)
            return true;
        list += len + (list[len] == ' ');
    }
    return false;
}

/* Virtual tokens are learned from a reward by the methods that params are, so
 * one of these shows what the kind can hold. */
static bool
repeats(const struct edge *e, int i)
{
    const struct edge *params = tree_edge(e->from, FORM_PARAMS);

    if (e->to != FORM_PROMPT || e->from != FORM_REWARD)
        return false;
    for (int k = 0; k < params->n; k++)
        if (strcmp(params->methods[k].info.name, e->methods[i].info.name) == 0)
            return strcmp(e->methods[i].info.name, "grpo") != 0;
    return false;
}

/* A view of parameters or of a prompt: a reward whose optimum is known, and need
 * not be searched for by its scores. */
static bool
is_view(enum kind k)
{
    return k == KIND_RATIO || k == KIND_CONTRAST;
}

/* What a chain takes where it is not the edge's default. */
static const char *
method_behind(enum kind from)
{
    return is_view(from) ? "distill" : NULL;
}

/* The kind that a chain goes on through. */
static enum kind
kind_behind(enum kind kind, enum form from, enum form to, bool is_chat)
{
    switch (to) {
    case FORM_PARAMS:
        return KIND_LORA;
    case FORM_PROMPT:
        return from == FORM_PARAMS || is_view(kind) ? KIND_PREFIX
               : is_chat                            ? KIND_MESSAGES
                                                    : KIND_TEXT;
    default:
        return from == FORM_PROMPT ? KIND_CONTRAST : KIND_RATIO;
    }
}

/* ---- the order ----------------------------------------------------------- */

/* Sources, then the six edges by their default methods, for one seed and for
 * all; then what goes on from them, and last what is there for comparison. */
static int
rank_of(const struct tree_node *v, bool first_seed)
{
    if (v->role == ROLE_SOURCE)
        return 0;
    if (v->role == ROLE_EDGE && v->chosen)
        return first_seed ? 1 : 2;
    if (v->depth == 2)
        return first_seed ? 3 : 5;
    if (v->role == ROLE_EDGE)
        return first_seed ? 4 : 8;
    return first_seed ? 6 : 7;
}

/* ---- nodes --------------------------------------------------------------- */

struct builder {
    struct tree *t;
    const struct tree_of *tasks;
    const struct tree_limits *limits;
    bool first_seed;
    trv_err *err;
};

static int
push(struct builder *b, const struct tree_node *v)
{
    struct tree *t = b->t;

    if (t->n == t->cap) {
        const int cap = t->cap ? 2 * t->cap : 64;
        struct tree_node *grown =
            mem_reallocarray(t->nodes, (size_t)cap, sizeof(*grown));

        if (!grown)
            return err_nomem(b->err, "to plan a triangle");
        t->nodes = grown;
        t->cap = cap;
    }
    t->nodes[t->n] = *v;
    t->nodes[t->n].rank = rank_of(v, b->first_seed);
    t->n++;
    return 0;
}

static int
add_root(struct builder *b, int task, uint64_t seed, enum form form)
{
    struct tree_node v = {.task = task,
                          .seed = seed,
                          .parent = -1,
                          .twin = -1,
                          .root = b->t->n,
                          .role = ROLE_SOURCE,
                          .forms = {form},
                          .chosen = true};
    const int n = snprintf(v.id, sizeof(v.id), "%s/%" PRIu64 "/%s",
                           b->tasks[task].name, seed, form_name(form));

    if (n < 0 || (size_t)n >= sizeof(v.id))
        return err_fail(b->err, TRV_EINVAL, "the task's name '%.40s' is long",
                        b->tasks[task].name);
    return push(b, &v);
}

/* The source of params that this conversion of another source makes, too. */
static int
twin_of(const struct builder *b, const struct tree_node *v)
{
    const struct tree_of *of = &b->tasks[v->task];

    if (v->depth != 1 || v->kind != KIND_LORA || !of->made_by ||
        of->made_of != v->forms[0] || strcmp(of->made_by, v->method) != 0)
        return -1;
    for (int i = v->root; i >= 0; i--) // a task's first root is its params
        if (b->t->nodes[i].role == ROLE_SOURCE &&
            b->t->nodes[i].task == v->task && b->t->nodes[i].seed == v->seed &&
            b->t->nodes[i].forms[0] == FORM_PARAMS)
            return i;
    return -1;
}

static int
add_child(struct builder *b, int parent, enum form to, enum kind kind,
          const struct method *m, bool chosen)
{
    struct tree_node v = b->t->nodes[parent];
    const size_t at = strlen(v.id);
    int n;

    v.parent = parent;
    v.depth++;
    v.forms[v.depth] = to;
    v.kind = kind;
    v.method = m->info.name;
    v.chosen = chosen;
    v.role = v.depth == 1       ? ROLE_EDGE
             : to == v.forms[0] ? ROLE_ROUND_TRIP
                                : ROLE_CHAIN;
    v.twin = twin_of(b, &v);
    n = snprintf(v.id + at, sizeof(v.id) - at, "+%s-%s", m->info.name,
                 kind_name(kind));
    if (n < 0 || (size_t)n >= sizeof(v.id) - at)
        return err_fail(b->err, TRV_EINVAL, "the task's name '%.40s' is long",
                        b->tasks[v.task].name);
    return push(b, &v);
}

/* Does a path go on to a form? Behind two conversions only around. */
static bool
goes_on(const struct tree_node *v, enum form to)
{
    return v->forms[v->depth] != to &&
           (v->depth < 2 || (v->forms[v->depth - 2] == to));
}

static int
extend(struct builder *b, int at)
{
    const struct tree_of *of = &b->tasks[b->t->nodes[at].task];
    int rc = 0;

    for (int f = FORM_PARAMS; f < FORM_COUNT && !rc; f++) {
        const struct tree_node *v = &b->t->nodes[at];
        const enum form from = v->forms[v->depth], to = (enum form)f;
        const enum kind kind = kind_behind(v->kind, from, to, of->is_chat);
        struct convert_choice choice;

        if (v->depth >= b->limits->depth || !goes_on(v, to) ||
            (of->methods[from][to] && !*of->methods[from][to]))
            continue;
        rc = convert_choose(&choice, from, kind, method_behind(v->kind), false,
                            b->err);
        if (!rc)
            rc = add_child(b, at, to, kind, choice.use.method, true);
        if (!rc)
            rc = extend(b, b->t->n - 1);
    }
    return rc;
}

/* The methods of an edge from a root; chains go on from the first that is
 * wanted. */
static int
add_edge(struct builder *b, int root, enum form to)
{
    const struct tree_node v = b->t->nodes[root];
    const struct tree_of *of = &b->tasks[v.task];
    const struct edge *e = tree_edge(v.forms[0], to);
    const char *wanted = of->methods[v.forms[0]][to];
    bool chosen = true;
    int rc = 0;

    for (int i = 0; e && i < e->n && !rc; i++) {
        const struct method *m = &e->methods[i];
        const enum kind kind = usual_kind(m, of->is_chat);

        if (wanted ? !is_listed(wanted, m->info.name) : repeats(e, i))
            continue;
        if (!chosen && b->limits->default_alone)
            continue;
        rc = add_child(b, root, to, kind, m, chosen);
        if (!rc && chosen)
            rc = extend(b, b->t->n - 1);
        chosen = false;
    }
    return rc;
}

static int
check_methods(const struct tree_of *of, trv_err *err)
{
    for (int f = FORM_PARAMS; f < FORM_COUNT; f++)
        for (int g = FORM_PARAMS; g < FORM_COUNT; g++) {
            const struct edge *e = tree_edge((enum form)f, (enum form)g);
            const char *p = of->methods[f][g];

            while (p && *p) {
                const size_t n = strcspn(p, " ");
                bool known = false;

                for (int i = 0; e && i < e->n; i++)
                    known =
                        known || (strlen(e->methods[i].info.name) == n &&
                                  strncmp(e->methods[i].info.name, p, n) == 0);
                if (!known)
                    return err_fail(err, TRV_EINVAL,
                                    "task '%s': '%.*s' is no method of "
                                    "%s->%s",
                                    of->name, (int)n, p,
                                    form_name((enum form)f),
                                    form_name((enum form)g));
                p += n + (p[n] == ' ');
            }
        }
    return 0;
}

static int
add_task(struct builder *b, int task, uint64_t seed)
{
    const struct tree_of *of = &b->tasks[task];
    int rc = check_methods(of, b->err);

    for (int f = FORM_PARAMS; f < FORM_COUNT && !rc; f++) {
        const int root = b->t->n;

        if (!of->has[f])
            continue;
        rc = add_root(b, task, seed, (enum form)f);
        for (int g = FORM_PARAMS; g < FORM_COUNT && !rc; g++)
            if (g != f && b->limits->depth > 0)
                rc = add_edge(b, root, (enum form)g);
    }
    return rc;
}

/* ---- in order ------------------------------------------------------------ */

struct place {
    int rank, at;
};

static int
compare(const void *x, const void *y)
{
    const struct place *a = x, *b = y;

    return a->rank != b->rank ? a->rank - b->rank : a->at - b->at;
}

/* Sort by rank, and keep the order within. Parents come first: a child has a
 * greater rank, or the same one and stood behind. */
static int
sort_nodes(struct tree *t, trv_err *err)
{
    const size_t n = (size_t)t->n;
    struct place *order = mem_array(n ? n : 1, sizeof(*order));
    struct tree_node *sorted = mem_array(n ? n : 1, sizeof(*sorted));
    int *now = mem_array(n ? n : 1, sizeof(*now));
    int rc = order && sorted && now ? 0 : err_nomem(err, "to plan a triangle");

    if (rc)
        goto done;
    for (int i = 0; i < t->n; i++)
        order[i] = (struct place){t->nodes[i].rank, i};
    qsort(order, n, sizeof(*order), compare);
    for (int i = 0; i < t->n; i++)
        now[order[i].at] = i;
    for (int i = 0; i < t->n; i++) {
        sorted[i] = t->nodes[order[i].at];
        sorted[i].root = now[sorted[i].root];
        if (sorted[i].parent >= 0)
            sorted[i].parent = now[sorted[i].parent];
        if (sorted[i].twin >= 0)
            sorted[i].twin = now[sorted[i].twin];
    }
    memcpy(t->nodes, sorted, n * sizeof(*sorted));
done:
    mem_free(order);
    mem_free(sorted);
    mem_free(now);
    return rc;
}

int
tree_build(struct tree *t, const struct tree_of *tasks, int n_tasks,
           const uint64_t *seeds, int n_seeds, const struct tree_limits *limits,
           trv_err *err)
{
    struct builder b = {.t = t, .tasks = tasks, .limits = limits, .err = err};
    int rc = 0;

    *t = (struct tree){0};
    for (int i = 0; i < n_seeds && !rc; i++) {
        b.first_seed = i == 0;
        for (int k = 0; k < n_tasks && !rc; k++)
            rc = add_task(&b, k, seeds[i]);
    }
    if (!rc)
        rc = sort_nodes(t, err);
    if (rc)
        tree_release(t);
    return rc;
}

void
tree_release(struct tree *t)
{
    mem_free(t->nodes);
    *t = (struct tree){0};
}
