/* prompt_value.c -- answers under prompts, and their rewards. */
#include "transform/search/prompt_value.h"

#include <math.h>
#include <string.h>

#include "adapt/reward/reward.h"
#include "model/sample/engine.h"
#include "model/decoder/pass.h"

/* What is held while a list is run; [n] each, of which m fit. */
struct bench {
    struct context *context, *base;
    struct sampled_row *rows;
    struct sample_out *outs;
    struct reward_item *items;
    double *score;
    int64_t *which; // [m] place in the list
    int64_t n, m;
};

static int
bench_init(struct bench *b, int64_t n, trv_err *err)
{
    const size_t k = (size_t)n;

    *b = (struct bench){.n = n};
    b->context = mem_calloc(k, sizeof(*b->context));
    b->base = mem_calloc(k, sizeof(*b->base));
    b->rows = mem_calloc(k, sizeof(*b->rows));
    b->outs = mem_calloc(k, sizeof(*b->outs));
    b->items = mem_calloc(k, sizeof(*b->items));
    b->score = mem_calloc(k, sizeof(*b->score));
    b->which = mem_calloc(k, sizeof(*b->which));
    return b->context && b->base && b->rows && b->outs && b->items &&
                   b->score && b->which
               ? 0
               : err_nomem(err, "to try prompts");
}

static void
bench_release(struct bench *b)
{
    for (int64_t i = 0; b->context && i < b->n; i++)
        conditioning_release(&b->context[i]);
    for (int64_t i = 0; b->base && i < b->n; i++)
        conditioning_release(&b->base[i]);
    mem_free(b->context);
    mem_free(b->base);
    mem_free(b->rows);
    mem_free(b->outs);
    mem_free(b->items);
    mem_free(b->score);
    mem_free(b->which);
}

static bool
on_sampled(void *payload, int64_t rows_done, int64_t tokens)
{
    const struct prompt_value_options *o = payload;

    (void)rows_done;
    (void)tokens;
    return !o->watch || o->watch(o->payload);
}

static bool
on_scored(void *payload, int64_t done, int64_t total)
{
    return on_sampled(payload, done, total);
}

static struct sample_options
sampling_of(const struct prompt_value_options *o)
{
    struct sample_options so = {.sampling = SAMPLING_INIT,
                                .max_tokens = o->max_tokens,
                                .seed = o->seed,
                                .memo = o->s->memo,
                                .on_progress = on_sampled,
                                .payload = (void *)(uintptr_t)o};

    so.sampling.temperature = o->temperature;
    so.sampling.vocab = tokenizer_size(o->s->model->tokenizer);
    return so;
}

static int
draw(struct bench *b, struct prompt_value *list,
     const struct prompt_value_options *o, double *spent, trv_err *err)
{
    const struct sample_options so = sampling_of(o);
    int rc = 0;

    for (int64_t i = 0; i < b->n && !rc; i++) {
        list[i].reward = list[i].kl = (double)NAN;
        rc = view_open(&b->context[i], o->s, list[i].z, list[i].row, err);
        list[i].fits =
            !rc && conditioning_left(&b->context[i]) >= o->max_tokens;
        if (!list[i].fits)
            continue;
        b->rows[b->m] = (struct sampled_row){&b->context[i], list[i].stream};
        b->which[b->m++] = i;
    }
    if (rc || b->m == 0)
        return rc;
    arena_reset(&o->s->arena);
    rc = engine_sample_contexts(&o->s->arena, b->outs, b->rows, b->m, &so, err);
    for (int64_t k = 0; k < b->m && !rc; k++) { // the list's from here on
        list[b->which[k]].ids = b->outs[k].ids;
        list[b->which[k]].tokens = b->outs[k].n;
    }
    for (int64_t k = 0; k < b->m && !rc; k++) {
        struct prompt_value *t = &list[b->which[k]];
        struct strbuf text = {0};

        *spent += (double)t->tokens;
        rc = tokenizer_decode(o->s->model->tokenizer, &text, b->outs[k].ids,
                              b->outs[k].n, true, err);
        b->items[k] = (struct reward_item){.row = t->row,
                                           .n_text = text.len,
                                           .ids = b->outs[k].ids,
                                           .n_ids = b->outs[k].n};
        if (!rc && !text.s && sb_puts(&text, ""))
            rc = err_nomem(err, "to try prompts");
        t->text = sb_take(&text);
        b->items[k].text = t->text;
        sb_release(&text);
    }
    return rc;
}

/* k of the answers from..to, in one pass of both sides. */
static int
measure_pass(struct prompt_value *list, const struct bench *b, int64_t from,
             int64_t to, struct session *s, trv_err *err)
{
    const int64_t m = to - from;
    struct answered *rows;
    double *kl;
    int rc;

    arena_reset(&s->arena);
    rows = arena_alloc(&s->arena, (size_t)(2 * m) * sizeof(*rows));
    kl = arena_alloc(&s->arena, (size_t)m * sizeof(*kl));
    if (!rows || !kl)
        return err_nomem(err, "to try prompts");
    for (int64_t k = 0; k < m; k++) {
        const struct sample_out *y = &b->outs[from + k];
        const int64_t i = b->which[from + k];

        rows[k] = (struct answered){&b->context[i], y->ids, y->n};
        rows[m + k] = (struct answered){&b->base[i], y->ids, y->n};
    }
    rc = pass_kl(kl, &s->arena, rows, m, err);
    for (int64_t k = 0; k < m && !rc; k++)
        list[b->which[from + k]].kl = kl[k];
    return rc;
}

static int
measure_kl(struct prompt_value *list, struct bench *b,
           const struct prompt_value_options *o, trv_err *err)
{
    int64_t from = 0, tokens = 0;
    int rc = 0;

    for (int64_t k = 0; k < b->m && !rc; k++) {
        const int64_t i = b->which[k];
        int64_t more;

        rc = view_open(&b->base[i], o->s, NULL, list[i].row, err);
        more = 2 * (conditioning_length(&b->context[i]) + b->outs[k].n);
        if (!rc && k > from && tokens + more > 2 * ENGINE_TOKENS) {
            rc = measure_pass(list, b, from, k, o->s, err);
            from = k;
            tokens = 0;
            if (!rc && o->watch && !o->watch(o->payload))
                rc = err_fail(err, TRV_ECANCELED, "stopped");
        }
        tokens += more;
    }
    return rc ? rc : measure_pass(list, b, from, b->m, o->s, err);
}

int
prompt_value_run(struct prompt_value *list, int64_t n,
                 const struct prompt_value_options *opts, double *spent,
                 trv_err *err)
{
    const struct reward_watch watch = {.progress = on_scored,
                                       .payload = (void *)(uintptr_t)opts,
                                       .memo = opts->s->memo};
    struct bench b;
    int rc = bench_init(&b, n, err);

    if (!rc)
        rc = draw(&b, list, opts, spent, err);
    if (!rc && b.m > 0)
        rc = reward_score(opts->s, opts->reward, b.score, NULL, b.items, b.m,
                          &watch, err);
    for (int64_t k = 0; k < b.m && !rc; k++) {
        list[b.which[k]].reward = b.score[k];
        list[b.which[k]].kl = 0.0;
    }
    if (!rc && opts->kl && b.m > 0)
        rc = measure_kl(list, &b, opts, err);
    bench_release(&b);
    if (rc)
        prompt_value_release(list, n);
    return rc;
}

void
prompt_value_release(struct prompt_value *list, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        mem_free(list[i].text);
        mem_free(list[i].ids);
        list[i].text = NULL;
        list[i].ids = NULL;
    }
}

/* ---- the model's own words ---------------------------------------------- */

static int
ask_row(struct data_row *row, const char *ask, trv_err *err)
{
    json_t *obj = json_pack("{s:s}", "prompt", ask);

    *row = (struct data_row){.json = obj, .label = -1};
    row->prompt = json_object_get(obj, "prompt");
    return obj ? 0 : err_nomem(err, "to try prompts");
}

int
prompt_value_sample(char **text, const char *const *ask, int64_t n,
                    uint64_t first, const struct prompt_value_options *opts,
                    double *spent, trv_err *err)
{
    const struct sample_options so = sampling_of(opts);
    struct bench b;
    int rc = bench_init(&b, n, err);

    for (int64_t i = 0; i < n; i++)
        text[i] = NULL;
    for (int64_t i = 0; i < n && !rc; i++) {
        struct data_row row;

        rc = ask_row(&row, ask[i], err);
        if (!rc)
            rc = view_open(&b.context[i], opts->s, NULL, &row, err);
        json_decref(row.json);
        if (!rc && conditioning_left(&b.context[i]) < 1)
            continue; // it gets no answer
        b.rows[b.m] = (struct sampled_row){&b.context[i], first + (uint64_t)i};
        b.which[b.m++] = i;
    }
    arena_reset(&opts->s->arena);
    if (!rc && b.m > 0)
        rc = engine_sample_contexts(&opts->s->arena, b.outs, b.rows, b.m, &so,
                                    err);
    for (int64_t k = 0; k < b.m && !rc; k++) {
        struct strbuf out = {0};

        *spent += (double)b.outs[k].n;
        rc = tokenizer_decode(opts->s->model->tokenizer, &out, b.outs[k].ids,
                              b.outs[k].n, true, err);
        if (!rc)
            text[b.which[k]] = sb_take(&out); // NULL: the answer is empty
        sb_release(&out);
    }
    for (int64_t k = 0; k < b.m; k++)
        mem_free(b.outs[k].ids);
    bench_release(&b);
    for (int64_t i = 0; i < n && rc; i++) {
        mem_free(text[i]);
        text[i] = NULL;
    }
    return rc;
}

struct prompt_value_mean
prompt_value_mean(const double *x, int64_t n)
{
    struct prompt_value_mean f = {0.0, (double)NAN, n};
    double squares = 0.0;

    for (int64_t i = 0; i < n; i++)
        f.mean += x[i] / (double)n;
    for (int64_t i = 0; i < n; i++)
        squares += (x[i] - f.mean) * (x[i] - f.mean);
    if (n > 1)
        f.error = sqrt(squares / (double)(n - 1) / (double)n);
    return f;
}

static json_t *
figure_to_json(const struct prompt_value_mean *f)
{
    return json_pack("{s:f,s:o,s:I}", "mean", f->mean, "stderr",
                     isfinite(f->error) ? json_real(f->error) : json_null(),
                     "n", (json_int_t)f->n);
}

int
prompt_value_note(json_t *manifest, const char *name,
                  const struct prompt_value_mean *base,
                  const struct prompt_value_mean *with, trv_err *err)
{
    char without[64];
    json_t *measured;

    snprintf(without, sizeof(without), "%s_base", name);
    measured = json_pack("{s:o,s:o}", without, figure_to_json(base), name,
                         figure_to_json(with));
    return json_object_set_new(manifest, "measured", measured)
               ? err_nomem(err, "to try prompts")
               : 0;
}
