/* task_check.c -- the parts of a check in their order, and its report. */
#include "task/task_check.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

int
task_problem(trv_task_report *out, trv_err *err, bool useless, const char *fmt,
             ...)
{
    trv_task_problem *grown = mem_reallocarray(
        out->problems, (size_t)out->n_problems + 1, sizeof(*grown));
    char text[700];
    va_list ap;

    if (!grown)
        return err_nomem(err, "to check a task");
    out->problems = grown;
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    grown[out->n_problems] = (trv_task_problem){useless, mem_strdup(text)};
    if (!grown[out->n_problems].text)
        return err_nomem(err, "to check a task");
    out->n_problems++;
    out->useless = out->useless || useless;
    return 0;
}

const char *
task_excerpt(char out[TASK_EXCERPT], const char *text)
{
    size_t n = 0;

    text = text ? text : "";
    for (; text[n] && n + 4 < TASK_EXCERPT; n++)
        out[n] = (unsigned char)text[n] < ' ' ? ' ' : text[n];
    if (text[n]) { // not inside a character
        while (n && ((unsigned char)text[n] & 0xc0) == 0x80)
            n--;
        memcpy(out + n, "...", 3);
        n += 3;
    }
    out[n] = '\0';
    return out;
}

/* ---- rows ---------------------------------------------------------------- */

#define TRAIN_LEAST 32
#define HELDOUT_LEAST 32

/* What a row asks, as a key. */
static char *
key_of(const json_t *row)
{
    return json_dumps(json_object_get(row, "prompt"),
                      JSON_COMPACT | JSON_ENCODE_ANY | JSON_SORT_KEYS);
}

/* Put what rows ask into a set, by the number of the first row that asks it;
 * of those that are in `before` (NULL: in `seen` itself) count how many, and
 * keep the first. */
static int
compare_rows(json_t *seen, const json_t *before, const json_t *rows,
             int64_t *alike, size_t *first, trv_err *err)
{
    const json_t *row;
    size_t i;
    int rc = 0;

    *alike = 0;
    json_array_foreach(rows, i, row)
    {
        char *key = key_of(row);

        if (!key)
            return err_nomem(err, "to check a task");
        if (json_object_get(before ? before : seen, key) && (*alike)++ == 0)
            *first = i;
        if (seen && json_object_set_new(seen, key, json_integer(0)))
            rc = err_nomem(err, "to check a task");
        free(key);
        if (rc)
            return rc;
    }
    return 0;
}

/* Rows that ask what others ask. */
static int
check_duplicates(trv_task_report *out, const struct task *t, trv_err *err)
{
    json_t *train = json_object();
    char text[TASK_EXCERPT];
    int64_t alike;
    size_t first = 0;
    int rc = train ? compare_rows(train, NULL, t->sets[SPLIT_TRAIN].list,
                                  &alike, &first, err)
                   : err_nomem(err, "to check a task");

    for (int s = SPLIT_HELDOUT; s <= SPLIT_UNSEEN && !rc; s++) {
        const json_t *rows = t->sets[s].list;

        rc = compare_rows(NULL, train, rows, &alike, &first, err);
        if (!rc && alike)
            rc = task_problem(
                out, err, 2 * alike > t->rows[s],
                "%lld of %lld rows of %s ask what a row of train asks, as row "
                "%zu does: '%s'",
                (long long)alike, (long long)t->rows[s],
                task_split_name((enum task_split)s), first + 1,
                task_excerpt(text, rows_asked(json_array_get(rows, first))));
    }
    json_decref(train);
    return rc;
}

static int
check_counts(trv_task_report *out, const struct task *t, trv_err *err)
{
    int rc = 0;

    if (t->rows[SPLIT_TRAIN] < TRAIN_LEAST)
        rc = task_problem(out, err, false,
                          "train has %lld rows; methods draw answers to them, "
                          "and learn little from fewer than %d",
                          (long long)t->rows[SPLIT_TRAIN], TRAIN_LEAST);
    if (!rc && t->rows[SPLIT_HELDOUT] < 2)
        rc = task_problem(out, err, true,
                          "heldout has one row: no figure has an error");
    else if (!rc && t->rows[SPLIT_HELDOUT] < HELDOUT_LEAST)
        rc = task_problem(out, err, false,
                          "heldout has %lld rows; below %d a share is known to "
                          "no more than 0.1",
                          (long long)t->rows[SPLIT_HELDOUT], HELDOUT_LEAST);
    for (int s = 0; s < SPLIT_COUNT && !rc; s++)
        if (t->sets[s].left_out)
            rc = task_problem(out, err, false,
                              "%s: %lld rows of its file are left out: %s",
                              task_split_name((enum task_split)s),
                              (long long)t->sets[s].left_out, t->sets[s].why);
    return rc;
}

/* One answer to all rows is no task; one to most is nearly none. */
static int
check_constant(trv_task_report *out, const struct task *t, trv_err *err)
{
    const json_t *rows = t->sets[SPLIT_HELDOUT].list, *row;
    const int64_t n = t->rows[SPLIT_HELDOUT];
    json_t *counts = json_object();
    const char *most = NULL;
    char text[TASK_EXCERPT];
    int64_t top = 0;
    size_t i;
    int rc = counts ? 0 : err_nomem(err, "to check a task");

    json_array_foreach(rows, i, row)
    {
        const char *answer = rows_text(row, "completion");
        const int64_t times =
            answer ? 1 + json_integer_value(json_object_get(counts, answer))
                   : 0;

        if (!rc && answer &&
            json_object_set_new(counts, answer, json_integer(times)))
            rc = err_nomem(err, "to check a task");
        if (times > top) {
            top = times;
            most = answer;
        }
    }
    if (!rc && n > 1 && top * 10 > n * 9)
        rc = task_problem(out, err, top == n && t->is_greedy,
                          "%lld of %lld rows of heldout have the answer '%s', "
                          "so that one answer to everything is right",
                          (long long)top, (long long)n,
                          task_excerpt(text, most));
    json_decref(counts);
    return rc;
}

int
task_check_rows(trv_task_report *out, const struct task *t, trv_err *err)
{
    int rc = check_counts(out, t, err);

    if (!rc)
        rc = check_duplicates(out, t, err);
    return rc ? rc : check_constant(out, t, err);
}

/* ---- the whole ----------------------------------------------------------- */

static int
begin(trv_task_report *out, const struct task *t, trv_err *err)
{
    out->name = mem_strdup(t->name);
    out->says = t->says ? mem_strdup(t->says) : NULL;
    out->metric = mem_strdup(t->metric_kind);
    for (int s = 0; s < SPLIT_COUNT; s++)
        out->rows[s] = t->rows[s];
    return out->name && out->metric && (out->says || !t->says)
               ? 0
               : err_nomem(err, "to check a task");
}

int
task_check(trv_task_report *out, struct session *s, const char *dir,
           const trv_task_options *opts, trv_progress_fn progress,
           void *payload, trv_err *err)
{
    struct task t = {0};
    int rc;

    *out = (trv_task_report){0};
    if (opts->version != 1)
        return err_fail(err, TRV_EINVAL, "task options have version %u, not 1",
                        opts->version);
    if (opts->max_inputs < 0)
        return err_option(err, TRV_ERANGE, "max-inputs", "is %d, below 0",
                          opts->max_inputs);
    rc = task_open(&t, dir, opts->data, err);
    if (!rc)
        rc = begin(out, &t, err);
    if (!rc && t.runs && !opts->run_programs)
        rc = task_problem(out, err, false,
                          "'%s' runs an outside program, which was not started "
                          "here: --run-programs allows it",
                          t.runs);
    if (!rc)
        rc = task_check_rows(out, &t, err);
    if (!rc)
        rc = task_check_rewards(out, &t, opts->run_programs, err);
    if (!rc && s)
        rc = task_check_model(out, s, &t, opts, progress, payload, err);
    task_release(&t);
    if (rc)
        task_report_release(out);
    return rc;
}

void
task_report_release(trv_task_report *r)
{
    for (int32_t i = 0; i < r->n_problems; i++)
        mem_free(r->problems[i].text);
    mem_free(r->problems);
    mem_free(r->name);
    mem_free(r->says);
    mem_free(r->metric);
    *r = (trv_task_report){0};
}
