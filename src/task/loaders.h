/* loaders.h -- rows of data sets that people have, as rows of canonical columns.
 *
 * A table: a name, what it reads, and a function. What comes out is a JSON
 * object for each row, with the columns that data.h reads and those that a check
 * compares with.
 */
#ifndef TASK_LOADERS_H
#define TASK_LOADERS_H

#include <jansson.h>

#include "base/err.h"

struct loader {
    const char *name, *summary;
    /* Append rows to an array. TRV_EIO, TRV_EFORMAT (file, line, field),
     * TRV_ENOMEM. */
    int (*read)(json_t *rows, const char *path, trv_err *err);
};

/** Row i of the table; NULL behind the last. The first is the default. */
const struct loader *loader_at(int i);
/** NULL: there is none of that name. */
const struct loader *loader_find(const char *name);

#endif
