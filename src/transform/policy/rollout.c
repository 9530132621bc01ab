/* rollout.c -- batches of the student's own answers. */
#include "transform/policy/rollout.h"

#include <string.h>

#include "base/streams.h"
#include "model/sample/engine.h"

int
rollout_init(struct rollout *r, trv_err *err)
{
    const size_t n = (size_t)r->opts.n;
    const size_t most = (size_t)r->opts.max_tokens;
    int rc = session_decoder(r->s, &r->d, err);

    r->batch = -1;
    if (r->own)
        r->d = r->own;
    if (!rc)
        rc = shuffle_init(&r->shuffle, r->contexts->n_contexts, r->opts.seed,
                          err);
    if (rc)
        return rc;
    r->context = mem_calloc(n, sizeof(*r->context));
    r->first = mem_calloc(n + 1, sizeof(*r->first));
    r->ids = mem_calloc(n, most * sizeof(*r->ids));
    r->old = mem_calloc(n, most * sizeof(*r->old));
    r->ref = mem_calloc(n, most * sizeof(*r->ref));
    r->reward = mem_calloc(n, sizeof(*r->reward));
    if (!r->context || !r->first || !r->ids || !r->old || !r->ref || !r->reward)
        return err_nomem(err, "for a batch of answers");
    return 0;
}

void
rollout_release(struct rollout *r)
{
    shuffle_release(&r->shuffle);
    mem_free(r->context);
    mem_free(r->first);
    mem_free(r->ids);
    mem_free(r->old);
    mem_free(r->ref);
    mem_free(r->reward);
    r->context = r->first = NULL;
    r->ids = NULL;
    r->old = r->ref = NULL;
    r->reward = NULL;
}

/* ---- drawing ----------------------------------------------------------- */

static int
draw_answers(struct rollout *r, int64_t b, trv_err *err)
{
    struct arena *a = &r->s->arena;
    const int64_t n = r->opts.n;
    struct sample_row *rows;
    struct sample_out *outs;
    struct sample_options so = {.sampling = SAMPLING_INIT,
                                .max_tokens = r->opts.max_tokens,
                                .seed = r->opts.seed,
                                .want_logps = true};
    int rc;

    arena_reset(a);
    rows = arena_alloc(a, (size_t)n * sizeof(*rows));
    outs = arena_alloc(a, (size_t)n * sizeof(*outs));
    if (!rows || !outs)
        return err_nomem(err, "for a batch of answers");
    so.sampling.temperature = r->opts.temperature;
    so.sampling.vocab = tokenizer_size(r->s->model->tokenizer);
    for (int64_t i = 0; i < n; i++) {
        const int64_t group = (b * n + i) / r->opts.K;
        const struct ids *x;

        r->context[i] = shuffle_at(&r->shuffle, group);
        x = &r->contexts->contexts[r->context[i]].student;
        rows[i] = (struct sample_row){x->v, x->n, r->student,
                                      STREAM_ROLLOUT + (uint64_t)(b * n + i)};
    }
    rc = engine_sample(r->d, a, outs, rows, n, &so, err);
    for (int64_t i = 0; i < n && !rc; i++) {
        const int64_t at = r->first[i];

        memcpy(r->ids + at, outs[i].ids, (size_t)outs[i].n * sizeof(*r->ids));
        memcpy(r->old + at, outs[i].logps, (size_t)outs[i].n * sizeof(*r->old));
        r->first[i + 1] = at + outs[i].n;
    }
    for (int64_t i = 0; i < n; i++) {
        mem_free(outs[i].ids);
        mem_free(outs[i].logps);
    }
    return rc;
}

static int
score_reference(struct rollout *r, trv_err *err)
{
    struct arena *a = &r->s->arena;
    const int64_t n = r->opts.n;
    struct answered *rows;
    float **to;

    arena_reset(a);
    rows = arena_alloc(a, (size_t)n * sizeof(*rows));
    to = arena_alloc(a, (size_t)n * sizeof(*to));
    if (!rows || !to)
        return err_nomem(err, "for a batch of answers");
    for (int64_t i = 0; i < n; i++) {
        rows[i] = (struct answered){
            &r->contexts->contexts[r->context[i]].teacher, r->ids + r->first[i],
            r->first[i + 1] - r->first[i]};
        to[i] = r->ref + r->first[i];
    }
    return engine_score_contexts(a, to, rows, n, err);
}

static int
judge(struct rollout *r, trv_err *err)
{
    const int64_t n = r->opts.n;
    struct completion *list = mem_calloc((size_t)n, sizeof(*list));
    int rc;

    if (!list)
        return err_nomem(err, "for a batch of answers");
    for (int64_t i = 0; i < n; i++) {
        const int64_t input = r->contexts->contexts[r->context[i]].input;

        list[i] =
            (struct completion){&r->in->data.rows[input], r->ids + r->first[i],
                                r->first[i + 1] - r->first[i]};
    }
    rc = r->judge.score(r->judge.payload, r->reward, list, n, err);
    mem_free(list);
    return rc;
}

int
rollout_draw(struct rollout *r, int64_t b, double *tokens, trv_err *err)
{
    const struct decoder *base = r->own ? r->s->decoder : NULL;
    const double before = r->d->tokens + (base ? base->tokens : 0.0);
    int rc;

    if (r->batch == b)
        return 0;
    r->batch = -1;
    rc = draw_answers(r, b, err);
    if (!rc)
        rc = score_reference(r, err);
    if (!rc)
        rc = judge(r, err);
    if (!rc)
        r->batch = b;
    *tokens += r->d->tokens + (base ? base->tokens : 0.0) - before;
    return rc;
}

void
rollout_rows(struct answer_row *rows, const struct rollout *r, int64_t from,
             int64_t n)
{
    for (int64_t i = from; i < from + n; i++)
        rows[i - from] = answer_row_of(
            &r->contexts->contexts[r->context[i]].student, r->ids + r->first[i],
            r->first[i + 1] - r->first[i], r->student);
}

/* ---- checkpoints ------------------------------------------------------- */

/* Answer i: {"context":, "reward":, "tokens": [[id, old, ref], ...]} */
static json_t *
save_answer(const struct rollout *r, int64_t i)
{
    json_t *tokens = json_array();
    int bad = !tokens;

    for (int64_t k = r->first[i]; k < r->first[i + 1] && !bad; k++)
        bad = json_array_append_new(tokens, json_pack("[i,f,f]", r->ids[k],
                                                      (double)r->old[k],
                                                      (double)r->ref[k]));
    if (bad) {
        json_decref(tokens);
        return NULL;
    }
    return json_pack("{s:I,s:f,s:o}", "context", (json_int_t)r->context[i],
                     "reward", r->reward[i], "tokens", tokens);
}

int
rollout_save(json_t *obj, const struct rollout *r, trv_err *err)
{
    json_t *answers = json_array();
    int bad = !answers;

    for (int64_t i = 0; i < r->opts.n && r->batch >= 0 && !bad; i++)
        bad = json_array_append_new(answers, save_answer(r, i));
    if (bad)
        json_decref(answers);
    if (bad || json_object_set_new(obj, "rollout",
                                   json_pack("{s:I,s:o}", "batch",
                                             (json_int_t)r->batch, "answers",
                                             answers)))
        return err_nomem(err, "for a checkpoint");
    return 0;
}

static int
load_answer(struct rollout *r, int64_t i, const json_t *obj)
{
    const json_t *tokens = json_object_get(obj, "tokens");
    const json_t *reward = json_object_get(obj, "reward");
    const json_t *context = json_object_get(obj, "context");
    const int64_t n = (int64_t)json_array_size(tokens);

    r->context[i] = json_integer_value(context);
    r->reward[i] = json_real_value(reward);
    r->first[i + 1] = r->first[i] + n;
    if (!json_is_integer(context) || !json_is_real(reward) ||
        r->context[i] < 0 || r->context[i] >= r->contexts->n_contexts ||
        n < 1 || n > r->opts.max_tokens)
        return TRV_EFORMAT;
    for (int64_t k = 0; k < n; k++) {
        const json_t *t = json_array_get(tokens, (size_t)k);
        const json_t *id = json_array_get(t, 0);
        const int64_t at = r->first[i] + k;

        if (!json_is_integer(id) || json_integer_value(id) < 0 ||
            json_integer_value(id) >= r->s->model->cfg.vocab ||
            !json_is_real(json_array_get(t, 1)) ||
            !json_is_real(json_array_get(t, 2)))
            return TRV_EFORMAT;
        r->ids[at] = (int32_t)json_integer_value(id);
        r->old[at] = (float)json_real_value(json_array_get(t, 1));
        r->ref[at] = (float)json_real_value(json_array_get(t, 2));
    }
    return 0;
}

int
rollout_load(struct rollout *r, const json_t *obj, trv_err *err)
{
    const json_t *held = json_object_get(obj, "rollout");
    const json_t *batch = json_object_get(held, "batch");
    const json_t *answers = json_object_get(held, "answers");
    int bad = !json_is_integer(batch);

    r->batch = -1;
    if (!bad && json_integer_value(batch) < 0)
        return 0;
    bad |= json_array_size(answers) != (size_t)r->opts.n;
    for (int64_t i = 0; i < r->opts.n && !bad; i++)
        bad = load_answer(r, i, json_array_get(answers, (size_t)i));
    if (bad)
        return err_fail(err, TRV_EFORMAT,
                        "a checkpoint's batch of answers is broken");
    r->batch = json_integer_value(batch);
    return 0;
}
