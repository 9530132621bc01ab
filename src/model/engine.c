/* engine.c -- scoring and sampling of many rows. */
#include "model/engine.h"

#include <string.h>

#include "model/head.h"

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
        packed[r] = (struct row){rows[r].ids, rows[r].n - 1, rows[r].lora};
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

/* --- sampling --- */

/* A row while it is being continued. */
struct live_row {
    int64_t index;           // in the caller's list
    struct attn_span *spans; // of the context, and one more for what is new
    int64_t n_spans;
    int64_t base; // first own slot in the cache
    int32_t *ids; // context and new tokens
    int64_t n_context, n, limit;
    struct rng rng;
    double logp;
};

/* Where a row ends at the latest; its context is shorter than the model's. */
static int64_t
row_limit(const struct decoder *d, const struct sample_row *row,
          const struct sample_options *opts)
{
    const int64_t room = d->cfg->context - row->n;

    return row->n + (opts->max_tokens < room ? opts->max_tokens : room);
}

/* Rows of the next wave: as many as the cache and the batch allow. */
static int64_t
wave_rows(const struct decoder *d, const struct sample_row *rows, int64_t n,
          const struct sample_options *opts)
{
    const int64_t per_slot =
        2 * d->cfg->layers * d->cfg->kv_heads * d->cfg->head_dim * 4;
    const int64_t slots = ((int64_t)1 << 30) / per_slot; // 1 GiB of cache
    const int64_t most = opts->batch > 0 ? opts->batch : 64;
    int64_t k = 0, used = 0;

    while (k < n && k < most &&
           (k == 0 || used + row_limit(d, &rows[k], opts) <= slots))
        used += row_limit(d, &rows[k++], opts);
    return k;
}

static int
start_row(struct live_row *live, struct arena *a, const struct decoder *d,
          const struct sample_row *row, int64_t index, const int64_t *path,
          const struct sample_options *opts, trv_err *err)
{
    *live = (struct live_row){.index = index,
                              .n = row->n,
                              .n_context = row->n,
                              .limit = row_limit(d, row, opts),
                              .n_spans = batch_count_spans(path, row->n)};
    live->spans = arena_alloc(a, (size_t)(live->n_spans + 1) *
                                     sizeof(*live->spans)); // and its own
    live->ids = arena_alloc(a, (size_t)live->limit * sizeof(*live->ids));
    if (!live->spans || !live->ids)
        return err_fail(err, TRV_ENOMEM, "no memory to sample a row");
    batch_fill_spans(live->spans, path, row->n);
    memcpy(live->ids, row->ids, (size_t)row->n * sizeof(*live->ids));
    rng_init(&live->rng, opts->seed, row->stream);
    return 0;
}

/* Draw one token for each live row from its hidden state. */
static int
draw(struct decoder *d, struct arena *a, int32_t *ids, double *logp,
     struct head_rows x, struct live_row *const *live, int64_t n,
     const struct sampling *s, trv_err *err)
{
    struct mat logits = mat_new(a, DT_F32, n, d->cfg->vocab);
    const int32_t **seen = arena_alloc(a, (size_t)n * sizeof(*seen));
    int64_t *n_seen = arena_alloc(a, (size_t)n * sizeof(*n_seen));
    struct rng **rng = arena_alloc(a, (size_t)n * sizeof(*rng));
    int rc;

    if (!logits.data || !seen || !n_seen || !rng)
        return err_fail(err, TRV_ENOMEM, "no memory to sample");
    for (int64_t i = 0; i < n; i++) {
        seen[i] = live[i]->ids;
        n_seen[i] = live[i]->n;
        rng[i] = &live[i]->rng;
    }
    rc = head_logits(d, a, logits, x, n, err);
    if (!rc)
        rc = sampler_draw(d->be, a, ids, logp, logits, seen, n_seen, rng, s,
                          err);
    return rc;
}

/* Append drawn tokens; rows that end leave the list. Returns rows left. */
static int64_t
take_tokens(struct decoder *d, struct live_row **live, int64_t n,
            const int32_t *ids, const double *logp, struct sample_out *out,
            const struct sample_options *opts)
{
    int64_t left = 0;

    for (int64_t i = 0; i < n; i++) {
        struct live_row *r = live[i];
        const bool eos = !opts->ignore_eos && model_ends_text(d->model, ids[i]);
        bool more = !eos;

        r->ids[r->n++] = ids[i];
        r->logp += logp[i];
        out[r->index].finish = eos ? FINISH_EOS : FINISH_LENGTH;
        if (!eos && opts->on_token &&
            !opts->on_token(opts->payload, r->index, ids[i])) {
            out[r->index].finish = FINISH_STOPPED;
            more = false;
        }
        if (more && r->n < r->limit)
            live[left++] = r;
    }
    return left;
}

/* One step: the newest token of each live row, one query each. */
static int
step_forward(struct decoder *d, struct arena *a, struct mat *hidden,
             struct kv_cache *cache, struct live_row *const *live, int64_t n,
             const struct sample_row *rows, trv_err *err)
{
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

    if (!ids || !pos || !slots || !segs || !groups)
        return err_fail(err, TRV_ENOMEM, "no memory to sample");
    for (int64_t i = 0; i < n; i++) {
        struct live_row *r = live[i];
        const int64_t fresh = r->n - r->n_context; // >= 1
        const struct lora *lora = rows[r->index].lora;

        ids[i] = r->ids[r->n - 1];
        pos[i] = (int32_t)(r->n - 1);
        slots[i] = r->base + fresh - 1;
        r->spans[r->n_spans] = (struct attn_span){r->base, fresh};
        segs[i] = (struct attn_seg){i, 1, r->n_spans + 1, r->spans};
        if (b.n_groups == 0 || groups[b.n_groups - 1].lora != lora)
            groups[b.n_groups++] = (struct batch_group){i, 0, lora};
        groups[b.n_groups - 1].n++;
    }
    return decoder_forward(d, a, hidden, &b, cache, NULL, err);
}

static int
sample_wave(struct decoder *d, struct arena *a, struct sample_out *out,
            const struct sample_row *rows, int64_t from, int64_t n,
            int64_t *tokens, const struct sample_options *opts, trv_err *err)
{
    struct row *packed = arena_alloc(a, (size_t)n * sizeof(*packed));
    struct live_row *all = arena_alloc(a, (size_t)n * sizeof(*all));
    struct live_row **live = arena_alloc(a, (size_t)n * sizeof(*live));
    int64_t *where = arena_alloc(a, (size_t)n * sizeof(*where));
    int32_t *ids = arena_alloc(a, (size_t)n * sizeof(*ids));
    double *logp = arena_alloc(a, (size_t)n * sizeof(*logp));
    struct kv_cache cache = {0};
    const int64_t *const *at;
    struct arena_mark mark;
    struct mat hidden;
    struct batch b;
    int64_t slots, left = n;
    int rc;

    if (!packed || !all || !live || !where || !ids || !logp)
        return err_fail(err, TRV_ENOMEM, "no memory to sample");
    for (int64_t i = 0; i < n; i++)
        packed[i] = (struct row){rows[from + i].ids, rows[from + i].n,
                                 rows[from + i].lora};
    rc = batch_pack(&b, &at, a, packed, n, err);
    if (rc)
        return rc;
    slots = b.T;
    for (int64_t i = 0; i < n && !rc; i++) {
        rc = start_row(&all[i], a, d, &rows[from + i], from + i, at[i], opts,
                       err);
        all[i].base = slots;
        slots += all[i].limit - all[i].n_context;
        live[i] = &all[i];
        where[i] = at[i][rows[from + i].n - 1];
    }
    if (!rc)
        rc = kv_cache_open(&cache, d->cfg, slots, err);
    mark = arena_mark(a);
    if (!rc)
        rc = decoder_forward(d, a, &hidden, &b, &cache, NULL, err);
    while (left > 0 && !rc) {
        rc = draw(d, a, ids, logp, (struct head_rows){hidden, where}, live,
                  left, &opts->sampling, err);
        if (rc)
            break;
        *tokens += left;
        left = take_tokens(d, live, left, ids, logp, out, opts);
        arena_rewind(a, mark);
        if (opts->on_progress &&
            !opts->on_progress(opts->payload, from + n - left, *tokens))
            rc = err_fail(err, TRV_ECANCELED, "sampling was stopped");
        if (left > 0 && !rc)
            rc = step_forward(d, a, &hidden, &cache, live, left, rows, err);
        for (int64_t i = 0; i < left; i++)
            where[i] = i;
    }
    for (int64_t i = 0; i < n && !rc; i++) {
        struct sample_out *o = &out[all[i].index];

        o->n = all[i].n - all[i].n_context;
        o->logp = all[i].logp;
        o->ids = mem_array((size_t)o->n, sizeof(*o->ids));
        if (!o->ids)
            rc = err_fail(err, TRV_ENOMEM, "no memory for a sample");
        else
            memcpy(o->ids, all[i].ids + all[i].n_context,
                   (size_t)o->n * sizeof(*o->ids));
    }
    kv_cache_release(&cache);
    return rc;
}

int
engine_sample(struct decoder *d, struct arena *a, struct sample_out *out,
              const struct sample_row *rows, int64_t n_rows,
              const struct sample_options *opts, trv_err *err)
{
    int64_t done = 0, tokens = 0;
    int rc = sampling_check(&opts->sampling, err);

    TRV_ASSERT(opts->max_tokens >= 1);
    memset(out, 0, (size_t)n_rows * sizeof(*out));
    for (int64_t r = 0; r < n_rows && !rc; r++) {
        if (rows[r].n < 1)
            rc = err_fail(err, TRV_EINVAL,
                          "cannot continue an empty prompt: the tokenizer has "
                          "no token that begins a text");
        else if (rows[r].n >= d->cfg->context)
            rc = err_fail(err, TRV_ETOOLONG,
                          "a prompt of %lld tokens leaves no room in the "
                          "context of %lld",
                          (long long)rows[r].n, (long long)d->cfg->context);
    }
    while (done < n_rows && !rc) {
        const struct arena_mark mark = arena_mark(a);
        const int64_t n = wave_rows(d, rows + done, n_rows - done, opts);

        rc = sample_wave(d, a, out, rows, done, n, &tokens, opts, err);
        arena_rewind(a, mark);
        done += n;
    }
    if (rc)
        for (int64_t r = 0; r < n_rows; r++) {
            mem_free(out[r].ids);
            out[r] = (struct sample_out){0};
        }
    return rc;
}
