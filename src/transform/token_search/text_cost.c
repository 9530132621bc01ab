/* text_cost.c -- restarts, steps and looks of a search for a text. */
#include "transform/token_search/text_cost.h"

#include <math.h>

#include "adapt/reward/reward.h"
#include "transform/token_search/goal_reward.h"
#include "transform/token_search/text_search.h"

#define STAGE "searching"

/* What every step and look of a search is made of. */
struct sizes {
    const struct cost_lengths *l;
    bool by_reward;
    double answer, prompt, batch, samples, inputs;
    double row;       // input, prompt and answer
    double bare;      // input and prompt
    double known;     // answers of a step that lead it
    double candidate; // tokens of one candidate before these
    double width;
};

static double
width_of(const struct sizes *z, const struct convert_job *job)
{
    const double flop = 2.0 * (double)model_params(job->s->model);
    const double fit = TEXT_STEP_FLOP / (flop * z->candidate);

    if (job->opts->search.width)
        return job->opts->search.width;
    return fmin(fmax(fit, TEXT_LEAST_WIDTH), TEXT_MOST_WIDTH);
}

static struct sizes
sizes_of(const struct convert_job *job, const struct cost_lengths *l)
{
    const trv_convert_options *o = job->opts;
    struct sizes z = {.l = l,
                      .by_reward = job->from->form == FORM_REWARD &&
                                   !reward_guides(job->from),
                      .answer = o->max_tokens,
                      .prompt = o->prompt_tokens,
                      .batch = o->learn.batch};

    z.samples = o->samples    ? o->samples
                : z.by_reward ? TEXT_INPUTS * TEXT_PER_INPUT
                              : TEXT_SAMPLES;
    z.inputs =
        z.by_reward ? fmax(floor(z.samples / TEXT_PER_INPUT), 1.0) : z.samples;
    z.bare = l->context + z.prompt;
    z.row = z.bare + z.answer;
    z.batch = fmin(z.batch, z.by_reward ? z.inputs : z.samples);
    /* Of a reward, answers of little weight are left out: two stay. */
    z.known = !z.by_reward   ? z.batch
              : !l->is_bound ? 2.0 * z.batch
                             : z.batch * (z.samples / z.inputs + TEXT_DRAWN);
    z.candidate =
        z.bare + z.batch * (l->is_bound ? z.row : l->context + z.answer);
    z.width = width_of(&z, job);
    if (l->is_bound && !o->search.width) // shorter inputs take more candidates
        z.width = fmin(2.0 * z.width, TEXT_MOST_WIDTH);
    return z;
}

/* The teacher on n answers. */
static void
plan_teacher(struct cost_plan *p, const struct sizes *z, double n)
{
    cost_score(p, STAGE, n * (z->l->source + z->answer * z->l->parts));
}

/* n answers drawn under a prompt, scored, and run by both sides. */
static void
plan_answers(struct cost_plan *p, const struct sizes *z, double n)
{
    cost_draw(p, STAGE, n, z->bare, z->answer, 1.0, COST_BLOCK);
    cost_judge(p, STAGE, z->l, n, z->answer);
    cost_score(p, STAGE, n * (z->row + z->l->context + z->answer));
}

/* n prompts before the answers of a step, and their own likelihood. */
static void
plan_candidates(struct cost_plan *p, const struct sizes *z, double n)
{
    cost_score(p, STAGE, n * (z->candidate * z->known / z->batch + z->bare));
}

static void
plan_judge(struct cost_plan *p, const struct sizes *z)
{
    const double n = fmin(TEXT_JUDGED, z->by_reward ? z->inputs : z->samples);

    if (z->by_reward) {
        plan_answers(p, z, n * TEXT_DRAWN);
    } else {
        plan_teacher(p, z, n);
        cost_score(p, STAGE, n * z->row + z->bare);
    }
    cost_score(p, STAGE, z->bare);
}

/* n texts that the model writes, or the teacher, and the best of them. */
static void
plan_look(struct cost_plan *p, const struct sizes *z, double n)
{
    cost_draw(p, STAGE, n, z->l->context * z->l->parts, z->prompt, z->l->parts,
              COST_BLOCK);
    cost_score(p, STAGE, n * z->bare);
    if (z->by_reward) {
        plan_answers(p, z, n * REWARD_SCREENED);
        plan_answers(p, z, (TEXT_CONFIRMS + 1) * z->batch * TEXT_DRAWN);
    } else {
        plan_teacher(p, z, z->batch);
        plan_candidates(p, z, n);
    }
    plan_judge(p, z);
}

static void
plan_steps(struct cost_plan *p, const struct sizes *z, double n)
{
    struct cost_plan one = {0};
    const struct rate_work *w = cost_stage(&one, STAGE);
    struct rate_work *sum = cost_stage(p, STAGE);

    if (z->by_reward)
        plan_answers(&one, z, (TEXT_CONFIRMS + 1) * z->batch * TEXT_DRAWN);
    else
        plan_teacher(&one, z, z->batch);
    plan_candidates(&one, z, z->width + 1.0);
    cost_learn(&one, STAGE, z->known * z->row + z->bare); // the gradient
    cost_score(&one, STAGE, (1.0 + z->l->parts) * (z->bare + 1.0));
    sum->scored += n * w->scored;
    sum->learned += n * w->learned;
    sum->draws += n * w->draws;
    sum->steps += n * w->steps;
}

void
text_plan(struct cost_plan *p, const struct convert_job *job,
          const struct cost_lengths *l)
{
    const trv_convert_options *o = job->opts;
    const struct sizes z = sizes_of(job, l);
    const double restarts = o->search.restarts, steps = o->learn.steps;
    const double looks = !z.by_reward  ? 1.0
                         : l->is_bound ? SEARCH_LOOKS
                                       : SEARCH_LOOKS / 2.0;
    const double kicks = floor(steps / (double)o->search.patience);

    cost_inputs(p, l, z.inputs);
    cost_draw(p, "sampling", z.samples, l->source, z.answer, l->parts,
              COST_BLOCK);
    if (z.by_reward)
        cost_judge(p, STAGE, l, z.samples, z.answer);
    plan_judge(p, &z); // of no prompt
    for (double i = 0; i < restarts; i++) {
        for (double k = 0; k < looks; k++)
            plan_look(p, &z, TEXT_STARTS);
        for (double k = 0; k < kicks; k++) {
            plan_judge(p, &z);
            plan_look(p, &z, SEARCH_KICKS);
        }
        plan_steps(p, &z, steps);
        plan_judge(p, &z);
    }
    if (z.by_reward)
        plan_judge(p, &z); // the report
    p->answers = fmax(z.samples, z.inputs);
    p->steps = restarts * steps;
}
