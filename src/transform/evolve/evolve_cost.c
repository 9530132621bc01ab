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
    double input;                   // tokens that two inputs do not share
    bool kl, by_model;
};

static struct sizes
sizes_of(const struct convert_job *job, const struct cost_lengths *l)
{
    const trv_convert_options *o = job->opts;
    const trv_evolve_options *e = &o->evolve;
    struct sizes z = {.l = l,
                      .answer = o->max_tokens,
                      .prompt = l->is_bound ? o->prompt_tokens + EVOLVE_MARGIN
                                            : o->prompt_tokens / 2.0,
                      .input = l->context - l->shared,
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

/* Tokens before the answers of candidates to inputs: the estimate has a
 * candidate's own once, as passes do. */
static double
before_all(const struct sizes *z, double candidates, double inputs,
           double prompt)
{
    if (z->l->is_bound)
        return candidates * inputs * z->answers * (z->l->context + prompt);
    return candidates * (z->l->shared + prompt + inputs * z->input);
}

/* Answers to inputs under candidates, and how far from the base they are. */
static void
plan_trial(struct cost_plan *p, const struct sizes *z, double candidates,
           double inputs, bool kl)
{
    const double n = candidates * inputs * z->answers;
    const double before = before_all(z, candidates, inputs, z->prompt);

    if (!(n > 0.0))
        return;
    cost_draw(p, STAGE, n, before / n, z->answer, 1.0, COST_BLOCK);
    cost_judge(p, STAGE, z->l, n, z->answer);
    if (kl)
        cost_score(p, STAGE,
                   before + before_all(z, candidates, inputs, 0.0) +
                       2.0 * n * z->answer);
    p->answers += n;
}

/* Texts that the model writes, in the prompt's place or when asked: most behind
 * the same words. */
static void
plan_words(struct cost_plan *p, const struct sizes *z, double n)
{
    const double before = z->l->context + z->prompt + ASKED_TOKENS;

    cost_draw(p, STAGE, n, z->l->is_bound ? before : before / COST_BLOCK,
              z->prompt + EVOLVE_ASKED_MORE, 1.0, COST_BLOCK);
}

/* Tokens of the rewarded answers behind n prompts; few searches have as many
 * as there may be. */
static double
hint_tokens(const struct sizes *z, double n)
{
    if (z->l->is_bound)
        return n * GUIDE_TARGETS * (z->l->context + z->prompt + z->answer);
    return n * (z->l->shared + z->prompt +
                GUIDE_TARGETS / 4.0 * (z->input + z->answer));
}

static void
plan_beginning(struct cost_plan *p, const struct sizes *z)
{
    const double kinds = z->by_model ? 3.0 : 1.0;
    const double seeds = kinds * EVOLVE_SEEDS;

    if (z->by_model) {
        plan_words(p, z, EVOLVE_SEEDS + EVOLVE_SCREEN);
        plan_trial(p, z, EVOLVE_SCREEN, fmin(EVOLVE_LOOKS, z->trial), z->kl);
    }
    plan_trial(p, z, 1.0, z->train, z->kl); // no prompt
    plan_trial(p, z, seeds, z->trial, z->kl);
    plan_trial(p, z, z->l->is_bound ? seeds : seeds / 4.0, z->train, z->kl);
}

static void
plan_round(struct cost_plan *p, const struct sizes *z, double population)
{
    const double share = z->l->is_bound ? 1.0 : 0.25; // that goes on so far
    const double again = z->by_model ? share * EVOLVE_SCREEN_AGAIN : 0.0;
    const double children =
        population + (z->by_model ? share * EVOLVE_AGAIN : 0.0);
    const double guided = share * population;
    const double row = z->l->context + z->prompt + z->answer;

    plan_words(p, z, population + again);
    plan_trial(p, z, again, fmin(EVOLVE_LOOKS, z->trial), z->kl);
    plan_trial(p, z, children, z->trial, z->kl);
    plan_trial(p, z, share * children, z->train, z->kl);
    cost_score(p, STAGE, hint_tokens(z, share * 2.0 * children));
    /* Children that the gradient leads to. */
    cost_score(p, STAGE, hint_tokens(z, guided * GUIDE_NEAR));
    cost_learn(p, STAGE, hint_tokens(z, guided) + guided * row);
    cost_score(p, STAGE, guided * 2.0 * row);
}

void
evolve_plan_cost(struct cost_plan *p, const struct convert_job *job,
                 const struct cost_lengths *l)
{
    const trv_evolve_options *e = &job->opts->evolve;
    const struct sizes z = sizes_of(job, l);
    struct sizes end = z; // answers are drawn afresh

    cost_inputs(p, l, z.train + z.held);
    plan_beginning(p, &z);
    for (double i = 0; i < e->rounds; i++)
        plan_round(p, &z, e->population);
    end.answers *= EVOLVE_FINAL_ANSWERS;
    plan_trial(p, &end, EVOLVE_FINALISTS + 1.0, z.train, z.kl);
    plan_trial(p, &end, 2.0, z.held, true);
    p->steps = e->rounds;
}
