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

struct model_config {
    const struct family *family;
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

const char *family_name(const struct family *f);   // "gpt2", "llama", ...
const char *family_scorer(const struct family *f); // "GPT2For..."

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
