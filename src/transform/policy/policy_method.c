/* policy_method.c -- plan, answers, training and result of what is learned from
 * a reward.
 *
 * Everything on the way lies in OUT.run; a run that was stopped goes on from
 * there:
 *   run.json        the run's fingerprint: what a resumed run must agree on
 *   answers.jsonl   whole blocks of answers
 *   memo.jsonl      sampled inputs, rewards, the first evaluation
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

#define EVAL_EACH 4 // answers to an input that the policies are evaluated on
#define PPO_VALUE_CLIP 0.2 // TRL's cliprange_value

/* The state of a run. */
struct policy_run {
    struct policy_plan p;
    struct inputs in, held_out;
    struct answers answers, held_contexts;
    double *reward; // [answers.n]
    struct pairs pairs;
    struct labels labels;  // of kto
    struct tilted *tilted; // and where each input's begin: [groups+1]
    int64_t *tilted_first, n_tilted;
    struct adapter_weights student;
    struct decoder *own; // all weights learn in it; NULL: the adapter weights
    struct run_result result;
    struct policy_stats stats;
};

static void
policy_run_release(struct policy_run *c)
{
    decoder_free(c->own);
    adapter_weights_release(&c->student);
    mem_free(c->tilted);
    mem_free(c->tilted_first);
    pairs_release(&c->pairs);
    labels_release(&c->labels);
    mem_free(c->reward);
    answers_release(&c->answers);
    answers_release(&c->held_contexts);
    inputs_release(&c->in);
    inputs_release(&c->held_out);
    policy_plan_release(&c->p);
}

/* ---- inputs ------------------------------------------------------------ */

static int
open_inputs(struct policy_run *c, trv_err *err)
{
    const struct convert_job *job = c->p.job;
    const trv_convert_options *o = job->opts;
    int rc = job_inputs(&c->in, job, &c->p.w, o->pairs ? o->pairs : o->inputs,
                        c->p.want, err);

    return rc || !o->eval ? rc
                          : job_inputs(&c->held_out, job, &c->p.w, o->eval,
                                       c->p.want, err);
}

/* Given preferences: contexts, answers, and what is said of them. */
static int
open_given(struct policy_run *c, trv_err *err)
{
    const struct convert_job *job = c->p.job;
    int rc;

    if (c->p.method == POLICY_KTO)
        rc = labels_of_file(&c->labels, &c->answers, job->s, &c->student,
                            &c->in, err);
    else
        rc = preference_pairs_of_file(&c->pairs, &c->answers, job->s,
                                      &c->student, &c->in, err);
    if (!rc && c->pairs.n_dropped > 0)
        job_log(job,
                "warning: %lld of %lld pairs do not fit the context, or "
                "have equal answers, and are left out",
                (long long)c->pairs.n_dropped, (long long)c->in.data.n);
    if (!rc && c->p.method == POLICY_KTO)
        policy_report_labels(&c->p, &c->labels);
    return rc;
}

/* Contexts of the inputs, from base and student; with given preferences, their
 * answers. */
static int
open_contexts(struct policy_run *c, trv_err *err)
{
    const struct convert_job *job = c->p.job;
    const int64_t room = c->p.max_tokens;
    int rc;

    if (job->opts->pairs)
        rc = open_given(c, err);
    else
        rc = answers_contexts(&c->answers, job->s, NULL, &c->student, &c->in,
                              room, err);
    if (!rc && job->opts->eval)
        rc = answers_contexts(&c->held_contexts, job->s, NULL, &c->student,
                              &c->held_out, room, err);
    if (rc)
        return rc;
    job_log_dropped(job, c->answers.n_dropped, c->in.data.n, 0, room);
    rc = policy_plan_rows(
        &c->p, c->p.method == POLICY_KTO ? c->labels.n : c->pairs.n, err);
    if (!c->p.groups)
        c->p.groups = c->answers.n_contexts;
    return rc;
}

/* ---- answers of the base, and their rewards ----------------------------- */

/* The rewards of all answers. */
static int
score_answers(struct policy_run *c, trv_err *err)
{
    const struct reward_watch watch = work_watch(&c->p.w, "scoring");

    c->reward = mem_calloc((size_t)c->answers.n, sizeof(*c->reward));
    if (!c->reward)
        return err_fail(err, TRV_ENOMEM, "no memory for rewards");
    return work_stopped(&c->p.w,
                        answer_rewards_all(c->reward, c->p.w.s, c->p.reward,
                                           &c->answers, &c->in, &watch, err),
                        "before learning", err);
}

static int
draw(struct policy_run *c, trv_err *err)
{
    const trv_convert_options *o = c->p.job->opts;
    int rc = job_draw(&c->answers, &c->p.w,
                      (struct answers_options){.samples = c->p.groups * c->p.K,
                                               .group = c->p.K,
                                               .max_tokens = c->p.max_tokens,
                                               .temperature = o->temperature,
                                               .seed = o->seed},
                      err);

    if (rc)
        return rc;
    rc = score_answers(c, err);
    if (!rc)
        answer_rewards_summarise(&c->stats.drawn, c->reward, c->answers.n,
                                 c->p.K);
    return rc;
}

/* The reward's own opinion of given pairs. */
static int
look_at_pairs(struct policy_run *c, trv_err *err)
{
    struct policy_stats *y = &c->stats;
    int rc;

    if (!c->p.reward)
        return 0;
    rc = score_answers(c, err);
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

/* The answers of greatest weight of an input are kept until they hold all of
 * its weight but this: the rest would cost passes without a gradient. */
#define TILT_LOST 1e-3

static void
tilt_group(struct policy_run *c, int64_t g, double *weight)
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
make_tilted(struct policy_run *c, trv_err *err)
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

/* From rewards to what is learned. A reward that is the same for all answers to
 * each input gives no gradient, which is an error. */
static int
make_training_set(struct policy_run *c, trv_err *err)
{
    const struct answer_reward_stats *f = &c->stats.drawn;
    int rc = 0;

    if (c->p.job->opts->pairs)
        return look_at_pairs(c, err);
    if (policy_is_on_policy(&c->p))
        return 0;
    rc = draw(c, err);
    if (!rc && c->p.method == POLICY_DPO)
        rc = preference_pairs_of_rewards(&c->pairs, &c->answers, c->reward,
                                         c->p.K, &c->p.pairing, err);
    if (!rc && c->p.method != POLICY_DPO)
        rc = make_tilted(c, err);
    if (rc)
        return rc;
    policy_report_drawn(&c->p, &c->stats, c->pairs.n);
    if (f->flat == f->groups ||
        (c->p.method == POLICY_DPO && c->pairs.n == 0)) {
        run_place_finish(&c->p.w.place); // going on would end here again
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

static struct adapter_weights *
learned_weights(struct policy_run *c)
{
    return c->own ? NULL : &c->student;
}

static int
run_task(struct policy_run *c, const struct run_task *task, trv_err *err)
{
    return work_train(&c->result, &c->p.w, task, &c->p.learn, err);
}

static int
learn_pairs(struct policy_run *c, trv_err *err)
{
    struct dpo_task t = {.s = c->p.job->s,
                         .answers = &c->answers,
                         .list = c->pairs.list,
                         .n = c->pairs.n,
                         .student = learned_weights(c),
                         .own = c->own,
                         .opts = {.loss = c->p.preference,
                                  .sft_weight = c->p.job->opts->sft_weight,
                                  .steps = c->p.learn.steps,
                                  .batch = c->p.learn.batch,
                                  .accumulate = c->p.learn.accumulate,
                                  .seed = c->p.job->opts->seed}};
    struct run_task task;
    int rc = dpo_task_init(&t, &task, err);

    if (!rc)
        rc = run_task(c, &task, err);
    if (!rc)
        policy_report_pairs(&c->p, &t);
    dpo_task_release(&t);
    return rc;
}

static int
learn_labels(struct policy_run *c, trv_err *err)
{
    struct kto_task t = {.s = c->p.job->s,
                         .answers = &c->answers,
                         .list = c->labels.list,
                         .n = c->labels.n,
                         .student = learned_weights(c),
                         .own = c->own,
                         .opts = {.loss = c->p.kto,
                                  .steps = c->p.learn.steps,
                                  .batch = c->p.learn.batch,
                                  .accumulate = c->p.learn.accumulate,
                                  .seed = c->p.job->opts->seed}};
    struct run_task task;
    int rc = kto_task_init(&t, &task, err);

    if (!rc)
        rc = run_task(c, &task, err);
    if (!rc)
        policy_report_labelled(&c->p, &t);
    kto_task_release(&t);
    return rc;
}

static int
learn_tilted(struct policy_run *c, trv_err *err)
{
    struct tilt t = {.s = c->p.job->s,
                     .answers = &c->answers,
                     .list = c->tilted,
                     .first = c->tilted_first,
                     .n = c->p.groups,
                     .student = learned_weights(c),
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
judge(void *payload, double *reward, const struct completion *list, int64_t n,
      trv_err *err)
{
    struct policy_run *c = payload;

    return answer_rewards_score(reward, c->p.job->s, c->p.reward, list, n, NULL,
                                err);
}

/* Its answers are counted by the steps: a resumed run draws only the rest. */
static struct rollout
plan_rollout(struct policy_run *c)
{
    const trv_convert_options *o = c->p.job->opts;
    const int64_t batches = (c->p.learn.steps + o->updates - 1) / o->updates;

    c->stats.answers += batches * c->p.learn.batch;
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
learn_groups(struct policy_run *c, trv_err *err)
{
    const trv_convert_options *o = c->p.job->opts;
    struct grpo t = {.r = plan_rollout(c),
                     .student = learned_weights(c),
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
        policy_report_groups(&c->p, &t);
    grpo_release(&t);
    return rc;
}

static int
learn_with_critic(struct policy_run *c, trv_err *err)
{
    const trv_convert_options *o = c->p.job->opts;
    struct ppo t = {.r = plan_rollout(c),
                    .student = learned_weights(c),
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
start_virtual(struct policy_run *c, trv_err *err)
{
    const int64_t k = adapter_weights_virtual_count(&c->student);
    struct session *s = c->p.job->s;
    struct ids ids = {0};
    int rc = student_text(&ids, s, &c->p.student.virtual, err);

    for (int64_t i = 0; ids.n < k && i < c->answers.n_contexts && !rc; i++) {
        const struct component *base = &c->answers.contexts[i].teacher.parts[0];

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
learn(struct policy_run *c, trv_err *err)
{
    int rc = 0;

    if (student_is_virtual(c->p.job->to))
        rc = start_virtual(c, err);
    if (!rc)
        rc = adapter_weights_refresh(&c->student, c->p.job->s->be, err);
    if (rc)
        return rc;
    switch (c->p.method) {
    case POLICY_DPO:
        return learn_pairs(c, err);
    case POLICY_KTO:
        return learn_labels(c, err);
    case POLICY_GRPO:
        return learn_groups(c, err);
    case POLICY_PPO:
        return learn_with_critic(c, err);
    default:
        return learn_tilted(c, err);
    }
}

/* As many as the plan has room for: nobody asked for them. */
static int64_t
eval_size(const struct policy_run *c, const struct answers *contexts)
{
    const int64_t n = contexts->n_contexts * EVAL_EACH;
    const int64_t most = (int64_t)c->p.job->cost->looks;

    return n < most ? n : most;
}

/* Given pairs are looked at themselves, where no other inputs are given: how
 * far the student is from the base along the chosen answers, or along all that
 * have labels. */
static int
evaluate_pairs(struct policy_run *c, trv_err *err)
{
    const int64_t most = (int64_t)c->p.job->cost->looks;
    const bool labelled = c->p.method == POLICY_KTO;
    const int64_t n = labelled ? c->labels.n : c->pairs.n;
    struct policy_eval_options opts = {.own = c->own};
    int64_t *given;
    int rc;

    opts.n = n < most ? n : most;
    given = mem_array((size_t)opts.n, sizeof(*given));
    if (!given)
        return err_nomem(err, "to examine answers");
    for (int64_t i = 0; i < opts.n; i++)
        given[i] = labelled ? c->labels.list[i * n / opts.n].answer
                            : c->pairs.list[i * n / opts.n].chosen;
    opts.given = given;
    rc = policy_evaluate(&c->stats.after, c->p.job->s, NULL, &c->answers,
                         &c->in, learned_weights(c), &opts, err);
    mem_free(given);
    return rc;
}

static bool
looks_at_pairs(const struct policy_run *c)
{
    return c->p.job->opts->pairs && !c->p.job->opts->eval;
}

/* A policy on the inputs that were learned on, and on those held out. */
static int
evaluate_policy(struct policy_run *c, bool student, struct policy_eval *seen,
                struct policy_eval *held_out, trv_err *err)
{
    const struct convert_job *job = c->p.job;
    const struct adapter_weights *adapter_weights =
        student ? learned_weights(c) : NULL;
    struct policy_eval_options opts = {.n = eval_size(c, &c->answers),
                                       .own = student ? c->own : NULL,
                                       .max_tokens = c->p.max_tokens,
                                       .seed = job->opts->seed,
                                       .watch =
                                           work_watch(&c->p.w, "evaluating")};
    int rc = policy_evaluate(seen, job->s, c->p.reward, &c->answers, &c->in,
                             adapter_weights, &opts, err);

    if (!rc && job->opts->eval) {
        opts.n = eval_size(c, &c->held_contexts);
        rc = policy_evaluate(held_out, job->s, c->p.reward, &c->held_contexts,
                             &c->held_out, adapter_weights, &opts, err);
    }
    return work_stopped(&c->p.w, rc, "while evaluating", err);
}

/* The loss of a policy does not show whether it improves; its reward does. Four
 * standard errors are beyond chance. */
#define FALL_ERRORS 4.0

static int
check_reward(const struct policy_run *c, trv_err *err)
{
    const struct policy_eval *a = &c->stats.before, *b = &c->stats.after;

    if (!policy_is_on_policy(&c->p) ||
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
save(struct policy_run *c, trv_err *err)
{
    const struct convert_job *job = c->p.job;
    const struct artefact_step step = {
        .edge = job->edge, .method = c->p.name, .data = c->in.data.hash};
    const int rc = work_begin_manifest(
        &c->p.w, job->to, job->from, &step,
        json_pack("{s:I,s:I,s:f}", "steps", (json_int_t)c->result.steps,
                  "answers", (json_int_t)c->stats.answers, "tokens",
                  c->result.tokens),
        err);

    return rc ? rc
              : work_save_student(&c->p.w, &c->p.student, &c->student, c->own,
                                  err);
}

static void
fill_cost(const struct policy_run *c, trv_cost *cost)
{
    const struct policy_stats *y = &c->stats;

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
begin(struct policy_run *c, const struct convert_job *job, trv_err *err)
{
    int rc = policy_plan_make(&c->p, job, err);

    if (!rc)
        rc = student_begin(&c->student, job->s->model, &c->p.student, err);
    if (!rc && job->to == KIND_FULL)
        rc = student_open_full(&c->own, job->s, err);
    if (!rc)
        rc = work_lock(&c->p.w, err);
    if (!rc)
        rc = open_inputs(c, err);
    if (!rc)
        rc = open_contexts(c, err);
    if (rc)
        return rc;
    job_log_full(job);
    policy_report_begin(&c->p);
    return policy_write_run(&c->p, &c->in, &c->held_out, err);
}

int
policy_method(const struct convert_job *job, trv_cost *cost, trv_err *err)
{
    struct policy_run c = {0};
    int rc;

    c.stats = (struct policy_stats){.agreement = (double)NAN};
    rc = begin(&c, job, err);
    if (!rc)
        rc = make_training_set(&c, err);
    c.stats.answers = c.answers.n; // and those that the student draws
    if (!rc && !looks_at_pairs(&c))
        rc = evaluate_policy(&c, false, &c.stats.before, &c.stats.held_before,
                             err);
    if (!rc)
        rc = learn(&c, err);
    if (!rc && looks_at_pairs(&c))
        rc = evaluate_pairs(&c, err);
    else if (!rc)
        rc =
            evaluate_policy(&c, true, &c.stats.after, &c.stats.held_after, err);
    if (!rc)
        policy_report_result(&c.p, &c.stats);
    if (!rc)
        rc = check_reward(&c, err);
    if (!rc)
        rc = save(&c, err);
    work_end(&c.p.w, rc, cost);
    if (!rc) {
        fill_cost(&c, cost);
        cost->flop += c.own ? c.own->flop : 0.0;
    }
    policy_run_release(&c);
    return rc;
}
