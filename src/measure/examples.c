/* examples.c -- the answers of base, source and target to the same inputs. */
#include "measure/examples.h"

#include <string.h>

#include "base/strbuf.h"
#include "base/streams.h"
#include "measure/answers_drawn.h"

void
examples_release(trv_measurement *m)
{
    for (int32_t i = 0; m->examples && i < m->n_examples; i++) {
        trv_example *e = &m->examples[i];

        mem_free(e->input);
        mem_free(e->base);
        mem_free(e->source);
        mem_free(e->target);
        mem_free(e->base_tokens.ends);
        mem_free(e->source_tokens.ends);
        mem_free(e->target_tokens.ends);
    }
    mem_free(m->examples);
    m->examples = NULL;
    m->n_examples = 0;
}

static const char *
field(const json_t *message, const char *key)
{
    const char *s = json_string_value(json_object_get(message, key));

    return s ? s : "";
}

int
examples_input(trv_example *out, const struct data_row *row, trv_err *err)
{
    const json_t *turns = row->prompt ? row->prompt : row->messages;
    const char *text = row->prompt ? json_string_value(row->prompt) : row->text;
    size_t n = json_array_size(turns);
    struct strbuf b = {0};
    int bad = 0;

    if (!row->prompt && n > 1 &&
        !strcmp(field(json_array_get(turns, n - 1), "role"), "assistant"))
        n--; // the answer that the row has
    for (size_t i = 0; i < n && !bad; i++) {
        const json_t *m = json_array_get(turns, i);

        if (n > 1)
            bad = sb_printf(&b, "%s%s: ", i ? "\n" : "", field(m, "role"));
        if (!bad)
            bad = sb_puts(&b, field(m, "content"));
    }
    if (!bad && n == 0)
        bad = sb_puts(&b, text ? text : "");
    out->input = bad ? NULL : sb_take(&b);
    sb_release(&b);
    return out->input ? 0
                      : err_fail(err, TRV_ENOMEM, "no memory for an example");
}

/* Append, with no zero byte inside. */
static int
add_clean(struct strbuf *out, const struct strbuf *piece)
{
    int bad = 0;

    for (size_t i = 0; i < piece->len && !bad; i++)
        bad = piece->s[i] ? sb_putc(out, piece->s[i])
                          : sb_puts(out, "\357\277\275");
    return bad;
}

/* The text of ids, and where in it each ends. */
static int
answer_text(char **out, int64_t **ends, int64_t *n_ends,
            const struct tokenizer *t, const struct sample_out *o, trv_err *err)
{
    struct token_stream stream = {.skip_special = true};
    struct strbuf text = {0}, piece = {0};
    int64_t *at = mem_calloc((size_t)o->n + 1, sizeof(*at));
    int rc = 0, bad = at ? sb_puts(&text, "") : -1;

    for (int64_t i = 0; i <= o->n && !rc && !bad; i++) {
        piece.len = 0;
        rc = i < o->n ? token_stream_feed(t, &stream, o->ids[i], &piece, err)
                      : token_stream_finish(t, &stream, &piece, err);
        if (!rc)
            bad = add_clean(&text, &piece);
        if (i < o->n || (i > 0 && at)) // what is left is the last token's
            at[i < o->n ? i : i - 1] = (int64_t)text.len;
    }
    *out = rc || bad ? NULL : sb_take(&text);
    if (!rc && !*out)
        rc = err_fail(err, TRV_ENOMEM, "no memory for an example");
    if (rc) {
        mem_free(at);
        at = NULL;
    }
    *ends = at;
    *n_ends = at ? o->n : 0;
    token_stream_release(&stream);
    sb_release(&text);
    sb_release(&piece);
    return rc;
}

/* What one side said. */
static int
keep_answer(trv_example *e, int side, const struct tokenizer *t,
            const struct sample_out *o, trv_err *err)
{
    if (side == 0)
        return answer_text(&e->base, &e->base_tokens.ends, &e->base_tokens.n, t,
                           o, err);
    if (side == 1)
        return answer_text(&e->source, &e->source_tokens.ends,
                           &e->source_tokens.n, t, o, err);
    return answer_text(&e->target, &e->target_tokens.ends, &e->target_tokens.n,
                       t, o, err);
}

int
examples_draw(trv_measurement *out, int side, struct session *s,
              struct adaptation *a, const struct context *const *contexts,
              const trv_measure_options *opts,
              bool (*on_progress)(void *payload, int64_t done, int64_t tokens),
              void *payload, trv_err *err)
{
    const int64_t n = out->n_examples;
    struct sampled_row *rows = mem_calloc((size_t)n, sizeof(*rows));
    struct sample_out *outs = mem_calloc((size_t)n, sizeof(*outs));
    struct sample_options so = {.sampling = SAMPLING_INIT,
                                .max_tokens = opts->max_tokens,
                                .seed = opts->seed,
                                .on_progress = on_progress,
                                .payload = payload};
    char of[HASH_HEX];
    int rc = drawn_share(&so, of, s, a, err);

    if (rc)
        goto done;
    if (!rows || !outs) {
        rc = err_fail(err, TRV_ENOMEM, "no memory for %lld examples",
                      (long long)n);
        goto done;
    }
    so.sampling.temperature = TRV_EXAMPLE_TEMPERATURE;
    so.sampling.vocab = tokenizer_size(s->model->tokenizer);
    for (int64_t i = 0; i < n; i++)
        rows[i] =
            (struct sampled_row){contexts[i], STREAM_EXAMPLES + (uint64_t)i};
    arena_reset(&s->arena);
    rc = engine_sample_contexts(&s->arena, outs, rows, n, &so, err);
    for (int64_t i = 0; i < n && !rc; i++)
        rc = keep_answer(&out->examples[i], side, s->model->tokenizer, &outs[i],
                         err);
done:
    for (int64_t i = 0; outs && i < n; i++)
        mem_free(outs[i].ids);
    mem_free(rows);
    mem_free(outs);
    return rc;
}
