/* decoder_backward.c -- gradients, layer by layer, from the top.
 *
 * dx [T,C] is the gradient of the residual stream. A layer's norms, its MLP's
 * inner values and the inputs of its products are made again from what the
 * forward pass kept: elementwise work, cheap beside storing them.
 */
#include "model/decoder/decoder.h"

struct backward {
    struct decoder *d;
    struct arena *a;
    const struct batch *b;
    const struct saved *save;
    bool to_inputs;    // embeddings get some: see embed_back()
    struct mat dy_act; // [T, widest] act_type: a gradient entering products
};

/* *g [T,out] = the gradient of a map before DoRA scaled its columns, from dy, f32
 * in the arena; dy itself where no group has magnitudes there. */
static int
dora_back(struct backward *bw, struct mat *g, struct mat dy, enum dec_map map,
          int64_t layer, trv_err *err)
{
    struct decoder *d = bw->d;
    const struct dec_linear *l = decoder_map(d, layer, map);

    *g = dy;
    if (!decoder_has_dora(bw->b, layer, l))
        return 0;
    *g = mat_new(bw->a, DT_F32, dy.rows, dy.cols);
    if (!g->data)
        return err_fail(err, TRV_ENOMEM, "no memory for a backward pass");
    d->be->ops->cast(d->be, *g, dy);
    for (int64_t k = 0; k < bw->b->n_groups; k++) {
        const struct batch_group *group = &bw->b->groups[k];
        const struct lora *lora = adapter_weights_lora(group->adapter_weights);
        const struct lora_stack s =
            lora_stack_of(lora, d->cfg, layer, l->parts, l->lin.n_parts);

        for (int i = 0; lora && lora->dora && i < s.n && group->n > 0; i++)
            dora_backward(
                d->be,
                mat_part(*g, group->t0, group->n, s.col[i], s.pair[i]->out),
                mat_part(bw->save->layers[layer].v[map], group->t0, group->n,
                         s.col[i], s.pair[i]->out),
                lora, s.pair[i]);
    }
    return 0;
}

/* Gradients of y = W x + b (+ low-rank terms): into the weights that learn, and
 * dx (data NULL: not wanted) = beta * dx + ... */
static int
project_back(struct backward *bw, struct mat dx, float beta, struct mat dy,
             struct mat x, enum dec_map map, int64_t layer, trv_err *err)
{
    struct decoder *d = bw->d;
    const struct dec_linear *l = decoder_map(d, layer, map);
    const struct backend_ops *ops = d->be->ops;
    struct mat before, g;
    int rc = dora_back(bw, &before, dy, map, layer, err);

    if (rc)
        return rc;
    g = before;
    if (g.type != d->be->act_type) { // once, not in each product
        g = mat_part(bw->dy_act, 0, dy.rows, 0, dy.cols);
        g.ld = dy.cols;
        ops->cast(d->be, g, before);
    }
    if (dx.data) {
        ops->linear_backward(d->be, dx, g, &l->lin, beta);
        d->flop += 2.0 * (double)dy.rows * (double)(l->lin.in * l->lin.out);
    }
    if (l->d_w) {
        ops->matmul(d->be, mat_f32(l->d_w, l->lin.out, l->lin.in), g, true, x,
                    false, 1.0f, 1.0f);
        d->flop += 2.0 * (double)dy.rows * (double)(l->lin.in * l->lin.out);
    }
    if (l->bias.d)
        ops->col_sum(d->be, l->bias.d, dy);
    for (int64_t k = 0; k < bw->b->n_groups && !rc; k++) {
        const struct batch_group *group = &bw->b->groups[k];
        const struct lora_stack s =
            lora_stack_of(adapter_weights_lora(group->adapter_weights), d->cfg,
                          layer, l->parts, l->lin.n_parts);
        struct mat dx_rows = {0};

        if (s.n == 0 || group->n == 0)
            continue;
        if (dx.data)
            dx_rows = mat_part(dx, group->t0, group->n, 0, s.in);
        rc = lora_backward(
            d->be, bw->a, dx_rows, mat_part(g, group->t0, group->n, 0, g.cols),
            mat_part(x, group->t0, group->n, 0, s.in),
            mat_part(bw->save->layers[layer].xa[map], group->t0, group->n, 0,
                     s.rank),
            &s,
            decoder_drop(bw->save, adapter_weights_lora(group->adapter_weights),
                         layer, map),
            err);
        d->flop += 4.0 * (double)group->n * decoder_lora_work(&s);
    }
    return rc;
}

/* *dm [T,C] = the gradient of a sublayer's output, from that of what it adds to
 * the stream: dx itself but for groups with a bottleneck between the two. */
static int
bottlenecks_back(struct backward *bw, struct mat *dm, struct mat dx,
                 enum bottleneck_place place, int64_t layer, trv_err *err)
{
    struct decoder *d = bw->d;
    const struct saved_layer *sl = &bw->save->layers[layer];
    int rc = 0;

    *dm = dx;
    if (decoder_bottleneck_size(bw->b, layer, place) == 0)
        return 0;
    *dm = mat_new(bw->a, DT_F32, dx.rows, dx.cols);
    if (!dm->data)
        return err_fail(err, TRV_ENOMEM, "no memory for a backward pass");
    d->be->ops->cast(d->be, *dm, dx);
    for (int64_t g = 0; g < bw->b->n_groups && !rc; g++) {
        const struct batch_group *group = &bw->b->groups[g];
        const int64_t t0 = group->t0, n = group->n;
        struct bottleneck_site s;

        if (n == 0 || !adapter_weights_bottleneck(&s, group->adapter_weights,
                                                  layer, place))
            continue;
        rc = bottleneck_backward(d->be, bw->a, mat_part(*dm, t0, n, 0, dx.cols),
                                 mat_part(sl->m[place], t0, n, 0, dx.cols), &s,
                                 mat_part(sl->z[place], t0, n, 0, s.size), err);
        d->flop +=
            (s.d_up ? 8.0 : 4.0) * (double)n * (double)(s.size * s.width);
    }
    return rc;
}

/* Through the norms of q and k: dqk becomes the gradient before them. */
static int
norm_qk_back(struct backward *bw, struct mat dqk, int64_t layer, trv_err *err)
{
    struct decoder *d = bw->d;
    const struct saved_layer *s = &bw->save->layers[layer];
    const int64_t T = dqk.rows, spans = decoder_qk_spans(d->cfg, layer);
    struct mat before;

    if (spans == 0)
        return 0;
    before = mat_new(bw->a, DT_F32, T, dqk.cols);
    if (!before.data)
        return err_fail(err, TRV_ENOMEM, "no memory for a backward pass");
    d->be->ops->zero(d->be, before);
    for (int64_t i = 0; i < spans; i++) {
        const struct qk_span q = decoder_qk_span(d, layer, i);

        d->be->ops->norm_backward(
            d->be, mat_part(before, 0, T, q.at, q.n), q.w->d, NULL,
            mat_part(dqk, 0, T, q.at, q.n),
            mat_part(mat_f32(s->qk_raw, T, dqk.cols), 0, T, q.at, q.n),
            s->qk_stats + i * T * 2, q.w->v, true);
    }
    d->be->ops->cast(d->be, dqk, before);
    return 0;
}

/* *dy [T,C] = the gradient of a sublayer's output, before the norm after it and
 * the residual scale, from that of the stream; dx itself where neither is. */
static int
leave_back(struct backward *bw, struct mat *dy, struct mat dx, int64_t layer,
           enum dec_map map, trv_err *err)
{
    struct decoder *d = bw->d;
    const bool first = map == MAP_O;
    struct dec_layer *l = &d->layers[layer];
    struct dec_vec *w = first ? &l->out1_w : &l->out2_w;
    struct dec_vec *b = first ? &l->out1_b : &l->out2_b;
    const struct saved_layer *s = &bw->save->layers[layer];
    const float scale = config_factor(d->cfg->residual_scale);
    struct mat g = dx;

    if (scale != 1.0f) {
        g = mat_new(bw->a, DT_F32, dx.rows, dx.cols);
        if (!g.data)
            return err_fail(err, TRV_ENOMEM, "no memory for a backward pass");
        d->be->ops->copy(d->be, g, dx);
        d->be->ops->scale(d->be, g, scale, 0.0f);
    }
    *dy = g;
    if (!config_layer(d->cfg, layer)->norm_out)
        return 0;
    *dy = mat_new(bw->a, DT_F32, dx.rows, dx.cols);
    if (!dy->data)
        return err_fail(err, TRV_ENOMEM, "no memory for a backward pass");
    d->be->ops->zero(d->be, *dy);
    d->be->ops->norm_backward(d->be, *dy, w->d, b->d, g,
                              mat_f32(first ? s->y1 : s->y2, dx.rows, dx.cols),
                              first ? s->out1 : s->out2, w->v, d->cfg->rms);
    return 0;
}

/* dx += the gradient of a sublayer's input x, from that of what its first map
 * gave, dy; n [T,C] of act_type is room for what entered the map. */
static int
enter_back(struct backward *bw, struct mat dx, struct mat dy, struct mat x,
           struct mat n, float *stats, enum dec_map map, int64_t layer,
           trv_err *err)
{
    struct decoder *d = bw->d;
    const bool first = map == MAP_QKV;
    struct dec_layer *l = &d->layers[layer];
    struct dec_vec *w = first ? &l->norm1_w : &l->norm2_w;
    struct dec_vec *b = first ? &l->norm1_b : &l->norm2_b;
    /* nothing below the first layer's first map learns, as a rule */
    const bool wanted = !first || layer > 0 || bw->to_inputs;
    struct mat dn = {0};
    int rc;

    decoder_enter(d, n, NULL, x, w, b);
    if (!config_layer(d->cfg, layer)->norm_in)
        return project_back(bw, wanted ? dx : dn, 1.0f, dy, n, map, layer, err);
    if (wanted) {
        dn = mat_new(bw->a, DT_F32, dx.rows, dx.cols);
        if (!dn.data)
            return err_fail(err, TRV_ENOMEM, "no memory for a backward pass");
    }
    rc = project_back(bw, dn, 0.0f, dy, n, map, layer, err);
    if (!rc && wanted)
        d->be->ops->norm_backward(d->be, dx, w->d, b->d, dn, x, stats, w->v,
                                  d->cfg->rms);
    return rc;
}

/* into += the gradient of what entered a sublayer, from that of what it left
 * in the stream, dx. The two are one where the halves follow one another. */
static int
mlp_back(struct backward *bw, struct mat into, struct mat dx, int64_t i,
         trv_err *err)
{
    struct decoder *d = bw->d;
    const struct model_config *cfg = d->cfg;
    const struct backend_ops *ops = d->be->ops;
    struct dec_layer *l = &d->layers[i];
    const struct saved_layer *s = &bw->save->layers[i];
    const int64_t T = bw->b->T, C = cfg->width, F = cfg->mlp_width;
    const struct mat u = s->u;
    /* The gradient of a bias is summed in f32; all else wants act_type. */
    const enum dtype du_type = l->up.bias.d ? DT_F32 : d->be->act_type;
    struct mat h = mat_new(bw->a, d->be->act_type, T, F);
    struct mat dh = mat_new(bw->a, DT_F32, T, F);
    struct mat du = mat_new(bw->a, du_type, T, u.cols);
    struct mat n = mat_new(bw->a, d->be->act_type, T, C);
    struct mat dy, dm;
    int rc;

    if (!h.data || !dh.data || !du.data || !n.data)
        return err_fail(err, TRV_ENOMEM, "no memory for a backward pass");
    ops->act_forward(d->be, h, u, cfg->act, cfg->gated);
    rc = leave_back(bw, &dy, dx, i, MAP_DOWN, err);
    if (!rc)
        rc = bottlenecks_back(bw, &dm, dy, BOTTLENECK_MLP, i, err);
    if (!rc)
        rc = project_back(bw, dh, 0.0f, dm, h, MAP_DOWN, i, err);
    if (rc)
        return rc;
    ops->act_backward(d->be, du, dh, u, cfg->act, cfg->gated);
    return enter_back(bw, into, du, mat_f32(s->x_mid, T, C), n, s->stats2,
                      MAP_UP, i, err);
}

/* The gradients of keys and values that came from prefixes are the prefixes';
 * none goes on into what their tokens computed. */
static void
prefixes_back(const struct decoder *d, struct mat dkv, int64_t layer,
              const struct batch *b)
{
    const struct backend_ops *ops = d->be->ops;

    for (int64_t g = 0; g < b->n_groups; g++) {
        const struct batch_group *group = &b->groups[g];
        const struct virtual_tokens *v =
            adapter_weights_virtual(group->adapter_weights, VIRTUAL_PREFIX);

        for (int64_t t = group->t0; v && t < group->t0 + group->n; t++) {
            const struct mat row = mat_part(dkv, t, 1, 0, dkv.cols);
            int64_t at;

            if (b->ids[t] >= 0)
                continue;
            at = virtual_key_at(v, layer, VIRTUAL_INDEX(b->ids[t]));
            if (v->g)
                ops->add(d->be, mat_f32(v->g + at, 1, dkv.cols), row);
            ops->zero(d->be, row);
        }
    }
}

/* *dqkv in the order of the file's rows, from q, k and v in turn. */
static int
order_back(struct backward *bw, struct mat *dqkv, trv_err *err)
{
    struct mat file = mat_new(bw->a, DT_F32, dqkv->rows, dqkv->cols);

    if (!file.data)
        return err_fail(err, TRV_ENOMEM, "no memory for a backward pass");
    decoder_order_qkv(bw->d, *dqkv, file, true);
    *dqkv = file;
    return 0;
}

static int
attention_back(struct backward *bw, struct mat into, struct mat dx, int64_t i,
               trv_err *err)
{
    struct decoder *d = bw->d;
    const struct model_config *cfg = d->cfg;
    const struct backend_ops *ops = d->be->ops;
    const struct saved_layer *s = &bw->save->layers[i];
    const int64_t T = bw->b->T, C = cfg->width, D = cfg->head_dim;
    const int64_t Q = cfg->heads * D, W = cfg->kv_heads * D;
    const struct mat qkv = mat_f32(s->qkv, T, Q + 2 * W);
    const struct attn_plan plan = decoder_attn_plan(d, bw->b, i);
    struct mat dattn = mat_new(bw->a, DT_F32, T, Q);
    struct mat dqkv = mat_new(bw->a, DT_F32, T, Q + 2 * W);
    struct mat n = mat_new(bw->a, d->be->act_type, T, C);
    struct mat dy, dm;
    int rc;

    if (!dattn.data || !dqkv.data || !n.data)
        return err_fail(err, TRV_ENOMEM, "no memory for a backward pass");
    rc = leave_back(bw, &dy, dx, i, MAP_O, err);
    if (!rc)
        rc = bottlenecks_back(bw, &dm, dy, BOTTLENECK_ATTENTION, i, err);
    if (!rc)
        rc = project_back(bw, dattn, 0.0f, dm, s->attn, MAP_O, i, err);
    if (rc)
        return rc;
    ops->zero(d->be, dqkv);
    ops->attn_backward(d->be, mat_part(dqkv, 0, T, 0, Q),
                       mat_part(dqkv, 0, T, Q, W),
                       mat_part(dqkv, 0, T, Q + W, W), dattn, s->attn, s->lse,
                       mat_part(qkv, 0, T, 0, Q), mat_part(qkv, 0, T, Q, W),
                       mat_part(qkv, 0, T, Q + W, W), &plan);
    d->flop += 2.5 * decoder_attn_flop(d, bw->b);
    prefixes_back(d, mat_part(dqkv, 0, T, Q, 2 * W), i, bw->b);
    decoder_rotate(d, mat_part(dqkv, 0, T, 0, Q + W), i, bw->b, true);
    rc = norm_qk_back(bw, mat_part(dqkv, 0, T, 0, Q + W), i, err);
    if (!rc && cfg->qkv_by_head)
        rc = order_back(bw, &dqkv, err);
    if (rc)
        return rc;
    return enter_back(bw, into, dqkv, mat_f32(s->x_in, T, C), n, s->stats1,
                      MAP_QKV, i, err);
}

/* Down through both halves of a layer; dx is the gradient of the stream. Where
 * both halves saw one x, what each adds to its gradient must not reach the
 * other, and waits in a sum of its own. */
static int
layer_back(struct backward *bw, struct mat dx, int64_t i, trv_err *err)
{
    const struct saved *save = bw->save;
    const struct backend_ops *ops = bw->d->be->ops;
    const struct arena_mark mark = arena_mark(bw->a);
    const bool parallel = config_layer(bw->d->cfg, i)->parallel;
    struct arena_mark half;
    struct mat into = dx;
    int rc;

    if (parallel) {
        into = mat_new(bw->a, DT_F32, dx.rows, dx.cols);
        if (!into.data)
            return err_fail(err, TRV_ENOMEM, "no memory for a backward pass");
        ops->zero(bw->d->be, into);
    }
    half = arena_mark(bw->a);
    if (save->on_stream)
        save->on_stream(save->payload, i, MAP_DOWN, dx);
    rc = mlp_back(bw, into, dx, i, err);
    arena_rewind(bw->a, half);
    if (!rc && save->on_stream)
        save->on_stream(save->payload, i, MAP_O, dx);
    if (!rc)
        rc = attention_back(bw, into, dx, i, err);
    if (!rc && parallel)
        ops->add(bw->d->be, dx, into);
    arena_rewind(bw->a, mark);
    return rc;
}

/* The gradient of virtual tokens that learn. */
static void
virtual_back(const struct decoder *d, struct mat dx, const struct batch *b)
{
    const int64_t C = dx.cols;

    for (int64_t i = 0; i < b->n_groups; i++) {
        const struct batch_group *group = &b->groups[i];
        const struct virtual_tokens *v =
            adapter_weights_virtual(group->adapter_weights, VIRTUAL_SOFT);

        for (int64_t t = group->t0; v && v->g && t < group->t0 + group->n; t++)
            if (b->ids[t] < 0)
                d->be->ops->add(
                    d->be, mat_f32(v->g + VIRTUAL_INDEX(b->ids[t]) * C, 1, C),
                    mat_part(dx, t, 1, 0, C));
    }
}

/* Gradients of the embeddings: of virtual tokens, of tokens where all weights
 * learn, and of each place for whoever asks. dx is left scaled. */
static int
embed_back(struct decoder *d, struct arena *a, struct mat dx,
           const struct batch *b, float *d_embeds, trv_err *err)
{
    const struct backend_ops *ops = d->be->ops;
    const struct model_config *cfg = d->cfg;
    const int64_t C = cfg->width;
    const int64_t *ids = decoder_indices(a, b->ids, b->T);
    const int64_t *pos = decoder_indices(a, b->pos, b->T);

    if (!ids || !pos)
        return err_fail(err, TRV_ENOMEM, "no memory for a backward pass");
    if (d->g_full && cfg->learned_pos)
        ops->scatter_add(d->be, mat_f32(d->d_pos_embed, cfg->context, C), pos,
                         dx);
    if (!cfg->scales_virtual)
        virtual_back(d, dx, b);
    if (cfg->embed_scale != 0.0)
        ops->scale(d->be, dx, decoder_embed_scale(d), 0.0f);
    if (cfg->scales_virtual)
        virtual_back(d, dx, b);
    if (d_embeds)
        ops->add(d->be, mat_f32(d_embeds, b->T, C), dx);
    if (d->g_full)
        ops->scatter_add(d->be, mat_f32(d->d_embed, cfg->vocab, C), ids, dx);
    return 0;
}

int
decoder_backward(struct decoder *d, struct arena *a, struct mat d_hidden,
                 const struct batch *b, const struct saved *save, trv_err *err)
{
    const struct model_config *cfg = d->cfg;
    const int64_t T = b->T, C = cfg->width;
    const int64_t qkv = decoder_qkv_width(cfg), up = decoder_up_width(cfg);
    const struct arena_mark mark = arena_mark(a);
    struct backward bw = {.d = d,
                          .a = a,
                          .b = b,
                          .save = save,
                          .to_inputs = save->d_embeds || d->g_full ||
                                       decoder_trains_inputs(b)};
    struct mat dx = mat_new(a, DT_F32, T, C);
    int64_t widest = C;
    int rc = 0;

    widest = qkv > widest ? qkv : widest;
    widest = up > widest ? up : widest;
    bw.dy_act = mat_new(a, d->be->act_type, T, widest);
    if (!dx.data || !bw.dy_act.data)
        return err_fail(err, TRV_ENOMEM,
                        "no memory for a backward pass over %lld tokens",
                        (long long)T);
    d->be->ops->zero(d->be, dx);
    d->be->ops->norm_backward(d->be, dx, d->norm_w.d, d->norm_b.d, d_hidden,
                              mat_f32(save->x_out, T, C), save->stats,
                              d->norm_w.v, cfg->rms);
    for (int64_t i = cfg->layers - 1; i >= 0 && !rc; i--)
        rc = layer_back(&bw, dx, i, err);
    if (!rc && bw.to_inputs)
        rc = embed_back(d, a, dx, b, save->d_embeds, err);
    arena_rewind(a, mark);
    return rc;
}
