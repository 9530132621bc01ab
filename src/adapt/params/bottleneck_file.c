/* bottleneck_file.c -- bottleneck adapters read and written. */
#include "adapt/params/bottleneck_file.h"

#include <string.h>

#include "base/json.h"
#include "base/mem.h"

bool
bottleneck_file_is(const char *dir)
{
    return dir_has(dir, BOTTLENECK_CONFIG);
}

/* The four tensors of a site, as they lie in the flat vector; parts of rows 0
 * are vectors. */
struct site_part {
    int64_t at, rows, cols;
};
static void
site_parts(struct site_part parts[4], const struct bottleneck *b)
{
    const int64_t S = b->size, C = b->width;

    parts[0] = (struct site_part){0, S, C};
    parts[1] = (struct site_part){S * C, 0, S};
    parts[2] = (struct site_part){S * C + S, C, S};
    parts[3] = (struct site_part){2 * S * C + S, 0, C};
}

static int
read_places(bool places[BOTTLENECK_PLACES], const struct payload *p,
            trv_err *err)
{
    const json_t *list = json_object_get(p->config, "places"), *name;
    bool good = json_is_array(list) && json_array_size(list) > 0;
    size_t i;

    json_array_foreach(list, i, name)
    {
        bool known = false;

        for (int k = 0; k < BOTTLENECK_PLACES; k++)
            if (json_is_string(name) &&
                !strcmp(json_string_value(name),
                        bottleneck_place_name((enum bottleneck_place)k)) &&
                !places[k])
                known = places[k] = true;
        good = good && known;
    }
    return good ? 0
                : err_fail(err, TRV_EFORMAT,
                           "field 'places' of '%s' is no list of attention, "
                           "mlp or both",
                           p->config_file);
}

static int
read_spec(struct bottleneck_spec *spec, const struct payload *p,
          const struct model_config *cfg, trv_err *err)
{
    static const char *const needed[] = {"activation", "layers", "places",
                                         "size", "width"};
    const char *file = p->config_file, *f = "";
    int64_t layers = 0, width = 0;
    int rc = 0;

    for (int i = 0; i < 5 && !rc; i++)
        rc = json_need(p->config, needed[i], file, err);
    if (!rc)
        rc = json_int(&spec->size, p->config, "size", 1, 65536, file, err);
    if (!rc)
        rc = json_int(&layers, p->config, "layers", 1, INT32_MAX, file, err);
    if (!rc)
        rc = json_int(&width, p->config, "width", 1, INT32_MAX, file, err);
    if (!rc)
        rc = json_str(&f, p->config, "activation", file, err);
    if (!rc)
        rc = read_places(spec->places, p, err);
    if (rc)
        return rc;
    if (layers != cfg->layers || width != cfg->width)
        return err_fail(err, TRV_EMISMATCH,
                        "'%s' is for %lld layers of width %lld; the model has "
                        "%lld of %lld",
                        file, (long long)layers, (long long)width,
                        (long long)cfg->layers, (long long)cfg->width);
    for (int k = 0; k < ACT_COUNT; k++)
        if (!strcmp(f, activation_name((enum activation)k))) {
            spec->f = (enum activation)k;
            return 0;
        }
    return err_fail(err, TRV_EUNSUPPORTED,
                    "field 'activation' of '%s' is '%.100s'; there are "
                    "gelu_tanh, gelu, silu, relu",
                    file, f);
}

static int
build(struct bottleneck *out, char **base, const struct payload *p,
      const struct model_config *cfg, bool trained, trv_err *err)
{
    struct bottleneck_spec spec = {0};
    const char *name = NULL;
    struct site_part parts[4];
    int64_t n = 0;
    int rc = read_spec(&spec, p, cfg, err);

    if (!rc)
        rc = json_str(&name, p->config, "base_model_name_or_path",
                      p->config_file, err);
    for (int i = 0; i < BOTTLENECK_PLACES && !rc; i++) {
        char tensor[96];

        if (!spec.places[i])
            continue; // before memory is allocated for the config's sizes
        snprintf(tensor, sizeof(tensor), "layers.0.%s.down.weight",
                 bottleneck_place_name((enum bottleneck_place)i));
        rc = payload_check(p, tensor, spec.size, cfg->width, err);
    }
    if (!rc)
        rc = bottleneck_init(out, cfg, &spec, trained, NULL, err);
    if (rc)
        return rc;
    site_parts(parts, out);
    for (int64_t at = 0; at < out->n && !rc; at += out->n_site)
        for (int i = 0; i < 4 && !rc; i++, n++) {
            char tensor[96];

            bottleneck_locate(tensor, sizeof(tensor), out, at + parts[i].at);
            rc = payload_tensor(out->w + at + parts[i].at, p, tensor,
                                parts[i].rows, parts[i].cols, err);
        }
    if (!rc && p->st.n != n)
        rc =
            err_fail(err, TRV_EMISMATCH,
                     "'%s' holds %lld tensors, where '%s' asks for %lld",
                     p->file, (long long)p->st.n, p->config_file, (long long)n);
    if (!rc && base && name) {
        *base = mem_strdup(name);
        if (!*base)
            rc = err_fail(err, TRV_ENOMEM, "no memory to read '%s'",
                          p->config_file);
    }
    if (rc)
        bottleneck_release(out);
    return rc;
}

int
bottleneck_file_parse(struct bottleneck *out, char **base,
                      const struct model_config *cfg, const char *name,
                      const char *config, size_t n_config, const void *weights,
                      size_t n_weights, bool trained, trv_err *err)
{
    struct payload p;
    int rc;

    *out = (struct bottleneck){0};
    if (base)
        *base = NULL;
    rc = payload_parse(&p, name, BOTTLENECK_CONFIG, BOTTLENECK_WEIGHTS, config,
                       n_config, weights, n_weights, err);
    if (!rc)
        rc = build(out, base, &p, cfg, trained, err);
    payload_release(&p);
    return rc;
}

int
bottleneck_file_read(struct bottleneck *out, char **base,
                     const struct model_config *cfg, const char *dir,
                     bool trained, trv_err *err)
{
    struct payload p;
    int rc;

    *out = (struct bottleneck){0};
    if (base)
        *base = NULL;
    rc = payload_open(&p, dir, BOTTLENECK_CONFIG, BOTTLENECK_WEIGHTS, err);
    if (!rc)
        rc = build(out, base, &p, cfg, trained, err);
    payload_release(&p);
    return rc;
}

static json_t *
config_json(const struct bottleneck *b, const char *base)
{
    json_t *places = json_array();
    int rc = places ? 0 : -1;
    json_t *obj;

    for (int i = 0; i < BOTTLENECK_PLACES && !rc; i++)
        if (b->places[i])
            rc = json_array_append_new(
                places,
                json_string(bottleneck_place_name((enum bottleneck_place)i)));
    obj = rc ? NULL
             : json_pack("{s:s,s:s?,s:I,s:O,s:I,s:I}", "activation",
                         activation_name(b->f), "base_model_name_or_path", base,
                         "layers", (json_int_t)b->layers, "places", places,
                         "size", (json_int_t)b->size, "width",
                         (json_int_t)b->width);
    json_decref(places);
    return obj;
}

int
bottleneck_file_encode(struct payload_files *out, const struct bottleneck *b,
                       const char *base, trv_err *err)
{
    const int64_t sites = b->n / b->n_site;
    struct tensor *t = mem_calloc((size_t)sites * 4, sizeof(*t));
    char(*names)[96] = mem_calloc((size_t)sites * 4, sizeof(*names));
    json_t *config = config_json(b, base);
    struct site_part parts[4];
    int rc;

    *out = (struct payload_files){0};
    site_parts(parts, b);
    for (int64_t i = 0; t && names && i < sites * 4; i++) {
        const struct site_part *p = &parts[i % 4];
        const int64_t at = i / 4 * b->n_site + p->at;

        bottleneck_locate(names[i], sizeof(names[i]), b, at);
        t[i] = (struct tensor){.name = names[i],
                               .type = DT_F32,
                               .n_dims = p->rows ? 2 : 1,
                               .dim = {p->rows ? p->rows : p->cols, p->cols},
                               .data = b->w + at};
        t[i].bytes =
            (size_t)((p->rows ? p->rows : 1) * p->cols) * sizeof(float);
    }
    rc = t && names
             ? payload_encode(out, config, BOTTLENECK_CONFIG, t, sites * 4, err)
             : err_fail(err, TRV_ENOMEM, "no memory to write '%s'",
                        BOTTLENECK_CONFIG);
    json_decref(config);
    mem_free(names);
    mem_free(t);
    return rc;
}
