/* granite.c -- Granite 3: Llama with four multipliers. */
#include "model/files/families/granite.h"

#include "model/files/gguf.h"

void
granite_scales(struct fields *r, struct model_config *c)
{
    c->scales_virtual = true;
    c->embed_scale = field_num(r, "embedding_multiplier", 1.0, 1e-9, 1e9);
    c->attn_scale = field_num(r, "attention_multiplier", 1.0, 1e-9, 1e9);
    c->residual_scale = field_num(r, "residual_multiplier", 1.0, 1e-9, 1e9);
    c->logit_scale = 1.0 / field_num(r, "logits_scaling", 1.0, 1e-9, 1e9);
}

static void
read(struct fields *r, struct model_config *c)
{
    llama_read(r, c, &llama_usual);
    c->qkv_bias = c->o_bias = field_flag(r, "attention_bias", false);
    c->mlp_bias = field_flag(r, "mlp_bias", false);
    granite_scales(r, c);
}

/* The logit scale divides there. Granite 4 has no rotary positions where
 * "finetuned" is false. */
static int
read_gguf(struct model_config *c, const struct gguf_file *f, trv_err *err)
{
    bool rotates = true;
    const int rc =
        gguf_flag(&rotates, f, "granite.rope.scaling.finetuned", err);

    c->scales_virtual = true;
    if (c->logit_scale != 0.0)
        c->logit_scale = 1.0 / c->logit_scale;
    if (!rotates)
        c->kinds[0].rope = -1;
    return rc;
}

const struct family family_granite = {
    .name = "granite",
    .scorer = "GraniteForSequenceClassification",
    .gguf = true,
    .gguf_interleaved = true,
    .names = &llama_names,
    .shape = llama_shape,
    .read = read,
    .read_gguf = read_gguf,
};
