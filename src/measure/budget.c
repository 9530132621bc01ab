/* budget.c -- what a measurement will take, and what a budget leaves of it. */
#include "measure/budget.h"

#include <math.h>

#include "adapt/reward/reward.h"
#include "base/strbuf.h"
#include "measure/answers_drawn.h"
#include "measure/plan.h"

/* For models above what cost_usual_budget() calls small. */
#define USUAL 60.0 // seconds
/* What is planned may take this much of the budget: a rate is a rough one. */
#define SHARE 0.8
#define PROBES 8     // sampled inputs that show how long contexts are
#define CONTROL 24.0 // tokens of a sampled text, at most

/* From full sizes down, in coarse steps: a rate that differs a little gives the
 * same step. Answers are cut where inputs alone do not do. */
static const struct {
    int64_t inputs, tokens;
} steps[] = {{200, 64}, {100, 64}, {50, 64}, {25, 64},
             {12, 64},  {12, 32},  {12, 16}};
#define STEPS ((int)(sizeof(steps) / sizeof(steps[0])))

/* Tokens of contexts, weighed by the size of the model that reads them. */
struct lengths {
    double context[SIDES]; // of an input: the longest, or the mean
    double parts[SIDES];   // models that a token runs through
    int64_t inputs;        // of a file; 0: sampled, as many as are wanted
};

static double
weight_of(const struct measure *m, const struct component *part)
{
    if (part->d == m->d)
        return 1.0;
    return (double)model_params(part->d->model) /
           (double)model_params(m->d->model);
}

static void
read_lengths(struct lengths *longest, struct lengths *mean,
             const struct measure *m)
{
    *longest = *mean = (struct lengths){0};
    for (int64_t i = 0; i < m->n; i++)
        for (int s = 0; s < SIDES; s++) {
            const struct context *c = &m->items[i].context[s];
            double tokens = 0.0, parts = 0.0;

            for (int64_t p = 0; p < c->n; p++) {
                const double w = weight_of(m, &c->parts[p]);

                tokens += w * (double)c->parts[p].n_ids;
                parts += w;
            }
            mean->context[s] += tokens / (double)m->n;
            mean->parts[s] = longest->parts[s] = fmax(longest->parts[s], parts);
            longest->context[s] = fmax(longest->context[s], tokens);
        }
}

/* The contexts of a file's inputs, or of a few that are sampled for it. */
static int
probe_inputs(struct lengths *longest, struct lengths *mean, struct measure *m,
             trv_err *err)
{
    const trv_measure_options *o = m->opts;
    const int64_t want = m->max_inputs;
    struct inputs in = {0};
    int64_t dropped;
    int rc = inputs_open(
        &in, m->s,
        &(struct inputs_options){.path = o->inputs,
                                 .use = INPUTS_HELD_OUT,
                                 .want = want < PROBES ? want : PROBES,
                                 .seed = o->seed},
        err);

    if (!rc)
        rc = drawn_fill(m, &dropped, &in, err);
    if (!rc)
        read_lengths(longest, mean, m);
    longest->inputs = mean->inputs = o->inputs ? m->n : 0;
    drawn_release(m);
    inputs_release(&in);
    return rc;
}

/* How often the model reads an input and an answer to score it, about. */
static double
passes_of(const struct adaptation *a)
{
    double sum = 0.0;

    if (a->kind == KIND_VERIFIER)
        return 0.0;
    if (a->kind != KIND_SUM)
        return 2.0;
    for (int64_t i = 0; i < a->reward->n_parts; i++)
        sum += passes_of(a->reward->parts[i].of);
    return sum;
}

/* Sides of a mask read an answer of T tokens to each of n inputs. */
static void
add_reading(struct cost_plan *p, const char *stage, const struct lengths *l,
            unsigned sides, double n, double T)
{
    for (int s = 0; s < SIDES; s++)
        if (sides >> s & 1u)
            cost_score(p, stage, n * (l->context[s] + T * l->parts[s]));
}

static void
add_scores(struct cost_plan *p, const struct measure *m,
           const struct lengths *l, double n, double T)
{
    const double k = (double)m->candidates;

    for (int s = SIDE_A; s <= SIDE_B; s++) {
        const struct adaptation *a = m->side[s];

        if (m->acts[s])
            add_reading(p, "measuring", l, 1u << SIDE_BASE | 1u << s, n * k, T);
        else
            cost_score(p, "measuring",
                       n * k * passes_of(a) * (l->context[SIDE_BASE] + T));
    }
}

static void
add_drift(struct cost_plan *p, const struct measure *m, const struct lengths *l,
          double n, double T)
{
    struct lengths control = *l;
    unsigned sides = 1u << SIDE_BASE | 1u << SIDE_B;

    if (m->asked & ASKED(drift_source))
        sides |= 1u << SIDE_A;
    for (int s = 0; s < SIDES && !m->opts->control; s++)
        control.context[s] += CONTROL - l->context[SIDE_BASE];
    if (!m->opts->control)
        cost_draw(p, "sampling control inputs", n, CONTROL, CONTROL, 1.0,
                  COST_BLOCK);
    cost_draw(p, "measuring drift", n, control.context[SIDE_BASE], T, 1.0,
              COST_BLOCK);
    add_reading(p, "measuring drift", &control, sides, n, T);
}

/* All stages, in their order. */
static void
add_work(struct cost_plan *p, const struct measure *m, const struct lengths *l,
         double n, double T)
{
    const unsigned all = 1u << SIDE_BASE | 1u << SIDE_A | 1u << SIDE_B;
    const double shown = fmin((double)m->opts->examples, n);

    *p = (struct cost_plan){0};
    if (!m->opts->inputs)
        cost_draw(p, "sampling inputs", n, l->context[SIDE_BASE], CONTROL, 1.0,
                  COST_BLOCK);
    for (int s = 0; s < SIDES; s++)
        cost_draw(p, "sampling answers", n * (double)m->per_side[s],
                  l->context[s], T, l->parts[s], COST_BLOCK);
    if (m->asked & ASKED_ALONG_SOURCE)
        add_reading(p, "measuring", l, all, n, T);
    if (m->asked & ASKED(kl_reverse))
        add_reading(p, "measuring", l, 1u << SIDE_A | 1u << SIDE_B, n, T);
    if (m->asked & ASKED_RANKS)
        add_scores(p, m, l, n, T);
    for (int s = 0; s < SIDES; s++)
        if (plan_has_task(m, (enum side)s))
            cost_score(p, "scoring the task",
                       n * (double)m->per_side[s] * passes_of(m->task) *
                           (l->context[SIDE_BASE] + T));
    for (int s = 0; s < SIDES && shown > 0.0; s++)
        cost_draw(p, "sampling examples", shown, l->context[s], T, l->parts[s],
                  COST_BLOCK);
    if (m->asked & ASKED_DRIFT)
        add_drift(p, m, l, n, T);
}

static int64_t
inputs_of(const struct lengths *l, int64_t wanted)
{
    return l->inputs > 0 && l->inputs < wanted ? l->inputs : wanted;
}

/* The largest step that fits; sizes that were given stay. */
static void
cut_sizes(struct measure *m, const struct lengths *mean, double budget)
{
    const trv_measure_options *o = m->opts;

    for (int i = 0; i < STEPS; i++) {
        const int64_t n = o->max_inputs > 0 ? o->max_inputs : steps[i].inputs;
        const int64_t T = o->max_tokens > 0 ? o->max_tokens : steps[i].tokens;
        double seconds;

        m->max_inputs = n;
        m->max_tokens = T;
        add_work(&m->plan, m, mean, (double)inputs_of(mean, n), (double)T);
        seconds = cost_seconds(&m->plan, &m->rate, NULL);
        if (i == 0)
            m->full_seconds = seconds;
        if (seconds <= SHARE * budget)
            return;
    }
}

static void
say_plan(const struct measure *m, const trv_measurement *out, int64_t n)
{
    char time[COST_WORDS], tokens[COST_WORDS];

    stage_say(m,
              "measuring %lld input%s with answers of at most %lld token%s: "
              "about %s, at most %s tokens",
              (long long)n, n == 1 ? "" : "s", (long long)m->max_tokens,
              m->max_tokens == 1 ? "" : "s",
              cost_time_text(time, out->cost.planned_seconds),
              cost_count_text(tokens, out->cost.planned_tokens));
}

int
budget_plan(struct measure *m, trv_measurement *out, trv_err *err)
{
    const trv_measure_options *o = m->opts;
    struct lengths longest, mean;
    struct cost_plan most;
    int64_t n;
    double budget =
        isfinite(cost_usual_budget(m->s->model)) ? USUAL : (double)INFINITY;
    int rc = o->budget ? cost_budget(&budget, o->budget, err) : 0;

    if (rc || (!isfinite(budget) && !o->dry_run && !o->on_message))
        return rc;
    rc = probe_inputs(&longest, &mean, m, err);
    if (!rc)
        rc = rate_measure(&m->rate, m->s, false, err);
    if (rc)
        return rc;
    m->is_rated = true;
    m->full_inputs = inputs_of(&mean, m->max_inputs);
    m->full_tokens = m->max_tokens;
    cut_sizes(m, &mean, budget);
    n = inputs_of(&mean, m->max_inputs);
    m->is_cut = n < m->full_inputs || m->max_tokens < m->full_tokens;
    add_work(&most, m, &longest, (double)n, (double)m->max_tokens);
    out->cost.planned_seconds = cost_seconds(&m->plan, &m->rate, NULL);
    out->cost.planned_tokens = cost_tokens(&most);
    say_plan(m, out, n);
    return 0;
}

/* Half the interval of what most people came for; not above 0: unknown. */
static double
known_to(const char **name, const trv_measurement *out)
{
    const trv_figure *f = out->gap_closed.n > 1    ? &out->gap_closed
                          : out->task_gain.n > 1   ? &out->task_gain
                          : out->task_source.n > 1 ? &out->task_source
                                                   : &out->kl_forward;

    *name = f == &out->gap_closed    ? "gap_closed"
            : f == &out->task_gain   ? "task_gain"
            : f == &out->task_source ? "task_source"
                                     : "kl_forward";
    return f->n > 1 ? 0.5 * (f->high - f->low) : 0.0;
}

int
budget_name(struct measure *m, trv_measurement *out, trv_err *err)
{
    struct strbuf b = {0};
    char all[COST_WORDS];
    const char *name;
    const double half = known_to(&name, out);
    int bad = 0;

    if (!m->is_cut)
        return 0;
    bad |= sb_printf(&b, "Cut to the budget: %lld of %lld inputs",
                     (long long)out->max_inputs, (long long)m->full_inputs);
    if (out->max_tokens < m->full_tokens)
        bad |= sb_printf(&b, ", answers of %lld tokens, not %lld",
                         (long long)out->max_tokens, (long long)m->full_tokens);
    if (half > 0.0)
        bad |= sb_printf(&b, ", so %s is known to %.2g", name, half);
    bad |= sb_printf(&b,
                     ". --max-inputs %lld --max-tokens %lld gives these "
                     "figures anywhere; --budget none takes all, about %s.",
                     (long long)out->max_inputs, (long long)out->max_tokens,
                     cost_time_text(all, m->full_seconds));
    out->cut = bad ? NULL : sb_take(&b);
    sb_release(&b);
    return out->cut ? 0 : err_nomem(err, "for the report");
}
