/* cost_plan.c -- stages of work, their sums, and budgets. */
#include "learn/cost_plan.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A sampled input has so many tokens (adapt/view.h), and begins behind those
 * that the model or its template begins with. */
#define SAMPLED_TOKENS 16.0

/* Models up to this size keep the methods' full sizes: those were chosen on
 * models of some millions of parameters. */
#define SMALL_PARAMS 32e6
#define USUAL_BUDGET 600.0 // seconds

/* A core that does less was not built in this century. */
#define SLOW_FLOPS 1e9

/* All weights that learn have a gradient of their own: three products for each
 * token where a frozen weight has two. */
#define FULL_FACTOR 1.5

/* ---- adding work --------------------------------------------------------- */

struct rate_work *
cost_stage(struct cost_plan *p, const char *name)
{
    for (int i = 0; i < p->n; i++)
        if (strcmp(p->stages[i].name, name) == 0)
            return &p->stages[i].work;
    TRV_ASSERT(p->n < COST_STAGES);
    p->stages[p->n].name = name;
    return &p->stages[p->n++].work;
}

void
cost_draw(struct cost_plan *p, const char *stage, double rows, double context,
          double answer, double parts, double batch)
{
    struct rate_work *w = cost_stage(p, stage);

    w->scored += rows * context;
    w->draws += rows * answer * parts;
    w->steps += rate_steps(rows * answer, fmin(batch, rows));
}

/* How many different ones n draws of `of` find. */
static double
seen(double n, double of)
{
    return of > 1.0 ? of * (1.0 - pow(1.0 - 1.0 / of, n))
                    : (of > 0.0 ? fmin(of, n) : n);
}

double
cost_packed(const struct cost_lengths *l, const struct cost_rows *r)
{
    const double batch = fmax(fmin(r->batch, r->n), 1.0);
    const double shared = fmin(r->shared, r->context);

    if (l->is_bound)
        return r->n * (r->context + r->answer);
    return r->n / batch *
           (shared + seen(batch, r->contexts) * (r->context - shared) +
            seen(batch, r->answers) * r->answer);
}

void
cost_score(struct cost_plan *p, const char *stage, double tokens)
{
    cost_stage(p, stage)->scored += tokens;
}

void
cost_learn(struct cost_plan *p, const char *stage, double tokens)
{
    cost_stage(p, stage)->learned += tokens;
}

void
cost_inputs(struct cost_plan *p, const struct cost_lengths *l, double want)
{
    if (!l->is_given)
        cost_draw(p, "sampling inputs", want, l->context, SAMPLED_TOKENS, 1.0,
                  COST_BLOCK);
}

void
cost_judge(struct cost_plan *p, const char *stage, const struct cost_lengths *l,
           double rows, double answer)
{
    cost_score(p, stage, rows * (l->judged + l->verdicts * answer));
}

/* A learned token costs what three others cost. */
static double
weight_of(const struct rate_work *w)
{
    return w->scored + w->draws + 3.0 * w->learned;
}

double
cost_looks(const struct cost_plan *p, double each, double most)
{
    const struct rate_work w = cost_total(p);
    const double fit = floor(0.1 * weight_of(&w) / each);

    return fmin(fmax(fit, 1.0), most);
}

/* ---- reading a plan ------------------------------------------------------ */

struct rate_work
cost_total(const struct cost_plan *p)
{
    struct rate_work sum = {0};

    for (int i = 0; i < p->n; i++) {
        const struct rate_work *w = &p->stages[i].work;

        sum.scored += w->scored;
        sum.learned += w->learned;
        sum.draws += w->draws;
        sum.steps += w->steps;
    }
    return sum;
}

double
cost_tokens(const struct cost_plan *p)
{
    const struct rate_work w = cost_total(p);

    return rate_tokens(&w);
}

double
cost_seconds(const struct cost_plan *p, const struct rate *r,
             const char *behind)
{
    struct rate here = *r;
    double sum = 0.0;
    bool counts = !behind;

    if (p->full || !(here.learn > 0.0)) // forward, and two products back
        here.learn = (p->full ? 2.0 * FULL_FACTOR : 2.0) * here.score;
    for (int i = 0; i < p->n; i++) {
        if (counts)
            sum += rate_seconds(&here, &p->stages[i].work);
        else
            counts = strcmp(p->stages[i].name, behind) == 0;
    }
    return sum;
}

double
cost_slow_seconds(const struct cost_plan *p, const struct model *m)
{
    const struct rate_work w = cost_total(p);

    return 2.0 * (double)model_params(m) * weight_of(&w) / SLOW_FLOPS;
}

/* Of the stage that is reported: by what is done, or else by the plan. */
static double
stage_left(const struct cost_progress *r, const trv_progress *p)
{
    struct cost_plan one = {.full = r->plan->full};

    if (p->done > 0)
        return p->seconds * (double)(p->total - p->done) / (double)p->done;
    for (int i = 0; i < r->plan->n; i++)
        if (strcmp(r->plan->stages[i].name, p->stage) == 0)
            one.stages[one.n++] = r->plan->stages[i];
    return cost_seconds(&one, r->rate, NULL);
}

bool
cost_report(const trv_progress *p, void *payload)
{
    const struct cost_progress *r = payload;
    trv_progress now = *p;

    if (r->rate && p->total >= p->done)
        now.left = stage_left(r, p) + cost_seconds(r->plan, r->rate, p->stage) +
                   r->after;
    return !r->progress || r->progress(&now, r->payload);
}

/* ---- a budget ------------------------------------------------------------ */

/* Less than any work takes, and more than anybody waits: what lies outside is a
 * slip, as a unit that was meant otherwise. */
#define BUDGET_LEAST 0.001
#define BUDGET_MOST (365 * 86400.0)

int
cost_budget(double *seconds, const char *text, trv_err *err)
{
    static const struct {
        const char *unit;
        double seconds;
    } units[] = {{"", 1},     {"s", 1},    {"m", 60},
                 {"min", 60}, {"h", 3600}, {"d", 86400}};
    char *end;
    const double n = strtod(text, &end);

    if (strcmp(text, "none") == 0) {
        *seconds = (double)INFINITY;
        return 0;
    }
    while (end != text && *end == ' ')
        end++;
    for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++)
        if (end != text && strcmp(end, units[i].unit) == 0 &&
            n * units[i].seconds >= BUDGET_LEAST &&
            n * units[i].seconds <= BUDGET_MOST) {
            *seconds = n * units[i].seconds;
            return 0;
        }
    return err_option(
        err, TRV_EINVAL, "budget",
        "is '%.60s'; write a time from 0.001s to 365d, as in 90s, "
        "10m or 2h, or none",
        text);
}

double
cost_usual_budget(const struct model *m)
{
    return (double)model_params(m) > SMALL_PARAMS ? USUAL_BUDGET
                                                  : (double)INFINITY;
}

/* ---- words --------------------------------------------------------------- */

const char *
cost_time_text(char out[COST_WORDS], double s)
{
    if (!(s < 1e9))
        snprintf(out, COST_WORDS, "an unknown time");
    else if (s < 9.5)
        snprintf(out, COST_WORDS, "%.0f s", fmax(ceil(s), 1.0));
    else if (s < 95)
        snprintf(out, COST_WORDS, "%.0f s", 5.0 * round(s / 5.0));
    else if (s < 100 * 60)
        snprintf(out, COST_WORDS, "%.0f min", round(s / 60.0));
    else
        snprintf(out, COST_WORDS, "%.1f h", s / 3600.0);
    return out;
}

const char *
cost_count_text(char out[COST_WORDS], double n)
{
    char digits[COST_WORDS];
    size_t at = 0;
    int len;

    if (!(n < 1e15)) {
        snprintf(out, COST_WORDS, "%.3g", n);
        return out;
    }
    len = snprintf(digits, sizeof(digits), "%.0f", n);
    for (int i = 0; i < len; i++) {
        if (i && (len - i) % 3 == 0)
            out[at++] = ',';
        out[at++] = digits[i];
    }
    out[at] = '\0';
    return out;
}
