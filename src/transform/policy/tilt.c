/* tilt.c -- gradients of weighted likelihood, one micro-batch at a time. */
#include "transform/policy/tilt.h"

#include "learn/loss/loss_tilt.h"
#include "learn/answer_pass.h"

/* The answers of inputs picks[0..n), end to end. */
static int
learn_inputs(struct tilt *t, const int64_t *picks, int64_t n, uint64_t seed,
             double *loss, double *weight, double *tokens, trv_err *err)
{
    struct arena *a = &t->s->arena;
    struct answer_row *rows;
    struct answer_pass p;
    int64_t S = 0, s = 0;
    float *coef;
    double *w;
    int rc;

    for (int64_t i = 0; i < n; i++)
        S += t->first[picks[i] + 1] - t->first[picks[i]];
    rows = arena_alloc(a, (size_t)S * sizeof(*rows));
    w = arena_alloc(a, (size_t)S * sizeof(*w));
    if (!rows || !w)
        return err_nomem(err, "for a batch");
    for (int64_t i = 0; i < n; i++)
        for (int64_t k = t->first[picks[i]]; k < t->first[picks[i] + 1]; k++) {
            const struct answer *y = &t->answers->list[t->list[k].answer];

            rows[s] = answer_row_of(&t->answers->contexts[y->context].student,
                                    y->ids, y->n, t->student);
            w[s++] = t->list[k].w;
        }
    rc = answer_forward(&p, t->d, a, rows, S, true, seed, err);
    if (rc)
        return rc;
    coef = arena_f32(a, p.N, 1);
    if (!coef)
        return err_nomem(err, "for a batch");
    for (s = 0; s < S; s++) {
        for (int64_t k = p.first[s]; k < p.first[s + 1]; k++)
            coef[k] = (float)w[s];
        *weight += w[s] * (double)rows[s].n;
    }
    *tokens += (double)p.b.T;
    rc = answer_backward(&p, a, coef, (struct mat){0}, err);
    if (!rc)
        *loss += loss_tilt(NULL, p.logp, p.first, w, S, 1.0);
    return rc;
}

static int
tilt_gradient(void *self, int64_t step, int64_t micro, double *loss,
              double *weight, double *tokens, trv_err *err)
{
    struct tilt *t = self;
    const int64_t B = t->opts.batch;
    const int64_t from = B * micro / t->opts.accumulate;
    const int64_t n = B * (micro + 1) / t->opts.accumulate - from;
    int64_t *picks;

    arena_reset(&t->s->arena);
    picks = arena_alloc(&t->s->arena, (size_t)n * sizeof(*picks));
    if (!picks)
        return err_nomem(err, "for a batch");
    for (int64_t i = 0; i < n; i++)
        picks[i] = shuffle_at(&t->shuffle, step * B + from + i);
    return learn_inputs(t, picks, n,
                        t->opts.seed ^ ((uint64_t)(step * B + from) << 20),
                        loss, weight, tokens, err);
}

int
tilt_init(struct tilt *t, struct run_task *task, trv_err *err)
{
    int rc = session_decoder(t->s, &t->d, err);

    if (t->own)
        t->d = t->own;
    if (!rc)
        rc = student_plan(t->d, t->student, err);
    if (!rc)
        rc = shuffle_init(&t->shuffle, t->n, t->opts.seed, err);
    if (rc)
        return rc;
    t->learner = (struct student){t->d, t->student};
    *task = (struct run_task){
        .self = t, .loss_unit = "nats per token", .gradient = tilt_gradient};
    student_learns(task, &t->learner);
    return 0;
}

void
tilt_release(struct tilt *t)
{
    shuffle_release(&t->shuffle);
}
