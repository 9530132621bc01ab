/* api_task.c -- tasks, checked. */
#include "api/api.h"
#include "task/task_check.h"

int
trv_task_check(trv_model *m, trv_task_report *out, const char *dir,
               const trv_task_options *opts, trv_progress_fn progress,
               void *payload, trv_err *err)
{
    static const trv_task_options defaults = TRV_TASK_OPTIONS_INIT;
    const int rc = m ? api_need_model(m, err) : 0;

    *out = (trv_task_report){0};
    return rc ? rc
              : task_check(out, m ? m->s : NULL, dir, opts ? opts : &defaults,
                           progress, payload, err);
}

void
trv_task_report_release(trv_task_report *r)
{
    task_report_release(r);
}

const char *
trv_task_split(int32_t i)
{
    return i >= 0 && i < SPLIT_COUNT ? task_split_name((enum task_split)i)
                                     : NULL;
}
