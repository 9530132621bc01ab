/* view.c -- conditioning, and inputs from a file or from the model itself. */
#include "adapt/view.h"

#include <math.h>
#include <string.h>

#include "adapt/prompt/demos.h"
#include "adapt/prompt/retrieve.h"
#include "base/streams.h"
#include "model/sample/engine.h"
#include "text/example.h"

int
view_virtual_ids(struct ids *ids, const struct adapter_weights *adapter_weights,
                 trv_err *err)
{
    const int64_t k = adapter_weights_virtual_count(adapter_weights);

    for (int64_t j = 0; j < k; j++)
        if (ids_push(ids, VIRTUAL_ID(j)))
            return err_fail(err, TRV_ENOMEM, "no memory for a context");
    return 0;
}

static int
append_context(struct ids *ids, const struct model *m,
               const struct adapter_weights *adapter_weights,
               const struct example_around *around, const struct data_row *row,
               trv_err *err)
{
    const struct text_rules rules = model_text_rules(m);
    struct example e = {0};
    int rc = view_virtual_ids(ids, adapter_weights, err);

    if (!rc)
        rc = example_context_around(&e, &rules, row, around, err);
    if (!rc && ids_append(ids, e.ids.v, e.ids.n))
        rc = err_fail(err, TRV_ENOMEM, "no memory for a context");
    example_release(&e);
    return rc;
}

/* What a prompt of text puts around a row; `made` holds what is made for it. */
static int
put_around(struct example_around *around, struct strbuf *made,
           const struct model *m, const struct adaptation *a,
           const struct data_row *row, trv_err *err)
{
    const struct text_rules rules = model_text_rules(m);
    int rc = 0;

    *around = (struct example_around){0};
    switch (a ? a->kind : KIND_BASE) {
    case KIND_TEXT:
        around->before = a->text;
        return 0;
    case KIND_MESSAGES:
        around->messages = a->messages;
        return 0;
    case KIND_DEMOS:
        return demos_view(around, a->demos, row, example_is_chat(&rules, row),
                          err);
    case KIND_RETRIEVE:
        rc = retrieve_view(made, a->retrieve, row, err);
        around->before = made->s; // NULL where nothing was found
        return rc;
    default:
        return 0;
    }
}

int
view_conditioning(struct ids *ids, const struct model *m,
                  const struct adaptation *a, const struct data_row *row,
                  trv_err *err)
{
    struct example_around around;
    struct strbuf made = {0};
    int rc = put_around(&around, &made, m, a, row, err);

    if (!rc)
        rc = append_context(ids, m, view_weights(a), &around, row, err);
    sb_release(&made);
    return rc;
}

int
view_weights_conditioning(struct ids *ids, const struct model *m,
                          const struct adapter_weights *adapter_weights,
                          const struct data_row *row, trv_err *err)
{
    return append_context(ids, m, adapter_weights, &(struct example_around){0},
                          row, err);
}

const struct adapter_weights *
view_weights(const struct adaptation *a)
{
    const enum kind kind = a ? a->kind : KIND_BASE;

    return kind == KIND_LORA || kind == KIND_ADAPTER || kind == KIND_SOFT ||
                   kind == KIND_PREFIX
               ? &a->adapter_weights
               : NULL;
}

int
view_ready(struct adaptation *a, struct backend *be, trv_err *err)
{
    int rc = a ? adapter_weights_refresh(&a->adapter_weights, be, err) : 0;

    if (a && a->full)
        a->full->be = be;
    for (int64_t i = 0; a && i < a->n_mix && !rc; i++)
        rc = view_ready(a->mix[i].a, be, err);
    return rc;
}

/* --- all that acts --- */

/* How many parts `a` has beside the base, and the base's own weight. */
static int64_t
count_parts(double *base, const struct adaptation *a, double weight)
{
    int64_t n = 0;

    if (!a || a->kind == KIND_BASE) {
        *base += weight;
        return 0;
    }
    if (a->kind != KIND_MIX)
        return 1;
    *base += weight;
    for (int64_t i = 0; i < a->n_mix; i++) {
        n += count_parts(base, a->mix[i].a, weight * a->mix[i].weight);
        *base -= weight * a->mix[i].weight;
    }
    return n;
}

/* Nothing before an answer: it stands behind BOS, or EOS where the model has
 * none, as lm-evaluation-harness lays it out. */
static int
begin_empty(struct ids *ids, const struct model *m, const struct data_row *row,
            trv_err *err)
{
    int32_t first = tokenizer_bos(m->tokenizer);

    if (first < 0)
        first = tokenizer_eos(m->tokenizer);
    if (first < 0)
        return data_row_fail(row, err, TRV_EINVAL,
                             "the input is empty and the tokenizer has no "
                             "token that begins a text");
    return ids_push(ids, first) ? err_nomem(err, "for an input") : 0;
}

static int
add_part(struct context *c, struct session *s, struct adaptation *a,
         double weight, const struct data_row *row, trv_err *err)
{
    struct component *part = &c->parts[c->n];
    struct ids *ids = &c->store[c->n++]; // released with the rest from here
    const struct model *home = s->model;
    int rc;

    /* Another model may have its own chat template. */
    if (a && a->full && a->full->model->chat)
        home = a->full->model;

    *part = (struct component){.adapter_weights = view_weights(a),
                               .weight = weight};
    rc = session_decoder(a && a->full ? a->full : s, &part->d, err);
    if (!rc)
        rc = view_conditioning(ids, home, a, row, err);
    if (!rc && ids->n < 1)
        rc = begin_empty(ids, home, row, err);
    part->ids = ids->v;
    part->n_ids = ids->n;
    return rc;
}

static int
add_adaptation(struct context *c, struct session *s, struct adaptation *a,
               double weight, const struct data_row *row, trv_err *err)
{
    int rc = 0;

    if (!a || a->kind == KIND_BASE)
        return 0;
    if (a->kind != KIND_MIX)
        return add_part(c, s, a, weight, row, err);
    for (int64_t i = 0; i < a->n_mix && !rc; i++)
        rc = add_adaptation(c, s, a->mix[i].a, weight * a->mix[i].weight, row,
                            err);
    return rc;
}

int
view_open(struct context *out, struct session *s, struct adaptation *a,
          const struct data_row *row, trv_err *err)
{
    double base = 0.0;
    int64_t n = count_parts(&base, a, 1.0);
    int rc = 0;

    *out = (struct context){0};
    /* Where only rounding is left of it, as in 1 - 0.3 - 0.7, it has none. */
    n += fabs(base) > 1e-12 || n == 0;
    if (n > CONDITIONING_MAX_PARTS)
        return err_fail(err, TRV_EINVAL,
                        "a mix of %lld components: there may be %d",
                        (long long)n, CONDITIONING_MAX_PARTS);
    out->parts = mem_calloc((size_t)n, sizeof(*out->parts));
    out->store = mem_calloc((size_t)n, sizeof(*out->store));
    if (!out->parts || !out->store)
        rc = err_fail(err, TRV_ENOMEM, "no memory for a context");
    if (!rc && fabs(base) > 1e-12)
        rc = add_part(out, s, NULL, base, row, err);
    if (!rc)
        rc = add_adaptation(out, s, a, 1.0, row, err);
    if (rc)
        conditioning_release(out);
    return rc;
}

/* --- inputs --- */

/* What a text starts from: BOS, else EOS; for a chat the template up to where
 * the user's words begin. */
static int
sampling_start(struct ids *ids, const struct session *s, bool chat,
               trv_err *err)
{
    static const char mark[] = "@@user@@";
    const struct text_rules rules = model_text_rules(s->model);
    struct strbuf text = {0};
    json_t *messages;
    char *at;
    int32_t first = tokenizer_bos(rules.tokenizer);
    int rc;

    if (!chat) {
        if (first < 0)
            first = tokenizer_eos(rules.tokenizer);
        if (first < 0)
            return err_fail(err, TRV_EINVAL,
                            "inputs cannot be sampled: the tokenizer has no "
                            "token that begins a text; give a file of inputs");
        return ids_push(ids, first)
                   ? err_fail(err, TRV_ENOMEM, "no memory for an input")
                   : 0;
    }
    messages = json_pack("[{s:s,s:s}]", "role", "user", "content", mark);
    if (!messages)
        return err_fail(err, TRV_ENOMEM, "no memory for an input");
    rc = chat_render(rules.chat, &text, messages,
                     &(struct chat_options){
                         .bos_token = tokenizer_token(rules.tokenizer, first),
                         .eos_token = tokenizer_token(
                             rules.tokenizer, tokenizer_eos(rules.tokenizer))},
                     err);
    at = !rc && text.s ? strstr(text.s, mark) : NULL;
    if (!rc && !at)
        rc = err_fail(err, TRV_EINVAL,
                      "inputs cannot be sampled: the chat template does not "
                      "show the user's words; give a file of inputs");
    if (!rc)
        rc = tokenizer_encode(rules.tokenizer, ids, text.s,
                              (size_t)(at - text.s), false, err);
    json_decref(messages);
    sb_release(&text);
    return rc;
}

static bool
on_sampled(void *payload, int64_t done, int64_t tokens)
{
    const struct inputs_options *opts = payload;

    return !opts->progress ||
           opts->progress(opts->payload, done, (double)tokens);
}

/* Streams of the random numbers of each use, apart from those of answers. */
static uint64_t
first_stream(enum inputs_use use)
{
    return STREAM_INPUTS + ((uint64_t)use << 40);
}

/* Sampled ids become the words of a row; nothing but special tokens or blanks
 * is no input, and one word stands in, so that rows keep their number. */
static int
sampled_row(struct data_row *row, const struct session *s,
            const struct sample_out *o, int64_t line, bool text_alone,
            trv_err *err)
{
    struct strbuf text = {0};
    json_t *json;
    int rc =
        tokenizer_decode(s->model->tokenizer, &text, o->ids, o->n, true, err);

    if (!rc && (!text.s || strspn(text.s, " \t\r\n") == text.len)) {
        sb_reset(&text);
        rc = sb_puts(&text, "The")
                 ? err_fail(err, TRV_ENOMEM, "no memory for an input")
                 : 0;
    }
    row->line = line;
    if (!rc) {
        json = json_pack("{s:s%}", text_alone ? "text" : "prompt", text.s,
                         text.len);
        rc = json ? data_row_set(row, json, err)
                  : err_nomem(err, "for an input");
    }
    sb_release(&text);
    return rc;
}

static int
sample_inputs(struct inputs *out, struct session *s,
              const struct inputs_options *opts, trv_err *err)
{
    const int64_t want = opts->want;
    const uint64_t stream = first_stream(opts->use);
    const bool chat = !opts->text && model_is_chat(s->model);
    struct inputs_options state = *opts;
    struct sample_options so = {.sampling = SAMPLING_INIT,
                                .max_tokens = 16,
                                .seed = opts->seed,
                                .memo = s->memo,
                                .on_progress = on_sampled,
                                .payload = &state};
    struct sample_row *rows = mem_calloc((size_t)want, sizeof(*rows));
    struct sample_out *outs = mem_calloc((size_t)want, sizeof(*outs));
    struct ids start = {0};
    struct decoder *d;
    struct hash *h = NULL;
    struct rng lengths;
    int rc;

    out->data.path = mem_strdup("(sampled)");
    out->data.rows = mem_calloc((size_t)want, sizeof(*out->data.rows));
    if (!rows || !outs || !out->data.path || !out->data.rows) {
        rc = err_fail(err, TRV_ENOMEM, "no memory for %lld inputs",
                      (long long)want);
        goto done;
    }
    rc = sampling_start(&start, s, chat, err);
    if (!rc)
        rc = session_decoder(s, &d, err);
    if (rc)
        goto done;
    so.sampling.vocab = tokenizer_size(s->model->tokenizer);
    for (int64_t i = 0; i < want; i++)
        rows[i] =
            (struct sample_row){start.v, start.n, NULL, stream + (uint64_t)i};
    arena_reset(&s->arena);
    rc = engine_sample(d, &s->arena, outs, rows, want, &so, err);
    if (!rc)
        rc = hash_open(&h, err);
    if (rc)
        goto done;
    rng_init(&lengths, opts->seed, stream + ((uint64_t)1 << 39));
    for (int64_t i = 0; i < want && !rc; i++) {
        const int64_t cut = 4 + rng_below(&lengths, 13);

        if (!chat && outs[i].n > cut)
            outs[i].n = cut;
        hash_add(h, outs[i].ids, (size_t)outs[i].n * sizeof(int32_t));
        out->data.n = i + 1;
        rc = sampled_row(&out->data.rows[i], s, &outs[i], i + 1, opts->text,
                         err);
    }
    hash_close(h, out->data.hash);
done:
    for (int64_t i = 0; outs && i < want; i++)
        mem_free(outs[i].ids);
    mem_free(outs);
    mem_free(rows);
    ids_release(&start);
    return rc;
}

/* A line of plain text is an input: what a user says. */
static int
lines_to_prompts(struct data *data, trv_err *err)
{
    for (int64_t i = 0; i < data->n; i++) {
        struct data_row *row = &data->rows[i];
        json_t *text = json_object_get(row->json, "text");

        if (json_object_set(row->json, "prompt", text))
            return err_nomem(err, "for an input");
        row->prompt = text;
    }
    return 0;
}

int
inputs_open(struct inputs *out, struct session *s,
            const struct inputs_options *opts, trv_err *err)
{
    const size_t n_path = opts->path ? strlen(opts->path) : 0;
    int rc = 0;

    *out = (struct inputs){0};
    if (!s->model->tokenizer)
        return err_fail(err, TRV_EFORMAT, "'%s' has no tokenizer",
                        s->model->path);
    if (opts->path)
        rc = data_open(&out->data, opts->path, err);
    else
        rc = sample_inputs(out, s, opts, err);
    if (!rc && n_path > 4 && strcmp(opts->path + n_path - 4, ".txt") == 0)
        rc = lines_to_prompts(&out->data, err);
    if (rc)
        inputs_release(out);
    return rc;
}

void
view_layout(struct row_layout *out, const struct model *m,
            const struct inputs *in, bool prompt)
{
    const struct text_rules rules = model_text_rules(m);

    row_layout_of(out, &rules, in->data.rows, in->data.n, prompt);
}

void
inputs_release(struct inputs *in)
{
    data_release(&in->data);
    *in = (struct inputs){0};
}
