/* gpt_neox.c -- GPT-NeoX and Pythia: LayerNorm, attention and MLP beside each
 * other, rotary positions on a share of each head, one tensor for q, k and v
 * whose rows go by head.
 */
#include <inttypes.h>

#include "model/files/family.h"

static const struct family_names names = {
    .layers = "gpt_neox.layers",
    .slots =
        {
            [SLOT_EMBED] = "gpt_neox.embed_in",
            [SLOT_NORM1] = "input_layernorm",
            [SLOT_NORM2] = "post_attention_layernorm",
            [SLOT_NORM] = "gpt_neox.final_layer_norm",
            [SLOT_HEAD] = "embed_out",
            [SLOT_SCORE] = "score",
        },
    .parts =
        {
            [PART_QKV] = "attention.query_key_value",
            [PART_O] = "attention.dense",
            [PART_UP] = "mlp.dense_h_to_4h",
            [PART_DOWN] = "mlp.dense_4h_to_h",
        },
};

static void
shape(struct model_config *c)
{
    c->fused_qkv = c->qkv_by_head = c->mlp_bias = true;
    c->n_ropes = 1;
    c->kinds[0] = (struct layer_desc){.norm_in = true, .parallel = true};
    c->act = ACT_GELU_ERF;
    c->norm_eps = 1e-5;
}

static void
read(struct fields *r, struct model_config *c)
{
    c->vocab = field_int(r, "vocab_size", 50432, MAX_VOCAB);
    c->width = field_int(r, "hidden_size", 6144, MAX_WIDTH);
    c->layers = field_int(r, "num_hidden_layers", 44, MAX_LAYERS);
    c->heads = c->kv_heads = field_int(r, "num_attention_heads", 64, MAX_HEADS);
    c->context = field_int(r, "max_position_embeddings", 2048, MAX_CONTEXT);
    c->mlp_width = field_int(r, "intermediate_size", 24576, 4 * MAX_WIDTH);
    c->norm_eps = field_num(r, "layer_norm_eps", c->norm_eps, 0.0, 1.0);
    field_activation(r, c, "hidden_act", "gelu");
    c->tied = field_flag(r, "tie_word_embeddings", false);
    c->qkv_bias = c->o_bias = field_flag(r, "attention_bias", true);
    c->kinds[0].parallel = field_flag(r, "use_parallel_residual", true);
    if (!r->rc && c->width % c->heads != 0)
        r->rc = err_fail(r->err, TRV_EFORMAT,
                         "'%s': hidden_size %" PRId64
                         " is no multiple of num_attention_heads, %" PRId64,
                         r->file, c->width, c->heads);
    c->head_dim = c->width / c->heads;
    field_rope_shared(r, c, "rotary_emb_base", "rotary_pct", 0.25);
    field_special(r, c, 0, 2);
}

const struct family family_gpt_neox = {
    .name = "gpt_neox",
    .scorer = "GPTNeoXForSequenceClassification",
    .gguf = true,
    .gguf_name = "gptneox",
    .names = &names,
    .shape = shape,
    .read = read,
};
