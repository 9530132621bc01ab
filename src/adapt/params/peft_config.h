/* peft_config.h -- what an adapter_config.json of a LoRA says, beside which
 * modules it addresses (peft_match.h). What changes the effect of the pairs and
 * is not computed here is refused by name, with the way out.
 */
#ifndef ADAPT_PARAMS_PEFT_CONFIG_H
#define ADAPT_PARAMS_PEFT_CONFIG_H

#include <jansson.h>
#include <stdbool.h>

#include "base/err.h"

struct peft_config {
    double dropout;
    bool rslora, dora;
    bool lora_bias;       // biases of the B of pairs
    bool keeps_tie;       // a tied head follows the embedding
    const char *base;     // base_model_name_or_path; NULL: none
    const json_t *saved;  // modules_to_save: an array, or NULL
    const json_t *tokens; // trainable_token_indices: an array, an object of
                          // arrays, or NULL
};

/** Everything borrows from `config`; `file` stands for it in messages.
 * `scorer`: a reward model's. TRV_EFORMAT, TRV_EUNSUPPORTED. */
int peft_config_read(struct peft_config *out, const json_t *config,
                     const char *file, bool scorer, trv_err *err);

/** The way out of all that cannot be read: a sentence's end. */
#define PEFT_MERGE                                                             \
    "merge it in PEFT (merge_and_unload(), save_pretrained()) and open the "   \
    "folder as full:DIR"

#endif
