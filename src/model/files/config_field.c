/* config_field.c -- fields of a config.json. */
#include "model/files/config_field.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/json.h"

int64_t
field_int(struct fields *r, const char *key, int64_t dflt, int64_t hi)
{
    if (!r->rc)
        r->rc = json_int(&dflt, r->obj, key, 1, hi, r->file, r->err);
    return dflt;
}

double
field_num(struct fields *r, const char *key, double dflt, double lo, double hi)
{
    if (!r->rc)
        r->rc = json_num(&dflt, r->obj, key, lo, hi, r->file, r->err);
    return dflt;
}

bool
field_flag(struct fields *r, const char *key, bool dflt)
{
    if (!r->rc)
        r->rc = json_flag(&dflt, r->obj, key, r->file, r->err);
    return dflt;
}

const char *
field_str(struct fields *r, const char *key, const char *dflt)
{
    if (!r->rc)
        r->rc = json_str(&dflt, r->obj, key, r->file, r->err);
    return dflt;
}

void
field_refuse_flag(struct fields *r, const char *key, bool dflt)
{
    if (field_flag(r, key, dflt) != dflt && !r->rc)
        r->rc = err_fail(r->err, TRV_EUNSUPPORTED,
                         "'%s': '%s' set to %s is not supported", r->file, key,
                         dflt ? "false" : "true");
}

void
field_activation(struct fields *r, struct model_config *c, const char *key,
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
    const char *name = field_str(r, key, dflt);

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

double
field_cap(struct fields *r, const char *key, double dflt)
{
    return json_is_null(json_object_get(r->obj, key))
               ? 0.0
               : field_num(r, key, dflt, 1e-6, 1e6);
}

/* What llama3 scaling needs, from the object that names it. */
static void
get_rope_llama3(struct fields *s, struct rope *p, int64_t context)
{
    if (!s->rc)
        s->rc = json_need(s->obj, "low_freq_factor", s->file, s->err);
    if (!s->rc)
        s->rc = json_need(s->obj, "high_freq_factor", s->file, s->err);
    p->low = field_num(s, "low_freq_factor", 1.0, 1e-6, 1e6);
    p->high = field_num(s, "high_freq_factor", 4.0, 1e-6, 1e6);
    p->original =
        field_int(s, "original_max_position_embeddings", context, MAX_CONTEXT);
    if (!s->rc && p->high <= p->low)
        s->rc = err_fail(s->err, TRV_EFORMAT,
                         "'%s': high_freq_factor is %g, not above "
                         "low_freq_factor, %g",
                         s->file, p->high, p->low);
}

/* YaRN, and the factor of cosines and sines that belongs to it. */
static void
get_rope_yarn(struct fields *s, struct rope *p, int64_t context)
{
    double mscale, all, log_factor;

    p->original =
        field_int(s, "original_max_position_embeddings", context, MAX_CONTEXT);
    p->high = field_num(s, "beta_fast", 32.0, 1e-6, 1e6);
    p->low = field_num(s, "beta_slow", 1.0, 1e-6, 1e6);
    p->whole_dims = field_flag(s, "truncate", true);
    p->factor = (double)context / (double)p->original; // where it is null
    p->factor = field_num(s, "factor", p->factor, 1e-6, 1e6);
    mscale = field_num(s, "mscale", 0.0, 0.0, 1e3);
    all = field_num(s, "mscale_all_dim", 0.0, 0.0, 1e3);
    log_factor = p->factor > 1.0 ? 0.1 * log(p->factor) : 0.0;
    p->gain = mscale > 0.0 && all > 0.0
                  ? (mscale * log_factor + 1.0) / (all * log_factor + 1.0)
                  : log_factor + 1.0;
    p->gain = field_num(s, "attention_factor", p->gain, 1e-6, 1e3);
    if (!s->rc && p->theta <= 1.0)
        s->rc = err_fail(s->err, TRV_EFORMAT,
                         "'%s': yarn needs a rope_theta above 1, not %g",
                         s->file, p->theta);
}

/* A list of dim/2 numbers. */
static void
get_rope_factors(struct fields *s, float *out, const char *key, int64_t dim)
{
    const json_t *list = json_object_get(s->obj, key), *v;
    size_t i;

    if (s->rc)
        return;
    if (!json_is_array(list) || json_array_size(list) != (size_t)(dim / 2)) {
        s->rc = err_fail(s->err, TRV_EFORMAT,
                         "field '%s' of '%s' is no array of %" PRId64
                         " numbers, half the %" PRId64
                         " values of a head that turn",
                         key, s->file, dim / 2, dim);
        return;
    }
    json_array_foreach(list, i, v)
    {
        const double x = json_number_value(v);

        if (!(x >= 1e-6 && x <= 1e6)) {
            s->rc = err_fail(s->err, TRV_EFORMAT,
                             "value %zu of '%s' in '%s' is no number from 1e-6 "
                             "to 1e6",
                             i, key, s->file);
            return;
        }
        out[i] = (float)x;
    }
}

void
config_cut_context(struct model_config *c)
{
    if (c->ropes[0].original >= c->context)
        return;
    c->context_said = c->context;
    c->context = c->ropes[0].original;
}

static void
get_rope_longrope(struct fields *s, struct rope *p, struct model_config *c)
{
    float unused[ROPE_FREQS_MAX];
    const int64_t dim = rope_dim(p, c->head_dim);
    double factor;

    if (!s->rc && dim / 2 > ROPE_FREQS_MAX)
        s->rc = err_fail(s->err, TRV_EUNSUPPORTED,
                         "'%s': more than %d rotary factors are not supported",
                         s->file, ROPE_FREQS_MAX);
    p->original =
        field_int(s, "original_max_position_embeddings",
                  p->original ? p->original : c->context, MAX_CONTEXT);
    get_rope_factors(s, p->factors, "short_factor", dim);
    get_rope_factors(s, unused, "long_factor", dim);
    factor = (double)c->context / (double)p->original;
    factor = field_num(s, "factor", factor, 1e-6, 1e6);
    if (!s->rc && p->original < 2)
        s->rc = err_fail(s->err, TRV_EFORMAT,
                         "'%s': original_max_position_embeddings is 1, which "
                         "leaves longrope nothing to scale by",
                         s->file);
    p->gain =
        factor > 1.0 ? sqrt(1.0 + log(factor) / log((double)p->original)) : 1.0;
    p->gain = field_num(s, "attention_factor", p->gain, 1e-6, 1e3);
    config_cut_context(c);
}

static void
get_rope_scaling(struct fields *s, struct rope *p, struct model_config *c)
{
    const char *type;

    type = field_str(s, "rope_type", field_str(s, "type", "default"));
    if (s->rc || strcmp(type, "default") == 0)
        return;
    if (strcmp(type, "dynamic") == 0) {
        p->scaling = ROPE_DYNAMIC;
        return;
    }
    if (strcmp(type, "longrope") == 0 || strcmp(type, "su") == 0 ||
        json_object_get(s->obj, "short_factor")) { // older Phi-3: yarn
        p->scaling = ROPE_LONGROPE;
        get_rope_longrope(s, p, c);
        return;
    }
    if (!s->rc)
        s->rc = json_need(s->obj, "factor", s->file, s->err);
    if (strcmp(type, "yarn") == 0) {
        p->scaling = ROPE_YARN;
        get_rope_yarn(s, p, c->context);
        return;
    }
    if (strcmp(type, "linear") == 0) {
        p->scaling = ROPE_LINEAR;
    } else if (strcmp(type, "llama3") == 0) {
        p->scaling = ROPE_LLAMA3;
        get_rope_llama3(s, p, c->context);
    } else {
        s->rc = err_fail(s->err, TRV_EUNSUPPORTED,
                         "'%s': the rotary scaling '%s' is not supported; "
                         "known are default, linear, dynamic, llama3, yarn, "
                         "longrope",
                         s->file, type);
    }
    p->factor = field_num(s, "factor", 1.0, 1e-6, 1e6);
}

/* How much of a head turns, as transformers cuts it to whole values. */
static void
set_rope_share(struct fields *r, struct rope *p, const struct model_config *c,
               double share)
{
    const int64_t dim = (int64_t)((double)c->head_dim * share);

    if (r->rc)
        return;
    if (dim < 2 || (dim % 2 != 0 && dim != c->head_dim))
        r->rc = err_fail(r->err, TRV_EUNSUPPORTED,
                         "'%s': rotary positions on %" PRId64 " of %" PRId64
                         " values of a head are not supported",
                         r->file, dim, c->head_dim);
    p->dim = dim;
}

const json_t *
field_rope_object(struct fields *r)
{
    static const char *const keys[] = {"rope_scaling", "rope_parameters"};

    for (size_t i = 0; i < 2 && !r->rc; i++) {
        const json_t *v = json_object_get(r->obj, keys[i]);

        if (!v || json_is_null(v))
            continue;
        if (!json_is_object(v))
            r->rc =
                err_fail(r->err, TRV_EFORMAT, "field '%s' of '%s' is no object",
                         keys[i], r->file);
        else if (json_object_get(v, "full_attention") ||
                 json_object_get(v, "sliding_attention"))
            r->rc = err_fail(r->err, TRV_EUNSUPPORTED,
                             "'%s': '%s' of its own for each kind of layer is "
                             "not supported",
                             r->file, keys[i]);
        else if (json_object_size(v) > 0)
            return v;
    }
    return NULL;
}

void
field_rope_shared(struct fields *r, struct model_config *c, const char *theta,
                  const char *share, double part)
{
    struct rope *p = &c->ropes[0];
    struct fields s = *r;

    p->theta =
        field_num(r, theta, p->theta > 0.0 ? p->theta : 10000.0, 1.0, 1e15);
    part = field_num(r, share, part, 0.0, 1.0);
    s.obj = field_rope_object(r);
    s.rc = r->rc;
    if (s.obj) {
        p->theta = field_num(&s, "rope_theta", p->theta, 1.0, 1e15);
        part = field_num(&s, "partial_rotary_factor", part, 0.0, 1.0);
    }
    set_rope_share(&s, p, c, part);
    if (s.obj)
        get_rope_scaling(&s, p, c);
    r->rc = s.rc;
}

void
field_rope(struct fields *r, struct model_config *c)
{
    field_rope_shared(r, c, "rope_theta", "partial_rotary_factor", 1.0);
    if (!r->rc && c->ropes[0].dim != c->head_dim)
        r->rc = err_fail(r->err, TRV_EUNSUPPORTED,
                         "'%s': a partial_rotary_factor of %g is not supported "
                         "in a %s model",
                         r->file, (double)c->ropes[0].dim / (double)c->head_dim,
                         family_name(c->family));
    c->ropes[0].dim = 0;
}

/* Set a field that is there. */
static int
put(json_t *to, const char *key, const json_t *value)
{
    return value ? json_object_set(to, key, (json_t *)(uintptr_t)value) : 0;
}

/* The table of layers of one type, as if it were the only one: ropes[0]. */
static void
get_rope_of(struct fields *r, struct model_config *c, const char *type,
            const char *theta)
{
    const json_t *params = json_object_get(r->obj, "rope_parameters");
    json_t *obj = json_object();
    struct fields s = *r;

    if (!obj || put(obj, "rope_theta", json_object_get(r->obj, theta)) ||
        put(obj, "rope_parameters", json_object_get(params, type)) ||
        (strcmp(type, "full_attention") == 0 &&
         put(obj, "rope_scaling", json_object_get(r->obj, "rope_scaling"))))
        s.rc = err_fail(r->err, TRV_ENOMEM, "no memory to read '%s'", r->file);
    s.obj = obj;
    field_rope(&s, c);
    r->rc = s.rc;
    json_decref(obj);
}

void
field_ropes(struct fields *r, struct model_config *c, const char *local)
{
    const struct rope full = c->ropes[0];

    c->n_ropes = 2;
    c->ropes[0] = c->ropes[1];
    if (c->ropes[0].theta == 0.0)
        c->ropes[0].theta = full.theta;
    get_rope_of(r, c, "sliding_attention", local);
    c->ropes[1] = c->ropes[0];
    c->ropes[0] = full;
    get_rope_of(r, c, "full_attention", "rope_theta");
}

int64_t
field_window(struct fields *r, int64_t dflt)
{
    return json_is_null(json_object_get(r->obj, "sliding_window"))
               ? 0
               : field_int(r, "sliding_window", dflt, MAX_CONTEXT);
}

/* Is layer i one that layer_types gives a window? */
static bool
is_sliding(struct fields *r, const json_t *types, int64_t i)
{
    const char *s = json_string_value(json_array_get(types, (size_t)i));

    if (s && strcmp(s, "sliding_attention") == 0)
        return true;
    if (!s || strcmp(s, "full_attention") != 0)
        r->rc = err_fail(r->err, TRV_EUNSUPPORTED,
                         "'%s': layer type '%s' is not supported", r->file,
                         s ? s : "(no string)");
    return false;
}

void
field_windows(struct fields *r, struct model_config *c, int64_t window,
              int64_t first, int64_t every)
{
    const json_t *types = json_object_get(r->obj, "layer_types");
    const bool said = types && !json_is_null(types);

    if (!r->rc && said && json_array_size(types) != (size_t)c->layers)
        r->rc = err_fail(r->err, TRV_EFORMAT,
                         "field 'layer_types' of '%s' is no array of "
                         "%" PRId64 " strings",
                         r->file, c->layers);
    c->kinds[1] = c->kinds[0];
    c->kinds[1].window = window;
    for (int64_t i = 0; i < c->layers && !r->rc; i++) {
        const bool slides =
            said ? is_sliding(r, types, i)
                 : window && i >= first && (every == 0 || (i + 1) % every != 0);

        if (slides && !window)
            r->rc = err_fail(r->err, TRV_EFORMAT,
                             "'%s': layer_types names sliding attention, but "
                             "no window is set",
                             r->file);
        c->kind[i] = slides;
    }
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

void
field_special(struct fields *r, struct model_config *c, int64_t bos,
              int64_t eos)
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
