/* measure.c -- sampling, passes and figures of a measurement. */
#include "measure/measure.h"

#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "measure/stats.h"
#include "model/engine.h"
#include "model/head.h"

/* The three sides of a measurement. */
enum side { SIDE_BASE, SIDE_A, SIDE_B, SIDES };

/* One answer to an input. */
struct drawn {
    int32_t *ids;
    int64_t n;
};

/* An input with its contexts under each side and the answers drawn for it. */
struct item {
    struct ids context[SIDES];
    struct drawn *from[SIDES]; // [per_side[side]]
};

struct measure {
    struct session *s;
    struct decoder *d;
    struct adaptation *side[SIDES];
    const trv_measure_options *opts;
    trv_progress_fn progress;
    void *payload;
    struct item *items;
    int64_t n, dropped;
    int64_t per_side[SIDES]; // answers of each side to an input
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
            ids_release(&m->items[i].context[s]);
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
    const int64_t most = m->opts->max_inputs, room = 1;
    const int64_t limit = m->d->cfg->context - room;
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
        for (int s = 0; s < SIDES && !rc; s++) {
            rc = view_context(&it->context[s], m->s->model, m->side[s],
                              &in->data.rows[i], err);
            fits = fits && it->context[s].n <= limit;
            if (it->context[s].n > longest)
                longest = it->context[s].n;
            if (!rc && it->context[s].n < 1)
                rc = err_fail(err, TRV_EINVAL,
                              "'%s' line %lld: the input is empty and the "
                              "tokenizer has no token that begins a text",
                              in->data.path, (long long)in->data.rows[i].line);
        }
        if (!rc && longest < shortest) {
            shortest = longest;
            shortest_alone = it->context[SIDE_BASE].n;
        }
        if (rc || fits)
            continue;
        for (int s = 0; s < SIDES; s++)
            ids_release(&it->context[s]);
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
    struct sample_row *rows = mem_calloc((size_t)total, sizeof(*rows));
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
    for (int64_t i = 0; i < total; i++) {
        const struct ids *c = &m->items[i / k].context[side];

        rows[i] = (struct sample_row){c->v, c->n, view_lora(m->side[side]),
                                      ((uint64_t)side << 40) + (uint64_t)i};
    }
    arena_reset(&m->s->arena);
    rc = engine_sample(m->d, &m->s->arena, outs, rows, total, &so, err);
    for (int64_t i = 0; i < m->n && !rc; i++) {
        struct item *it = &m->items[i];
        int64_t longest = 0;

        for (int s = 0; s < SIDES; s++)
            if (it->context[s].n > longest)
                longest = it->context[s].n;
        it->from[side] = mem_calloc((size_t)k, sizeof(struct drawn));
        if (!it->from[side]) {
            rc = err_fail(err, TRV_ENOMEM, "no memory for answers");
            break;
        }
        for (int64_t j = 0; j < k; j++) {
            struct sample_out *o = &outs[i * k + j];
            const int64_t fit = m->d->cfg->context - longest;

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

/* Where one answer lies in a packed batch, under each side. */
struct aligned {
    struct batch b;
    int64_t *where[SIDES]; // packed token that predicts answer token k
    int32_t *target;
    int64_t n; // answer tokens of all items
};

/* Pack answers of `items` under the sides in the mask. */
static int
pack_answers(struct aligned *out, struct measure *m, int64_t from, int64_t n,
             enum side drawn, int64_t which, unsigned sides, trv_err *err)
{
    struct arena *a = &m->s->arena;
    struct row *rows = arena_alloc(a, (size_t)(n * SIDES) * sizeof(*rows));
    const int64_t *const *at;
    int64_t r = 0, total = 0;
    int rc;

    if (!rows)
        goto no_memory;
    for (int64_t i = 0; i < n; i++)
        total += m->items[from + i].from[drawn][which].n;
    out->n = total;
    out->target = arena_alloc(a, (size_t)total * sizeof(*out->target));
    if (!out->target)
        goto no_memory;
    for (int s = 0; s < SIDES; s++) {
        int64_t k = 0;

        out->where[s] = arena_alloc(a, (size_t)total * sizeof(int64_t));
        if (!out->where[s])
            goto no_memory;
        for (int64_t i = 0; i < n && (sides >> s & 1u); i++) {
            const struct item *it = &m->items[from + i];
            const struct drawn *y = &it->from[drawn][which];
            const struct ids *c = &it->context[s];
            int32_t *ids = arena_alloc(a, (size_t)(c->n + y->n) * sizeof(*ids));

            if (!ids)
                goto no_memory;
            memcpy(ids, c->v, (size_t)c->n * sizeof(*ids));
            memcpy(ids + c->n, y->ids, (size_t)y->n * sizeof(*ids));
            memcpy(out->target + k, y->ids, (size_t)y->n * sizeof(*ids));
            k += y->n;
            rows[r++] =
                (struct row){ids, c->n + y->n - 1, view_lora(m->side[s])};
        }
    }
    rc = batch_pack(&out->b, &at, a, rows, r, err);
    r = 0;
    for (int s = 0; s < SIDES && !rc; s++) {
        int64_t k = 0;

        for (int64_t i = 0; i < n && (sides >> s & 1u); i++, r++) {
            const struct item *it = &m->items[from + i];

            for (int64_t j = 0; j < it->from[drawn][which].n; j++)
                out->where[s][k++] = at[r][it->context[s].n - 1 + j];
        }
    }
    return rc;
no_memory:
    return err_fail(err, TRV_ENOMEM, "no memory for a pass");
}

/* How many items from `from` on make one pass. */
static int64_t
pass_items(const struct measure *m, int64_t from, enum side drawn,
           int64_t which, unsigned sides)
{
    int64_t n = 0, tokens = 0;

    while (from + n < m->n) {
        const struct item *it = &m->items[from + n];
        int64_t t = 0;

        for (int s = 0; s < SIDES; s++)
            if (sides >> s & 1u)
                t += it->context[s].n + it->from[drawn][which].n;
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
        struct mat h;
        float *value;
        unsigned char *same;

        arena_reset(a);
        rc = pack_answers(&al, m, from, n, p, 0, sides, err);
        if (rc)
            break;
        value = arena_f32(a, al.n, 1);
        same = arena_alloc(a, (size_t)al.n);
        if (!value || !same)
            return err_fail(err, TRV_ENOMEM, "no memory for a pass");
        rc = decoder_forward(m->d, a, &h, &al.b, NULL, NULL, err);
        if (!rc)
            rc = head_divergence(m->d, a, value, same,
                                 (struct head_rows){h, al.where[p]},
                                 (struct head_rows){h, al.where[q]}, al.n,
                                 DIV_FORWARD, NULL, (struct mat){0}, err);
        if (!rc)
            rc = per_item_means(kl, m, from, n, p, value, NULL, err);
        if (!rc && agree)
            rc = per_item_means(agree, m, from, n, p, NULL, same, err);
        if (!rc && kl_other) {
            rc = head_divergence(m->d, a, value, NULL,
                                 (struct head_rows){h, al.where[p]},
                                 (struct head_rows){h, al.where[other]}, al.n,
                                 DIV_FORWARD, NULL, (struct mat){0}, err);
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

/* score[s][i * k + c] = log p_s(y) - log p_base(y) of candidate c. */
static int
walk_scores(struct measure *m, double *score_a, double *score_b,
            enum side from_side, int64_t which, int64_t k, int64_t column,
            trv_err *err)
{
    const unsigned sides = 1u << SIDE_BASE | 1u << SIDE_A | 1u << SIDE_B;
    int64_t from = 0;
    int rc = 0;

    while (from < m->n && !rc) {
        const int64_t n = pass_items(m, from, from_side, which, sides);
        struct arena *a = &m->s->arena;
        struct aligned al;
        struct mat h;
        float *logp[SIDES];
        int64_t at = 0;

        arena_reset(a);
        rc = pack_answers(&al, m, from, n, from_side, which, sides, err);
        if (!rc)
            rc = decoder_forward(m->d, a, &h, &al.b, NULL, NULL, err);
        for (int s = 0; s < SIDES && !rc; s++) {
            logp[s] = arena_f32(a, al.n, 1);
            rc = logp[s] ? head_logprobs(m->d, a, logp[s], NULL,
                                         (struct head_rows){h, al.where[s]},
                                         al.target, al.n, NULL, (struct mat){0},
                                         err)
                         : err_fail(err, TRV_ENOMEM, "no memory for a pass");
        }
        for (int64_t i = 0; i < n && !rc; i++) {
            const int64_t len = m->items[from + i].from[from_side][which].n;
            double sum[SIDES] = {0};

            for (int64_t j = 0; j < len; j++, at++)
                for (int s = 0; s < SIDES; s++)
                    sum[s] += (double)logp[s][at];
            score_a[(from + i) * k + column] = sum[SIDE_A] - sum[SIDE_BASE];
            score_b[(from + i) * k + column] = sum[SIDE_B] - sum[SIDE_BASE];
            if (!isfinite(sum[SIDE_BASE] + sum[SIDE_A] + sum[SIDE_B]))
                rc = nonfinite(m, from + i, err);
        }
        from += n;
        if (!rc && !report(m, m->stage_done + from))
            rc = canceled(err);
    }
    m->stage_done += m->n;
    return rc;
}

static const struct drawn *
candidate(const struct measure *m, int64_t item, int64_t column)
{
    const struct item *it = &m->items[item];
    const int64_t n_base = m->per_side[SIDE_BASE];

    return column < n_base ? &it->from[SIDE_BASE][column]
                           : &it->from[SIDE_A][column - n_base];
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

/* --- the figures --- */

static int
measure_distance(struct measure *m, trv_measurement *out, trv_err *err)
{
    const int64_t k = m->per_side[SIDE_A] + m->per_side[SIDE_BASE];
    double *x = mem_calloc((size_t)m->n * (size_t)(6 + 2 * k), sizeof(*x));
    double *kl = x, *kl_base = x + m->n, *agree = x + 2 * m->n;
    double *back = x + 3 * m->n, *tau = x + 4 * m->n, *pairs = x + 5 * m->n;
    double *score_a = x + 6 * m->n, *score_b = score_a + m->n * k;
    int64_t column = 0;
    int rc;

    if (!x)
        return err_fail(err, TRV_ENOMEM, "no memory for the figures");
    begin_stage(m, "measuring", "answers", m->n * (2 + k));
    rc = walk_kl(m, kl, agree, kl_base, SIDE_A, SIDE_B, SIDE_BASE, err);
    if (!rc)
        rc = walk_kl(m, back, NULL, NULL, SIDE_B, SIDE_A, SIDE_BASE, err);
    for (int s = SIDE_BASE; s <= SIDE_A && !rc; s++)
        for (int64_t j = 0; j < m->per_side[s] && !rc; j++)
            rc = walk_scores(m, score_a, score_b, (enum side)s, j, k, column++,
                             err);
    if (rc)
        goto done;
    tie_equal_answers(m, score_a, k);
    tie_equal_answers(m, score_b, k);
    for (int64_t i = 0; i < m->n; i++)
        stats_ranks(&tau[i], &pairs[i], score_a + i * k, score_b + i * k, k);
    out->kl_forward = stats_within(stats_mean(kl, m->n), 0.0, (double)INFINITY);
    out->kl_base =
        stats_within(stats_mean(kl_base, m->n), 0.0, (double)INFINITY);
    out->kl_reverse =
        stats_within(stats_mean(back, m->n), 0.0, (double)INFINITY);
    out->gap_closed =
        stats_within(stats_gap(kl, kl_base, m->n), (double)-INFINITY, 1.0);
    out->top1_agreement = stats_within(stats_mean(agree, m->n), 0.0, 1.0);
    out->rank_tau = stats_within(stats_mean(tau, m->n), -1.0, 1.0);
    out->pair_accuracy = stats_within(stats_mean(pairs, m->n), 0.0, 1.0);
    out->pearson =
        stats_within(stats_pearson(score_a, score_b, m->n, k), -1.0, 1.0);
done:
    mem_free(x);
    return rc;
}

/* KL(base || B) on control inputs; where B is a prompt of messages they are
 * turns of a chat on both sides, or the chat's form would count as drift. */
static int
measure_drift(struct measure *m, trv_measurement *out, trv_err *err)
{
    const struct adaptation *b = m->side[SIDE_B];
    const bool chat = b && b->kind == KIND_MESSAGES;
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
added_bytes(const struct measure *m)
{
    const struct model_config *cfg = m->d->cfg;
    const struct adaptation *b = m->side[SIDE_B];
    double extra = 0.0;

    if (view_lora(b)) // its weights are read for every token
        return (double)b->lora.n * (m->s->be->act_type == DT_F32 ? 4.0 : 2.0);
    for (int64_t i = 0; i < m->n; i++) // the prompt's keys and values are
        extra += (double)(m->items[i].context[SIDE_B].n -
                          m->items[i].context[SIDE_BASE].n);
    return extra / (double)m->n * 2.0 * 4.0 *
           (double)(cfg->layers * cfg->kv_heads * cfg->head_dim);
}

static void
fill_cost(const struct measure *m, trv_measurement *out)
{
    const struct adaptation *b = m->side[SIDE_B];
    const double base = m->seconds[SIDE_BASE] / m->drawn_tokens[SIDE_BASE];
    const double with = m->seconds[SIDE_B] / m->drawn_tokens[SIDE_B];

    out->cost.added_seconds_per_token = with - base;
    out->cost.added_bytes_per_token = added_bytes(m);
    if (b && b->artefact.root)
        out->cost.artefact_bytes = artefact_bytes(&b->artefact);
    else if (view_lora(b))
        out->cost.artefact_bytes = b->lora.n * 4;
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
    if (out->kl_base.mean < 0.01)
        bad |= sb_puts(&b, "the source hardly differs from the base on these "
                           "inputs, so gap_closed says little\n");
    else if (out->gap_closed.mean < 0.0)
        bad |= sb_puts(&b, "the target is farther from the source than the "
                           "base is\n");
    else if (out->gap_closed.high - out->gap_closed.low > 0.2)
        bad |= sb_puts(&b, "the interval of gap_closed is wide: measure on "
                           "more inputs\n");
    if (out->kl_forward.mean > 0.02 &&
        out->kl_reverse.mean > 3.0 * out->kl_forward.mean)
        bad |= sb_puts(&b, "the target says things that the source would not "
                           "(kl_reverse is far above kl_forward)\n");
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

int
measure_run(struct session *s, trv_measurement *out, struct adaptation *a,
            struct adaptation *b, const trv_measure_options *opts,
            trv_progress_fn progress, void *payload, trv_err *err)
{
    struct measure m = {.s = s,
                        .side = {NULL, a, b},
                        .opts = opts,
                        .progress = progress,
                        .payload = payload,
                        .began = clock_now()};
    const bool chat =
        (a && a->kind == KIND_MESSAGES) || (b && b->kind == KIND_MESSAGES);
    struct inputs in = {0};
    int64_t dropped = 0;
    double flop, tokens;
    int rc;

    memset(out, 0, sizeof(*out));
    mem_stats_reset_peak();
    rc = check_options(opts, err);
    if (!rc)
        rc = session_decoder(s, &m.d, err);
    if (!rc)
        rc = view_ready(a, s->be, err);
    if (!rc)
        rc = view_ready(b, s->be, err);
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
    m.per_side[SIDE_A] = opts->candidates / 2;
    m.per_side[SIDE_BASE] = opts->candidates - opts->candidates / 2;
    m.per_side[SIDE_B] = 1;
    begin_stage(&m, "sampling answers", "answers",
                m.n * (opts->candidates + 1));
    for (int side = 0; side < SIDES && !rc; side++)
        rc = draw_side(&m, (enum side)side, err);
    if (!rc)
        rc = measure_distance(&m, out, err);
    if (rc)
        goto done;
    fill_cost(&m, out);
    rc = measure_drift(&m, out, err);
    if (!rc)
        rc = name_trouble(&m, out, dropped, err);
    out->cost.seconds = clock_now() - m.began;
    out->cost.flop = m.d->flop - flop;
    out->cost.tokens = m.d->tokens - tokens;
    out->cost.peak_bytes = mem_stats_get().peak_bytes;
done:
    items_release(&m);
    inputs_release(&in);
    return rc;
}
