/* api_triangle.c -- the triangle, measured as a whole. */
#include <stdlib.h>

#include "api/api.h"
#include "base/json.h"
#include "base/mem.h"
#include "triangle/triangle.h"
#include "triangle/triangle_report.h"

int
trv_triangle(trv_model *m, const char *dir, const trv_triangle_options *opts,
             trv_progress_fn progress, void *payload, trv_err *err)
{
    const int rc = api_need_model(m, err);

    return rc ? rc : triangle_run(m->s, dir, opts, progress, payload, err);
}

int
trv_triangle_report(char **json, const char *dir, trv_err *err)
{
    json_t *all = NULL;
    char *text = NULL;
    int rc = triangle_report(&all, dir, err);

    *json = NULL;
    if (!rc)
        text = json_dumps(all, JSON_INDENT(1) | JSON_REAL_PRECISION(9));
    *json = text ? mem_strdup(text) : NULL;
    if (!rc && !*json)
        rc = err_nomem(err, "for the report");
    free(text);
    json_decref(all);
    return rc;
}
