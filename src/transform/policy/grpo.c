/* grpo.c -- steps on groups of the student's own answers. */
#include "transform/policy/grpo.h"

#include <string.h>

/* TRL's names. */
static const char *const figure_names[GRPO_FIGURES] = {
    [GRPO_REWARD] = "reward",
    [GRPO_REWARD_STD] = "reward_std",
    [GRPO_ZERO_STD] = "frac_reward_zero_std",
    [GRPO_LENGTH] = "completions/mean_length",
    [GRPO_CLIP] = "clip_ratio",
    [GRPO_KL] = "kl",
    [GRPO_ENTROPY] = "entropy",
};

/* From the held batch's rewards to advantages and the step's figures. */
static void
compute_advantages(struct grpo *t, int64_t step)
{
    const struct rollout *r = &t->r;
    const int64_t n = r->opts.n, K = r->opts.K;
    struct advantage_figures f;

    advantage_group(t->adv, &f, r->reward, n / K, K, t->opts.scale);
    if (t->opts.rloo) {
        memcpy(t->charged, r->reward, (size_t)n * sizeof(*t->charged));
        advantage_kl_penalty(t->charged, r->old, r->ref, r->first, n,
                             t->opts.beta);
        advantage_leave_one_out(t->adv, NULL, t->charged, n / K, K, false);
    }
    t->sum[GRPO_REWARD] = f.mean;
    t->sum[GRPO_REWARD_STD] = f.std;
    t->sum[GRPO_ZERO_STD] = f.zero_spread;
    t->sum[GRPO_LENGTH] = (double)r->first[n] / (double)n;
    if (f.zero_spread == 1.0 && !t->has_warned && t->job) {
        job_log(t->job,
                "warning: step %lld: the answers to each input have equal "
                "rewards (%.4g on average), so nothing is learned from "
                "them; such steps are counted as frac_reward_zero_std",
                (long long)step + 1, f.mean);
        t->has_warned = true;
    }
}

static int
grpo_begin_step(void *self, int64_t step, double *tokens, trv_err *err)
{
    struct grpo *t = self;
    const int rc = rollout_draw(&t->r, step / t->opts.updates, tokens, err);

    if (rc)
        return rc;
    memset(t->sum, 0, sizeof(t->sum));
    t->n_tokens = t->n_ratios = 0.0;
    compute_advantages(t, step);
    return 0;
}

static enum policy_ratio
ratio_of(const struct grpo *t)
{
    return t->opts.rloo ? POLICY_RATIO_SUM : t->opts.ratio;
}

static void
note_micro(struct grpo *t, const struct policy_figures *f, double tokens,
           double answers)
{
    const double ratios = ratio_of(t) == POLICY_RATIO_TOKEN ? tokens : answers;

    t->sum[GRPO_KL] += f->kl * tokens;
    t->sum[GRPO_ENTROPY] += f->entropy * tokens;
    t->sum[GRPO_CLIP] += (f->clip_low + f->clip_high) * ratios;
    t->n_tokens += tokens;
    t->n_ratios += ratios;
}

/* Sums become means; the step's place in the run is noted. */
static void
grpo_end_step(void *self, int64_t step)
{
    struct grpo *t = self;

    t->sum[GRPO_KL] /= t->n_tokens;
    t->sum[GRPO_ENTROPY] /= t->n_tokens;
    t->sum[GRPO_CLIP] /= t->n_ratios;
    for (int i = 0; i < GRPO_FIGURES; i++)
        trend_add(&t->trends[i], t->sum[i], step, t->opts.steps);
}

/* The loss of answers from..from+n-1, as a share of the step's. */
static int
learn_answers(struct grpo *t, int64_t from, int64_t n, double *loss,
              double *tokens, trv_err *err)
{
    const struct rollout *r = &t->r;
    struct arena *a = &r->s->arena;
    const bool by_answer =
        t->opts.mean == POLICY_MEAN_GRPO || t->opts.mean == POLICY_MEAN_DR_GRPO;
    const struct policy_options opts = {
        .ratio = ratio_of(t),
        .mean = t->opts.mean,
        .clip_low = t->opts.clip,
        .clip_high = t->opts.clip,
        .beta = t->opts.rloo ? 0.0 : t->opts.beta,
        .max_tokens = r->opts.max_tokens,
        .total = (double)(by_answer ? r->opts.n : r->first[r->opts.n])};
    struct answer_row *rows = arena_alloc(a, (size_t)n * sizeof(*rows));
    struct policy_figures f;
    struct policy_answers x;
    struct answer_pass p;
    float *coef;
    int rc;

    if (!rows)
        return err_nomem(err, "for a batch");
    rollout_rows(rows, r, from, n);
    /* Dropout would act on the ratio alone and look like a step. */
    rc = answer_forward(&p, r->d, a, rows, n, false, 0, err);
    if (!rc)
        rc = answer_score(&p, a, err);
    if (rc)
        return rc;
    coef = arena_f32(a, p.N, 1);
    if (!coef)
        return err_nomem(err, "for a batch");
    memset(coef, 0, (size_t)p.N * sizeof(*coef));
    x = (struct policy_answers){.p = p.logp,
                                .old = r->old + r->first[from],
                                .ref = r->ref + r->first[from],
                                .first = p.first,
                                .S = n,
                                .adv = t->adv + from};
    *loss += loss_policy(coef, &f, &x, &opts);
    note_micro(t, &f, (double)p.N, (double)n);
    for (int64_t k = 0; k < p.N; k++)
        coef[k] = -coef[k];
    *tokens += (double)p.b.T;
    return answer_backward(&p, a, coef, (struct mat){0}, err);
}

static int
grpo_gradient(void *self, int64_t step, int64_t micro, double *loss,
              double *weight, double *tokens, trv_err *err)
{
    struct grpo *t = self;
    const int64_t B = t->r.opts.n;
    const int64_t from = B * micro / t->opts.accumulate;
    const int64_t n = B * (micro + 1) / t->opts.accumulate - from;

    (void)step;
    arena_reset(&t->r.s->arena);
    *weight += (double)n / (double)B; // the losses are shares of the step's
    return learn_answers(t, from, n, loss, tokens, err);
}

static int64_t
grpo_figures(void *self, const struct run_figure **out)
{
    struct grpo *t = self;

    for (int i = 0; i < GRPO_FIGURES; i++)
        t->figures[i] = (struct run_figure){figure_names[i], t->sum[i]};
    *out = t->figures;
    return GRPO_FIGURES;
}

static int
grpo_save(void *self, json_t **out, trv_err *err)
{
    const struct grpo *t = self;
    int rc = trend_save(out, t->trends, GRPO_FIGURES, err);

    if (!rc && t->opts.updates > 1)
        rc = rollout_save(*out, &t->r, err);
    return rc;
}

static int
grpo_load(void *self, const json_t *state, trv_err *err)
{
    struct grpo *t = self;
    int rc = trend_load(t->trends, GRPO_FIGURES, state, err);

    if (!rc && t->opts.updates > 1)
        rc = rollout_load(&t->r, state, err);
    return rc;
}

int
grpo_init(struct grpo *t, struct run_task *task, trv_err *err)
{
    int rc;

    t->r.student = t->student;
    rc = rollout_init(&t->r, err);
    if (!rc)
        rc = student_plan(t->r.d, t->student, err);
    if (rc)
        return rc;
    t->learner = (struct student){t->r.d, t->student};
    t->adv = mem_calloc((size_t)t->r.opts.n, sizeof(*t->adv));
    t->charged = mem_calloc((size_t)t->r.opts.n, sizeof(*t->charged));
    if (!t->adv || !t->charged)
        return err_nomem(err, "for a batch");
    *task = (struct run_task){.self = t,
                              .begin_step = grpo_begin_step,
                              .gradient = grpo_gradient,
                              .end_step = grpo_end_step,
                              .save = grpo_save,
                              .load = grpo_load,
                              .figures = grpo_figures};
    student_learns(task, &t->learner);
    return 0;
}

void
grpo_release(struct grpo *t)
{
    rollout_release(&t->r);
    mem_free(t->adv);
    mem_free(t->charged);
    t->adv = t->charged = NULL;
}
