/* loaders.c -- the table, and each loader's rows. */
#include "task/loaders.h"

#include <string.h>

#include "text/data.h"

/* What data.h reads, under the names that it gives columns. */
static int
read_rows(json_t *rows, const char *path, trv_err *err)
{
    struct data d = {0};
    int rc = data_open(&d, path, err);

    for (int64_t i = 0; i < d.n && !rc; i++)
        if (json_array_append(rows, d.rows[i].json))
            rc = err_nomem(err, "for a task's rows");
    data_release(&d);
    return rc;
}

static const struct loader loaders[] = {
    {"rows",
     "JSON lines, JSON, CSV or text, in TRL's columns and those of "
     "'trivium help data'",
     read_rows},
};

const struct loader *
loader_at(int i)
{
    return i >= 0 && (size_t)i < sizeof(loaders) / sizeof(*loaders)
               ? &loaders[i]
               : NULL;
}

const struct loader *
loader_find(const char *name)
{
    const struct loader *l;

    for (int i = 0; (l = loader_at(i)); i++)
        if (strcmp(l->name, name) == 0)
            return l;
    return NULL;
}
