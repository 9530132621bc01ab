/* task_check.h -- what is wrong with a task, before hours are spent on it.
 *
 *   task_open() has read it ─► its rows against each other ─► its checks
 *   against its own answers ─► with a model: lengths, template, what the base
 *   and the prompt get
 *
 * A problem is one sentence. One of the sort `useless` says that no figure of
 * the task would mean anything; others are warnings.
 */
#ifndef TASK_TASK_CHECK_H
#define TASK_TASK_CHECK_H

#include <trivium/trivium.h>

#include "adapt/session.h"
#include "task/task.h"

/** Check a task. `s` NULL: without a model. What cannot be read is a failure,
 * as task_open()'s; all else is a problem in `out`. */
int task_check(trv_task_report *out, struct session *s, const char *dir,
               const trv_task_options *opts, trv_progress_fn progress,
               void *payload, trv_err *err);
void task_report_release(trv_task_report *r); // accepts zeros

/* ---- for the files of this check ---- */

/** Add a problem. TRV_ENOMEM. */
int task_problem(trv_task_report *out, trv_err *err, bool useless,
                 const char *fmt, ...) TRV_PRINTF(4, 5);
/** A row's words as an excerpt for a sentence. @return out */
#define TASK_EXCERPT 64
const char *task_excerpt(char out[TASK_EXCERPT], const char *text);

/** What rows say of each other: duplicates, answers, rows left out. */
int task_check_rows(trv_task_report *out, const struct task *t, trv_err *err);
/** What the checks say of the task's own answers and pairs. `runs`: outside
 * programs, too. */
int task_check_rewards(trv_task_report *out, const struct task *t, bool runs,
                       trv_err *err);
/** What a model makes of it: lengths, template, the metric of base and prompt.
 */
int task_check_model(trv_task_report *out, struct session *s, struct task *t,
                     const trv_task_options *opts, trv_progress_fn progress,
                     void *payload, trv_err *err);

#endif
