/* ranks.c -- scores of the answers that were drawn. */
#include "measure/ranks.h"

#include <math.h>
#include <string.h>

#include "adapt/reward/reward.h"
#include "measure/answers_drawn.h"
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
    const struct reward_watch watch = {report_scores, m};
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

/* mean[i] = the task's mean reward of a side's answers to item i. */
static int
score_task(struct measure *m, double *mean, enum side side, trv_err *err)
{
    const struct reward_watch watch = {report_scores, m};
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
        mean[i] = 0.0;
        for (int64_t j = 0; j < k; j++)
            mean[i] += score[i * k + j] / (double)k;
    }
    sb_release(&text);
    mem_free(score);
    mem_free(answers);
    return rc;
}

/* What compares the score views. */
int
ranks_scores(struct measure *m, trv_measurement *out, int64_t k, trv_err *err)
{
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
    out->rank_tau = stats_bounded(tau, m->n, -1.0, 1.0);
    out->pair_accuracy = stats_bounded(pairs, m->n, 0.0, 1.0);
    out->pearson = stats_pearson(score[SIDE_A], score[SIDE_B], m->n, k);
done:
    mem_free(x);
    return rc;
}

int
ranks_task(struct measure *m, trv_measurement *out, trv_err *err)
{
    trv_figure *const figure[SIDES] = {&out->task_base, &out->task_source,
                                       &out->task_target};
    double *mean;
    int rc;

    if (!m->task)
        return 0;
    mean = mem_calloc((size_t)m->n, sizeof(*mean));
    rc = mean ? 0 : err_fail(err, TRV_ENOMEM, "no memory for the figures");
    stage_begin(m, "scoring the task", "answers",
                m->n * (m->per_side[SIDE_BASE] + m->per_side[SIDE_A] +
                        m->per_side[SIDE_B]));
    for (int s = 0; s < SIDES && !rc; s++) {
        if (m->per_side[s] == 0)
            continue;
        rc = score_task(m, mean, (enum side)s, err);
        if (!rc)
            *figure[s] = stats_mean(mean, m->n);
    }
    mem_free(mean);
    return rc;
}
