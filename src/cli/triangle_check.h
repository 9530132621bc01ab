/* triangle_check.h -- is a report of a triangle what its page can be made of?
 *
 * Behind the check, every node is an object with an id, a task and a path of
 * forms, and parents are no circles: a parent's path is one form shorter. What
 * is measured stays foreign; what is no number there counts as not measured. */
#ifndef CLI_TRIANGLE_CHECK_H
#define CLI_TRIANGLE_CHECK_H

#include <jansson.h>
#include <stdbool.h>

#define TRIANGLE_NODES_MAX 20000
#define TRIANGLE_WHY_MAX 200

/** Returns whether it is; else `why` says which field is not, and how. */
bool triangle_check(char why[TRIANGLE_WHY_MAX], const json_t *report);

#endif
