/* head_cost.c -- answers of both sides, their scores, steps on pairs. */
#include "transform/head/head_cost.h"

#include "transform/head/head_method.h"

void
head_plan(struct cost_plan *p, const struct convert_job *job,
          const struct cost_lengths *l)
{
    const trv_convert_options *o = job->opts;
    const bool ranked =
        job->method->variant == HEAD_REGRESS || job->from->form == FORM_PARAMS;
    const double pairs = o->samples / 2, answer = o->max_tokens;
    const double row = l->context + answer;

    cost_inputs(p, l, pairs);
    cost_draw(p, "sampling", pairs, l->source, answer, l->parts, COST_BLOCK);
    cost_draw(p, "sampling", pairs, l->against, answer, 1.0, COST_BLOCK);
    if (ranked) // every answer by both sides
        cost_score(p, "scoring",
                   2.0 * pairs *
                       (l->source + l->against + answer * (l->parts + 1.0)));
    cost_learn(p, "training",
               (o->learn.steps + 1.0) * o->learn.batch * 2.0 * row);
    /* A tenth of the pairs is held out; ranked, two answers make three. */
    cost_learn(p, "evaluating",
               2.0 * row * (1.0 + (ranked ? 0.3 : 0.11) * pairs));
    p->answers = 2.0 * pairs;
    p->steps = o->learn.steps;
}
