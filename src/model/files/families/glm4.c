/* glm4.c -- GLM-4 (0414): norms before and after each sublayer, one tensor for
 * gate and up, and rotary positions that turn neighbours, on half of each head.
 */
#include "model/files/families/llama.h"

static const struct family_names names = {
    .layers = "model.layers",
    .slots =
        {
            LLAMA_NAMES_OUTSIDE,
            [SLOT_NORM1] = "input_layernorm",
            [SLOT_OUT1] = "post_self_attn_layernorm",
            [SLOT_NORM2] = "post_attention_layernorm",
            [SLOT_OUT2] = "post_mlp_layernorm",
        },
    .parts =
        {
            LLAMA_NAMES_ATTENTION,
            [PART_GATE_UP] = "mlp.gate_up_proj",
            [PART_DOWN] = "mlp.down_proj",
        },
};

static void
shape(struct model_config *c)
{
    llama_shape(c);
    c->norm_eps = 1.5625e-7;
    c->fused_up = true;
    c->kinds[0].norm_out = true;
    c->ropes[0].interleaved = true;
}

static void
read(struct fields *r, struct model_config *c)
{
    static const struct llama_defaults defaults = {.vocab = 151552,
                                                   .mlp_width = 13696,
                                                   .kv_heads = 2,
                                                   .head_dim = 128,
                                                   .context = 131072,
                                                   .rotary = 0.5,
                                                   .layers = 40,
                                                   .bos = -1,
                                                   .eos = 151329};
    static const int more[] = {151336, 151338};

    llama_read(r, c, &defaults);
    c->qkv_bias = field_flag(r, "attention_bias", true);
    for (int i = 0; i < 2 && !json_object_get(r->obj, "eos_token_id"); i++)
        if (!r->rc && more[i] < c->vocab)
            r->rc = config_add_eos(c, more[i], r->file, r->err);
}

const struct family family_glm4 = {
    .name = "glm4",
    .scorer = "Glm4ForSequenceClassification",
    .gguf = true,
    .names = &names,
    .shape = shape,
    .read = read,
};
