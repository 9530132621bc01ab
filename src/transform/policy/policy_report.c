/* policy_report.c -- the report of learning from a reward. */
#include "transform/policy/policy_report.h"

#include <math.h>

void
policy_report_drawn(const struct policy_plan *p, const struct policy_stats *y,
                    int64_t n_pairs)
{
    const struct answer_reward_stats *f = &y->drawn;

    job_log(p->job,
            "the base's answers have a reward of %.4g on average, with a "
            "spread of %.4g",
            f->mean, f->std);
    if (p->method == POLICY_DPO)
        job_log(p->job, "%lld pair%s, from %lld of %lld input%s",
                (long long)n_pairs, plural(n_pairs),
                (long long)(f->groups - f->flat), (long long)f->groups,
                plural(f->groups));
    if (2 * f->flat > f->groups)
        job_log(p->job,
                "warning: all answers to %lld of %lld inputs have equal "
                "rewards and teach nothing about it; more answers to each "
                "(--group) or a graded reward would",
                (long long)f->flat, (long long)f->groups);
}

void
policy_report_pairs(const struct policy_plan *p, const struct dpo_task *t)
{
    /* From the base, so that it does not matter which pairs came when. */
    const double beta = t->opts.loss.beta;
    const double fell = trend_late(&t->trends[DPO_CHOSEN]) / beta;
    const double rejected = trend_late(&t->trends[DPO_REJECTED]) / beta;
    const double right = trend_late(&t->trends[DPO_ACCURACY]);

    if (preference_traits(t->opts.loss.loss)->has_reference && fell < -1.0)
        job_log(p->job,
                "warning: the chosen answers became less likely, too: by "
                "%.1f nats each, the rejected ones by %.1f. The pairs are "
                "parted, but what else is said instead is not under "
                "control; --sft-weight 1, fewer steps or a greater beta "
                "hold it",
                -fell, -rejected);
    if (right < 0.6)
        job_log(p->job,
                "warning: at the end the student ranks only %.0f %% of the "
                "pairs as they are labelled: more steps or a higher rate, "
                "or the labels contradict each other",
                100.0 * right);
}

/* What the weights of the rarer kind should be, by eq. 8 of KTO's paper: its
 * weight times its number 1 to 4/3 times the other's. */
static void
advise_weights(const struct policy_plan *p, double good, double bad)
{
    const double g = p->kto.good_weight * good, b = p->kto.bad_weight * bad;
    const double most = 4.0 / 3.0;

    if (g <= most * b && b <= most * g)
        return;
    job_log(p->job,
            "warning: good and bad answers weigh %.4g to %.4g in all, and the "
            "lesser side should have 1 to 4/3 of the other: --%s %.3g would "
            "balance them",
            g, b, g < b ? "desirable-weight" : "undesirable-weight",
            g < b ? b / good : g / bad);
}

void
policy_report_labels(const struct policy_plan *p, const struct labels *l)
{
    const int64_t bad = l->n - l->n_good;

    job_log(p->job, "%lld good and %lld bad answer%s", (long long)l->n_good,
            (long long)bad, plural(bad));
    if (l->n_dropped > 0)
        job_log(p->job,
                "warning: %lld of %lld answers do not fit the context, or are "
                "empty, and are left out",
                (long long)l->n_dropped, (long long)(l->n + l->n_dropped));
    if (l->n_good == 0 || bad == 0)
        job_log(p->job,
                "warning: all answers are labelled %s, and nothing says what "
                "a %s one is",
                bad == 0 ? "good" : "bad", bad == 0 ? "bad" : "good");
    else
        advise_weights(p, (double)l->n_good, (double)bad);
}

void
policy_report_labelled(const struct policy_plan *p, const struct kto_task *t)
{
    const double good = trend_late(&t->trends[KTO_GOOD]);
    const double bad = trend_late(&t->trends[KTO_BAD]);

    if (good <= bad)
        job_log(p->job,
                "warning: at the end the good answers became no likelier than "
                "the bad ones (rewards %.3g and %.3g): more steps or a higher "
                "rate, or the labels contradict each other",
                good, bad);
}

void
policy_report_begin(const struct policy_plan *p)
{
    const trv_convert_options *o = p->job->opts;

    if (!policy_is_on_policy(p))
        return;
    job_log(p->job,
            "note: the loss of %s stays near 0 and says nothing of "
            "progress; reward and kl in metrics.jsonl do",
            p->name);
    if (o->temperature < 0.99 || o->temperature > 1.01)
        job_log(p->job,
                "note: answers are drawn at temperature %g and "
                "log-probabilities are the model's own, so the gradient "
                "is not quite that of the reward",
                o->temperature);
}

void
policy_report_groups(const struct policy_plan *p, const struct grpo *t)
{
    const double flat = trend_late(&t->trends[GRPO_ZERO_STD]);
    const double early = trend_early(&t->trends[GRPO_REWARD]);
    const double late = trend_late(&t->trends[GRPO_REWARD]);

    job_log(p->job,
            "reward of the answers learned from: %.4g in the first tenth "
            "of the steps, %.4g in the last",
            early, late);
    if (flat > 0.9)
        job_log(p->job,
                "warning: at the end %.0f %% of the groups had equal "
                "rewards and taught nothing: the reward is %s, or more "
                "answers to each input (--group) are needed",
                100.0 * flat, late > early ? "as high as it goes" : "flat");
}

/* Is b beyond a by more than two standard errors of their difference? */
static bool
is_above(const struct policy_eval *b, const struct policy_eval *a)
{
    return b->reward - a->reward > 2.0 * sqrt(a->reward_se * a->reward_se +
                                              b->reward_se * b->reward_se);
}

void
policy_report_result(const struct policy_plan *p, const struct policy_stats *y)
{
    const trv_convert_options *o = p->job->opts;
    const bool scored = p->reward && !isnan(y->after.reward);

    if (!isnan(y->agreement))
        job_log(p->job,
                "%sthe reward ranks %.0f %% of the pairs as they are "
                "labelled",
                y->agreement < 0.6 ? "warning: " : "", 100.0 * y->agreement);
    if (scored)
        job_log(p->job,
                "reward of %lld fresh answers: %.4g before, %.4g after "
                "(+- %.2g)",
                (long long)y->after.n, y->before.reward, y->after.reward,
                y->after.reward_se);
    if (scored && y->held_after.n > 0)
        job_log(p->job, "on held-out inputs: %.4g before, %.4g after (+- %.2g)",
                y->held_before.reward, y->held_after.reward,
                y->held_after.reward_se);
    job_log(p->job,
            "KL to the base: %.4g nats a token, %.4g an answer of %.1f "
            "tokens (%lld %s)",
            y->after.kl_token, y->after.kl_answer, y->after.length,
            (long long)y->after.n,
            !o->pairs || o->eval      ? "fresh answers"
            : p->method == POLICY_KTO ? "good answers of the data"
                                      : "chosen answers of the pairs");
    if (scored && is_above(&y->before, &y->after))
        job_log(p->job, "warning: the reward fell");
    else if (scored && !is_above(&y->after, &y->before) &&
             y->before.reward_se > 0)
        job_log(p->job,
                "warning: the reward did not rise by more than chance: %s",
                p->method == POLICY_DPO && p->pairing.soft
                    ? "more answers (--samples), a smaller beta, or hard "
                      "labels (--labels), which go further from the base"
                    : "more steps, a higher rate or more answers");
    if (scored && y->held_after.n > 0 && is_above(&y->after, &y->before) &&
        is_above(&y->held_before, &y->held_after))
        job_log(p->job,
                "warning: the reward rose on what was learned and fell on "
                "held-out inputs: it is over-optimised; fewer steps, more "
                "inputs or a greater beta");
    if (o->max_kl > 0 && y->after.kl_token > o->max_kl)
        job_log(p->job,
                "warning: the student is %.2f nats a token from the base, "
                "above the bound of %g (--max-kl): a greater beta or fewer "
                "steps hold it nearer",
                y->after.kl_token, o->max_kl);
}
