/* kto.c -- gradients of labelled answers, one micro-batch at a time. */
#include "transform/policy/kto.h"

#include <math.h>
#include <string.h>

#include "learn/answer_pass.h"
#include "transform/policy/whole_answers.h"

/* TRL's names. */
static const char *const figure_names[KTO_FIGURES] = {
    [KTO_KL] = "kl",
    [KTO_GOOD] = "rewards/chosen",
    [KTO_BAD] = "rewards/rejected",
    [KTO_MARGIN] = "rewards/margins",
    [KTO_LOGP_GOOD] = "logps/chosen",
    [KTO_LOGP_BAD] = "logps/rejected",
};

static const struct answer *
answer_of(const struct kto_task *t, int64_t i)
{
    return &t->answers->list[t->list[i].answer];
}

static const struct paired_row *
context_of(const struct kto_task *t, int64_t i)
{
    return &t->answers->contexts[answer_of(t, i)->context];
}

/* ---- the reference ------------------------------------------------------ */

static int
score_reference(struct kto_task *t, trv_err *err)
{
    struct answered *rows = mem_calloc((size_t)t->n, sizeof(*rows));
    int rc;

    t->ref = mem_array((size_t)t->n, sizeof(*t->ref));
    rc = rows && t->ref ? 0 : err_nomem(err, "for a batch");
    for (int64_t i = 0; i < t->n && !rc; i++)
        rows[i] = (struct answered){&context_of(t, i)->teacher,
                                    answer_of(t, i)->ids, answer_of(t, i)->n};
    if (!rc)
        rc = whole_answers_score(t->ref, t->s, rows, t->n, err);
    mem_free(rows);
    return rc;
}

/* ---- the baseline ------------------------------------------------------- */

/* The picked answers [n], each behind the next one's context, scored by student
 * or base. */
static int
score_moved(double *logp, struct kto_task *t, int64_t n, bool student,
            double *tokens, trv_err *err)
{
    for (int64_t i = 0; i < n; i++) {
        const struct paired_row *c = context_of(t, t->picked[i]);
        const struct answer *y = answer_of(t, t->picked[(i + n - 1) % n]);
        const int64_t room = t->d->cfg->context - c->student.n + 1;

        t->parts[i] = (struct component){t->d, t->student, c->student.v,
                                         c->student.n, 1.0};
        t->contexts[i] = (struct context){&t->parts[i], 1, NULL};
        t->rows[i] = (struct answered){student ? &t->contexts[i] : &c->teacher,
                                       y->ids, y->n < room ? y->n : room};
        *tokens += (double)(c->student.n + t->rows[i].n - 1);
    }
    return whole_answers_score(logp, t->s, t->rows, n, err);
}

static int
baseline(double *kl, struct kto_task *t, int64_t n, double *tokens,
         trv_err *err)
{
    int rc = score_moved(t->moved_p, t, n, true, tokens, err);

    if (!rc)
        rc = score_moved(t->moved_q, t, n, false, tokens, err);
    if (!rc)
        *kl = loss_kto_baseline(t->moved_p, t->moved_q, n);
    return rc;
}

/* ---- a step ------------------------------------------------------------- */

static void
note_figures(struct kto_task *t, const struct kto_answers *x, double kl)
{
    for (int64_t i = 0; i < x->B; i++) {
        const bool good = x->good[i];

        t->sum[good ? KTO_GOOD : KTO_BAD] +=
            t->opts.loss.beta * (x->p[i] - x->q[i]);
        t->sum[good ? KTO_LOGP_GOOD : KTO_LOGP_BAD] += x->p[i];
        t->answers_seen[good]++;
    }
    t->sum[KTO_KL] += kl * (double)x->B;
}

/* A figure of the step so far; NaN where there was no answer of its kind. */
static double
figure(const struct kto_task *t, enum kto_task_figure f)
{
    const double bad = t->answers_seen[0], good = t->answers_seen[1];

    switch (f) {
    case KTO_KL:
        return t->sum[f] / (bad + good);
    case KTO_MARGIN:
        return t->sum[KTO_GOOD] / good - t->sum[KTO_BAD] / bad;
    case KTO_GOOD:
    case KTO_LOGP_GOOD:
        return t->sum[f] / good;
    default:
        return t->sum[f] / bad;
    }
}

/* What the loss sees of n answers, and its gradient, in the arena. */
struct seen {
    double *p, *q, *d_p;
    unsigned char *good;
};

static int
seen_new(struct seen *v, struct arena *a, int64_t n)
{
    double *store = arena_alloc(a, (size_t)n * 3 * sizeof(*store));

    v->good = arena_alloc(a, (size_t)n);
    if (!store || !v->good)
        return TRV_ENOMEM;
    memset(store, 0, (size_t)n * 3 * sizeof(*store));
    v->p = store;
    v->q = store + n;
    v->d_p = store + 2 * n;
    return 0;
}

/* Losses and gradients of the picked answers [n], as sums: the loop divides. */
static int
learn_answers(struct kto_task *t, int64_t n, double kl, double *loss,
              double *tokens, trv_err *err)
{
    const int64_t *list = t->picked;
    struct arena *a = &t->s->arena;
    struct answer_row *rows;
    struct kto_answers x;
    struct answer_pass p;
    struct seen v;
    float *coef;
    int rc;

    arena_reset(a);
    rows = arena_alloc(a, (size_t)n * sizeof(*rows));
    if (!rows || seen_new(&v, a, n))
        return err_nomem(err, "for a batch");
    for (int64_t i = 0; i < n; i++) {
        const struct answer *y = answer_of(t, list[i]);

        rows[i] = answer_row_of(&context_of(t, list[i])->student, y->ids, y->n,
                                t->student);
    }
    /* Dropout would act on the policy alone and look like a distance. */
    rc = answer_forward(&p, t->d, a, rows, n, false, 0, err);
    if (!rc)
        rc = answer_score(&p, a, err);
    if (rc)
        return rc;
    coef = arena_f32(a, p.N, 1);
    if (!coef)
        return err_nomem(err, "for a batch");
    for (int64_t i = 0; i < n; i++) {
        v.p[i] = answer_sum(&p, p.logp, i);
        v.q[i] = t->ref[list[i]];
        v.good[i] = t->list[list[i]].good;
    }
    x = (struct kto_answers){v.p, v.q, v.good, n};
    *loss += (double)n * loss_kto(v.d_p, NULL, &x, kl, &t->opts.loss);
    note_figures(t, &x, kl);
    for (int64_t i = 0; i < n; i++)
        for (int64_t k = p.first[i]; k < p.first[i + 1]; k++)
            coef[k] = (float)-((double)n * v.d_p[i]);
    *tokens += (double)p.b.T;
    return answer_backward(&p, a, coef, (struct mat){0}, err);
}

static int
kto_task_begin_step(void *self, int64_t step, double *tokens, trv_err *err)
{
    struct kto_task *t = self;

    (void)step;
    (void)tokens;
    (void)err;
    memset(t->sum, 0, sizeof(t->sum));
    memset(t->answers_seen, 0, sizeof(t->answers_seen));
    return 0;
}

static int
kto_task_gradient(void *self, int64_t step, int64_t micro, double *loss,
                  double *weight, double *tokens, trv_err *err)
{
    struct kto_task *t = self;
    const int64_t B = t->opts.batch;
    const int64_t from = B * micro / t->opts.accumulate;
    const int64_t n = B * (micro + 1) / t->opts.accumulate - from;
    double kl = 0.0;
    int rc;

    for (int64_t i = 0; i < n; i++)
        t->picked[i] = shuffle_at(&t->shuffle, step * B + from + i);
    rc = baseline(&kl, t, n, tokens, err);
    if (!rc)
        rc = learn_answers(t, n, kl, loss, tokens, err);
    *weight += (double)n;
    return rc;
}

static void
kto_task_end_step(void *self, int64_t step)
{
    struct kto_task *t = self;

    for (int i = 0; i < KTO_FIGURES; i++)
        trend_add(&t->trends[i], figure(t, (enum kto_task_figure)i), step,
                  t->opts.steps);
}

static int64_t
kto_task_figures(void *self, const struct run_figure **out)
{
    struct kto_task *t = self;
    int64_t n = 0;

    for (int i = 0; i < KTO_FIGURES; i++) {
        const double x = figure(t, (enum kto_task_figure)i);

        if (!isnan(x))
            t->figures[n++] = (struct run_figure){figure_names[i], x};
    }
    *out = t->figures;
    return n;
}

static int
kto_task_save(void *self, json_t **out, trv_err *err)
{
    const struct kto_task *t = self;

    return trend_save(out, t->trends, KTO_FIGURES, err);
}

static int
kto_task_load(void *self, const json_t *state, trv_err *err)
{
    struct kto_task *t = self;

    return trend_load(t->trends, KTO_FIGURES, state, err);
}

static int
begin_batch(struct kto_task *t, trv_err *err)
{
    const size_t n = (size_t)t->opts.batch;

    t->picked = mem_array(n, sizeof(*t->picked));
    t->rows = mem_array(n, sizeof(*t->rows));
    t->parts = mem_array(n, sizeof(*t->parts));
    t->contexts = mem_array(n, sizeof(*t->contexts));
    t->moved_p = mem_array(n, sizeof(*t->moved_p));
    t->moved_q = mem_array(n, sizeof(*t->moved_q));
    return t->picked && t->rows && t->parts && t->contexts && t->moved_p &&
                   t->moved_q
               ? 0
               : err_nomem(err, "for a batch");
}

int
kto_task_init(struct kto_task *t, struct run_task *task, trv_err *err)
{
    int rc = session_decoder(t->s, &t->d, err);

    TRV_ASSERT(t->opts.batch / t->opts.accumulate >= 2);
    if (t->own)
        t->d = t->own;
    if (!rc)
        rc = student_plan(t->d, t->student, err);
    if (!rc)
        rc = shuffle_init(&t->shuffle, t->n, t->opts.seed, err);
    if (!rc)
        rc = begin_batch(t, err);
    if (!rc)
        rc = score_reference(t, err);
    if (rc)
        return rc;
    t->learner = (struct student){t->d, t->student};
    *task = (struct run_task){.self = t,
                              .loss_unit = "",
                              .begin_step = kto_task_begin_step,
                              .gradient = kto_task_gradient,
                              .end_step = kto_task_end_step,
                              .save = kto_task_save,
                              .load = kto_task_load,
                              .figures = kto_task_figures};
    student_learns(task, &t->learner);
    return 0;
}

void
kto_task_release(struct kto_task *t)
{
    shuffle_release(&t->shuffle);
    mem_free(t->picked);
    mem_free(t->rows);
    mem_free(t->parts);
    mem_free(t->contexts);
    mem_free(t->moved_p);
    mem_free(t->moved_q);
    mem_free(t->ref);
}
