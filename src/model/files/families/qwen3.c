/* qwen3.c -- Qwen3: norms of each head's q and k, and a head dimension of its
 * own.
 */
#include "model/files/families/qwen2.h"

static void
shape(struct model_config *c)
{
    llama_shape(c);
    c->kinds[0].qk_norm = QK_NORM_HEAD;
}

static void
read(struct fields *r, struct model_config *c)
{
    static const struct llama_defaults defaults = {.vocab = 151936,
                                                   .mlp_width = 22016,
                                                   .kv_heads = 32,
                                                   .head_dim = 128,
                                                   .context = 32768,
                                                   .bos = -1,
                                                   .eos = -1};

    llama_read(r, c, &defaults);
    c->qkv_bias = c->o_bias = field_flag(r, "attention_bias", false);
    qwen2_window(r, c);
}

const struct family family_qwen3 = {
    .name = "qwen3",
    .scorer = "Qwen3ForSequenceClassification",
    .gguf = true,
    .names = &llama_names,
    .shape = shape,
    .read = read,
};
