/* peft.h -- LoRA in the format of PEFT: adapter_config.json and
 * adapter_model.safetensors.
 *
 *   base_model.model.<module path>.lora_A.weight  [rank, in]
 *   base_model.model.<module path>.lora_B.weight  [out, rank]
 *   base_model.model.<module path>.lora_B.bias, .lora_magnitude_vector  [out]
 *
 * Module paths are those of the Hugging Face family, whatever file the base
 * model came from; peft_key.h has the names. What a folder changes in the base
 * itself (whole modules, trained tokens and biases, pairs of the embedding or
 * the head) becomes a patch (base_patch.h). What is not computed here (other
 * kinds of adapters, starts that change the base) is refused by name: an
 * adapter is applied wholly or not at all.
 */
#ifndef ADAPT_PARAMS_PEFT_H
#define ADAPT_PARAMS_PEFT_H

#include "adapt/params/base_patch.h"
#include "adapt/payload.h"
#include "model/decoder/lora.h"

#define PEFT_CONFIG "adapter_config.json"
#define PEFT_WEIGHTS "adapter_model.safetensors"

/** Is there an adapter_config.json in the folder? */
bool peft_is(const char *dir);

/**
 * Read a folder into a LoRA for a model of this shape.
 *
 * The model itself is not needed, so an adapter can be read and rewritten
 * without its base. Every module that the config targets must have all its
 * tensors, with the model's shape and the config's rank (rank_pattern
 * included), and every tensor must belong to a targeted module or be one of the
 * base.
 *
 * @param out      all zeros where no linear layer is adapted.
 * @param patch    [out] what the folder changes in the base; NULL: a folder
 *                 that changes something is TRV_EUNSUPPORTED.
 * @param base     [out] base_model_name_or_path, freed with mem_free(); NULL
 *                 where the config has none. May be NULL.
 * @param trained  make gradients.
 * @return 0, TRV_EIO, TRV_EFORMAT (broken, or contradicts itself),
 *         TRV_EMISMATCH (a tensor that the model does not have, or of another
 *         shape), TRV_EUNSUPPORTED (named), TRV_ERANGE (a rank above
 *         LORA_MAX_RANK), TRV_ENONFINITE, TRV_ENOMEM.
 */
int peft_read(struct lora *out, struct base_patch *patch, char **base,
              const struct model_config *cfg, const char *dir, bool trained,
              trv_err *err);
/** The same from memory; `name` stands for the folder. Either file may be
 * hostile. */
int peft_parse(struct lora *out, struct base_patch *patch, char **base,
               const struct model_config *cfg, const char *name,
               const char *config, size_t n_config, const void *weights,
               size_t n_weights, bool trained, trv_err *err);

/**
 * A LoRA of sequence classification with one label (task_type SEQ_CLS, and a
 * whole `score` beside the pairs): a reward model.
 *
 *   base_model.model.score.weight  [1, width]
 *
 * @param score  [out] [width], freed with mem_free().
 */
int peft_read_scorer(struct lora *out, float **score, char **base,
                     const struct model_config *cfg, const char *dir,
                     bool trained, trv_err *err);
int peft_parse_scorer(struct lora *out, float **score, char **base,
                      const struct model_config *cfg, const char *name,
                      const char *config, size_t n_config, const void *weights,
                      size_t n_weights, bool trained, trv_err *err);
/** And written; score [width]. */
int peft_encode_scorer(struct payload_files *out, const struct lora *l,
                       const float *score, const struct model_config *cfg,
                       const char *base, trv_err *err);

/** Tensors are F32, in the order of their names; equal LoRAs give equal bytes.
 * TRV_ENONFINITE names the tensor that holds a NaN or an infinity. */
int peft_encode(struct payload_files *out, const struct lora *l,
                const struct model_config *cfg, const char *base, trv_err *err);

#endif
