/* lora_mlx.c -- adapters of mlx-lm, read. */
#include "adapt/params/lora_mlx.h"

#include <string.h>

#include "adapt/params/weight_pairs.h"
#include "base/json.h"
#include "base/mem.h"

struct mlx_config {
    const char *type; // "lora", "dora", "full"
    double scale, dropout;
    int64_t num_layers; // adapted, from the last; 0 and below: all
};

static int
read_config(struct mlx_config *c, const struct payload *p, trv_err *err)
{
    const json_t *params = json_object_get(p->config, "lora_parameters");
    const char *file = p->config_file;
    int rc;

    *c = (struct mlx_config){.type = "lora"};
    rc = json_str(&c->type, p->config, "fine_tune_type", file, err);
    if (!rc) // as older versions call it
        rc = json_int(&c->num_layers, p->config, "lora_layers", -1, INT32_MAX,
                      file, err);
    if (!rc)
        rc = json_int(&c->num_layers, p->config, "num_layers", -1, INT32_MAX,
                      file, err);
    if (rc)
        return rc;
    if (strcmp(c->type, "lora") && strcmp(c->type, "dora") &&
        strcmp(c->type, "full"))
        return err_fail(err, TRV_EUNSUPPORTED,
                        "field 'fine_tune_type' of '%s' is '%.100s'; there are "
                        "lora, dora, full",
                        file, c->type);
    if (!strcmp(c->type, "full"))
        return 0;
    rc = json_need(p->config, "lora_parameters", file, err);
    if (!rc)
        rc = json_need(params, "scale", file, err);
    if (!rc)
        rc = json_num(&c->scale, params, "scale", -1e6, 1e6, file, err);
    if (!rc && c->scale == 0.0)
        rc = err_fail(err, TRV_ERANGE,
                      "field 'scale' of '%s' is 0: its pairs do nothing", file);
    return rc ? rc
              : json_num(&c->dropout, params, "dropout", 0.0, 0.9999, file,
                         err);
}

static bool
ends_with(size_t *stem, const char *name, const char *end)
{
    const size_t len = strlen(name), n = strlen(end);

    *stem = len > n ? len - n : 0;
    return len > n && !strcmp(name + *stem, end);
}

/* Does mlx adapt this layer? */
static int
check_layer(const struct weight_pairs *w, const struct mlx_config *c,
            const struct payload *p, const char *name, int64_t layer,
            trv_err *err)
{
    const int64_t first =
        c->num_layers > 0 ? w->m.cfg->layers - c->num_layers : 0;

    if (layer < 0 || layer >= first)
        return 0;
    return err_fail(err, TRV_EFORMAT,
                    "tensor '%.300s' of '%s' is of layer %lld, and '%s' adapts "
                    "the last %lld of %lld",
                    name, p->file, (long long)layer, p->config_file,
                    (long long)c->num_layers, (long long)w->m.cfg->layers);
}

/* Half of a pair, or a magnitude. */
static int
take_half(struct weight_pairs *w, const struct mlx_config *c,
          const struct payload *p, const struct tensor *t, size_t stem,
          trv_err *err)
{
    char path[320];
    int64_t i;
    bool embedding;
    struct weight_pair *pair;

    snprintf(path, sizeof(path), "%.*s", (int)stem, t->name);
    i = modules_find(&w->m, path);
    if (i < 0)
        return err_fail(err, TRV_EMISMATCH,
                        "tensor '%.300s' of '%s' adapts '%.200s', which is no "
                        "linear layer of this model",
                        t->name, p->file, path);
    embedding = table_is_embedding(modules_table(&w->m, i));
    pair = &w->pair[i];
    if (!strcmp(t->name + stem, ".m")) {
        pair->magnitude = *t;
    } else if (!strcmp(t->name + stem, ".lora_a") == embedding) {
        pair->up = *t;
        pair->up_turned = !embedding;
    } else {
        pair->down = *t;
        pair->down_turned = !embedding;
    }
    return check_layer(w, c, p, t->name, i < w->m.n_parts ? i / PART_COUNT : -1,
                       err);
}

static int
take_tensor(struct weight_pairs *w, struct base_patch *patch,
            const struct mlx_config *c, const struct payload *p,
            const struct tensor *t, trv_err *err)
{
    const bool full = !strcmp(c->type, "full");
    const struct layout_item *it = modules_item(&w->m, t->name);
    size_t stem;

    if (ends_with(&stem, t->name, ".lora_a") ||
        ends_with(&stem, t->name, ".lora_b") ||
        (!strcmp(c->type, "dora") && ends_with(&stem, t->name, ".m")))
        return full ? err_fail(err, TRV_EFORMAT,
                               "tensor '%.300s' of '%s' is half of a pair, and "
                               "'%s' says full",
                               t->name, p->file, p->config_file)
                    : take_half(w, c, p, t, stem, err);
    if (!it || !full)
        return err_fail(err, TRV_EFORMAT, "tensor '%.300s' of '%s' is no %s",
                        t->name, p->file,
                        full ? "tensor of this model"
                             : "half of a pair (MODULE.lora_a), and mlx takes "
                               "whole tensors where 'fine_tune_type' is full");
    return weight_whole(patch, it, t, p->file, err);
}

static int
build(struct lora *out, struct base_patch *patch,
      const struct model_config *cfg, const struct payload *p, trv_err *err)
{
    struct weight_pairs w = {0};
    struct mlx_config c;
    int rc = read_config(&c, p, err);

    if (!rc)
        rc = weight_pairs_open(&w, cfg, p->file, err);
    for (int64_t i = 0; i < p->st.n && !rc; i++)
        rc = take_tensor(&w, patch, &c, p, &p->st.tensors[i], err);
    w.dropout = (float)c.dropout;
    patch->keeps_tie = true;
    if (!rc)
        rc = weight_pairs_build(out, patch, &w, c.scale, true, err);
    weight_pairs_release(&w);
    if (rc) {
        lora_release(out);
        base_patch_release(patch);
    }
    return rc;
}

bool
mlx_is(const char *dir)
{
    return dir_has(dir, MLX_CONFIG) && dir_has(dir, MLX_WEIGHTS) &&
           !dir_has(dir, "adapter_model.safetensors");
}

int
mlx_parse(struct lora *out, struct base_patch *patch,
          const struct model_config *cfg, const char *name, const char *config,
          size_t n_config, const void *weights, size_t n_weights, trv_err *err)
{
    struct payload p;
    int rc = payload_parse(&p, name, MLX_CONFIG, MLX_WEIGHTS, config, n_config,
                           weights, n_weights, err);

    *out = (struct lora){0};
    *patch = (struct base_patch){0};
    if (!rc)
        rc = build(out, patch, cfg, &p, err);
    payload_release(&p);
    return rc;
}

int
mlx_read(struct lora *out, struct base_patch *patch,
         const struct model_config *cfg, const char *dir, trv_err *err)
{
    struct payload p;
    int rc = payload_open(&p, dir, MLX_CONFIG, MLX_WEIGHTS, err);

    *out = (struct lora){0};
    *patch = (struct base_patch){0};
    if (!rc)
        rc = build(out, patch, cfg, &p, err);
    payload_release(&p);
    return rc;
}
