/* config_field.c -- fields of a config.json. */
#include "model/files/config_field.h"

#include <inttypes.h>
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

static void
get_rope_scaling(struct fields *s, struct rope *p, int64_t context)
{
    const char *type;

    type = field_str(s, "rope_type", field_str(s, "type", "default"));
    if (s->rc || strcmp(type, "default") == 0)
        return;
    if (strcmp(type, "linear") == 0) {
        p->scaling = ROPE_LINEAR;
    } else if (strcmp(type, "llama3") == 0) {
        p->scaling = ROPE_LLAMA3;
        get_rope_llama3(s, p, context);
    } else {
        s->rc = err_fail(s->err, TRV_EUNSUPPORTED,
                         "'%s': the rotary scaling '%s' is not supported; "
                         "known are default, linear, llama3",
                         s->file, type);
    }
    if (!s->rc)
        s->rc = json_need(s->obj, "factor", s->file, s->err);
    p->factor = field_num(s, "factor", 1.0, 1e-6, 1e6);
}

void
field_rope(struct fields *r, struct model_config *c)
{
    static const char *const keys[] = {"rope_scaling", "rope_parameters"};
    struct rope *p = &c->ropes[0];
    struct fields s;
    double partial;

    p->theta = field_num(r, "rope_theta", p->theta > 0.0 ? p->theta : 10000.0,
                         1.0, 1e15);
    partial = field_num(r, "partial_rotary_factor", 1.0, 0.0, 1.0);
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
            p->theta = field_num(&s, "rope_theta", p->theta, 1.0, 1e15);
            partial = field_num(&s, "partial_rotary_factor", partial, 0.0, 1.0);
            get_rope_scaling(&s, p, c->context);
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
