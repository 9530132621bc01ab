/* triangle_table.c -- rows of nodes. */
#include "cli/triangle_table.h"

#include <string.h>

#include "cli/human.h"

static const char *
text_of(const json_t *node, const char *key)
{
    const char *text = json_string_value(json_object_get(node, key));

    return text ? text : "";
}

/* "prompt -> params -> prompt" */
static void
write_path(char *out, size_t size, const json_t *node)
{
    const json_t *path = json_object_get(node, "path");
    size_t at = 0;

    out[0] = '\0';
    for (size_t i = 0; i < json_array_size(path) && at < size; i++) {
        const char *form = json_string_value(json_array_get(path, i));

        at += (size_t)snprintf(out + at, size - at, "%s%s", i ? " -> " : "",
                               form ? form : "?");
    }
}

static void
write_fidelity(char *out, size_t size, const json_t *node)
{
    const json_t *f =
        json_object_get(json_object_get(node, "fidelity"), "of_root");
    const json_t *mean = json_object_get(f, "mean");
    const json_t *error = json_object_get(f, "stderr");

    if (json_is_number(mean) && json_is_number(error))
        snprintf(out, size, "%.3f ± %.3f", json_number_value(mean),
                 json_number_value(error));
    else if (json_is_number(mean))
        snprintf(out, size, "%.3f", json_number_value(mean));
    else
        snprintf(out, size, "-");
}

int
triangle_table_nodes(FILE *f, const json_t *report,
                     const struct triangle_filter *of)
{
    const json_t *nodes = json_object_get(report, "nodes");
    json_t *node;
    size_t i;
    int n = 0;

    json_array_foreach(nodes, i, node)
    {
        const char *status = text_of(node, "status");
        const json_t *cost = json_object_get(node, "cost");
        char path[80], fidelity[40], seconds[HUMAN_MAX] = "-";

        if ((of->status && strcmp(of->status, status) != 0) ||
            (of->role && strcmp(of->role, text_of(node, "role")) != 0))
            continue;
        write_path(path, sizeof(path), node);
        write_fidelity(fidelity, sizeof(fidelity), node);
        if (cost)
            human_seconds(seconds,
                          json_number_value(json_object_get(cost, "seconds")));
        if (n++ == 0)
            fprintf(f, "%-12s %4s  %-36s %-10s %-8s %-7s  %-15s %s\n", "task",
                    "seed", "path", "method", "kind", "status", "fidelity",
                    "time");
        fprintf(f, "%-12s %4lld  %-36s %-10s %-8s %-7s  %-15s %s\n",
                text_of(node, "task"),
                (long long)json_integer_value(json_object_get(node, "seed")),
                path, text_of(node, "method"), text_of(node, "kind"), status,
                fidelity, seconds);
        if (*text_of(node, "sentence"))
            fprintf(f, "             %s\n", text_of(node, "sentence"));
    }
    return n;
}

void
triangle_table_counts(FILE *f, const json_t *report)
{
    const json_t *nodes = json_object_get(report, "nodes");
    long long done = 0, failed = 0, cut = 0, waiting = 0;
    json_t *node;
    size_t i;

    json_array_foreach(nodes, i, node)
    {
        const char *status = text_of(node, "status");

        done += strcmp(status, "done") == 0;
        failed += strcmp(status, "failed") == 0;
        cut += strcmp(status, "cut") == 0;
        waiting +=
            strcmp(status, "waiting") == 0 || strcmp(status, "begun") == 0;
    }
    fprintf(f, "%lld done, %lld failed, %lld left out, %lld to be made\n", done,
            failed, cut, waiting);
}
