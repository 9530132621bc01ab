/* node_measure.h -- the figures of a node: against its root and its parent, by
 * the task's metric, rewards and pairs, and what is wrong with it in words.
 */
#ifndef TRIANGLE_NODE_MEASURE_H
#define TRIANGLE_NODE_MEASURE_H

#include "triangle/triangle.h"

/** Add them to a row: triangle_report.h has its fields. A source is measured
 * against itself, on other random numbers. */
int node_measure(json_t *row, const struct triangle *t, int node,
                 trv_progress_fn progress, void *payload, trv_err *err);

/** Seconds that it takes, about. */
double node_measure_seconds(const struct triangle *t,
                            const struct tree_node *v);

#endif
