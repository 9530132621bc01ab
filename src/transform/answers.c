/* answers.c -- contexts from both sides, answers from the teacher. */
#include "transform/answers.h"

#include <errno.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "model/sample/engine.h"
#include "base/seal.h"
#include "base/streams.h"

/* Answers drawn between two writes; also the batch, so that what a row is
 * drawn beside never depends on where a run was stopped. */
#define BLOCK 64

int
answers_contexts(struct answers *out, struct session *s,
                 struct adaptation *teacher,
                 const struct adapter_weights *student, const struct inputs *in,
                 int64_t room, trv_err *err)
{
    const int64_t most = s->model->cfg.context - room;
    int64_t shortest = INT64_MAX, shortest_taught = 0; // for the message
    int rc = 0;

    *out = (struct answers){0};
    if (most < 1)
        return err_option(err, TRV_ETOOLONG, "max-tokens",
                          "is %lld, which does not fit the context of %lld",
                          (long long)room, (long long)s->model->cfg.context);
    out->contexts = mem_calloc((size_t)in->data.n, sizeof(struct paired_row));
    if (!out->contexts)
        return err_fail(err, TRV_ENOMEM, "no memory for %lld inputs",
                        (long long)in->data.n);
    for (int64_t i = 0; i < in->data.n && !rc; i++) {
        struct paired_row *c = &out->contexts[out->n_contexts];

        c->input = i;
        rc = view_open(&c->teacher, s, teacher, &in->data.rows[i], err);
        if (!rc)
            rc = view_weights_conditioning(&c->student, s->model, student,
                                           &in->data.rows[i], err);
        if (!rc && c->student.n <= adapter_weights_virtual_count(student))
            rc = data_row_fail(&in->data.rows[i], err, TRV_EINVAL,
                               "the input is empty and the tokenizer has no "
                               "token that begins a text");
        if (!rc && conditioning_length(&c->teacher) + c->student.n < shortest) {
            shortest = conditioning_length(&c->teacher) + c->student.n;
            shortest_taught = conditioning_length(&c->teacher);
        }
        if (!rc && conditioning_left(&c->teacher) >= room &&
            c->student.n <= most) {
            out->n_contexts++;
        } else {
            conditioning_release(&c->teacher);
            ids_release(&c->student);
            out->n_dropped++;
        }
    }
    if (rc)
        return rc;
    if (out->n_contexts == 0)
        return err_fail(err, TRV_ETOOLONG,
                        "no input of '%s' leaves room for %lld answer tokens "
                        "in the context of %lld: the shortest takes %lld "
                        "tokens under the source and %lld under what is made",
                        in->data.path, (long long)room,
                        (long long)s->model->cfg.context,
                        (long long)shortest_taught,
                        (long long)(shortest - shortest_taught));
    return 0;
}

/* What an answer that was kept may hold. */
struct answer_bounds {
    int64_t samples, tokens, vocab, group;
};

/* The context that answer i is drawn for. */
static int64_t
context_of(const struct answers *a, int64_t i, int64_t group)
{
    return i / (group > 0 ? group : 1) % a->n_contexts;
}

/* Answer i stands behind the sums of the blocks before it. */
static int
broken_line(const char *file, int64_t i, trv_err *err)
{
    return err_fail(err, TRV_EFORMAT,
                    "'%s' line %lld is no answer of this run: start it anew",
                    file, (long long)(i + i / BLOCK + 1));
}

/* The answer that `obj` holds, which must be the next one. */
static int
take_line(struct answers *out, const json_t *obj, const char *file,
          const struct answer_bounds *bounds, trv_err *err)
{
    const json_t *input = json_object_get(obj, "input");
    const json_t *ids = json_object_get(obj, "ids");
    const size_t n = json_array_size(ids);
    struct answer *a = &out->list[out->n];

    a->context = context_of(out, out->n, bounds->group);
    if (!json_is_integer(input) || json_integer_value(input) != a->context ||
        n < 1 || n > (size_t)bounds->tokens)
        return broken_line(file, out->n, err);
    for (size_t i = 0; i < n; i++) {
        const json_t *id = json_array_get(ids, i);

        if (!json_is_integer(id) || json_integer_value(id) < 0 ||
            json_integer_value(id) >= bounds->vocab)
            return broken_line(file, out->n, err);
    }
    a->ids = mem_array(n, sizeof(*a->ids));
    if (!a->ids)
        return err_fail(err, TRV_ENOMEM, "no memory to read '%s'", file);
    for (size_t i = 0; i < n; i++)
        a->ids[i] = (int32_t)json_integer_value(json_array_get(ids, i));
    a->n = (int64_t)n;
    out->tokens += a->n;
    out->n++;
    return 0;
}

/* Read back whole blocks. */
static int
read_kept(struct answers *out, const char *file,
          const struct answer_bounds *bounds, trv_err *err)
{
    struct strbuf text = {0};
    size_t at = 0;
    int rc;

    if (!file_exists(file))
        return 0;
    rc = journal_read(&text, file, (size_t)1 << 34, err);
    while (!rc && at < text.len) {
        const char *line = text.s + at;
        const char *end = memchr(line, '\n', text.len - at);
        json_t *obj = NULL;

        if (!end || out->n == bounds->samples) {
            rc = broken_line(file, out->n, err);
            break;
        }
        rc = json_parse(&obj, file, line, (size_t)(end - line), err);
        rc = rc == TRV_EFORMAT ? broken_line(file, out->n, err)
             : rc              ? rc
                               : take_line(out, obj, file, bounds, err);
        json_decref(obj);
        at += (size_t)(end - line) + 1;
    }
    if (!rc && out->n % BLOCK != 0 && out->n != bounds->samples)
        rc = broken_line(file, out->n, err);
    sb_release(&text);
    return rc;
}

static int
append_block(const char *file, const struct answer *list, int64_t n,
             trv_err *err)
{
    struct strbuf b = {0};
    int rc, bad = 0;

    if (!file)
        return 0;
    for (int64_t i = 0; i < n; i++) {
        bad |= sb_printf(&b, "{\"input\": %lld, \"ids\": [",
                         (long long)list[i].context);
        for (int64_t k = 0; k < list[i].n; k++)
            bad |= sb_printf(&b, "%s%d", k ? ", " : "", list[i].ids[k]);
        bad |= sb_puts(&b, "]}\n");
    }
    if (bad) {
        sb_release(&b);
        return err_fail(err, TRV_ENOMEM, "no memory to write '%s'", file);
    }
    rc = journal_append(file, b.s, b.len, err);
    sb_release(&b);
    return rc;
}

struct draw_state {
    const struct answers_options *opts;
    int64_t done;
    double began, tokens;
};

static bool
on_drawn(void *payload, int64_t rows_done, int64_t tokens)
{
    const struct draw_state *st = payload;
    const trv_progress p = {.stage = "sampling",
                            .done = st->done + rows_done,
                            .total = st->opts->samples,
                            .unit = "answers",
                            .tokens = st->tokens + (double)tokens,
                            .loss = (double)NAN,
                            .seconds = clock_now() - st->began};

    return !st->opts->progress || st->opts->progress(&p, st->opts->payload);
}

static int
draw_block(struct answers *out, struct session *s, struct draw_state *st,
           trv_err *err)
{
    const struct answers_options *opts = st->opts;
    struct sampled_row rows[BLOCK];
    struct sample_out outs[BLOCK];
    const int64_t from = out->n;
    const int64_t n =
        opts->samples - from < BLOCK ? opts->samples - from : BLOCK;
    struct sample_options so = {.sampling = SAMPLING_INIT,
                                .max_tokens = opts->max_tokens,
                                .batch = BLOCK,
                                .seed = opts->seed,
                                .on_progress = on_drawn,
                                .payload = st};
    int rc;

    so.memo = opts->of ? s->draws : NULL;
    so.of = opts->of;
    so.sampling.temperature = opts->temperature;
    so.sampling.vocab = tokenizer_size(s->model->tokenizer);
    for (int64_t i = 0; i < n; i++)
        rows[i] = (struct sampled_row){
            &out->contexts[context_of(out, from + i, opts->group)].teacher,
            STREAM_ANSWERS + (uint64_t)(from + i)};
    arena_reset(&s->arena);
    rc = engine_sample_contexts(&s->arena, outs, rows, n, &so, err);
    if (rc)
        return rc;
    for (int64_t i = 0; i < n; i++) {
        out->list[from + i] = (struct answer){
            context_of(out, from + i, opts->group), outs[i].ids, outs[i].n};
        out->tokens += outs[i].n;
        st->tokens += (double)outs[i].n;
    }
    out->n += n; // from here on they are released with `out`
    st->done = out->n;
    return append_block(opts->file, out->list + from, n, err);
}

int
answers_draw(struct answers *out, struct session *s,
             const struct answers_options *opts, trv_err *err)
{
    struct draw_state st = {.opts = opts, .began = clock_now()};
    int rc = 0;

    out->list = mem_calloc((size_t)opts->samples, sizeof(*out->list));
    if (!out->list)
        return err_fail(err, TRV_ENOMEM, "no memory for %lld answers",
                        (long long)opts->samples);
    if (opts->file && opts->resume)
        rc =
            read_kept(out, opts->file,
                      &(struct answer_bounds){opts->samples, opts->max_tokens,
                                              s->model->cfg.vocab, opts->group},
                      err);
    else if (opts->file && file_exists(opts->file) && unlink(opts->file) != 0)
        rc = err_fail(err, TRV_EIO, "cannot replace '%s': %s", opts->file,
                      strerror(errno));
    st.done = out->n;
    while (out->n < opts->samples && !rc)
        rc = draw_block(out, s, &st, err);
    return rc;
}

void
answers_release(struct answers *a)
{
    for (int64_t i = 0; a->contexts && i < a->n_contexts; i++) {
        conditioning_release(&a->contexts[i].teacher);
        ids_release(&a->contexts[i].student);
    }
    for (int64_t i = 0; i < a->n; i++)
        mem_free(a->list[i].ids);
    mem_free(a->contexts);
    mem_free(a->list);
    *a = (struct answers){0};
}
