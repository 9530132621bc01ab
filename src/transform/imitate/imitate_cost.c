/* imitate_cost.c -- answers of a teacher, a closed form, steps. */
#include "transform/imitate/imitate_cost.h"

#include <math.h>
#include <string.h>

#include "transform/imitate/imitate.h"

/* The closed form's metric is taken from so many answer tokens (solve.c), and
 * the chunk that completes them. */
#define METRIC_TOKENS 8192.0

static void
plan_solve(struct cost_plan *p, const struct cost_lengths *l, double n,
           double taught, double answer)
{
    const double metric =
        l->is_bound ? n : fmin(n, METRIC_TOKENS / fmax(answer, 1.0));

    cost_score(p, "solving", n * (taught + l->context + answer));
    cost_learn(p, "solving", metric * taught);
}

/* Tokens of n rows, out of so many answers: under the teacher, and behind
 * `before` tokens of the student's own. */
static double
teacher_rows(const struct cost_lengths *l, double n, double batch,
             double answers, double answer)
{
    return cost_packed(l, &(struct cost_rows){.n = n,
                                              .batch = batch,
                                              .context = l->source,
                                              .answer = answer * l->parts,
                                              .shared = l->source_shared,
                                              .contexts = l->inputs,
                                              .answers = answers});
}

static double
student_rows(const struct cost_lengths *l, double n, double batch,
             double answers, double before, double answer)
{
    return cost_packed(l, &(struct cost_rows){.n = n,
                                              .batch = batch,
                                              .context = before + l->context,
                                              .answer = answer,
                                              .shared = before + l->shared,
                                              .contexts = l->inputs,
                                              .answers = answers});
}

void
imitate_plan(struct cost_plan *p, const struct convert_job *job,
             const struct cost_lengths *l)
{
    const trv_convert_options *o = job->opts;
    const int variant = job->method->variant;
    const bool is_virtual = student_is_virtual(job->to);
    const double answer = o->max_tokens, samples = o->samples;
    const double before = is_virtual ? o->virtual_tokens.tokens : 0.0;
    const double taught = l->source + answer * l->parts;
    const double student = l->context + before + answer;
    const double batch = o->learn.batch, steps = o->learn.steps;
    const double own = ceil(steps * o->on_policy);
    const double micro = batch / fmax(o->learn.accumulate, 1.0);
    /* Of a bound one more, where the loss has risen, to see by how much. */
    const double rows = (steps + (l->is_bound ? 1.0 : 0.0)) * batch;

    cost_inputs(p, l, samples);
    cost_draw(p, "sampling", samples,
              teacher_rows(l, samples, COST_BLOCK, 0.0, 0.0) / samples, answer,
              l->parts, COST_BLOCK);
    p->answers = samples;
    if (variant == IMITATE_SOLVE) {
        plan_solve(p, l, samples, taught, answer);
        return;
    }
    if (strcmp(o->init, "solve") == 0)
        plan_solve(p, l, fmin(samples, SOLVE_ANSWERS), taught, answer);
    if (is_virtual) // one batch of each start, without a gradient
        cost_score(p, "training",
                   (START_DEMOS + START_TEXTS) *
                       (fmin(START_PROBE, samples) * (taught + student) +
                        2.0 * before));
    if (own > 0.0)
        cost_draw(p, "training", own * batch, l->context + before, answer, 1.0,
                  batch);
    if (variant != IMITATE_SFT)
        cost_score(p, "training",
                   teacher_rows(l, rows, micro, samples, answer));
    cost_learn(p, "training",
               student_rows(l, rows, micro, samples, before, answer));
    p->steps = steps;
}
