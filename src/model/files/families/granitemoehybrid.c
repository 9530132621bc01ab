/* granitemoehybrid.c -- Granite 4 without experts and without state spaces:
 * Granite 3 with gate and up in one tensor, and rotary positions or none.
 */
#include "model/files/families/granite.h"

#include <string.h>

#include "base/json.h"

static const struct family_names names = {
    .layers = "model.layers",
    .slots =
        {
            LLAMA_NAMES_OUTSIDE,
            [SLOT_NORM1] = "input_layernorm",
            [SLOT_NORM2] = "post_attention_layernorm",
        },
    .parts =
        {
            LLAMA_NAMES_ATTENTION,
            [PART_GATE_UP] = "shared_mlp.input_linear",
            [PART_DOWN] = "shared_mlp.output_linear",
        },
};

static void
shape(struct model_config *c)
{
    llama_shape(c);
    c->fused_up = true;
}

/* Every layer must be attention; where layer_types is absent, none is. */
static void
refuse_other_layers(struct fields *r, const struct model_config *c)
{
    const json_t *types = json_object_get(r->obj, "layer_types");
    int64_t experts = 8;

    if (!types)
        types = json_object_get(r->obj, "layers_block_type");
    if (!r->rc)
        r->rc = json_int(&experts, r->obj, "num_local_experts", 0, MAX_WIDTH,
                         r->file, r->err);
    if (!r->rc && experts > 0)
        r->rc =
            err_fail(r->err, TRV_EUNSUPPORTED,
                     "'%s': a mixture of experts is not supported", r->file);
    for (int64_t i = 0; i < c->layers && !r->rc; i++) {
        const char *s = json_string_value(json_array_get(types, (size_t)i));

        if (!s || (strcmp(s, "attention") && strcmp(s, "full_attention")))
            r->rc = err_fail(r->err, TRV_EUNSUPPORTED,
                             "'%s': layer type '%s' is not supported: a hybrid "
                             "of state spaces and attention",
                             r->file, s ? s : "linear_attention");
    }
}

static void
read(struct fields *r, struct model_config *c)
{
    const char *position;

    llama_read(r, c, &llama_usual);
    c->mlp_width =
        field_int(r, "shared_intermediate_size", 1024, 4 * MAX_WIDTH);
    c->qkv_bias = c->o_bias = field_flag(r, "attention_bias", false);
    granite_scales(r, c);
    refuse_other_layers(r, c);
    position = field_str(r, "position_embedding_type", "");
    if (!r->rc && strcmp(position, "rope") != 0)
        c->kinds[0].rope = -1;
}

const struct family family_granitemoehybrid = {
    .name = "granitemoehybrid",
    .scorer = "GraniteMoeHybridForSequenceClassification",
    .names = &names,
    .shape = shape,
    .read = read,
};
