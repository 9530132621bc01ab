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
    double micro;  // of them, what goes through the decoder together
    double shared; // of a student's contexts, alike in all
    double inputs; // different ones that rows are drawn from
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
    z.micro = z.rows / fmax(o->learn.accumulate, 1.0);
    z.shared = l->shared + (z.student - l->context);
    z.inputs = fmin(inputs, o->pairs ? inputs : z.groups);
    return z;
}

/* Steps that learn; of a bound one more, where the loss has risen, to see by
 * how much. */
static double
learned_steps(const struct cost_lengths *l, const struct sizes *z)
{
    return z->steps + (l->is_bound ? 1.0 : 0.0);
}

/* n rows of the student's batches, of so long an answer out of so many
 * different ones (0: each is another). */
static double
student_rows(const struct cost_lengths *l, const struct sizes *z, double n,
             double answer, double answers)
{
    return cost_packed(l, &(struct cost_rows){.n = n,
                                              .batch = z->micro,
                                              .context = z->student,
                                              .answer = answer,
                                              .shared = z->shared,
                                              .contexts = z->inputs,
                                              .answers = answers});
}

/* n answers of the base, or none yet, to its inputs. */
static double
base_rows(const struct cost_lengths *l, const struct sizes *z, double n,
          double inputs, double answer)
{
    return cost_packed(l, &(struct cost_rows){.n = n,
                                              .batch = COST_BLOCK,
                                              .context = z->context,
                                              .answer = answer,
                                              .shared = l->shared,
                                              .contexts = inputs});
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
    const double half = l->answers / 2.0, answer = kto ? l->answers : half;

    if (job->from->form == FORM_REWARD)
        cost_judge(p, "scoring", l, 2.0 * l->inputs, l->answers);
    if (has_reference(job))
        cost_score(p, "training",
                   base_rows(l, z, 2.0 * l->inputs, l->inputs, half));
    if (kto) // mismatched answers, under the student and under the base
        cost_score(p, "training",
                   2.0 * student_rows(l, z, z->steps * z->rows, answer, 0.0));
    cost_learn(p, "training",
               student_rows(l, z, learned_steps(l, z) * z->rows, answer, 0.0));
}

/* Answers that are drawn of the base and scored once. */
static void
plan_drawn(struct cost_plan *p, const struct convert_job *job,
           const struct cost_lengths *l, const struct sizes *z)
{
    const double n = z->groups * z->group;

    cost_draw(p, "sampling", n, base_rows(l, z, n, z->groups, 0.0) / n,
              z->answer, 1.0, COST_BLOCK);
    cost_judge(p, "scoring", l, n, z->answer);
    if (job->method->variant == POLICY_DPO && has_reference(job))
        cost_score(p, "training", base_rows(l, z, n, z->groups, z->answer));
    cost_learn(p, "training",
               student_rows(l, z, learned_steps(l, z) * z->rows, z->answer, n));
    p->answers = n;
}

/* Answers of the student in each batch, and their rewards. */
static void
plan_rollouts(struct cost_plan *p, const struct convert_job *job,
              const struct cost_lengths *l, const struct sizes *z)
{
    const double n = ceil(z->steps / (double)job->opts->updates) * z->batch;
    struct sizes own = *z; // a batch has inputs of its own
    double prompts, learned;

    own.inputs = z->group > 1.0 ? z->micro / z->group : 0.0;
    prompts = student_rows(l, &own, n, 0.0, 0.0);
    learned =
        student_rows(l, &own, learned_steps(l, z) * z->rows, z->answer, 0.0);
    cost_draw(p, "training", n, prompts / n, z->answer, 1.0, z->batch);
    cost_judge(p, "training", l, n, z->answer);
    cost_score(p, "training", prompts + n * z->answer); // the reference
    if (job->method->variant == POLICY_PPO) // the critic's first look
        cost_learn(p, "training", prompts + n * z->answer);
    cost_learn(p, "training", learned);
    p->answers = n;
}

/* An evaluation that nobody asked for: of the base and of the student, and how
 * far they are apart. A bound is of as many answers as the estimate has. */
static void
plan_looks(struct cost_plan *p, const struct convert_job *job,
           const struct cost_lengths *l, const struct sizes *z)
{
    const bool pairs_alone = job->opts->pairs && !job->opts->eval;
    const double answer = pairs_alone ? l->answers / 2.0 : z->answer;
    const double before =
        base_rows(l, z, COST_BLOCK, z->inputs, 0.0) / COST_BLOCK;
    const double both = z->student - z->context + 2.0 * before + 2.0 * answer;
    const double drawn = both + 2.0 * (l->judged + l->verdicts * answer);
    const double each = pairs_alone ? both : drawn + both;
    const double of = job->opts->eval ? 2.0 : 1.0; // held-out inputs, too

    if (!l->is_bound)
        p->looks = cost_looks(p, of * each, EVAL_ANSWERS);
    if (!pairs_alone) {
        cost_draw(p, "evaluating", of * 2.0 * p->looks,
                  z->student - z->context + before, answer, 1.0, COST_BLOCK);
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
