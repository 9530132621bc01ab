/* measure.c -- sampling, passes and figures of a measurement. */
#include "measure/measure.h"

#include <math.h>
#include <string.h>

#include "adapt/reward/reward.h"
#include "base/clock.h"
#include "measure/examples.h"
#include "measure/stats.h"
#include "model/sample/engine.h"
#include "model/decoder/pass.h"

/* The three sides of a measurement. */
enum side { SIDE_BASE, SIDE_A, SIDE_B, SIDES };

/* One answer to an input. */
struct drawn {
    int32_t *ids;
    int64_t n;
};

/* An input with its contexts under each side and the answers drawn for it. */
struct item {
    const struct data_row *row; // borrowed from the inputs
    struct context context[SIDES];
    struct drawn *from[SIDES]; // [per_side[side]]
};

struct measure {
    struct session *s;
    struct decoder *d;
    struct adaptation *side[SIDES];
    struct adaptation *task; // a reward, or NULL
    const trv_measure_options *opts;
    trv_progress_fn progress;
    void *payload;
    struct item *items;
    int64_t n, dropped;
    int64_t per_side[SIDES]; // answers of each side to an input
    bool acts[SIDES];        // it has a distribution: all but rewards
    enum side second;        // whose answers are candidates beside the base's
    double seconds[SIDES];   // of sampling
    double drawn_tokens[SIDES];
    double began, stage_began, stage_tokens; // when the stage began
    const char *stage, *unit;
    int64_t stage_done, stage_total;
};

static void
begin_stage(struct measure *m, const char *stage, const char *unit,
            int64_t total)
{
    m->stage = stage;
    m->unit = unit;
    m->stage_done = 0;
    m->stage_total = total;
    m->stage_began = clock_now();
    m->stage_tokens = m->d->tokens;
}

static bool
report(const struct measure *m, int64_t done)
{
    const trv_progress p = {.stage = m->stage,
                            .done = done,
                            .total = m->stage_total,
                            .unit = m->unit,
                            .tokens = m->d->tokens - m->stage_tokens,
                            .loss = (double)NAN,
                            .seconds = clock_now() - m->stage_began};

    return !m->progress || m->progress(&p, m->payload);
}

static bool
report_inputs(void *payload, int64_t done, double tokens)
{
    (void)tokens;
    return report(payload, done);
}

static int
canceled(trv_err *err)
{
    return err_fail(err, TRV_ECANCELED, "the measurement was stopped");
}

static bool
on_drawn(void *payload, int64_t rows_done, int64_t tokens)
{
    const struct measure *m = payload;

    (void)tokens;
    return report(m, m->stage_done + rows_done);
}

static void
items_release(struct measure *m)
{
    for (int64_t i = 0; m->items && i < m->n; i++)
        for (int s = 0; s < SIDES; s++) {
            context_release(&m->items[i].context[s]);
            for (int64_t k = 0; m->items[i].from[s] && k < m->per_side[s]; k++)
                mem_free(m->items[i].from[s][k].ids);
            mem_free(m->items[i].from[s]);
        }
    mem_free(m->items);
    m->items = NULL;
    m->n = 0;
}

static int
fill_items(struct measure *m, const struct inputs *in, trv_err *err)
{
    const int64_t most = m->opts->max_inputs;
    int64_t shortest = INT64_MAX, shortest_alone = 0; // for the message
    int rc = 0;

    m->items = mem_calloc((size_t)(in->data.n < most ? in->data.n : most),
                          sizeof(*m->items));
    if (!m->items)
        return err_fail(err, TRV_ENOMEM, "no memory for %lld inputs",
                        (long long)in->data.n);
    m->n = m->dropped = 0;
    for (int64_t i = 0; i < in->data.n && m->n < most && !rc; i++) {
        struct item *it = &m->items[m->n];
        bool fits = true;
        int64_t longest = 0;

        m->n++; // its parts are released with the rest
        it->row = &in->data.rows[i];
        for (int s = 0; s < SIDES && !rc; s++) {
            rc = view_open(&it->context[s], m->s, m->side[s], &in->data.rows[i],
                           err);
            if (rc)
                break;
            fits = fits && context_room(&it->context[s]) >= 1;
            if (context_length(&it->context[s]) > longest)
                longest = context_length(&it->context[s]);
        }
        if (!rc && longest < shortest) {
            shortest = longest;
            shortest_alone = context_length(&it->context[SIDE_BASE]);
        }
        if (rc || fits)
            continue;
        for (int s = 0; s < SIDES; s++)
            context_release(&it->context[s]);
        m->n--;
        m->dropped++;
    }
    if (!rc && m->n == 0)
        rc = err_fail(err, TRV_ETOOLONG,
                      "no input of '%s' leaves room for an answer in the "
                      "context of %lld: the shortest takes %lld tokens with "
                      "the prompt and %lld without",
                      in->data.path, (long long)m->d->cfg->context,
                      (long long)shortest, (long long)shortest_alone);
    return rc;
}

/* Answers of one side to every input. An answer stops where any side's context
 * would be full, so that all three can score it. */
static int
draw_side(struct measure *m, enum side side, trv_err *err)
{
    const int64_t k = m->per_side[side], total = m->n * k;
    struct sampled_context *rows = mem_calloc((size_t)total, sizeof(*rows));
    struct sample_out *outs = mem_calloc((size_t)total, sizeof(*outs));
    struct sample_options so = {.sampling = SAMPLING_INIT,
                                .max_tokens = m->opts->max_tokens,
                                .seed = m->opts->seed,
                                .on_progress = on_drawn,
                                .payload = m};
    const double began = clock_now();
    int rc = 0;

    if (!rows || !outs) {
        rc = err_fail(err, TRV_ENOMEM, "no memory for %lld answers",
                      (long long)total);
        goto done;
    }
    so.sampling.vocab = tokenizer_size(m->s->model->tokenizer);
    for (int64_t i = 0; i < total; i++)
        rows[i] =
            (struct sampled_context){&m->items[i / k].context[side],
                                     ((uint64_t)side << 40) + (uint64_t)i};
    arena_reset(&m->s->arena);
    rc = engine_sample_contexts(&m->s->arena, outs, rows, total, &so, err);
    for (int64_t i = 0; i < m->n && !rc; i++) {
        struct item *it = &m->items[i];
        int64_t fit = INT64_MAX;

        for (int s = 0; s < SIDES; s++)
            if (context_room(&it->context[s]) < fit)
                fit = context_room(&it->context[s]);
        it->from[side] = mem_calloc((size_t)k, sizeof(struct drawn));
        if (!it->from[side]) {
            rc = err_fail(err, TRV_ENOMEM, "no memory for answers");
            break;
        }
        for (int64_t j = 0; j < k; j++) {
            struct sample_out *o = &outs[i * k + j];

            m->drawn_tokens[side] += (double)o->n;
            it->from[side][j] = (struct drawn){o->ids, o->n < fit ? o->n : fit};
            o->ids = NULL;
        }
    }
    m->seconds[side] += clock_now() - began;
    m->stage_done += total;
done:
    for (int64_t i = 0; outs && i < total; i++)
        mem_free(outs[i].ids);
    mem_free(rows);
    mem_free(outs);
    return rc;
}

/* One answer to each of some items, under the sides of a mask. */
struct aligned {
    struct head_side side[SIDES];
    int32_t *target;
    int64_t n; // answer tokens of all items
};

static int
run_answers(struct aligned *out, struct measure *m, int64_t from, int64_t n,
            enum side drawn, int64_t which, unsigned sides, trv_err *err)
{
    struct arena *a = &m->s->arena;
    struct answered *rows = arena_alloc(a, (size_t)(n * SIDES) * sizeof(*rows));
    struct head_side run[SIDES] = {{0}};
    int64_t k = 0, n_sides = 0;
    int rc;

    *out = (struct aligned){0};
    for (int64_t i = 0; i < n; i++)
        out->n += m->items[from + i].from[drawn][which].n;
    out->target = arena_alloc(a, (size_t)out->n * sizeof(*out->target));
    if (!rows || !out->target)
        return err_fail(err, TRV_ENOMEM, "no memory for a pass");
    for (int s = 0; s < SIDES; s++) {
        n_sides += sides >> s & 1u;
        for (int64_t i = 0; i < n && (sides >> s & 1u); i++) {
            const struct item *it = &m->items[from + i];
            const struct drawn *y = &it->from[drawn][which];

            rows[k++] = (struct answered){&it->context[s], y->ids, y->n};
        }
    }
    rc = pass_forward(run, out->target, a, n_sides, rows, n, err);
    k = 0;
    for (int s = 0; s < SIDES; s++)
        if (sides >> s & 1u)
            out->side[s] = run[k++];
    return rc;
}

/* How many items from `from` on make one pass. */
static int64_t
pass_items(const struct measure *m, int64_t from, enum side drawn,
           int64_t which, unsigned sides)
{
    int64_t n = 0, tokens = 0;

    while (from + n < m->n) {
        const struct item *it = &m->items[from + n];
        const struct drawn *y = &it->from[drawn][which];
        int64_t t = 0;

        for (int s = 0; s < SIDES; s++)
            if (sides >> s & 1u)
                t += pass_tokens(
                    &(struct answered){&it->context[s], y->ids, y->n}, 1);
        if (n > 0 && tokens + t > ENGINE_TOKENS)
            break;
        tokens += t;
        n++;
    }
    return n;
}

static int
nonfinite(const struct measure *m, int64_t item, trv_err *err)
{
    return err_fail(err, TRV_ENONFINITE,
                    "the model gave a value that is not finite at input %lld "
                    "of %lld",
                    (long long)item + 1, (long long)m->n);
}

/* out[i] = mean over item i's answer tokens of value. Statistics leave out what
 * is not a number, so here it must stop the measurement. */
static int
per_item_means(double *out, const struct measure *m, int64_t from, int64_t n,
               enum side drawn, const float *value, const unsigned char *flag,
               trv_err *err)
{
    int64_t k = 0;

    for (int64_t i = from; i < from + n; i++) {
        const int64_t len = m->items[i].from[drawn][0].n;
        double sum = 0.0;

        for (int64_t j = 0; j < len; j++, k++)
            sum += value ? (double)value[k] : (double)flag[k];
        if (!isfinite(sum))
            return nonfinite(m, i, err);
        out[i] = sum / (double)len;
    }
    return 0;
}

/* KL(p || q) along the answers of p's side; `also`: KL(p || other) too. */
static int
walk_kl(struct measure *m, double *kl, double *agree, double *kl_other,
        enum side p, enum side q, enum side other, trv_err *err)
{
    const unsigned sides = 1u << p | 1u << q | (kl_other ? 1u << other : 0u);
    int64_t from = 0;
    int rc = 0;

    while (from < m->n && !rc) {
        const int64_t n = pass_items(m, from, p, 0, sides);
        struct arena *a = &m->s->arena;
        struct aligned al;
        float *value;
        unsigned char *same;

        arena_reset(a);
        rc = run_answers(&al, m, from, n, p, 0, sides, err);
        if (rc)
            break;
        value = arena_f32(a, al.n, 1);
        same = arena_alloc(a, (size_t)al.n);
        if (!value || !same)
            return err_fail(err, TRV_ENOMEM, "no memory for a pass");
        rc = head_compare(a, value, same, &al.side[p], &al.side[q], al.n,
                          DIV_FORWARD, err);
        if (!rc)
            rc = per_item_means(kl, m, from, n, p, value, NULL, err);
        if (!rc && agree)
            rc = per_item_means(agree, m, from, n, p, NULL, same, err);
        if (!rc && kl_other) {
            rc = head_compare(a, value, NULL, &al.side[p], &al.side[other],
                              al.n, DIV_FORWARD, err);
            if (!rc)
                rc = per_item_means(kl_other, m, from, n, p, value, NULL, err);
        }
        from += n;
        if (!rc && !report(m, m->stage_done + from))
            rc = canceled(err);
    }
    m->stage_done += m->n;
    return rc;
}

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
    return report(m, m->stage_done + done);
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
put_words(struct reward_item *answers, int64_t n, struct strbuf *text,
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

/* score[s][i * k + c]: what side s thinks of candidate c, by the one function
 * that scores (adapt/reward), so that nothing else can give other values. */
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
        rc = put_words(answers, m->n * k, &text, m, err);
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
        rc = put_words(answers, n, &text, m, err);
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

/* Examples are drawn apart from what is measured: the three sides share their
 * random numbers here, where the figures need them independent. */
static int
show_examples(struct measure *m, trv_measurement *out, trv_err *err)
{
    const int64_t n = m->opts->examples < m->n ? m->opts->examples : m->n;
    const struct context **contexts;
    int rc;

    if (n == 0 || !m->acts[SIDE_A] || !m->acts[SIDE_B])
        return 0;
    contexts = mem_calloc((size_t)n, sizeof(*contexts));
    out->examples = mem_calloc((size_t)n, sizeof(*out->examples));
    rc = contexts && out->examples
             ? 0
             : err_fail(err, TRV_ENOMEM, "no memory for %lld examples",
                        (long long)n);
    out->n_examples = rc ? 0 : (int32_t)n;
    begin_stage(m, "sampling examples", "answers", n * SIDES);
    for (int64_t i = 0; i < n && !rc; i++) // spread over all items
        rc = examples_input(&out->examples[i], m->items[i * m->n / n].row, err);
    for (int side = 0; side < SIDES && !rc; side++) {
        for (int64_t i = 0; i < n; i++)
            contexts[i] = &m->items[i * m->n / n].context[side];
        rc =
            examples_draw(out, side, m->s, contexts, m->opts, on_drawn, m, err);
        m->stage_done += n;
    }
    mem_free(contexts);
    return rc;
}

/* --- the figures --- */

/* What needs distributions on both sides. */
static int
measure_kl(struct measure *m, trv_measurement *out, trv_err *err)
{
    double *x = mem_calloc((size_t)m->n * 4, sizeof(*x));
    double *kl = x, *kl_base = x + m->n, *agree = x + 2 * m->n;
    double *back = x + 3 * m->n;
    int rc = x ? 0 : err_fail(err, TRV_ENOMEM, "no memory for the figures");

    if (!rc)
        rc = walk_kl(m, kl, agree, kl_base, SIDE_A, SIDE_B, SIDE_BASE, err);
    if (!rc)
        rc = walk_kl(m, back, NULL, NULL, SIDE_B, SIDE_A, SIDE_BASE, err);
    if (rc)
        goto done;
    out->kl_forward = stats_within(stats_mean(kl, m->n), 0.0, (double)INFINITY);
    out->kl_base =
        stats_within(stats_mean(kl_base, m->n), 0.0, (double)INFINITY);
    out->kl_reverse =
        stats_within(stats_mean(back, m->n), 0.0, (double)INFINITY);
    out->gap_closed =
        stats_within(stats_gap(kl, kl_base, m->n), (double)-INFINITY, 1.0);
    out->top1_agreement = stats_within(stats_mean(agree, m->n), 0.0, 1.0);
done:
    mem_free(x);
    return rc;
}

/* What compares the score views. */
static int
measure_scores(struct measure *m, trv_measurement *out, int64_t k, trv_err *err)
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
    out->rank_tau = stats_within(stats_mean(tau, m->n), -1.0, 1.0);
    out->pair_accuracy = stats_within(stats_mean(pairs, m->n), 0.0, 1.0);
    out->pearson = stats_within(
        stats_pearson(score[SIDE_A], score[SIDE_B], m->n, k), -1.0, 1.0);
done:
    mem_free(x);
    return rc;
}

static int
measure_task(struct measure *m, trv_measurement *out, trv_err *err)
{
    trv_figure *const figure[SIDES] = {&out->task_base, &out->task_source,
                                       &out->task_target};
    double *mean = mem_calloc((size_t)m->n, sizeof(*mean));
    int rc = mean ? 0 : err_fail(err, TRV_ENOMEM, "no memory for the figures");

    begin_stage(m, "scoring the task", "answers",
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

static int
measure_distance(struct measure *m, trv_measurement *out, trv_err *err)
{
    const bool both = m->acts[SIDE_A] && m->acts[SIDE_B];
    const int64_t k = m->opts->candidates;
    int rc = 0;

    begin_stage(m, "measuring", "answers", m->n * (2 * both + 2 * k));
    if (both)
        rc = measure_kl(m, out, err);
    return rc ? rc : measure_scores(m, out, k, err);
}

/* KL(base || B) on control inputs; where B is a prompt of messages they are
 * turns of a chat on both sides, or the chat's form would count as drift. */
static int
measure_drift(struct measure *m, trv_measurement *out, trv_err *err)
{
    const struct adaptation *b = m->side[SIDE_B];
    const bool chat = adaptation_is_chat(b);
    struct inputs in = {0};
    double *kl = NULL;
    int rc;

    items_release(m);
    begin_stage(m, "sampling control inputs", "inputs", m->opts->max_inputs);
    rc = inputs_open(&in, m->s,
                     &(struct inputs_options){.path = m->opts->control,
                                              .use = INPUTS_CONTROL,
                                              .chat = chat,
                                              .want = m->opts->max_inputs,
                                              .seed = m->opts->seed,
                                              .progress = report_inputs,
                                              .payload = m},
                     err);
    if (rc)
        return rc;
    for (int s = 0; s < SIDES; s++)
        m->per_side[s] = s == SIDE_BASE;
    rc = fill_items(m, &in, err);
    if (rc)
        goto done;
    begin_stage(m, "measuring drift", "answers", 2 * m->n);
    kl = mem_calloc((size_t)m->n, sizeof(*kl));
    if (!kl)
        rc = err_fail(err, TRV_ENOMEM, "no memory for the figures");
    if (!rc)
        rc = draw_side(m, SIDE_BASE, err);
    if (!rc)
        rc = walk_kl(m, kl, NULL, NULL, SIDE_BASE, SIDE_B, SIDE_BASE, err);
    if (!rc)
        out->drift = stats_within(stats_mean(kl, m->n), 0.0, (double)INFINITY);
done:
    mem_free(kl);
    inputs_release(&in);
    return rc;
}

static double
cache_bytes(const struct context *c)
{
    double bytes = 0.0;

    for (int64_t p = 0; p < c->n; p++) {
        const struct model_config *cfg = c->parts[p].d->cfg;

        bytes += (double)c->parts[p].n_ids * 2.0 * 4.0 *
                 (double)(cfg->layers * cfg->kv_heads * cfg->head_dim);
    }
    return bytes;
}

/* What a generated token reads beyond the base's own context: the keys and
 * values of further tokens, and the weights of terms and of other models. */
static double
added_bytes(const struct measure *m)
{
    const struct context *first = &m->items[0].context[SIDE_B];
    const double type = m->s->be->act_type == DT_F32 ? 4.0 : 2.0;
    double bytes = 0.0;

    for (int64_t p = 0; p < first->n; p++) {
        const struct context_part *part = &first->parts[p];

        if (part->terms && terms_virtual_count(part->terms) == 0)
            bytes += type * (double)terms_flat(part->terms).n;
        if (part->d != m->d)
            bytes += type * (double)model_params(part->d->model);
    }
    for (int64_t i = 0; i < m->n; i++) {
        const double base = cache_bytes(&m->items[i].context[SIDE_BASE]);

        bytes +=
            (cache_bytes(&m->items[i].context[SIDE_B]) - base) / (double)m->n;
    }
    return bytes;
}

static void
fill_cost(const struct measure *m, trv_measurement *out)
{
    const struct adaptation *b = m->side[SIDE_B];
    const double base = m->seconds[SIDE_BASE] / m->drawn_tokens[SIDE_BASE];
    const double with = m->seconds[SIDE_B] / m->drawn_tokens[SIDE_B];

    out->cost.added_seconds_per_token =
        m->per_side[SIDE_B] > 0 ? with - base : (double)NAN;
    out->cost.added_bytes_per_token =
        m->acts[SIDE_B] ? added_bytes(m) : (double)NAN;
    if (b && b->artefact.root)
        out->cost.artefact_bytes = artefact_bytes(&b->artefact);
    else if (view_terms(b))
        out->cost.artefact_bytes = terms_flat(&b->terms).n * 4;
    else if (b && b->kind == KIND_TEXT)
        out->cost.artefact_bytes = (int64_t)strlen(b->text);
}

/* What looks wrong, in words. */
static int
name_trouble(const struct measure *m, trv_measurement *out, int64_t dropped,
             trv_err *err)
{
    struct strbuf b = {0};
    int bad = 0;

    if (dropped > 0)
        bad |= sb_printf(&b,
                         "%lld inputs leave no room in the context of %lld and "
                         "were left out\n",
                         (long long)dropped, (long long)m->d->cfg->context);
    if (out->pair_accuracy.n == 0)
        bad |= sb_puts(&b, "one of the two scores all candidates alike: there "
                           "is nothing to compare\n");
    if (out->kl_base.n > 0 && out->kl_base.mean < 0.01)
        bad |= sb_puts(&b, "the source hardly differs from the base on these "
                           "inputs, so gap_closed says little\n");
    else if (out->gap_closed.n > 0 && out->gap_closed.mean < 0.0)
        bad |= sb_puts(&b, "the target is farther from the source than the "
                           "base is\n");
    else if (out->gap_closed.n > 0 &&
             out->gap_closed.high - out->gap_closed.low > 0.2)
        bad |= sb_puts(&b, "the interval of gap_closed is wide: measure on "
                           "more inputs\n");
    if (out->kl_forward.mean > 0.02 &&
        out->kl_reverse.mean > 3.0 * out->kl_forward.mean)
        bad |= sb_puts(&b, "the target says things that the source would not "
                           "(kl_reverse is far above kl_forward)\n");
    if (out->task_target.n > 0 && out->task_target.high < out->task_base.low)
        bad |= sb_puts(&b, "the target gets less of the task's reward than the "
                           "base does\n");
    if (out->drift.n > 0 && out->drift.mean > out->kl_base.mean)
        bad |= sb_puts(&b, "the target moves the control inputs more than the "
                           "source moves its own: drift is high\n");
    if (bad) {
        sb_release(&b);
        return err_fail(err, TRV_ENOMEM, "no memory for the report");
    }
    if (b.len) {
        b.s[b.len - 1] = '\0'; // the last line ends here
        out->trouble = sb_take(&b);
    }
    return 0;
}

static int
check_options(const trv_measure_options *o, trv_err *err)
{
    if (o->version != 1)
        return err_fail(err, TRV_EINVAL,
                        "measure options have version %u, not 1", o->version);
    if (o->max_inputs < 1)
        return err_fail(err, TRV_ERANGE, "max-inputs is %d, below 1",
                        o->max_inputs);
    if (o->max_tokens < 1)
        return err_fail(err, TRV_ERANGE, "max-tokens is %d, below 1",
                        o->max_tokens);
    if (o->candidates < 2 || o->candidates > 64)
        return err_fail(err, TRV_ERANGE, "candidates is %d, outside 2 to 64",
                        o->candidates);
    return 0;
}

/* Half of the candidates are the base's, half those of a side that acts: the
 * source, or else the target; a side that is compared by KL draws one more, and
 * for a task each side that acts draws as many as the base. */
static void
plan_answers(struct measure *m)
{
    const int64_t k = m->opts->candidates;

    m->acts[SIDE_BASE] = true;
    for (int s = SIDE_A; s <= SIDE_B; s++)
        m->acts[s] = !m->side[s] || m->side[s]->form != FORM_REWARD;
    m->second = m->acts[SIDE_A] ? SIDE_A : m->acts[SIDE_B] ? SIDE_B : SIDE_BASE;
    m->per_side[SIDE_A] = 0;
    m->per_side[SIDE_B] = m->acts[SIDE_A] && m->acts[SIDE_B];
    m->per_side[m->second] = k / 2;
    m->per_side[SIDE_BASE] = m->second == SIDE_BASE ? k : k - k / 2;
    for (int s = SIDE_A; s <= SIDE_B && m->task; s++)
        if (m->acts[s] && m->per_side[s] < k / 2)
            m->per_side[s] = k / 2;
}

int
measure_run(struct session *s, trv_measurement *out, struct adaptation *a,
            struct adaptation *b, struct adaptation *task,
            const trv_measure_options *opts, trv_progress_fn progress,
            void *payload, trv_err *err)
{
    const bool rewarded = a && a->form == FORM_REWARD;
    struct measure m = {.s = s,
                        .side = {NULL, a, b},
                        .task = task       ? task
                                : rewarded ? a
                                           : NULL,
                        .opts = opts,
                        .progress = progress,
                        .payload = payload,
                        .began = clock_now()};
    const bool chat = adaptation_is_chat(a) || adaptation_is_chat(b);
    struct inputs in = {0};
    int64_t dropped = 0;
    double flop, tokens;
    int rc;

    memset(out, 0, sizeof(*out));
    mem_stats_reset_peak();
    rc = check_options(opts, err);
    if (!rc && task && task->form != FORM_REWARD)
        rc = err_fail(err, TRV_EINVAL,
                      "a task is a reward, such as verifier:number, and '%s' "
                      "is none",
                      kind_name(task->kind));
    if (!rc)
        rc = session_decoder(s, &m.d, err);
    if (!rc)
        rc = view_ready(a, s->be, err);
    if (!rc)
        rc = view_ready(b, s->be, err);
    if (!rc)
        rc = view_ready(task, s->be, err);
    if (rc)
        return rc;
    flop = m.d->flop;
    tokens = m.d->tokens;
    begin_stage(&m, "sampling inputs", "inputs", opts->max_inputs);
    rc = inputs_open(&in, s,
                     &(struct inputs_options){.path = opts->inputs,
                                              .use = INPUTS_HELD_OUT,
                                              .want = opts->max_inputs,
                                              .seed = opts->seed,
                                              .chat = chat,
                                              .progress = report_inputs,
                                              .payload = &m},
                     err);
    if (!rc)
        rc = fill_items(&m, &in, err);
    if (rc)
        goto done;
    dropped = m.dropped;
    plan_answers(&m);
    begin_stage(&m, "sampling answers", "answers",
                m.n * (m.per_side[SIDE_BASE] + m.per_side[SIDE_A] +
                       m.per_side[SIDE_B]));
    for (int side = 0; side < SIDES && !rc; side++)
        if (m.per_side[side] > 0)
            rc = draw_side(&m, (enum side)side, err);
    if (!rc)
        rc = measure_distance(&m, out, err);
    if (!rc && m.task)
        rc = measure_task(&m, out, err);
    if (!rc)
        rc = show_examples(&m, out, err);
    if (rc)
        goto done;
    fill_cost(&m, out);
    if (m.acts[SIDE_B])
        rc = measure_drift(&m, out, err);
    if (!rc)
        rc = name_trouble(&m, out, dropped, err);
    out->cost.seconds = clock_now() - m.began;
    out->cost.flop = m.d->flop - flop;
    out->cost.tokens = m.d->tokens - tokens;
    out->cost.peak_bytes = mem_stats_get().peak_bytes;
done:
    if (rc)
        examples_release(out);
    items_release(&m);
    inputs_release(&in);
    return rc;
}
