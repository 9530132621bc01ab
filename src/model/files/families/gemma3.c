/* gemma3.c -- the text of Gemma 3: Gemma 2 with norms of each head's q and k,
 * and rotary positions of their own where layers have a window, five of six.
 */
#include "model/files/families/gemma2.h"

static void
shape(struct model_config *c)
{
    gemma_shape(c);
    c->kinds[0].qk_norm = QK_NORM_HEAD;
    c->n_ropes = 2;
    c->ropes[0].theta = 1e6;
    c->ropes[1].theta = 10000.0;
}

static void
read(struct fields *r, struct model_config *c)
{
    static const struct llama_defaults defaults = {.vocab = 262208,
                                                   .width = 2304,
                                                   .mlp_width = 9216,
                                                   .layers = 26,
                                                   .heads = 8,
                                                   .kv_heads = 4,
                                                   .head_dim = 256,
                                                   .context = 131072,
                                                   .bos = 2,
                                                   .eos = 1,
                                                   .tied = true,
                                                   .local_theta =
                                                       "rope_local_base_freq"};

    gemma_read(r, c, &defaults, 0.0, 0.0);
    field_windows(r, c, field_window(r, 4096), 0,
                  field_int(r, "sliding_window_pattern", 6, MAX_LAYERS));
    c->kinds[1].rope = 1;
}

static int
read_gguf(struct model_config *c, const struct gguf_file *f, trv_err *err)
{
    (void)f;
    (void)err;
    gemma_gguf(c, 62);
    c->kinds[1].rope = 1;
    return 0;
}

const struct family family_gemma3 = {
    .name = "gemma3",
    .text = "gemma3_text",
    .scorer = "Gemma3TextForSequenceClassification",
    .gguf = true,
    .gguf_every = 6,
    .names = &gemma_names,
    .shape = shape,
    .read = read,
    .read_gguf = read_gguf,
};
