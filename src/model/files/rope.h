/* rope.h -- the table of rotary positions. */
#ifndef MODEL_ROPE_H
#define MODEL_ROPE_H

#include <stdint.h>

struct model_config;

enum rope_scaling {
    ROPE_PLAIN,
    ROPE_LINEAR,
    ROPE_LLAMA3,
    ROPE_FACTORS // every frequency divided by its own (GGUF's rope_freqs)
};
#define ROPE_FREQS_MAX 256 // of ROPE_FACTORS: head_dim 512

/** cos_sin [n_pos, rot] as backend_ops.rope takes it, rot = head_dim.
 * Frequencies and angles are rounded to f32 where transformers rounds them,
 * since an angle's error grows with its position; the rest is in double. */
void config_rope_table(float *cos_sin, const struct model_config *cfg,
                       int64_t n_pos);

#endif
