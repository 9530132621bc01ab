/* olmo2.h -- what OLMo 3 shares with OLMo 2. */
#ifndef MODEL_OLMO2_H
#define MODEL_OLMO2_H

#include "model/files/families/llama.h"

extern const struct family_names olmo2_names;
extern const struct llama_defaults olmo2_defaults;

/** Norms after each sublayer alone, and of q and k over the whole width. */
void olmo2_shape(struct model_config *c);

#endif
