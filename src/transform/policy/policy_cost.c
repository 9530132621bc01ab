/* policy_cost.c -- answers, rewards, steps, and the looks before and after. */
#include "transform/policy/policy_cost.h"

#include <math.h>
#include <string.h>

#include "learn/loss/loss_preference.h"
#include "transform/policy/policy_method.h"

/* Answers to evaluate the base and the student on, at most. */
#define EVAL_ANSWERS 128.0

/* The lengths that all methods here see. */
struct sizes {
    double answer, context, student; // the last with what virtual tokens add
    double steps, batch, group;
    double groups; // inputs whose answers are drawn once
    double rows;   // answers of a step that are learned
};

static struct sizes
sizes_of(const struct convert_job *job, const struct cost_lengths *l)
{
    const trv_convert_options *o = job->opts;
    const double inputs = l->is_given ? l->inputs : POLICY_INPUTS;
    struct sizes z = {.answer = o->max_tokens,
                      .context = l->context,
                      .student = l->context,
                      .steps = o->learn.steps,
                      .batch = o->learn.batch,
                      .group = fmax(o->group, 1.0)};

    if (!o->learn.steps) // of a stream, whose rows are not known yet
        z.steps = ceil(o->epochs * l->inputs / fmax(z.batch, 1.0));
    if (student_is_virtual(job->to))
        z.student += o->virtual_tokens.tokens;
    z.groups = o->samples ? ceil(o->samples / z.group) : inputs;
    z.rows = job->method->variant == POLICY_DPO    ? 2.0 * z.batch
             : job->method->variant == POLICY_TILT ? z.batch * z.group
                                                   : z.batch;
    return z;
}

/* Does the loss of pairs compare with what the base gives them? */
static bool
has_reference(const struct convert_job *job)
{
    const char *name = job->method->info.name, *loss = job->opts->loss;

    for (int i = 0; i < PREFERENCE_LOSSES; i++) {
        const struct preference_traits *t =
            preference_traits((enum preference_loss)i);

        if (strcmp(t->method, name) == 0 &&
            (!loss || strcmp(t->name, loss) == 0))
            return t->has_reference;
    }
    return true;
}

/* Given pairs: their answers, and what the base makes of them. */
static void
plan_pairs(struct cost_plan *p, const struct convert_job *job,
           const struct cost_lengths *l, const struct sizes *z)
{
    const bool kto = job->method->variant == POLICY_KTO;
    const double pair = z->context * 2.0 + l->answers;
    const double row =
        kto ? z->student + l->answers : 2.0 * z->student + l->answers;

    if (job->from->form == FORM_REWARD)
        cost_judge(p, "scoring", l, 2.0 * l->inputs, l->answers);
    if (has_reference(job))
        cost_score(p, "training", l->inputs * pair);
    if (kto) // mismatched answers, under the student and under the base
        cost_score(p, "training", z->steps * z->batch * 2.0 * row);
    cost_learn(p, "training", (z->steps + 1.0) * z->batch * row);
}

/* Answers that are drawn of the base and scored once. */
static void
plan_drawn(struct cost_plan *p, const struct convert_job *job,
           const struct cost_lengths *l, const struct sizes *z)
{
    const double n = z->groups * z->group;

    cost_draw(p, "sampling", n, z->context, z->answer, 1.0, COST_BLOCK);
    cost_judge(p, "scoring", l, n, z->answer);
    if (job->method->variant == POLICY_DPO && has_reference(job))
        cost_score(p, "training", n * (z->context + z->answer));
    cost_learn(p, "training",
               (z->steps + 1.0) * z->rows * (z->student + z->answer));
    p->answers = n;
}

/* Answers of the student in each batch, and their rewards. */
static void
plan_rollouts(struct cost_plan *p, const struct convert_job *job,
              const struct cost_lengths *l, const struct sizes *z)
{
    const double n = ceil(z->steps / (double)job->opts->updates) * z->batch;
    const double row = z->student + z->answer;

    cost_draw(p, "training", n, z->student, z->answer, 1.0, z->batch);
    cost_judge(p, "training", l, n, z->answer);
    cost_score(p, "training", n * (z->context + z->answer)); // the reference
    if (job->method->variant == POLICY_PPO)
        cost_learn(p, "training", n * row); // the critic's first look
    cost_learn(p, "training", (z->steps + 1.0) * z->batch * row);
    p->answers = n;
}

/* An evaluation that nobody asked for: of the base and of the student, and how
 * far they are apart. */
static void
plan_looks(struct cost_plan *p, const struct convert_job *job,
           const struct cost_lengths *l, const struct sizes *z)
{
    const bool pairs_alone = job->opts->pairs && !job->opts->eval;
    const double answer = pairs_alone ? l->answers / 2.0 : z->answer;
    const double both = z->student + z->context + 2.0 * answer;
    const double drawn = both + 2.0 * (l->judged + l->verdicts * answer);
    const double each = pairs_alone ? both : drawn + both;
    const double of = job->opts->eval ? 2.0 : 1.0; // held-out inputs, too

    p->looks = cost_looks(p, of * each, EVAL_ANSWERS);
    if (!pairs_alone) {
        cost_draw(p, "evaluating", of * 2.0 * p->looks, z->student, answer, 1.0,
                  COST_BLOCK);
        cost_judge(p, "evaluating", l, of * 2.0 * p->looks, answer);
    }
    cost_score(p, "evaluating", of * p->looks * both);
}

void
policy_plan_cost(struct cost_plan *p, const struct convert_job *job,
                 const struct cost_lengths *l)
{
    const struct sizes z = sizes_of(job, l);

    p->steps = z.steps;
    cost_inputs(p, l, z.groups);
    if (job->opts->pairs)
        plan_pairs(p, job, l, &z);
    else if (job->method->variant == POLICY_GRPO ||
             job->method->variant == POLICY_PPO)
        plan_rollouts(p, job, l, &z);
    else
        plan_drawn(p, job, l, &z);
    if (student_is_virtual(job->to)) // keys and values of a start
        cost_score(p, "training", 2.0 * job->opts->virtual_tokens.tokens);
    plan_looks(p, job, l, &z);
}
