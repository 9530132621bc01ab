/* writer.c -- a model written as a Hugging Face folder. */
#include "model/files/writer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/rng.h"
#include "base/streams.h"
#include "model/files/layout.h"
#include "model/files/safetensors.h"

/* What is carried over as it is, where it is there. */
static const char *const carried[] = {
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.json",
    "merges.txt",
    "tokenizer.model",
    "chat_template.jinja",
    "generation_config.json",
};

static int
put_below(void *self, const char *name, const void *bytes, size_t n,
          trv_err *err)
{
    return outdir_write(self, name, bytes, n, err);
}

struct writer_sink
writer_to(struct outdir *dir)
{
    return (struct writer_sink){put_below, dir};
}

bool
writer_is_name(const char *name)
{
    const size_t n = strlen(name);

    for (size_t i = 0; i < sizeof(carried) / sizeof(*carried); i++)
        if (!strcmp(name, carried[i]))
            return true;
    return !strcmp(name, "config.json") ||
           !strcmp(name, "model.safetensors.index.json") ||
           (!strncmp(name, "model", 5) && n > 12 &&
            !strcmp(name + n - 12, ".safetensors"));
}

static int
cross_model_transfer(struct writer_sink to, const char *from, trv_err *err)
{
    int rc = 0;

    for (size_t i = 0; i < sizeof(carried) / sizeof(*carried) && !rc; i++) {
        char *path = path_join(from, carried[i]);
        struct strbuf text = {0};

        if (!path)
            return err_fail(err, TRV_ENOMEM, "no memory to copy '%s'",
                            carried[i]);
        if (file_exists(path)) {
            rc = file_read(&text, path, (size_t)1 << 30, err);
            if (!rc)
                rc = to.put(to.self, carried[i], text.s, text.len, err);
        }
        sb_release(&text);
        mem_free(path);
    }
    return rc;
}

/* What makes a reward model of a language model's config. */
static int
scorer_to_json(json_t *config, const struct model_config *cfg)
{
    json_t *pad = cfg->pad < 0 ? json_null() : json_integer(cfg->pad);

    (void)json_object_del(config, "num_labels"); // transformers counts names
    return json_object_set_new(config, "architectures",
                               json_pack("[s]", family_scorer(cfg->family))) ||
           json_object_set_new(config, "id2label",
                               json_pack("{s:s}", "0", "LABEL_0")) ||
           json_object_set_new(config, "label2id",
                               json_pack("{s:i}", "LABEL_0", 0)) ||
           json_object_set_new(config, "pad_token_id", pad);
}

/* The head that a config ties may have been one of its own (model.c). */
static int
untie_in_json(json_t *config, const struct model_config *cfg, const char *path,
              trv_err *err)
{
    struct model_config said;
    const int rc = config_from_json(&said, config, path, err);

    if (rc || cfg->labels || said.tied == cfg->tied)
        return rc;
    return json_object_set_new(config, "tie_word_embeddings",
                               json_boolean(cfg->tied))
               ? err_nomem(err, "to write '%s'", path)
               : 0;
}

/* config.json with the type of the weights that now lie beside it. */
static int
write_config(struct writer_sink to, const char *from,
             const struct model_config *cfg, enum dtype type, trv_err *err)
{
    const char *name = type == DT_BF16 ? "bfloat16" : "float32";
    char *path = path_join(from, "config.json"), *text = NULL;
    json_t *config = NULL;
    int rc;

    if (!path)
        return err_fail(err, TRV_ENOMEM, "no memory to write config.json");
    rc = json_open(&config, path, err);
    if (!rc) { // as the text model that is written
        json_t *own = config_text(config);

        if (json_object_get(config, "text_config")) // another class
            (void)json_object_del(own, "architectures");
        json_decref(config);
        config = own;
    }
    if (!rc)
        rc = untie_in_json(config, cfg, path, err);
    if (!rc) {
        (void)json_object_del(config, "dtype");
        if (!(cfg->labels && scorer_to_json(config, cfg)) &&
            json_object_set_new(config, "torch_dtype", json_string(name)) == 0)
            text = json_dumps(config, JSON_INDENT(2));
        rc = text ? to.put(to.self, "config.json", text, strlen(text), err)
                  : err_fail(err, TRV_EFORMAT, "'%s' holds no JSON object",
                             path);
    }
    free(text);
    json_decref(config);
    mem_free(path);
    return rc;
}

/* --- the weights --- */

struct gathering {
    struct tensor *tensors;
    char (*names)[96];
    int64_t n, cap;
    enum dtype type;
    writer_source source;
    void *payload;
};

static int
gather(const struct layout_item *item, trv_err *err, void *payload)
{
    struct gathering *g = payload;
    const int64_t rows = item->n_dims > 1 ? item->dim[0] : 1;
    const int64_t cols = item->dim[item->n_dims - 1], n = rows * cols;
    const size_t size = g->type == DT_F32 ? 4 : 2;
    struct tensor *t;
    float *values;
    int rc;

    if (!g->tensors) { // the first walk counts
        g->cap++;
        return 0;
    }
    values = mem_array((size_t)n, sizeof(float));
    if (!values)
        return err_fail(err, TRV_ENOMEM, "no memory to write '%s'", item->name);
    rc = g->source(values, item, g->payload, err);
    if (rc) {
        mem_free(values);
        return rc;
    }
    if (g->type == DT_BF16) // in place: a bf16 never lies before its float
        for (int64_t i = 0; i < n; i++) {
            const bf16 b = bf16_from_f32(values[i]);

            memcpy((char *)values + (size_t)i * 2, &b, 2);
        }
    memcpy(g->names[g->n], item->name, sizeof(g->names[0]));
    t = &g->tensors[g->n];
    *t = (struct tensor){.name = g->names[g->n],
                         .type = g->type,
                         .n_dims = item->n_dims,
                         .data = values,
                         .bytes = (size_t)n * size};
    memcpy(t->dim, item->dim, sizeof(item->dim));
    g->n++;
    return 0;
}

int
writer_folder(struct writer_sink to, const char *from,
              const struct model_config *cfg, enum dtype type,
              writer_source source, void *payload, trv_err *err)
{
    struct gathering g = {.type = type, .source = source, .payload = payload};
    json_t *meta = json_pack("{s:s}", "format", "pt");
    char *bytes = NULL;
    size_t size = 0;
    int rc;

    (void)layout_each(cfg, gather, err, &g); // counting cannot fail
    g.tensors = mem_calloc((size_t)g.cap, sizeof(*g.tensors));
    g.names = mem_calloc((size_t)g.cap, sizeof(*g.names));
    if (!meta || !g.tensors || !g.names)
        rc = err_fail(err, TRV_ENOMEM, "no memory to write a model");
    else
        rc = layout_each(cfg, gather, err, &g);
    if (!rc)
        rc = st_serialise(&bytes, &size, g.tensors, g.n, meta, err);
    if (!rc)
        rc = write_config(to, from, cfg, type, err);
    if (!rc)
        rc = cross_model_transfer(to, from, err);
    if (!rc)
        rc = to.put(to.self, "model.safetensors", bytes, size, err);
    for (int64_t i = 0; i < g.n; i++)
        mem_free((void *)(uintptr_t)g.tensors[i].data);
    mem_free(g.tensors);
    mem_free(g.names);
    mem_free(bytes);
    json_decref(meta);
    return rc;
}

/* --- trained weights --- */

/* A master copy is [out, in]; GPT-2 stores [in, out]. */
static void
copy_stored(float *out, const float *w, const struct dec_item *have,
            const struct layout_item *item, bool conv1d)
{
    const int64_t n = have->rows * have->cols;

    if (!conv1d || item->slot != SLOT_PART || item->n_dims < 2) {
        memcpy(out, w, (size_t)n * sizeof(float));
        return;
    }
    for (int64_t r = 0; r < have->rows; r++)
        for (int64_t c = 0; c < have->cols; c++)
            out[c * have->rows + r] = w[r * have->cols + c];
}

/* A file's names may lack the family's prefix, or have that of a text part. */
static const char *
bare_name(const char *name)
{
    static const char *const prefixes[] = {"transformer.", "model.",
                                           "language_model.", "model."};

    for (int i = 0; i < 4; i++)
        if (strncmp(name, prefixes[i], strlen(prefixes[i])) == 0)
            name += strlen(prefixes[i]);
    return name;
}

static int
from_decoder(float *out, const struct layout_item *item, void *payload,
             trv_err *err)
{
    const struct decoder *d = payload;

    for (int64_t i = 0; i < d->n_items; i++) {
        const struct dec_item *have = &d->items[i];
        const bool is_embedding =
            item->slot == SLOT_EMBED && i == 0; // whatever its file calls it

        if (!is_embedding &&
            strcmp(bare_name(have->name), bare_name(item->name)) != 0)
            continue;
        copy_stored(out, d->w_full + have->at, have, item, d->cfg->conv1d);
        for (int64_t k = 0; k < item->dim[0] && layout_is_norm(item); k++)
            out[k] -= d->cfg->norm_less_one ? 1.0f : 0.0f;
        return 0;
    }
    return err_fail(err, TRV_EFORMAT, "the decoder has no '%s'", item->name);
}

static int
write_trained(struct writer_sink to, const struct decoder *d,
              const struct model_config *cfg, enum dtype type, trv_err *err)
{
    union {
        const struct decoder *in;
        void *out;
    } payload = {d};

    TRV_ASSERT(d->w_full);
    if (d->model->gguf)
        return err_fail(err, TRV_EUNSUPPORTED,
                        "weights trained from '%s' cannot be written: a GGUF "
                        "file has no config.json to carry over",
                        d->model->path);
    return writer_folder(to, d->model->path, cfg, type, from_decoder,
                         payload.out, err);
}

int
writer_trained(struct writer_sink to, const struct decoder *d, enum dtype type,
               trv_err *err)
{
    return write_trained(to, d, d->cfg, type, err);
}

int
writer_scorer(struct writer_sink to, const struct decoder *d, int32_t pad,
              enum dtype type, trv_err *err)
{
    struct model_config cfg = *d->cfg;

    TRV_ASSERT(d->score.v);
    cfg.labels = 1;
    cfg.pad = pad;
    return write_trained(to, d, &cfg, type, err);
}

/* --- fresh weights --- */

struct fresh {
    const struct model_config *cfg;
    uint64_t seed, stream;
};

static int
fresh_values(float *out, const struct layout_item *item, void *payload,
             trv_err *err)
{
    struct fresh *f = payload;
    const int64_t n =
        item->n_dims > 1 ? item->dim[0] * item->dim[1] : item->dim[0];
    const bool ends_branch = item->slot == SLOT_PART &&
                             (item->part == PART_O || item->part == PART_DOWN);
    const double deviation =
        ends_branch ? 0.02 / sqrt(2.0 * (double)f->cfg->layers) : 0.02;
    const float norm = f->cfg->norm_less_one ? 0.0f : 1.0f; // its weight
    struct rng r;

    (void)err;
    rng_init(&r, f->seed, f->stream++);
    for (int64_t i = 0; i < n; i++)
        out[i] = item->bias         ? 0.0f
                 : item->n_dims > 1 ? (float)(deviation * rng_normal(&r))
                                    : norm;
    return 0;
}

int
writer_scratch(struct writer_sink to, const char *from, uint64_t seed,
               trv_err *err)
{
    char *path = path_join(from, "config.json");
    struct model_config cfg;
    struct fresh f = {.cfg = &cfg, .seed = seed, .stream = STREAM_FRESH};
    json_t *config = NULL;
    int rc;

    if (!path)
        return err_fail(err, TRV_ENOMEM, "no memory to open '%s'", from);
    rc = json_open(&config, path, err);
    if (!rc)
        rc = config_from_json(&cfg, config, path, err);
    if (!rc)
        rc = writer_folder(to, from, &cfg, DT_F32, fresh_values, &f, err);
    json_decref(config);
    mem_free(path);
    return rc;
}
