/* task_check_rewards.c -- a task's checks on its own answers: what the rewards
 * that are rules say of the answers that the data calls right, and of pairs. No
 * model is needed, so rewards of other kinds are left to a run.
 */
#include "task/task_check.h"

#include <math.h>
#include <string.h>

#include "adapt/reward/reward.h"
#include "adapt/reward/verifier.h"
#include "adapt/spec.h"
#include "base/mem.h"
#include "base/strbuf.h"
#include "task/template.h"

/* A rule of the task. */
struct rule {
    const char *key;    // "reward", for sentences
    const char *spec;   // as it stands in task.json; NULL: there is none
    struct verifier *v; // NULL: it cannot be asked here
};

static int
rule_open(struct rule *r, const struct task *t, bool runs, trv_err *err)
{
    int left = 1000;
    struct strbuf b = {0};
    struct spec *s = NULL;
    int rc = r->spec ? template_place(&b, r->spec, t->dir, err) : 0;

    if (!rc && r->spec)
        rc = spec_read(&s, b.s, 0, &left, err);
    if (!rc && s && s->row && s->row->kind == KIND_VERIFIER) {
        const char *by = json_string_value(json_object_get(s->conf, "by"));

        if (!by || strcmp(by, "tokens") != 0) // which a model counts
            rc = verifier_open(&r->v, s->conf, NULL, err);
    }
    if (r->v && verifier_runs(r->v) && !runs) {
        verifier_free(r->v);
        r->v = NULL;
    }
    spec_free(s);
    sb_release(&b);
    return rc;
}

/* A row as data.h reads it, and its answer. */
static int
rate(const struct rule *r, double *score, const json_t *row, const char *answer,
     int64_t index, trv_err *err)
{
    json_t *copy = json_deep_copy(row);
    struct data_row as = {0};
    struct reward_item item = {
        .row = &as, .text = answer, .n_text = strlen(answer)};
    int rc =
        copy ? data_row_set(&as, copy, err) : err_nomem(err, "to check a task");

    if (!rc)
        rc = verifier_score(r->v, score, &item, index, err);
    json_decref(copy);
    return rc;
}

/* What a rule gives the answers of a set: the chosen ones of pairs. */
static int
rate_all(const struct rule *r, double *scores, const json_t *rows,
         const char *column, trv_err *err)
{
    const json_t *row;
    size_t i;
    int rc = 0;

    json_array_foreach(rows, i, row)
    {
        const char *answer = rows_text(row, column);

        scores[i] = (double)NAN; // there is no answer
        if (!rc && answer)
            rc = rate(r, &scores[i], row, answer, (int64_t)i, err);
    }
    return rc;
}

/* ---- answers that the data calls right ----------------------------------- */

static int
check_right(trv_task_report *out, const struct rule *r, const json_t *rows,
            const double *scores, trv_err *err)
{
    const size_t n = json_array_size(rows);
    int64_t rated = 0, low = 0;
    size_t first = 0;
    char text[TASK_EXCERPT];

    for (size_t i = 0; i < n; i++) {
        if (isnan(scores[i]))
            continue;
        rated++;
        if (scores[i] < 0.5 && low++ == 0)
            first = i;
    }
    if (!low)
        return 0;
    return task_problem(
        out, err, low == rated && rated > 1,
        "%s rates %lld of %lld answers of heldout below 0.5, as that of row "
        "%zu: %.3g for '%s'",
        r->key, (long long)low, (long long)rated, first + 1, scores[first],
        task_excerpt(text,
                     rows_text(json_array_get(rows, first), "completion")));
}

/* Two rewards that are one cannot show that the first was gamed. */
static int
check_same(trv_task_report *out, const struct rule *a, const struct rule *b,
           const double *x, const double *y, size_t n, trv_err *err)
{
    size_t rated = 0, alike = 0, moved = 0;

    if (a->spec && b->spec && strcmp(a->spec, b->spec) == 0)
        return task_problem(out, err, false,
                            "%s is the same as %s, so it cannot show what the "
                            "first misses",
                            b->key, a->key);
    for (size_t i = 0; i < n; i++) {
        if (isnan(x[i]) || isnan(y[i]))
            continue;
        rated++;
        alike += fabs(x[i] - y[i]) < 1e-12;
        moved += fabs(x[i] - x[0]) > 1e-12;
    }
    if (rated < 2 || alike < rated || !moved)
        return 0;
    return task_problem(
        out, err, false,
        "%s rates all %zu answers as %s does, so it cannot show "
        "what the first misses",
        b->key, rated, a->key);
}

/* ---- pairs --------------------------------------------------------------- */

static int
check_pairs(trv_task_report *out, const struct rule *r, const json_t *rows,
            const double *good, const double *bad, trv_err *err)
{
    const size_t n = json_array_size(rows);
    int64_t wrong = 0, ties = 0;
    size_t first = 0;
    char a[TASK_EXCERPT], b[TASK_EXCERPT];
    const json_t *row;

    for (size_t i = 0; i < n; i++) {
        ties += good[i] == bad[i];
        if (bad[i] > good[i] && wrong++ == 0)
            first = i;
    }
    if (ties == (int64_t)n)
        return task_problem(out, err, false,
                            "%s rates both answers of each of %zu pairs alike, "
                            "so it cannot tell them apart",
                            r->key, n);
    if (!wrong)
        return 0;
    row = json_array_get(rows, first);
    return task_problem(
        out, err, 2 * wrong > (int64_t)n,
        "%s rates the rejected answer above the chosen one in %lld of %zu "
        "pairs, as in row %zu: %.3g for '%s', %.3g for '%s'",
        r->key, (long long)wrong, n, first + 1, bad[first],
        task_excerpt(a, rows_text(row, "rejected")), good[first],
        task_excerpt(b, rows_text(row, "chosen")));
}

static int
check_rule_pairs(trv_task_report *out, const struct rule *r,
                 const struct task *t, trv_err *err)
{
    const json_t *rows = t->sets[SPLIT_PAIRS].list;
    const size_t n = json_array_size(rows);
    double *x = n ? mem_calloc(2 * n, sizeof(*x)) : NULL;
    int rc;

    if (!n)
        return 0;
    rc = x ? rate_all(r, x, rows, "chosen", err)
           : err_nomem(err, "to check a task");
    if (!rc)
        rc = rate_all(r, x + n, rows, "rejected", err);
    if (!rc)
        rc = check_pairs(out, r, rows, x, x + n, err);
    mem_free(x);
    return rc;
}

/* ---- the whole ----------------------------------------------------------- */

/* A rule that cannot rate a row says why: the task is of no use then. */
static int
report_failure(trv_task_report *out, const struct rule *r, int rc,
               const trv_err *why, trv_err *err)
{
    if (rc == TRV_ENOMEM || rc == TRV_ECANCELED)
        return err_fail(err, rc, "%s", why->msg);
    return task_problem(out, err, true, "%s: %s", r->key, why->msg);
}

static int
check_rules(trv_task_report *out, const struct task *t, const struct rule *a,
            const struct rule *b, double *x, double *y, trv_err *err)
{
    const json_t *rows = t->sets[SPLIT_HELDOUT].list;
    trv_err why = {0};
    int rc = 0;

    if (a->v) {
        rc = rate_all(a, x, rows, "completion", &why);
        if (rc)
            return report_failure(out, a, rc, &why, err);
        rc = check_right(out, a, rows, x, err);
    }
    if (!rc && b->v) {
        rc = rate_all(b, y, rows, "completion", &why);
        if (rc)
            return report_failure(out, b, rc, &why, err);
    }
    if (!rc && b->spec)
        rc = check_same(out, a, b, x, y, json_array_size(rows), err);
    if (rc || !a->v)
        return rc;
    rc = check_rule_pairs(out, a, t, &why);
    return rc ? report_failure(out, a, rc, &why, err) : 0;
}

static const char *
text_at(const json_t *obj, const char *key)
{
    return json_string_value(json_object_get(obj, key));
}

int
task_check_rewards(trv_task_report *out, const struct task *t, bool runs,
                   trv_err *err)
{
    struct rule rules[] = {
        {"reward", text_at(t->conf, "reward"), NULL},
        {"second_reward", text_at(t->conf, "second_reward"), NULL},
        {"metric", text_at(json_object_get(t->conf, "metric"), "spec"), NULL},
        {NULL, NULL, NULL}};
    const size_t n = (size_t)t->rows[SPLIT_HELDOUT];
    double *x = mem_array(2 * n, sizeof(*x));
    int rc = x ? 0 : err_nomem(err, "to check a task");

    for (size_t i = 0; x && i < 2 * n; i++)
        x[i] = (double)NAN;
    for (int i = 0; i < 3 && !rc; i++)
        rc = rule_open(&rules[i], t, runs, err);
    if (!rc)
        rc = check_rules(out, t, &rules[0], &rules[1], x, x + n, err);
    if (!rc && rules[2].v)
        rc = check_rules(out, t, &rules[2], &rules[3], x, x + n, err);
    for (int i = 0; i < 3; i++)
        verifier_free(rules[i].v);
    mem_free(x);
    return rc;
}
