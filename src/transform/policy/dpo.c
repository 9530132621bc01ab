/* dpo.c -- gradients of preference pairs, one micro-batch at a time. */
#include "transform/policy/dpo.h"

#include <math.h>
#include <string.h>

#include "learn/answer_pass.h"
#include "transform/policy/whole_answers.h"

/* TRL's names. */
static const char *const figure_names[DPO_FIGURES] = {
    [DPO_CHOSEN] = "rewards/chosen",    [DPO_REJECTED] = "rewards/rejected",
    [DPO_MARGIN] = "rewards/margins",   [DPO_ACCURACY] = "rewards/accuracies",
    [DPO_LOGP_CHOSEN] = "logps/chosen", [DPO_LOGP_REJECTED] = "logps/rejected",
};

/* --- the reference --- */

/* Each answer of a pair once, in the order of the answers. */
static int
score_reference(struct dpo_task *t, trv_err *err)
{
    const int64_t n = t->answers->n;
    struct answered *rows = mem_calloc((size_t)n, sizeof(*rows));
    int64_t *which = mem_calloc((size_t)n, sizeof(*which)), k = 0;
    double *logp = mem_calloc((size_t)n, sizeof(*logp));
    int rc;

    t->ref = mem_array((size_t)n, sizeof(*t->ref));
    rc = rows && which && logp && t->ref ? 0 : err_nomem(err, "for a batch");
    for (int64_t i = 0; i < n && !rc; i++)
        t->ref[i] = (double)NAN; // in no pair
    for (int64_t i = 0; i < t->n && !rc; i++)
        t->ref[t->list[i].chosen] = t->ref[t->list[i].rejected] = 0.0;
    for (int64_t i = 0; i < n && !rc; i++) {
        const struct answer *y = &t->answers->list[i];

        if (isnan(t->ref[i]))
            continue;
        rows[k] = (struct answered){&t->answers->contexts[y->context].teacher,
                                    y->ids, y->n};
        which[k++] = i;
    }
    if (!rc)
        rc = whole_answers_score(logp, t->s, rows, k, err);
    for (int64_t i = 0; i < k && !rc; i++)
        t->ref[which[i]] = logp[i];
    mem_free(rows);
    mem_free(which);
    mem_free(logp);
    return rc;
}

/* --- a step --- */

/* What the loss sees of n pairs, and its gradient, in one piece of memory. */
struct seen {
    struct preference_pairs x;
    double *pc, *pr, *qc, *qr, *d_pc, *d_pr;
    int64_t *nc, *nr;
};

static int
seen_new(struct seen *v, struct arena *a, int64_t n)
{
    double *store = arena_alloc(a, (size_t)n * 6 * sizeof(*store));
    int64_t *counts = arena_alloc(a, (size_t)n * 2 * sizeof(*counts));

    if (!store || !counts)
        return TRV_ENOMEM;
    memset(store, 0, (size_t)n * 6 * sizeof(*store));
    *v = (struct seen){.pc = store,
                       .pr = store + n,
                       .qc = store + 2 * n,
                       .qr = store + 3 * n,
                       .d_pc = store + 4 * n,
                       .d_pr = store + 5 * n,
                       .nc = counts,
                       .nr = counts + n};
    v->x =
        (struct preference_pairs){v->pc, v->pr, v->qc, v->qr, v->nc, v->nr, n};
    return 0;
}

/* The sum of the losses of pairs, each with its label. */
static double
soft_loss(struct seen *v, const struct preference *const *pairs,
          const struct preference_options *opts)
{
    double loss = 0.0;

    for (int64_t i = 0; i < v->x.B; i++) {
        const double l = pairs[i]->label, e = opts->smoothing;
        struct preference_options one = *opts;
        struct preference_pairs x = v->x;

        one.smoothing = l * e + (1.0 - l) * (1.0 - e);
        x = (struct preference_pairs){x.pc + i, x.pr + i, x.qc + i, x.qr + i,
                                      x.nc + i, x.nr + i, 1};
        loss += loss_preference(v->d_pc + i, v->d_pr + i, NULL, &x, &one);
    }
    return loss;
}

/* The sum of the losses of pairs: the loop divides by the pairs. */
static double
preference_sum(struct seen *v, const struct preference *const *pairs,
               const struct preference_options *opts)
{
    const double B = (double)v->x.B;
    double loss;

    if (preference_traits(opts->loss)->has_soft_label)
        return soft_loss(v, pairs, opts);
    loss = loss_preference(v->d_pc, v->d_pr, NULL, &v->x, opts);
    for (int64_t i = 0; i < v->x.B; i++) {
        v->d_pc[i] *= B;
        v->d_pr[i] *= B;
    }
    return loss * B;
}

static double
batch_loss(struct seen *v, const struct preference *const *pairs,
           const struct dpo_task_options *opts)
{
    const double B = (double)v->x.B;
    const double likelihood =
        opts->sft_weight + preference_traits(opts->loss.loss)->likelihood;
    double loss = preference_sum(v, pairs, &opts->loss);

    if (likelihood > 0.0)
        loss += loss_chosen(v->d_pc, v->pc, v->nc, v->x.B, B * likelihood);
    return loss;
}

static void
note_figures(struct dpo_task *t, const struct seen *v)
{
    const struct preference_options *o = &t->opts.loss;
    const bool is_per_token = preference_traits(o->loss)->is_per_token;

    for (int64_t i = 0; i < v->x.B; i++) {
        const double nc = (double)v->nc[i], nr = (double)v->nr[i];
        const double c = preference_reward(v->pc[i] - v->qc[i], nc, o);
        const double r = preference_reward(v->pr[i] - v->qr[i], nr, o);

        t->sum[DPO_CHOSEN] += c;
        t->sum[DPO_REJECTED] += r;
        t->sum[DPO_MARGIN] += c - r;
        t->sum[DPO_ACCURACY] += c > r;
        t->sum[DPO_LOGP_CHOSEN] += v->pc[i] / (is_per_token ? nc : 1.0);
        t->sum[DPO_LOGP_REJECTED] += v->pr[i] / (is_per_token ? nr : 1.0);
    }
    t->pairs += (double)v->x.B;
}

static struct answer_row
row_of(const struct dpo_task *t, int64_t answer)
{
    const struct answer *y = &t->answers->list[answer];

    return answer_row_of(&t->answers->contexts[y->context].student, y->ids,
                         y->n, t->student);
}

/* Losses and gradients of n pairs; answer 2i is chosen, 2i+1 rejected. */
static int
learn_pairs(struct dpo_task *t, const struct preference *const *pairs,
            int64_t n, double *loss, double *tokens, trv_err *err)
{
    struct arena *a = &t->s->arena;
    struct answer_row *rows = arena_alloc(a, (size_t)n * 2 * sizeof(*rows));
    struct answer_pass p;
    struct seen v;
    float *coef;
    int rc;

    if (!rows || seen_new(&v, a, n))
        return err_nomem(err, "for a batch");
    for (int64_t i = 0; i < n; i++) {
        rows[2 * i] = row_of(t, pairs[i]->chosen);
        rows[2 * i + 1] = row_of(t, pairs[i]->rejected);
    }
    /* Dropout would act on the policy alone and look like a distance. */
    rc = answer_forward(&p, t->d, a, rows, 2 * n, false, 0, err);
    if (!rc)
        rc = answer_score(&p, a, err);
    if (rc)
        return rc;
    coef = arena_f32(a, p.N, 1);
    if (!coef)
        return err_nomem(err, "for a batch");
    for (int64_t i = 0; i < n; i++) {
        v.pc[i] = answer_sum(&p, p.logp, 2 * i);
        v.pr[i] = answer_sum(&p, p.logp, 2 * i + 1);
        v.qc[i] = t->ref ? t->ref[pairs[i]->chosen] : 0.0;
        v.qr[i] = t->ref ? t->ref[pairs[i]->rejected] : 0.0;
        v.nc[i] = rows[2 * i].n;
        v.nr[i] = rows[2 * i + 1].n;
    }
    *loss += batch_loss(&v, pairs, &t->opts);
    note_figures(t, &v);
    for (int64_t s = 0; s < 2 * n; s++)
        for (int64_t k = p.first[s]; k < p.first[s + 1]; k++)
            coef[k] = (float)-(s % 2 ? v.d_pr : v.d_pc)[s / 2];
    *tokens += (double)p.b.T;
    return answer_backward(&p, a, coef, (struct mat){0}, err);
}

static int
dpo_task_begin_step(void *self, int64_t step, double *tokens, trv_err *err)
{
    struct dpo_task *t = self;

    (void)step;
    (void)tokens;
    (void)err;
    memset(t->sum, 0, sizeof(t->sum));
    t->pairs = 0.0;
    return 0;
}

static int
dpo_task_gradient(void *self, int64_t step, int64_t micro, double *loss,
                  double *weight, double *tokens, trv_err *err)
{
    struct dpo_task *t = self;
    const int64_t B = t->opts.batch;
    const int64_t from = B * micro / t->opts.accumulate;
    const int64_t n = B * (micro + 1) / t->opts.accumulate - from;
    const struct preference **pairs;
    int rc;

    arena_reset(&t->s->arena);
    pairs = arena_alloc(&t->s->arena, (size_t)n * sizeof(*pairs));
    if (!pairs)
        return err_nomem(err, "for a batch");
    for (int64_t i = 0; i < n; i++)
        pairs[i] = &t->list[shuffle_at(&t->shuffle, step * B + from + i)];
    rc = learn_pairs(t, pairs, n, loss, tokens, err);
    *weight += (double)n;
    return rc;
}

static void
dpo_task_end_step(void *self, int64_t step)
{
    struct dpo_task *t = self;

    for (int i = 0; i < DPO_FIGURES; i++)
        trend_add(&t->trends[i], t->sum[i] / t->pairs, step, t->opts.steps);
}

static int64_t
dpo_task_figures(void *self, const struct run_figure **out)
{
    struct dpo_task *t = self;

    for (int i = 0; i < DPO_FIGURES; i++)
        t->figures[i] =
            (struct run_figure){figure_names[i], t->sum[i] / t->pairs};
    *out = t->figures;
    return DPO_FIGURES;
}

static int
dpo_task_save(void *self, json_t **out, trv_err *err)
{
    const struct dpo_task *t = self;

    return trend_save(out, t->trends, DPO_FIGURES, err);
}

static int
dpo_task_load(void *self, const json_t *state, trv_err *err)
{
    struct dpo_task *t = self;

    return trend_load(t->trends, DPO_FIGURES, state, err);
}

int
dpo_task_init(struct dpo_task *t, struct run_task *task, trv_err *err)
{
    const struct preference_traits *traits =
        preference_traits(t->opts.loss.loss);
    int rc = session_decoder(t->s, &t->d, err);

    if (t->own)
        t->d = t->own;
    if (!rc)
        rc = student_plan(t->d, t->student, err);
    if (!rc)
        rc = shuffle_init(&t->shuffle, t->n, t->opts.seed, err);
    if (!rc && traits->has_reference)
        rc = score_reference(t, err);
    if (rc)
        return rc;
    t->learner = (struct student){t->d, t->student};
    *task = (struct run_task){.self = t,
                              .loss_unit = traits->unit,
                              .begin_step = dpo_task_begin_step,
                              .gradient = dpo_task_gradient,
                              .end_step = dpo_task_end_step,
                              .save = dpo_task_save,
                              .load = dpo_task_load,
                              .figures = dpo_task_figures};
    student_learns(task, &t->learner);
    return 0;
}

void
dpo_task_release(struct dpo_task *t)
{
    shuffle_release(&t->shuffle);
    mem_free(t->ref);
    t->ref = NULL;
}
