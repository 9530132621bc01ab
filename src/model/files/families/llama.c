/* llama.c -- Llama, and what its descendants share with it: RMS norms before
 * each sublayer, rotary positions, grouped heads, a gated MLP.
 */
#include "model/files/families/llama.h"

#include <inttypes.h>

const struct family_names llama_names = {
    .layers = "model.layers",
    .slots =
        {
            LLAMA_NAMES_OUTSIDE,
            [SLOT_NORM1] = "input_layernorm",
            [SLOT_NORM2] = "post_attention_layernorm",
            [SLOT_Q_NORM] = "self_attn.q_norm",
            [SLOT_K_NORM] = "self_attn.k_norm",
        },
    .parts =
        {
            LLAMA_NAMES_ATTENTION,
            LLAMA_NAMES_MLP,
        },
};

const struct llama_defaults llama_usual = {
    .vocab = 32000, .mlp_width = 11008, .context = 2048, .bos = 1, .eos = 2};

void
llama_shape(struct model_config *c)
{
    c->rms = c->gated = true;
    c->n_ropes = 1;
    c->kinds[0] = (struct layer_desc){.rope = 0, .norm_in = true};
    c->act = ACT_SILU;
    c->norm_eps = 1e-6;
}

void
llama_read(struct fields *r, struct model_config *c,
           const struct llama_defaults *d)
{
    const json_t *kv = json_object_get(r->obj, "num_key_value_heads");

    c->vocab = field_int(r, "vocab_size", d->vocab, MAX_VOCAB);
    c->width =
        field_int(r, "hidden_size", d->width ? d->width : 4096, MAX_WIDTH);
    c->mlp_width =
        field_int(r, "intermediate_size", d->mlp_width, 4 * MAX_WIDTH);
    c->layers = field_int(r, "num_hidden_layers", d->layers ? d->layers : 32,
                          MAX_LAYERS);
    c->heads = field_int(r, "num_attention_heads", d->heads ? d->heads : 32,
                         MAX_HEADS);
    c->kv_heads = field_int(
        r, "num_key_value_heads",
        d->kv_heads && !json_is_null(kv) ? d->kv_heads : c->heads, MAX_HEADS);
    c->context =
        field_int(r, "max_position_embeddings", d->context, MAX_CONTEXT);
    c->norm_eps = field_num(r, "rms_norm_eps", c->norm_eps, 0.0, 1.0);
    field_activation(r, c, "hidden_act", "silu");
    c->tied = field_flag(r, "tie_word_embeddings", d->tied);
    c->head_dim = field_int(r, "head_dim", d->head_dim, MAX_HEAD_DIM);
    if (!r->rc && c->head_dim == 0) {
        if (c->width % c->heads != 0)
            r->rc = err_fail(r->err, TRV_EFORMAT,
                             "'%s': hidden_size %" PRId64
                             " is no multiple of num_attention_heads, %" PRId64,
                             r->file, c->width, c->heads);
        c->head_dim = c->width / c->heads;
    }
    if (d->local_theta)
        field_ropes(r, c, d->local_theta);
    else if (d->rotary > 0.0)
        field_rope_shared(r, c, "rope_theta", "partial_rotary_factor",
                          d->rotary);
    else
        field_rope(r, c);
    field_special(r, c, d->bos, d->eos);
}

static void
read(struct fields *r, struct model_config *c)
{
    llama_read(r, c, &llama_usual);
    c->qkv_bias = c->o_bias = field_flag(r, "attention_bias", false);
    c->mlp_bias = field_flag(r, "mlp_bias", false);
}

const struct family family_llama = {
    .name = "llama",
    .scorer = "LlamaForSequenceClassification",
    .gguf = true,
    .gguf_interleaved = true,
    .names = &llama_names,
    .shape = llama_shape,
    .read = read,
};
