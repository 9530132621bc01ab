/* policy_method.c -- plan, answers, training and result of what is learned from a
 * reward.
 *
 * Everything on the way lies in OUT.run; a run that was stopped goes on from
 * there:
 *   run.json        the run's fingerprint: what a resumed run must agree on
 *   answers.jsonl   whole blocks of answers
 *   rewards.json    what the reward said of them
 *   checkpoint.safetensors, metrics.jsonl   of learn/loop/run.h
 */
#include "transform/policy/policy_method.h"

#include <math.h>
#include <string.h>

#include "learn/loss/loss_tilt.h"
#include "transform/policy/policy_eval.h"
#include "transform/policy/grpo.h"
#include "transform/policy/ppo.h"
#include "transform/policy/policy_options.h"
#include "transform/policy/policy_report.h"
#include "transform/policy/tilt.h"

/* Answers that say how the base and the student do: so many to each input, at
 * most so many in all. */
#define EXAM_EACH 4
#define EXAM_ANSWERS 128
#define PPO_VALUE_CLIP 0.2 // TRL's cliprange_value

/* All that a course of learning holds. */
struct course {
    struct reward_plan p;
    struct inputs in, held_out;
    struct answers answers, held_contexts;
    double *reward; // [answers.n]
    struct pairs pairs;
    struct tilted *tilted; // and where each input's begin: [groups+1]
    int64_t *tilted_first, n_tilted;
    struct terms student;
    struct decoder *own; // all weights learn in it; NULL: the student's terms
    struct run_result result;
    struct reward_story story;
};

static void
course_release(struct course *c)
{
    decoder_free(c->own);
    terms_release(&c->student);
    mem_free(c->tilted);
    mem_free(c->tilted_first);
    pairs_release(&c->pairs);
    mem_free(c->reward);
    answers_release(&c->answers);
    answers_release(&c->held_contexts);
    inputs_release(&c->in);
    inputs_release(&c->held_out);
    reward_plan_release(&c->p);
}

/* ---- inputs ------------------------------------------------------------ */

static int
open_inputs(struct course *c, trv_err *err)
{
    const struct convert_job *job = c->p.job;
    const trv_convert_options *o = job->opts;
    const bool chat = adaptation_is_chat(job->from);
    int rc = convert_inputs(&c->in, job, o->pairs ? o->pairs : o->inputs,
                            c->p.want, chat, err);

    return rc || !o->eval ? rc
                          : convert_inputs(&c->held_out, job, o->eval,
                                           c->p.want, chat, err);
}

/* Contexts of the inputs, from base and student; with pairs, their answers. */
static int
open_contexts(struct course *c, trv_err *err)
{
    const struct convert_job *job = c->p.job;
    const int64_t room = c->p.max_tokens;
    int rc;

    if (job->opts->pairs)
        rc = pairs_of_file(&c->pairs, &c->answers, job->s, &c->student, &c->in,
                           err);
    else
        rc = answers_contexts(&c->answers, job->s, NULL, &c->student, &c->in,
                              room, err);
    if (!rc && job->opts->eval)
        rc = answers_contexts(&c->held_contexts, job->s, NULL, &c->student,
                              &c->held_out, room, err);
    if (rc)
        return rc;
    if (c->pairs.n_dropped > 0)
        convert_say(job,
                    "warning: %lld of %lld pairs do not fit the context, or "
                    "have equal answers, and are left out",
                    (long long)c->pairs.n_dropped, (long long)c->in.data.n);
    convert_say_dropped(job, c->answers.n_dropped, c->in.data.n, 0, room);
    if (!c->p.groups)
        c->p.groups = c->answers.n_contexts;
    return 0;
}

/* ---- answers of the base, and what the reward says --------------------- */

/* What the reward says of all answers, kept, for an outside program may say
 * something else now. */
static int
score_answers(struct course *c, const struct reward_watch *watch, trv_err *err)
{
    c->reward = mem_calloc((size_t)c->answers.n, sizeof(*c->reward));
    if (!c->reward)
        return err_fail(err, TRV_ENOMEM, "no memory for rewards");
    return work_stopped(&c->p.w,
                        trials_keep(c->reward, c->p.w.s, c->p.reward,
                                    &c->answers, &c->in, c->p.rewards,
                                    c->p.w.resume, watch, err),
                        "before learning", err);
}

static int
draw(struct course *c, trv_err *err)
{
    const trv_convert_options *o = c->p.job->opts;
    struct reward_watch watch;
    int rc =
        convert_draw(&c->answers, &c->p.w,
                     (struct answers_options){.samples = c->p.groups * c->p.K,
                                              .group = c->p.K,
                                              .max_tokens = c->p.max_tokens,
                                              .temperature = o->temperature,
                                              .seed = o->seed},
                     err);

    if (rc)
        return rc;
    watch = work_watch(&c->p.w);
    rc = score_answers(c, &watch, err);
    if (!rc)
        trials_look(&c->story.drawn, c->reward, c->answers.n, c->p.K);
    return rc;
}

/* The reward's own opinion of given pairs. */
static int
look_at_pairs(struct course *c, trv_err *err)
{
    struct reward_story *y = &c->story;
    int rc;

    if (!c->p.reward)
        return 0;
    rc = score_answers(c, NULL, err);
    if (rc)
        return rc;
    y->agreement = 0.0;
    for (int64_t i = 0; i < c->pairs.n; i++) {
        const double gap = c->reward[c->pairs.list[i].chosen] -
                           c->reward[c->pairs.list[i].rejected];

        y->agreement += (gap > 0   ? 1.0
                         : gap < 0 ? 0.0
                                   : 0.5) /
                        (double)c->pairs.n;
    }
    return 0;
}

/* The heaviest answers of an input that hold all of its weight but this: the
 * rest would cost passes and teach nothing. */
#define TILT_LOST 1e-3

static void
tilt_group(struct course *c, int64_t g, double *weight)
{
    const int64_t K = c->p.K;
    double left = 1.0, kept = 0.0;
    const int64_t from = c->n_tilted;

    loss_tilt_weights(weight, NULL, c->reward + g * K, K, c->p.beta);
    while (left > TILT_LOST && c->n_tilted - from < K) {
        const int64_t i = loss_tilt_best(weight, K);

        c->tilted[c->n_tilted++] = (struct tilted){g * K + i, weight[i]};
        left -= weight[i];
        kept += weight[i];
        weight[i] = -1.0;
    }
    for (int64_t i = from; i < c->n_tilted; i++)
        c->tilted[i].w /= kept;
}

static int
make_tilted(struct course *c, trv_err *err)
{
    const int64_t K = c->p.K, groups = c->p.groups;
    double *weight = mem_calloc((size_t)K, sizeof(*weight));

    c->tilted = mem_calloc((size_t)c->answers.n, sizeof(*c->tilted));
    c->tilted_first = mem_calloc((size_t)groups + 1, sizeof(*c->tilted_first));
    if (!weight || !c->tilted || !c->tilted_first) {
        mem_free(weight);
        return err_fail(err, TRV_ENOMEM, "no memory for weighted answers");
    }
    for (int64_t g = 0; g < groups; g++) {
        const int64_t best = loss_tilt_best(c->reward + g * K, K);

        if (c->p.method == POLICY_TILT)
            tilt_group(c, g, weight);
        else
            c->tilted[c->n_tilted++] = (struct tilted){g * K + best, 1.0};
        c->tilted_first[g + 1] = c->n_tilted;
    }
    mem_free(weight);
    return 0;
}

/* Nothing of the run is needed any more but its metrics. */
static void
forget(const struct course *c)
{
    run_place_finish(&c->p.w.place);
    (void)remove(c->p.rewards);
}

/* From rewards to what is learned. A reward that tells no two answers apart
 * teaches nothing, which is no result. */
static int
make_lessons(struct course *c, trv_err *err)
{
    const struct trials_figures *f = &c->story.drawn;
    int rc = 0;

    if (c->p.job->opts->pairs)
        return look_at_pairs(c, err);
    if (reward_plan_is_on_policy(&c->p))
        return 0;
    rc = draw(c, err);
    if (!rc && c->p.method == POLICY_DPO)
        rc = pairs_of_rewards(&c->pairs, &c->answers, c->reward, c->p.K,
                              &c->p.pairing, err);
    if (!rc && c->p.method != POLICY_DPO)
        rc = make_tilted(c, err);
    if (rc)
        return rc;
    reward_words_drawn(&c->p, &c->story, c->pairs.n);
    if (f->flat == f->groups ||
        (c->p.method == POLICY_DPO && c->pairs.n == 0)) {
        forget(c); // going on would end here again
        return err_fail(err, TRV_EINVAL,
                        "the reward separates no two answers to one input by "
                        "more than %g (its mean is %.4g): there is nothing to "
                        "learn; more answers to each (--group) or another "
                        "reward may help",
                        c->p.job->opts->margin, f->mean);
    }
    return 0;
}

/* ---- learning ---------------------------------------------------------- */

static struct terms *
learned_terms(struct course *c)
{
    return c->own ? NULL : &c->student;
}

static int
run_task(struct course *c, const struct run_task *task, trv_err *err)
{
    return work_train(&c->result, &c->p.w, task, &c->p.learn, err);
}

static int
learn_pairs(struct course *c, trv_err *err)
{
    struct prefer t = {.s = c->p.job->s,
                       .answers = &c->answers,
                       .list = c->pairs.list,
                       .n = c->pairs.n,
                       .student = learned_terms(c),
                       .own = c->own,
                       .opts = {.loss = c->p.preference,
                                .sft_weight = c->p.job->opts->sft_weight,
                                .steps = c->p.learn.steps,
                                .batch = c->p.learn.batch,
                                .accumulate = c->p.learn.accumulate,
                                .seed = c->p.job->opts->seed}};
    struct run_task task;
    int rc = prefer_init(&t, &task, err);

    if (!rc)
        rc = run_task(c, &task, err);
    if (!rc)
        reward_words_pairs(&c->p, &t);
    prefer_release(&t);
    return rc;
}

static int
learn_tilted(struct course *c, trv_err *err)
{
    struct tilt t = {.s = c->p.job->s,
                     .answers = &c->answers,
                     .list = c->tilted,
                     .first = c->tilted_first,
                     .n = c->p.groups,
                     .student = learned_terms(c),
                     .own = c->own,
                     .opts = {.batch = c->p.learn.batch,
                              .accumulate = c->p.learn.accumulate,
                              .seed = c->p.job->opts->seed}};
    struct run_task task;
    int rc = tilt_init(&t, &task, err);

    if (!rc)
        rc = run_task(c, &task, err);
    tilt_release(&t);
    return rc;
}

static int
judge(void *payload, double *reward, const struct tried *list, int64_t n,
      trv_err *err)
{
    struct course *c = payload;

    return trials_score(reward, c->p.job->s, c->p.reward, list, n, NULL, err);
}

/* Its answers are counted by the steps: a resumed run draws only the rest. */
static struct rollout
plan_rollout(struct course *c)
{
    const trv_convert_options *o = c->p.job->opts;
    const int64_t batches = (c->p.learn.steps + o->updates - 1) / o->updates;

    c->story.answers += batches * c->p.learn.batch;
    return (struct rollout){.s = c->p.job->s,
                            .contexts = &c->answers,
                            .in = &c->in,
                            .own = c->own,
                            .judge = {judge, c},
                            .opts = {.n = c->p.learn.batch,
                                     .K = c->p.K,
                                     .max_tokens = c->p.max_tokens,
                                     .temperature = o->temperature,
                                     .seed = o->seed}};
}

static int
learn_groups(struct course *c, trv_err *err)
{
    const trv_convert_options *o = c->p.job->opts;
    struct grpo t = {.r = plan_rollout(c),
                     .student = learned_terms(c),
                     .job = c->p.job,
                     .opts = {.rloo = c->p.rloo,
                              .scale = c->p.scale,
                              .ratio = c->p.ratio,
                              .mean = c->p.mean,
                              .clip = o->clip_ratio,
                              .beta = c->p.beta,
                              .steps = c->p.learn.steps,
                              .updates = o->updates,
                              .accumulate = c->p.learn.accumulate}};
    struct run_task task;
    int rc = grpo_init(&t, &task, err);

    if (!rc)
        rc = run_task(c, &task, err);
    if (!rc)
        reward_words_groups(&c->p, &t);
    grpo_release(&t);
    return rc;
}

static int
learn_with_critic(struct course *c, trv_err *err)
{
    const trv_convert_options *o = c->p.job->opts;
    struct ppo t = {.r = plan_rollout(c),
                    .student = learned_terms(c),
                    .opts = {.clip = o->clip_ratio,
                             .value_clip = PPO_VALUE_CLIP,
                             .beta = c->p.beta,
                             .gamma = 1.0,
                             .lambda = o->gae_lambda,
                             .steps = c->p.learn.steps,
                             .updates = o->updates,
                             .accumulate = c->p.learn.accumulate}};
    struct run_task task;
    int rc = ppo_init(&t, &task, err);

    if (!rc)
        rc = run_task(c, &task, err);
    ppo_release(&t);
    return rc;
}

/* Virtual tokens start from the text that the options name, or else from the
 * words of the inputs: from tokens that the model knows. */
static int
start_virtual(struct course *c, trv_err *err)
{
    const int64_t k = terms_virtual_count(&c->student);
    struct session *s = c->p.job->s;
    struct ids ids = {0};
    int rc = student_text(&ids, s, &c->p.student.virtual, err);

    for (int64_t i = 0; ids.n < k && i < c->answers.n_contexts && !rc; i++) {
        const struct context_part *base =
            &c->answers.contexts[i].teacher.parts[0];

        if (ids.n > 0 && !student_start_is_sampled(&c->p.student.virtual))
            break; // a text that is too short begins again at its end
        rc = ids_append(&ids, base->ids, base->n_ids)
                 ? err_fail(err, TRV_ENOMEM, "no memory for a start")
                 : 0;
    }
    if (!rc)
        rc = student_start(&c->student, s, ids.v, ids.n, NULL, err);
    ids_release(&ids);
    return rc;
}

static int
learn(struct course *c, trv_err *err)
{
    int rc = 0;

    if (student_is_virtual(c->p.job->to))
        rc = start_virtual(c, err);
    if (!rc)
        rc = terms_refresh(&c->student, c->p.job->s->be, err);
    if (rc)
        return rc;
    switch (c->p.method) {
    case POLICY_DPO:
        return learn_pairs(c, err);
    case POLICY_GRPO:
        return learn_groups(c, err);
    case POLICY_PPO:
        return learn_with_critic(c, err);
    default:
        return learn_tilted(c, err);
    }
}

static int64_t
exam_size(const struct answers *contexts)
{
    const int64_t n = contexts->n_contexts;

    return n < EXAM_ANSWERS / EXAM_EACH ? n * EXAM_EACH : EXAM_ANSWERS;
}

/* A policy on the inputs that were learned on, and on those held out. */
static int
examine(struct course *c, bool student, struct exam *seen,
        struct exam *held_out, trv_err *err)
{
    const struct convert_job *job = c->p.job;
    const struct terms *terms = student ? learned_terms(c) : NULL;
    struct exam_options opts = {.n = exam_size(&c->answers),
                                .own = student ? c->own : NULL,
                                .max_tokens = c->p.max_tokens,
                                .seed = job->opts->seed};
    int rc = exam_take(seen, job->s, c->p.reward, &c->answers, &c->in, terms,
                       &opts, err);

    if (rc || !job->opts->eval)
        return rc;
    opts.n = exam_size(&c->held_contexts);
    return exam_take(held_out, job->s, c->p.reward, &c->held_contexts,
                     &c->held_out, terms, &opts, err);
}

/* The loss of a policy says nothing of how well it does; its reward does. Four
 * standard errors are no chance. */
#define FALL_ERRORS 4.0

static int
check_reward(const struct course *c, trv_err *err)
{
    const struct exam *a = &c->story.before, *b = &c->story.after;

    if (!reward_plan_is_on_policy(&c->p) ||
        !(a->reward - b->reward >
          FALL_ERRORS * hypot(a->reward_se, b->reward_se)))
        return 0;
    return work_diverged(&c->p.w, err,
                         "its reward fell from %.4g (+- %.2g) to %.4g (+- "
                         "%.2g) on fresh answers",
                         a->reward, a->reward_se, b->reward, b->reward_se);
}

/* ---- the result -------------------------------------------------------- */

static int
save(struct course *c, trv_err *err)
{
    const struct convert_job *job = c->p.job;
    const struct artefact_step step = {
        .edge = job->edge, .method = c->p.name, .data = c->in.data.hash};
    const int rc = work_sign(&c->p.w, job->to, job->from, &step,
                             json_pack("{s:I,s:I,s:f}", "steps",
                                       (json_int_t)c->result.steps, "answers",
                                       (json_int_t)c->story.answers, "tokens",
                                       c->result.tokens),
                             err);

    return rc ? rc
              : work_save_student(&c->p.w, &c->p.student, &c->student, c->own,
                                  err);
}

static void
tell_cost(const struct course *c, trv_cost *cost)
{
    const struct reward_story *y = &c->story;

    cost->tokens = c->result.tokens + (double)c->answers.tokens;
    cost->final_loss = c->p.method == POLICY_BON || c->p.method == POLICY_TILT
                           ? c->result.mean_loss
                           : (double)NAN; // a number without a unit
    cost->steps = c->result.steps;
    cost->samples = y->answers;
    cost->judged = y->after.n;
    cost->reward_before = y->before.reward;
    cost->reward_after = y->after.reward;
    cost->kl_base = y->after.kl_token;
}

static int
begin(struct course *c, const struct convert_job *job, trv_err *err)
{
    int rc = reward_plan_make(&c->p, job, err);

    if (!rc)
        rc =
            student_begin(&c->student, &job->s->model->cfg, &c->p.student, err);
    if (!rc && job->to == KIND_FULL)
        rc = student_open_full(&c->own, job->s, err);
    if (!rc)
        rc = work_claim(&c->p.w, err);
    if (!rc)
        rc = open_inputs(c, err);
    if (!rc)
        rc = open_contexts(c, err);
    if (rc)
        return rc;
    reward_plan_say(&c->p, &c->answers,
                    student_flat(c->own, learned_terms(c)).n);
    reward_words_begin(&c->p);
    return reward_plan_lay(&c->p, &c->in, &c->held_out, err);
}

int
policy_method(const struct convert_job *job, trv_cost *cost, trv_err *err)
{
    struct course c = {0};
    int rc;

    c.story = (struct reward_story){.agreement = (double)NAN};
    rc = begin(&c, job, err);
    if (!rc)
        rc = make_lessons(&c, err);
    c.story.answers = c.answers.n; // and those that the student draws
    if (!rc)
        rc = examine(&c, false, &c.story.before, &c.story.held_before, err);
    if (!rc)
        rc = learn(&c, err);
    if (!rc)
        rc = examine(&c, true, &c.story.after, &c.story.held_after, err);
    if (!rc)
        reward_words_result(&c.p, &c.story);
    if (!rc)
        rc = check_reward(&c, err);
    if (!rc)
        rc = save(&c, err);
    work_end(&c.p.w, rc, cost);
    if (!rc) {
        (void)remove(c.p.rewards);
        tell_cost(&c, cost);
        cost->flop += c.own ? c.own->flop : 0.0;
    }
    course_release(&c);
    return rc;
}
