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

enum family {
    FAMILY_GPT2,
    FAMILY_LLAMA,
    FAMILY_MISTRAL,
    FAMILY_QWEN2,
    FAMILY_QWEN3,
    FAMILY_COUNT
};

enum rope_scaling {
    ROPE_PLAIN,
    ROPE_LINEAR,
    ROPE_LLAMA3,
    ROPE_FACTORS // every frequency divided by its own (GGUF's rope_freqs)
};
#define ROPE_FREQS_MAX 256 // of ROPE_FACTORS: head_dim 512

#define EOS_MORE_MAX 8

struct model_config {
    enum family family;
    int64_t width, layers, heads, kv_heads, head_dim, mlp_width; // C L H G D F
    int64_t vocab;   // rows of the embedding, padding included
    int64_t context; // positions
    bool rms;        // else LayerNorm with bias
    double norm_eps;
    bool learned_pos; // else rotary
    double rope_theta;
    enum rope_scaling rope_scaling;
    double rope_factor, rope_low, rope_high; // llama3: low/high_freq_factor
    int64_t rope_original;                   // original context
    float rope_factors[ROPE_FREQS_MAX];      // [D/2]
    enum activation act;
    bool gated;
    bool fused_qkv; // one tensor for q, k, v (GPT-2)
    bool conv1d;    // linear weights stored [in, out] (GPT-2)
    bool qkv_bias, o_bias, mlp_bias;
    bool qk_norm;                   // RMS norm of each head's q and k (Qwen3)
    bool tied;                      // the head is the embedding
    int64_t window;                 // sliding attention; 0: none
    int32_t bos, eos;               // -1: none said
    int32_t eos_more[EOS_MORE_MAX]; // further ids that end a text
    int n_eos_more;
    int32_t pad; // pad_token_id; -1: none said
    /* of a head that classifies sequences in place of the vocabulary's; 0: a
     * language model. 1 label is a reward model */
    int64_t labels;
};

const char *family_name(enum family f);   // "gpt2", "llama", ...
const char *family_class(enum family f);  // "GPT2LMHeadModel", ...
const char *family_scorer(enum family f); // "GPT2ForSequenceClassification"

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

/** cos_sin [n_pos, rot] as backend_ops.rope takes it, rot = head_dim.
 * Frequencies and angles are rounded to f32 where transformers rounds them,
 * since an angle's error grows with its position; the rest is in double. */
void config_rope_table(float *cos_sin, const struct model_config *cfg,
                       int64_t n_pos);

/* The linear maps of a layer, by the names that PEFT addresses. */
enum part {
    PART_Q,
    PART_K,
    PART_V,
    PART_QKV, // GPT-2's c_attn
    PART_O,
    PART_GATE,
    PART_UP, // GPT-2's c_fc
    PART_DOWN,
    PART_COUNT
};
/** "self_attn.q_proj", "attn.c_attn", ...; NULL where the family has none. */
const char *part_name(const struct model_config *cfg, enum part p);
/** The module's full path: "model.layers.3.self_attn.q_proj". */
int part_path(char *buf, size_t size, const struct model_config *cfg,
              int64_t layer, enum part p);
void part_shape(int64_t *out, int64_t *in, const struct model_config *cfg,
                enum part p);

#endif
