/* distill.c -- gradients of distillation, one micro-batch at a time. */
#include "transform/distill.h"

#include <math.h>
#include <string.h>

#include "model/engine.h"
#include "model/head.h"

/* Stream of the student's own answers, apart from the teacher's. */
#define STREAM_STUDENT ((uint64_t)1 << 61)

/* One row of a micro-batch from both sides. */
struct pair {
    const struct paired_context *c;
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
        return err_fail(err, TRV_ENOMEM, "no memory to sample the student");
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
            rc = err_fail(err, TRV_ENOMEM, "no memory to sample the student");
        }
    }
    for (int64_t i = 0; i < n; i++)
        mem_free(outs[i].ids);
    return rc;
}

/* Pack one side: context and answer (but its last token, which predicts
 * nothing); where[k] is the packed token that predicts answer token k. */
static int
pack_side(struct batch *b, int64_t *where, struct arena *a,
          const struct pair *pairs, int64_t n, bool teacher,
          const struct lora *lora, trv_err *err)
{
    struct row *rows = arena_alloc(a, (size_t)n * sizeof(*rows));
    const int64_t *const *at;
    int64_t k = 0;
    int rc;

    if (!rows)
        return err_fail(err, TRV_ENOMEM, "no memory for a batch");
    for (int64_t i = 0; i < n; i++) {
        const struct ids *c =
            teacher ? &pairs[i].c->teacher : &pairs[i].c->student;
        int32_t *ids =
            arena_alloc(a, (size_t)(c->n + pairs[i].n) * sizeof(*ids));

        if (!ids)
            return err_fail(err, TRV_ENOMEM, "no memory for a batch");
        memcpy(ids, c->v, (size_t)c->n * sizeof(*ids));
        memcpy(ids + c->n, pairs[i].answer, (size_t)pairs[i].n * sizeof(*ids));
        rows[i] = (struct row){ids, c->n + pairs[i].n - 1, lora};
    }
    rc = batch_pack(b, &at, a, rows, n, err);
    for (int64_t i = 0; i < n && !rc; i++) {
        const int64_t from =
            (teacher ? pairs[i].c->teacher.n : pairs[i].c->student.n) - 1;

        for (int64_t j = 0; j < pairs[i].n; j++)
            where[k++] = at[i][from + j];
    }
    return rc;
}

/* Losses of all answer tokens of the rows; gradients into the student. */
static int
learn_pairs(struct distill *t, const struct pair *pairs, int64_t n,
            uint64_t seed, double *loss, double *weight, double *tokens,
            trv_err *err)
{
    struct arena *a = &t->s->arena;
    struct batch teacher, student;
    struct mat h_teacher, h_student, dh;
    struct saved save = {.dropout_seed = seed, .training = true};
    int64_t *at_teacher, *at_student, k = 0, total = 0;
    int32_t *target;
    float *value, *ones;
    int rc;

    for (int64_t i = 0; i < n; i++)
        total += pairs[i].n;
    at_teacher = arena_alloc(a, (size_t)total * sizeof(*at_teacher));
    at_student = arena_alloc(a, (size_t)total * sizeof(*at_student));
    target = arena_alloc(a, (size_t)total * sizeof(*target));
    value = arena_f32(a, total, 1);
    ones = arena_f32(a, total, 1);
    if (!at_teacher || !at_student || !target || !value || !ones)
        return err_fail(err, TRV_ENOMEM, "no memory for a batch");
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < pairs[i].n; j++) {
            target[k] = pairs[i].answer[j];
            ones[k++] = 1.0f;
        }

    rc = pack_side(&student, at_student, a, pairs, n, false, t->student, err);
    if (!rc && !t->opts.hard) {
        rc = pack_side(&teacher, at_teacher, a, pairs, n, true,
                       view_lora(t->teacher), err);
        if (!rc)
            rc =
                decoder_forward(t->d, a, &h_teacher, &teacher, NULL, NULL, err);
        if (!rc)
            *tokens += (double)teacher.T;
    }
    if (!rc)
        rc = decoder_forward(t->d, a, &h_student, &student, NULL, &save, err);
    if (rc)
        return rc;
    *tokens += (double)student.T;
    dh = mat_new(a, DT_F32, student.T, t->d->cfg->width);
    if (!dh.data)
        return err_fail(err, TRV_ENOMEM, "no memory for a batch");
    memset(dh.data, 0, (size_t)(dh.rows * dh.cols) * sizeof(float));
    if (t->opts.hard)
        rc = head_logprobs(t->d, a, value, NULL,
                           (struct head_rows){h_student, at_student}, target,
                           total, ones, dh, err);
    else
        rc = head_divergence(t->d, a, value, NULL,
                             (struct head_rows){h_teacher, at_teacher},
                             (struct head_rows){h_student, at_student}, total,
                             t->opts.divergence, ones, dh, err);
    if (!rc)
        rc = decoder_backward(t->d, a, dh, &student, &save, err);
    for (int64_t i = 0; i < total && !rc; i++)
        *loss += t->opts.hard ? -(double)value[i] : (double)value[i];
    *weight += (double)total;
    return rc;
}

static int
distill_gradient(void *self, int64_t step, int64_t micro, double *loss,
                 double *weight, double *tokens, trv_err *err)
{
    struct distill *t = self;
    const int64_t B = t->opts.batch;
    const int64_t from = B * micro / t->opts.accumulate;
    const int64_t n = B * (micro + 1) / t->opts.accumulate - from;
    struct pair *pairs;
    int rc = 0;

    arena_reset(&t->s->arena);
    pairs = arena_alloc(&t->s->arena, (size_t)n * sizeof(*pairs));
    if (!pairs)
        return err_fail(err, TRV_ENOMEM, "no memory for a batch");
    for (int64_t i = 0; i < n; i++) {
        const int64_t at = step * B + from + i;
        const struct answer *y;

        y = &t->answers->list[shuffle_at(&t->shuffle, at)];
        pairs[i] =
            (struct pair){&t->answers->contexts[y->context], y->ids, y->n};
    }
    if (distill_is_on_policy(t, step))
        rc = draw_own(t, pairs, n, (uint64_t)(step * B + from), err);
    if (!rc)
        rc = learn_pairs(t, pairs, n,
                         t->opts.seed ^ ((uint64_t)(step * B + from) << 20),
                         loss, weight, tokens, err);
    return rc;
}

static int
distill_after_update(void *self, trv_err *err)
{
    struct distill *t = self;

    return lora_refresh(t->student, t->s->be->act_type, err);
}

static void
distill_locate(void *self, char *buf, size_t size, int64_t index)
{
    const struct distill *t = self;

    lora_locate(buf, size, t->student, t->d->cfg, index);
}

int
distill_init(struct distill *t, struct run_task *task, trv_err *err)
{
    int rc = session_decoder(t->s, &t->d, err);

    if (!rc)
        rc = decoder_plan_backward(t->d, err);
    if (rc)
        return rc;
    rc = shuffle_init(&t->shuffle, t->answers->n, t->opts.seed, err);
    if (rc)
        return rc;
    *task = (struct run_task){.self = t,
                              .w = t->student->w,
                              .g = t->student->g,
                              .n = t->student->n,
                              .gradient = distill_gradient,
                              .after_update = distill_after_update,
                              .locate = distill_locate};
    return 0;
}

void
distill_release(struct distill *t)
{
    shuffle_release(&t->shuffle);
}
