/* qwen2.c -- Qwen2 and 2.5: Llama with biases of q, k and v. */
#include "model/files/families/qwen2.h"

#include <inttypes.h>
#include <string.h>

#include "base/json.h"

void
qwen2_window(struct fields *r, struct model_config *c)
{
    const json_t *types = json_object_get(r->obj, "layer_types");
    const bool use = field_flag(r, "use_sliding_window", false);
    const json_t *said = json_object_get(r->obj, "sliding_window");
    int64_t window = field_int(r, "sliding_window", 4096, MAX_CONTEXT);
    int64_t first = 28, sliding = 0;

    if (!use || json_is_null(said))
        window = 0;
    if (!r->rc)
        r->rc = json_int(&first, r->obj, "max_window_layers", 0, INT32_MAX,
                         r->file, r->err);
    if (r->rc)
        return;
    if (types && !json_is_null(types)) {
        if (json_array_size(types) != (size_t)c->layers) {
            r->rc = err_fail(r->err, TRV_EFORMAT,
                             "field 'layer_types' of '%s' is no array of "
                             "%" PRId64 " strings",
                             r->file, c->layers);
            return;
        }
        for (int64_t i = 0; i < c->layers; i++) {
            const char *s = json_string_value(json_array_get(types, (size_t)i));

            if (s && strcmp(s, "sliding_attention") == 0) {
                sliding++;
            } else if (!s || strcmp(s, "full_attention") != 0) {
                r->rc = err_fail(r->err, TRV_EUNSUPPORTED,
                                 "'%s': layer type '%s' is not supported",
                                 r->file, s ? s : "(no string)");
                return;
            }
        }
        if (sliding && !window) {
            r->rc = err_fail(r->err, TRV_EFORMAT,
                             "'%s': layer_types names sliding attention, but "
                             "no window is set",
                             r->file);
            return;
        }
    } else if (window && first < c->layers) {
        sliding = c->layers - first;
    }
    if (sliding != 0 && sliding != c->layers)
        r->rc = err_fail(r->err, TRV_EUNSUPPORTED,
                         "'%s': sliding attention in %" PRId64 " of %" PRId64
                         " layers is not supported: all or none",
                         r->file, sliding, c->layers);
    c->window = sliding ? window : 0;
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
