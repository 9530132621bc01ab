/* triangle.c -- the run: tasks, plan, node after node. */
#include "triangle/triangle.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/memo.h"
#include "learn/train.h"
#include "triangle/edges_asked.h"
#include "triangle/node_make.h"
#include "triangle/node_measure.h"
#include "triangle/triangle_about.h"
#include "triangle/triangle_plan.h"
#include "triangle/triangle_report.h"

#define TRIES 3 // kills of the program at one node, before it is given up

void
triangle_say(const struct triangle *t, const char *fmt, ...)
{
    char line[600];
    va_list ap;

    if (!t->o->on_message)
        return;
    va_start(ap, fmt);
    vsnprintf(line, sizeof(line), fmt, ap);
    va_end(ap);
    t->o->on_message(line, t->o->message_payload);
}

int
triangle_lay(const struct triangle *t, const struct task *task, trv_err *err)
{
    t->s->model->layout = t->layout;
    return task->layout ? model_set_layout(t->s->model, task->layout, err) : 0;
}

/* Are prompts of words messages there? */
static bool
is_chat(const struct triangle *t, const struct task *task)
{
    return t->s->model->chat &&
           (task->layout ? strcmp(task->layout, "chat") == 0
                         : t->layout == TEXT_CHAT);
}

char *
triangle_folder(const struct triangle *t, const struct tree_node *v)
{
    return path_join(t->dir, v->twin < 0 ? v->id : t->tree.nodes[v->twin].id);
}

char *
triangle_spec(const struct triangle *t, int node)
{
    const struct tree_node *v = &t->tree.nodes[node];
    const char *given =
        v->role == ROLE_SOURCE ? t->tasks[v->task].source[v->forms[0]] : NULL;

    return given ? mem_strdup(given) : triangle_folder(t, v);
}

char *
triangle_spec_from(const struct triangle *t, const struct tree_node *v)
{
    const char *principle = t->tasks[v->task].principle;
    struct strbuf b = {0};

    if (v->kind != KIND_JUDGE || !principle)
        return triangle_spec(t, v->parent);
    return sb_printf(&b, "prompt:%s", principle) ? NULL : sb_take(&b);
}

/* ---- progress ------------------------------------------------------------ */

/* The caller's progress, with the node at work and the time left of all. */
struct watch {
    const struct triangle *t;
    int node;
    double began;   // of the node
    double after;   // seconds planned for the nodes behind it
    double used;    // seconds of nodes so far, in this run and before it
    double planned; // for these
    trv_progress_fn progress;
    void *payload;
    char stage[TREE_NAME + 80];
};

/* How long nodes take against what was planned; plans err, and by method. */
static double
pace(const struct watch *w)
{
    return w->planned > 0.0 ? fmin(fmax(w->used / w->planned, 0.1), 10.0) : 1.0;
}

static bool
report(const trv_progress *p, void *payload)
{
    struct watch *w = payload;
    const double planned = w->t->planned[w->node];
    trv_progress q = *p;

    snprintf(w->stage, sizeof(w->stage), "%d of %d, %s: %s", w->node + 1,
             w->t->tree.n, w->t->tree.nodes[w->node].id, p->stage);
    q.stage = w->stage;
    q.left = pace(w) * w->after +
             fmax(pace(w) * planned - (clock_now() - w->began), 1.0);
    q.left = fmin(q.left, fmax(w->t->budget - w->used, 1.0));
    return w->progress(&q, w->payload);
}

/* ---- rows ---------------------------------------------------------------- */

static double
processor_seconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static json_t *
cost_to_json(const trv_cost *c, double processor)
{
    return json_pack("{s:o,s:o,s:o,s:o,s:o,s:I,s:I,s:s}", "seconds",
                     json_finite(c->seconds), "processor_seconds",
                     json_finite(processor), "tokens_read",
                     json_finite(c->tokens - c->drawn_tokens), "tokens_drawn",
                     json_finite(c->drawn_tokens), "flop", json_finite(c->flop),
                     "peak_bytes", (json_int_t)c->peak_bytes, "artefact_bytes",
                     (json_int_t)c->artefact_bytes, "sizes", c->sizes);
}

/* All that decides a node's result. */
static int
work_of(char hex[HASH_HEX], const struct triangle *t, const struct tree_node *v,
        trv_err *err)
{
    const struct model_identity *id;
    struct strbuf b = {0};
    int rc = session_identity(t->s, &id, err);

    if (!rc &&
        sb_printf(&b, "%s %s %s %d %d %s %s %s %d", id->weights, id->tokenizer,
                  id->chat, (int)t->s->be->prec, (int)t->layout,
                  t->tasks[v->task].hash, v->id, t->cap, t->inputs))
        rc = err_nomem(err, "for a row of the triangle");
    if (!rc)
        rc = hash_bytes(hex, b.s, b.len, err);
    sb_release(&b);
    return rc;
}

/* ---- one node ------------------------------------------------------------ */

bool
triangle_conversion(struct tree_node *out, const struct triangle *t,
                    const struct tree_node *v)
{
    const struct task_params *how = &t->tasks[v->task].params;

    *out = *v;
    if (v->role != ROLE_SOURCE)
        return true;
    if (v->forms[0] != FORM_PARAMS || how->made_of == FORM_BASE)
        return false;
    for (int i = 0; i < t->tree.n; i++) {
        const struct tree_node *w = &t->tree.nodes[i];

        if (w->role == ROLE_SOURCE && w->task == v->task &&
            w->seed == v->seed && w->forms[0] == how->made_of)
            out->parent = i;
    }
    out->depth = 1;
    out->forms[0] = how->made_of;
    out->forms[1] = FORM_PARAMS;
    out->kind = KIND_LORA;
    out->method = how->method;
    return true;
}

/* Params that are learned from the task's rows. */
static int
train(trv_cost *cost, const struct triangle *t, const struct tree_node *v,
      trv_progress_fn progress, void *payload, trv_err *err)
{
    trv_train_options o = TRV_TRAIN_OPTIONS_INIT;
    struct strbuf to = {0};
    int rc;

    o.data = t->tasks[v->task].file[SPLIT_TRAIN];
    o.seed = v->seed;
    o.replace = true;
    o.budget = t->cap;
    rc = sb_printf(&to, "lora:%s/%s", t->dir, v->id)
             ? err_nomem(err, "to train a source")
             : train_run(t->s, cost, to.s, NULL, &o, progress, payload, err);
    sb_release(&to);
    return rc;
}

static int
make(trv_cost *cost, const struct triangle *t, const struct tree_node *v,
     trv_progress_fn progress, void *payload, trv_err *err)
{
    struct adaptation *from = NULL;
    struct tree_node made;
    char *spec;
    int rc;

    *cost = (trv_cost){0};
    if (v->role == ROLE_SOURCE && v->forms[0] == FORM_PARAMS &&
        t->tasks[v->task].params.trained)
        return train(cost, t, v, progress, payload, err);
    if (!triangle_conversion(&made, t, v))
        return 0; // given as it is
    spec = triangle_spec_from(t, &made);
    rc = spec ? adaptation_open(&from, t->s->model, NULL, spec, false, err)
              : err_nomem(err, "to open a node");
    if (!rc && t->tree.nodes[made.parent].role == ROLE_SOURCE)
        t->s->draws_of = from;
    if (!rc)
        rc = node_make(cost, t, &made, from, progress, payload, err);
    t->s->draws_of = NULL;
    adaptation_free(from);
    mem_free(spec);
    return rc;
}

/* The cost of the root that this conversion made, too. */
static int
cost_of_twin(json_t **cost, const struct triangle *t, const struct tree_node *v,
             trv_err *err)
{
    struct store_node was;
    const int rc =
        store_node(t->store, &was, t->tree.nodes[v->twin].id, NULL, err);

    *cost = rc ? NULL : json_deep_copy(json_object_get(was.row, "cost"));
    json_decref(was.row);
    return rc ? rc : *cost ? 0 : err_nomem(err, "for a row of the triangle");
}

/* Make and measure a node into its row. */
static int
fill_row(json_t *row, struct watch *w, trv_err *err)
{
    const struct triangle *t = w->t;
    const struct tree_node *v = &t->tree.nodes[w->node];
    const trv_progress_fn progress = w->progress ? report : NULL;
    const double processor = processor_seconds();
    json_t *cost = NULL;
    trv_cost c = {0};
    double began;
    int rc;

    if (v->twin >= 0) {
        rc = cost_of_twin(&cost, t, v, err);
    } else {
        rc = make(&c, t, v, progress, w, err);
        cost = rc ? NULL : cost_to_json(&c, processor_seconds() - processor);
        if (!rc && !cost)
            rc = err_nomem(err, "for a row of the triangle");
    }
    if (!rc && json_object_set_new(row, "cost", cost))
        rc = err_nomem(err, "for a row of the triangle");
    began = clock_now();
    if (!rc)
        rc = node_measure(row, t, w->node, progress, w, err);
    if (!rc && json_object_set_new(cost, "measure_seconds",
                                   json_real(clock_now() - began)))
        rc = err_nomem(err, "for a row of the triangle");
    return rc;
}

/* A failure of the node, and not of the run. */
static bool
is_own(int rc)
{
    return rc && rc != TRV_ECANCELED;
}

static int
end_badly(const struct triangle *t, const struct tree_node *v, const char *work,
          enum store_status status, double seconds, const char *why,
          trv_err *err)
{
    json_t *row = json_pack("{s:s+}", "sentence", why, "");
    const int rc =
        row ? store_end(t->store, v->id, work, status, seconds, row, err)
            : err_nomem(err, "for a row of the triangle");

    triangle_say(t, "%s: %s: %s", v->id, store_status_name(status), why);
    json_decref(row);
    return rc;
}

/* Why a node cannot be begun; "": it can. */
static int
look_before(char why[300], const struct watch *w, const struct store_node *was,
            trv_err *err)
{
    const struct triangle *t = w->t;
    const struct tree_node *v = &t->tree.nodes[w->node];
    const double left = t->budget - w->used;
    const int need = v->parent >= 0 ? v->parent : v->twin;
    struct store_node parent = {.status = NODE_DONE};
    int rc = 0;

    why[0] = '\0';
    if (need >= 0)
        rc = store_node(t->store, &parent, t->tree.nodes[need].id, NULL, err);
    if (!rc && parent.status != NODE_DONE)
        snprintf(why, 300, "what it is made from, %.200s, is not there",
                 t->tree.nodes[need].id);
    else if (!rc && was->status == NODE_BEGUN && was->tries >= TRIES)
        snprintf(why, 300,
                 "the program was killed at it %d times, as by want of memory",
                 TRIES);
    else if (v->role != ROLE_SOURCE &&
             t->planned[w->node] * pace(w) > fmax(left, 0.0))
        snprintf(why, 300, "the budget leaves no time for it");
    json_decref(parent.row);
    return rc;
}

static void
note_time(struct watch *w, double seconds)
{
    if (seconds <= 0.0)
        return;
    w->used += seconds;
    w->planned += fmax(w->t->planned[w->node], 0.0);
}

static int
run_node(struct watch *w, trv_err *err)
{
    const struct triangle *t = w->t;
    const struct tree_node *v = &t->tree.nodes[w->node];
    struct store_node was = {0};
    char work[HASH_HEX], why[300] = "";
    trv_err own = {0};
    json_t *row = NULL;
    int rc = work_of(work, t, v, err);

    w->began = clock_now();
    if (!rc)
        rc = store_node(t->store, &was, v->id, work, err);
    if (!rc)
        note_time(w, was.seconds);
    if (rc || was.status == NODE_DONE ||
        (was.status == NODE_FAILED && !t->o->retry))
        goto done;
    if (t->planned[w->node] < 0.0) // the plan has its sentence
        goto done;
    rc = look_before(why, w, &was, err);
    if (!rc && why[0])
        rc = end_badly(t, v, work,
                       was.status == NODE_BEGUN ? NODE_FAILED : NODE_CUT, 0.0,
                       why, err);
    if (rc || why[0])
        goto done;
    row = json_object();
    rc = row ? store_begin(t->store, v->id, work, err)
             : err_nomem(err, "for a row of the triangle");
    if (!rc)
        rc = triangle_lay(t, &t->tasks[v->task], err);
    if (rc)
        goto done;
    rc = fill_row(row, w, &own);
    note_time(w, clock_now() - w->began);
    if (!rc) {
        rc = store_end(t->store, v->id, work, NODE_DONE, clock_now() - w->began,
                       row, err);
    } else if (is_own(rc)) {
        rc = end_badly(t, v, work, NODE_FAILED, clock_now() - w->began, own.msg,
                       err);
    } else {
        (void)store_end(t->store, v->id, work, NODE_WAITING, 0.0, NULL, NULL);
        rc = err_fail(err, rc,
                      "stopped at %s; the same command goes on from there",
                      v->id);
    }
done:
    json_decref(row);
    json_decref(was.row);
    return rc;
}

static int
run_nodes(struct triangle *t, trv_progress_fn progress, void *payload,
          trv_err *err)
{
    struct watch w = {.t = t, .progress = progress, .payload = payload};
    int rc = 0;

    for (int i = 0; i < t->tree.n; i++)
        w.after += fmax(t->planned[i], 0.0);
    for (w.node = 0; w.node < t->tree.n && !rc; w.node++) {
        w.after -= fmax(t->planned[w.node], 0.0);
        rc = run_node(&w, err);
    }
    return rc;
}

/* ---- what it is of ------------------------------------------------------- */

static int
open_tasks(struct triangle *t, trv_err *err)
{
    const trv_triangle_options *o = t->o;
    int rc = 0;

    t->tasks = mem_calloc((size_t)o->n_tasks, sizeof(*t->tasks));
    if (!t->tasks)
        return err_nomem(err, "for tasks");
    for (int i = 0; i < o->n_tasks && !rc; i++) {
        char *dir = NULL;
        struct strbuf b = {0};

        rc = task_open(&t->tasks[i], o->tasks[i], o->data, err);
        t->n_tasks = i + 1;
        for (int k = 0; k < i && !rc; k++)
            if (strcmp(t->tasks[k].name, t->tasks[i].name) == 0)
                rc = err_fail(err, TRV_EINVAL,
                              "two tasks have the name '%.60s': '%s' and '%s'",
                              t->tasks[i].name, o->tasks[k], o->tasks[i]);
        if (!rc && sb_printf(&b, "%s/%s/data", t->dir, t->tasks[i].name))
            rc = err_nomem(err, "for tasks");
        dir = sb_take(&b);
        if (!rc)
            rc = triangle_lay(t, &t->tasks[i], err);
        if (!rc && t->tasks[i].runs && !o->run_programs)
            rc = err_option(err, TRV_EINVAL, "run-programs",
                            "is needed for the task '%.60s', whose '%.200s' "
                            "starts an outside program",
                            t->tasks[i].name, t->tasks[i].runs);
        if (!rc)
            rc = task_write(&t->tasks[i], dir, err);
        mem_free(dir);
    }
    return rc;
}

static int
build_tree(struct triangle *t, trv_err *err)
{
    const trv_triangle_options *o = t->o;
    const struct tree_limits limits = {.depth = o->depth,
                                       .default_alone = o->default_method};
    struct tree_of *of = mem_calloc((size_t)t->n_tasks, sizeof(*of));
    uint64_t *seeds = mem_calloc((size_t)o->seeds, sizeof(*seeds));
    struct edges_asked asked = {0};
    int rc = of && seeds ? edges_asked_read(&asked, o->edges, err)
                         : err_nomem(err, "to plan a triangle");

    for (int i = 0; i < t->n_tasks && !rc; i++) {
        const struct task *task = &t->tasks[i];

        of[i] = (struct tree_of){.name = task->name,
                                 .is_chat = is_chat(t, task),
                                 .made_of = task->params.made_of,
                                 .made_by = task->params.method};
        memcpy(of[i].has, task->has, sizeof(of[i].has));
        for (int f = 0; f < FORM_COUNT; f++)
            for (int g = 0; g < FORM_COUNT; g++)
                of[i].methods[f][g] = asked.methods[f][g]
                                          ? asked.methods[f][g]
                                          : task->edges[f][g].methods;
    }
    for (int i = 0; i < o->seeds && seeds; i++)
        seeds[i] = o->seed + (uint64_t)i;
    if (!rc)
        rc =
            tree_build(&t->tree, of, t->n_tasks, seeds, o->seeds, &limits, err);
    edges_asked_release(&asked);
    mem_free(of);
    mem_free(seeds);
    return rc;
}

/* What the caller chose, for which a plan is kept. */
static json_t *
asked_to_json(const struct triangle *t)
{
    const trv_triangle_options *o = t->o;
    json_t *tasks = json_array();

    for (int i = 0; i < t->n_tasks; i++)
        if (json_array_append_new(tasks, json_pack("[s,s]", t->tasks[i].name,
                                                   t->tasks[i].hash))) {
            json_decref(tasks);
            tasks = NULL;
        }
    return json_pack(
        "{s:o,s:i,s:I,s:s?,s:s?,s:i,s:b,s:i,s:i,s:i}", "tasks", tasks, "seeds",
        o->seeds, "seed", (json_int_t)o->seed, "budget", o->budget, "edges",
        o->edges, "depth", o->depth, "default", o->default_method, "inputs",
        t->inputs, "layout", (int)t->layout, "precision", (int)t->s->be->prec);
}

static int
check_options(const trv_triangle_options *o, trv_err *err)
{
    if (o->version != 1)
        return err_fail(err, TRV_EINVAL,
                        "triangle options have version %u, not 1", o->version);
    if (o->n_tasks < 1 || !o->tasks)
        return err_fail(err, TRV_EINVAL, "a triangle needs a task");
    if (o->seeds < 1 || o->seeds > 100)
        return err_option(err, TRV_ERANGE, "seeds", "is %d, outside 1 to 100",
                          o->seeds);
    if (o->depth < 1 || o->depth > TREE_DEPTH_MAX)
        return err_option(err, TRV_ERANGE, "depth", "is %d, outside 1 to %d",
                          o->depth, TREE_DEPTH_MAX);
    if (o->inputs < 0 || o->inputs > 100000)
        return err_option(err, TRV_ERANGE, "inputs",
                          "is %d, outside 0 to 100000", o->inputs);
    return 0;
}

/* Is the folder of this model? */
static int
check_model(struct triangle *t, trv_err *err)
{
    const struct model_identity *id;
    json_t *was = NULL;
    const char *weights;
    int rc = session_identity(t->s, &id, err);

    if (!rc)
        rc = store_get(t->store, &was, "model", err);
    if (rc)
        return rc;
    weights = json_string_value(json_object_get(was, "weights"));
    if (weights && strcmp(weights, id->weights) != 0)
        rc = err_fail(err, TRV_EMISMATCH,
                      "'%s' is of another model: name another folder (--out)",
                      t->dir);
    json_decref(was);
    return rc ? rc : triangle_about_model(t, err);
}

static int
write_report(const struct triangle *t, trv_err *err)
{
    char *path = path_join(t->dir, REPORT_FILE);
    json_t *all = NULL;
    char *text = NULL;
    int rc = path ? triangle_report(&all, t->dir, err)
                  : err_nomem(err, "for the report");

    if (!rc)
        text = json_dumps(all, JSON_INDENT(1) | JSON_REAL_PRECISION(9));
    if (!rc)
        rc = text ? file_write_atomic(path, text, strlen(text), err)
                  : err_nomem(err, "for the report");
    free(text);
    json_decref(all);
    mem_free(path);
    return rc;
}

/* Answers that nodes share: of the base and of each source, whoever is measured
 * against them or learns from them. */
static int
open_draws(struct triangle *t, trv_err *err)
{
    const struct model_identity *id;
    char *path = path_join(t->dir, "draws.jsonl");
    struct memo *m = NULL;
    json_t *about = NULL;
    int rc =
        path ? session_identity(t->s, &id, err) : err_nomem(err, "for answers");

    if (!rc) {
        about = json_pack("{s:s,s:s,s:s,s:i}", "weights", id->weights,
                          "tokenizer", id->tokenizer, "isa", t->s->be->isa,
                          "precision", (int)t->s->be->prec);
        rc = about ? memo_open(&m, path, true, about, err)
                   : err_nomem(err, "for answers");
    }
    /* of another machine's kernels, or damaged: they are drawn again */
    if ((!rc && memo_about(m) && !json_equal(memo_about(m), about)) ||
        rc == TRV_EFORMAT) {
        memo_free(m);
        m = NULL;
        rc = memo_open(&m, path, false, about, err);
    }
    json_decref(about);
    mem_free(path);
    t->s->draws = m;
    return rc;
}

static void
triangle_release(struct triangle *t)
{
    memo_free(t->s->draws);
    t->s->draws = NULL;
    for (int i = 0; i < t->n_tasks; i++)
        task_release(&t->tasks[i]);
    mem_free(t->tasks);
    tree_release(&t->tree);
    store_free(t->store);
    mem_free(t->planned);
}

/* Up to which the defaults of the methods were chosen, so that all sizes are
 * taken in full. */
#define SMALL 32000000
#define INPUTS_SMALL 48
#define INPUTS_LARGE 32

int
triangle_run(struct session *s, const char *dir, const trv_triangle_options *o,
             trv_progress_fn progress, void *payload, trv_err *err)
{
    struct triangle t = {.s = s,
                         .o = o,
                         .dir = dir,
                         .inputs = o->inputs,
                         .layout = s->model->layout};
    json_t *asked = NULL;
    trv_err unread = {0};
    int rc = check_options(o, err);

    if (!rc && !t.inputs)
        t.inputs =
            model_params(s->model) <= SMALL ? INPUTS_SMALL : INPUTS_LARGE;
    if (!rc)
        rc = dir_make(dir, err);
    if (!rc)
        rc = store_open(&t.store, dir, true, err);
    if (!rc)
        rc = open_tasks(&t, err);
    if (!rc)
        rc = open_draws(&t, err);
    if (!rc)
        rc = build_tree(&t, err);
    if (!rc)
        rc = check_model(&t, err);
    if (!rc) {
        asked = asked_to_json(&t);
        rc = asked ? triangle_plan(&t, asked, progress, payload, err)
                   : err_nomem(err, "to plan a triangle");
    }
    if (!rc)
        rc = triangle_about_tree(&t, err);
    if (!rc && !o->dry_run) {
        rc = run_nodes(&t, progress, payload, err);
        if (!rc || rc == TRV_ECANCELED) {
            const int written = write_report(&t, rc ? &unread : err);

            rc = rc ? rc : written;
        }
    }
    s->model->layout = t.layout;
    json_decref(asked);
    triangle_release(&t);
    return rc;
}
