/* mistral.c -- Mistral: Llama with a sliding window. */
#include "model/files/families/llama.h"

static void
read(struct fields *r, struct model_config *c)
{
    static const struct llama_defaults defaults = {.vocab = 32000,
                                                   .mlp_width = 14336,
                                                   .kv_heads = 8,
                                                   .context = 4096 * 32,
                                                   .bos = 1,
                                                   .eos = 2};

    llama_read(r, c, &defaults);
    c->kinds[0].window = field_window(r, 4096);
}

const struct family family_mistral = {
    .name = "mistral",
    .scorer = "MistralForSequenceClassification",
    .gguf_name = "llama",
    .gguf_interleaved = true,
    .names = &llama_names,
    .shape = llama_shape,
    .read = read,
};
