/* lora_mlx.h -- adapters as mlx-lm saves them: adapter_config.json and
 * adapters.safetensors.
 *
 *   MODULE.lora_a [in, rank], .lora_b [rank, out]     y += scale * x a b
 *   embedding.lora_a [V, rank], .lora_b [rank, C]
 *   MODULE.m [out]                                    of DoRA
 *   any tensor of the model, of fine_tune_type full
 *
 * lora_parameters.scale is the scale itself; num_layers counts from the last
 * one. A tied head follows the embedding, as mlx computes it.
 */
#ifndef ADAPT_PARAMS_LORA_MLX_H
#define ADAPT_PARAMS_LORA_MLX_H

#include "adapt/params/base_patch.h"
#include "adapt/payload.h"
#include "model/decoder/lora.h"

#define MLX_CONFIG "adapter_config.json"
#define MLX_WEIGHTS "adapters.safetensors"

/** Is there such a file in the folder, and not PEFT's? */
bool mlx_is(const char *dir);
/** As peft_read(), with no training: *out zeros where only the patch acts. */
int mlx_read(struct lora *out, struct base_patch *patch,
             const struct model_config *cfg, const char *dir, trv_err *err);
int mlx_parse(struct lora *out, struct base_patch *patch,
              const struct model_config *cfg, const char *name,
              const char *config, size_t n_config, const void *weights,
              size_t n_weights, trv_err *err);

#endif
