/* place_sample.c -- texts drawn in the prompt's place. */
#include "transform/search/place_sample.h"

#include <string.h>

#include "model/sample/engine.h"

/* Rows of one call of the sampler. */
#define CHUNK 256

int
place_sample_keep(struct proposal *best, struct prompt_place *slot,
                  const int32_t *x, int64_t n, trv_err *err)
{
    struct strbuf text = {0};
    bool stands = false;
    int rc = 0;

    for (; n > best->z.n && !stands && !rc; n--) {
        rc = prompt_place_text(&text, &stands, slot, x, n, err);
        if (!rc && stands)
            rc = prompt_place_check(&stands, slot, text.s, x, n, err);
        if (rc || !stands)
            continue;
        proposal_release(best);
        best->text = sb_take(&text);
        if (!best->text || ids_append(&best->z, x, n))
            rc = err_nomem(err, "to draw prompts");
    }
    sb_release(&text);
    return rc;
}

/* What stands before text i: the head and its beginning. An empty head leaves
 * nothing to go on from, so there any token does. */
static int
context_ids(const int32_t **out, int64_t *n, const struct place_sample *w,
            const struct ids *begin, trv_err *err)
{
    const struct ids *head = &w->slot->at[0].head;
    const int64_t more = begin ? begin->n : 0;
    const int32_t eos = tokenizer_eos(w->s->model->tokenizer);
    const int64_t first = head->n + more > 0 ? 0 : 1;
    int32_t *ids;

    *n = head->n + more + first;
    ids = arena_alloc(&w->s->arena, (size_t)*n * sizeof(*ids));
    if (!ids)
        return err_nomem(err, "to draw prompts");
    *out = ids;
    if (first)
        *ids = eos < 0 ? 0 : eos;
    for (int64_t i = 0; i < head->n; i++)
        *ids++ = head->v[i];
    for (int64_t i = 0; i < more; i++)
        *ids++ = begin->v[i];
    return 0;
}

/* Conditioning [n] of the model whose text is drawn, in the arena. */
static int
make_contexts(struct context **out, const struct place_sample *w,
              const struct ids *begin, int64_t n, trv_err *err)
{
    struct arena *a = &w->s->arena;
    const int64_t P = w->voice ? w->voice->n : 1;
    struct context *c = arena_alloc(a, (size_t)n * sizeof(*c));
    struct component *parts = arena_alloc(a, (size_t)(n * P) * sizeof(*parts));
    int rc = c && parts ? 0 : err_nomem(err, "to draw prompts");

    *out = c;
    for (int64_t i = 0; i < n && !rc; i++) {
        const int32_t *ids = NULL;
        int64_t n_ids = 0;

        rc = context_ids(&ids, &n_ids, w, begin ? &begin[i] : NULL, err);
        for (int64_t p = 0; p < P && !rc; p++) {
            parts[i * P + p] = w->voice ? w->voice->parts[p]
                                        : (struct component){.d = w->s->decoder,
                                                             .weight = 1.0};
            parts[i * P + p].ids = ids;
            parts[i * P + p].n_ids = n_ids;
        }
        if (!rc)
            c[i] = (struct context){.parts = parts + i * P, .n = P};
    }
    return rc;
}

static bool
is_there(const struct proposal *list, int64_t n, const struct ids *z)
{
    for (int64_t i = 0; i < n; i++)
        if (list[i].z.n == z->n &&
            memcmp(list[i].z.v, z->v, (size_t)z->n * sizeof(*z->v)) == 0)
            return true;
    return false;
}

/* A drawn text ends at the first token that no prompt may hold. */
static int
take(struct proposal *out, const struct place_sample *w,
     const struct ids *begin, const struct sample_out *o, trv_err *err)
{
    const int64_t V = w->s->decoder->cfg->vocab;
    struct ids all = {0};
    int rc = 0;

    if (begin && ids_append(&all, begin->v, begin->n))
        rc = err_nomem(err, "to draw prompts");
    for (int64_t i = 0; i < o->n && all.n < w->most && !rc; i++) {
        if (o->ids[i] >= V || !w->allowed[o->ids[i]])
            break;
        if (ids_push(&all, o->ids[i]))
            rc = err_nomem(err, "to draw prompts");
    }
    if (!rc)
        rc = place_sample_keep(out, w->slot, all.v, all.n, err);
    ids_release(&all);
    return rc;
}

static int
draw_chunk(struct proposal *out, int64_t *made, const struct place_sample *w,
           const struct ids *begin, int64_t from, int64_t n, trv_err *err)
{
    struct arena *a = &w->s->arena;
    struct sample_options so = {.sampling = SAMPLING_INIT,
                                .max_tokens = w->most,
                                .seed = w->seed,
                                .memo = w->s->memo};
    struct sampled_row *rows;
    struct sample_out *outs;
    struct context *c = NULL;
    int rc;

    arena_reset(a);
    begin = begin ? begin + from : NULL;
    rows = arena_alloc(a, (size_t)n * sizeof(*rows));
    outs = mem_calloc((size_t)n, sizeof(*outs));
    rc = rows && outs ? make_contexts(&c, w, begin, n, err)
                      : err_nomem(err, "to draw prompts");
    so.sampling.vocab = tokenizer_size(w->s->model->tokenizer);
    for (int64_t i = 0; i < n && !rc; i++)
        rows[i] = (struct sampled_row){&c[i], w->stream + (uint64_t)(from + i)};
    if (!rc)
        rc = engine_sample_contexts(a, outs, rows, n, &so, err);
    for (int64_t i = 0; i < n && !rc; i++) {
        struct proposal *p = &out[*made];

        rc = take(p, w, begin ? &begin[i] : NULL, &outs[i], err);
        if (!rc && p->z.n > (begin ? begin[i].n : 0) &&
            !is_there(out, *made, &p->z))
            ++*made;
        else
            proposal_release(p);
    }
    for (int64_t i = 0; outs && i < n; i++)
        mem_free(outs[i].ids);
    mem_free(outs);
    return rc;
}

int
place_sample_draw(struct proposal *out, int64_t *made,
                  const struct place_sample *w, const struct ids *begin,
                  int64_t n, trv_err *err)
{
    struct decoder *d;
    int rc = session_decoder(w->s, &d, err);

    *made = 0;
    for (int64_t i = 0; i < n && !rc; i += CHUNK)
        rc = draw_chunk(out, made, w, begin, i, n - i < CHUNK ? n - i : CHUNK,
                        err);
    return rc;
}
