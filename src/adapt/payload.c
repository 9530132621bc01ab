/* payload.c -- a config and its tensors, read with all checks. */
#include "adapt/payload.h"

#include <math.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "model/files/hub.h"

#define CONFIG_LIMIT ((size_t)16 << 20)

static int
name_files(struct payload *p, const char *dir, const char *config,
           const char *weights, trv_err *err)
{
    *p = (struct payload){.config_file = path_join(dir, config),
                          .file = path_join(dir, weights)};
    return p->config_file && p->file
               ? 0
               : err_fail(err, TRV_ENOMEM, "no memory to read '%s'", dir);
}

static int
parse(struct payload *p, const char *config, size_t n_config, const void *bytes,
      size_t n, trv_err *err)
{
    int rc = json_parse(&p->config, p->config_file, config, n_config, err);

    if (!rc && !json_is_object(p->config))
        rc = err_fail(err, TRV_EFORMAT, "'%s' holds no JSON object",
                      p->config_file);
    return rc ? rc : st_parse(&p->st, p->file, bytes, n, err);
}

int
payload_parse(struct payload *p, const char *dir, const char *config,
              const char *weights, const char *config_bytes, size_t n_config,
              const void *bytes, size_t n, trv_err *err)
{
    int rc = name_files(p, dir, config, weights, err);

    if (!rc)
        rc = parse(p, config_bytes, n_config, bytes, n, err);
    if (rc)
        payload_release(p);
    return rc;
}

int
payload_open(struct payload *p, const char *dir, const char *config,
             const char *weights, trv_err *err)
{
    int rc = name_files(p, dir, config, weights, err);

    if (!rc)
        rc = file_read(&p->text, p->config_file, CONFIG_LIMIT, err);
    if (!rc && !file_exists(p->file)) {
        char *bin = path_join(dir, "adapter_model.bin");

        rc = bin && file_exists(bin)
                 ? err_fail(err, TRV_EUNSUPPORTED,
                            "'%s' is a pickle, which can run code; save the "
                            "adapter as safetensors",
                            bin)
                 : err_fail(err, TRV_EIO, "'%s' lacks the file '%s'", dir,
                            weights);
        mem_free(bin);
    }
    if (!rc)
        rc = filemap_open(&p->map, p->file, err);
    if (!rc)
        rc = parse(p, p->text.s, p->text.len, p->map.data, p->map.size, err);
    if (rc)
        payload_release(p);
    return rc;
}

void
payload_release(struct payload *p)
{
    st_release(&p->st);
    json_decref(p->config);
    filemap_release(&p->map);
    sb_release(&p->text);
    mem_free(p->config_file);
    mem_free(p->file);
    *p = (struct payload){0};
}

bool
payload_is_set(const json_t *v)
{
    return v && !json_is_null(v) && !json_is_false(v) &&
           !(json_is_array(v) && json_array_size(v) == 0) &&
           !(json_is_object(v) && json_object_size(v) == 0);
}

void
payload_shape_text(char *buf, size_t size, const struct tensor *t)
{
    size_t n = 0;

    buf[0] = '\0';
    for (int i = 0; i < t->n_dims && n < size; i++) {
        const int k = snprintf(buf + n, size - n, "%s%lld", i ? ", " : "",
                               (long long)t->dim[i]);

        n += k > 0 ? (size_t)k : 0;
    }
}

int
payload_check(const struct payload *p, const char *name, int64_t rows,
              int64_t cols, trv_err *err)
{
    const struct tensor *t = st_find(&p->st, name);
    char shape[96], want[64];

    if (!t)
        return err_fail(err, TRV_EFORMAT, "'%s' lacks the tensor '%s'", p->file,
                        name);
    if (rows ? t->n_dims != 2 || t->dim[0] != rows || t->dim[1] != cols
             : t->n_dims != 1 || t->dim[0] != cols) {
        payload_shape_text(shape, sizeof(shape), t);
        if (rows)
            snprintf(want, sizeof(want), "%lld, %lld", (long long)rows,
                     (long long)cols);
        else
            snprintf(want, sizeof(want), "%lld", (long long)cols);
        return err_fail(err, TRV_EMISMATCH,
                        "tensor '%s' of '%s' has the shape [%s], where the "
                        "model and '%s' ask for [%s]",
                        name, p->file, shape, p->config_file, want);
    }
    return 0;
}

int
payload_tensor(float *out, const struct payload *p, const char *name,
               int64_t rows, int64_t cols, trv_err *err)
{
    const int64_t n = rows ? rows * cols : cols;
    const struct tensor *t;
    const int rc = payload_check(p, name, rows, cols, err);

    if (rc)
        return rc;
    t = st_find(&p->st, name);
    tensor_rows_f32(out, t, 0, tensor_rows(t));
    for (int64_t i = 0; i < n; i++)
        if (!isfinite(out[i]))
            return err_fail(err, TRV_ENONFINITE,
                            "tensor '%s' of '%s' holds %g at position %lld",
                            name, p->file, (double)out[i], (long long)i);
    return 0;
}

int
payload_encode(struct payload_files *out, const json_t *config,
               const char *name, const struct tensor *tensors, int64_t n,
               trv_err *err)
{
    json_t *metadata = json_pack("{s:s}", "format", "pt");
    char *text = NULL;
    int rc = 0;

    *out = (struct payload_files){0};
    if (metadata && config)
        text = json_dumps(config, JSON_INDENT(2) | JSON_SORT_KEYS |
                                      JSON_REAL_PRECISION(15));
    if (text)
        out->config = mem_strdup(text);
    if (!out->config)
        rc = err_fail(err, TRV_ENOMEM, "no memory to write '%s'", name);
    else
        out->n_config = strlen(out->config);
    if (!rc)
        rc = st_serialise(&out->weights, &out->n_weights, tensors, n, metadata,
                          err);
    if (rc)
        payload_files_release(out);
    free(text);
    json_decref(metadata);
    return rc;
}

json_t *
payload_name_base(json_t *config, const char *base)
{
    char *name = NULL, *revision = NULL;
    bool bad = !config || (base && hub_split(&name, &revision, base, NULL));

    if (!bad)
        bad =
            json_object_set_new(config, "base_model_name_or_path",
                                name ? json_string(name) : json_null()) ||
            json_object_set_new(config, "revision",
                                revision ? json_string(revision) : json_null());
    mem_free(name);
    mem_free(revision);
    if (!bad)
        return config;
    json_decref(config);
    return NULL;
}

void
payload_files_release(struct payload_files *f)
{
    mem_free(f->config);
    mem_free(f->weights);
    *f = (struct payload_files){0};
}
