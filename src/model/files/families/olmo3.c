/* olmo3.c -- OLMo 3: OLMo 2 with a window in three of four layers, whose rotary
 * positions are never scaled.
 */
#include "model/files/families/olmo2.h"

static void
shape(struct model_config *c)
{
    olmo2_shape(c);
    c->n_ropes = 2;
    c->ropes[0].theta = 500000.0;
}

static void
read(struct fields *r, struct model_config *c)
{
    struct llama_defaults defaults = olmo2_defaults;

    defaults.local_theta = "rope_theta";
    llama_read(r, c, &defaults);
    c->qkv_bias = c->o_bias = field_flag(r, "attention_bias", false);
    field_windows(r, c, field_window(r, 4096), 0, 4);
    c->kinds[1].rope = 1;
}

static int
read_gguf(struct model_config *c, const struct gguf_file *f, trv_err *err)
{
    (void)f;
    (void)err;
    c->kinds[1].rope = 1;
    return 0;
}

const struct family family_olmo3 = {
    .name = "olmo3",
    .scorer = "Olmo3ForSequenceClassification",
    .gguf_name = "olmo2",
    .gguf_every = 4,
    .names = &olmo2_names,
    .shape = shape,
    .read = read,
    .read_gguf = read_gguf,
};
