/* examples.c -- the answers of base, source and target to the same inputs. */
#include "measure/examples.h"

#include <string.h>

#include "base/strbuf.h"
#include "base/streams.h"

void
examples_release(trv_measurement *m)
{
    for (int32_t i = 0; m->examples && i < m->n_examples; i++) {
        mem_free(m->examples[i].input);
        mem_free(m->examples[i].base);
        mem_free(m->examples[i].source);
        mem_free(m->examples[i].target);
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

/* The text of ids, with no zero byte inside. */
static int
answer_text(char **out, const struct tokenizer *t, const struct sample_out *o,
            trv_err *err)
{
    struct strbuf b = {0}, clean = {0};
    int rc = tokenizer_decode(t, &b, o->ids, o->n, true, err);
    int bad = 0;

    for (size_t i = 0; i < b.len && !rc && !bad; i++)
        bad =
            b.s[i] ? sb_putc(&clean, b.s[i]) : sb_puts(&clean, "\357\277\275");
    if (!rc && !bad)
        bad = sb_puts(&clean, "");
    *out = rc || bad ? NULL : sb_take(&clean);
    if (!rc && !*out)
        rc = err_fail(err, TRV_ENOMEM, "no memory for an example");
    sb_release(&b);
    sb_release(&clean);
    return rc;
}

int
examples_draw(trv_measurement *out, int side, struct session *s,
              const struct context *const *contexts,
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
    int rc = 0;

    if (!rows || !outs) {
        rc = err_fail(err, TRV_ENOMEM, "no memory for %lld examples",
                      (long long)n);
        goto done;
    }
    so.sampling.vocab = tokenizer_size(s->model->tokenizer);
    for (int64_t i = 0; i < n; i++)
        rows[i] =
            (struct sampled_row){contexts[i], STREAM_EXAMPLES + (uint64_t)i};
    arena_reset(&s->arena);
    rc = engine_sample_contexts(&s->arena, outs, rows, n, &so, err);
    for (int64_t i = 0; i < n && !rc; i++) {
        trv_example *e = &out->examples[i];

        rc = answer_text(side == 0   ? &e->base
                         : side == 1 ? &e->source
                                     : &e->target,
                         s->model->tokenizer, &outs[i], err);
    }
done:
    for (int64_t i = 0; outs && i < n; i++)
        mem_free(outs[i].ids);
    mem_free(rows);
    mem_free(outs);
    return rc;
}
