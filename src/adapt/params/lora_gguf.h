/* lora_gguf.h -- a LoRA as llama.cpp's convert_lora_to_gguf.py writes it.
 *
 *   general.type        "adapter"
 *   adapter.type        "lora"
 *   adapter.lora.alpha  the scale is alpha / rank; 0: 1
 *   TENSOR.lora_a [rank, in], TENSOR.lora_b [out, rank]
 *   token_embd.weight.lora_a [V, rank], .lora_b [C, rank]
 *
 * TENSOR is the base's, as in its GGUF file. In families whose q and k are
 * interleaved there, the rows of their lora_b are, too.
 */
#ifndef ADAPT_PARAMS_LORA_GGUF_H
#define ADAPT_PARAMS_LORA_GGUF_H

#include <jansson.h>

#include "adapt/params/base_patch.h"
#include "model/decoder/lora.h"
#include "model/files/gguf.h"

/** Is it a file that begins as GGUF files do? */
bool gguf_lora_is(const char *path);
/** Does it call itself an adapter? What cannot be read is none. TRV_ENOMEM. */
int gguf_lora_find(bool *is, const char *path, trv_err *err);
/** What is said without a model: architecture, base, alpha, ranks, modules. */
int gguf_lora_describe(json_t **out, const char *path, trv_err *err);
/** As mlx_read(). */
int gguf_lora_read(struct lora *out, struct base_patch *patch,
                   const struct model_config *cfg, const char *path,
                   trv_err *err);
/** From an open file, which is borrowed. */
int gguf_lora_take(struct lora *out, struct base_patch *patch,
                   const struct model_config *cfg, const struct gguf_file *f,
                   trv_err *err);

#endif
