/* api_generate.c -- from a prompt or a conversation to text as it becomes
 * final.
 *
 * Bytes go out only when no stop string can still begin in them and when they
 * end a UTF-8 character, so what a reader sees is never taken back.
 */
#include <math.h>
#include <string.h>

#include "adapt/prompt/prompt_text.h"
#include "adapt/reward/best_of_n.h"
#include "adapt/reward/reward.h"
#include "base/streams.h"
#include "api/api.h"
#include "model/sample/engine.h"

#define BEST_OF 8 // answers that a reward chooses from, where nobody says

/* One sample's text. */
struct stream {
    struct token_stream stream;
    struct strbuf text; // all final bytes so far
    size_t given;       // bytes of it handed to the caller
    bool stopped;       // by a stop string or the caller
};

struct request {
    const struct tokenizer *tokenizer;
    const trv_generate_options *opts;
    trv_text_fn on_text;
    void *payload;
    struct stream *streams;
    int64_t per; // answers of which one is taken
    trv_err err; // a failure inside a callback, which sampling is stopped for
    int rc;
};

/* Cut at the earliest stop string; else hold back the longest tail that could
 * begin one. Returns how many bytes may be given. */
static size_t
find_stop(struct stream *v, const trv_generate_options *opts)
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
give(struct request *t, int64_t row, size_t until)
{
    struct stream *v = &t->streams[row];

    if (until <= v->given)
        return;
    if (t->on_text && t->per == 1 &&
        !t->on_text((int32_t)row, v->text.s + v->given, until - v->given,
                    t->payload))
        v->stopped = true;
    if (t->on_text && t->per > 1 &&
        !t->on_text((int32_t)(row / t->per), "", 0, t->payload))
        v->stopped = true;
    v->given = until;
}

static bool
on_token(void *payload, int64_t row, int32_t id)
{
    struct request *t = payload;
    struct stream *v = &t->streams[row];
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
    const struct request *t = payload;

    (void)rows_done;
    (void)tokens;
    return t->rc == 0;
}

static double
first_said(double asked, double said, double otherwise)
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
        return err_option(err, TRV_ERANGE, "max-tokens", "is %d, below 1",
                          o->max_tokens);
    if (o->samples < 1 || o->samples > 100000)
        return err_option(err, TRV_ERANGE, "samples",
                          "is %d, outside 1 to 100000", o->samples);
    if (o->top_k < -1)
        return err_option(err, TRV_ERANGE, "top-k", "is %d, below 0", o->top_k);
    s->temperature = first_said(o->temperature, m->temperature, 1.0);
    s->top_k = o->top_k >= 0 ? o->top_k : m->top_k > 0 ? m->top_k : 0;
    s->top_p = first_said(o->top_p, m->top_p, 1.0);
    s->min_p = o->min_p;
    s->repetition_penalty =
        first_said(o->repetition_penalty, m->repetition_penalty, 1.0);
    s->vocab = tokenizer_size(m->tokenizer);
    so->max_tokens = o->max_tokens;
    so->seed = o->seed;
    so->ignore_eos = o->ignore_eos;
    return sampling_check(s, err);
}

/* The turns given, as messages. */
static int
chat_messages(json_t **out, const trv_generate_options *o, trv_err *err)
{
    const trv_turn *turns = o->turns;
    const json_t *checked;
    json_t *list = json_array();
    trv_err why = {0};
    int rc = list ? 0 : err_fail(err, TRV_ENOMEM, "no memory for a chat");

    for (int32_t i = 0; i < o->n_turns && !rc; i++) {
        if (!turns[i].role || !turns[i].content)
            rc = err_fail(err, TRV_EINVAL, "turn %d has no %s", i + 1,
                          turns[i].role ? "content" : "role");
        else if (json_array_append_new(list, json_pack("{s:s,s:s}", "role",
                                                       turns[i].role, "content",
                                                       turns[i].content)))
            rc = err_fail(err, TRV_EINVAL, "a turn is not UTF-8");
    }
    if (!rc && messages_check(&checked, list, "the conversation", &why))
        rc = err_fail(err, TRV_EINVAL, "%s", why.msg);
    if (rc)
        json_decref(list);
    else
        *out = list;
    return rc;
}

/* The prompt as a row of data; the caller frees row->json. */
static int
prompt_row(struct data_row *row, const char *prompt,
           const trv_generate_options *o, trv_err *err)
{
    json_t *messages = NULL;
    int rc = 0;

    *row = (struct data_row){.line = 1, .label = -1};
    if ((prompt != NULL) == (o->n_turns > 0))
        return err_fail(err, TRV_EINVAL, "%s",
                        prompt ? "there are both a prompt and turns"
                               : "there is neither a prompt nor a turn");
    if (!prompt)
        rc = chat_messages(&messages, o, err);
    if (rc)
        return rc;
    row->json = prompt ? json_pack("{s:s}", "prompt", prompt)
                       : json_pack("{s:o}", "prompt", messages);
    if (!row->json)
        return err_fail(err, TRV_EINVAL, "the prompt is not UTF-8");
    row->prompt = json_object_get(row->json, "prompt");
    return 0;
}

/* Asked for here, so that the caller is told before anything is computed. */
static int
check_room(const struct context *c, int32_t room, trv_err *err)
{
    for (int64_t p = 0; p < c->n && room > 1; p++) {
        const int64_t context = c->parts[p].d->cfg->context;

        if (context - c->parts[p].n_ids < room)
            return err_fail(err, TRV_ETOOLONG,
                            "a prompt of %lld tokens leaves no room for %d in "
                            "the context of %lld",
                            (long long)c->parts[p].n_ids, room,
                            (long long)context);
    }
    return 0; // engine_sample_contexts() asks for one
}

/* What is left in the streams goes out, unless the text was stopped. */
static int
finish_stream(struct request *t, int64_t row, trv_err *err)
{
    struct stream *v = &t->streams[row];
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
hand_out(trv_completion *out, struct stream *v, const struct sample_out *o,
         int64_t prompt_tokens, double reward, trv_err *err)
{
    out->n = v->text.len;
    out->text = sb_take(&v->text);
    out->prompt_tokens = (int32_t)prompt_tokens;
    out->new_tokens = (int32_t)o->n;
    out->finish = o->finish == FINISH_LENGTH && !v->stopped ? "length" : "stop";
    out->logprob = o->logp;
    out->reward = reward;
    return out->text ? 0 : err_fail(err, TRV_ENOMEM, "no memory for the text");
}

static bool
is_guided(const trv_generate_options *o)
{
    return strcmp(o->act, "guided") == 0;
}

/* How many answers each sample is taken from. */
static int
plan_choice(int64_t *per, const struct adaptation *a,
            const trv_generate_options *o, trv_err *err)
{
    *per = 1;
    if (!o->act || (strcmp(o->act, "bon") != 0 && strcmp(o->act, "sir") != 0 &&
                    strcmp(o->act, "guided") != 0))
        return err_fail(err, TRV_EINVAL,
                        "act '%s' is unknown; there are bon, sir, guided",
                        o->act ? o->act : "(none)");
    if (o->best_of < 0 || o->best_of > 4096)
        return err_option(err, TRV_ERANGE, "best-of",
                          "is %d, outside 0 to 4096", o->best_of);
    if (!(o->beta > 0 && o->beta <= 1e6))
        return err_option(err, TRV_ERANGE, "beta", "is %g, not above 0",
                          o->beta);
    if (a && a->form == FORM_REWARD && is_guided(o))
        return 0;
    if (a && a->form == FORM_REWARD)
        *per = o->best_of > 0 ? o->best_of : BEST_OF;
    else if (o->best_of > 1)
        return err_fail(err, TRV_EINVAL,
                        "the best of %d answers needs a reward to choose by",
                        o->best_of);
    return 0;
}

/* Score all answers and take one of each `per`: chosen[i] is its place, with
 * its reward. */
static int
choose(int64_t *chosen, double *reward, struct request *t, struct session *s,
       struct adaptation *a, const struct data_row *row,
       const struct sample_out *outs, trv_err *err)
{
    const int64_t n = t->opts->samples, per = t->per;
    struct reward_item *items = mem_calloc((size_t)(n * per), sizeof(*items));
    double *score = mem_calloc((size_t)(n * per), sizeof(*score));
    int rc = items && score
                 ? 0
                 : err_fail(err, TRV_ENOMEM, "no memory to choose answers");

    for (int64_t i = 0; i < n * per && !rc; i++)
        items[i] = (struct reward_item){
            .row = row,
            .text = t->streams[i].text.s ? t->streams[i].text.s : "",
            .n_text = t->streams[i].text.len,
            .ids = outs[i].ids,
            .n_ids = outs[i].n};
    if (!rc)
        rc = reward_score(s, a, score, NULL, items, n * per, NULL, err);
    for (int64_t i = 0; i < n && !rc; i++) {
        struct rng rng;

        rng_init(&rng, t->opts->seed, STREAM_CHOICE + (uint64_t)i);
        chosen[i] = i * per + (strcmp(t->opts->act, "sir") == 0
                                   ? draw_weighted(score + i * per, per,
                                                   t->opts->beta, &rng)
                                   : best_of_n(score + i * per, per));
        reward[i] = score[chosen[i]];
    }
    mem_free(items);
    mem_free(score);
    return rc;
}

/* What the answers are drawn from: for a reward the base, or what it guides. */
static int
open_context(struct context *out, struct session *s, struct adaptation *a,
             const struct data_row *row, const trv_generate_options *o,
             trv_err *err)
{
    struct reward_guide guide;
    int rc;

    if (!a || a->form != FORM_REWARD)
        return view_open(out, s, a, row, err);
    if (!is_guided(o))
        return view_open(out, s, NULL, row, err);
    rc = reward_guide(&guide, a, o->beta, err);
    if (!rc) // its parts are the reward's, and nobody has scored by them yet
        rc = view_ready(&guide.mix, s->be, err);
    return rc ? rc : view_open(out, s, &guide.mix, row, err);
}

/* Everything that a call holds. */
struct generation {
    struct data_row row;
    struct context context; // of the prompt
    struct sampled_row *rows;
    struct sample_out *outs;
    int64_t *chosen;
    double *reward;
    int64_t n; // answers drawn: samples * per
};

static void
generation_release(struct generation *g, struct request *t)
{
    for (int64_t i = 0; i < g->n; i++) {
        if (t->streams) {
            token_stream_release(&t->streams[i].stream);
            sb_release(&t->streams[i].text);
        }
        if (g->outs)
            mem_free(g->outs[i].ids);
    }
    mem_free(t->streams);
    mem_free(g->rows);
    mem_free(g->outs);
    mem_free(g->chosen);
    mem_free(g->reward);
    conditioning_release(&g->context);
    json_decref(g->row.json);
}

static int
generation_begin(struct generation *g, struct request *t, trv_err *err)
{
    const int64_t samples = t->opts->samples;

    g->n = samples * t->per;
    g->rows = mem_calloc((size_t)g->n, sizeof(*g->rows));
    g->outs = mem_calloc((size_t)g->n, sizeof(*g->outs));
    g->chosen = mem_calloc((size_t)samples, sizeof(*g->chosen));
    g->reward = mem_calloc((size_t)samples, sizeof(*g->reward));
    t->streams = mem_calloc((size_t)g->n, sizeof(*t->streams));
    if (!g->rows || !g->outs || !t->streams || !g->chosen || !g->reward)
        return err_fail(err, TRV_ENOMEM, "no memory for %lld samples",
                        (long long)g->n);
    for (int64_t i = 0; i < g->n; i++) {
        g->rows[i] = (struct sampled_row){
            &g->context, STREAM_ANSWERS + t->opts->first_stream + (uint64_t)i};
        t->streams[i].stream.skip_special = true;
    }
    for (int64_t i = 0; i < samples; i++) {
        g->chosen[i] = i;
        g->reward[i] = (double)NAN;
    }
    return 0;
}

/* From the samples to what the caller gets. */
static int
generation_finish(struct generation *g, struct request *t, struct session *s,
                  struct adaptation *a, trv_completion *out, trv_err *err)
{
    int rc = 0;

    for (int64_t i = 0; i < g->n && !rc; i++)
        rc = finish_stream(t, i, err);
    if (!rc && a && a->form == FORM_REWARD && !is_guided(t->opts))
        rc = choose(g->chosen, g->reward, t, s, a, &g->row, g->outs, err);
    for (int64_t i = 0; i < t->opts->samples && !rc; i++) {
        struct stream *v = &t->streams[g->chosen[i]];

        if (t->per > 1 && t->on_text && v->text.len > 0)
            (void)t->on_text((int32_t)i, v->text.s, v->text.len, t->payload);
        if (out)
            rc = hand_out(&out[i], v, &g->outs[g->chosen[i]],
                          conditioning_length(&g->context), g->reward[i], err);
    }
    return rc;
}

int
trv_generate(trv_model *m, trv_completion *out, const trv_adaptation *a,
             const char *prompt, const trv_generate_options *opts,
             trv_text_fn on_text, void *payload, trv_err *err)
{
    static const trv_generate_options defaults = TRV_GENERATE_OPTIONS_INIT;
    struct adaptation *inner = a ? a->inner : NULL;
    struct session *s = m->s;
    struct sample_options so = {.sampling = SAMPLING_INIT};
    struct request t = {.tokenizer = s->model->tokenizer,
                        .on_text = on_text,
                        .payload = payload};
    struct generation g = {0};
    int rc;

    t.opts = opts = opts ? opts : &defaults;
    rc = api_need_model(m, err);
    if (!rc)
        rc = plan_sampling(&so, s->model, opts, err);
    if (!rc)
        rc = plan_choice(&t.per, inner, opts, err);
    if (rc)
        return rc;
    if (out)
        memset(out, 0, (size_t)opts->samples * sizeof(*out));
    so.on_token = on_token;
    so.on_progress = go_on;
    so.payload = &t;
    rc = view_ready(inner, s->be, err);
    if (!rc)
        rc = prompt_row(&g.row, prompt, opts, err);
    if (!rc)
        rc = open_context(&g.context, s, inner, &g.row, opts, err);
    if (!rc)
        rc = check_room(&g.context, opts->room, err);
    if (!rc)
        rc = generation_begin(&g, &t, err);
    if (rc)
        goto done;
    arena_reset(&s->arena);
    rc = engine_sample_contexts(&s->arena, g.outs, g.rows, g.n, &so, err);
    if (t.rc)
        rc = err_fail(err, t.rc, "%s", t.err.msg);
    if (!rc)
        rc = generation_finish(&g, &t, s, inner, out, err);
done:
    generation_release(&g, &t);
    for (int64_t i = 0; rc && out && i < opts->samples; i++) {
        mem_free(out[i].text);
        out[i].text = NULL;
    }
    return rc;
}
