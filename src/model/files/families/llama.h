/* llama.h -- what the descendants of Llama share with it. */
#ifndef MODEL_LLAMA_H
#define MODEL_LLAMA_H

#include "model/files/family.h"

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
/** Sizes, activation, rotary positions, special tokens. Biases and windows are
 * left to the family. */
void llama_read(struct fields *r, struct model_config *c,
                const struct llama_defaults *d);

#endif
