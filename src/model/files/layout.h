/* layout.h -- the tensors that a config asks for: one list of names, shapes and
 * places, from which models are opened, hashed and written.
 */
#ifndef MODEL_LAYOUT_H
#define MODEL_LAYOUT_H

#include "model/files/config.h"

enum slot {
    SLOT_EMBED,
    SLOT_POS,
    SLOT_NORM1, // before attention
    SLOT_OUT1,  // after it
    SLOT_NORM2, // before the MLP
    SLOT_OUT2,  // after it
    SLOT_Q_NORM,
    SLOT_K_NORM,
    SLOT_PART, // a linear map
    SLOT_NORM, // the last one
    SLOT_HEAD,
    SLOT_SCORE, // a reward model's, in place of the head
    SLOT_COUNT
};

struct layout_item {
    char name[96];      // Hugging Face's: "model.layers.0.mlp.up_proj.weight"
    char gguf_name[64]; // llama.cpp's: "blk.0.ffn_up.weight"
    enum slot slot;
    int64_t layer;  // -1: of no layer
    enum part part; // of SLOT_PART
    bool bias;
    int n_dims;
    int64_t dim[2];
    int32_t rotary_heads; // q or k of rotary attention: its heads; else 0
};

/** Is it the weight of a norm? */
bool layout_is_norm(const struct layout_item *item);

/** Call visit for every tensor, bottom to top, until it fails; returns what it
 * returned. A tied head is not among them; a reward model's `score` is. */
int layout_each(const struct model_config *cfg,
                int (*visit)(const struct layout_item *item, trv_err *err,
                             void *payload),
                trv_err *err, void *payload);

#endif
