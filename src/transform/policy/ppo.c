/* ppo.c -- steps on the student's own answers, with a critic. */
#include "transform/policy/ppo.h"

#include <string.h>

#include "learn/loss/advantage.h"
#include "learn/loss/loss_policy.h"
#include "learn/student.h"

#define VALUE_WEIGHT 0.1 // TRL's vf_coef

static const char *const figure_names[PPO_FIGURES] = {
    [PPO_REWARD] = "reward",
    [PPO_REWARD_STD] = "reward_std",
    [PPO_LENGTH] = "completions/mean_length",
    [PPO_CLIP] = "clip_ratio",
    [PPO_KL] = "kl",
    [PPO_POLICY_LOSS] = "loss/policy_avg",
    [PPO_VALUE_LOSS] = "loss/value_avg",
    [PPO_ENTROPY] = "entropy",
};

/* ---- the critic -------------------------------------------------------- */

static float
hidden_at(const struct mat *h, int64_t row, int64_t c)
{
    const int64_t at = row * h->cols + c;

    return h->type == DT_BF16 ? bf16_to_f32(((const bf16 *)h->data)[at])
                              : ((const float *)h->data)[at];
}

/* v [N] = u . h + b before each answer token of a pass. */
static void
critic_forward(float *v, const struct ppo *t, const struct answer_pass *p)
{
    const float *u = t->w + t->n_weights;

    for (int64_t k = 0; k < p->N; k++) {
        double sum = (double)u[t->width];

        for (int64_t c = 0; c < t->width; c++)
            sum += (double)(u[c] * hidden_at(&p->hidden, p->where[k], c));
        v[k] = (float)sum;
    }
}

/* Adds to the gradients of u and b. */
static void
critic_backward(struct ppo *t, const struct answer_pass *p, const float *d_v)
{
    float *d_u = t->g + t->n_weights;

    for (int64_t k = 0; k < p->N; k++) {
        for (int64_t c = 0; c < t->width; c++)
            d_u[c] += d_v[k] * hidden_at(&p->hidden, p->where[k], c);
        d_u[t->width] += d_v[k];
    }
}

/* Values of the held batch by the critic as it is now, a part at a time. */
static int
value_batch(struct ppo *t, double *tokens, trv_err *err)
{
    const struct rollout *r = &t->r;
    const int64_t B = r->opts.n;
    struct arena *a = &r->s->arena;
    int rc = 0;

    for (int64_t m = 0; m < t->opts.accumulate && !rc; m++) {
        const int64_t from = B * m / t->opts.accumulate;
        const int64_t n = B * (m + 1) / t->opts.accumulate - from;
        struct answer_row *rows;
        struct answer_pass p;

        arena_reset(a);
        rows = arena_alloc(a, (size_t)n * sizeof(*rows));
        if (!rows)
            return err_nomem(err, "for a batch");
        rollout_rows(rows, r, from, n);
        rc = answer_forward(&p, r->d, a, rows, n, false, 0, err);
        if (rc)
            break;
        critic_forward(t->value + r->first[from], t, &p);
        *tokens += (double)p.b.T;
    }
    return rc;
}

/* ---- a step ------------------------------------------------------------ */

/* From the held batch and its values to what is learned. */
static void
compute_advantages(struct ppo *t)
{
    const struct rollout *r = &t->r;
    const int64_t n = r->opts.n;
    const struct gae_options gae = {t->opts.gamma, t->opts.lambda};
    struct answer_reward_stats f;

    advantage_token_rewards(t->token_r, r->reward, r->old, r->ref, r->first, n,
                            t->opts.beta);
    advantage_gae(t->adv, t->ret, t->token_r, t->value, r->first, n, &gae);
    advantage_whiten(t->adv, r->first[n], true);
    answer_rewards_summarise(&f, r->reward, n, n);
    t->sum[PPO_REWARD] = f.mean;
    t->sum[PPO_REWARD_STD] = f.std;
    t->sum[PPO_LENGTH] = (double)r->first[n] / (double)n;
}

static int
ppo_begin_step(void *self, int64_t step, double *tokens, trv_err *err)
{
    struct ppo *t = self;
    const int64_t batch = step / t->opts.updates;
    int rc = rollout_draw(&t->r, batch, tokens, err);

    memset(t->sum, 0, sizeof(t->sum));
    t->n_tokens = 0.0;
    if (!rc && t->valued != batch)
        rc = value_batch(t, tokens, err);
    if (rc)
        return rc;
    t->valued = batch;
    compute_advantages(t);
    return 0;
}

/* Both losses of answers from..from+n-1, as shares of the step's. */
static int
learn_answers(struct ppo *t, int64_t from, int64_t n, double *loss,
              double *tokens, trv_err *err)
{
    const struct rollout *r = &t->r;
    struct arena *a = &r->s->arena;
    const int64_t at = r->first[from];
    const double total = (double)r->first[r->opts.n];
    const struct policy_options opts = {.ratio = POLICY_RATIO_TOKEN,
                                        .mean = POLICY_MEAN_BNPO,
                                        .clip_low = t->opts.clip,
                                        .clip_high = t->opts.clip,
                                        .total = total};
    struct answer_row *rows = arena_alloc(a, (size_t)n * sizeof(*rows));
    struct policy_figures f;
    struct policy_answers x;
    struct answer_pass p;
    double policy, value, share;
    float *coef, *v, *d_v;
    int rc;

    if (!rows)
        return err_nomem(err, "for a batch");
    rollout_rows(rows, r, from, n);
    rc = answer_forward(&p, r->d, a, rows, n, false, 0, err);
    if (!rc)
        rc = answer_score(&p, a, err);
    if (rc)
        return rc;
    coef = arena_f32(a, p.N, 1);
    v = arena_f32(a, p.N, 1);
    d_v = arena_f32(a, p.N, 1);
    if (!coef || !v || !d_v)
        return err_nomem(err, "for a batch");
    memset(coef, 0, (size_t)p.N * sizeof(*coef));
    memset(d_v, 0, (size_t)p.N * sizeof(*d_v));
    x = (struct policy_answers){.p = p.logp,
                                .old = r->old + at,
                                .ref = r->ref + at,
                                .first = p.first,
                                .S = n,
                                .token_adv = t->adv + at};
    policy = loss_policy(coef, &f, &x, &opts);
    critic_forward(v, t, &p);
    share = (double)p.N / total; // its mean is over the tokens given
    value = share * loss_policy_value(d_v, NULL, v, t->value + at, t->ret + at,
                                      p.N, t->opts.value_clip);
    *loss += policy + VALUE_WEIGHT * value;
    for (int64_t k = 0; k < p.N; k++) {
        coef[k] = -coef[k];
        d_v[k] *= (float)(VALUE_WEIGHT * share);
    }
    critic_backward(t, &p, d_v);
    t->sum[PPO_POLICY_LOSS] += policy;
    t->sum[PPO_VALUE_LOSS] += value;
    t->sum[PPO_KL] += f.kl * (double)p.N;
    t->sum[PPO_ENTROPY] += f.entropy * (double)p.N;
    t->sum[PPO_CLIP] += (f.clip_low + f.clip_high) * (double)p.N;
    t->n_tokens += (double)p.N;
    *tokens += (double)p.b.T;
    return answer_backward(&p, a, coef, (struct mat){0}, err);
}

static void
ppo_end_step(void *self, int64_t step)
{
    struct ppo *t = self;

    t->sum[PPO_KL] /= t->n_tokens;
    t->sum[PPO_ENTROPY] /= t->n_tokens;
    t->sum[PPO_CLIP] /= t->n_tokens;
    for (int i = 0; i < PPO_FIGURES; i++)
        trend_add(&t->trends[i], t->sum[i], step, t->opts.steps);
}

static int
ppo_gradient(void *self, int64_t step, int64_t micro, double *loss,
             double *weight, double *tokens, trv_err *err)
{
    struct ppo *t = self;
    const struct adapter_weights_flat flat = student_flat(t->r.d, t->student);
    const int64_t B = t->r.opts.n;
    const int64_t from = B * micro / t->opts.accumulate;
    const int64_t n = B * (micro + 1) / t->opts.accumulate - from;
    int rc;

    (void)step;
    arena_reset(&t->r.s->arena);
    memset(flat.g, 0, (size_t)flat.n * sizeof(*flat.g));
    rc = learn_answers(t, from, n, loss, tokens, err);
    for (int64_t i = 0; i < flat.n; i++)
        t->g[i] += flat.g[i];
    *weight += (double)n / (double)B; // the losses are shares of the step's
    return rc;
}

static int
ppo_after_update(void *self, trv_err *err)
{
    struct ppo *t = self;
    const struct adapter_weights_flat flat = student_flat(t->r.d, t->student);

    memcpy(flat.w, t->w, (size_t)flat.n * sizeof(*flat.w));
    return student_updated(t->r.d, t->student, err);
}

static void
ppo_locate(void *self, char *buf, size_t size, int64_t index)
{
    const struct ppo *t = self;

    if (index < t->n_weights)
        student_locate(buf, size, t->r.d, t->student, index);
    else
        snprintf(buf, size, "the critic");
}

/* Of the critic, u decays and b does not. */
static bool
ppo_decays(void *self, int64_t index, int64_t *end)
{
    const struct ppo *t = self;
    const int64_t b = t->n_weights + t->width;

    if (index < t->n_weights)
        return student_decays(t->r.d, t->student, index, end);
    *end = index < b ? b : b + 1;
    return index < b;
}

static int64_t
ppo_figures(void *self, const struct run_figure **out)
{
    struct ppo *t = self;

    for (int i = 0; i < PPO_FIGURES; i++)
        t->figures[i] = (struct run_figure){figure_names[i], t->sum[i]};
    *out = t->figures;
    return PPO_FIGURES;
}

/* ---- checkpoints ------------------------------------------------------- */

static int
save_values(json_t *obj, const struct ppo *t, trv_err *err)
{
    const int64_t n = t->valued >= 0 ? t->r.first[t->r.opts.n] : 0;
    json_t *list = json_array();
    int bad = !list;

    for (int64_t k = 0; k < n && !bad; k++)
        bad = json_array_append_new(list, json_real((double)t->value[k]));
    if (bad)
        json_decref(list);
    if (bad || json_object_set_new(obj, "values", list))
        return err_nomem(err, "for a checkpoint");
    return 0;
}

static int
load_values(struct ppo *t, const json_t *obj, trv_err *err)
{
    const json_t *list = json_object_get(obj, "values");
    const int64_t n = t->r.batch >= 0 ? t->r.first[t->r.opts.n] : 0;
    int bad = json_array_size(list) != (size_t)n;

    for (int64_t k = 0; k < n && !bad; k++) {
        const json_t *v = json_array_get(list, (size_t)k);

        bad = !json_is_real(v);
        t->value[k] = (float)json_real_value(v);
    }
    t->valued = bad ? -1 : t->r.batch;
    return bad ? err_fail(err, TRV_EFORMAT, "a checkpoint's values are broken")
               : 0;
}

static int
ppo_save(void *self, json_t **out, trv_err *err)
{
    const struct ppo *t = self;
    int rc = trend_save(out, t->trends, PPO_FIGURES, err);

    if (!rc && t->opts.updates > 1)
        rc = rollout_save(*out, &t->r, err);
    if (!rc && t->opts.updates > 1)
        rc = save_values(*out, t, err);
    return rc;
}

static int
ppo_load(void *self, const json_t *state, trv_err *err)
{
    struct ppo *t = self;
    int rc = trend_load(t->trends, PPO_FIGURES, state, err);

    if (!rc && t->opts.updates > 1)
        rc = rollout_load(&t->r, state, err);
    if (!rc && t->opts.updates > 1)
        rc = load_values(t, state, err);
    return rc;
}

int
ppo_init(struct ppo *t, struct run_task *task, trv_err *err)
{
    struct adapter_weights_flat flat;
    const size_t most = (size_t)(t->r.opts.n * t->r.opts.max_tokens);
    int64_t n;
    int rc;

    t->r.student = t->student;
    t->valued = -1;
    rc = rollout_init(&t->r, err);
    if (!rc)
        rc = student_plan(t->r.d, t->student, err);
    if (rc)
        return rc;
    flat = student_flat(t->r.d, t->student);
    t->n_weights = flat.n;
    t->width = t->r.d->cfg->width;
    n = flat.n + t->width + 1;
    t->w = mem_calloc((size_t)n, sizeof(*t->w));
    t->g = mem_calloc((size_t)n, sizeof(*t->g));
    t->value = mem_calloc(most, sizeof(*t->value));
    t->adv = mem_calloc(most, sizeof(*t->adv));
    t->ret = mem_calloc(most, sizeof(*t->ret));
    t->token_r = mem_calloc(most, sizeof(*t->token_r));
    if (!t->w || !t->g || !t->value || !t->adv || !t->ret || !t->token_r)
        return err_nomem(err, "for a batch");
    memcpy(t->w, flat.w, (size_t)flat.n * sizeof(*t->w));
    *task = (struct run_task){.self = t,
                              .of = t,
                              .w = t->w,
                              .g = t->g,
                              .n = n,
                              .begin_step = ppo_begin_step,
                              .gradient = ppo_gradient,
                              .end_step = ppo_end_step,
                              .after_update = ppo_after_update,
                              .save = ppo_save,
                              .load = ppo_load,
                              .locate = ppo_locate,
                              .decays = ppo_decays,
                              .figures = ppo_figures};
    return 0;
}

void
ppo_release(struct ppo *t)
{
    rollout_release(&t->r);
    mem_free(t->w);
    mem_free(t->g);
    mem_free(t->value);
    mem_free(t->adv);
    mem_free(t->ret);
    mem_free(t->token_r);
    t->w = t->g = t->value = NULL;
    t->adv = t->ret = t->token_r = NULL;
}
