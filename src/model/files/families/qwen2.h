/* qwen2.h -- what Qwen3 shares with Qwen2. */
#ifndef MODEL_QWEN2_H
#define MODEL_QWEN2_H

#include "model/files/families/llama.h"

/** The window counts where use_sliding_window says so, and then for the layers
 * that layer_types names, or for those from max_window_layers on. */
void qwen2_window(struct fields *r, struct model_config *c);

#endif
