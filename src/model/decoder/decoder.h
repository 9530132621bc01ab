/* decoder.h -- the one decoder: forward and backward, written out layer by
 * layer and switched by the model's config.
 *
 *   x = embed(ids) (+ learned positions)
 *   each layer:  x += out1(O(attention(rope(QKV(norm1(x))))))
 *                x += out2(DOWN(act(UP(norm2(x)))))
 *   hidden = norm(x);   logits = HEAD(hidden): see head.h
 *
 * The config may multiply the embeddings, what is added to x, and the logits.
 *
 * Which of the four norms a layer has, whether and by which table it turns q
 * and k, what norms them before and how far it sees is its description
 * (struct layer_desc).
 *
 * What a group of rows runs under (adapter_weights.h) joins in at its place: low-rank
 * maps beside every linear map, bottlenecks after O and DOWN, virtual tokens
 * as embeddings or as keys and values that take the place of the computed
 * ones. Gradients go to the terms that have gradient vectors, to all weights
 * after decoder_train_full(), and to the embeddings that a batch began with
 * (saved.d_embeds), which say what another token in a place would change.
 */
#ifndef MODEL_DECODER_H
#define MODEL_DECODER_H

#include "base/mem.h"
#include "model/decoder/batch.h"
#include "model/decoder/adapter_weights.h"
#include "model/decoder/dora.h"
#include "model/decoder/lora_pass.h"
#include "model/files/model.h"

/* A small vector of weights and, while trained, its gradient. */
struct dec_vec {
    float *v, *d; // NULL where the family has none; d NULL while frozen
};

/* A linear map of the decoder, its bias, and its parts by PEFT's names. */
struct dec_linear {
    struct linear lin;
    struct dec_vec bias;
    float *d_w; // [out, in]; NULL while frozen
    enum part parts[LINEAR_PARTS];
};

struct dec_layer {
    struct dec_vec norm1_w, norm1_b, norm2_w, norm2_b; // before a sublayer
    struct dec_vec out1_w, out1_b, out2_w, out2_b;     // after it
    struct dec_vec q_norm, k_norm;
    struct dec_linear qkv, o, up, down; // up holds gate and up, stacked
};

/* Where a trained weight lies in the flat vector, by its file name. */
struct dec_item {
    char name[96];
    int64_t at, rows, cols; // [rows, cols], rows = out for linear maps
};

struct decoder {
    const struct model *model;
    const struct model_config *cfg;
    struct backend *be;
    struct dec_layer *layers;
    struct dec_vec norm_w, norm_b;
    struct dec_linear head; // nothing is in it in a reward model
    struct dec_vec score;   // [C] the scalar head; v NULL: none
    float *embed, *d_embed, *pos_embed, *d_pos_embed; // full training only
    float *cos_sin; // [n_ropes][n_cos_sin, head_dim]
    int64_t n_cos_sin;
    float *frozen; // storage of the vectors
    float *score_frozen;
    /* full training: one flat vector of weights and one of gradients */
    int64_t n_full, n_items;
    float *w_full, *g_full;
    struct dec_item *items;
    /* packed for the backward products, too: those above the lowest map, and
     * that one, which only gradients of embeddings go through */
    bool has_backward, has_input_backward;
    double flop, tokens; // done so far: multiply-adds count 2
};

/** Pack the weights for a backend. The model and the backend must outlive the
 * decoder. TRV_ENOMEM. */
int decoder_open(struct decoder **out, const struct model *m,
                 struct backend *be, trv_err *err);
void decoder_free(struct decoder *d);

/** Make now what decoder_backward() needs of the weights, so that want of
 * memory is an error of the plan and not of a step; the first forward that
 * saves does it otherwise. After decoder_train_full() where that is called.
 * Later calls do nothing. TRV_ENOMEM. */
int decoder_plan_backward(struct decoder *d, trv_err *err);
/** The same down to the embeddings, for virtual tokens that learn and for
 * saved.d_embeds. */
int decoder_plan_input_backward(struct decoder *d, trv_err *err);
/** Make every weight trainable: f32 master copies and gradients. TRV_ENOMEM:
 * then nothing is trainable. */
int decoder_train_full(struct decoder *d, trv_err *err);
/** Give a language model a scalar head of zeros, which decoder_train_full(),
 * called afterwards, makes trainable in place of its head. TRV_ENOMEM. */
int decoder_add_score(struct decoder *d, trv_err *err);
/** Name parameter `index` of w_full, for messages; "" where there is none. */
void decoder_locate(char *buf, size_t size, const struct decoder *d,
                    int64_t index);
/** After an optimiser step on w_full. */
void decoder_refresh_full(struct decoder *d);

/** Keys and values of a generation, by slot: [slots, kv_heads*head_dim] for
 * each layer. */
struct kv_cache {
    struct backend *be;
    int64_t slots;
    float **k, **v; // [layers]
    float *store;
};
int kv_cache_open(struct kv_cache *c, struct backend *be,
                  const struct model_config *cfg, int64_t slots, trv_err *err);
void kv_cache_release(struct kv_cache *c);

/* The linear maps of a layer, in the order of the forward pass. */
enum dec_map { MAP_QKV, MAP_O, MAP_UP, MAP_DOWN, DEC_MAPS };
struct dec_linear *decoder_map(const struct decoder *d, int64_t layer,
                               enum dec_map map);

/* What a training forward keeps for its backward; lies in the arena, its values
 * in the backend's memory. */
struct saved_layer {
    float *x_in, *x_mid;     // [T,C] before each norm, alike where parallel
    float *stats1, *stats2;  // [T,2]
    float *qkv;              // [T,Q] after rope
    float *qk_raw;           // [T,q+k] before the norms of q and k
    float *qk_stats;         // [decoder_qk_spans()][T,2]
    float *y1, *y2;          // [T,C] before each norm_out
    float *out1, *out2;      // [T,2] their stats
    float *lse;              // [T,H]
    struct mat attn;         // [T,H*D] act_type
    struct mat u;            // [T,F or 2F] act_type
    struct mat xa[DEC_MAPS]; // x A^T [T,R] act_type, of the layer's maps
    struct mat v[DEC_MAPS];  // [T,out] f32: V x / |V| of DoRA (dora.h)
    struct mat m[BOTTLENECK_PLACES]; // [T,C] act_type: what a bottleneck sees
    struct mat z[BOTTLENECK_PLACES]; // [T,S] before its activation
};
struct saved {
    struct saved_layer *layers;
    float *x_out, *stats; // before the last norm
    uint64_t dropout_seed;
    bool training; // dropout acts
    /* Called by the backward pass with the gradient dx [T,C] f32 of the residual
     * stream as MAP_O or MAP_DOWN of a layer left it. A loss of the stream
     * itself may add to it. NULL: not wanted. */
    void (*on_stream)(void *payload, int64_t layer, enum dec_map map,
                      struct mat dx);
    void *payload;
    /* [T,C] f32: the gradient of the embeddings, token by token, is ADDED to
     * it; NULL: not wanted. Set before the forward pass, in the backend's
     * memory. */
    float *d_embeds;
};

/**
 * Hidden states after the last norm.
 *
 * Shapes   hidden [T,C] of be->act_type, in the arena.
 * Inputs   b       packed rows; every pos < the model's context, every id <
 *                  its vocabulary, and below 0 only where the group's terms
 *                  have so many virtual tokens (checked: TRV_ERANGE,
 *                  TRV_ETOOLONG).
 *          cache   NULL: tokens see the keys of this batch; else keys and
 *                  values go to b->slots and are read from the cache.
 *          save    NULL: nothing is kept; else filled for the backward.
 * Returns  0, TRV_ENOMEM, TRV_ERANGE, TRV_ETOOLONG.
 * Memory   all from `a`; the caller rewinds.
 */
int decoder_forward(struct decoder *d, struct arena *a, struct mat *hidden,
                    const struct batch *b, struct kv_cache *cache,
                    struct saved *save, trv_err *err);

/** Sees the residual stream x [T,C] f32 as a layer left it, within the call. */
struct decoder_tap {
    void (*see)(void *payload, int64_t layer, struct mat x);
    void *payload;
};
/** The same without cache or gradients, layer by layer seen. */
int decoder_forward_seen(struct decoder *d, struct arena *a, struct mat *hidden,
                         const struct batch *b, const struct decoder_tap *tap,
                         trv_err *err);

/**
 * The same pass by halves of a layer, for work that stops at each layer while
 * many batches wait: x [T,C] f32 starts as decoder_embed()'s and is added to,
 * by MAP_O (norm, attention, output map) and MAP_DOWN (norm, MLP) in turn. No
 * layer may be parallel.
 *
 * Outputs  entered  what went into the output map [T,in] of act_type, in the
 *                   arena.
 * Returns  0, TRV_ENOMEM; of embed also TRV_ERANGE, TRV_ETOOLONG.
 */
int decoder_embed(struct decoder *d, struct arena *a, struct mat x,
                  const struct batch *b, trv_err *err);
int decoder_half(struct decoder *d, struct arena *a, struct mat x,
                 struct mat *entered, int64_t layer, enum dec_map map,
                 const struct batch *b, trv_err *err);

/**
 * Add the gradients of a scalar whose gradient at `hidden` is d_hidden [T,C]
 * f32 (left undefined) to the terms of the batch's groups that have gradient
 * vectors, to save->d_embeds, and to all weights where full training is on.
 */
int decoder_backward(struct decoder *d, struct arena *a, struct mat d_hidden,
                     const struct batch *b, const struct saved *save,
                     trv_err *err);

/* Values of a row that the stacked maps give: q, k, v; gate (where there is)
 * and up. */
int64_t decoder_qkv_width(const struct model_config *cfg);
int64_t decoder_up_width(const struct model_config *cfg);

/* What is normed as one vector of q and k: `n` values of a row of qkv from
 * column `at`, by the weights `w`. A layer has decoder_qk_spans() of them. */
struct qk_span {
    int64_t at, n;
    struct dec_vec *w;
};
int64_t decoder_qk_spans(const struct model_config *cfg, int64_t layer);
struct qk_span decoder_qk_span(const struct decoder *d, int64_t layer,
                               int64_t i);

/* In place: turn q and k [T,q+k], or turn them back, as the layer's rotary
 * table says; nothing where it has none. */
void decoder_rotate(const struct decoder *d, struct mat qk, int64_t layer,
                    const struct batch *b, bool inverse);
/* qkv [T,Q], q, k and v in turn, = file [T,Q], the three of head after head; or
 * the other way round. */
void decoder_order_qkv(const struct decoder *d, struct mat qkv, struct mat file,
                       bool inverse);
/* n [T,C] of act_type = what enters a sublayer: norm(x), or x where the layer
 * has no norm before it (w, b are then without values). */
void decoder_enter(const struct decoder *d, struct mat n, float *stats,
                   struct mat x, const struct dec_vec *w,
                   const struct dec_vec *b);

/* What both passes need of a batch: the attention's plan in a layer, and its
 * work. */
struct attn_plan decoder_attn_plan(const struct decoder *d,
                                   const struct batch *b, int64_t layer);
double decoder_attn_flop(const struct decoder *d, const struct batch *b);

/* What the embeddings of tokens are multiplied by: in bf16 rounded, as
 * transformers does. */
float decoder_embed_scale(const struct decoder *d);

/* Ids or positions [n] as indices of rows, in the arena; NULL without memory. */
const int64_t *decoder_indices(struct arena *a, const int32_t *ids, int64_t n);

/* Do any of its terms learn embeddings? */
bool decoder_trains_inputs(const struct batch *b);

/* The largest bottleneck of a place among the groups; 0: none has one. */
int64_t decoder_bottleneck_size(const struct batch *b, int64_t layer,
                                enum bottleneck_place place);

/* Does a map have magnitudes in any of them? */
bool decoder_has_dora(const struct batch *b, int64_t layer,
                      const struct dec_linear *l);

/* And of the low-rank terms of a map. */
struct lora_drop decoder_drop(const struct saved *save, const struct lora *lora,
                              int64_t layer, enum dec_map map);
double decoder_lora_work(const struct lora_stack *s); // multiply-adds a token

/** A matrix in the backend's memory, of an arena's tensors; data NULL without
 * memory. */
struct mat mat_new(struct arena *a, enum dtype type, int64_t rows,
                   int64_t cols);
/** The values of such a matrix of f32, or NULL; arena_f32() is for the host. */
float *tensor_f32(struct arena *a, int64_t rows, int64_t cols);

#endif
