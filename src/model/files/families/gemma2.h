/* gemma2.h -- what Gemma 3 shares with Gemma 2. */
#ifndef MODEL_GEMMA2_H
#define MODEL_GEMMA2_H

#include "model/files/families/llama.h"

extern const struct family_names gemma_names;

/** Norms around both sublayers, stored less 1; gated GELU. */
void gemma_shape(struct model_config *c);
/** Sizes, scales and caps, and the ends of texts: all but rotary positions and
 * windows. */
void gemma_read(struct fields *r, struct model_config *c,
                const struct llama_defaults *d, double attn_cap,
                double logit_cap);
/** What no GGUF file says: the scale of embeddings, and that of attention,
 * which is that of the width of a head but in the model of 27B, which has
 * `big` layers. */
void gemma_gguf(struct model_config *c, int64_t big);

#endif
