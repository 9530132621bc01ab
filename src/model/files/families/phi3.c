/* phi3.c -- Phi-3, Phi-3.5 and Phi-4-mini: one tensor for q, k and v, and one
 * for gate and up; rotary positions on a share of each head, by LongRoPE.
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
            [PART_QKV] = "self_attn.qkv_proj",
            [PART_O] = "self_attn.o_proj",
            [PART_GATE_UP] = "mlp.gate_up_proj",
            [PART_DOWN] = "mlp.down_proj",
        },
};

static void
shape(struct model_config *c)
{
    llama_shape(c);
    c->norm_eps = 1e-5;
    c->fused_qkv = c->fused_up = true;
}

static void
read(struct fields *r, struct model_config *c)
{
    static const struct llama_defaults defaults = {.vocab = 32064,
                                                   .mlp_width = 8192,
                                                   .context = 4096,
                                                   .rotary = 1.0,
                                                   .width = 3072,
                                                   .bos = 1,
                                                   .eos = 32000};

    c->ropes[0].original =
        field_int(r, "original_max_position_embeddings", 4096, MAX_CONTEXT);
    llama_read(r, c, &defaults);
    c->kinds[0].window = field_window(r, 0);
}

const struct family family_phi3 = {
    .name = "phi3",
    .scorer = "Phi3ForSequenceClassification",
    .gguf = true,
    .names = &names,
    .shape = shape,
    .read = read,
};
