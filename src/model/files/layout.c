/* layout.c -- names and shapes of a model's tensors, for each family. */
#include "model/files/layout.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "model/files/family.h"

static const char *const gguf_names[SLOT_COUNT] = {
    [SLOT_EMBED] = "token_embd",   [SLOT_POS] = "position_embd",
    [SLOT_NORM1] = "attn_norm",    [SLOT_OUT1] = "post_attention_norm",
    [SLOT_NORM2] = "ffn_norm",     [SLOT_OUT2] = "post_ffw_norm",
    [SLOT_Q_NORM] = "attn_q_norm", [SLOT_K_NORM] = "attn_k_norm",
    [SLOT_NORM] = "output_norm",   [SLOT_HEAD] = "output",
    [SLOT_SCORE] = "score",
};
static const char *const gguf_parts[PART_COUNT] = {
    [PART_Q] = "attn_q",      [PART_K] = "attn_k",
    [PART_V] = "attn_v",      [PART_QKV] = "attn_qkv",
    [PART_O] = "attn_output", [PART_GATE] = "ffn_gate",
    [PART_UP] = "ffn_up",     [PART_GATE_UP] = "ffn_up",
    [PART_DOWN] = "ffn_down",
};

struct walk {
    const struct model_config *cfg;
    int (*visit)(const struct layout_item *item, trv_err *err, void *payload);
    trv_err *err;
    void *payload;
    int rc;
};

/* Sizes are bounded by config_check(), so the buffers hold every name. */
static void
put(struct walk *w, struct layout_item it)
{
    const struct model_config *c = w->cfg;
    const struct family_names *names = c->family->names;
    const char *hf =
        it.slot == SLOT_PART ? names->parts[it.part] : names->slots[it.slot];
    const char *gg =
        it.slot == SLOT_PART ? gguf_parts[it.part] : gguf_names[it.slot];
    const char *end = it.bias ? "bias" : "weight";

    TRV_ASSERT(hf && gg); // a family names what its config asks for
    if (w->rc)
        return;
    if (it.layer < 0) {
        snprintf(it.name, sizeof(it.name), "%s.%s", hf, end);
        snprintf(it.gguf_name, sizeof(it.gguf_name), "%s.%s", gg, end);
    } else {
        snprintf(it.name, sizeof(it.name), "%s.%" PRId64 ".%s.%s",
                 names->layers, it.layer, hf, end);
        snprintf(it.gguf_name, sizeof(it.gguf_name), "blk.%" PRId64 ".%s.%s",
                 it.layer, gg, end);
    }
    w->rc = w->visit(&it, w->err, w->payload);
}

bool
layout_is_norm(const struct layout_item *it)
{
    switch (it->slot) {
    case SLOT_NORM1:
    case SLOT_OUT1:
    case SLOT_NORM2:
    case SLOT_OUT2:
    case SLOT_Q_NORM:
    case SLOT_K_NORM:
    case SLOT_NORM:
        return !it->bias;
    case SLOT_EMBED:
    case SLOT_POS:
    case SLOT_PART:
    case SLOT_HEAD:
    case SLOT_SCORE:
    case SLOT_COUNT:
    default:
        return false;
    }
}

static void
put_matrix(struct walk *w, enum slot slot, int64_t rows, int64_t cols)
{
    put(w, (struct layout_item){
               .slot = slot, .layer = -1, .n_dims = 2, .dim = {rows, cols}});
}

static void
put_norm(struct walk *w, enum slot slot, int64_t layer, int64_t n)
{
    struct layout_item it = {
        .slot = slot, .layer = layer, .n_dims = 1, .dim = {n}};

    put(w, it);
    it.bias = true;
    if (!w->cfg->rms)
        put(w, it);
}

static void
put_part(struct walk *w, int64_t layer, enum part part, bool bias)
{
    const struct model_config *c = w->cfg;
    struct layout_item it = {
        .slot = SLOT_PART, .layer = layer, .part = part, .n_dims = 2};
    int64_t out, in;

    part_shape(&out, &in, c, part);
    if (!c->learned_pos && part == PART_Q)
        it.rotary_heads = (int32_t)c->heads;
    if (!c->learned_pos && part == PART_K)
        it.rotary_heads = (int32_t)c->kv_heads;
    it.dim[0] = c->conv1d ? in : out;
    it.dim[1] = c->conv1d ? out : in;
    put(w, it);
    it.bias = true;
    it.n_dims = 1;
    it.dim[0] = out;
    it.dim[1] = 0;
    if (bias)
        put(w, it);
}

static void
put_layer(struct walk *w, int64_t i)
{
    const struct model_config *c = w->cfg;
    const struct layer_desc *desc = config_layer(c, i);
    const int64_t D = c->head_dim;
    const bool whole = desc->qk_norm == QK_NORM_WIDTH;

    if (desc->norm_in)
        put_norm(w, SLOT_NORM1, i, c->width);
    if (c->fused_qkv) {
        put_part(w, i, PART_QKV, c->qkv_bias);
    } else {
        put_part(w, i, PART_Q, c->qkv_bias);
        put_part(w, i, PART_K, c->qkv_bias);
        put_part(w, i, PART_V, c->qkv_bias);
    }
    if (desc->qk_norm != QK_NORM_NONE) {
        put_norm(w, SLOT_Q_NORM, i, whole ? c->heads * D : D);
        put_norm(w, SLOT_K_NORM, i, whole ? c->kv_heads * D : D);
    }
    put_part(w, i, PART_O, c->o_bias);
    if (desc->norm_out)
        put_norm(w, SLOT_OUT1, i, c->width);
    if (desc->norm_in)
        put_norm(w, SLOT_NORM2, i, c->width);
    if (c->gated && !c->fused_up)
        put_part(w, i, PART_GATE, c->mlp_bias);
    put_part(w, i, c->fused_up ? PART_GATE_UP : PART_UP, c->mlp_bias);
    put_part(w, i, PART_DOWN, c->mlp_bias);
    if (desc->norm_out)
        put_norm(w, SLOT_OUT2, i, c->width);
}

int
layout_each(const struct model_config *cfg,
            int (*visit)(const struct layout_item *item, trv_err *err,
                         void *payload),
            trv_err *err, void *payload)
{
    struct walk w = {cfg, visit, err, payload, 0};

    put_matrix(&w, SLOT_EMBED, cfg->vocab, cfg->width);
    if (cfg->learned_pos)
        put_matrix(&w, SLOT_POS, cfg->context, cfg->width);
    for (int64_t i = 0; i < cfg->layers && !w.rc; i++)
        put_layer(&w, i);
    put_norm(&w, SLOT_NORM, -1, cfg->width);
    if (cfg->labels)
        put_matrix(&w, SLOT_SCORE, cfg->labels, cfg->width);
    else if (!cfg->tied)
        put_matrix(&w, SLOT_HEAD, cfg->vocab, cfg->width);
    return w.rc;
}
