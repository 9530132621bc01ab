/* triangle_report.c -- the store as one JSON object. */
#include "triangle/triangle_report.h"

#include <math.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"

#define CURVE_POINTS 200
#define METRICS_MAX ((size_t)64 << 20)

/* ---- curves of training -------------------------------------------------- */

static const struct {
    const char *field, *unit;
} curves[] = {{"loss", "nats per token"}, {"reward", "reward"}};

/* The lines of metrics.jsonl; those that are none are passed over. */
static int
read_lines(json_t **out, const char *folder, trv_err *err)
{
    char *path = path_join(folder, "metrics.jsonl");
    struct strbuf text = {0};
    int rc = path ? 0 : err_nomem(err, "for curves");

    *out = json_array();
    if (!rc && !*out)
        rc = err_nomem(err, "for curves");
    if (!rc && file_exists(path))
        rc = file_read(&text, path, METRICS_MAX, err);
    for (size_t at = 0; !rc && at < text.len;) {
        const char *line = text.s + at;
        const char *end = memchr(line, '\n', text.len - at);
        const size_t n = end ? (size_t)(end - line) : text.len - at;
        json_t *row = json_loadb(line, n, 0, NULL);

        if (json_is_object(row) && json_array_append(*out, row))
            rc = err_nomem(err, "for curves");
        json_decref(row);
        at += n + 1;
    }
    sb_release(&text);
    mem_free(path);
    return rc;
}

/* One column, of lines at even distances, the first and the last among them; NULL: there is none, or no memory. */
static json_t *
curve_of(const json_t *lines, int which)
{
    const size_t n = json_array_size(lines);
    const size_t points = n < CURVE_POINTS ? n : CURVE_POINTS;
    json_t *steps = json_array(), *values = json_array();

    for (size_t k = 0; k < points && steps && values; k++) {
        const size_t i = points > 1 ? k * (n - 1) / (points - 1) : 0;
        const json_t *row = json_array_get(lines, i);
        json_t *step = json_object_get(row, "step");
        json_t *value = json_object_get(row, curves[which].field);

        if (json_is_integer(step) && json_is_number(value) &&
            (json_array_append(steps, step) ||
             json_array_append(values, value)))
            break;
    }
    if (!steps || !values || json_array_size(values) < 2 ||
        json_array_size(steps) != json_array_size(values)) {
        json_decref(steps);
        json_decref(values);
        return NULL;
    }
    return json_pack("{s:s,s:s,s:o,s:o}", "name", curves[which].field, "unit",
                     curves[which].unit, "steps", steps, "values", values);
}

static int
add_curves(json_t *node, trv_err *err)
{
    const char *folder = json_string_value(json_object_get(node, "spec"));
    json_t *lines = NULL, *list = json_array();
    int rc = list ? 0 : err_nomem(err, "for curves");

    if (!rc && folder && file_is_dir(folder))
        rc = read_lines(&lines, folder, err);
    for (int c = 0; c < (int)(sizeof(curves) / sizeof(*curves)) && !rc; c++) {
        json_t *curve = lines ? curve_of(lines, c) : NULL;

        if (curve && json_array_append_new(list, curve))
            rc = err_nomem(err, "for curves");
    }
    if (!rc && json_object_set(node, "curves", list))
        rc = err_nomem(err, "for curves");
    json_decref(lines);
    json_decref(list);
    return rc;
}

/* ---- nodes --------------------------------------------------------------- */

/* Add a node's row and how it stands; what the plan leaves out has its sentence
 * there. */
static int
add_row(json_t *node, struct store *s, const json_t *planned, double *used,
        trv_err *err)
{
    const char *id = json_string_value(json_object_get(node, "id"));
    const json_t *plan = json_object_get(planned, id ? id : "");
    json_t *why = json_object_get(plan, "sentence");
    struct store_node at = {0};
    enum store_status status;
    int rc = id ? store_node(s, &at, id, NULL, err)
                : err_fail(err, TRV_EFORMAT, "a node has no id");

    if (rc)
        return rc;
    status = at.status == NODE_WAITING && why ? NODE_CUT : at.status;
    *used += at.seconds;
    if ((at.row && json_object_update_missing(node, at.row)) ||
        json_object_set_new(node, "status",
                            json_string(store_status_name(status))) ||
        (status == NODE_CUT && why && !at.row &&
         json_object_set(node, "sentence", why)))
        rc = err_nomem(err, "for the report");
    json_decref(at.row);
    return rc ? rc : add_curves(node, err);
}

/* Seconds and answers of all conversions from the root on. */
static int
add_whole(json_t *nodes, trv_err *err)
{
    json_t *node, *by_id = json_object();
    size_t i;
    int rc = by_id ? 0 : err_nomem(err, "for the report");

    json_array_foreach(nodes, i, node)
    {
        const json_t *parent = json_object_get(
            by_id, json_string_value(json_object_get(node, "parent"))
                       ? json_string_value(json_object_get(node, "parent"))
                       : "");
        json_t *cost = json_object_get(node, "cost");
        const double own = json_number_value(json_object_get(cost, "seconds"));
        /* a source is where all begin, and is none of the path's cost */
        const double before =
            parent && json_object_get(parent, "parent") != json_null()
                ? json_number_value(json_object_get(
                      json_object_get(parent, "cost"), "whole_seconds"))
                : 0.0;

        if (rc)
            break;
        if ((cost && json_object_set_new(cost, "whole_seconds",
                                         json_real(own + before))) ||
            json_object_set(
                by_id, json_string_value(json_object_get(node, "id")), node))
            rc = err_nomem(err, "for the report");
    }
    json_decref(by_id);
    return rc;
}

/* ---- the whole ----------------------------------------------------------- */

static int
get(struct store *s, json_t **out, const char *name, const char *dir,
    trv_err *err)
{
    const int rc = store_get(s, out, name, err);

    return rc     ? rc
           : *out ? 0
                  : err_fail(err, TRV_EFORMAT,
                             "'%s' is of a run that planned "
                             "nothing yet",
                             dir);
}

static json_t *
budget_to_json(const json_t *plan, double used)
{
    json_t *cut = json_object_get(plan, "cut");

    return json_pack(
        "{s:O?,s:O?,s:O?,s:f,s:O?}", "seconds", json_object_get(plan, "budget"),
        "planned_seconds", json_object_get(plan, "seconds"), "cap",
        json_object_get(plan, "cap"), "used_seconds", used, "cut", cut);
}

int
triangle_report(json_t **out, const char *dir, trv_err *err)
{
    json_t *model = NULL, *tasks = NULL, *seeds = NULL, *tree = NULL;
    json_t *plan = NULL, *node, *all = NULL;
    struct store *s = NULL;
    double used = 0.0;
    size_t i;
    int rc = store_open(&s, dir, false, err);

    *out = NULL;
    if (!rc)
        rc = get(s, &model, "model", dir, err);
    if (!rc)
        rc = get(s, &tasks, "tasks", dir, err);
    if (!rc)
        rc = get(s, &seeds, "seeds", dir, err);
    if (!rc)
        rc = get(s, &plan, "plan", dir, err);
    if (!rc)
        rc = get(s, &tree, "tree", dir, err);
    json_array_foreach(tree, i, node)
    {
        if (!rc)
            rc = add_row(node, s, json_object_get(plan, "nodes"), &used, err);
    }
    if (!rc)
        rc = add_whole(tree, err);
    if (!rc) {
        all = json_pack("{s:i,s:s,s:O,s:o,s:O,s:O,s:O}", "format", 1, "version",
                        TRIVIUM_VERSION, "model", model, "budget",
                        budget_to_json(plan, used), "seeds", seeds, "tasks",
                        tasks, "nodes", tree);
        if (!all)
            rc = err_nomem(err, "for the report");
    }
    json_decref(model);
    json_decref(tasks);
    json_decref(seeds);
    json_decref(plan);
    json_decref(tree);
    store_free(s);
    if (!rc)
        *out = all;
    return rc;
}
