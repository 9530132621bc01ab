/* triangle_table.h -- the nodes of a triangle's report as lines on a terminal.
 */
#ifndef CLI_TRIANGLE_TABLE_H
#define CLI_TRIANGLE_TABLE_H

#include <jansson.h>
#include <stdio.h>

/* Which nodes. */
struct triangle_filter {
    const char *status; // "failed"; NULL: all
    const char *role;   // "edge"; NULL: all
};

/** One line for each node that a filter lets through: task, seed, path, method,
 * status, fidelity with its error, seconds. Returns how many. */
int triangle_table_nodes(FILE *f, const json_t *report,
                         const struct triangle_filter *of);
/** How many are done, failed and left out, in a sentence. */
void triangle_table_counts(FILE *f, const json_t *report);

#endif
