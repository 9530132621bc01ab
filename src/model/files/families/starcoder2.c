/* starcoder2.c -- StarCoder2: Llama's rotary positions and grouped heads, with
 * LayerNorm, biases, a plain MLP and a sliding window.
 */
#include "model/files/families/llama.h"

static const struct family_names names = {
    .layers = "model.layers",
    .slots =
        {
            LLAMA_NAMES_OUTSIDE,
            [SLOT_NORM1] = "input_layernorm",
            [SLOT_NORM2] = "post_attention_layernorm",
        },
    .parts =
        {
            LLAMA_NAMES_ATTENTION,
            [PART_UP] = "mlp.c_fc",
            [PART_DOWN] = "mlp.c_proj",
        },
};

static void
shape(struct model_config *c)
{
    llama_shape(c);
    c->rms = c->gated = false;
    c->act = ACT_GELU_TANH;
    c->norm_eps = 1e-5;
}

static void
read(struct fields *r, struct model_config *c)
{
    static const struct llama_defaults defaults = {.vocab = 49152,
                                                   .mlp_width = 12288,
                                                   .kv_heads = 2,
                                                   .context = 4096,
                                                   .width = 3072,
                                                   .layers = 30,
                                                   .heads = 24,
                                                   .tied = true,
                                                   .bos = 50256,
                                                   .eos = 50256};

    llama_read(r, c, &defaults);
    field_activation(r, c, "hidden_act", "gelu_pytorch_tanh");
    c->norm_eps = field_num(r, "norm_epsilon", 1e-5, 0.0, 1.0);
    c->qkv_bias = c->o_bias = c->mlp_bias = field_flag(r, "use_bias", true);
    c->kinds[0].window = field_window(r, 0);
}

const struct family family_starcoder2 = {
    .name = "starcoder2",
    .scorer = "Starcoder2ForSequenceClassification",
    .gguf = true,
    .names = &names,
    .shape = shape,
    .read = read,
};
