/* llama.h -- what the descendants of Llama share with it. */
#ifndef MODEL_LLAMA_H
#define MODEL_LLAMA_H

#include "model/files/family.h"

/* What most tables of names share: what stands outside the layers, attention
 * in four maps, and a gated MLP in three. */
#define LLAMA_NAMES_OUTSIDE                                                    \
    [SLOT_EMBED] = "model.embed_tokens", [SLOT_NORM] = "model.norm",           \
    [SLOT_HEAD] = "lm_head", [SLOT_SCORE] = "score"
#define LLAMA_NAMES_ATTENTION                                                  \
    [PART_Q] = "self_attn.q_proj", [PART_K] = "self_attn.k_proj",              \
    [PART_V] = "self_attn.v_proj", [PART_O] = "self_attn.o_proj"
#define LLAMA_NAMES_MLP                                                        \
    [PART_GATE] = "mlp.gate_proj", [PART_UP] = "mlp.up_proj",                  \
    [PART_DOWN] = "mlp.down_proj"

extern const struct family_names llama_names;

/** RMS norms, gated SiLU, norm_eps 1e-6. */
void llama_shape(struct model_config *c);

/* From transformers' configuration classes; 0: follows from others. */
struct llama_defaults {
    int64_t vocab, mlp_width, kv_heads, head_dim, context;
    int64_t width, layers, heads; // 0: Llama's own
    int64_t bos, eos;             // -1: none
    bool tied;
    double rotary; // the share of a head that turns where a file may say it
    /* Two rotary tables (field_ropes()); NULL: one. */
    const char *local_theta;
};
extern const struct llama_defaults llama_usual; // Llama's
/** Sizes, activation, rotary positions, special tokens. Biases and windows are
 * left to the family. */
void llama_read(struct fields *r, struct model_config *c,
                const struct llama_defaults *d);

#endif
