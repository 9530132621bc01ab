/* granite.h -- what Granite 4 shares with Granite 3. */
#ifndef MODEL_GRANITE_H
#define MODEL_GRANITE_H

#include "model/files/families/llama.h"

/** The multipliers of embeddings, attention, residual sums and logits. */
void granite_scales(struct fields *r, struct model_config *c);

#endif
