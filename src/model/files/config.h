/* config.h -- what kind of decoder a model is: every difference between the
 * families is a field here, and the decoder knows no family by name.
 */
#ifndef MODEL_CONFIG_H
#define MODEL_CONFIG_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "backend/backend.h"
#include "base/err.h"
#include "model/files/part.h"
#include "model/files/rope.h"

struct family; // model/files/family.h

#define EOS_MORE_MAX 8
#define LAYERS_MAX 4096
#define LAYER_KINDS_MAX 4
#define ROPES_MAX 2

enum qk_norm {
    QK_NORM_NONE,
    QK_NORM_HEAD, // an RMS norm of each head's q and k (Qwen3)
    QK_NORM_WIDTH // of all heads' q as one vector, and of all k (OLMo 2)
};

/* What a kind of layer does; most models have one kind. Both norms may stand:
 * x += norm_out(sublayer(norm_in(x))), for attention and MLP alike. */
struct layer_desc {
    int64_t window; // attention sees so many newest keys; 0: all
    int rope;       // of the model's rotary tables; -1: no rotation
    bool norm_in;   // before each sublayer
    bool norm_out;  // after it, before its output joins the stream
    enum qk_norm qk_norm;
    bool parallel; // x += attention(norm1(x)) + mlp(norm2(x)), of one x
};

struct model_config {
    const struct family *family;
    int64_t width, layers, heads, kv_heads, head_dim, mlp_width; // C L H G D F
    int64_t vocab;        // rows of the embedding, padding included
    int64_t context;      // positions
    int64_t context_said; // where LongRoPE cuts it: what the file says; else 0
    bool rms;             // else LayerNorm with bias
    double norm_eps;
    bool learned_pos;
    int n_ropes;
    struct rope ropes[ROPES_MAX];
    /* Multipliers; 0 stands for 1, and of attention for 1/sqrt(head_dim). */
    double embed_scale;    // of the embeddings of tokens
    bool scales_virtual;   // and of virtual tokens, which the first spares else
    double attn_scale;     // of q.k
    double residual_scale; // of what a sublayer adds to the stream
    double logit_scale;
    double attn_cap, logit_cap; // x becomes cap tanh(x / cap); 0: it stays
    bool norm_less_one;         // norms are stored less 1 (not in GGUF files)
    enum activation act;
    bool gated;
    bool fused_qkv;   // one tensor for q, k, v (GPT-2)
    bool qkv_by_head; // its rows are q, k, v of head 0, then of head 1, ...
    bool fused_up;    // one tensor for gate and up (Phi-3)
    bool conv1d;      // linear weights stored [in, out] (GPT-2)
    bool qkv_bias, o_bias, mlp_bias;
    bool tied;                      // the head is the embedding
    int32_t bos, eos;               // -1: none said
    int32_t eos_more[EOS_MORE_MAX]; // further ids that end a text
    int n_eos_more;
    int32_t pad; // pad_token_id; -1: none said
    /* of a head that classifies sequences in place of the vocabulary's; 0: a
     * language model. 1 label is a reward model */
    int64_t labels;
    bool sees; // the text part of a model that sees, which has other paths
    struct layer_desc kinds[LAYER_KINDS_MAX];
    unsigned char kind[LAYERS_MAX]; // of each layer
};

static inline const struct layer_desc *
config_layer(const struct model_config *cfg, int64_t layer)
{
    return &cfg->kinds[cfg->kind[layer]];
}

/** A multiplier as a factor. */
static inline float
config_factor(double scale)
{
    return scale == 0.0 ? 1.0f : (float)scale;
}

const char *family_name(const struct family *f);   // "gpt2", "llama", ...
const char *family_scorer(const struct family *f); // "GPT2For..."

/** What a config.json says of a text model: of one that sees, too, that of its
 * "text_config", and for the rest its own. A reference to let go, or NULL
 * without memory. */
json_t *config_text(const json_t *obj);
/** From a config.json. An unknown model_type is TRV_EUNSUPPORTED, with the
 * list of those supported; contradictions (heads that do not divide, zero or
 * absurd sizes) are TRV_EFORMAT. */
int config_from_json(struct model_config *out, const json_t *obj,
                     const char *file, trv_err *err);
/** Sizes that agree with each other, whatever file they are from. */
int config_check(const struct model_config *cfg, const char *file,
                 trv_err *err);
/** One more id that ends a text; an id that is known already is no second. */
int config_add_eos(struct model_config *cfg, int64_t id, const char *file,
                   trv_err *err);

#endif
