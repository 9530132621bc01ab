/* part.h -- the linear maps of a layer, by the names that PEFT addresses. */
#ifndef MODEL_PART_H
#define MODEL_PART_H

#include <stddef.h>
#include <stdint.h>

struct model_config;

enum part {
    PART_Q,
    PART_K,
    PART_V,
    PART_QKV, // GPT-2's c_attn, Phi-3's qkv_proj
    PART_O,
    PART_GATE,
    PART_UP,      // GPT-2's c_fc
    PART_GATE_UP, // both in one, Phi-3's gate_up_proj
    PART_DOWN,
    PART_COUNT
};
/** "self_attn.q_proj", "attn.c_attn", ...; NULL where the family has none. */
const char *part_name(const struct model_config *cfg, enum part p);
/** The module's full path: "model.layers.3.self_attn.q_proj". */
int part_path(char *buf, size_t size, const struct model_config *cfg,
              int64_t layer, enum part p);
/** The path of a module of a text model in the model that it is the text of:
 * "model.norm" is "model.language_model.norm" in one that sees. */
int part_home(char *buf, size_t size, const struct model_config *cfg,
              const char *path);
void part_shape(int64_t *out, int64_t *in, const struct model_config *cfg,
                enum part p);

#endif
