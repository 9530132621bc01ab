/* peft_virtual.h -- virtual tokens in the format of PEFT: adapter_config.json
 * and adapter_model.safetensors with one tensor.
 *
 *   PROMPT_TUNING   prompt_embeddings [k, C]
 *   PREFIX_TUNING   prompt_embeddings [k, 2 L W]: layer by layer the key, then
 *                   the value, W = kv_heads * head_dim
 *
 * A prefix that was trained through PEFT's MLP (prefix_projection) is read as
 * well: what PEFT saves is what came out of it.
 */
#ifndef ADAPT_PROMPT_PEFT_VIRTUAL_H
#define ADAPT_PROMPT_PEFT_VIRTUAL_H

#include "adapt/artefact.h"
#include "adapt/payload.h"
#include "model/decoder/virtual.h"

/** The kind in a folder's adapter_config.json: KIND_SOFT, KIND_PREFIX, or, for
 * every other adapter, KIND_LORA, whose reader names what it cannot take.
 * TRV_EIO, TRV_EFORMAT. */
int peft_virtual_kind(enum kind *kind, const char *dir, trv_err *err);

/**
 * Read a folder for a model of this shape.
 *
 * @param base  as in peft_read().
 * @return 0, TRV_EIO, TRV_EFORMAT, TRV_EMISMATCH (made for another shape),
 *         TRV_EUNSUPPORTED (named), TRV_ERANGE (more tokens than the context
 *         holds), TRV_ENONFINITE, TRV_ENOMEM.
 */
int peft_virtual_read(struct virtual_tokens *out, char **base,
                      const struct model_config *cfg, const char *dir,
                      bool trained, trv_err *err);
/** The same from memory; `name` stands for the folder. */
int peft_virtual_parse(struct virtual_tokens *out, char **base,
                       const struct model_config *cfg, const char *name,
                       const char *config, size_t n_config, const void *weights,
                       size_t n_weights, bool trained, trv_err *err);
/** Equal tables give equal bytes. */
int peft_virtual_encode(struct payload_files *out,
                        const struct virtual_tokens *v,
                        const struct model_config *cfg, const char *base,
                        trv_err *err);

#endif
