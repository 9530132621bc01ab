/* measure.c -- the stages of a measurement, in their order. */
#include "measure/measure.h"

#include <math.h>
#include <string.h>

#include "adapt/reward/reward.h"
#include "base/clock.h"
#include "measure/answers_drawn.h"
#include "measure/budget.h"
#include "measure/divergence.h"
#include "measure/examples.h"
#include "measure/plan.h"
#include "measure/ranks.h"
#include "measure/stats.h"
#include "measure/trouble.h"

/* Examples are drawn apart from what is measured: the three sides share their
 * random numbers here, where the figures need them independent. */
static int
show_examples(struct measure *m, trv_measurement *out, trv_err *err)
{
    const int64_t n = m->opts->examples < m->n ? m->opts->examples : m->n;
    const int sides = m->has_target ? SIDES : SIDE_B; // the last is not there
    trv_measure_options o = *m->opts;
    const struct context **contexts;
    int rc;

    o.max_tokens = (int32_t)m->max_tokens;
    if (n == 0 || !m->acts[SIDE_A] || (m->has_target && !m->acts[SIDE_B]))
        return 0;
    contexts = mem_calloc((size_t)n, sizeof(*contexts));
    out->examples = mem_calloc((size_t)n, sizeof(*out->examples));
    rc = contexts && out->examples
             ? 0
             : err_fail(err, TRV_ENOMEM, "no memory for %lld examples",
                        (long long)n);
    out->n_examples = rc ? 0 : (int32_t)n;
    stage_begin(m, "sampling examples", "answers", n * sides);
    for (int64_t i = 0; i < n && !rc; i++) // spread over all items
        rc = examples_input(&out->examples[i], m->items[i * m->n / n].row, err);
    for (int side = 0; side < sides && !rc; side++) {
        for (int64_t i = 0; i < n; i++)
            contexts[i] = &m->items[i * m->n / n].context[side];
        rc = examples_draw(out, side, m->s, m->side[side], contexts, &o,
                           stage_on_drawn, m, err);
        m->stage_done += n;
    }
    mem_free(contexts);
    return rc;
}

/* Along the answers, and by scores of them. */
static int
measure_distance(struct measure *m, trv_measurement *out, trv_err *err)
{
    const bool forward = m->asked & ASKED_ALONG_SOURCE;
    const bool reverse = m->asked & ASKED(kl_reverse);
    const bool ranks = m->asked & ASKED_RANKS;
    int rc = 0;

    if (!forward && !reverse && !ranks)
        return 0;
    stage_begin(m, "measuring", "answers",
                m->n * (forward + reverse + ranks * 2 * m->candidates));
    if (forward || reverse)
        rc = divergence_kl(m, out, err);
    if (!rc && ranks)
        rc = ranks_scores(m, out, err);
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
 * values of further tokens, adapter weights, and the weights of other
 * models. */
static double
added_bytes(const struct measure *m)
{
    const struct context *first = &m->items[0].context[m->priced];
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

        bytes += (cache_bytes(&m->items[i].context[m->priced]) - base) /
                 (double)m->n;
    }
    return bytes;
}

static int
fill_cost(struct measure *m, trv_measurement *out, trv_err *err)
{
    const enum side side = m->priced;
    const struct adaptation *b = m->side[side];
    const bool timed =
        m->drawn_tokens[side] > 0.0 && m->drawn_tokens[SIDE_BASE] > 0.0;

    (void)err;
    out->cost.added_seconds_per_token =
        timed ? m->seconds[side] / m->drawn_tokens[side] -
                    m->seconds[SIDE_BASE] / m->drawn_tokens[SIDE_BASE]
              : (double)NAN;
    out->cost.added_bytes_per_token =
        m->acts[side] ? added_bytes(m) : (double)NAN;
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
    if (o->max_inputs < 0)
        return err_option(err, TRV_ERANGE, "max-inputs", "is %d, below 0",
                          o->max_inputs);
    if (o->max_tokens < 0)
        return err_option(err, TRV_ERANGE, "max-tokens", "is %d, below 0",
                          o->max_tokens);
    if (o->candidates != 0 && (o->candidates < 2 || o->candidates > 64))
        return err_option(err, TRV_ERANGE, "candidates",
                          "is %d, outside 2 to 64", o->candidates);
    if (o->examples < 0)
        return err_option(err, TRV_ERANGE, "examples", "is %d, below 0",
                          o->examples);
    if (!(o->temperature >= 0.0 && o->temperature <= 100.0))
        return err_option(err, TRV_ERANGE, "temperature",
                          "is %g, outside 0 to 100", o->temperature);
    return 0;
}

/* ---- the stages ------------------------------------------------------ */

static int
open_inputs(struct measure *m, trv_measurement *out, trv_err *err)
{
    struct row_layout layout;
    int rc;

    (void)out;
    stage_begin(m, "sampling inputs", "inputs", m->max_inputs);
    rc = inputs_open(&m->in, m->s,
                     &(struct inputs_options){.path = m->opts->inputs,
                                              .use = INPUTS_HELD_OUT,
                                              .want = m->max_inputs,
                                              .seed = m->opts->seed,
                                              .progress = stage_on_inputs,
                                              .payload = m},
                     err);
    if (rc)
        return rc;
    if (m->in.data.unused)
        stage_say(m, "warning: %s", m->in.data.unused);
    view_layout(&layout, m->s->model, &m->in,
                adaptation_has_text(m->side[SIDE_A]) ||
                    adaptation_has_text(m->side[SIDE_B]));
    stage_say(m, "%s", layout.line);
    stage_note_inputs(&m->on.inputs, &m->in.data);
    rc = reward_check_rows(m->task, m->in.data.rows, m->in.data.n, err);
    return rc ? rc : drawn_fill(m, &m->dropped, &m->in, err);
}

/* The mean length of a side's answers; an input is the unit of its error. */
static int
fill_length(trv_figure *out, const struct measure *m, enum side side,
            trv_err *err)
{
    const int64_t k = m->per_side[side];
    double *mean = mem_calloc((size_t)m->n + 1, sizeof(*mean));

    if (!mean)
        return err_nomem(err, "for the lengths of answers");
    for (int64_t i = 0; i < m->n; i++)
        for (int64_t j = 0; j < k; j++)
            mean[i] += (double)m->items[i].from[side][j].n / (double)k;
    *out = stats_mean(mean, m->n);
    mem_free(mean);
    return 0;
}

static int
draw_answers(struct measure *m, trv_measurement *out, trv_err *err)
{
    trv_figure *const length[SIDES] = {&out->tokens_base, &out->tokens_source,
                                       &out->tokens_target};
    int rc = 0;

    stage_begin(m, "sampling answers", "answers",
                m->n * (m->per_side[SIDE_BASE] + m->per_side[SIDE_A] +
                        m->per_side[SIDE_B]));
    for (int side = 0; side < SIDES && !rc; side++)
        if (m->per_side[side] > 0) {
            rc = drawn_by(m, (enum side)side, err);
            if (!rc)
                rc = fill_length(length[side], m, (enum side)side, err);
        }
    return rc;
}

/* Each measures what m->asked asks of it. In this order: drift, with its own
 * inputs, drops the answers that the others need, and trouble reads every
 * figure. */
static int (*const stages[])(struct measure *m, trv_measurement *out,
                             trv_err *err) = {
    open_inputs, draw_answers,     measure_distance, ranks_task,  show_examples,
    fill_cost,   divergence_drift, trouble_name,     budget_name,
};

/* What is not measured is no number. */
static void
clear_figures(trv_measurement *out)
{
    const trv_figure none = {(double)NAN, (double)NAN, (double)NAN, (double)NAN,
                             0};

    memset(out, 0, sizeof(*out));
    out->tokens_base = out->tokens_source = out->tokens_target = none;
#define FIGURE(field, group, scale, needs, cost, says) out->field = none;
#include <trivium/measure_figures.def>
}

static void
fill_sizes(trv_measurement *out, const struct measure *m)
{
    out->asked = m->asked;
    out->max_inputs = (int32_t)m->max_inputs;
    out->max_tokens = (int32_t)m->max_tokens;
    out->candidates = (int32_t)m->candidates;
}

static int
open_sides(struct measure *m, trv_err *err)
{
    int rc = session_decoder(m->s, &m->d, err);

    m->priced = m->has_target ? SIDE_B : SIDE_A;
    for (int s = SIDE_A; s <= SIDE_B && !rc; s++)
        rc = view_ready(m->side[s], m->s->be, err);
    return rc ? rc : view_ready(m->task, m->s->be, err);
}

int
measure_run(struct session *s, trv_measurement *out, struct measured_on *on,
            struct adaptation *a, struct adaptation *b, bool has_target,
            struct adaptation *task, const trv_measure_options *opts,
            trv_progress_fn progress, void *payload, trv_err *err)
{
    const bool rewarded = a && a->form == FORM_REWARD;
    struct measure m = {.s = s,
                        .side = {NULL, a, b},
                        .has_target = has_target,
                        .task = task       ? task
                                : rewarded ? a
                                           : NULL,
                        .opts = opts,
                        .progress = progress,
                        .payload = payload};
    const double began = clock_now();
    double flop, tokens;
    int rc;

    clear_figures(out);
    mem_stats_reset_peak();
    rc = check_options(opts, err);
    if (!rc && task && task->form != FORM_REWARD)
        rc = err_fail(err, TRV_EINVAL,
                      "a task is a reward, such as verifier:number, and '%s' "
                      "is none",
                      kind_name(task->kind));
    if (!rc)
        rc = plan_figures(&m, err);
    if (!rc)
        rc = open_sides(&m, err);
    if (rc)
        return rc;
    plan_answers(&m);
    rc = budget_plan(&m, out, err);
    fill_sizes(out, &m);
    if (rc || opts->dry_run)
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
    if (rc)
        measure_release(out);
    drawn_release(&m);
    inputs_release(&m.in);
    return rc;
}

void
measure_release(trv_measurement *m)
{
    mem_free(m->trouble);
    mem_free(m->cut);
    m->trouble = m->cut = NULL;
    examples_release(m);
    divergence_release(m);
}
