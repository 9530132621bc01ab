/* olmo2.c -- OLMo 2: norms after each sublayer instead of before it, and norms
 * of q and k over the whole width.
 */
#include "model/files/families/olmo2.h"

const struct family_names olmo2_names = {
    .layers = "model.layers",
    .slots =
        {
            LLAMA_NAMES_OUTSIDE,
            [SLOT_OUT1] = "post_attention_layernorm",
            [SLOT_OUT2] = "post_feedforward_layernorm",
            [SLOT_Q_NORM] = "self_attn.q_norm",
            [SLOT_K_NORM] = "self_attn.k_norm",
        },
    .parts =
        {
            LLAMA_NAMES_ATTENTION,
            LLAMA_NAMES_MLP,
        },
};

const struct llama_defaults olmo2_defaults = {.vocab = 50304,
                                              .mlp_width = 11008,
                                              .context = 2048,
                                              .bos = -1,
                                              .eos = 50279};

void
olmo2_shape(struct model_config *c)
{
    llama_shape(c);
    c->norm_eps = 1e-5;
    c->kinds[0] = (struct layer_desc){
        .rope = 0, .norm_out = true, .qk_norm = QK_NORM_WIDTH};
}

static void
read(struct fields *r, struct model_config *c)
{
    llama_read(r, c, &olmo2_defaults);
    c->qkv_bias = c->o_bias = field_flag(r, "attention_bias", false);
}

const struct family family_olmo2 = {
    .name = "olmo2",
    .scorer = "Olmo2ForSequenceClassification",
    .gguf = true,
    .gguf_sliding = &family_olmo3,
    .names = &olmo2_names,
    .shape = olmo2_shape,
    .read = read,
};
