/* trend.c -- means over the first and the last tenth of a run. */
#include "transform/policy/trend.h"

#include <math.h>

#define KEY "trends" // of a task's state

void
trend_add(struct trend *t, double x, int64_t step, int64_t steps)
{
    const int64_t tenth = (steps + 9) / 10;

    if (isnan(x))
        return;
    if (step < tenth) {
        t->early += x;
        t->n_early++;
    }
    if (step >= steps - tenth) {
        t->late += x;
        t->n_late++;
    }
}

double
trend_early(const struct trend *t)
{
    return t->n_early ? t->early / (double)t->n_early : (double)NAN;
}

double
trend_late(const struct trend *t)
{
    return t->n_late ? t->late / (double)t->n_late : (double)NAN;
}

int
trend_save(json_t **state, const struct trend *list, int n, trv_err *err)
{
    json_t *all = json_array();
    int bad = !all;

    *state = json_object();
    for (int i = 0; i < n && !bad; i++)
        bad = json_array_append_new(all, json_pack("[f,I,f,I]", list[i].early,
                                                   (json_int_t)list[i].n_early,
                                                   list[i].late,
                                                   (json_int_t)list[i].n_late));
    bad = bad || json_object_set(*state, KEY, all);
    json_decref(all);
    return bad ? err_nomem(err, "for a checkpoint") : 0;
}

int
trend_load(struct trend *list, int n, const json_t *state, trv_err *err)
{
    const json_t *all = json_object_get(state, KEY);
    int bad = json_array_size(all) != (size_t)n;

    for (int i = 0; i < n && !bad; i++) {
        json_int_t n_early, n_late;

        bad = json_unpack(json_array_get(all, (size_t)i), "[F,I,F,I]",
                          &list[i].early, &n_early, &list[i].late, &n_late);
        if (bad)
            break;
        list[i].n_early = n_early;
        list[i].n_late = n_late;
    }
    return bad ? err_fail(err, TRV_EFORMAT,
                          "a checkpoint's '" KEY "' is broken")
               : 0;
}
