/* triangle_check.c -- the fields that hold a report together. */
#include "cli/triangle_check.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "cli/triangle_means.h"

static const char *const forms[] = {"params", "prompt", "reward"};

static bool __attribute__((format(printf, 2, 3)))
refuse(char why[TRIANGLE_WHY_MAX], const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(why, TRIANGLE_WHY_MAX, fmt, ap);
    va_end(ap);
    return false;
}

static bool
is_form(const json_t *x)
{
    const char *s = json_string_value(x);

    for (size_t i = 0; s && i < sizeof(forms) / sizeof(*forms); i++)
        if (strcmp(s, forms[i]) == 0)
            return true;
    return false;
}

static bool
check_path(char why[TRIANGLE_WHY_MAX], size_t at, const json_t *node)
{
    const json_t *path = json_object_get(node, "path");
    const size_t n = json_array_size(path);

    if (!json_is_array(path) || n < 1 || n > MEANS_FORMS_MAX)
        return refuse(why, "nodes[%zu].path is no list of 1 to %d forms", at,
                      MEANS_FORMS_MAX);
    for (size_t i = 0; i < n; i++)
        if (!is_form(json_array_get(path, i)))
            return refuse(why,
                          "nodes[%zu].path[%zu] is none of params, prompt, "
                          "reward",
                          at, i);
    return true;
}

static bool
check_node(char why[TRIANGLE_WHY_MAX], size_t at, const json_t *node)
{
    static const char *const texts[] = {"id", "task", "role", "status"};

    if (!json_is_object(node))
        return refuse(why, "nodes[%zu] is no object", at);
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
        if (json_string_length(json_object_get(node, texts[i])) == 0)
            return refuse(why, "nodes[%zu].%s is no text", at, texts[i]);
    return check_path(why, at, node);
}

static bool
check_parent(char why[TRIANGLE_WHY_MAX], size_t at, const json_t *node,
             const json_t *by_id)
{
    const json_t *name = json_object_get(node, "parent"), *parent;
    const size_t n = json_array_size(json_object_get(node, "path"));

    if (!name || json_is_null(name))
        return n == 1 || refuse(why, "nodes[%zu] has a path and no parent", at);
    parent = json_is_string(name)
                 ? json_object_get(by_id, json_string_value(name))
                 : NULL;
    if (!parent)
        return refuse(why, "nodes[%zu].parent is no node of the report", at);
    if (json_array_size(json_object_get(parent, "path")) + 1 != n)
        return refuse(why,
                      "nodes[%zu].path is not one form longer than its "
                      "parent's",
                      at);
    return true;
}

static bool
check_nodes(char why[TRIANGLE_WHY_MAX], const json_t *nodes, json_t *by_id)
{
    json_t *node;
    size_t i;

    json_array_foreach(nodes, i, node)
    {
        const char *id = means_text(node, "id");

        if (!check_node(why, i, node))
            return false;
        if (json_object_get(by_id, id))
            return refuse(why, "nodes[%zu].id is an earlier node's", i);
        if (json_object_set(by_id, id, node))
            return refuse(why, "there is no memory to check it");
    }
    json_array_foreach(nodes, i, node)
    {
        if (!check_parent(why, i, node, by_id))
            return false;
    }
    return true;
}

static bool
check_tasks(char why[TRIANGLE_WHY_MAX], const json_t *tasks)
{
    json_t *task;
    size_t i;

    if (!json_is_array(tasks))
        return refuse(why, "tasks is no list");
    json_array_foreach(tasks, i, task)
    {
        if (json_string_length(json_object_get(task, "name")) == 0)
            return refuse(why, "tasks[%zu].name is no text", i);
    }
    return true;
}

bool
triangle_check(char why[TRIANGLE_WHY_MAX], const json_t *report)
{
    const json_t *nodes = json_object_get(report, "nodes");
    json_t *by_id;
    bool good;

    if (!json_is_object(report))
        return refuse(why, "it is no JSON object");
    if (json_integer_value(json_object_get(report, "format")) != 1)
        return refuse(why, "format is not 1");
    if (!check_tasks(why, json_object_get(report, "tasks")))
        return false;
    if (!json_is_array(nodes))
        return refuse(why, "nodes is no list");
    if (json_array_size(nodes) > TRIANGLE_NODES_MAX)
        return refuse(why, "nodes has %zu entries; at most %d are read",
                      json_array_size(nodes), TRIANGLE_NODES_MAX);
    by_id = json_object();
    good = by_id ? check_nodes(why, nodes, by_id)
                 : refuse(why, "there is no memory to check it");
    json_decref(by_id);
    return good;
}
