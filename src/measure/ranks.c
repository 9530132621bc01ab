/* ranks.c -- scores of the answers that were drawn. */
#include "measure/ranks.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

#include "adapt/reward/reward.h"
#include "adapt/reward/verifier.h"
#include "measure/answers_drawn.h"
#include "measure/plan.h"
#include "measure/stats.h"

/* Candidate `column` of an item: the base's answers, then the other side's. */
static const struct drawn *
candidate(const struct measure *m, int64_t item, int64_t column)
{
    const struct item *it = &m->items[item];
    const int64_t n_base = m->per_side[SIDE_BASE];

    return column < n_base ? &it->from[SIDE_BASE][column]
                           : &it->from[m->second][column - n_base];
}

static bool
report_scores(void *payload, int64_t done, int64_t total)
{
    const struct measure *m = payload;

    (void)total;
    return stage_report(m, m->stage_done + done);
}

/* An answer that was drawn, as what a reward takes, still without its words. */
static struct reward_item
answer_of(const struct measure *m, int64_t item, const struct drawn *y)
{
    return (struct reward_item){
        .row = m->items[item].row, .ids = y->ids, .n_ids = y->n};
}

/* Give n answers their words; `text` takes them. */
static int
decode_answer(struct reward_item *answers, int64_t n, struct strbuf *text,
              const struct measure *m, trv_err *err)
{
    size_t *at = mem_calloc((size_t)n + 1, sizeof(*at));
    int rc = at ? 0 : err_fail(err, TRV_ENOMEM, "no memory for the scores");

    for (int64_t i = 0; i < n && !rc; i++) {
        rc = tokenizer_decode(m->s->model->tokenizer, text, answers[i].ids,
                              answers[i].n_ids, true, err);
        at[i + 1] = text->len;
    }
    for (int64_t i = 0; i < n && !rc; i++) { // the buffer stands now
        answers[i].text = text->s ? text->s + at[i] : "";
        answers[i].n_text = at[i + 1] - at[i];
    }
    mem_free(at);
    return rc;
}

/* score[s][i * k + c]: the score of candidate c by side s, from the same
 * function as every other score (adapt/reward). */
static int
score_sides(struct measure *m, double *const score[SIDES], int64_t k,
            trv_err *err)
{
    const struct reward_watch watch = {.progress = report_scores, .payload = m};
    struct reward_item *answers =
        mem_calloc((size_t)(m->n * k), sizeof(*answers));
    struct strbuf text = {0};
    int rc =
        answers ? 0 : err_fail(err, TRV_ENOMEM, "no memory for the scores");

    for (int64_t i = 0; i < m->n * k && !rc; i++)
        answers[i] = answer_of(m, i / k, candidate(m, i / k, i % k));
    if (!rc)
        rc = decode_answer(answers, m->n * k, &text, m, err);
    for (int s = SIDE_A; s <= SIDE_B && !rc; s++) {
        struct adaptation *a = m->side[s];

        /* The base differs from itself by nothing. */
        if (a && a->kind != KIND_BASE)
            rc = reward_score(m->s, a, score[s], NULL, answers, m->n * k,
                              &watch, err);
        m->stage_done += m->n * k;
    }
    sb_release(&text);
    mem_free(answers);
    return rc;
}

/* An answer that was drawn twice is a tie, though it was scored in two passes
 * whose last bits may differ. */
static void
tie_equal_answers(const struct measure *m, double *score, int64_t k)
{
    for (int64_t i = 0; i < m->n; i++)
        for (int64_t c = 1; c < k; c++)
            for (int64_t e = 0; e < c; e++) {
                const struct drawn *x = candidate(m, i, c);
                const struct drawn *y = candidate(m, i, e);

                if (x->n != y->n ||
                    memcmp(x->ids, y->ids, (size_t)x->n * sizeof(*x->ids)) != 0)
                    continue;
                score[i * k + c] = score[i * k + e];
                break;
            }
}

/* Rewards of each side's answers to the task: [n] means, and whether all values
 * lie between 0 and 1 as shares do. */
struct task_scores {
    double *mean[SIDES];
    bool is_share;
};

/* Is the reward a share by what it is? Any program may call a share what it
 * prints; a value of 0 or 1 alone is one. */
static bool
is_share(const struct adaptation *task)
{
    return task->kind == KIND_VERIFIER &&
           !verifier_runs(task->reward->verifier);
}

/* The task's mean rewards of a side's answers to each item. */
static int
score_task(struct measure *m, struct task_scores *t, enum side side,
           trv_err *err)
{
    const struct reward_watch watch = {.progress = report_scores, .payload = m};
    const int64_t k = m->per_side[side], n = m->n * k;
    struct reward_item *answers = mem_calloc((size_t)n, sizeof(*answers));
    double *score = mem_calloc((size_t)n, sizeof(*score));
    struct strbuf text = {0};
    int rc = answers && score
                 ? 0
                 : err_fail(err, TRV_ENOMEM, "no memory for the scores");

    for (int64_t i = 0; i < n && !rc; i++)
        answers[i] = answer_of(m, i / k, &m->items[i / k].from[side][i % k]);
    if (!rc)
        rc = decode_answer(answers, n, &text, m, err);
    if (!rc)
        rc = reward_score(m->s, m->task, score, NULL, answers, n, &watch, err);
    m->stage_done += n;
    for (int64_t i = 0; i < m->n && !rc; i++) {
        for (int64_t j = 0; j < k; j++) {
            const double x = score[i * k + j];

            t->mean[side][i] += x / (double)k;
            t->is_share =
                t->is_share && (is_share(m->task) || x == 0.0 || x == 1.0);
        }
    }
    sb_release(&text);
    mem_free(score);
    mem_free(answers);
    return rc;
}

/* What compares the score views. */
int
ranks_scores(struct measure *m, trv_measurement *out, trv_err *err)
{
    const int64_t k = m->candidates;
    double *x = mem_calloc((size_t)m->n * (size_t)(2 + 2 * k), sizeof(*x));
    double *tau = x, *pairs = x + m->n;
    double *const score[SIDES] = {NULL, x + 2 * m->n, x + (2 + k) * m->n};
    int rc = x ? 0 : err_fail(err, TRV_ENOMEM, "no memory for the figures");

    if (!rc)
        rc = score_sides(m, score, k, err);
    if (rc)
        goto done;
    tie_equal_answers(m, score[SIDE_A], k);
    tie_equal_answers(m, score[SIDE_B], k);
    for (int64_t i = 0; i < m->n; i++)
        stats_ranks(&tau[i], &pairs[i], score[SIDE_A] + i * k,
                    score[SIDE_B] + i * k, k);
    if (m->asked & ASKED(rank_tau))
        out->rank_tau = stats_bounded(tau, m->n, -1.0, 1.0);
    if (m->asked & ASKED(pair_accuracy))
        out->pair_accuracy = stats_bounded(pairs, m->n, 0.0, 1.0);
    if (m->asked & ASKED(pearson))
        out->pearson = stats_pearson(score[SIDE_A], score[SIDE_B], m->n, k);
done:
    mem_free(x);
    return rc;
}

/* The side whose answers count as those of `side`. */
static enum side
answers_of(const struct measure *m, enum side side)
{
    const struct adaptation *a = m->side[side];

    return !a || a->kind == KIND_BASE ? SIDE_BASE : side;
}

static void
fill_task(trv_measurement *out, const struct measure *m,
          const struct task_scores *t, double *gain)
{
    static const struct {
        unsigned bit;
        enum side side;
        size_t offset;
    } figures[] = {
        {ASKED(task_base), SIDE_BASE, offsetof(trv_measurement, task_base)},
        {ASKED(task_source), SIDE_A, offsetof(trv_measurement, task_source)},
        {ASKED(task_target), SIDE_B, offsetof(trv_measurement, task_target)},
    };
    const double *base = t->mean[SIDE_BASE], *of = t->mean[m->priced];

    for (int f = 0; f < 3; f++) {
        const double *x = t->mean[answers_of(m, figures[f].side)];
        trv_figure *to =
            (trv_figure *)(void *)((char *)out + figures[f].offset);

        if (m->asked & figures[f].bit)
            *to = t->is_share ? stats_bounded(x, m->n, 0.0, 1.0)
                              : stats_mean(x, m->n);
    }
    if (!(m->asked & ASKED(task_gain)))
        return;
    for (int64_t i = 0; i < m->n; i++)
        gain[i] = of[i] - base[i];
    out->task_gain = t->is_share ? stats_bounded(gain, m->n, -1.0, 1.0)
                                 : stats_mean(gain, m->n);
}

int
ranks_task(struct measure *m, trv_measurement *out, trv_err *err)
{
    struct task_scores t = {.is_share = true};
    double *x;
    int64_t total = 0;
    int rc;

    if (!(m->asked & ASKED_TASK))
        return 0;
    x = mem_calloc((size_t)m->n * (SIDES + 1), sizeof(*x));
    rc = x ? 0 : err_fail(err, TRV_ENOMEM, "no memory for the figures");
    for (int s = 0; s < SIDES; s++) {
        t.mean[s] = x + s * m->n;
        total += plan_has_task(m, (enum side)s) * m->n * m->per_side[s];
    }
    stage_begin(m, "scoring the task", "answers", total);
    for (int s = 0; s < SIDES && !rc; s++)
        if (plan_has_task(m, (enum side)s))
            rc = score_task(m, &t, (enum side)s, err);
    if (!rc)
        fill_task(out, m, &t, x + SIDES * m->n);
    mem_free(x);
    return rc;
}
