/* place_pass.c -- rows of prompts, inputs and answers. */
#include "transform/search/place_pass.h"

#include <string.h>

#include "learn/answer_pass.h"
#include "model/sample/engine.h"
#include "model/decoder/pass.h"

/* Tokens of a pass over prompts: a batch of many more does not run faster, and
 * its memory grows. */
#define PASS_TOKENS 8192

int64_t
place_tokens(const struct prompt_place *s, int64_t n_z,
             const struct place_answer *y, int64_t n)
{
    int64_t tokens = n ? s->at[y[0].row].head.n + n_z : 0;

    for (int64_t i = 0; i < n; i++)
        tokens += s->at[y[i].row].tail.n + y[i].n;
    return tokens;
}

/* head z tail in the arena; NULL without memory. */
static int32_t *
join(int64_t *n, struct arena *a, const struct place_row *at,
     const struct ids *z)
{
    int32_t *ids;
    int64_t k = 0;

    *n = at->head.n + z->n + at->tail.n;
    ids = arena_alloc(a, (size_t)*n * sizeof(*ids));
    if (!ids)
        return NULL;
    for (int64_t i = 0; i < at->head.n; i++)
        ids[k++] = at->head.v[i];
    for (int64_t i = 0; i < z->n; i++)
        ids[k++] = z->v[i];
    for (int64_t i = 0; i < at->tail.n; i++)
        ids[k++] = at->tail.v[i];
    return ids;
}

/* sides[i], place k: what predicts answer token k of all answers, end to end,
 * under prompt z[i]. */
static int
run_prompts(struct head_side *sides, struct decoder *d, struct arena *a,
            const struct prompt_place *s, const struct ids *z, int64_t n_z,
            const struct place_answer *y, int64_t n, trv_err *err)
{
    struct answered *rows = arena_alloc(a, (size_t)(n_z * n) * sizeof(*rows));
    struct context *c = arena_alloc(a, (size_t)(n_z * n) * sizeof(*c));
    struct component *parts =
        arena_alloc(a, (size_t)(n_z * n) * sizeof(*parts));

    if (!rows || !c || !parts)
        return err_nomem(err, "to try prompts");
    for (int64_t i = 0; i < n_z; i++)
        for (int64_t k = 0; k < n; k++) {
            const int64_t at = i * n + k;

            parts[at] = (struct component){.d = d, .weight = 1.0};
            parts[at].ids = join(&parts[at].n_ids, a, &s->at[y[k].row], &z[i]);
            if (!parts[at].ids)
                return err_nomem(err, "to try prompts");
            c[at] = (struct context){.parts = &parts[at], .n = 1};
            rows[at] = (struct answered){&c[at], y[k].ids, y[k].n};
        }
    return pass_forward(sides, NULL, a, n_z, rows, n, err);
}

int
place_evaluate(double *value, struct decoder *d, struct arena *a,
               const struct prompt_place *s, const struct ids *z, int64_t n_z,
               const struct place_answer *y, int64_t n, place_value_fn of,
               void *self, trv_err *err)
{
    int64_t done = 0, places = 0;
    int rc = 0;

    for (int64_t i = 0; i < n; i++)
        places += y[i].n;
    while (done < n_z && !rc) {
        const struct arena_mark mark = arena_mark(a);
        int64_t tokens = 0, k = 0;
        struct head_side *sides;

        do
            tokens += place_tokens(s, z[done + k++].n, y, n);
        while (done + k < n_z && tokens < PASS_TOKENS);
        sides = arena_alloc(a, (size_t)k * sizeof(*sides));
        if (!sides)
            return err_nomem(err, "to try prompts");
        memset(sides, 0, (size_t)k * sizeof(*sides));
        rc = run_prompts(sides, d, a, s, z + done, k, y, n, err);
        for (int64_t i = 0; i < k && !rc; i++)
            rc = of(self, &value[done + i], a, &sides[i], places, err);
        arena_rewind(a, mark);
        done += k;
    }
    return rc;
}

/* Rows of head, z, tail and an answer; the last row is head and z alone. */
static int
pack(struct answer_pass *p, struct decoder *d, struct arena *a,
     const struct prompt_place *s, const struct ids *z,
     const struct place_answer *y, int64_t n, trv_err *err)
{
    const struct place_row bare = {.head = s->at[0].head};
    struct answer_row *rows = arena_alloc(a, (size_t)(n + 1) * sizeof(*rows));

    if (!rows)
        return err_nomem(err, "for a gradient");
    for (int64_t i = 0; i <= n; i++) {
        const struct place_row *at = i < n ? &s->at[y[i].row] : &bare;

        rows[i] = (struct answer_row){0};
        rows[i].context = join(&rows[i].n_context, a, at, z);
        if (!rows[i].context)
            return err_nomem(err, "for a gradient");
        if (i < n) {
            rows[i].ids = y[i].ids;
            rows[i].n = y[i].n;
        }
    }
    return answer_pack(p, d, a, rows, n + 1, err);
}

/* The gradient of fluency * mean -log p0(z), at the hidden states before z. */
static int
add_fluency(struct mat d_hidden, struct decoder *d, struct arena *a,
            const struct answer_pass *p, int64_t n, struct mat hidden,
            const struct prompt_place *s, const struct ids *z, double fluency,
            trv_err *err)
{
    const int64_t from = s->at[0].head.n > 0 ? 0 : 1; // none before the first
    const int64_t told = z->n - from;
    int64_t *where;
    float *coef, *logp;

    if (fluency == 0.0 || told < 1)
        return 0;
    where = arena_alloc(a, (size_t)told * sizeof(*where));
    coef = arena_f32(a, told, 1);
    logp = arena_f32(a, told, 1);
    if (!where || !coef || !logp)
        return err_nomem(err, "for a gradient");
    for (int64_t i = 0; i < told; i++) {
        where[i] = p->at[n][s->at[0].head.n + from + i - 1];
        coef[i] = (float)(fluency / (double)told);
    }
    return head_logprobs(d, a, logp, NULL, (struct head_rows){hidden, where},
                         z->v + from, told, coef, d_hidden, err);
}

/* Rows whose heads differ hold z at several packed tokens: all add up. */
static int
collect(float *g, struct arena *a, const struct answer_pass *p,
        struct mat embeds, const struct prompt_place *s, const struct ids *z,
        const struct place_answer *y, int64_t n, trv_err *err)
{
    unsigned char *seen = arena_alloc(a, (size_t)p->b.T);
    const float *d_embeds = embeds.data;
    const int64_t C = embeds.cols;

    if (!seen || !d_embeds)
        return err_nomem(err, "for a gradient");
    memset(seen, 0, (size_t)p->b.T);
    memset(g, 0, (size_t)(z->n * C) * sizeof(*g));
    for (int64_t r = 0; r <= n; r++) {
        const int64_t head = s->at[r < n ? y[r].row : 0].head.n;

        for (int64_t i = 0; i < z->n; i++) {
            const int64_t t = p->at[r][head + i];

            for (int64_t c = 0; c < C && !seen[t]; c++)
                g[i * C + c] += d_embeds[t * C + c];
            seen[t] = 1;
        }
    }
    return 0;
}

int
place_gradient(float *g, struct decoder *d, struct arena *a,
               const struct prompt_place *s, const struct ids *z,
               const struct place_answer *y, int64_t n, double fluency,
               place_loss_fn loss, void *self, trv_err *err)
{
    const int64_t C = d->cfg->width;
    const struct arena_mark mark = arena_mark(a);
    struct saved save = {0};
    struct answer_pass p;
    struct mat hidden, dh;
    int rc = pack(&p, d, a, s, z, y, n, err);

    if (rc)
        goto done;
    save.d_embeds = tensor_f32(a, p.b.T, C);
    dh = mat_new(a, DT_F32, p.b.T, C);
    if (!save.d_embeds || !dh.data) {
        rc = err_nomem(err, "for a gradient");
        goto done;
    }
    d->be->ops->zero(d->be, mat_f32(save.d_embeds, p.b.T, C));
    d->be->ops->zero(d->be, dh);
    rc = decoder_forward(d, a, &hidden, &p.b, NULL, &save, err);
    if (!rc)
        rc = loss(self, a, (struct head_rows){hidden, p.where}, p.N, dh, err);
    if (!rc)
        rc = add_fluency(dh, d, a, &p, n, hidden, s, z, fluency, err);
    if (!rc)
        rc = decoder_backward(d, a, dh, &p.b, &save, err);
    if (!rc)
        rc = collect(g, a, &p,
                     backend_fetch(d->be, a, mat_f32(save.d_embeds, p.b.T, C)),
                     s, z, y, n, err);
done:
    arena_rewind(a, mark);
    return rc;
}

int
place_surprise(double *nats, int64_t *n_told, struct decoder *d,
               struct arena *a, const struct prompt_place *s,
               const struct ids *z, int64_t n_z, trv_err *err)
{
    const struct arena_mark mark = arena_mark(a);
    const struct place_row bare = {.head = s->at[0].head};
    const int64_t head = bare.head.n > 0 ? bare.head.n : 1;
    struct scored_row *rows = arena_alloc(a, (size_t)n_z * sizeof(*rows));
    float **logp = arena_alloc(a, (size_t)n_z * sizeof(*logp));
    int64_t *which = arena_alloc(a, (size_t)n_z * sizeof(*which));
    int64_t n = 0;
    int rc = 0;

    if (!rows || !logp || !which)
        rc = TRV_ENOMEM;
    for (int64_t i = 0; i < n_z && !rc; i++) {
        nats[i] = 0.0;
        n_told[i] = bare.head.n + z[i].n - head;
        if (n_told[i] < 1)
            continue;
        rows[n] = (struct scored_row){.n_context = head};
        rows[n].ids = join(&rows[n].n, a, &bare, &z[i]);
        logp[n] = arena_f32(a, n_told[i], 1);
        rc = rows[n].ids && logp[n] ? 0 : TRV_ENOMEM;
        which[n++] = i;
    }
    if (rc)
        rc = err_fail(err, rc, "no memory to score prompts");
    else if (n > 0)
        rc = engine_score(d, a, logp, rows, n, err);
    for (int64_t k = 0; k < n && !rc; k++)
        for (int64_t i = 0; i < n_told[which[k]]; i++)
            nats[which[k]] -= (double)logp[k][i];
    arena_rewind(a, mark);
    return rc;
}
