/* text_propose.c -- scores of tokens, and candidates out of them. */
#include "transform/search/text_propose.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "model/files/checkpoint.h"
#include "model/decoder/head.h"
#include "model/decoder/pass.h"

/* Rows of the embedding that are read at once. */
#define TABLE_ROWS 1024
/* How often a candidate may fail to survive before the step goes on with what
 * it has. */
#define TRIES 12

void
proposal_release(struct proposal *c)
{
    ids_release(&c->z);
    mem_free(c->text);
    *c = (struct proposal){0};
}

/* Text without control characters but for newlines and tabs: prompts are shown,
 * copied and edited. */
static bool
is_plain(const struct strbuf *text)
{
    for (size_t i = 0; i < text->len; i++) {
        const unsigned char c = (unsigned char)text->s[i];

        if ((c < 0x20 && c != '\n' && c != '\t') || c == 0x7f)
            return false;
    }
    return text->len > 0;
}

int
propose_allowed(unsigned char **allowed, const struct model *m, trv_err *err)
{
    const struct tokenizer *t = m->tokenizer;
    const int64_t V = m->cfg.vocab;
    struct strbuf text = {0};
    int64_t n = 0;
    int rc = 0;

    *allowed = mem_calloc((size_t)V, 1);
    if (!*allowed)
        return err_nomem(err, "to propose prompts");
    for (int64_t id = 0; id < V && id < tokenizer_size(t) && !rc; id++) {
        const int32_t one = (int32_t)id;

        if (tokenizer_is_special(t, one) || !tokenizer_token(t, one))
            continue;
        sb_reset(&text);
        rc = tokenizer_decode(t, &text, &one, 1, false, err);
        (*allowed)[id] = !rc && is_plain(&text);
        n += (*allowed)[id];
    }
    sb_release(&text);
    if (!rc && n < 2)
        rc = err_fail(err, TRV_EINVAL,
                      "the vocabulary has too few tokens for a search over "
                      "prompts");
    if (rc) {
        mem_free(*allowed);
        *allowed = NULL;
    }
    return rc;
}

/* --- scores --- */

int
propose_scores(struct mat score, struct decoder *d, struct arena *a,
               const float *g, int64_t n, trv_err *err)
{
    const struct tensor *embed = d->model->embed;
    const int64_t C = d->cfg->width, V = d->cfg->vocab;
    const struct arena_mark mark = arena_mark(a);
    float *table = arena_f32(a, TABLE_ROWS, C);
    const union {
        const float *in;
        float *out;
    } from = {.in = g}; // matrices know no const; this one is only read

    TRV_ASSERT(score.rows == n && score.cols == V);
    if (!table)
        return err_nomem(err, "to propose prompts");
    for (int64_t v = 0; v < V; v += TABLE_ROWS) {
        const int64_t rows = V - v < TABLE_ROWS ? V - v : TABLE_ROWS;

        tensor_rows_f32(table, embed, v, rows);
        d->be->ops->matmul(d->be, mat_part(score, 0, n, v, rows),
                           mat_f32(from.out, n, C), false,
                           mat_f32(table, rows, C), true, 1.0f, 0.0f);
    }
    d->flop += 2.0 * (double)n * (double)(C * V);
    checkpoint_forget(d->model->ckpt, embed);
    arena_rewind(a, mark);
    return 0;
}

/* --- what is known of every place --- */

struct places {
    const struct propose_options *opts;
    struct prompt_place *slot;
    const struct ids *z;
    int64_t V;
    int32_t *top;      // [L, top_k] best first
    int64_t top_k;     // at most the tokens that are allowed
    struct mat p[2];   // what the model and the teacher would say, [V] of the
                       // places told_from to z->n, which is after the last
    int64_t told_from; // nothing stands before place 0 where the head is empty
    int n_voices;
};

/* Distributions over the tokens of z, by the base and by the teacher. */
static int
hear(struct places *pl, struct decoder *d, struct arena *a, trv_err *err)
{
    const struct ids *head = &pl->slot->at[0].head, *z = pl->z;
    const struct context *teacher = pl->opts->teacher;
    const int64_t told = z->n + 1 - pl->told_from;
    const int64_t n_parts = 1 + (teacher ? teacher->n : 0);
    struct component *parts = arena_alloc(a, (size_t)n_parts * sizeof(*parts));
    int32_t *ids = arena_alloc(a, (size_t)(z->n + 1) * sizeof(*ids));
    struct context voices[2];
    struct answered rows[2];
    struct head_side sides[2] = {{0}};
    int rc;

    if (!parts || !ids)
        return err_nomem(err, "to propose prompts");
    memcpy(ids, z->v, (size_t)z->n * sizeof(*ids));
    ids[z->n] = 0; // any token: the last one is not looked at
    pl->n_voices = teacher ? 2 : 1;
    parts[0] = (struct component){.d = d, .weight = 1.0};
    for (int64_t i = 1; i < n_parts; i++)
        parts[i] = teacher->parts[i - 1];
    for (int64_t i = 0; i < n_parts; i++) {
        parts[i].ids = head->n > 0 ? head->v : z->v;
        parts[i].n_ids = head->n > 0 ? head->n : 1;
    }
    voices[0] = (struct context){.parts = parts, .n = 1};
    voices[1] = (struct context){.parts = parts + 1, .n = n_parts - 1};
    for (int i = 0; i < pl->n_voices; i++)
        rows[i] = (struct answered){&voices[i], ids + pl->told_from, told};
    rc = pass_forward(sides, NULL, a, pl->n_voices, rows, 1, err);
    for (int i = 0; i < pl->n_voices && !rc; i++) {
        pl->p[i] = mat_new(a, DT_F32, told, sides[i].parts[0].d->cfg->vocab);
        if (!pl->p[i].data)
            return err_nomem(err, "to propose prompts");
        rc = head_mix(a, pl->p[i], &sides[i], told, err);
        if (!rc)
            d->be->ops->softmax(d->be, pl->p[i], 1.0f);
    }
    return rc;
}

struct ranked {
    float score;
    int32_t id;
};

/* Low scores first; equal ones by id, so that the order is one. */
static int
by_score(const void *a, const void *b)
{
    const struct ranked *x = a, *y = b;

    if (x->score != y->score)
        return x->score < y->score ? -1 : 1;
    return x->id < y->id ? -1 : x->id > y->id;
}

/* The top_k tokens of every place by their first-order loss. */
static int
rank(struct places *pl, struct decoder *d, struct arena *a, const float *g,
     trv_err *err)
{
    const int64_t L = pl->z->n, V = pl->V, told = L - pl->told_from;
    const struct mat score = mat_new(a, DT_F32, L, V);
    struct ranked *all = arena_alloc(a, (size_t)V * sizeof(*all));
    int64_t n = 0;
    int rc;

    for (int64_t v = 0; v < V; v++)
        n += pl->opts->allowed[v];
    pl->top_k = pl->opts->top_k < n ? pl->opts->top_k : n;
    pl->top = arena_alloc(a, (size_t)(L * pl->top_k) * sizeof(*pl->top));
    if (!score.data || !all || !pl->top)
        return err_nomem(err, "to propose prompts");
    rc = propose_scores(score, d, a, g, L, err);
    for (int64_t i = 0; i < L && !rc; i++) {
        const float *s = (const float *)score.data + i * score.ld;
        const float *p = i >= pl->told_from
                             ? (const float *)pl->p[0].data +
                                   (i - pl->told_from) * pl->p[0].ld
                             : NULL;

        n = 0;
        for (int64_t v = 0; v < V; v++)
            if (pl->opts->allowed[v]) {
                all[n] = (struct ranked){s[v], (int32_t)v};
                if (p && pl->opts->fluency > 0)
                    all[n].score -= (float)(pl->opts->fluency / (double)told) *
                                    logf(p[v] > 1e-30f ? p[v] : 1e-30f);
                n++;
            }
        qsort(all, (size_t)n, sizeof(*all), by_score);
        for (int64_t k = 0; k < pl->top_k; k++)
            pl->top[i * pl->top_k + k] = all[k].id;
    }
    return rc;
}

/* --- drawing --- */

/* One of the top-k of a place, the best more often: the rank's density falls
 * as 1 / (2 sqrt(rank)). */
static int32_t
draw_top(const struct places *pl, int64_t place, struct rng *rng)
{
    const double u = rng_uniform(rng);

    return pl->top[place * pl->top_k + (int64_t)(u * u * (double)pl->top_k)];
}

/* A token drawn from a model's distribution in a place; -1 where there is
 * none. */
static int32_t
draw_said(const struct places *pl, int64_t place, struct rng *rng)
{
    const int64_t row = place - pl->told_from;
    const int voice = pl->n_voices == 2 ? (int)rng_below(rng, 2) : 0;
    const struct mat p = pl->p[voice];
    const int64_t V = p.cols < pl->V ? p.cols : pl->V;
    double sum = 0.0, at;
    int32_t last = -1;

    if (row < 0)
        return -1;
    for (int64_t v = 0; v < V; v++)
        if (pl->opts->allowed[v])
            sum += (double)((const float *)p.data)[row * p.ld + v];
    at = rng_uniform(rng) * sum;
    for (int64_t v = 0; v < V; v++) {
        const float x = ((const float *)p.data)[row * p.ld + v];

        if (!pl->opts->allowed[v] || !(x > 0.0f))
            continue;
        last = (int32_t)v;
        at -= (double)x;
        if (at < 0.0)
            break;
    }
    return last;
}

/* out = z, but for places from .. from+gone, where `id` stands (id < 0: none).
 */
static int
change(struct ids *out, const struct ids *z, int64_t from, int64_t gone,
       int32_t id)
{
    int bad;

    out->n = 0;
    bad = ids_append(out, z->v, from);
    if (!bad && id >= 0)
        bad = ids_push(out, id);
    return bad ? bad : ids_append(out, z->v + from + gone, z->n - from - gone);
}

/* Put a token in; where z may not grow another one goes, so that what stands
 * between the two moves. */
static int
put_in(struct ids *out, bool *made, const struct places *pl, int64_t place,
       struct rng *rng)
{
    const struct ids *z = pl->z;
    const bool said = rng_below(rng, 2) != 0;
    const bool last = rng_below(rng, 4) == 0; // after the last token
    const int64_t at = last ? z->n : place;
    const int32_t id = said ? draw_said(pl, at, rng) : draw_top(pl, place, rng);
    int64_t gone = rng_below(rng, (uint32_t)z->n);
    int bad;

    *made = id >= 0;
    if (!*made)
        return 0;
    bad = change(out, z, at, 0, id);
    if (bad || z->n < pl->opts->most)
        return bad;
    gone += gone >= at; // any but the one that was put in
    memmove(out->v + gone, out->v + gone + 1,
            (size_t)(out->n - gone - 1) * sizeof(*out->v));
    out->n--;
    return 0;
}

/* Change z in one of the ways; *made is false where that way is not open. */
static int
draw(struct ids *out, bool *made, const struct places *pl, struct rng *rng)
{
    const struct ids *z = pl->z;
    const int64_t place = rng_below(rng, (uint32_t)z->n);
    const uint32_t way = rng_below(rng, 16);
    int bad;

    *made = true;
    if (way < 8)
        return change(out, z, place, 1, draw_top(pl, place, rng));
    if (way < 10) {
        bad = change(out, z, place, 1, draw_top(pl, place, rng));
        if (!bad) {
            const int64_t other = rng_below(rng, (uint32_t)z->n);

            out->v[other] = draw_top(pl, other, rng);
        }
        return bad;
    }
    if (way < 12) {
        const int32_t id = draw_said(pl, place, rng);

        *made = id >= 0;
        return *made ? change(out, z, place, 1, id) : 0;
    }
    if (way < 15)
        return put_in(out, made, pl, place, rng);
    *made = z->n > 1;
    return *made ? change(out, z, place, 1, -1) : 0;
}

static bool
same(const struct ids *a, const struct ids *b)
{
    return a->n == b->n &&
           memcmp(a->v, b->v, (size_t)a->n * sizeof(*a->v)) == 0;
}

static bool
is_new(const struct ids *x, const struct ids *z, const struct proposal *list,
       int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        if (same(x, &list[i].z))
            return false;
    return !same(x, z);
}

int
propose(struct proposal *out, int64_t *n, struct decoder *d, struct arena *a,
        struct prompt_place *s, const struct ids *z, const float *g,
        const struct propose_options *opts, struct rng *rng, trv_err *err)
{
    const struct arena_mark mark = arena_mark(a);
    struct places pl = {.opts = opts,
                        .slot = s,
                        .z = z,
                        .V = d->cfg->vocab,
                        .told_from = s->at[0].head.n > 0 ? 0 : 1};
    struct strbuf text = {0};
    struct ids x = {0};
    int rc;

    *n = 0;
    TRV_ASSERT(z->n >= 1 && opts->top_k >= 1);
    rc = hear(&pl, d, a, err);
    if (!rc)
        rc = rank(&pl, d, a, g, err);
    for (int64_t t = 0; t < TRIES * opts->width && *n < opts->width && !rc;
         t++) {
        bool stands = false;

        if (draw(&x, &stands, &pl, rng)) {
            rc = err_nomem(err, "to propose prompts");
            break;
        }
        if (!stands || !is_new(&x, z, out, *n))
            continue;
        rc = prompt_place_text(&text, &stands, s, x.v, x.n, err);
        if (rc || !stands)
            continue;
        out[*n] = (struct proposal){.z = x, .text = sb_take(&text)};
        x = (struct ids){0};
        if (!out[(*n)++].text)
            rc = err_nomem(err, "to propose prompts");
    }
    ids_release(&x);
    sb_release(&text);
    arena_rewind(a, mark);
    return rc;
}
