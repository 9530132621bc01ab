/* gpt2.c -- GPT-2: LayerNorm, learned positions, one tensor for q, k and v,
 * linear weights stored [in, out].
 */
#include <inttypes.h>

#include "model/files/family.h"

static const struct family_names names = {
    .layers = "transformer.h",
    .slots =
        {
            [SLOT_EMBED] = "transformer.wte",
            [SLOT_POS] = "transformer.wpe",
            [SLOT_NORM1] = "ln_1",
            [SLOT_NORM2] = "ln_2",
            [SLOT_NORM] = "transformer.ln_f",
            [SLOT_HEAD] = "lm_head",
            [SLOT_SCORE] = "score",
        },
    .parts =
        {
            [PART_QKV] = "attn.c_attn",
            [PART_O] = "attn.c_proj",
            [PART_UP] = "mlp.c_fc",
            [PART_DOWN] = "mlp.c_proj",
        },
};

static void
shape(struct model_config *c)
{
    c->learned_pos = c->fused_qkv = true;
    c->qkv_bias = c->o_bias = c->mlp_bias = true;
    c->kinds[0] = (struct layer_desc){.rope = -1, .norm_in = true};
    c->act = ACT_GELU_TANH;
    c->norm_eps = 1e-5;
}

static void
read(struct fields *r, struct model_config *c)
{
    c->vocab = field_int(r, "vocab_size", 50257, MAX_VOCAB);
    c->width = field_int(r, "n_embd", 768, MAX_WIDTH);
    c->layers = field_int(r, "n_layer", 12, MAX_LAYERS);
    c->heads = c->kv_heads = field_int(r, "n_head", 12, MAX_HEADS);
    c->context = field_int(r, "n_positions", 1024, MAX_CONTEXT);
    c->mlp_width = field_int(r, "n_inner", 4 * c->width, 4 * MAX_WIDTH);
    c->norm_eps = field_num(r, "layer_norm_epsilon", c->norm_eps, 0.0, 1.0);
    field_activation(r, c, "activation_function", "gelu_new");
    c->tied = field_flag(r, "tie_word_embeddings", true);
    c->conv1d = true;
    field_refuse_flag(r, "scale_attn_weights", true);
    field_refuse_flag(r, "scale_attn_by_inverse_layer_idx", false);
    field_refuse_flag(r, "add_cross_attention", false);
    if (!r->rc && c->width % c->heads != 0)
        r->rc = err_fail(r->err, TRV_EFORMAT,
                         "'%s': n_embd %" PRId64
                         " is no multiple of n_head, %" PRId64,
                         r->file, c->width, c->heads);
    c->head_dim = c->width / c->heads;
    field_special(r, c, 50256, 50256);
}

const struct family family_gpt2 = {
    .name = "gpt2",
    .scorer = "GPT2ForSequenceClassification",
    .gguf = true,
    .names = &names,
    .shape = shape,
    .read = read,
};
