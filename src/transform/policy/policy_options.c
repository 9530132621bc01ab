/* policy_options.c -- options and defaults of reward -> params. */
#include "transform/policy/policy_options.h"

#include <string.h>

#include "adapt/reward/reward.h"
#include "learn/options.h"

#define RLOO_BETA 0.05 // TRL's RLOOConfig, of grpo with rloo's advantage

bool
policy_is_on_policy(const struct policy_plan *p)
{
    return p->method == POLICY_GRPO || p->method == POLICY_PPO;
}

/* The loss that --loss names, of those that the method offers; the first is its
 * default. */
static int
plan_preference_loss(struct policy_plan *p, trv_err *err)
{
    const trv_convert_options *o = p->job->opts;
    const char *names[PREFERENCE_LOSSES];
    enum preference_loss of[PREFERENCE_LOSSES];
    int n = 0, chosen = 0, rc = 0;

    for (int i = 0; i < PREFERENCE_LOSSES; i++) {
        const struct preference_traits *t =
            preference_traits((enum preference_loss)i);

        if (strcmp(t->method, p->name) == 0) {
            names[n] = t->name;
            of[n++] = (enum preference_loss)i;
        }
    }
    TRV_ASSERT(n > 0);
    if (o->loss)
        rc = options_choose(&chosen, "loss", o->loss, names, n, err);
    p->preference = (struct preference_options){
        .loss = of[chosen], .beta = p->beta, .smoothing = o->label_smoothing};
    return rc;
}

/* Losses and labels of preference pairs. */
static int
plan_preference(struct policy_plan *p, trv_err *err)
{
    static const char *const pairings[] = {"best", "all"};
    static const char *const labels[] = {"hard", "soft"};
    const trv_convert_options *o = p->job->opts;
    const struct preference_traits *traits;
    int all = 0, soft, rc = plan_preference_loss(p, err);

    if (rc)
        return rc;
    traits = preference_traits(p->preference.loss);
    soft = traits->has_soft_label && !o->pairs;
    if (o->labels)
        rc = options_choose(&soft, "labels", o->labels, labels, 2, err);
    all = soft; // then a pair of near rewards teaches just that
    if (!rc && o->pairing)
        rc = options_choose(&all, "pairing", o->pairing, pairings, 2, err);
    if (rc)
        return rc;
    if (soft && o->pairs)
        return err_fail(err, TRV_EINVAL,
                        "soft labels need pairs made by a reward");
    if (soft && !traits->has_soft_label)
        return err_fail(err, TRV_EINVAL, "the loss %s reads no soft labels",
                        traits->name);
    if (o->label_smoothing > 0 && !traits->has_soft_label)
        return err_option(err, TRV_EINVAL, "label-smoothing",
                          "is not read by the loss %s", traits->name);
    p->pairing =
        (struct preference_pairs_options){all != 0, o->margin, soft != 0};
    return 0;
}

static int
plan_ratio(struct policy_plan *p, trv_err *err)
{
    static const char *const ratios[] = {"token", "sequence"};
    int ratio, rc;

    rc = options_choose(&ratio, "ratio", p->job->opts->ratio, ratios, 2, err);
    if (!rc && p->rloo && ratio != POLICY_RATIO_TOKEN)
        rc = err_option(err, TRV_EINVAL, "ratio",
                        "goes with an advantage of the group, of the batch "
                        "or none; rloo has the answer's own probability ratio");
    if (!rc)
        p->ratio = (enum policy_ratio)ratio;
    return rc;
}

static int
plan_kto(struct policy_plan *p, trv_err *err)
{
    const trv_convert_options *o = p->job->opts;

    p->kto = (struct kto_options){.beta = p->beta,
                                  .good_weight = o->desirable_weight,
                                  .bad_weight = o->undesirable_weight};
    if (p->learn.batch / p->learn.accumulate < 2)
        return err_option(err, TRV_EINVAL, "batch",
                          "is %d in %d micro-batch%s: kto compares the answers "
                          "of one with each other, so there must be two",
                          p->learn.batch, p->learn.accumulate,
                          p->learn.accumulate == 1 ? "" : "es");
    return 0;
}

/* Advantages, ratios and means of grpo. */
static int
plan_policy(struct policy_plan *p, trv_err *err)
{
    static const char *const scales[] = {"group", "batch", "none", "rloo"};
    static const char *const means[] = {"grpo", "bnpo", "dr_grpo", "dapo"};
    const trv_convert_options *o = p->job->opts;
    int scale = 0, mean = POLICY_MEAN_DAPO, rc;

    rc = options_choose(&scale, "advantage", p->advantage, scales, 4, err);
    p->rloo = p->method == POLICY_GRPO && scale == 3;
    if (p->rloo)
        mean = POLICY_MEAN_GRPO;
    if (!rc && o->loss)
        rc = options_choose(&mean, "loss", o->loss, means, 4, err);
    if (!rc)
        rc = plan_ratio(p, err);
    p->scale = (enum advantage_scale)(scale < 3 ? scale : 0);
    p->mean = (enum policy_mean)mean;
    if (p->rloo && !(o->beta > 0))
        p->beta = RLOO_BETA;
    return rc;
}

static int
plan_sizes(struct policy_plan *p, trv_err *err)
{
    const struct convert_job *job = p->job;
    const trv_convert_options *o = job->opts;
    const double scale = job->method->lr_scale > 0 ? job->method->lr_scale : 1;
    int rc;

    p->K = o->group;
    p->max_tokens = o->max_tokens;
    p->groups = p->K ? (o->samples + p->K - 1) / p->K : 0; // 0: not given
    p->want = p->groups ? p->groups : POLICY_INPUTS;
    p->beta = o->beta;
    p->learn = o->learn;
    rc = options_complete(
        &p->learn,
        &(struct learn_defaults){
            .lr = scale * student_default_lr(job->to, &job->s->model->cfg),
            .rows = "rows"},
        err);
    if (rc)
        return rc;
    if (p->K < 2 && !o->pairs && p->method != POLICY_PPO)
        return err_option(err, TRV_ERANGE, "group",
                          "is %lld: answers to one input are compared, so "
                          "there must be two",
                          (long long)p->K);
    if (policy_is_on_policy(p) && p->learn.batch % p->K != 0)
        return err_fail(err, TRV_EINVAL,
                        "a batch of %d answers is no whole number of groups of "
                        "%lld",
                        p->learn.batch, (long long)p->K);
    return 0;
}

/* The part of it that is about preference pairs. */
static json_t *
preference_json(const struct policy_plan *p)
{
    static const struct {
        const char *name, *key;
    } options[] = {{"label-smoothing", "label_smoothing"},
                   {"sft-weight", "sft_weight"},
                   {"labels", "labels"}};
    const trv_convert_options *o = p->job->opts;
    const char *pairing = o->pairs ? "given" : p->pairing.all ? "all" : "best";
    json_t *out = json_pack(
        "{s:s,s:f,s:f,s:s,s:f,s:s}", "loss",
        preference_traits(p->preference.loss)->name, "label_smoothing",
        o->label_smoothing, "sft_weight", o->sft_weight, "pairing", pairing,
        "margin", o->margin, "labels", p->pairing.soft ? "soft" : "hard");

    for (size_t i = 0; out && i < sizeof(options) / sizeof(*options); i++)
        if (!method_reads(p->job->method, options[i].name))
            (void)json_object_del(out, options[i].key);
    return out;
}

/* The options for trivium.json and the fingerprint. */
static int
options_to_json(struct policy_plan *p, trv_err *err)
{
    static const char *const means[] = {"grpo", "bnpo", "dr_grpo", "dapo"};
    const trv_convert_options *o = p->job->opts;
    json_t *more = NULL;
    int rc;

    p->w.options = json_pack("{s:I,s:I,s:f,s:I,s:f}", "group", (json_int_t)p->K,
                             "max_tokens", (json_int_t)p->max_tokens,
                             "temperature", o->temperature, "samples",
                             (json_int_t)(p->groups * p->K), "beta", p->beta);
    if (p->method == POLICY_DPO)
        more = preference_json(p);
    else if (p->method == POLICY_KTO)
        more = json_pack("{s:f,s:f}", "desirable_weight", p->kto.good_weight,
                         "undesirable_weight", p->kto.bad_weight);
    else if (p->method == POLICY_GRPO)
        more = json_pack("{s:s,s:s,s:f,s:i}", "loss", means[p->mean],
                         "advantage", p->advantage, "clip_ratio", o->clip_ratio,
                         "updates", o->updates);
    else if (p->method == POLICY_PPO)
        more = json_pack("{s:f,s:i,s:f}", "clip_ratio", o->clip_ratio,
                         "updates", o->updates, "gae_lambda", o->gae_lambda);
    else
        more = json_object();
    /* Left out at its default, as in artefacts from before it was there. */
    rc = more && p->ratio != POLICY_RATIO_TOKEN
             ? json_object_set_new(more, "ratio", json_string(o->ratio))
             : 0;
    rc = rc || !p->w.options || !more || json_object_update(p->w.options, more)
             ? err_fail(err, TRV_ENOMEM, "no memory to plan a conversion")
             : 0;
    json_decref(more);
    if (!rc)
        rc = student_to_json(p->w.options, &p->student, err);
    return rc ? rc : options_learn_to_json(p->w.options, &p->learn, err);
}

static int
plan_options(struct policy_plan *p, const struct convert_job *job, trv_err *err)
{
    const trv_convert_options *o = job->opts;
    const bool is_rloo = strcmp(job->method->info.name, "rloo") == 0;
    int rc;

    *p = (struct policy_plan){
        .job = job,
        .method = (enum policy_method)job->method->variant,
        .name = job->method->info.name,
        .advantage = is_rloo ? "rloo" : o->advantage,
        .reward = job->from->form == FORM_REWARD ? job->from : NULL};
    rc = job_student(&p->student, job, err);
    if (!rc && !p->reward && !o->pairs)
        rc = err_fail(err, TRV_EINVAL,
                      "the base alone prefers nothing: give pairs of answers "
                      "(--pairs), or a reward to convert");
    if (!rc)
        rc = plan_sizes(p, err);
    if (!rc && p->method == POLICY_DPO)
        rc = plan_preference(p, err);
    if (!rc && p->method == POLICY_KTO)
        rc = plan_kto(p, err);
    if (!rc && policy_is_on_policy(p))
        rc = plan_policy(p, err);
    return rc;
}

int
policy_refuse(const struct convert_job *job, trv_err *err)
{
    struct policy_plan p;

    return plan_options(&p, job, err);
}

int
policy_plan_make(struct policy_plan *p, const struct convert_job *job,
                 trv_err *err)
{
    int rc = plan_options(p, job, err);

    if (!rc)
        rc = job_begin(
            &p->w, job,
            policy_is_on_policy(p) || job->opts->pairs ? NULL : "answers.jsonl",
            err);
    return rc;
}

int
policy_plan_rows(struct policy_plan *p, int64_t n, trv_err *err)
{
    int rc = p->learn.steps ? 0
                            : options_epochs(&p->learn, p->learn.batch,
                                             p->job->opts->epochs, n, err);

    return rc ? rc : options_to_json(p, err);
}

void
policy_plan_release(struct policy_plan *p)
{
    work_release(&p->w);
    *p = (struct policy_plan){0};
}

int
policy_write_run(struct policy_plan *p, const struct inputs *in,
                 const struct inputs *held_out, trv_err *err)
{
    return job_write_run(&p->w, p->job, p->name, in,
                         json_pack("{s:s}", "eval", held_out->data.hash), err);
}
