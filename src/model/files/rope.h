/* rope.h -- rotary positions: the frequencies of a table, and the table. */
#ifndef MODEL_ROPE_H
#define MODEL_ROPE_H

#include <stdbool.h>
#include <stdint.h>

#define ROPE_SCALING_LIST(X)                                                   \
    X(PLAIN, "plain")                                                          \
    X(LINEAR, "linear")                                                        \
    X(LLAMA3, "llama3")                                                        \
    /* every frequency divided by its own (GGUF's rope_freqs) */               \
    X(FACTORS, "factors")                                                      \
    X(YARN, "yarn")                                                            \
    /* as FACTORS, by the factors of short texts */                            \
    X(LONGROPE, "longrope")                                                    \
    X(DYNAMIC, "dynamic") /* plain up to the context */

enum rope_scaling {
#define ROPE_SCALING_ENUM(id, name) ROPE_##id,
    ROPE_SCALING_LIST(ROPE_SCALING_ENUM)
#undef ROPE_SCALING_ENUM
};
#define ROPE_FREQS_MAX 256 // of ROPE_FACTORS: head_dim 512

struct rope {
    double theta;
    enum rope_scaling scaling;
    double factor;
    double low, high; // llama3: low/high_freq_factor; YaRN: beta_slow/_fast
    bool whole_dims;  // YaRN: its range of dimensions is rounded outwards
    int64_t original; // original context
    int64_t dim;      // of a head's values, the first that turn; 0: all
    bool interleaved; // pairs (2i, 2i+1), not (i, i + dim/2)
    double gain;      // of cosines and sines; 0: 1
    double growth;    // q times 1 + growth ln(1 + floor(pos / original))
    float factors[ROPE_FREQS_MAX]; // [dim/2]
};

/** How many of a head's values turn. */
int64_t rope_dim(const struct rope *r, int64_t head_dim);
/** cos_sin [n_pos, rope_dim()] as backend_ops.rope takes it. Frequencies and
 * angles are rounded to f32 where transformers rounds them, since an angle's
 * error grows with its position; the rest is in double. */
void rope_table(float *cos_sin, const struct rope *r, int64_t head_dim,
                int64_t n_pos);
/** Make the table of keys that of queries, which `growth` lengthens. */
void rope_grow(float *cos_sin, const struct rope *r, int64_t head_dim,
               int64_t n_pos);
const char *rope_scaling_name(enum rope_scaling s); // "plain", "llama3", ...

#endif
