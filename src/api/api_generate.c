/* api_generate.c -- from a prompt to text as it becomes final.
 *
 * Bytes go out only when no stop string can still begin in them and when they
 * end a UTF-8 character, so what a reader sees is never taken back.
 */
#include <math.h>
#include <string.h>

#include "api/api.h"
#include "model/engine.h"

/* One sample's text. */
struct voice {
    struct token_stream stream;
    struct strbuf text; // all final bytes so far
    size_t given;       // bytes of it handed to the caller
    bool stopped;       // by a stop string or the caller
};

struct talk {
    const struct tokenizer *tokenizer;
    const trv_generate_options *opts;
    trv_text_fn on_text;
    void *payload;
    struct voice *voices;
    trv_err err; // a failure inside a callback, which sampling is stopped for
    int rc;
};

/* Cut at the earliest stop string; else hold back the longest tail that could
 * begin one. Returns how many bytes may be given. */
static size_t
find_stop(struct voice *v, const trv_generate_options *opts)
{
    size_t safe = v->text.len;

    for (int32_t i = 0; i < opts->n_stops; i++) {
        const char *stop = opts->stops[i];
        const size_t n = strlen(stop);
        char *at;

        if (n == 0 || !v->text.s)
            continue;
        at = memmem(v->text.s + v->given, v->text.len - v->given, stop, n);
        if (at) {
            v->text.len = (size_t)(at - v->text.s);
            *at = '\0';
            v->stopped = true;
            safe = v->text.len;
            continue;
        }
        for (size_t k = n - 1; k > 0; k--) // a tail that the stop begins with
            if (k <= v->text.len - v->given &&
                memcmp(v->text.s + v->text.len - k, stop, k) == 0) {
                if (v->text.len - k < safe)
                    safe = v->text.len - k;
                break;
            }
    }
    return safe < v->text.len ? safe : v->text.len;
}

static void
give(struct talk *t, int64_t row, size_t until)
{
    struct voice *v = &t->voices[row];

    if (until > v->given && t->on_text &&
        !t->on_text((int32_t)row, v->text.s + v->given, until - v->given,
                    t->payload))
        v->stopped = true;
    if (until > v->given)
        v->given = until;
}

static bool
on_token(void *payload, int64_t row, int32_t id)
{
    struct talk *t = payload;
    struct voice *v = &t->voices[row];
    const int rc =
        token_stream_feed(t->tokenizer, &v->stream, id, &v->text, &t->err);

    if (rc) {
        t->rc = rc;
        return false;
    }
    give(t, row, find_stop(v, t->opts));
    return !v->stopped;
}

static bool
go_on(void *payload, int64_t rows_done, int64_t tokens)
{
    const struct talk *t = payload;

    (void)rows_done;
    (void)tokens;
    return t->rc == 0;
}

static double
choose(double asked, double said, double otherwise)
{
    return !isnan(asked) ? asked : !isnan(said) ? said : otherwise;
}

static int
plan_sampling(struct sample_options *so, const struct model *m,
              const trv_generate_options *o, trv_err *err)
{
    struct sampling *s = &so->sampling;

    if (o->version != 1)
        return err_fail(err, TRV_EINVAL,
                        "generate options have version %u, not 1", o->version);
    if (o->max_tokens < 1)
        return err_fail(err, TRV_ERANGE, "max-tokens is %d, below 1",
                        o->max_tokens);
    if (o->samples < 1 || o->samples > 100000)
        return err_fail(err, TRV_ERANGE, "samples is %d, outside 1 to 100000",
                        o->samples);
    if (o->top_k < -1)
        return err_fail(err, TRV_ERANGE, "top-k is %d, below 0", o->top_k);
    s->temperature = choose(o->temperature, m->temperature, 1.0);
    s->top_k = o->top_k >= 0 ? o->top_k : m->top_k > 0 ? m->top_k : 0;
    s->top_p = choose(o->top_p, m->top_p, 1.0);
    s->min_p = o->min_p;
    s->repetition_penalty =
        choose(o->repetition_penalty, m->repetition_penalty, 1.0);
    s->vocab = tokenizer_size(m->tokenizer);
    so->max_tokens = o->max_tokens;
    so->seed = o->seed;
    so->ignore_eos = o->ignore_eos;
    return sampling_check(s, err);
}

/* The prompt as a row of data, seen through the adaptation. */
static int
prompt_ids(struct ids *ids, const trv_model *m, const trv_adaptation *a,
           const char *prompt, bool chat, trv_err *err)
{
    const struct adaptation *inner = a ? a->inner : NULL;
    const bool turn = chat || (inner && inner->kind == KIND_MESSAGES);
    struct data_row row = {.line = 1, .label = -1};
    int rc;

    if (turn && !m->s->model->chat)
        return err_fail(err, TRV_EINVAL,
                        "'%s' has no chat template, which a chat needs",
                        m->s->model->path);
    row.json = turn ? json_pack("{s:[{s:s,s:s}]}", "prompt", "role", "user",
                                "content", prompt)
                    : json_pack("{s:s}", "prompt", prompt);
    if (!row.json)
        return err_fail(err, TRV_EINVAL, "the prompt is not UTF-8");
    row.prompt = json_object_get(row.json, "prompt");
    rc = view_context(ids, m->s->model, inner, &row, err);
    json_decref(row.json);
    return rc;
}

/* What is left in the streams goes out, unless the text was stopped. */
static int
finish_voice(struct talk *t, int64_t row, trv_err *err)
{
    struct voice *v = &t->voices[row];
    int rc = 0;

    if (v->stopped)
        return 0;
    rc = token_stream_finish(t->tokenizer, &v->stream, &v->text, err);
    if (rc)
        return rc;
    (void)find_stop(v, t->opts); // one may have come with the last bytes
    give(t, row, v->text.len);
    return 0;
}

static int
hand_out(trv_completion *out, struct voice *v, const struct sample_out *o,
         int64_t prompt_tokens, trv_err *err)
{
    out->n = v->text.len;
    out->text = sb_take(&v->text);
    out->prompt_tokens = (int32_t)prompt_tokens;
    out->new_tokens = (int32_t)o->n;
    out->finish = o->finish == FINISH_LENGTH && !v->stopped ? "length" : "stop";
    out->logprob = o->logp;
    return out->text ? 0 : err_fail(err, TRV_ENOMEM, "no memory for the text");
}

int
trv_generate(trv_model *m, trv_completion *out, const trv_adaptation *a,
             const char *prompt, const trv_generate_options *opts,
             trv_text_fn on_text, void *payload, trv_err *err)
{
    static const trv_generate_options defaults = TRV_GENERATE_OPTIONS_INIT;
    struct session *s = m->s;
    struct sample_options so = {.sampling = SAMPLING_INIT};
    struct talk t = {.tokenizer = s->model->tokenizer,
                     .on_text = on_text,
                     .payload = payload};
    struct sample_row *rows = NULL;
    struct sample_out *outs = NULL;
    struct ids ids = {0};
    struct decoder *d;
    int64_t n = 0;
    int rc;

    t.opts = opts = opts ? opts : &defaults;
    rc = api_need_tokenizer(m, err);
    if (!rc)
        rc = plan_sampling(&so, s->model, opts, err);
    if (rc)
        return rc;
    n = opts->samples;
    if (out)
        memset(out, 0, (size_t)n * sizeof(*out));
    so.on_token = on_token;
    so.on_progress = go_on;
    so.payload = &t;
    rc = prompt_ids(&ids, m, a, prompt, opts->chat, err);
    if (!rc)
        rc = session_decoder(s, &d, err);
    if (!rc && a)
        rc = view_ready(a->inner, s->be, err);
    if (rc)
        goto done;
    rows = mem_calloc((size_t)n, sizeof(*rows));
    outs = mem_calloc((size_t)n, sizeof(*outs));
    t.voices = mem_calloc((size_t)n, sizeof(*t.voices));
    if (!rows || !outs || !t.voices) {
        rc = err_fail(err, TRV_ENOMEM, "no memory for %lld samples",
                      (long long)n);
        goto done;
    }
    for (int64_t i = 0; i < n; i++) {
        rows[i] = (struct sample_row){
            ids.v, ids.n, a ? view_lora(a->inner) : NULL, (uint64_t)i};
        t.voices[i].stream.skip_special = true;
    }
    arena_reset(&s->arena);
    rc = engine_sample(d, &s->arena, outs, rows, n, &so, err);
    if (t.rc)
        rc = err_fail(err, t.rc, "%s", t.err.msg);
    for (int64_t i = 0; i < n && !rc; i++) {
        rc = finish_voice(&t, i, err);
        if (!rc && out)
            rc = hand_out(&out[i], &t.voices[i], &outs[i], ids.n, err);
    }
done:
    for (int64_t i = 0; i < n; i++) {
        if (t.voices) {
            token_stream_release(&t.voices[i].stream);
            sb_release(&t.voices[i].text);
        }
        if (outs)
            mem_free(outs[i].ids);
        if (rc && out) {
            mem_free(out[i].text);
            out[i].text = NULL;
        }
    }
    mem_free(t.voices);
    mem_free(rows);
    mem_free(outs);
    ids_release(&ids);
    return rc;
}
