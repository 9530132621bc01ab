/* distill.c -- gradients of distillation, one micro-batch at a time. */
#include "transform/imitate/distill.h"

#include <math.h>
#include <string.h>

#include "base/streams.h"
#include "learn/answer_pass.h"
#include "model/sample/engine.h"
#include "model/decoder/pass.h"

/* One row of a micro-batch from both sides. */
struct pair {
    const struct paired_row *c;
    const int32_t *answer;
    int64_t n; // answer tokens
};

bool
distill_is_on_policy(const struct distill *t, int64_t step)
{
    return (double)rng_hash(t->opts.seed, 0x6f6e706f, (uint64_t)step) <
           t->opts.on_policy * 0x1p32;
}

/* The student's own answers, drawn now, to the contexts of the rows. */
static int
draw_own(struct distill *t, struct pair *pairs, int64_t n, uint64_t first,
         trv_err *err)
{
    struct arena *a = &t->s->arena;
    struct sample_row *rows = arena_alloc(a, (size_t)n * sizeof(*rows));
    struct sample_out *outs = arena_alloc(a, (size_t)n * sizeof(*outs));
    struct sample_options so = {.sampling = SAMPLING_INIT,
                                .max_tokens = t->opts.max_tokens,
                                .batch = n,
                                .seed = t->opts.seed};
    int rc;

    if (!rows || !outs)
        return err_nomem(err, "to sample the student");
    so.sampling.vocab = tokenizer_size(t->s->model->tokenizer);
    for (int64_t i = 0; i < n; i++)
        rows[i] = (struct sample_row){pairs[i].c->student.v,
                                      pairs[i].c->student.n, t->student,
                                      STREAM_STUDENT + first + (uint64_t)i};
    rc = engine_sample(t->d, a, outs, rows, n, &so, err);
    for (int64_t i = 0; i < n && !rc; i++) {
        int32_t *ids = arena_alloc(a, (size_t)outs[i].n * sizeof(*ids));

        if (ids) {
            memcpy(ids, outs[i].ids, (size_t)outs[i].n * sizeof(*ids));
            pairs[i].answer = ids;
            pairs[i].n = outs[i].n;
        } else {
            rc = err_nomem(err, "to sample the student");
        }
    }
    for (int64_t i = 0; i < n; i++)
        mem_free(outs[i].ids);
    return rc;
}

/* Pack contexts and answers: the student's. */
static int
pack_student(struct answer_pass *x, const struct distill *t,
             const struct pair *pairs, int64_t n, trv_err *err)
{
    struct arena *a = &t->s->arena;
    struct answer_row *rows = arena_alloc(a, (size_t)n * sizeof(*rows));

    if (!rows)
        return err_nomem(err, "for a batch");
    for (int64_t i = 0; i < n; i++)
        rows[i] = answer_row_of(&pairs[i].c->student, pairs[i].answer,
                                pairs[i].n, t->student);
    return answer_pack(x, t->d, a, rows, n, err);
}

/* The teacher's distributions at every answer token. */
static int
run_teacher(struct head_side *side, const struct distill *t,
            const struct pair *pairs, int64_t n, double *tokens, trv_err *err)
{
    struct arena *a = &t->s->arena;
    struct answered *rows = arena_alloc(a, (size_t)n * sizeof(*rows));
    const double before = t->d->tokens;
    int rc;

    if (!rows)
        return err_nomem(err, "for a batch");
    for (int64_t i = 0; i < n; i++)
        rows[i] = (struct answered){&pairs[i].c->teacher, pairs[i].answer,
                                    pairs[i].n};
    rc = pass_forward(side, NULL, a, 1, rows, n, err);
    *tokens += t->d->tokens - before;
    return rc;
}

/* The same with the teacher's hidden states, of a teacher of one part. */
static int
see_teacher(struct head_side *side, struct features_batch *f,
            const struct distill *t, const struct pair *pairs, int64_t n,
            double *tokens, trv_err *err)
{
    const struct component *first = &pairs[0].c->teacher.parts[0];
    const struct decoder_tap tap = features_tap(f);
    struct arena *a = &t->s->arena;
    struct answer_row *rows = arena_alloc(a, (size_t)n * sizeof(*rows));
    struct answer_pass x;
    int rc;

    side->n = 1;
    side->parts = arena_alloc(a, sizeof(*side->parts));
    if (!rows || !side->parts)
        return err_nomem(err, "for a batch");
    for (int64_t i = 0; i < n; i++) {
        const struct component *part = &pairs[i].c->teacher.parts[0];

        rows[i] = (struct answer_row){part->ids, part->n_ids, pairs[i].answer,
                                      pairs[i].n, part->adapter_weights};
    }
    rc = answer_pack(&x, first->d, a, rows, n, err);
    if (rc)
        return rc;
    side->parts[0] = (struct head_part){
        .d = first->d, .at = x.where, .weight = first->weight};
    f->at = x.where;
    rc = decoder_forward_seen(first->d, a, &side->parts[0].hidden, &x.b, &tap,
                              err);
    *tokens += rc ? 0.0 : (double)x.b.T;
    return rc;
}

/* Losses of all answer tokens of the rows; where `save` is given, gradients
 * into the student. */
static int
run_pairs(struct distill *t, const struct pair *pairs, int64_t n,
          struct saved *save, double *loss, double *weight, double *tokens,
          trv_err *err)
{
    struct arena *a = &t->s->arena;
    const bool seen = t->features && save;
    struct head_side teacher = {0};
    struct features_batch f;
    struct answer_pass x;
    struct head_rows at;
    struct mat dh = {0};
    double sum = 0.0, apart = 0.0;
    float *value, *ones;
    int rc = pack_student(&x, t, pairs, n, err);

    if (rc)
        return rc;
    value = arena_f32(a, x.N, 1);
    ones = arena_f32(a, x.N, 1);
    if (!value || !ones)
        return err_nomem(err, "for a batch");
    for (int64_t k = 0; k < x.N; k++)
        ones[k] = 1.0f;

    if (seen)
        rc = features_begin(&f, t->d->be, a, t->features, x.N, t->d->cfg->width,
                            err);
    if (!rc && seen)
        rc = see_teacher(&teacher, &f, t, pairs, n, tokens, err);
    else if (!rc && !t->opts.hard)
        rc = run_teacher(&teacher, t, pairs, n, tokens, err);
    if (!rc)
        rc = decoder_forward(t->d, a, &x.hidden, &x.b, NULL, save, err);
    if (!rc && save)
        rc = answer_zeros(&dh, &x, a, err);
    if (rc)
        return rc;
    *tokens += (double)x.b.T;
    if (!save)
        ones = NULL; // no gradient
    at = (struct head_rows){x.hidden, x.where};
    if (t->opts.hard)
        rc = head_logprobs(t->d, a, value, NULL, at, x.target, x.N, ones, dh,
                           err);
    else
        rc = head_divergence(t->d, a, value, &teacher, at, x.N,
                             t->opts.divergence, ones, dh, err);
    for (int64_t i = 0; i < x.N && !rc; i++)
        sum += t->opts.hard ? -(double)value[i] : (double)value[i];
    *loss += sum;
    if (!rc && seen) {
        f.at = x.where;
        save->on_stream = features_back;
        save->payload = &f;
        t->sum[0] += sum;
        apart = features_compare(&f, save);
        t->sum[1] += apart;
        t->places += (double)x.N;
        *loss += apart;
    }
    if (!rc && save)
        rc = decoder_backward(t->d, a, dh, &x.b, save, err);
    *weight += (double)x.N;
    return rc;
}

static struct pair
pair_of(const struct distill *t, int64_t answer)
{
    const struct answer *y = &t->answers->list[answer];

    return (struct pair){&t->answers->contexts[y->context], y->ids, y->n};
}

static int
distill_begin_step(void *self, int64_t step, double *tokens, trv_err *err)
{
    struct distill *t = self;

    (void)step;
    (void)tokens;
    (void)err;
    t->sum[0] = t->sum[1] = t->places = 0.0;
    return 0;
}

static int
distill_gradient(void *self, int64_t step, int64_t micro, double *loss,
                 double *weight, double *tokens, trv_err *err)
{
    struct distill *t = self;
    const int64_t B = t->opts.batch;
    const int64_t from = B * micro / t->opts.accumulate;
    const int64_t n = B * (micro + 1) / t->opts.accumulate - from;
    struct saved save = {.dropout_seed =
                             t->opts.seed ^ ((uint64_t)(step * B + from) << 20),
                         .training = true};
    struct pair *pairs;
    int rc = 0;

    arena_reset(&t->s->arena);
    pairs = arena_alloc(&t->s->arena, (size_t)n * sizeof(*pairs));
    if (!pairs)
        return err_nomem(err, "for a batch");
    for (int64_t i = 0; i < n; i++)
        pairs[i] = pair_of(t, shuffle_at(&t->shuffle, step * B + from + i));
    if (distill_is_on_policy(t, step))
        rc = draw_own(t, pairs, n, (uint64_t)(step * B + from), err);
    if (!rc)
        rc = run_pairs(t, pairs, n, &save, loss, weight, tokens, err);
    return rc;
}

int
distill_loss(struct distill *t, double *loss, int64_t most, trv_err *err)
{
    const int64_t n = most < t->answers->n ? most : t->answers->n;
    double sum = 0.0, weight = 0.0, tokens = 0.0;
    struct pair *pairs;
    int rc;

    arena_reset(&t->s->arena);
    pairs = arena_alloc(&t->s->arena, (size_t)n * sizeof(*pairs));
    if (!pairs)
        return err_nomem(err, "for a batch");
    for (int64_t i = 0; i < n; i++)
        pairs[i] = pair_of(t, t->answers->n - n + i);
    rc = run_pairs(t, pairs, n, NULL, &sum, &weight, &tokens, err);
    *loss = sum / weight;
    return rc;
}

/* What the loss is made of. */
static int64_t
distill_figures(void *self, const struct run_figure **out)
{
    struct distill *t = self;

    t->figures[0] = (struct run_figure){"divergence", t->sum[0] / t->places};
    t->figures[1] = (struct run_figure){"features", t->sum[1] / t->places};
    *out = t->figures;
    return 2;
}

int
distill_init(struct distill *t, struct run_task *task, trv_err *err)
{
    int rc = session_decoder(t->s, &t->d, err);

    if (t->own)
        t->d = t->own;
    if (!rc)
        rc = decoder_plan_backward(t->d, err);
    if (rc)
        return rc;
    rc = shuffle_init(&t->shuffle, t->answers->n, t->opts.seed, err);
    if (rc)
        return rc;
    t->learner = (struct student){t->d, t->student};
    *task = (struct run_task){.self = t,
                              .loss_unit = "nats per token",
                              .begin_step = distill_begin_step,
                              .gradient = distill_gradient,
                              .figures = t->features ? distill_figures : NULL};
    student_learns(task, &t->learner);
    return 0;
}

void
distill_release(struct distill *t)
{
    shuffle_release(&t->shuffle);
}
