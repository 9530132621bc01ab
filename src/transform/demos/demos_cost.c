/* demos_cost.c -- candidates, choices, the report. */
#include "transform/demos/demos_cost.h"

#include <math.h>

#include "transform/demos/demo_values.h"

#define STAGE "choosing"

/* Choices that a search evaluates: it grows, front and back, and is mended
 * (greedy_select.c). Most searches end after one repair. */
static double
choices(double pool, double k, bool is_bound)
{
    const double grow = k * 2.0 * pool;
    const double mend = k * (1.0 + 2.0 * k + pool) + pool * (k + 1.0);

    return is_bound ? 1.0 + DEMO_STARTS * (pool + grow + DEMO_MENDS * mend)
                    : 1.0 + pool + grow + mend;
}

/* n answers under k demonstrations, scored, or compared with the source's. */
static void
plan_values(struct cost_plan *p, const struct convert_job *job,
            const struct cost_lengths *l, double n, double k)
{
    const double answer = job->opts->max_tokens;
    const double before = l->context + k * (l->context + answer);

    if (job->from->form == FORM_REWARD) {
        cost_draw(p, STAGE, n, before, answer, 1.0, COST_BLOCK);
        cost_judge(p, STAGE, l, n, answer);
        if (job->opts->beta > 0)
            cost_score(p, STAGE, n * (before + l->context + 2.0 * answer));
        p->answers += n;
    } else {
        cost_score(p, STAGE,
                   n * (before + l->source + answer * (1.0 + l->parts)));
    }
}

void
demos_plan(struct cost_plan *p, const struct convert_job *job,
           const struct cost_lengths *l)
{
    const trv_convert_options *o = job->opts;
    const bool reward = job->from->form == FORM_REWARD;
    const double answer = o->max_tokens, k = o->evolve.demos;
    const double held = o->evolve.held_out;
    const double train =
        l->is_given ? fmin(o->evolve.inputs, l->inputs) : o->evolve.inputs;
    const double half = ceil(train / 2.0);
    const double n = fmin(reward ? 2.0 * DEMO_POOL : DEMO_POOL, half);
    const double pool = fmin(n, DEMO_POOL);
    const double looks = choices(pool, fmin(k, pool), l->is_bound);
    const double each = reward ? o->evolve.answers : 1.0;

    cost_inputs(p, l, o->evolve.inputs + held);
    if (reward) {
        plan_values(p, job, l, n * DEMO_BEST_OF, 0.0);
    } else { // and those of the rows that are compared, and of the report
        cost_draw(p, STAGE, train + held, l->source, answer, l->parts,
                  COST_BLOCK);
        p->answers += train + held;
    }
    plan_values(p, job, l, looks * fmax(train - n, 0.0) * each,
                l->is_bound ? k : k / 2.0);
    plan_values(p, job, l, 2.0 * held * (reward ? DEMO_FINAL_ANSWERS : 1.0), k);
    p->steps = looks;
}
