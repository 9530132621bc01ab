/* evolve_cost.c -- proposals and their evaluations, round by round. */
#include "transform/evolve/evolve_cost.h"

#include <math.h>
#include <string.h>

#include "transform/evolve/evolve_guide.h"

#define STAGE "searching"
#define ASKED_TOKENS 96.0 // of the question, beside what it quotes

/* What all evaluations share. */
struct sizes {
    const struct cost_lengths *l;
    double answer, prompt, answers; // the last: to an input
    double train, held, trial;      // inputs
    bool kl, by_model;
};

static struct sizes
sizes_of(const struct convert_job *job, const struct cost_lengths *l)
{
    const trv_convert_options *o = job->opts;
    const trv_evolve_options *e = &o->evolve;
    struct sizes z = {.l = l,
                      .answer = o->max_tokens,
                      .prompt = o->prompt_tokens + EVOLVE_MARGIN,
                      .answers = e->answers,
                      .train = e->inputs,
                      .held = e->held_out,
                      .kl = o->beta > 0,
                      .by_model = strcmp(e->propose, "edits") != 0};

    if (l->is_given) { // a third is held out at most
        z.held = fmin(z.held, floor(l->inputs / 3.0));
        z.train = fmin(z.train, l->inputs);
    }
    z.trial = fmin(e->minibatch, z.train);
    return z;
}

/* n answers under instructions. */
static void
plan_answers(struct cost_plan *p, const struct sizes *z, double n, bool kl)
{
    const double before = z->l->context + z->prompt;

    cost_draw(p, STAGE, n, before, z->answer, 1.0, COST_BLOCK);
    cost_judge(p, STAGE, z->l, n, z->answer);
    if (kl)
        cost_score(p, STAGE, n * (before + z->l->context + 2.0 * z->answer));
    p->answers += n;
}

static void
plan_trial(struct cost_plan *p, const struct sizes *z, double candidates,
           double inputs)
{
    plan_answers(p, z, candidates * inputs * z->answers, z->kl);
}

/* Texts that the model writes, in the prompt's place or when asked. */
static void
plan_words(struct cost_plan *p, const struct sizes *z, double n)
{
    cost_draw(p, STAGE, n, z->l->context + z->prompt + ASKED_TOKENS,
              z->prompt + EVOLVE_ASKED_MORE, 1.0, COST_BLOCK);
}

/* Answers that were rewarded, behind n prompts. */
static void
plan_hints(struct cost_plan *p, const struct sizes *z, double n)
{
    cost_score(p, STAGE,
               n * GUIDE_TARGETS * (z->l->context + z->prompt + z->answer));
}

static void
plan_beginning(struct cost_plan *p, const struct sizes *z)
{
    const double kinds = z->by_model ? 3.0 : 1.0;
    const double seeds = kinds * EVOLVE_SEEDS;

    if (z->by_model) {
        plan_words(p, z, EVOLVE_SEEDS + EVOLVE_SCREEN);
        plan_trial(p, z, EVOLVE_SCREEN, fmin(EVOLVE_LOOKS, z->trial));
    }
    plan_trial(p, z, 1.0, z->train); // no prompt
    plan_trial(p, z, seeds, z->trial);
    plan_trial(p, z, z->l->is_bound ? seeds : seeds / 4.0, z->train);
}

static void
plan_round(struct cost_plan *p, const struct sizes *z, double population)
{
    const double share = z->l->is_bound ? 1.0 : 0.25; // that goes on so far
    const double again = z->by_model ? share * EVOLVE_SCREEN_AGAIN : 0.0;
    const double children =
        population + (z->by_model ? share * EVOLVE_AGAIN : 0.0);
    const double row = z->l->context + z->prompt + z->answer;

    plan_words(p, z, population + again);
    plan_trial(p, z, again, fmin(EVOLVE_LOOKS, z->trial));
    plan_trial(p, z, children, z->trial);
    plan_trial(p, z, share * children, z->train);
    plan_hints(p, z, share * 2.0 * children);
    /* Children that the gradient leads to. */
    plan_hints(p, z, share * population * GUIDE_NEAR);
    cost_learn(p, STAGE, share * population * (GUIDE_TARGETS + 1.0) * row);
    cost_score(p, STAGE, share * population * 2.0 * row);
}

void
evolve_plan_cost(struct cost_plan *p, const struct convert_job *job,
                 const struct cost_lengths *l)
{
    const trv_evolve_options *e = &job->opts->evolve;
    const struct sizes z = sizes_of(job, l);
    const double again = EVOLVE_FINAL_ANSWERS * z.answers;

    cost_inputs(p, l, z.train + z.held);
    plan_beginning(p, &z);
    for (double i = 0; i < e->rounds; i++)
        plan_round(p, &z, e->population);
    plan_answers(p, &z, (EVOLVE_FINALISTS + 1.0) * z.train * again, z.kl);
    plan_answers(p, &z, 2.0 * z.held * again, true);
    p->steps = e->rounds;
}
