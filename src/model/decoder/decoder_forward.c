/* decoder_forward.c -- hidden states of packed rows.
 *
 * One residual stream x [T,C] runs through the layers. When a backward pass
 * will follow, each layer's input and middle are copied out before they are
 * added to, and the wide intermediates lie in memory that stays; otherwise one
 * layer's worth of memory serves all.
 */
#include "model/decoder/decoder.h"

#include <math.h>

#include "model/files/checkpoint.h"

/* Working memory of one layer. */
struct layer_scratch {
    struct mat n;    // [T,C] act_type: what enters a product
    struct mat qkv;  // [T,Q] f32
    struct mat attn; // [T,H*D] act_type
    struct mat u;    // [T,F or 2F] f32
    struct mat h;    // [T,F] act_type
    struct mat x;    // [T,C] f32: what entered a layer of parallel halves
    struct mat file; // [T,Q] f32: q, k, v in the order of the file's rows
};

int64_t
decoder_up_width(const struct model_config *cfg)
{
    return cfg->gated ? 2 * cfg->mlp_width : cfg->mlp_width;
}

int64_t
decoder_qkv_width(const struct model_config *cfg)
{
    return (cfg->heads + 2 * cfg->kv_heads) * cfg->head_dim;
}

static bool
has_parallel(const struct model_config *cfg)
{
    for (int i = 0; i < LAYER_KINDS_MAX; i++)
        if (cfg->kinds[i].parallel)
            return true;
    return false;
}

static bool
scratch_new(struct layer_scratch *r, struct arena *a, const struct decoder *d,
            int64_t T)
{
    const struct model_config *cfg = d->cfg;
    const enum dtype act = d->be->act_type;

    r->n = mat_new(a, act, T, cfg->width);
    r->qkv = mat_new(a, DT_F32, T, decoder_qkv_width(cfg));
    r->attn = mat_new(a, act, T, cfg->heads * cfg->head_dim);
    r->u = mat_new(a, DT_F32, T, decoder_up_width(cfg));
    r->h = mat_new(a, act, T, cfg->mlp_width);
    r->x = mat_new(a, DT_F32, has_parallel(cfg) ? T : 0, cfg->width);
    r->file = mat_new(a, DT_F32, cfg->qkv_by_head ? T : 0, r->qkv.cols);
    return r->n.data && r->qkv.data && r->attn.data && r->u.data && r->h.data &&
           r->x.data && r->file.data;
}

struct dec_linear *
decoder_map(const struct decoder *d, int64_t layer, enum dec_map map)
{
    struct dec_layer *l = &d->layers[layer];
    struct dec_linear *const maps[DEC_MAPS] = {&l->qkv, &l->o, &l->up,
                                               &l->down};

    return maps[map];
}

/* The largest rank that a map's low-rank terms have in this batch. */
static int64_t
map_rank(const struct decoder *d, const struct batch *b, int64_t layer,
         enum dec_map map)
{
    const struct dec_linear *l = decoder_map(d, layer, map);
    int64_t rank = 0;

    for (int64_t g = 0; g < b->n_groups; g++) {
        const struct lora_stack s =
            lora_stack_of(adapter_weights_lora(b->groups[g].adapter_weights),
                          d->cfg, layer, l->parts, l->lin.n_parts);

        if (s.rank > rank)
            rank = s.rank;
    }
    return rank;
}

int64_t
decoder_bottleneck_size(const struct batch *b, int64_t layer,
                        enum bottleneck_place place)
{
    int64_t size = 0;

    for (int64_t g = 0; g < b->n_groups; g++) {
        struct bottleneck_site s;

        if (adapter_weights_bottleneck(&s, b->groups[g].adapter_weights, layer,
                                       place) &&
            s.size > size)
            size = s.size;
    }
    return size;
}

/* What the norms of q and k and those after the sublayers keep. */
static bool
saved_norms(struct saved_layer *sl, struct arena *a,
            const struct model_config *cfg, int64_t layer, int64_t T)
{
    const int64_t spans = decoder_qk_spans(cfg, layer);
    bool ok = true;

    if (spans > 0) {
        sl->qk_raw =
            tensor_f32(a, T, (cfg->heads + cfg->kv_heads) * cfg->head_dim);
        sl->qk_stats = tensor_f32(a, T, spans * 2);
        ok = sl->qk_raw && sl->qk_stats;
    }
    if (config_layer(cfg, layer)->norm_out) {
        sl->y1 = tensor_f32(a, T, cfg->width);
        sl->y2 = tensor_f32(a, T, cfg->width);
        sl->out1 = tensor_f32(a, T, 2);
        sl->out2 = tensor_f32(a, T, 2);
        ok = ok && sl->y1 && sl->y2 && sl->out1 && sl->out2;
    }
    return ok;
}

static bool
saved_new(struct saved *s, struct arena *a, const struct decoder *d,
          const struct batch *b)
{
    const struct model_config *cfg = d->cfg;
    const int64_t T = b->T;
    bool ok;

    s->layers = arena_alloc(a, (size_t)cfg->layers * sizeof(*s->layers));
    s->x_out = tensor_f32(a, T, cfg->width);
    s->stats = tensor_f32(a, T, 2);
    ok = s->layers && s->x_out && s->stats;
    for (int64_t l = 0; l < cfg->layers && ok; l++) {
        struct saved_layer *sl = &s->layers[l];

        *sl = (struct saved_layer){
            .x_in = tensor_f32(a, T, cfg->width),
            .x_mid = tensor_f32(a, T, cfg->width),
            .stats1 = tensor_f32(a, T, 2),
            .stats2 = tensor_f32(a, T, 2),
            .qkv = tensor_f32(a, T, decoder_qkv_width(cfg)),
            .lse = tensor_f32(a, T, cfg->heads),
            .attn = mat_new(a, d->be->act_type, T, cfg->heads * cfg->head_dim),
            .u = mat_new(a, d->be->act_type, T, decoder_up_width(cfg)),
        };
        ok = sl->x_in && sl->x_mid && sl->stats1 && sl->stats2 && sl->qkv &&
             sl->lse && sl->attn.data && sl->u.data;
        ok = ok && saved_norms(sl, a, cfg, l, T);
        for (int m = 0; m < DEC_MAPS && ok; m++) {
            const int64_t rank = map_rank(d, b, l, (enum dec_map)m);

            if (rank > 0) {
                sl->xa[m] = mat_new(a, d->be->act_type, T, rank);
                ok = sl->xa[m].data != NULL;
            }
            if (ok &&
                decoder_has_dora(b, l, decoder_map(d, l, (enum dec_map)m))) {
                sl->v[m] = mat_new(a, DT_F32, T,
                                   decoder_map(d, l, (enum dec_map)m)->lin.out);
                ok = sl->v[m].data != NULL;
            }
        }
        for (int p = 0; p < BOTTLENECK_PLACES && ok; p++) {
            const int64_t size =
                decoder_bottleneck_size(b, l, (enum bottleneck_place)p);

            if (size > 0) {
                sl->m[p] = mat_new(a, d->be->act_type, T, cfg->width);
                sl->z[p] = mat_new(a, DT_F32, T, size);
                ok = sl->m[p].data && sl->z[p].data;
            }
        }
    }
    return ok;
}

/* Does the group that token t runs in have the virtual token that `id` names?
 */
static bool
has_virtual(const struct batch *b, int64_t t, int32_t id)
{
    for (int64_t g = 0; g < b->n_groups; g++) {
        const struct batch_group *group = &b->groups[g];

        if (t >= group->t0 && t < group->t0 + group->n)
            return VIRTUAL_INDEX(id) <
                   adapter_weights_virtual_count(group->adapter_weights);
    }
    return false;
}

static int
check_batch(const struct decoder *d, const struct batch *b, int32_t *top_pos,
            trv_err *err)
{
    *top_pos = 0;
    for (int64_t t = 0; t < b->T; t++) {
        if (b->ids[t] >= d->cfg->vocab ||
            (b->ids[t] < 0 && !has_virtual(b, t, b->ids[t])))
            return err_fail(err, TRV_ERANGE,
                            "token id %d is outside the model's vocabulary of "
                            "%lld",
                            b->ids[t], (long long)d->cfg->vocab);
        if (b->pos[t] > *top_pos)
            *top_pos = b->pos[t];
    }
    if (*top_pos >= d->cfg->context)
        return err_fail(err, TRV_ETOOLONG,
                        "%lld tokens do not fit the model's context of %lld",
                        (long long)*top_pos + 1, (long long)d->cfg->context);
    return 0;
}

/* Do queries turn by tables of their own, which lie behind those of keys? */
static bool
grows(const struct model_config *cfg)
{
    return cfg->n_ropes > 0 && cfg->ropes[0].growth > 0.0;
}

static int
need_rope_table(struct decoder *d, int32_t top_pos, trv_err *err)
{
    const int64_t D = d->cfg->head_dim;
    int64_t n = d->n_cos_sin ? d->n_cos_sin : 512;
    float *table, *host;
    struct backend *be = d->be;
    const int n_tables = d->cfg->n_ropes * (grows(d->cfg) ? 2 : 1);
    size_t bytes;

    if (n_tables == 0 || top_pos < d->n_cos_sin)
        return 0;
    while (n <= top_pos)
        n *= 2;
    if (n > d->cfg->context)
        n = d->cfg->context;
    bytes = (size_t)n * (size_t)n_tables * (size_t)D * sizeof(float);
    host = mem_alloc(bytes);
    table = be->ops->is_host ? host : be->ops->mem_alloc(be, bytes);
    if (!host || !table) {
        if (table != host)
            be->ops->mem_free(be, table);
        mem_free(host);
        return err_fail(err, TRV_ENOMEM, "no memory for %lld positions",
                        (long long)n);
    }
    for (int i = 0; i < n_tables; i++) {
        const struct rope *r = &d->cfg->ropes[i % d->cfg->n_ropes];

        rope_table(host + i * n * D, r, D, n);
        if (i >= d->cfg->n_ropes)
            rope_grow(host + i * n * D, r, D, n);
    }
    be->ops->upload(be, table, host, bytes);
    if (table != host)
        mem_free(host);
    be->ops->mem_free(be, d->cos_sin);
    d->cos_sin = table;
    d->n_cos_sin = n;
    return 0;
}

/* The embeddings of a group's virtual tokens. A prefix has none: no one looks
 * at what its tokens compute. */
static void
embed_virtual(const struct decoder *d, struct mat x, const struct batch *b)
{
    const struct backend_ops *ops = d->be->ops;

    for (int64_t g = 0; g < b->n_groups; g++) {
        const struct batch_group *group = &b->groups[g];
        const struct virtual_tokens *v =
            adapter_weights_virtual(group->adapter_weights, VIRTUAL_SOFT);

        for (int64_t t = group->t0; t < group->t0 + group->n; t++) {
            const struct mat row = mat_part(x, t, 1, 0, x.cols);

            if (b->ids[t] < 0 && v)
                ops->copy(d->be, row,
                          mat_f32(v->w + VIRTUAL_INDEX(b->ids[t]) * v->width, 1,
                                  x.cols));
            else if (b->ids[t] < 0)
                ops->zero(d->be, row);
        }
    }
}

float
decoder_embed_scale(const struct decoder *d)
{
    const float scale = config_factor(d->cfg->embed_scale);

    return d->be->act_type == DT_BF16 ? bf16_to_f32(bf16_from_f32(scale))
                                      : scale;
}

/* x [T,C] = rows ids of a table: the trained one [n,C], where there is one, or
 * the stored one. */
static int
take_rows(const struct decoder *d, struct arena *a, struct mat x,
          float *trained, int64_t n, const struct tensor *stored,
          const int32_t *ids, trv_err *err)
{
    const int64_t *at;

    if (!trained) {
        d->be->ops->load(d->be, x, stored, ids);
        return 0;
    }
    at = decoder_indices(a, ids, x.rows);
    if (!at)
        return err_fail(err, TRV_ENOMEM, "no memory for the embedding");
    d->be->ops->gather(d->be, x, mat_f32(trained, n, x.cols), at);
    return 0;
}

const int64_t *
decoder_indices(struct arena *a, const int32_t *ids, int64_t n)
{
    int64_t *at = arena_alloc(a, (size_t)n * sizeof(*at));

    for (int64_t i = 0; at && i < n; i++)
        at[i] = ids[i];
    return at;
}

static int
embed(struct decoder *d, struct arena *a, struct mat x, const struct batch *b,
      trv_err *err)
{
    const struct model_config *cfg = d->cfg;
    const struct arena_mark mark = arena_mark(a);
    struct mat place = {0};
    int rc;

    if (cfg->scales_virtual)
        embed_virtual(d, x, b);
    rc = take_rows(d, a, x, d->embed, cfg->vocab, d->model->embed, b->ids, err);
    if (!rc && cfg->embed_scale != 0.0)
        d->be->ops->scale(d->be, x, decoder_embed_scale(d), 0.0f);
    if (!cfg->scales_virtual)
        embed_virtual(d, x, b);
    if (!rc && cfg->learned_pos) {
        place = mat_new(a, DT_F32, b->T, cfg->width);
        rc = place.data
                 ? take_rows(d, a, place, d->pos_embed, cfg->context,
                             d->model->pos_embed, b->pos, err)
                 : err_fail(err, TRV_ENOMEM, "no memory for the embedding");
    }
    if (!rc && cfg->learned_pos)
        d->be->ops->add(d->be, x, place);
    /* Rows lie far apart and each brings its neighbours along: without this
     * the whole table would stay, 56 MB of a model of 135M. */
    if (!d->embed)
        checkpoint_forget(d->model->ckpt, d->model->embed);
    arena_rewind(a, mark);
    return rc;
}

bool
decoder_has_dora(const struct batch *b, int64_t layer,
                 const struct dec_linear *l)
{
    for (int64_t g = 0; g < b->n_groups; g++) {
        const struct lora *lora =
            adapter_weights_lora(b->groups[g].adapter_weights);

        for (int i = 0; lora && lora->dora && i < l->lin.n_parts; i++)
            if (lora_at(lora, layer, l->parts[i])->m)
                return true;
    }
    return false;
}

/* Bring the norms that the groups' terms divide by up to date. */
static int
refresh_norms(struct decoder *d, struct arena *a, const struct batch *b,
              trv_err *err)
{
    int rc = 0;

    for (int64_t g = 0; g < b->n_groups && !rc; g++) {
        const struct lora *lora =
            adapter_weights_lora(b->groups[g].adapter_weights);

        if (lora && lora->dora)
            rc = dora_refresh(d, a, lora, err);
    }
    return rc;
}

/* Scale the columns of y [n,out], the rows of a group, where its terms have
 * magnitudes. */
static void
add_dora(struct decoder *d, struct mat y, struct mat v,
         const struct lora_stack *s, const struct lora *lora,
         const struct dec_linear *l)
{
    for (int i = 0; lora->dora && i < s->n; i++) {
        const struct lora_pair *p = s->pair[i];
        struct mat of_part = v;

        if (v.data)
            of_part = mat_part(v, 0, v.rows, s->col[i], p->out);
        dora_forward(d->be, mat_part(y, 0, y.rows, s->col[i], p->out), of_part,
                     lora, p, l->bias.v ? l->bias.v + s->col[i] : NULL);
    }
}

/* Add the low-rank terms of a linear map to y, group by group of rows. */
static int
add_lora(struct decoder *d, struct arena *a, struct mat y, struct mat x,
         enum dec_map map, int64_t layer, const struct batch *b,
         struct saved *save, trv_err *err)
{
    const struct dec_linear *l = decoder_map(d, layer, map);
    int rc = 0;

    for (int64_t g = 0; g < b->n_groups && !rc; g++) {
        const struct batch_group *group = &b->groups[g];
        const struct lora_stack s =
            lora_stack_of(adapter_weights_lora(group->adapter_weights), d->cfg,
                          layer, l->parts, l->lin.n_parts);
        const struct arena_mark mark = arena_mark(a);
        struct mat xa, v = {0};

        if (s.n == 0 || group->n == 0)
            continue;
        if (save && save->layers[layer].v[map].data)
            v = mat_part(save->layers[layer].v[map], group->t0, group->n, 0,
                         y.cols);
        xa = save ? mat_part(save->layers[layer].xa[map], group->t0, group->n,
                             0, s.rank)
                  : mat_new(a, d->be->act_type, group->n, s.rank);
        if (!xa.data)
            return err_fail(err, TRV_ENOMEM, "no memory for a low-rank term");
        rc = lora_forward(
            d->be, a, mat_part(y, group->t0, group->n, 0, y.cols),
            mat_part(x, group->t0, group->n, 0, s.in), &s,
            decoder_drop(save, adapter_weights_lora(group->adapter_weights),
                         layer, map),
            xa, err);
        if (!rc)
            add_dora(d, mat_part(y, group->t0, group->n, 0, y.cols), v, &s,
                     adapter_weights_lora(group->adapter_weights), l);
        d->flop += 2.0 * (double)group->n * decoder_lora_work(&s);
        arena_rewind(a, mark);
    }
    return rc;
}

struct lora_drop
decoder_drop(const struct saved *save, const struct lora *lora, int64_t layer,
             enum dec_map map)
{
    if (!save || !save->training)
        return (struct lora_drop){0};
    return (struct lora_drop){lora->dropout,
                              save->dropout_seed +
                                  (uint64_t)(layer * DEC_MAPS + (int)map)};
}

double
decoder_lora_work(const struct lora_stack *s)
{
    double work = (double)(s->rank * s->in);

    for (int i = 0; i < s->n; i++)
        work += (double)(s->pair[i]->rank * s->pair[i]->out);
    return work;
}

/* y = beta*y + W x + b and its low-rank terms; DoRA scales all that the map
 * gives, and so not what y was. */
static int
project(struct decoder *d, struct arena *a, struct mat y, struct mat x,
        enum dec_map map, float beta, int64_t layer, const struct batch *b,
        struct saved *save, trv_err *err)
{
    const struct dec_linear *l = decoder_map(d, layer, map);
    const struct arena_mark mark = arena_mark(a);
    const bool apart = beta != 0.0f && decoder_has_dora(b, layer, l);
    struct mat to = apart ? mat_new(a, DT_F32, y.rows, y.cols) : y;
    int rc;

    if (!to.data)
        return err_fail(err, TRV_ENOMEM, "no memory for a low-rank term");
    d->be->ops->linear_forward(d->be, to, x, &l->lin, l->bias.v,
                               apart ? 0.0f : beta);
    d->flop += 2.0 * (double)b->T * (double)(l->lin.in * l->lin.out);
    rc = add_lora(d, a, to, x, map, layer, b, save, err);
    if (apart && !rc)
        d->be->ops->add(d->be, y, to);
    arena_rewind(a, mark);
    return rc;
}

/* y = beta*y + the map's output and what bottlenecks make of it, for groups
 * that have one after it. */
static int
project_bottlenecks(struct decoder *d, struct arena *a, struct mat y,
                    struct mat in, enum dec_map map, float beta,
                    enum bottleneck_place place, int64_t layer,
                    const struct batch *b, struct saved *save, trv_err *err)
{
    struct mat m = mat_new(a, DT_F32, b->T, y.cols);
    int rc;

    if (!m.data)
        return err_fail(err, TRV_ENOMEM, "no memory for a bottleneck adapter");
    rc = project(d, a, m, in, map, 0.0f, layer, b, save, err);
    if (beta == 0.0f)
        d->be->ops->zero(d->be, y);
    if (!rc)
        d->be->ops->add(d->be, y, m);
    for (int64_t g = 0; g < b->n_groups && !rc; g++) {
        const struct batch_group *group = &b->groups[g];
        const int64_t t0 = group->t0, n = group->n;
        struct saved_layer *sl = save ? &save->layers[layer] : NULL;
        struct bottleneck_site s;
        struct mat seen, z;

        if (n == 0 || !adapter_weights_bottleneck(&s, group->adapter_weights,
                                                  layer, place))
            continue;
        seen = sl ? mat_part(sl->m[place], t0, n, 0, y.cols)
                  : mat_new(a, d->be->act_type, n, y.cols);
        z = sl ? mat_part(sl->z[place], t0, n, 0, s.size)
               : mat_new(a, DT_F32, n, s.size);
        if (!seen.data || !z.data)
            return err_fail(err, TRV_ENOMEM,
                            "no memory for a bottleneck adapter");
        d->be->ops->cast(d->be, seen, mat_part(m, t0, n, 0, y.cols));
        rc = bottleneck_forward(d->be, a, mat_part(y, t0, n, 0, y.cols), seen,
                                &s, z, err);
        d->flop += 4.0 * (double)n * (double)(s.size * s.width);
    }
    return rc;
}

/* x += the sublayer's output: the map's, what bottlenecks make of it, and the
 * norm over both where the layer has one there; times the residual scale. */
static int
project_onto_stream(struct decoder *d, struct arena *a, struct mat x,
                    struct mat in, enum dec_map map,
                    enum bottleneck_place place, int64_t layer,
                    const struct batch *b, struct saved *save, trv_err *err)
{
    const bool first = map == MAP_O;
    const struct dec_layer *l = &d->layers[layer];
    const struct saved_layer *s = save ? &save->layers[layer] : NULL;
    const bool normed = config_layer(d->cfg, layer)->norm_out;
    const float scale = config_factor(d->cfg->residual_scale);
    const bool apart = normed || scale != 1.0f; // y is no part of x yet
    const float beta = apart ? 0.0f : 1.0f;
    const struct arena_mark mark = arena_mark(a);
    struct mat y = x, n = x;
    int rc;

    if (apart)
        y = n = mat_new(a, DT_F32, b->T, x.cols);
    if (normed && s)
        y = mat_f32(first ? s->y1 : s->y2, b->T, x.cols);
    if (!y.data || !n.data)
        return err_fail(err, TRV_ENOMEM, "no memory for a norm");
    if (decoder_bottleneck_size(b, layer, place) == 0)
        rc = project(d, a, y, in, map, beta, layer, b, save, err);
    else
        rc = project_bottlenecks(d, a, y, in, map, beta, place, layer, b, save,
                                 err);
    if (normed && !rc)
        d->be->ops->norm_forward(d->be, n, s ? first ? s->out1 : s->out2 : NULL,
                                 y, first ? l->out1_w.v : l->out2_w.v,
                                 first ? l->out1_b.v : l->out2_b.v,
                                 (float)d->cfg->norm_eps, d->cfg->rms);
    if (apart && !rc)
        d->be->ops->mix(d->be, x, 1.0f, n, scale);
    arena_rewind(a, mark);
    return rc;
}

int64_t
decoder_qk_spans(const struct model_config *cfg, int64_t layer)
{
    switch (config_layer(cfg, layer)->qk_norm) {
    case QK_NORM_HEAD:
        return cfg->heads + cfg->kv_heads;
    case QK_NORM_WIDTH:
        return 2;
    case QK_NORM_NONE:
        break;
    }
    return 0;
}

struct qk_span
decoder_qk_span(const struct decoder *d, int64_t layer, int64_t i)
{
    const struct model_config *cfg = d->cfg;
    const int64_t D = cfg->head_dim;
    const bool by_head = config_layer(cfg, layer)->qk_norm == QK_NORM_HEAD;
    struct dec_layer *l = &d->layers[layer];
    const bool is_q = by_head ? i < cfg->heads : i == 0;

    return (struct qk_span){
        .at = by_head || is_q ? i * D : cfg->heads * D,
        .n = by_head ? D : (is_q ? cfg->heads : cfg->kv_heads) * D,
        .w = is_q ? &l->q_norm : &l->k_norm,
    };
}

static void
norm_qk(struct decoder *d, struct mat qk, int64_t layer,
        struct saved_layer *save)
{
    const int64_t T = qk.rows, spans = decoder_qk_spans(d->cfg, layer);

    if (save && spans > 0)
        d->be->ops->cast(d->be, mat_f32(save->qk_raw, T, qk.cols), qk);
    for (int64_t i = 0; i < spans; i++) {
        const struct qk_span s = decoder_qk_span(d, layer, i);
        const struct mat part = mat_part(qk, 0, T, s.at, s.n);

        d->be->ops->norm_forward(d->be, part,
                                 save ? save->qk_stats + i * T * 2 : NULL, part,
                                 s.w->v, NULL, (float)d->cfg->norm_eps, true);
    }
}

void
decoder_rotate(const struct decoder *d, struct mat qk, int64_t layer,
               const struct batch *b, bool inverse)
{
    const struct model_config *cfg = d->cfg;
    const int64_t D = cfg->head_dim, Q = grows(cfg) ? cfg->heads * D : 0;
    const int rope = config_layer(cfg, layer)->rope;
    const struct rope *r;

    if (rope < 0)
        return;
    r = &cfg->ropes[rope];
    d->be->ops->rope(d->be, mat_part(qk, 0, qk.rows, Q, qk.cols - Q), D,
                     rope_dim(r, D), d->cos_sin + rope * d->n_cos_sin * D,
                     b->pos, r->interleaved, inverse);
    if (Q > 0)
        d->be->ops->rope(d->be, mat_part(qk, 0, qk.rows, 0, Q), D,
                         rope_dim(r, D),
                         d->cos_sin + (cfg->n_ropes + rope) * d->n_cos_sin * D,
                         b->pos, r->interleaved, inverse);
}

void
decoder_order_qkv(const struct decoder *d, struct mat qkv, struct mat file,
                  bool inverse)
{
    const int64_t D = d->cfg->head_dim, H = d->cfg->heads, T = qkv.rows;

    for (int64_t h = 0; h < H; h++)
        for (int64_t p = 0; p < 3; p++) {
            const struct mat a = mat_part(qkv, 0, T, (p * H + h) * D, D);
            const struct mat b = mat_part(file, 0, T, (3 * h + p) * D, D);

            d->be->ops->copy(d->be, inverse ? b : a, inverse ? a : b);
        }
}

void
decoder_enter(const struct decoder *d, struct mat n, float *stats, struct mat x,
              const struct dec_vec *w, const struct dec_vec *b)
{
    if (w->v)
        d->be->ops->norm_forward(d->be, n, stats, x, w->v, b->v,
                                 (float)d->cfg->norm_eps, d->cfg->rms);
    else
        d->be->ops->cast(d->be, n, x);
}

static void
store(const struct decoder *d, float *cached, int64_t slots,
      const struct batch *b, struct mat x)
{
    const struct mat y = mat_f32(cached, slots, x.cols);

    if (b->slots)
        d->be->ops->scatter(d->be, y, b->slots, x);
    else
        d->be->ops->copy(d->be, mat_part(y, 0, b->T, 0, x.cols), x);
}

static void
store_keys(const struct decoder *d, struct kv_cache *cache, int64_t layer,
           const struct batch *b, struct mat k, struct mat v)
{
    for (int64_t t = 0; t < b->T; t++) {
        const int64_t slot = b->slots ? b->slots[t] : t;

        TRV_ASSERT(slot >= 0 && slot < cache->slots);
    }
    store(d, cache->k[layer], cache->slots, b, k);
    store(d, cache->v[layer], cache->slots, b, v);
}

/* The keys and values of prefixes stand where those of their tokens were. */
static void
place_prefixes(const struct decoder *d, struct mat kv, int64_t layer,
               const struct batch *b)
{
    for (int64_t g = 0; g < b->n_groups; g++) {
        const struct batch_group *group = &b->groups[g];
        const struct virtual_tokens *v =
            adapter_weights_virtual(group->adapter_weights, VIRTUAL_PREFIX);

        for (int64_t t = group->t0; v && t < group->t0 + group->n; t++)
            if (b->ids[t] < 0)
                d->be->ops->copy(
                    d->be, mat_part(kv, t, 1, 0, kv.cols),
                    mat_f32(v->w + virtual_key_at(v, layer,
                                                  VIRTUAL_INDEX(b->ids[t])),
                            1, 2 * v->kv_width));
    }
}

static void
attend(struct decoder *d, const struct layer_scratch *r, const struct batch *b,
       struct kv_cache *cache, int64_t layer, float *lse)
{
    const struct model_config *cfg = d->cfg;
    const int64_t D = cfg->head_dim, Q = cfg->heads * D, W = cfg->kv_heads * D;
    struct mat q = mat_part(r->qkv, 0, b->T, 0, Q);
    struct mat k = mat_part(r->qkv, 0, b->T, Q, W);
    struct mat v = mat_part(r->qkv, 0, b->T, Q + W, W);
    const struct attn_plan plan = decoder_attn_plan(d, b, layer);

    place_prefixes(d, mat_part(r->qkv, 0, b->T, Q, 2 * W), layer, b);
    if (cache) {
        store_keys(d, cache, layer, b, k, v);
        k = mat_f32(cache->k[layer], cache->slots, W);
        v = mat_f32(cache->v[layer], cache->slots, W);
    }
    d->be->ops->attn_forward(d->be, r->attn, lse, q, k, v, &plan);
    d->flop += decoder_attn_flop(d, b);
}

struct attn_plan
decoder_attn_plan(const struct decoder *d, const struct batch *b, int64_t layer)
{
    return (struct attn_plan){
        .n_segs = b->n_segs,
        .segs = b->segs,
        .heads = d->cfg->heads,
        .kv_heads = d->cfg->kv_heads,
        .head_dim = d->cfg->head_dim,
        .window = config_layer(d->cfg, layer)->window,
        .scale = (float)(d->cfg->attn_scale != 0.0
                             ? d->cfg->attn_scale
                             : 1.0 / sqrt((double)d->cfg->head_dim)),
        .cap = (float)d->cfg->attn_cap,
    };
}

double
decoder_attn_flop(const struct decoder *d, const struct batch *b)
{
    double pairs = 0.0;

    for (int64_t s = 0; s < b->n_segs; s++) {
        const struct attn_seg *seg = &b->segs[s];
        double keys = 0.0;

        for (int64_t i = 0; i < seg->n_spans; i++)
            keys += (double)seg->spans[i].n;
        pairs += (double)seg->n * (keys - (double)(seg->n - 1) / 2.0);
    }
    return 4.0 * pairs * (double)(d->cfg->heads * d->cfg->head_dim);
}

bool
decoder_trains_inputs(const struct batch *b)
{
    for (int64_t g = 0; g < b->n_groups; g++) {
        const struct virtual_tokens *v =
            adapter_weights_virtual(b->groups[g].adapter_weights, VIRTUAL_SOFT);

        if (v && v->g)
            return true;
    }
    return false;
}

/* A pass over a batch: what its layers share. */
struct pass {
    struct decoder *d;
    struct arena *a;
    const struct batch *b;
    struct kv_cache *cache; // NULL: none
    struct saved *save;     // NULL: nothing is kept
    struct layer_scratch r;
    struct mat x; // [T,C] f32, the residual stream
};

static int
pass_no_memory(const struct batch *b, trv_err *err)
{
    return err_fail(err, TRV_ENOMEM, "no memory for a pass over %lld tokens",
                    (long long)b->T);
}

/* x += out1(O(attention(rope(QKV(norm1(x)))))); r.attn is what entered O. */
static int
attention_half(struct pass *p, int64_t i, trv_err *err)
{
    struct decoder *d = p->d;
    const struct model_config *cfg = d->cfg;
    const struct dec_layer *l = &d->layers[i];
    const int64_t T = p->b->T;
    const int64_t qk = (cfg->heads + cfg->kv_heads) * cfg->head_dim;
    struct saved_layer *s = p->save ? &p->save->layers[i] : NULL;
    struct layer_scratch *r = &p->r;
    int rc;

    if (s) {
        d->be->ops->copy(d->be, mat_f32(s->x_in, T, cfg->width), p->x);
        r->qkv.data = s->qkv;
        r->attn = s->attn;
    }
    if (config_layer(cfg, i)->parallel)
        d->be->ops->copy(d->be, r->x, p->x);
    decoder_enter(d, r->n, s ? s->stats1 : NULL, p->x, &l->norm1_w,
                  &l->norm1_b);
    rc = project(d, p->a, cfg->qkv_by_head ? r->file : r->qkv, r->n, MAP_QKV,
                 0.0f, i, p->b, p->save, err);
    if (rc)
        return rc;
    if (cfg->qkv_by_head)
        decoder_order_qkv(d, r->qkv, r->file, false);
    norm_qk(d, mat_part(r->qkv, 0, T, 0, qk), i, s);
    decoder_rotate(d, mat_part(r->qkv, 0, T, 0, qk), i, p->b, false);
    attend(d, r, p->b, p->cache, i, s ? s->lse : NULL);
    return project_onto_stream(d, p->a, p->x, r->attn, MAP_O,
                               BOTTLENECK_ATTENTION, i, p->b, p->save, err);
}

/* x += out2(DOWN(act(UP(norm2(x))))); r.h is what entered DOWN. */
static int
mlp_half(struct pass *p, int64_t i, trv_err *err)
{
    struct decoder *d = p->d;
    const struct model_config *cfg = d->cfg;
    const struct backend_ops *ops = d->be->ops;
    const struct dec_layer *l = &d->layers[i];
    struct saved_layer *s = p->save ? &p->save->layers[i] : NULL;
    struct layer_scratch *r = &p->r;
    const struct mat x = config_layer(cfg, i)->parallel ? r->x : p->x;
    int rc;

    if (s) {
        ops->copy(d->be, mat_f32(s->x_mid, p->b->T, cfg->width), x);
        if (s->u.type == DT_F32)
            r->u = s->u;
    }
    decoder_enter(d, r->n, s ? s->stats2 : NULL, x, &l->norm2_w, &l->norm2_b);
    rc = project(d, p->a, r->u, r->n, MAP_UP, 0.0f, i, p->b, p->save, err);
    if (rc)
        return rc;
    ops->act_forward(d->be, r->h, r->u, cfg->act, cfg->gated);
    if (s && s->u.type != DT_F32)
        ops->cast(d->be, s->u, r->u);
    return project_onto_stream(d, p->a, p->x, r->h, MAP_DOWN, BOTTLENECK_MLP, i,
                               p->b, p->save, err);
}

int
decoder_embed(struct decoder *d, struct arena *a, struct mat x,
              const struct batch *b, trv_err *err)
{
    int32_t top_pos;
    int rc;

    TRV_ASSERT(b->T > 0 && x.rows == b->T && x.cols == d->cfg->width);
    rc = check_batch(d, b, &top_pos, err);
    if (!rc)
        rc = need_rope_table(d, top_pos, err);
    if (!rc)
        rc = refresh_norms(d, a, b, err);
    return rc ? rc : embed(d, a, x, b, err);
}

int
decoder_half(struct decoder *d, struct arena *a, struct mat x,
             struct mat *entered, int64_t layer, enum dec_map map,
             const struct batch *b, trv_err *err)
{
    struct pass p = {.d = d, .a = a, .b = b, .x = x};
    int rc;

    TRV_ASSERT(map == MAP_O || map == MAP_DOWN);
    TRV_ASSERT(!config_layer(d->cfg, layer)->parallel); // x has moved on
    if (!scratch_new(&p.r, a, d, b->T))
        return pass_no_memory(b, err);
    rc = map == MAP_O ? attention_half(&p, layer, err)
                      : mlp_half(&p, layer, err);
    *entered = map == MAP_O ? p.r.attn : p.r.h;
    return rc;
}

static void
count(struct decoder *d, const struct batch *b, const struct kv_cache *cache,
      const struct saved *save)
{
    struct rate_work *done = &d->be->done;
    const double n = (double)b->T;

    d->tokens += n;
    if (cache && b->T == b->n_segs) { // one token a row
        done->draws += n;
        done->steps += 1.0;
    } else if (save) {
        done->learned += n;
    } else {
        done->scored += n;
    }
}

static int
forward(struct decoder *d, struct arena *a, struct mat *hidden,
        const struct batch *b, struct kv_cache *cache, struct saved *save,
        const struct decoder_tap *tap, trv_err *err)
{
    const struct model_config *cfg = d->cfg;
    const int64_t T = b->T, C = cfg->width;
    struct pass p = {.d = d, .a = a, .b = b, .cache = cache, .save = save};
    struct arena_mark mark;
    int rc;

    if (save) {
        rc = save->d_embeds || decoder_trains_inputs(b)
                 ? decoder_plan_input_backward(d, err)
                 : decoder_plan_backward(d, err);
        if (rc)
            return rc;
    }
    *hidden = mat_new(a, d->be->act_type, T, C);
    if (!hidden->data || (save && !saved_new(save, a, d, b)))
        return pass_no_memory(b, err);
    mark = arena_mark(a);
    p.x = mat_new(a, DT_F32, T, C);
    if (!p.x.data || !scratch_new(&p.r, a, d, T))
        return pass_no_memory(b, err);
    rc = decoder_embed(d, a, p.x, b, err);
    for (int64_t i = 0; i < cfg->layers && !rc; i++) {
        rc = attention_half(&p, i, err);
        if (!rc)
            rc = mlp_half(&p, i, err);
        if (!rc && tap)
            tap->see(tap->payload, i, p.x);
    }
    if (rc)
        return rc;
    if (save)
        d->be->ops->copy(d->be, mat_f32(save->x_out, T, C), p.x);
    d->be->ops->norm_forward(d->be, *hidden, save ? save->stats : NULL, p.x,
                             d->norm_w.v, d->norm_b.v, (float)cfg->norm_eps,
                             cfg->rms);
    count(d, b, cache, save);
    arena_rewind(a, mark);
    return 0;
}

int
decoder_forward(struct decoder *d, struct arena *a, struct mat *hidden,
                const struct batch *b, struct kv_cache *cache,
                struct saved *save, trv_err *err)
{
    return forward(d, a, hidden, b, cache, save, NULL, err);
}

int
decoder_forward_seen(struct decoder *d, struct arena *a, struct mat *hidden,
                     const struct batch *b, const struct decoder_tap *tap,
                     trv_err *err)
{
    return forward(d, a, hidden, b, NULL, NULL, tap, err);
}
