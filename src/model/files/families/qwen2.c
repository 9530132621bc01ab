/* qwen2.c -- Qwen2 and 2.5: Llama with biases of q, k and v. */
#include "model/files/families/qwen2.h"

#include "base/json.h"

void
qwen2_window(struct fields *r, struct model_config *c)
{
    const bool use = field_flag(r, "use_sliding_window", false);
    const json_t *said = json_object_get(r->obj, "sliding_window");
    const int64_t window = field_int(r, "sliding_window", 4096, MAX_CONTEXT);
    int64_t first = 28;

    if (!r->rc)
        r->rc = json_int(&first, r->obj, "max_window_layers", 0, INT32_MAX,
                         r->file, r->err);
    field_windows(r, c, use && !json_is_null(said) ? window : 0, first, 0);
}

static void
read(struct fields *r, struct model_config *c)
{
    static const struct llama_defaults defaults = {.vocab = 151936,
                                                   .mlp_width = 22016,
                                                   .kv_heads = 32,
                                                   .context = 32768,
                                                   .bos = -1,
                                                   .eos = -1};

    llama_read(r, c, &defaults);
    c->qkv_bias = true;
    qwen2_window(r, c);
}

const struct family family_qwen2 = {
    .name = "qwen2",
    .scorer = "Qwen2ForSequenceClassification",
    .gguf = true,
    .names = &llama_names,
    .shape = llama_shape,
    .read = read,
};
