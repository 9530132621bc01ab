/* triangle.h -- every edge of the triangle, for each task and seed, made and
 * measured under one budget.
 *
 *   tasks, seeds ─► tree.h ─► plan.h: what fits ─► node after node:
 *     node_make.h (a conversion) ─► node_measure.h (its figures) ─► store.h
 *   store ─► triangle_report.h ─► report.json, from which programs draw
 *
 * OUT/triangle.db            a row for each node, OUT/triangle.lock the lock
 * OUT/TASK/data/             the task's rows, as every command here reads them
 * OUT/TASK/SEED/NODE/        the artefact of a node
 * OUT/report.json
 */
#ifndef TRIANGLE_TRIANGLE_H
#define TRIANGLE_TRIANGLE_H

#include <trivium/trivium.h>

#include "adapt/adaptation.h"
#include "task/task.h"
#include "triangle/store.h"
#include "triangle/tree.h"

struct triangle {
    struct session *s;
    const trv_triangle_options *o;
    const char *dir;
    struct task *tasks; // [n_tasks], written to OUT/TASK/data
    int n_tasks;
    enum text_layout layout; // the model's, for tasks that name none
    struct tree tree;
    struct store *store;
    double *planned; // [tree.n] seconds of each node, its figures included
    int32_t inputs;  // of a measurement, at most
    double budget;   // seconds of all nodes; may be infinite
    const char *cap; // the budget of one conversion: "60s" or "none"
};

/** A line for people, through o->on_message. */
void triangle_say(const struct triangle *t, const char *fmt, ...)
    TRV_PRINTF(2, 3);

/** The conversion that makes a node: itself, or of a source that is made of
 * another one that conversion. false: there is none, it is given or trained. */
bool triangle_conversion(struct tree_node *out, const struct triangle *t,
                         const struct tree_node *v);

/** Lay plain prompts out as a task does, from here on. TRV_EINVAL: as a chat, of a
 * model that has no chat template. */
int triangle_lay(const struct triangle *t, const struct task *task,
                 trv_err *err);

/** The folder of a node, as users reach it; mem_free(). NULL: no memory. */
char *triangle_folder(const struct triangle *t, const struct tree_node *v);
/** The spec that opens what a node is: a source's, or its folder's; mem_free().
 * NULL: no memory. */
char *triangle_spec(const struct triangle *t, int node);
/** The spec of what a node, no source, is made from: its parent's, but a judge
 * is asked by the task's principle, where it has one. */
char *triangle_spec_from(const struct triangle *t, const struct tree_node *v);

/**
 * Make what o says in `dir`, going on from what is there.
 *
 * @return 0, also where nodes failed: their rows say why; TRV_EEXIST (another
 *         run is at work there; a folder that is no triangle's), TRV_EINVAL
 *         (no task; an edge that is none), TRV_EMISMATCH (the folder is of
 *         another model), TRV_ECANCELED (goes on from there), TRV_ENOMEM, what
 *         task_open() returns.
 */
int triangle_run(struct session *s, const char *dir,
                 const trv_triangle_options *o, trv_progress_fn progress,
                 void *payload, trv_err *err);

#endif
