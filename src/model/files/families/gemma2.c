/* gemma2.c -- Gemma 2: norms before and after each sublayer, stored less 1,
 * scaled embeddings, soft caps of scores and logits, and a window in every
 * second layer.
 */
#include "model/files/families/gemma2.h"

#include <math.h>

const struct family_names gemma_names = {
    .layers = "model.layers",
    .slots =
        {
            LLAMA_NAMES_OUTSIDE,
            [SLOT_NORM1] = "input_layernorm",
            [SLOT_OUT1] = "post_attention_layernorm",
            [SLOT_NORM2] = "pre_feedforward_layernorm",
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

void
gemma_shape(struct model_config *c)
{
    llama_shape(c);
    c->norm_less_one = true;
    c->act = ACT_GELU_TANH;
    c->kinds[0].norm_out = true;
}

void
gemma_read(struct fields *r, struct model_config *c,
           const struct llama_defaults *d, double attn_cap, double logit_cap)
{
    double scalar;

    llama_read(r, c, d);
    field_activation(r, c, "hidden_activation", "gelu_pytorch_tanh");
    c->qkv_bias = c->o_bias = field_flag(r, "attention_bias", false);
    scalar = field_num(r, "query_pre_attn_scalar", 256.0, 1e-6, 1e9);
    c->attn_scale = 1.0 / sqrt(scalar);
    c->embed_scale = sqrt((double)c->width);
    c->attn_cap = field_cap(r, "attn_logit_softcapping", attn_cap);
    c->logit_cap = field_cap(r, "final_logit_softcapping", logit_cap);
    field_refuse_flag(r, "use_bidirectional_attention", false);
}

void
gemma_gguf(struct model_config *c, int64_t big)
{
    c->embed_scale = sqrt((double)c->width);
    if (c->layers == big)
        c->attn_scale = 1.0 / sqrt((double)(c->width / c->heads));
}

static void
read(struct fields *r, struct model_config *c)
{
    static const struct llama_defaults defaults = {.vocab = 256000,
                                                   .width = 2304,
                                                   .mlp_width = 9216,
                                                   .layers = 26,
                                                   .heads = 8,
                                                   .kv_heads = 4,
                                                   .head_dim = 256,
                                                   .context = 8192,
                                                   .bos = 2,
                                                   .eos = 1,
                                                   .tied = true};

    gemma_read(r, c, &defaults, 50.0, 30.0);
    field_windows(r, c, field_window(r, 4096), 0, 2);
}

static int
read_gguf(struct model_config *c, const struct gguf_file *f, trv_err *err)
{
    (void)f;
    (void)err;
    gemma_gguf(c, 46);
    return 0;
}

const struct family family_gemma2 = {
    .name = "gemma2",
    .scorer = "Gemma2ForSequenceClassification",
    .gguf = true,
    .gguf_every = 2,
    .gguf_window = 4096,
    .names = &gemma_names,
    .shape = gemma_shape,
    .read = read,
    .read_gguf = read_gguf,
};
