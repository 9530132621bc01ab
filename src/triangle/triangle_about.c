/* triangle_about.c -- the fixed part of a report. */
#include "triangle/triangle_about.h"

#include "base/json.h"
#include "base/mem.h"
#include "model/files/family.h"
#include "triangle/node_make.h"

static json_t *
source_to_json(const struct task *task, enum form f)
{
    const struct task_params *p = &task->params;
    json_t *how = json_null();

    if (!task->has[f])
        return json_null();
    if (f == FORM_PARAMS && !p->spec)
        how = p->made_of == FORM_BASE
                  ? json_string("trained on the task's rows")
                  : json_sprintf("%s of the %s", p->method,
                                 form_name(p->made_of));
    return json_pack("{s:s,s:s?,s:o}", "kind", kind_name(task->kinds[f]),
                     "spec", task->source[f], "how", how);
}

static json_t *
task_to_json(const struct task *k)
{
    return json_pack(
        "{s:s,s:s?,s:s?,s:i,s:s?,s:s?,s:s?,s:{s:s?,s:s?},s:{s:I,s:I,s:I,s:I},"
        "s:{s:o,s:o,s:o}}",
        "name", k->name, "says", k->says, "layout", k->layout, "max_tokens",
        k->max_tokens, "reward", k->reward, "second_reward", k->second_reward,
        "principle", k->principle, "metric", "kind", k->metric_kind, "spec",
        k->metric, "rows", "train", (json_int_t)k->rows[SPLIT_TRAIN], "heldout",
        (json_int_t)k->rows[SPLIT_HELDOUT], "unseen",
        (json_int_t)k->rows[SPLIT_UNSEEN], "pairs",
        (json_int_t)k->rows[SPLIT_PAIRS], "sources", "prompt",
        source_to_json(k, FORM_PROMPT), "params",
        source_to_json(k, FORM_PARAMS), "reward",
        source_to_json(k, FORM_REWARD));
}

static json_t *
model_to_json(const struct triangle *t, const struct model_identity *id)
{
    const struct model *m = t->s->model;

    return json_pack(
        "{s:s,s:s,s:s,s:s,s:I,s:I,s:I,s:I}", "name", m->name, "path", m->path,
        "weights", id->weights, "family", m->cfg.family->name, "parameters",
        (json_int_t)model_params(m), "layers", (json_int_t)m->cfg.layers,
        "width", (json_int_t)m->cfg.width, "context",
        (json_int_t)m->cfg.context);
}

int
triangle_about_model(const struct triangle *t, trv_err *err)
{
    const struct model_identity *id;
    json_t *tasks = json_array(), *seeds = json_array();
    int rc = session_identity(t->s, &id, err);

    if (!rc && (!tasks || !seeds))
        rc = err_nomem(err, "for the store of a triangle");
    for (int i = 0; i < t->n_tasks && !rc; i++)
        if (json_array_append_new(tasks, task_to_json(&t->tasks[i])))
            rc = err_nomem(err, "for the store of a triangle");
    for (int i = 0; i < t->o->seeds && !rc; i++)
        if (json_array_append_new(seeds,
                                  json_integer((json_int_t)t->o->seed + i)))
            rc = err_nomem(err, "for the store of a triangle");
    if (!rc)
        rc = store_set(t->store, "model", model_to_json(t, id), err);
    if (!rc)
        rc = store_set(t->store, "tasks", json_incref(tasks), err);
    if (!rc)
        rc = store_set(t->store, "seeds", json_incref(seeds), err);
    json_decref(tasks);
    json_decref(seeds);
    return rc;
}

/* ---- nodes --------------------------------------------------------------- */

static json_t *
path_to_json(const struct tree_node *v)
{
    json_t *path = json_array();

    for (int i = 0; i <= v->depth; i++)
        if (json_array_append_new(path, json_string(form_name(v->forms[i])))) {
            json_decref(path);
            return NULL;
        }
    return path;
}

static json_t *
node_to_json(const struct triangle *t, int node)
{
    const struct tree_node *nodes = t->tree.nodes, *v = &nodes[node];
    const struct task *task = &t->tasks[v->task];
    const bool is_source = v->role == ROLE_SOURCE;
    char *spec = triangle_spec(t, node);
    char *command = NULL;
    json_t *out = NULL;

    if (spec && (is_source || !node_command(&command, t, node, NULL)))
        out = json_pack(
            "{s:s,s:s,s:I,s:s,s:s?,s:s,s:o,s:i,s:s,s:s,s:s?,s:b,s:s?,s:s,s:f}",
            "id", v->id, "task", task->name, "seed", (json_int_t)v->seed,
            "role", tree_role_name(v->role), "parent",
            v->parent < 0 ? NULL : nodes[v->parent].id, "root",
            nodes[v->root].id, "path", path_to_json(v), "length", v->depth,
            "form", form_name(v->forms[v->depth]), "kind",
            kind_name(is_source ? task->kinds[v->forms[0]] : v->kind), "method",
            v->method, "chosen", (int)v->chosen, "command", command, "spec",
            spec, "planned_seconds",
            t->planned[node] < 0.0 ? 0.0 : t->planned[node]);
    mem_free(spec);
    mem_free(command);
    return out;
}

int
triangle_about_tree(const struct triangle *t, trv_err *err)
{
    json_t *list = json_array();
    int rc = list ? 0 : err_nomem(err, "for the store of a triangle");

    for (int i = 0; i < t->tree.n && !rc; i++)
        if (json_array_append_new(list, node_to_json(t, i)))
            rc = err_nomem(err, "for the store of a triangle");
    if (!rc)
        rc = store_set(t->store, "tree", json_incref(list), err);
    json_decref(list);
    return rc;
}
