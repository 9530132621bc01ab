/* loaders.h -- rows of data sets that people have, in canonical columns.
 *
 *   a file ─► data.h, by the loader's `how` ─► rows with `prompt` and, where the
 *   data set has them, `answer`, `wrong`, `number`, `chosen` and `rejected`
 *
 * A loader is a row of the table: its name, what its files look like, the
 * columns that come out, and a function that rewrites one row.
 */
#ifndef TASK_LOADERS_H
#define TASK_LOADERS_H

#include "text/data.h"

struct loader {
    const char *name;
    const char *summary; // what its files hold
    const char *columns; // what comes out, parted by blanks; "": as it stands
    struct data_how how;
};

/** Row i of the table; NULL behind the last. The first is the default. */
const struct loader *loader_at(int i);
/** In place of the first one's, where a template makes what is asked: rows may
 * have any columns. */
extern const struct data_how loader_asked;
/** NULL: there is none of that name. */
const struct loader *loader_find(const char *name);

#endif
