/* triangle_about.h -- what a triangle's store says of its model, its tasks and
 * each of its nodes, before any is made.
 */
#ifndef TRIANGLE_TRIANGLE_ABOUT_H
#define TRIANGLE_TRIANGLE_ABOUT_H

#include "triangle/triangle.h"

/** Keep "model", "tasks" and "seeds". TRV_ENOMEM, store_set()'s. */
int triangle_about_model(const struct triangle *t, trv_err *err);
/** Keep "tree": an array of what is fixed of each node. The plan is there. */
int triangle_about_tree(const struct triangle *t, trv_err *err);

#endif
