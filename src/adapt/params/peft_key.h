/* peft_key.h -- names of tensors in an adapter's file.
 *
 *   [base_model.model.]MODULE.lora_A[.default].weight
 *   ...               .lora_B[.default].weight, .bias
 *   ...               .lora_magnitude_vector[.default][.weight]
 *   ...               .lora_embedding_A[.default], _B
 *   ...               .token_adapter.trainable_tokens_delta[.default]
 *   ...               [.modules_to_save[.default] | .base_layer].weight, .bias
 *
 * PEFT takes the adapter's name and the wrappers out when it saves; those who
 * save a state_dict themselves (DeepSpeed, FSDP, torch.save) leave them in.
 * Of a model that sees, MODULE is that of its text part, and the path is that
 * of the text model alone: model.language_model.norm is model.norm.
 */
#ifndef ADAPT_PARAMS_PEFT_KEY_H
#define ADAPT_PARAMS_PEFT_KEY_H

#include <stdbool.h>
#include <stddef.h>

enum peft_role {
    ROLE_A,
    ROLE_B,
    ROLE_MAGNITUDE,
    ROLE_BIAS,   // of B
    ROLE_A_BIAS, // has no place in a LoRA of linear maps
    ROLE_EMBED_A,
    ROLE_EMBED_B,
    ROLE_ROWS, // trained tokens
    ROLE_WHOLE // a tensor of the base
};

struct peft_key {
    enum peft_role role;
    char path[320]; // of the module; of a whole tensor with its last part
};

/** False where a name is none of these. */
bool peft_key_parse(struct peft_key *out, const char *name);
/** The path that a module of a text model has where the model is the text part
 * of one that sees, or the other way round; false where it has no other. */
bool peft_key_elsewhere(char *buf, size_t size, const char *path);
/** What a name says that belongs to another kind of adapter: "LoHa"; NULL where
 * it says none. */
const char *peft_key_foreign(const char *name);

#endif
