/* config.c -- config.json of the supported families, with transformers' own
 * defaults where a field is absent; the rotary table; names of linear maps.
 *
 * What a field may say but the decoder cannot do is refused by name here, so
 * that no model is ever run as something that it is not.
 */
#include "model/files/config.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"

#define SUPPORTED "gpt2, llama, mistral, qwen2, qwen3"

#define SCORER "ForSequenceClassification"

static const struct {
    const char *name, *class, *scorer;
} families[FAMILY_COUNT] = {
    [FAMILY_GPT2] = {"gpt2", "GPT2LMHeadModel", "GPT2" SCORER},
    [FAMILY_LLAMA] = {"llama", "LlamaForCausalLM", "Llama" SCORER},
    [FAMILY_MISTRAL] = {"mistral", "MistralForCausalLM", "Mistral" SCORER},
    [FAMILY_QWEN2] = {"qwen2", "Qwen2ForCausalLM", "Qwen2" SCORER},
    [FAMILY_QWEN3] = {"qwen3", "Qwen3ForCausalLM", "Qwen3" SCORER},
};

const char *
family_name(enum family f)
{
    return families[f].name;
}

const char *
family_class(enum family f)
{
    return families[f].class;
}

const char *
family_scorer(enum family f)
{
    return families[f].scorer;
}

/* Bounds beyond any model that fits a machine, so that products of two sizes
 * never overflow. */
enum {
    MAX_WIDTH = 1 << 20,
    MAX_LAYERS = 1 << 14,
    MAX_HEADS = 1 << 16,
    MAX_HEAD_DIM = 1 << 13,
    MAX_VOCAB = 1 << 26,
    MAX_CONTEXT = 1 << 30
};

/* A reader of fields: the first failure stays, later reads do nothing. */
struct reader {
    const json_t *obj;
    const char *file;
    trv_err *err;
    int rc;
};

static int64_t
get_int(struct reader *r, const char *key, int64_t dflt, int64_t hi)
{
    if (!r->rc)
        r->rc = json_int(&dflt, r->obj, key, 1, hi, r->file, r->err);
    return dflt;
}

static double
get_num(struct reader *r, const char *key, double dflt, double lo, double hi)
{
    if (!r->rc)
        r->rc = json_num(&dflt, r->obj, key, lo, hi, r->file, r->err);
    return dflt;
}

static bool
get_flag(struct reader *r, const char *key, bool dflt)
{
    if (!r->rc)
        r->rc = json_flag(&dflt, r->obj, key, r->file, r->err);
    return dflt;
}

static const char *
get_str(struct reader *r, const char *key, const char *dflt)
{
    if (!r->rc)
        r->rc = json_str(&dflt, r->obj, key, r->file, r->err);
    return dflt;
}

/* A switch that changes the model in a way that is not written here. */
static void
refuse_flag(struct reader *r, const char *key, bool dflt)
{
    if (get_flag(r, key, dflt) != dflt && !r->rc)
        r->rc = err_fail(r->err, TRV_EUNSUPPORTED,
                         "'%s': '%s' set to %s is not supported", r->file, key,
                         dflt ? "false" : "true");
}

static void
get_activation(struct reader *r, struct model_config *c, const char *key,
               const char *dflt)
{
    static const struct {
        const char *name;
        enum activation act;
    } known[] = {
        {"gelu_new", ACT_GELU_TANH},  {"gelu_pytorch_tanh", ACT_GELU_TANH},
        {"gelu_fast", ACT_GELU_TANH}, {"gelu", ACT_GELU_ERF},
        {"silu", ACT_SILU},           {"swish", ACT_SILU},
        {"relu", ACT_RELU},
    };
    const char *name = get_str(r, key, dflt);

    if (r->rc)
        return;
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (strcmp(name, known[i].name) == 0) {
            c->act = known[i].act;
            return;
        }
    }
    r->rc = err_fail(r->err, TRV_EUNSUPPORTED,
                     "'%s': the activation '%s' is not supported; known are "
                     "gelu_new, gelu_pytorch_tanh, gelu_fast, gelu, silu, "
                     "relu",
                     r->file, name);
}

/* What llama3 scaling needs, from the object that names it. */
static void
get_rope_llama3(struct reader *s, struct model_config *c)
{
    if (!s->rc)
        s->rc = json_need(s->obj, "low_freq_factor", s->file, s->err);
    if (!s->rc)
        s->rc = json_need(s->obj, "high_freq_factor", s->file, s->err);
    c->rope_low = get_num(s, "low_freq_factor", 1.0, 1e-6, 1e6);
    c->rope_high = get_num(s, "high_freq_factor", 4.0, 1e-6, 1e6);
    c->rope_original =
        get_int(s, "original_max_position_embeddings", c->context, MAX_CONTEXT);
    if (!s->rc && c->rope_high <= c->rope_low)
        s->rc = err_fail(s->err, TRV_EFORMAT,
                         "'%s': high_freq_factor is %g, not above "
                         "low_freq_factor, %g",
                         s->file, c->rope_high, c->rope_low);
}

static void
get_rope_scaling(struct reader *s, struct model_config *c)
{
    const char *type;

    type = get_str(s, "rope_type", get_str(s, "type", "default"));
    if (s->rc || strcmp(type, "default") == 0)
        return;
    if (strcmp(type, "linear") == 0) {
        c->rope_scaling = ROPE_LINEAR;
    } else if (strcmp(type, "llama3") == 0) {
        c->rope_scaling = ROPE_LLAMA3;
        get_rope_llama3(s, c);
    } else {
        s->rc = err_fail(s->err, TRV_EUNSUPPORTED,
                         "'%s': the rotary scaling '%s' is not supported; "
                         "known are default, linear, llama3",
                         s->file, type);
    }
    if (!s->rc)
        s->rc = json_need(s->obj, "factor", s->file, s->err);
    c->rope_factor = get_num(s, "factor", 1.0, 1e-6, 1e6);
}

/* Rotary parameters: beside the others with "rope_scaling" (transformers 4),
 * or all in "rope_parameters" (5). Null, absent or empty is the plain form. */
static void
get_rope(struct reader *r, struct model_config *c)
{
    static const char *const keys[] = {"rope_scaling", "rope_parameters"};
    struct reader s;
    double partial;

    c->rope_theta = get_num(r, "rope_theta", 10000.0, 1.0, 1e15);
    partial = get_num(r, "partial_rotary_factor", 1.0, 0.0, 1.0);
    for (size_t i = 0; i < 2 && !r->rc; i++) {
        const json_t *v = json_object_get(r->obj, keys[i]);

        if (!v || json_is_null(v))
            continue;
        if (!json_is_object(v)) {
            r->rc =
                err_fail(r->err, TRV_EFORMAT, "field '%s' of '%s' is no object",
                         keys[i], r->file);
        } else if (json_object_get(v, "full_attention") ||
                   json_object_get(v, "sliding_attention")) {
            r->rc = err_fail(r->err, TRV_EUNSUPPORTED,
                             "'%s': '%s' of its own for each kind of layer is "
                             "not supported",
                             r->file, keys[i]);
        } else if (json_object_size(v) > 0) {
            s = *r;
            s.obj = v;
            c->rope_theta = get_num(&s, "rope_theta", c->rope_theta, 1.0, 1e15);
            partial = get_num(&s, "partial_rotary_factor", partial, 0.0, 1.0);
            get_rope_scaling(&s, c);
            r->rc = s.rc;
            break; // as in transformers, the first that says something
        }
    }
    if (!r->rc && partial != 1.0)
        r->rc = err_fail(r->err, TRV_EUNSUPPORTED,
                         "'%s': a partial_rotary_factor of %g is not "
                         "supported",
                         r->file, partial);
}

int
config_add_eos(struct model_config *c, int64_t id, const char *file,
               trv_err *err)
{
    if (id < 0 || id >= c->vocab)
        return err_fail(err, TRV_EFORMAT,
                        "'%s': eos_token_id %" PRId64
                        " is outside the vocabulary of %" PRId64,
                        file, id, c->vocab);
    if (c->eos < 0) {
        c->eos = (int32_t)id;
        return 0;
    }
    if (c->eos == id)
        return 0;
    for (int i = 0; i < c->n_eos_more; i++)
        if (c->eos_more[i] == id)
            return 0;
    if (c->n_eos_more == EOS_MORE_MAX)
        return err_fail(err, TRV_EFORMAT, "'%s': more than %d eos_token_id",
                        file, 1 + EOS_MORE_MAX);
    c->eos_more[c->n_eos_more++] = (int32_t)id;
    return 0;
}

/* bos and eos. A family's default holds for its published vocabulary only:
 * outside of this one it counts as not said. */
static void
get_special(struct reader *r, struct model_config *c, int64_t bos, int64_t eos)
{
    const json_t *v = json_object_get(r->obj, "bos_token_id");

    if (r->rc)
        return;
    c->eos = c->bos = -1;
    if (json_is_null(v) || (!v && bos >= c->vocab))
        bos = -1;
    r->rc = json_int(&bos, r->obj, "bos_token_id", 0, c->vocab - 1, r->file,
                     r->err);
    c->bos = (int32_t)bos;

    v = json_object_get(r->obj, "eos_token_id");
    if (!v) {
        c->eos = eos < c->vocab ? (int32_t)eos : -1;
    } else if (json_is_array(v)) {
        const json_t *e;
        size_t i;

        json_array_foreach(v, i, e)
        {
            if (!r->rc && !json_is_integer(e))
                r->rc = err_fail(r->err, TRV_EFORMAT,
                                 "field 'eos_token_id' of '%s' holds "
                                 "something other than ids",
                                 r->file);
            if (!r->rc)
                r->rc =
                    config_add_eos(c, json_integer_value(e), r->file, r->err);
        }
    } else if (!json_is_null(v)) {
        int64_t id = 0;

        if (!r->rc)
            r->rc = json_int(&id, r->obj, "eos_token_id", INT64_MIN, INT64_MAX,
                             r->file, r->err);
        if (!r->rc)
            r->rc = config_add_eos(c, id, r->file, r->err);
    }
}

static void
read_gpt2(struct reader *r, struct model_config *c)
{
    c->vocab = get_int(r, "vocab_size", 50257, MAX_VOCAB);
    c->width = get_int(r, "n_embd", 768, MAX_WIDTH);
    c->layers = get_int(r, "n_layer", 12, MAX_LAYERS);
    c->heads = c->kv_heads = get_int(r, "n_head", 12, MAX_HEADS);
    c->context = get_int(r, "n_positions", 1024, MAX_CONTEXT);
    c->mlp_width = get_int(r, "n_inner", 4 * c->width, 4 * MAX_WIDTH);
    c->norm_eps = get_num(r, "layer_norm_epsilon", 1e-5, 0.0, 1.0);
    get_activation(r, c, "activation_function", "gelu_new");
    c->tied = get_flag(r, "tie_word_embeddings", true);
    c->learned_pos = c->fused_qkv = c->conv1d = true;
    c->qkv_bias = c->o_bias = c->mlp_bias = true;
    refuse_flag(r, "scale_attn_weights", true);
    refuse_flag(r, "scale_attn_by_inverse_layer_idx", false);
    refuse_flag(r, "add_cross_attention", false);
    if (!r->rc && c->width % c->heads != 0)
        r->rc = err_fail(r->err, TRV_EFORMAT,
                         "'%s': n_embd %" PRId64
                         " is no multiple of n_head, %" PRId64,
                         r->file, c->width, c->heads);
    c->head_dim = c->width / c->heads;
    get_special(r, c, 50256, 50256);
}

/* Qwen: the window counts where use_sliding_window says so, and then for the
 * layers that layer_types names, or for those from max_window_layers on. All
 * layers or none can be run here. */
static void
get_qwen_window(struct reader *r, struct model_config *c)
{
    const json_t *types = json_object_get(r->obj, "layer_types");
    const bool use = get_flag(r, "use_sliding_window", false);
    const json_t *said = json_object_get(r->obj, "sliding_window");
    int64_t window = get_int(r, "sliding_window", 4096, MAX_CONTEXT);
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

struct llama_defaults {
    int64_t vocab, mlp, kv_heads, head_dim, context, bos, eos;
};

static void
read_llama_like(struct reader *r, struct model_config *c)
{
    /* From transformers' configuration classes; 0: follows from others. */
    static const struct llama_defaults defaults[FAMILY_COUNT] = {
        [FAMILY_LLAMA] = {32000, 11008, 0, 0, 2048, 1, 2},
        [FAMILY_MISTRAL] = {32000, 14336, 8, 0, 4096 * 32, 1, 2},
        [FAMILY_QWEN2] = {151936, 22016, 32, 0, 32768, -1, -1},
        [FAMILY_QWEN3] = {151936, 22016, 32, 128, 32768, -1, -1},
    };
    const struct llama_defaults *d = &defaults[c->family];
    const json_t *kv, *window;

    c->rms = c->gated = true;
    c->vocab = get_int(r, "vocab_size", d->vocab, MAX_VOCAB);
    c->width = get_int(r, "hidden_size", 4096, MAX_WIDTH);
    c->mlp_width = get_int(r, "intermediate_size", d->mlp, 4 * MAX_WIDTH);
    c->layers = get_int(r, "num_hidden_layers", 32, MAX_LAYERS);
    c->heads = get_int(r, "num_attention_heads", 32, MAX_HEADS);
    kv = json_object_get(r->obj, "num_key_value_heads");
    c->kv_heads = get_int(
        r, "num_key_value_heads",
        d->kv_heads && !json_is_null(kv) ? d->kv_heads : c->heads, MAX_HEADS);
    c->context = get_int(r, "max_position_embeddings", d->context, MAX_CONTEXT);
    c->norm_eps = get_num(r, "rms_norm_eps", 1e-6, 0.0, 1.0);
    get_activation(r, c, "hidden_act", "silu");
    c->tied = get_flag(r, "tie_word_embeddings", false);
    c->head_dim = get_int(r, "head_dim", d->head_dim, MAX_HEAD_DIM);
    if (!r->rc && c->head_dim == 0) {
        if (c->width % c->heads != 0)
            r->rc = err_fail(r->err, TRV_EFORMAT,
                             "'%s': hidden_size %" PRId64
                             " is no multiple of num_attention_heads, %" PRId64,
                             r->file, c->width, c->heads);
        c->head_dim = c->width / c->heads;
    }
    if (c->family == FAMILY_LLAMA || c->family == FAMILY_QWEN3)
        c->qkv_bias = c->o_bias = get_flag(r, "attention_bias", false);
    if (c->family == FAMILY_LLAMA)
        c->mlp_bias = get_flag(r, "mlp_bias", false);
    if (c->family == FAMILY_QWEN2)
        c->qkv_bias = true;
    c->qk_norm = c->family == FAMILY_QWEN3;
    if (c->family == FAMILY_MISTRAL) {
        window = json_object_get(r->obj, "sliding_window");
        c->window = get_int(r, "sliding_window",
                            json_is_null(window) ? 0 : 4096, MAX_CONTEXT);
    } else if (c->family != FAMILY_LLAMA) {
        get_qwen_window(r, c);
    }
    get_rope(r, c);
    get_special(r, c, d->bos, d->eos);
}

/* Is it a model that classifies? Then how many labels: as many as id2label
 * names, else num_labels, else transformers' default of 2. */
static void
get_labels(struct reader *r, struct model_config *c)
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
    c->labels = json_is_object(names) ? (int64_t)json_object_size(names)
                                      : get_int(r, "num_labels", 2, MAX_VOCAB);
    if (!r->rc && c->labels < 1)
        r->rc =
            err_fail(r->err, TRV_EFORMAT,
                     "'%s': a model that classifies has no labels", r->file);
}

/* The id of padding, which a reward is not read at; outside of the vocabulary
 * it is no token's. */
static void
get_pad(struct reader *r, struct model_config *c)
{
    int64_t pad = -1;

    c->pad = -1;
    if (!r->rc)
        r->rc = json_int(&pad, r->obj, "pad_token_id", INT64_MIN, INT64_MAX,
                         r->file, r->err);
    if (!r->rc && pad >= 0 && pad < c->vocab)
        c->pad = (int32_t)pad;
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
    if (!c->learned_pos && c->head_dim % 2 != 0)
        return err_fail(err, TRV_EFORMAT,
                        "'%s': a head dimension of %" PRId64
                        " is odd, which rotary positions cannot be",
                        file, c->head_dim);
    return 0;
}

int
config_from_json(struct model_config *out, const json_t *obj, const char *file,
                 trv_err *err)
{
    struct reader r = {obj, file, err, 0};
    struct model_config c = {.bos = -1, .eos = -1};
    const char *type;
    int f = 0;

    memset(out, 0, sizeof(*out));
    r.rc = json_need(obj, "model_type", file, err);
    type = get_str(&r, "model_type", "");
    if (r.rc)
        return r.rc;
    while (f < FAMILY_COUNT && strcmp(type, families[f].name) != 0)
        f++;
    if (f == FAMILY_COUNT)
        return err_fail(err, TRV_EUNSUPPORTED,
                        "'%s': the architecture '%s' is not supported; known "
                        "are " SUPPORTED,
                        file, type);
    if (json_is_object(json_object_get(obj, "quantization_config"))) {
        r.obj = json_object_get(obj, "quantization_config");
        type = get_str(&r, "quant_method", "unknown");
        return r.rc ? r.rc
                    : err_fail(err, TRV_EUNSUPPORTED,
                               "'%s': weights quantised by '%s' are not "
                               "supported",
                               file, type);
    }
    c.family = (enum family)f;
    if (c.family == FAMILY_GPT2)
        read_gpt2(&r, &c);
    else
        read_llama_like(&r, &c);
    get_pad(&r, &c);
    get_labels(&r, &c);
    if (!r.rc)
        r.rc = config_check(&c, file, err);
    if (!r.rc)
        *out = c;
    return r.rc;
}

/* The i-th of D/2 frequencies, with the roundings that transformers makes:
 * everything in f32 but the power, which is rounded to f32 once. */
static float
rope_frequency(const struct model_config *c, int64_t i)
{
    const float exponent = (float)(2 * i) / (float)c->head_dim;
    const float freq = 1.0f / (float)pow(c->rope_theta, (double)exponent);
    const double pi = 3.14159265358979323846;

    switch (c->rope_scaling) {
    case ROPE_PLAIN:
        return freq;
    case ROPE_LINEAR:
        return freq / (float)c->rope_factor;
    case ROPE_FACTORS:
        return freq / c->rope_factors[i];
    case ROPE_LLAMA3: {
        const double original = (double)c->rope_original;
        const float wavelength = (float)(2 * pi) / freq;
        const float slow = freq / (float)c->rope_factor;
        float smooth;

        if ((double)wavelength > original / c->rope_low)
            return slow;
        if ((double)wavelength < original / c->rope_high)
            return freq;
        smooth = ((float)original / wavelength - (float)c->rope_low) /
                 (float)(c->rope_high - c->rope_low);
        return (1.0f - smooth) * freq / (float)c->rope_factor + smooth * freq;
    }
    }
    return freq;
}

void
config_rope_table(float *cos_sin, const struct model_config *c, int64_t n_pos)
{
    const int64_t half = c->head_dim / 2;

    TRV_ASSERT(c->rope_scaling != ROPE_FACTORS || half <= ROPE_FREQS_MAX);
    for (int64_t i = 0; i < half; i++) {
        const float freq = rope_frequency(c, i);

        for (int64_t p = 0; p < n_pos; p++) {
            const float angle = (float)p * freq;

            cos_sin[p * 2 * half + i] = (float)cos((double)angle);
            cos_sin[p * 2 * half + half + i] = (float)sin((double)angle);
        }
    }
}

const char *
part_name(const struct model_config *c, enum part p)
{
    static const char *const gpt2[PART_COUNT] = {
        [PART_QKV] = "attn.c_attn",
        [PART_O] = "attn.c_proj",
        [PART_UP] = "mlp.c_fc",
        [PART_DOWN] = "mlp.c_proj",
    };
    static const char *const llama[PART_COUNT] = {
        [PART_Q] = "self_attn.q_proj", [PART_K] = "self_attn.k_proj",
        [PART_V] = "self_attn.v_proj", [PART_O] = "self_attn.o_proj",
        [PART_GATE] = "mlp.gate_proj", [PART_UP] = "mlp.up_proj",
        [PART_DOWN] = "mlp.down_proj",
    };

    TRV_ASSERT((int)p >= 0 && p < PART_COUNT);
    return c->family == FAMILY_GPT2 ? gpt2[p] : llama[p];
}

int
part_path(char *buf, size_t size, const struct model_config *c, int64_t layer,
          enum part p)
{
    const char *name = part_name(c, p);
    const char *fmt =
        c->family == FAMILY_GPT2 ? "transformer.h" : "model.layers";
    int n;

    if (!name)
        return TRV_EINVAL;
    n = snprintf(buf, size, "%s.%" PRId64 ".%s", fmt, layer, name);
    return n < 0 || (size_t)n >= size ? TRV_ERANGE : 0;
}

void
part_shape(int64_t *out, int64_t *in, const struct model_config *c, enum part p)
{
    const int64_t q = c->heads * c->head_dim, kv = c->kv_heads * c->head_dim;

    *in = p == PART_O ? q : p == PART_DOWN ? c->mlp_width : c->width;
    switch (p) {
    case PART_Q:
        *out = q;
        break;
    case PART_K:
    case PART_V:
        *out = kv;
        break;
    case PART_QKV:
        *out = q + 2 * kv;
        break;
    case PART_GATE:
    case PART_UP:
        *out = c->mlp_width;
        break;
    case PART_O:
    case PART_DOWN:
        *out = c->width;
        break;
    case PART_COUNT:
    default:
        TRV_ASSERT(false && "a part");
    }
}
