/* gguf_model.h -- what the keys of a GGUF file say of a model: its config, its
 * vocabulary, its chat template.
 */
#ifndef MODEL_GGUF_MODEL_H
#define MODEL_GGUF_MODEL_H

#include "model/files/config.h"
#include "model/files/gguf.h"

/** From keys and from which tensors are there. TRV_EUNSUPPORTED names what the
 * decoder cannot do, TRV_EFORMAT what contradicts itself. */
int gguf_config(struct model_config *out, const struct gguf_file *f,
                trv_err *err);

/** The vocabulary's arrays, copied to where they are aligned; its strings point
 * into the file. v.n_tokens is 0 where the file has none. */
struct gguf_words {
    struct gguf_vocab v;
    struct gguf_str *tokens, *merges;
    float *scores;
    int32_t *types;
    char *model, *pre;
};
int gguf_words_open(struct gguf_words *out, const struct gguf_file *f,
                    trv_err *err);
void gguf_words_release(struct gguf_words *w); // accepts zeros

#endif
