/* ministral3.c -- Ministral 3: Llama with YaRN, and queries that grow with
 * their position.
 */
#include "model/files/families/llama.h"

/* What transformers takes where a file says nothing of rotary positions. */
static const struct rope usual = {.theta = 1e6,
                                  .scaling = ROPE_YARN,
                                  .factor = 16.0,
                                  .low = 1.0,
                                  .high = 32.0,
                                  .whole_dims = true,
                                  .original = 16384,
                                  .growth = 0.1};

static void
read(struct fields *r, struct model_config *c)
{
    static const struct llama_defaults defaults = {.vocab = 131072,
                                                   .mlp_width = 14336,
                                                   .kv_heads = 8,
                                                   .head_dim = 128,
                                                   .context = 262144,
                                                   .layers = 34,
                                                   .bos = 1,
                                                   .eos = 2};
    struct fields s = *r;
    struct rope *p = &c->ropes[0];

    llama_read(r, c, &defaults);
    c->kinds[0].window = field_window(r, 0);
    s.obj = field_rope_object(r);
    if (r->rc)
        return;
    if (!s.obj) {
        *p = usual;
        return;
    }
    p->growth = field_num(&s, "llama_4_scaling_beta", 0.0, 0.0, 1e3);
    p->original = field_int(&s, "original_max_position_embeddings", c->context,
                            MAX_CONTEXT);
    r->rc = s.rc;
}

static void
shape(struct model_config *c)
{
    llama_shape(c);
    c->norm_eps = 1e-5;
}

const struct family family_ministral3 = {
    .name = "ministral3",
    .scorer = "Ministral3ForSequenceClassification",
    .gguf = true,
    .gguf_name = "mistral3",
    .gguf_interleaved = true,
    .names = &llama_names,
    .shape = shape,
    .read = read,
};
