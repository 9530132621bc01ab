/* measure.c -- the stages of a measurement, in their order. */
#include "measure/measure.h"

#include <math.h>
#include <string.h>

#include "adapt/reward/reward.h"
#include "base/clock.h"
#include "measure/answers_drawn.h"
#include "measure/divergence.h"
#include "measure/examples.h"
#include "measure/ranks.h"
#include "measure/trouble.h"

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
    stage_begin(m, "sampling examples", "answers", n * SIDES);
    for (int64_t i = 0; i < n && !rc; i++) // spread over all items
        rc = examples_input(&out->examples[i], m->items[i * m->n / n].row, err);
    for (int side = 0; side < SIDES && !rc; side++) {
        for (int64_t i = 0; i < n; i++)
            contexts[i] = &m->items[i * m->n / n].context[side];
        rc = examples_draw(out, side, m->s, contexts, m->opts, stage_on_drawn,
                           m, err);
        m->stage_done += n;
    }
    mem_free(contexts);
    return rc;
}

static int
measure_distance(struct measure *m, trv_measurement *out, trv_err *err)
{
    const bool both = m->acts[SIDE_A] && m->acts[SIDE_B];
    const int64_t k = m->opts->candidates;
    int rc = 0;

    stage_begin(m, "measuring", "answers", m->n * (2 * both + 2 * k));
    if (both)
        rc = divergence_kl(m, out, err);
    return rc ? rc : ranks_scores(m, out, k, err);
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
 * values of further tokens, adapter weights, and the weights of other
 * models. */
static double
added_bytes(const struct measure *m)
{
    const struct context *first = &m->items[0].context[SIDE_B];
    const double type = m->s->be->act_type == DT_F32 ? 4.0 : 2.0;
    double bytes = 0.0;

    for (int64_t p = 0; p < first->n; p++) {
        const struct component *part = &first->parts[p];

        if (part->adapter_weights &&
            adapter_weights_virtual_count(part->adapter_weights) == 0)
            bytes +=
                type * (double)adapter_weights_flat(part->adapter_weights).n;
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

static int
fill_cost(struct measure *m, trv_measurement *out, trv_err *err)
{
    const struct adaptation *b = m->side[SIDE_B];
    const double base = m->seconds[SIDE_BASE] / m->drawn_tokens[SIDE_BASE];
    const double with = m->seconds[SIDE_B] / m->drawn_tokens[SIDE_B];

    (void)err;
    out->cost.added_seconds_per_token =
        m->per_side[SIDE_B] > 0 ? with - base : (double)NAN;
    out->cost.added_bytes_per_token =
        m->acts[SIDE_B] ? added_bytes(m) : (double)NAN;
    if (b && b->artefact.root)
        out->cost.artefact_bytes = artefact_bytes(&b->artefact);
    else if (view_weights(b))
        out->cost.artefact_bytes =
            adapter_weights_flat(&b->adapter_weights).n * 4;
    else if (b && b->kind == KIND_TEXT)
        out->cost.artefact_bytes = (int64_t)strlen(b->text);
    return 0;
}

static int
check_options(const trv_measure_options *o, trv_err *err)
{
    if (o->version != 1)
        return err_fail(err, TRV_EINVAL,
                        "measure options have version %u, not 1", o->version);
    if (o->max_inputs < 1)
        return err_option(err, TRV_ERANGE, "max-inputs", "is %d, below 1",
                          o->max_inputs);
    if (o->max_tokens < 1)
        return err_option(err, TRV_ERANGE, "max-tokens", "is %d, below 1",
                          o->max_tokens);
    if (o->candidates < 2 || o->candidates > 64)
        return err_option(err, TRV_ERANGE, "candidates",
                          "is %d, outside 2 to 64", o->candidates);
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

/* ---- the stages ------------------------------------------------------ */

static int
open_inputs(struct measure *m, trv_measurement *out, trv_err *err)
{
    struct row_layout layout;
    int rc;

    (void)out;
    stage_begin(m, "sampling inputs", "inputs", m->opts->max_inputs);
    rc = inputs_open(&m->in, m->s,
                     &(struct inputs_options){.path = m->opts->inputs,
                                              .use = INPUTS_HELD_OUT,
                                              .want = m->opts->max_inputs,
                                              .seed = m->opts->seed,
                                              .progress = stage_on_inputs,
                                              .payload = m},
                     err);
    if (rc)
        return rc;
    view_layout(&layout, m->s->model, &m->in,
                adaptation_has_text(m->side[SIDE_A]) ||
                    adaptation_has_text(m->side[SIDE_B]));
    if (m->opts->on_message)
        m->opts->on_message(layout.line, m->opts->message_payload);
    stage_note_inputs(&m->on.inputs, &m->in.data);
    rc = reward_check_rows(m->task, m->in.data.rows, m->in.data.n, err);
    return rc ? rc : drawn_fill(m, &m->dropped, &m->in, err);
}

static int
draw_answers(struct measure *m, trv_measurement *out, trv_err *err)
{
    int rc = 0;

    (void)out;
    plan_answers(m);
    stage_begin(m, "sampling answers", "answers",
                m->n * (m->per_side[SIDE_BASE] + m->per_side[SIDE_A] +
                        m->per_side[SIDE_B]));
    for (int side = 0; side < SIDES && !rc; side++)
        if (m->per_side[side] > 0)
            rc = drawn_by(m, (enum side)side, err);
    return rc;
}

/* In this order: drift, with its own inputs, drops the answers that the others
 * need, and trouble reads every figure. */
static int (*const stages[])(struct measure *m, trv_measurement *out,
                             trv_err *err) = {
    open_inputs,   draw_answers, measure_distance, ranks_task,
    show_examples, fill_cost,    divergence_drift, trouble_name,
};

static int
open_sides(struct measure *m, trv_err *err)
{
    int rc = session_decoder(m->s, &m->d, err);

    for (int s = SIDE_A; s <= SIDE_B && !rc; s++)
        rc = view_ready(m->side[s], m->s->be, err);
    return rc ? rc : view_ready(m->task, m->s->be, err);
}

int
measure_run(struct session *s, trv_measurement *out, struct measured_on *on,
            struct adaptation *a, struct adaptation *b, struct adaptation *task,
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
                        .payload = payload};
    const double began = clock_now();
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
        rc = open_sides(&m, err);
    if (rc)
        return rc;
    flop = m.d->flop;
    tokens = m.d->tokens;
    for (size_t i = 0; i < sizeof(stages) / sizeof(*stages) && !rc; i++)
        rc = stages[i](&m, out, err);
    if (on)
        *on = m.on;
    out->cost.seconds = clock_now() - began;
    out->cost.flop = m.d->flop - flop;
    out->cost.tokens = m.d->tokens - tokens;
    out->cost.peak_bytes = mem_stats_get().peak_bytes;
    if (rc) {
        examples_release(out);
        divergence_release(out);
    }
    drawn_release(&m);
    inputs_release(&m.in);
    return rc;
}
