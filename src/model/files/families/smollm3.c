/* smollm3.c -- SmolLM3: Llama without rotary positions in every fourth layer.
 */
#include "model/files/families/llama.h"

#include <inttypes.h>

static void
shape(struct model_config *c)
{
    llama_shape(c);
    c->ropes[0].theta = 2e6;
}

/* Kinds 2 and 3 are 0 and 1 without rotary positions. */
static void
drop_rotation(struct model_config *c, int64_t layer)
{
    c->kinds[2] = c->kinds[0];
    c->kinds[3] = c->kinds[1];
    c->kinds[2].rope = c->kinds[3].rope = -1;
    c->kind[layer] = (unsigned char)(c->kind[layer] + 2);
}

/* "no_rope_layers": 0 where a layer does not rotate; else each so many-th. */
static void
read_rotation(struct fields *r, struct model_config *c)
{
    const json_t *list = json_object_get(r->obj, "no_rope_layers");
    const bool said = list && !json_is_null(list);
    const int64_t every = field_int(r, "no_rope_layer_interval", 4, MAX_LAYERS);

    if (!r->rc && said && json_array_size(list) < (size_t)c->layers)
        r->rc = err_fail(r->err, TRV_EFORMAT,
                         "field 'no_rope_layers' of '%s' is no array of "
                         "%" PRId64 " numbers",
                         r->file, c->layers);
    for (int64_t i = 0; i < c->layers && !r->rc; i++) {
        const json_t *v = json_array_get(list, (size_t)i);
        const bool rotates =
            said ? json_integer_value(v) != 0 : (i + 1) % every != 0;

        if (said && !json_is_integer(v))
            r->rc = err_fail(r->err, TRV_EFORMAT,
                             "field 'no_rope_layers' of '%s' holds something "
                             "other than numbers",
                             r->file);
        if (!rotates)
            drop_rotation(c, i);
    }
}

/* Where layer_types is absent, the layers without rotation have the window. */
static void
read_windows(struct fields *r, struct model_config *c)
{
    const json_t *types = json_object_get(r->obj, "layer_types");
    const bool use = field_flag(r, "use_sliding_window", false);
    const int64_t window = field_window(r, 0);

    field_windows(r, c, window, c->layers, 0);
    read_rotation(r, c);
    for (int64_t i = 0; i < c->layers && use && window; i++)
        if (json_is_null(types) || !types)
            c->kind[i] = (unsigned char)(c->kind[i] == 2 ? 3 : c->kind[i]);
}

static void
read(struct fields *r, struct model_config *c)
{
    static const struct llama_defaults defaults = {.vocab = 128256,
                                                   .width = 2048,
                                                   .mlp_width = 11008,
                                                   .layers = 36,
                                                   .heads = 16,
                                                   .kv_heads = 4,
                                                   .context = 32768,
                                                   .bos = 128000,
                                                   .eos = 128001,
                                                   .tied = true};

    llama_read(r, c, &defaults);
    c->qkv_bias = c->o_bias = field_flag(r, "attention_bias", false);
    c->mlp_bias = field_flag(r, "mlp_bias", false);
    read_windows(r, c);
}

static int
read_gguf(struct model_config *c, const struct gguf_file *f, trv_err *err)
{
    (void)f;
    (void)err;
    for (int64_t i = 3; i < c->layers; i += 4)
        drop_rotation(c, i);
    return 0;
}

const struct family family_smollm3 = {
    .name = "smollm3",
    .scorer = "SmolLM3ForSequenceClassification",
    .gguf = true,
    .gguf_interleaved = true,
    .names = &llama_names,
    .shape = shape,
    .read = read,
    .read_gguf = read_gguf,
};
