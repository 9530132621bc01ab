/* sample_memo.c -- batches of answers, to JSON and back. */
#include "model/sample/sample_memo.h"

#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/memo.h"

/* Structs are added field by field: padding has no value. */
#define ADD(h, x) hash_add(h, &(x), sizeof(x))

static void
add_row(struct hash *h, const struct sampled_row *row)
{
    const struct context *c = row->context;

    ADD(h, row->stream);
    ADD(h, c->n);
    for (int64_t p = 0; p < c->n; p++) {
        const struct component *part = &c->parts[p];
        const bool adapted = part->adapter_weights != NULL;

        ADD(h, adapted);
        ADD(h, part->weight);
        ADD(h, part->n_ids);
        hash_add(h, part->ids, (size_t)part->n_ids * sizeof(*part->ids));
    }
}

static int
make_key(char key[HASH_HEX], const struct sampled_row *rows, int64_t n,
         const struct sample_options *o, trv_err *err)
{
    const struct sampling *s = &o->sampling;
    struct hash *h;
    const int rc = hash_open(&h, err);

    if (rc)
        return rc;
    ADD(h, o->seed);
    ADD(h, o->max_tokens);
    ADD(h, o->ignore_eos);
    ADD(h, o->want_logps);
    ADD(h, s->temperature);
    ADD(h, s->top_k);
    ADD(h, s->top_p);
    ADD(h, s->min_p);
    ADD(h, s->repetition_penalty);
    ADD(h, s->vocab);
    if (o->of)
        hash_add(h, o->of, strlen(o->of));
    for (int64_t i = 0; i < n; i++)
        add_row(h, &rows[i]);
    hash_close(h, key);
    return 0;
}

/* The decoder of part p, unless an earlier part has it. */
static struct decoder *
decoder_of(const struct context *c, int64_t p)
{
    for (int64_t k = 0; k < p; k++)
        if (c->parts[k].d == c->parts[p].d)
            return NULL;
    return c->parts[p].d;
}

static int
take_row(struct sample_out *out, const json_t *row,
         const struct sampled_row *of, const struct sample_options *opts)
{
    const json_t *ids = json_array_get(row, 0), *logp = json_array_get(row, 1);
    const json_t *finish = json_array_get(row, 2);
    const json_t *each = json_array_get(row, 3);
    const size_t n = json_array_size(ids);
    const int64_t vocab = of->context->parts[0].d->cfg->vocab;

    if (n < 1 || n > (size_t)opts->max_tokens || !json_is_real(logp) ||
        !json_is_integer(finish) || json_integer_value(finish) < 0 ||
        json_integer_value(finish) > FINISH_STOPPED ||
        (opts->want_logps && json_array_size(each) != n))
        return TRV_EFORMAT;
    out->n = (int64_t)n;
    out->logp = json_real_value(logp);
    out->finish = (enum finish)json_integer_value(finish);
    out->ids = mem_array(n, sizeof(*out->ids));
    out->logps = opts->want_logps ? mem_array(n, sizeof(*out->logps)) : NULL;
    if (!out->ids || (opts->want_logps && !out->logps))
        return TRV_ENOMEM;
    for (size_t i = 0; i < n; i++) {
        const json_t *id = json_array_get(ids, i);

        if (!json_is_integer(id) || json_integer_value(id) < 0 ||
            json_integer_value(id) >= vocab)
            return TRV_EFORMAT;
        out->ids[i] = (int32_t)json_integer_value(id);
        if (!out->logps)
            continue;
        if (!json_is_real(json_array_get(each, i)))
            return TRV_EFORMAT;
        out->logps[i] = (float)json_real_value(json_array_get(each, i));
    }
    return 0;
}

/* The decoders count what they processed for the batch. */
static int
take_tokens(const struct context *c, const json_t *tokens)
{
    size_t k = 0;

    for (int64_t p = 0; p < c->n; p++) {
        struct decoder *d = decoder_of(c, p);
        const json_t *x = d ? json_array_get(tokens, k++) : NULL;

        if (d && !json_is_real(x))
            return TRV_EFORMAT;
        if (d)
            d->tokens += json_real_value(x);
    }
    return json_array_size(tokens) == k ? 0 : TRV_EFORMAT;
}

static int
take_batch(struct sample_out *out, const json_t *value,
           const struct sampled_row *rows, int64_t n,
           const struct sample_options *opts, trv_err *err)
{
    const json_t *list = json_object_get(value, "rows");
    int rc = json_array_size(list) == (size_t)n ? 0 : TRV_EFORMAT;

    for (int64_t i = 0; i < n && !rc; i++)
        rc = take_row(&out[i], json_array_get(list, (size_t)i), &rows[i], opts);
    if (!rc)
        rc = take_tokens(rows[0].context, json_object_get(value, "tokens"));
    return rc == TRV_EFORMAT  ? memo_broken(opts->memo, err)
           : rc == TRV_ENOMEM ? err_nomem(err, "for a sample")
                              : 0;
}

int
sample_memo_take(bool *found, struct sample_kept *kept, struct sample_out *out,
                 const struct sampled_row *rows, int64_t n,
                 const struct sample_options *opts, trv_err *err)
{
    const struct context *c = rows[0].context;
    const json_t *value;
    int rc;

    *found = false;
    kept->began = clock_now();
    if (!opts->memo)
        return 0;
    rc = make_key(kept->key, rows, n, opts, err);
    if (rc)
        return rc;
    value = memo_find(opts->memo, kept->key);
    *found = value != NULL;
    for (int64_t p = 0; p < c->n; p++)
        kept->before[p] = c->parts[p].d->tokens;
    if (value && opts->seconds)
        *opts->seconds += json_number_value(json_object_get(value, "seconds"));
    return value ? take_batch(out, value, rows, n, opts, err) : 0;
}

/* NULL: no memory. */
static json_t *
row_to_json(const struct sample_out *o)
{
    json_t *row =
        json_pack("[o,f,i]", json_ids(o->ids, o->n), o->logp, (int)o->finish);
    json_t *each = o->logps ? json_array() : NULL;
    int bad = !row || (o->logps && !each);

    for (int64_t i = 0; i < o->n && each && !bad; i++)
        bad = json_array_append_new(each, json_real((double)o->logps[i]));
    if (each && !bad)
        bad = json_array_append(row, each);
    json_decref(each);
    if (!bad)
        return row;
    json_decref(row);
    return NULL;
}

int
sample_memo_put(const struct sample_kept *kept, const struct sample_out *out,
                const struct sampled_row *rows, int64_t n,
                const struct sample_options *opts, trv_err *err)
{
    const struct context *c = rows[0].context;
    json_t *list, *tokens, *value;
    int bad = 0;

    if (opts->seconds)
        *opts->seconds += clock_now() - kept->began;
    if (!opts->memo)
        return 0;
    list = json_array();
    tokens = json_array();
    for (int64_t i = 0; i < n && !bad; i++)
        bad = json_array_append_new(list, row_to_json(&out[i]));
    for (int64_t p = 0; p < c->n && !bad; p++)
        if (decoder_of(c, p))
            bad = json_array_append_new(
                tokens, json_real(c->parts[p].d->tokens - kept->before[p]));
    value = bad ? NULL
                : json_pack("{s:O,s:O,s:f}", "rows", list, "tokens", tokens,
                            "seconds", clock_now() - kept->began);
    json_decref(list);
    json_decref(tokens);
    return memo_add(opts->memo, kept->key, value, err);
}
