/* logratio.c -- passes over answers, each side's rows beside the other's. */
#include "adapt/reward/logratio.h"

#include <math.h>
#include <string.h>

#include "adapt/view.h"
#include "base/mem.h"
#include "model/sample/engine.h"
#include "text/example.h"

enum { PLUS, MINUS, SIDES };

/* Answers of one pass: contexts [SIDES][most], those of a row of data shared by
 * the answers to it, and their rows. */
struct pass {
    const struct data_row *row; // that the last contexts are of
    struct context *contexts[SIDES];
    struct answered *rows[SIDES];
    int64_t n_contexts, n, tokens;
};

int
reward_report(const struct reward_watch *watch, int64_t done, int64_t total,
              trv_err *err)
{
    if (!watch || !watch->progress ||
        watch->progress(watch->payload, done, total))
        return 0;
    return err_fail(err, TRV_ECANCELED, "scoring was stopped");
}

static void
pass_reset(struct pass *p)
{
    for (int64_t i = 0; i < p->n_contexts; i++)
        for (int k = PLUS; k < SIDES; k++)
            conditioning_release(&p->contexts[k][i]);
    *p = (struct pass){0};
}

static int
pass_begin(struct pass *p, struct arena *a, int64_t most, trv_err *err)
{
    for (int k = PLUS; k < SIDES; k++) {
        p->contexts[k] = arena_alloc(a, (size_t)most * sizeof(struct context));
        p->rows[k] = arena_alloc(a, (size_t)most * sizeof(struct answered));
        if (!p->contexts[k] || !p->rows[k])
            return err_fail(err, TRV_ENOMEM, "no memory to score answers");
    }
    return 0;
}

/* The contexts of an item's row, unless the last ones are. */
static int
see_row(struct pass *p, struct session *s, const struct logratio *q,
        const struct data_row *row, trv_err *err)
{
    struct context *const plus = &p->contexts[PLUS][p->n_contexts];
    struct context *const minus = &p->contexts[MINUS][p->n_contexts];
    int rc;

    if (p->row == row)
        return 0;
    *plus = *minus = (struct context){0};
    p->n_contexts++; // they are released with the rest from here on
    rc = view_open(plus, s, q->plus, row, err);
    if (!rc && !q->alone)
        rc = view_open(minus, s, q->minus, row, err);
    if (!rc)
        p->row = row;
    return rc;
}

/* Add an answer to the pass; *full where it does not fit any more. */
static int
add_item(bool *full, struct pass *p, struct session *s,
         const struct logratio *q, const struct reward_item *item, trv_err *err)
{
    const int sides = q->alone ? 1 : SIDES;
    int64_t tokens = 0;
    int rc = see_row(p, s, q, item->row, err);

    for (int k = PLUS; k < sides && !rc; k++) {
        const struct context *c = &p->contexts[k][p->n_contexts - 1];

        p->rows[k][p->n] = (struct answered){c, item->ids, item->n_ids};
        tokens += pass_tokens(&p->rows[k][p->n], 1);
        if (item->n_ids - 1 >
            conditioning_left(c)) // the last is only predicted
            rc = data_row_fail(item->row, err, TRV_ETOOLONG,
                               "an answer of %lld tokens does not fit the "
                               "context behind %lld",
                               (long long)item->n_ids,
                               (long long)conditioning_length(c));
    }
    *full = p->n > 0 && p->tokens + tokens > ENGINE_TOKENS;
    if (rc || *full)
        return rc;
    p->tokens += tokens;
    p->n++;
    return 0;
}

/* logp[k] takes the log-probabilities of all answers, end to end. */
static int
run_pass(float *logp[SIDES], struct pass *p, struct arena *a,
         const struct logratio *q, trv_err *err)
{
    const int64_t sides = q->alone ? 1 : SIDES;
    struct answered *rows =
        arena_alloc(a, (size_t)(sides * p->n) * sizeof(*rows));
    struct head_side run[SIDES];
    int32_t *target;
    int64_t n = 0;
    int rc = rows ? 0 : TRV_ENOMEM;

    for (int64_t i = 0; i < p->n; i++)
        n += p->rows[PLUS][i].n;
    target = arena_alloc(a, (size_t)n * sizeof(*target));
    for (int k = 0; k < sides && !rc; k++) {
        memcpy(rows + k * p->n, p->rows[k], (size_t)p->n * sizeof(*rows));
        logp[k] = arena_f32(a, n, 1);
        rc = logp[k] ? 0 : TRV_ENOMEM;
    }
    if (rc || !target)
        return err_fail(err, TRV_ENOMEM, "no memory to score answers");
    rc = pass_forward(run, target, a, sides, rows, p->n, err);
    for (int k = 0; k < sides && !rc; k++)
        rc = q->worth ? q->worth(logp[k], a, &run[k], target, p->rows[k], p->n,
                                 q->factor, err)
                      : head_score(a, logp[k], NULL, &run[k], target, n, err);
    return rc;
}

/* The score of an item whose log-probabilities begin at `at`. */
static int
take_item(double *score, double *token, const struct logratio *q,
          float *const logp[SIDES], int64_t at, const struct reward_item *item,
          trv_err *err)
{
    double sum[SIDES] = {0};

    for (int64_t t = 0; t < item->n_ids; t++) {
        const double plus = (double)logp[PLUS][at + t];
        const double minus = q->alone ? 0.0 : (double)logp[MINUS][at + t];

        sum[PLUS] += plus;
        sum[MINUS] += minus;
        if (token)
            token[t] = q->beta * (plus - minus);
    }
    *score = q->beta * (sum[PLUS] - sum[MINUS]);
    if (isfinite(*score))
        return 0;
    return data_row_fail(item->row, err, TRV_ENONFINITE,
                         "the model gives the answer a value that is not "
                         "finite");
}

/* Score items that fit one pass; *done takes how many. */
static int
score_pass(struct session *s, const struct logratio *q, double *score,
           double *const *token, const struct reward_item *items, int64_t n,
           int64_t *done, trv_err *err)
{
    const int64_t most = n < ENGINE_TOKENS ? n : ENGINE_TOKENS;
    float *logp[SIDES];
    struct pass p = {0};
    int64_t at = 0;
    bool full = false;
    int rc;

    arena_reset(&s->arena);
    rc = pass_begin(&p, &s->arena, most, err);
    for (*done = 0; *done < most && !rc && !full; *done += !full)
        if (items[*done].n_ids > 0) // else there is no token to score
            rc = add_item(&full, &p, s, q, &items[*done], err);
    if (!rc && p.n > 0)
        rc = run_pass(logp, &p, &s->arena, q, err);
    for (int64_t i = 0; i < *done && !rc; i++) {
        score[i] = 0.0;
        if (items[i].n_ids == 0)
            continue;
        rc = take_item(&score[i], token ? token[i] : NULL, q, logp, at,
                       &items[i], err);
        at += items[i].n_ids;
    }
    pass_reset(&p);
    return rc;
}

int
logratio_score(struct session *s, const struct logratio *q, double *score,
               double *const *token, const struct reward_item *items, int64_t n,
               const struct reward_watch *watch, trv_err *err)
{
    int64_t from = 0, done = 0;
    int rc = 0;

    while (from < n && !rc) {
        rc = score_pass(s, q, score + from, token ? token + from : NULL,
                        items + from, n - from, &done, err);
        from += done;
        if (!rc)
            rc = reward_report(watch, from, n, err);
    }
    return rc;
}

/* ---- of adaptations ----------------------------------------------------- */

static int
score_logratio(struct session *s, struct logratio q, struct adaptation *plus,
               struct adaptation *minus, double *score, double *const *token,
               const struct reward_item *items, int64_t n,
               const struct reward_watch *watch, trv_err *err)
{
    int rc = view_ready(plus, s->be, err);

    if (!rc)
        rc = view_ready(minus, s->be, err);
    q.plus = plus;
    q.minus = minus;
    return rc ? rc : logratio_score(s, &q, score, token, items, n, watch, err);
}

/* What a template puts behind the end of a turn was not sampled; an answer that
 * did not end here has no end there either. */
static void
cut_behind_end(struct example *e, const struct model *there, bool ended)
{
    int64_t n = e->ids.n;

    while (n > e->n_context && !model_ends_text(there, e->ids.v[n - 1]))
        n--;
    if (n > e->n_context)
        e->ids.n = ended ? n : n - 1;
}

/* An answer in the tokens of another model, its end included where it has one
 * here. */
static int
ids_abroad(struct ids *out, const struct session *s, const struct model *there,
           const struct reward_item *item, trv_err *err)
{
    const struct text_rules rules = model_text_rules(there);
    const bool ended = item->n_ids > 0 &&
                       model_ends_text(s->model, item->ids[item->n_ids - 1]);
    json_t *text = json_stringn(item->text, item->n_text);
    struct example e = {0};
    int rc = 0;

    if (!text)
        rc = data_row_fail(item->row, err, TRV_EINVAL,
                           "the answer is not UTF-8");
    if (!rc)
        rc = example_context(&e, &rules, item->row, NULL, NULL, err);
    if (!rc)
        rc = example_append(&e, &rules, item->row, text, err);
    if (!rc)
        cut_behind_end(&e, there, ended);
    if (!rc && ids_append(out, e.ids.v + e.n_context, e.ids.n - e.n_context))
        rc = err_fail(err, TRV_ENOMEM, "no memory to score answers");
    example_release(&e);
    json_decref(text);
    return rc;
}

/* A ratio that another model takes, of the same texts in its own tokens. */
static int
score_abroad(struct session *s, const struct reward *r, double *score,
             const struct reward_item *items, int64_t n,
             const struct reward_watch *watch, trv_err *err)
{
    struct ids *ids = mem_calloc((size_t)n, sizeof(*ids));
    struct reward_item *there = mem_calloc((size_t)n, sizeof(*there));
    int rc = ids && there
                 ? 0
                 : err_fail(err, TRV_ENOMEM, "no memory to score answers");

    r->home->be = s->be;
    for (int64_t i = 0; i < n && !rc; i++) {
        rc = ids_abroad(&ids[i], s, r->home->model, &items[i], err);
        there[i] = items[i];
        there[i].ids = ids[i].v;
        there[i].n_ids = ids[i].n;
    }
    if (!rc)
        rc = score_logratio(r->home, (struct logratio){.beta = r->beta},
                            r->plus, NULL, score, NULL, there, n, watch, err);
    for (int64_t i = 0; ids && i < n; i++)
        ids_release(&ids[i]);
    mem_free(ids);
    mem_free(there);
    return rc;
}

int
reward_logp(struct session *s, struct adaptation *a, double *score,
            double *const *token, const struct reward_item *items, int64_t n,
            const struct reward_watch *watch, trv_err *err)
{
    TRV_ASSERT(!a || a->form != FORM_REWARD);
    return score_logratio(s, (struct logratio){.beta = 1, .alone = true}, a,
                          NULL, score, token, items, n, watch, err);
}

int
logratio_of_base(struct session *s, struct adaptation *a, double *score,
                 double *const *token, const struct reward_item *items,
                 int64_t n, const struct reward_watch *watch, trv_err *err)
{
    (void)a;
    return reward_logp(s, NULL, score, token, items, n, watch, err);
}

int
logratio_of_adaptation(struct session *s, struct adaptation *a, double *score,
                       double *const *token, const struct reward_item *items,
                       int64_t n, const struct reward_watch *watch,
                       trv_err *err)
{
    return score_logratio(s, (struct logratio){.beta = 1}, a, NULL, score,
                          token, items, n, watch, err);
}

int
logratio_of_sides(struct session *s, struct adaptation *a, double *score,
                  double *const *token, const struct reward_item *items,
                  int64_t n, const struct reward_watch *watch, trv_err *err)
{
    const struct reward *r = a->reward;

    TRV_ASSERT(!token || !r->home);
    if (r->home)
        return score_abroad(s, r, score, items, n, watch, err);
    return score_logratio(s, (struct logratio){.beta = r->beta}, r->plus,
                          r->minus, score, token, items, n, watch, err);
}
