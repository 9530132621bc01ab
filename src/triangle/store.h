/* store.h -- OUT/triangle.db: what a triangle is, and a row for each node.
 *
 *   about  name, value        what it is of: JSON texts
 *   node   id, work, status, tries, seconds, row
 *
 * `work` is a hash of all that decides a node's result. A row counts only under
 * the same work, so what a changed task or option touches is made anew and all
 * else stays. Each change is one transaction: a kill leaves the row before or
 * the row after. A node that was begun and not ended was killed with the
 * program; how often is its `tries`.
 */
#ifndef TRIANGLE_STORE_H
#define TRIANGLE_STORE_H

#include <jansson.h>
#include <stdbool.h>

#include "base/hash.h"

#define STORE_FILE "triangle.db"

enum store_status {
    NODE_WAITING,
    NODE_BEGUN,
    NODE_DONE,
    NODE_FAILED,
    NODE_CUT
};
const char *store_status_name(enum store_status s);

struct store;

/** Open OUT/triangle.db; `make`: where it is absent, make it, and hold it alone
 * until the free. TRV_EIO (there is none, it cannot be written), TRV_EEXIST
 * (another run has it), TRV_EFORMAT (a file that is no such store, or of another
 * version), TRV_ENOMEM. */
int store_open(struct store **out, const char *dir, bool make, trv_err *err);
void store_free(struct store *s); // NULL is allowed

/** Keep a JSON value under a name; `value` is taken. */
int store_set(struct store *s, const char *name, json_t *value, trv_err *err);
/** *out: to be released; NULL: there is none. */
int store_get(struct store *s, json_t **out, const char *name, trv_err *err);

struct store_node {
    enum store_status status; // NODE_WAITING where there is no row
    int64_t tries;
    double seconds; // that it took
    json_t *row;    // to be released; NULL: none
};
/** `work` NULL: whatever it is. */
int store_node(struct store *s, struct store_node *out, const char *id,
               const char *work, trv_err *err);
/** Begin a node: counts a try. */
int store_begin(struct store *s, const char *id, const char *work,
                trv_err *err);
/** End it; `row` is borrowed. NODE_WAITING: it was stopped, and is no try. */
int store_end(struct store *s, const char *id, const char *work,
              enum store_status status, double seconds, const json_t *row,
              trv_err *err);

#endif
