/* engine.c -- scoring and sampling of many rows. */
#include "model/sample/engine.h"

#include <string.h>

#include "model/decoder/head.h"
#include "model/decoder/pass.h"
#include "model/sample/sample_memo.h"

/* --- scoring --- */

static int
score_pass(struct decoder *d, struct arena *a, float *const *logp,
           const struct scored_row *rows, int64_t n_rows, trv_err *err)
{
    struct row *packed = arena_alloc(a, (size_t)n_rows * sizeof(*packed));
    const int64_t *const *at;
    struct batch b;
    struct mat hidden;
    int64_t *where, n = 0, k = 0;
    int32_t *target;
    float *flat;
    int rc;

    if (!packed)
        return err_fail(err, TRV_ENOMEM, "no memory to score rows");
    for (int64_t r = 0; r < n_rows; r++) {
        /* The last token predicts nothing that is asked. */
        packed[r] =
            (struct row){rows[r].ids, rows[r].n - 1, rows[r].adapter_weights};
        n += rows[r].n - rows[r].n_context;
    }
    where = arena_alloc(a, (size_t)n * sizeof(*where));
    target = arena_alloc(a, (size_t)n * sizeof(*target));
    flat = arena_f32(a, n, 1);
    if (!where || !target || !flat)
        return err_fail(err, TRV_ENOMEM, "no memory to score rows");
    rc = batch_pack(&b, &at, a, packed, n_rows, err);
    if (rc)
        return rc;
    for (int64_t r = 0; r < n_rows; r++)
        for (int64_t i = rows[r].n_context; i < rows[r].n; i++) {
            where[k] = at[r][i - 1];
            target[k++] = rows[r].ids[i];
        }
    rc = decoder_forward(d, a, &hidden, &b, NULL, NULL, err);
    if (!rc)
        rc = head_logprobs(d, a, flat, NULL, (struct head_rows){hidden, where},
                           target, n, NULL, (struct mat){0}, err);
    k = 0;
    for (int64_t r = 0; r < n_rows && !rc; r++) {
        const int64_t m = rows[r].n - rows[r].n_context;

        memcpy(logp[r], flat + k, (size_t)m * sizeof(*flat));
        k += m;
    }
    return rc;
}

int
engine_score(struct decoder *d, struct arena *a, float *const *logp,
             const struct scored_row *rows, int64_t n_rows, trv_err *err)
{
    int64_t done = 0;
    int rc = 0;

    while (done < n_rows && !rc) {
        const struct arena_mark mark = arena_mark(a);
        int64_t n = 0, tokens = 0;

        while (done + n < n_rows &&
               (n == 0 || tokens + rows[done + n].n <= ENGINE_TOKENS)) {
            TRV_ASSERT(rows[done + n].n_context >= 1 &&
                       rows[done + n].n > rows[done + n].n_context);
            tokens += rows[done + n++].n;
        }
        rc = score_pass(d, a, logp + done, rows + done, n, err);
        arena_rewind(a, mark);
        done += n;
    }
    return rc;
}

int
engine_score_contexts(struct arena *a, float *const *logp,
                      const struct answered *rows, int64_t n_rows, trv_err *err)
{
    int64_t done = 0;
    int rc = 0;

    while (done < n_rows && !rc) {
        const struct arena_mark mark = arena_mark(a);
        struct head_side side = {0};
        int64_t n = 1, places = rows[done].n;
        int32_t *target;
        float *flat;

        while (done + n < n_rows &&
               pass_tokens(rows + done, n + 1) <= ENGINE_TOKENS)
            places += rows[done + n++].n;
        target = arena_alloc(a, (size_t)places * sizeof(*target));
        flat = arena_f32(a, places, 1);
        if (!target || !flat)
            return err_fail(err, TRV_ENOMEM, "no memory to score rows");
        rc = pass_forward(&side, target, a, 1, rows + done, n, err);
        if (!rc)
            rc = head_score(a, flat, NULL, &side, target, places, err);
        places = 0;
        for (int64_t r = done; r < done + n && !rc; r++) {
            memcpy(logp[r], flat + places, (size_t)rows[r].n * sizeof(*flat));
            places += rows[r].n;
        }
        arena_rewind(a, mark);
        done += n;
    }
    return rc;
}

/* --- sampling ---
 *
 * A row has a lane in every part of its context; a track holds the lanes of one
 * decoder, with one cache. All lanes of a track go through it in one batch,
 * part by part, and the parts' logits meet in head_mix().
 */

/* One row in one part. */
struct sequence {
    struct attn_span *spans; // of the context, and one more for what is new
    int64_t n_spans;
    int64_t base; // first own slot in the cache
    int64_t n_context;
};

/* A row while it is being continued. */
struct live_row {
    int64_t index; // in the caller's list
    struct sequence *sequences;
    int32_t *ids;               // last part's context and the new tokens
    int64_t n_context, n, room; // room: for new tokens
    struct rng rng;
    double logp;
    float *logps; // [room], or NULL
};

struct model_rows {
    struct decoder *d;
    struct batch contexts;
    struct kv_cache cache;
    struct mat hidden;
    int64_t slots;
    int64_t n_parts, parts[CONDITIONING_MAX_PARTS]; // indices of the context's
};

struct sample_batch {
    const struct sampled_row *rows; // of this wave
    int64_t n, first;               // first: index of rows[0]
    const struct sample_options *opts;
    struct model_rows models[CONDITIONING_MAX_PARTS];
    int64_t n_tracks;
    struct head_side side;
    int64_t **where; // [parts][n]
    struct live_row *all, **live;
    int64_t left;
};

/* New tokens that a row may have. */
static int64_t
row_left(const struct sampled_row *row, const struct sample_options *opts)
{
    const int64_t room = conditioning_left(row->context);

    return opts->max_tokens < room ? opts->max_tokens : room;
}

/* Cache of a row in bytes. */
static double
row_cache(const struct sampled_row *row, const struct sample_options *opts)
{
    double bytes = 0.0;

    for (int64_t p = 0; p < row->context->n; p++) {
        const struct component *part = &row->context->parts[p];
        const struct model_config *cfg = part->d->cfg;

        bytes += (double)(part->n_ids + row_left(row, opts)) * 8.0 *
                 (double)(cfg->layers * cfg->kv_heads * cfg->head_dim);
    }
    return bytes;
}

/* Rows of the next wave: as many as the cache and the batch allow. */
static int64_t
sample_batch_rows(const struct sampled_row *rows, int64_t n,
                  const struct sample_options *opts)
{
    const int64_t most = opts->batch > 0 ? opts->batch : 64;
    double used = 0.0;
    int64_t k = 0;

    while (k < n && k < most &&
           (k == 0 || used + row_cache(&rows[k], opts) <= 0x1p30))
        used += row_cache(&rows[k++], opts);
    return k;
}

/* Tracks and the parts' place in them; lanes still empty. */
static int
sample_batch_plan(struct sample_batch *w, struct arena *a)
{
    const struct context *first = w->rows[0].context;

    w->side.n = first->n;
    w->side.parts = arena_alloc(a, (size_t)first->n * sizeof(*w->side.parts));
    w->where = arena_alloc(a, (size_t)first->n * sizeof(*w->where));
    w->all = arena_alloc(a, (size_t)w->n * sizeof(*w->all));
    w->live = arena_alloc(a, (size_t)w->n * sizeof(*w->live));
    if (!w->side.parts || !w->where || !w->all || !w->live)
        return TRV_ENOMEM;
    for (int64_t p = 0; p < first->n; p++) {
        struct decoder *d = first->parts[p].d;
        int64_t t = 0;

        while (t < w->n_tracks && w->models[t].d != d)
            t++;
        if (t == w->n_tracks)
            w->models[w->n_tracks++].d = d;
        w->models[t].parts[w->models[t].n_parts++] = p;
        w->where[p] = arena_alloc(a, (size_t)w->n * sizeof(**w->where));
        if (!w->where[p])
            return TRV_ENOMEM;
        w->side.parts[p] = (struct head_part){
            .d = d, .at = w->where[p], .weight = first->parts[p].weight};
    }
    for (int64_t i = 0; i < w->n; i++) {
        const struct context *c = w->rows[i].context;
        const struct component *last = &c->parts[c->n - 1];
        struct live_row *r = &w->all[i];

        TRV_ASSERT(c->n == first->n);
        *r = (struct live_row){.index = w->first + i,
                               .n = last->n_ids,
                               .n_context = last->n_ids,
                               .room = row_left(&w->rows[i], w->opts)};
        r->sequences = arena_alloc(a, (size_t)c->n * sizeof(*r->sequences));
        r->ids = arena_alloc(a, (size_t)(r->n + r->room) * sizeof(*r->ids));
        if (w->opts->want_logps)
            r->logps = arena_f32(a, r->room, 1);
        if (!r->sequences || !r->ids || (w->opts->want_logps && !r->logps))
            return TRV_ENOMEM;
        memcpy(r->ids, last->ids, (size_t)last->n_ids * sizeof(*r->ids));
        rng_init(&r->rng, w->opts->seed, w->rows[i].stream);
        w->live[i] = r;
    }
    w->left = w->n;
    return 0;
}

/* Pack all contexts of a track, and lay out its cache. */
static int
model_rows_pack(struct model_rows *t, struct sample_batch *w, struct arena *a,
                trv_err *err)
{
    const int64_t n = t->n_parts * w->n;
    struct row *packed = arena_alloc(a, (size_t)n * sizeof(*packed));
    const int64_t *const *at;
    int64_t k = 0;
    int rc;

    if (!packed)
        return err_fail(err, TRV_ENOMEM, "no memory to sample");
    for (int64_t p = 0; p < t->n_parts; p++)
        for (int64_t i = 0; i < w->n; i++) {
            const struct component *part =
                &w->rows[i].context->parts[t->parts[p]];

            TRV_ASSERT(part->d == t->d);
            packed[k++] =
                (struct row){part->ids, part->n_ids, part->adapter_weights};
        }
    rc = batch_pack(&t->contexts, &at, a, packed, n, err);
    if (rc)
        return rc;
    t->slots = t->contexts.T;
    k = 0;
    for (int64_t p = 0; p < t->n_parts; p++)
        for (int64_t i = 0; i < w->n; i++, k++) {
            struct sequence *sequence = &w->all[i].sequences[t->parts[p]];

            sequence->n_context = packed[k].n;
            sequence->n_spans = batch_count_spans(at[k], packed[k].n);
            sequence->spans = arena_alloc(a, (size_t)(sequence->n_spans + 1) *
                                                 sizeof(*sequence->spans));
            if (!sequence->spans)
                return err_fail(err, TRV_ENOMEM, "no memory to sample a row");
            batch_fill_spans(sequence->spans, at[k], packed[k].n);
            sequence->base = t->slots;
            t->slots += w->all[i].room;
            w->where[t->parts[p]][i] = at[k][packed[k].n - 1];
        }
    return kv_cache_open(&t->cache, t->d->be, t->d->cfg, t->slots, err);
}

/* One step of a track: the newest token of each live row in each part. */
static int
model_rows_step(struct model_rows *t, struct sample_batch *w, struct arena *a,
                trv_err *err)
{
    const int64_t n = t->n_parts * w->left;
    int32_t *ids = arena_alloc(a, (size_t)n * sizeof(*ids));
    int32_t *pos = arena_alloc(a, (size_t)n * sizeof(*pos));
    int64_t *slots = arena_alloc(a, (size_t)n * sizeof(*slots));
    struct attn_seg *segs = arena_alloc(a, (size_t)n * sizeof(*segs));
    struct batch_group *groups = arena_alloc(a, (size_t)n * sizeof(*groups));
    struct batch b = {.T = n,
                      .ids = ids,
                      .pos = pos,
                      .slots = slots,
                      .n_segs = n,
                      .segs = segs,
                      .groups = groups};
    int64_t k = 0;

    if (!ids || !pos || !slots || !segs || !groups)
        return err_fail(err, TRV_ENOMEM, "no memory to sample");
    for (int64_t p = 0; p < t->n_parts; p++)
        for (int64_t i = 0; i < w->left; i++, k++) {
            struct live_row *r = w->live[i];
            struct sequence *sequence = &r->sequences[t->parts[p]];
            const int64_t fresh = r->n - r->n_context; // >= 1
            const struct adapter_weights *adapter_weights =
                w->rows[r->index - w->first]
                    .context->parts[t->parts[p]]
                    .adapter_weights;

            ids[k] = r->ids[r->n - 1];
            pos[k] = (int32_t)(sequence->n_context + fresh - 1);
            slots[k] = sequence->base + fresh - 1;
            sequence->spans[sequence->n_spans] =
                (struct attn_span){sequence->base, fresh};
            segs[k] =
                (struct attn_seg){k, 1, sequence->n_spans + 1, sequence->spans};
            if (b.n_groups == 0 ||
                groups[b.n_groups - 1].adapter_weights != adapter_weights)
                groups[b.n_groups++] =
                    (struct batch_group){k, 0, adapter_weights};
            groups[b.n_groups - 1].n++;
            w->where[t->parts[p]][i] = k;
        }
    return decoder_forward(t->d, a, &t->hidden, &b, &t->cache, NULL, err);
}

/* Draw one token for each live row from the mixed distribution. */
static int
draw(struct sample_batch *w, struct arena *a, int32_t *ids, double *logp,
     trv_err *err)
{
    const int64_t n = w->left;
    struct decoder *d = w->side.parts[0].d;
    struct mat logits = mat_new(a, DT_F32, n, d->cfg->vocab);
    const int32_t **seen = arena_alloc(a, (size_t)n * sizeof(*seen));
    int64_t *n_seen = arena_alloc(a, (size_t)n * sizeof(*n_seen));
    struct rng **rng = arena_alloc(a, (size_t)n * sizeof(*rng));
    int rc;

    if (!logits.data || !seen || !n_seen || !rng)
        return err_fail(err, TRV_ENOMEM, "no memory to sample");
    for (int64_t i = 0; i < n; i++) {
        seen[i] = w->live[i]->ids;
        n_seen[i] = w->live[i]->n;
        rng[i] = &w->live[i]->rng;
    }
    for (int64_t t = 0; t < w->n_tracks; t++)
        for (int64_t p = 0; p < w->models[t].n_parts; p++)
            w->side.parts[w->models[t].parts[p]].hidden = w->models[t].hidden;
    rc = head_mix(a, logits, &w->side, n, err);
    if (!rc)
        rc = sampler_draw(d->be, a, ids, logp, logits, seen, n_seen, rng,
                          &w->opts->sampling, err);
    return rc;
}

/* Append drawn tokens; rows that end leave the list. */
static void
take_tokens(struct sample_batch *w, struct sample_out *out, const int32_t *ids,
            const double *logp)
{
    const struct model *model = w->side.parts[0].d->model;
    const struct sample_options *opts = w->opts;
    int64_t left = 0;

    for (int64_t i = 0; i < w->left; i++) {
        struct live_row *r = w->live[i];
        const bool eos = !opts->ignore_eos && model_ends_text(model, ids[i]);
        bool more = !eos;

        if (r->logps)
            r->logps[r->n - r->n_context] = (float)logp[i];
        r->ids[r->n++] = ids[i];
        r->logp += logp[i];
        out[r->index].finish = eos ? FINISH_EOS : FINISH_LENGTH;
        if (!eos && opts->on_token &&
            !opts->on_token(opts->payload, r->index, ids[i])) {
            out[r->index].finish = FINISH_STOPPED;
            more = false;
        }
        if (more && r->n - r->n_context < r->room)
            w->live[left++] = r;
    }
    w->left = left;
}

static int
hand_out(struct sample_out *out, const struct live_row *r, trv_err *err)
{
    out->n = r->n - r->n_context;
    out->logp = r->logp;
    out->ids = mem_array((size_t)out->n, sizeof(*out->ids));
    if (!out->ids)
        return err_fail(err, TRV_ENOMEM, "no memory for a sample");
    memcpy(out->ids, r->ids + r->n_context, (size_t)out->n * sizeof(*out->ids));
    if (!r->logps)
        return 0;
    out->logps = mem_array((size_t)out->n, sizeof(*out->logps));
    if (!out->logps)
        return err_fail(err, TRV_ENOMEM, "no memory for a sample");
    memcpy(out->logps, r->logps, (size_t)out->n * sizeof(*out->logps));
    return 0;
}

static int
sample_batch_run(struct sample_batch *w, struct arena *a,
                 struct sample_out *out, int64_t *tokens, trv_err *err)
{
    int32_t *ids = arena_alloc(a, (size_t)w->n * sizeof(*ids));
    double *logp = arena_alloc(a, (size_t)w->n * sizeof(*logp));
    struct arena_mark mark;
    int rc = 0;

    if (!ids || !logp || sample_batch_plan(w, a))
        return err_fail(err, TRV_ENOMEM, "no memory to sample");
    for (int64_t t = 0; t < w->n_tracks && !rc; t++)
        rc = model_rows_pack(&w->models[t], w, a, err);
    mark = arena_mark(a); // what a step carves dies with it
    for (int64_t t = 0; t < w->n_tracks && !rc; t++)
        rc = decoder_forward(w->models[t].d, a, &w->models[t].hidden,
                             &w->models[t].contexts, &w->models[t].cache, NULL,
                             err);
    while (w->left > 0 && !rc) {
        rc = draw(w, a, ids, logp, err);
        if (rc)
            break;
        *tokens += w->left;
        take_tokens(w, out, ids, logp);
        arena_rewind(a, mark);
        if (w->opts->on_progress &&
            !w->opts->on_progress(w->opts->payload, w->first + w->n - w->left,
                                  *tokens))
            rc = err_fail(err, TRV_ECANCELED, "sampling was stopped");
        for (int64_t t = 0; t < w->n_tracks && w->left > 0 && !rc; t++)
            rc = model_rows_step(&w->models[t], w, a, err);
    }
    for (int64_t i = 0; i < w->n && !rc; i++)
        rc = hand_out(&out[w->all[i].index], &w->all[i], err);
    for (int64_t t = 0; t < w->n_tracks; t++)
        kv_cache_release(&w->models[t].cache);
    return rc;
}

int
engine_sample_contexts(struct arena *a, struct sample_out *out,
                       const struct sampled_row *rows, int64_t n_rows,
                       const struct sample_options *opts, trv_err *err)
{
    int64_t done = 0, tokens = 0;
    int rc = sampling_check(&opts->sampling, err);

    TRV_ASSERT(opts->max_tokens >= 1);
    memset(out, 0, (size_t)n_rows * sizeof(*out));
    for (int64_t r = 0; r < n_rows && !rc; r++) {
        const struct context *c = rows[r].context;

        for (int64_t p = 0; p < c->n && !rc; p++)
            if (c->parts[p].n_ids < 1)
                rc = err_fail(err, TRV_EINVAL,
                              "cannot continue an empty prompt: the tokenizer "
                              "has no token that begins a text");
            else if (c->parts[p].n_ids >= c->parts[p].d->cfg->context)
                rc = err_fail(err, TRV_ETOOLONG,
                              "a prompt of %lld tokens leaves no room in the "
                              "context of %lld",
                              (long long)c->parts[p].n_ids,
                              (long long)c->parts[p].d->cfg->context);
    }
    while (done < n_rows && !rc) {
        const struct arena_mark mark = arena_mark(a);
        struct sample_batch w = {
            .rows = rows + done,
            .n = sample_batch_rows(rows + done, n_rows - done, opts),
            .first = done,
            .opts = opts};
        struct sample_kept kept;
        bool found;

        rc =
            sample_memo_take(&found, &kept, out + done, w.rows, w.n, opts, err);
        for (int64_t i = 0; i < w.n && !rc && found; i++)
            tokens += out[done + i].n;
        if (!rc && found && opts->on_progress &&
            !opts->on_progress(opts->payload, done + w.n, tokens))
            rc = err_fail(err, TRV_ECANCELED, "sampling was stopped");
        if (!rc && !found)
            rc = sample_batch_run(&w, a, out, &tokens, err);
        if (!rc && !found)
            rc = sample_memo_put(&kept, out + done, w.rows, w.n, opts, err);
        arena_rewind(a, mark);
        done += w.n;
    }
    if (rc)
        for (int64_t r = 0; r < n_rows; r++) {
            mem_free(out[r].ids);
            mem_free(out[r].logps);
            out[r] = (struct sample_out){0};
        }
    return rc;
}

int
engine_sample(struct decoder *d, struct arena *a, struct sample_out *out,
              const struct sample_row *rows, int64_t n_rows,
              const struct sample_options *opts, trv_err *err)
{
    const struct arena_mark mark = arena_mark(a);
    struct sampled_row *list = arena_alloc(a, (size_t)n_rows * sizeof(*list));
    struct context *contexts =
        arena_alloc(a, (size_t)n_rows * sizeof(*contexts));
    struct component *parts = arena_alloc(a, (size_t)n_rows * sizeof(*parts));
    int rc;

    if (!list || !contexts || !parts)
        return err_fail(err, TRV_ENOMEM, "no memory to sample");
    for (int64_t r = 0; r < n_rows; r++) {
        parts[r] = (struct component){d, rows[r].adapter_weights, rows[r].ids,
                                      rows[r].n, 1.0};
        contexts[r] = (struct context){&parts[r], 1, NULL};
        list[r] = (struct sampled_row){&contexts[r], rows[r].stream};
    }
    rc = engine_sample_contexts(a, out, list, n_rows, opts, err);
    arena_rewind(a, mark);
    return rc;
}
