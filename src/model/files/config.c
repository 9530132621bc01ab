/* config.c -- a config.json as a config: its family, what all families say
 * alike, and sizes that agree with each other.
 */
#include "model/files/config.h"

#include <inttypes.h>
#include <string.h>

#include "base/json.h"
#include "model/files/family.h"

#define SCORER "ForSequenceClassification"

/* Is it a model that classifies? Then how many labels: as many as id2label
 * names, else num_labels, else transformers' default of 2. */
static void
get_labels(struct fields *r, struct model_config *c)
{
    const json_t *list = json_object_get(r->obj, "architectures"), *v;
    const json_t *names = json_object_get(r->obj, "id2label");
    bool classifies = false;
    size_t i;

    json_array_foreach(list, i, v)
    {
        const char *at =
            strstr(json_is_string(v) ? json_string_value(v) : "", SCORER);

        classifies = classifies || (at && !at[strlen(SCORER)]);
    }
    if (!classifies)
        return;
    c->labels = json_is_object(names)
                    ? (int64_t)json_object_size(names)
                    : field_int(r, "num_labels", 2, MAX_VOCAB);
    if (!r->rc && c->labels < 1)
        r->rc =
            err_fail(r->err, TRV_EFORMAT,
                     "'%s': a model that classifies has no labels", r->file);
}

/* The id of padding, which a reward is not read at; outside of the vocabulary
 * it is no token's. */
static void
get_pad(struct fields *r, struct model_config *c)
{
    int64_t pad = -1;

    c->pad = -1;
    if (!r->rc)
        r->rc = json_int(&pad, r->obj, "pad_token_id", INT64_MIN, INT64_MAX,
                         r->file, r->err);
    if (!r->rc && pad >= 0 && pad < c->vocab)
        c->pad = (int32_t)pad;
}

/* Quantised weights: their format, and how one gets weights that are read. */
static void
refuse_quantised(struct fields *r)
{
    static const char from_gguf[] =
        "take the model as it was before, or a GGUF file of it";
    static const struct {
        const char *method, *name, *way;
    } formats[] = {
        {"bitsandbytes", "bitsandbytes",
         "load it in transformers, call dequantize() and save_pretrained(), or "
         "take a GGUF file of the model"},
        {"fp8", "FP8 in blocks (fine-grained)",
         "load it in transformers with FineGrainedFP8Config(dequantize=True) "
         "and call save_pretrained(), or take a GGUF file of the model"},
        {"mxfp4", "MXFP4",
         "load it in transformers with Mxfp4Config(dequantize=True) and call "
         "save_pretrained(), or take a GGUF file of the model"},
        {"compressed-tensors", "compressed-tensors",
         "load it in transformers with "
         "CompressedTensorsConfig(dequantize=True) and call "
         "save_pretrained(), or take a GGUF file of the model"},
        {"awq", "AWQ", from_gguf},
        {"gptq", "GPTQ", from_gguf},
        {"torchao", "torchao", from_gguf},
        {"mlx", "MLX",
         "widen it with mlx_lm.convert --dequantize, or take a GGUF file of "
         "the model"},
    };
    const json_t *mlx = json_object_get(r->obj, "quantization");
    const json_t *q = json_object_get(r->obj, "quantization_config");
    const json_t *method = json_object_get(q, "quant_method");
    const char *name = "unknown", *way = from_gguf;

    if (!json_is_object(q))
        q = json_object_get(r->obj, "compression_config");
    if (!json_is_object(q) && !json_is_object(mlx))
        return;
    if (json_is_string(method))
        name = json_string_value(method);
    else if (json_is_object(mlx) || json_object_get(q, "group_size"))
        name = "mlx";
    else if (json_object_get(q, "load_in_4bit") ||
             json_object_get(q, "load_in_8bit"))
        name = "bitsandbytes";
    else if (json_object_get(q, "config_groups"))
        name = "compressed-tensors";
    for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++)
        if (!strcmp(name, formats[i].method)) {
            name = formats[i].name;
            way = formats[i].way;
            break;
        }
    r->rc = err_fail(r->err, TRV_EUNSUPPORTED,
                     "'%s': the weights are quantised in the format '%.60s', "
                     "which is not read; %s",
                     r->file, name, way);
}

json_t *
config_text(const json_t *obj)
{
    json_t *text = json_object_get(obj, "text_config");
    json_t *out;

    if (!json_is_object(text))
        return json_incref((json_t *)(uintptr_t)obj);
    out = json_copy(text);
    (void)json_object_del(out, "architectures"); // the whole model's counts
    if (!out || json_object_update_missing(out, (json_t *)(uintptr_t)obj)) {
        json_decref(out);
        return NULL;
    }
    (void)json_object_del(out, "text_config");
    (void)json_object_del(out, "vision_config");
    return out;
}

int
config_check(const struct model_config *c, const char *file, trv_err *err)
{
    const struct {
        const char *what;
        int64_t v, hi;
    } sizes[] = {
        {"width", c->width, MAX_WIDTH},
        {"number of layers", c->layers, MAX_LAYERS},
        {"number of heads", c->heads, MAX_HEADS},
        {"number of key-value heads", c->kv_heads, MAX_HEADS},
        {"head dimension", c->head_dim, MAX_HEAD_DIM},
        {"feed-forward width", c->mlp_width, 4 * MAX_WIDTH},
        {"vocabulary", c->vocab, MAX_VOCAB},
        {"context", c->context, MAX_CONTEXT},
    };

    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
        if (sizes[i].v < 1 || sizes[i].v > sizes[i].hi)
            return err_fail(err, TRV_EFORMAT,
                            "'%s': its %s is %" PRId64
                            ", outside 1 to %" PRId64,
                            file, sizes[i].what, sizes[i].v, sizes[i].hi);
    if (c->heads % c->kv_heads != 0)
        return err_fail(err, TRV_EFORMAT,
                        "'%s': %" PRId64 " heads are no multiple of %" PRId64
                        " key-value heads",
                        file, c->heads, c->kv_heads);
    if (c->qkv_by_head && c->kv_heads != c->heads)
        return err_fail(err, TRV_EFORMAT,
                        "'%s': %" PRId64 " key-value heads beside %" PRId64
                        " heads, which a %s model has as many of",
                        file, c->kv_heads, c->heads, family_name(c->family));
    if (c->n_ropes > 0 && c->head_dim % 2 != 0)
        return err_fail(err, TRV_EFORMAT,
                        "'%s': a head dimension of %" PRId64
                        " is odd, which rotary positions cannot be",
                        file, c->head_dim);
    return 0;
}

static int
read_text(struct model_config *out, const json_t *obj, const char *file,
          trv_err *err)
{
    struct fields r = {obj, file, err, 0};
    struct model_config c = {.bos = -1, .eos = -1};
    const char *type, *what;

    memset(out, 0, sizeof(*out));
    r.rc = json_need(obj, "model_type", file, err);
    type = field_str(&r, "model_type", "");
    if (r.rc)
        return r.rc;
    c.family = family_find(type, strlen(type));
    if (!c.family) {
        char known[256];

        what = family_unread(type);
        if (what)
            return err_fail(err, TRV_EUNSUPPORTED,
                            "'%s': the architecture '%s' is %s, which is not "
                            "supported",
                            file, type, what);
        return err_fail(err, TRV_EUNSUPPORTED,
                        "'%s': the architecture '%s' is not supported; known "
                        "are %s",
                        file, type, family_list(known, sizeof(known), false));
    }
    refuse_quantised(&r);
    if (r.rc)
        return r.rc;
    c.family->shape(&c);
    c.family->read(&r, &c);
    get_pad(&r, &c);
    get_labels(&r, &c);
    if (!r.rc)
        r.rc = config_check(&c, file, err);
    if (!r.rc)
        *out = c;
    return r.rc;
}

int
config_from_json(struct model_config *out, const json_t *obj, const char *file,
                 trv_err *err)
{
    json_t *text = config_text(obj);
    int rc;

    memset(out, 0, sizeof(*out));
    if (!text)
        return err_fail(err, TRV_ENOMEM, "no memory to read '%s'", file);
    rc = read_text(out, text, file, err);
    out->sees = !rc && text != obj;
    json_decref(text);
    return rc;
}
