/* peft_virtual.c -- PROMPT_TUNING and PREFIX_TUNING folders of PEFT. */
#include "adapt/prompt/peft_virtual.h"

#include <string.h>

#include "adapt/params/peft.h"
#include "base/json.h"
#include "base/mem.h"

#define TABLE "prompt_embeddings"
#define TOKENS_MAX 1000000 // of a config, before the model's limits are known

static const char *const types[] = {[VIRTUAL_NONE] = "",
                                    [VIRTUAL_SOFT] = "PROMPT_TUNING",
                                    [VIRTUAL_PREFIX] = "PREFIX_TUNING"};

/* Which PEFT saves by what its encoder computed: a table of embeddings. */
static const char p_tuning[] = "P_TUNING";

static int
type_of(enum virtual_kind *kind, const json_t *config, const char *file,
        trv_err *err)
{
    const char *type = "";
    int rc = json_need(config, "peft_type", file, err);

    *kind = VIRTUAL_NONE;
    if (!rc)
        rc = json_str(&type, config, "peft_type", file, err);
    for (int k = VIRTUAL_SOFT; k <= VIRTUAL_PREFIX && !rc; k++)
        if (!strcmp(type, types[k]))
            *kind = (enum virtual_kind)k;
    if (!rc && !strcmp(type, p_tuning))
        *kind = VIRTUAL_SOFT;
    return rc;
}

int
peft_virtual_kind(enum kind *kind, const char *dir, trv_err *err)
{
    static const enum kind kinds[] = {[VIRTUAL_NONE] = KIND_LORA,
                                      [VIRTUAL_SOFT] = KIND_SOFT,
                                      [VIRTUAL_PREFIX] = KIND_PREFIX};
    char *file = path_join(dir, PEFT_CONFIG);
    enum virtual_kind said = VIRTUAL_NONE;
    const char *task = NULL;
    json_t *config = NULL;
    int rc = file ? json_open(&config, file, err)
                  : err_fail(err, TRV_ENOMEM, "no memory to read '%s'", dir);

    if (!rc)
        rc = type_of(&said, config, file, err);
    if (!rc)
        rc = json_str(&task, config, "task_type", file, err);
    *kind = said == VIRTUAL_NONE && task && !strcmp(task, "SEQ_CLS")
                ? KIND_HEAD
                : kinds[said];
    json_decref(config);
    mem_free(file);
    return rc;
}

/* A size that the config may leave out; one that is there must be right. */
static int
check_size(const json_t *config, const char *field, int64_t want,
           const char *file, trv_err *err)
{
    int64_t got = want;
    const int rc = json_int(&got, config, field, 1, INT32_MAX, file, err);

    if (rc || got == want)
        return rc;
    return err_fail(err, TRV_EMISMATCH,
                    "field '%s' of '%s' is %lld, where the model has %lld",
                    field, file, (long long)got, (long long)want);
}

static int
check_config(enum virtual_kind *kind, int64_t *k, const struct payload *p,
             const struct model_config *cfg, trv_err *err)
{
    const char *file = p->config_file, *task = NULL;
    int64_t parts = 1;
    bool prefix;
    int rc = type_of(kind, p->config, file, err);

    if (rc)
        return rc;
    if (*kind == VIRTUAL_NONE)
        return err_fail(
            err, TRV_EUNSUPPORTED,
            "field 'peft_type' of '%s' is '%.100s'; virtual tokens "
            "are PROMPT_TUNING, P_TUNING or PREFIX_TUNING",
            file, json_string_value(json_object_get(p->config, "peft_type")));
    prefix = *kind == VIRTUAL_PREFIX;
    rc = json_str(&task, p->config, "task_type", file, err);
    if (!rc && task && strcmp(task, "CAUSAL_LM") != 0)
        rc = err_fail(err, TRV_EUNSUPPORTED,
                      "field 'task_type' of '%s' is '%.100s', not CAUSAL_LM",
                      file, task);
    if (!rc)
        rc = json_int(&parts, p->config, "num_transformer_submodules", 1, 1000,
                      file, err);
    if (!rc && parts != 1)
        rc = err_fail(err, TRV_EUNSUPPORTED,
                      "'%s' is for a model of %lld parts (an encoder and a "
                      "decoder), which is not supported",
                      file, (long long)parts);
    if (!rc && payload_is_set(json_object_get(p->config, "modules_to_save")))
        rc = err_fail(err, TRV_EUNSUPPORTED,
                      "field 'modules_to_save' of '%s' asks for whole modules "
                      "beside the virtual tokens, which is not supported",
                      file);
    if (!rc)
        rc = json_need(p->config, "num_virtual_tokens", file, err);
    if (!rc)
        rc = json_int(k, p->config, "num_virtual_tokens", 1, TOKENS_MAX, file,
                      err);
    if (!rc)
        rc = check_size(p->config, "num_layers", cfg->layers, file, err);
    if (!rc)
        rc = check_size(p->config, "token_dim",
                        prefix ? cfg->kv_heads * cfg->head_dim : cfg->width,
                        file, err);
    if (!rc && prefix)
        rc = check_size(p->config, "num_attention_heads", cfg->kv_heads, file,
                        err);
    return rc;
}

static int
build(struct virtual_tokens *out, char **base, const struct payload *p,
      const struct model_config *cfg, bool trained, trv_err *err)
{
    const char *name = NULL;
    enum virtual_kind kind;
    int64_t k = 0;
    int rc = check_config(&kind, &k, p, cfg, err);

    if (!rc)
        rc = json_str(&name, p->config, "base_model_name_or_path",
                      p->config_file, err);
    for (int64_t i = 0; i < p->st.n && !rc; i++)
        if (strcmp(p->st.tensors[i].name, TABLE) != 0)
            rc = err_fail(err, TRV_EMISMATCH,
                          "'%s' holds the tensor '%.200s' beside '" TABLE "'",
                          p->file, p->st.tensors[i].name);
    if (!rc) // before memory is allocated for the config's sizes
        rc = payload_check(p, TABLE, k, virtual_width(cfg, kind), err);
    if (!rc)
        rc = virtual_init(out, kind, cfg, k, trained, err);
    if (!rc)
        rc = payload_tensor(out->w, p, TABLE, k, out->width, err);
    if (!rc && base && name) {
        *base = mem_strdup(name);
        if (!*base)
            rc = err_fail(err, TRV_ENOMEM, "no memory to read '%s'",
                          p->config_file);
    }
    if (rc)
        virtual_release(out);
    return rc;
}

int
peft_virtual_parse(struct virtual_tokens *out, char **base,
                   const struct model_config *cfg, const char *name,
                   const char *config, size_t n_config, const void *weights,
                   size_t n_weights, bool trained, trv_err *err)
{
    struct payload p;
    int rc;

    *out = (struct virtual_tokens){0};
    if (base)
        *base = NULL;
    rc = payload_parse(&p, name, PEFT_CONFIG, PEFT_WEIGHTS, config, n_config,
                       weights, n_weights, err);
    if (!rc)
        rc = build(out, base, &p, cfg, trained, err);
    payload_release(&p);
    return rc;
}

int
peft_virtual_read(struct virtual_tokens *out, char **base,
                  const struct model_config *cfg, const char *dir, bool trained,
                  trv_err *err)
{
    struct payload p;
    int rc;

    *out = (struct virtual_tokens){0};
    if (base)
        *base = NULL;
    rc = payload_open(&p, dir, PEFT_CONFIG, PEFT_WEIGHTS, err);
    if (!rc)
        rc = build(out, base, &p, cfg, trained, err);
    payload_release(&p);
    return rc;
}

/* As PEFT itself writes them; fields of its later versions are left out. */
static json_t *
config_json(const struct virtual_tokens *v, const struct model_config *cfg,
            const char *base)
{
    const bool prefix = v->kind == VIRTUAL_PREFIX;
    const int64_t dim = prefix ? v->kv_width : v->width;
    json_t *extra =
        prefix ? json_pack("{s:I,s:b}", "encoder_hidden_size", (json_int_t)dim,
                           "prefix_projection", 0)
               : json_pack("{s:s,s:n,s:n}", "prompt_tuning_init", "RANDOM",
                           "prompt_tuning_init_text", "tokenizer_name_or_path");
    json_t *obj = json_pack(
        "{s:n,s:b,s:n,s:I,s:I,s:i,s:I,s:s,s:s,s:I}", "auto_mapping",
        "inference_mode", 1, "modules_to_save", "num_attention_heads",
        (json_int_t)(prefix ? cfg->kv_heads : cfg->heads), "num_layers",
        (json_int_t)cfg->layers, "num_transformer_submodules", 1,
        "num_virtual_tokens", (json_int_t)v->k, "peft_type", types[v->kind],
        "task_type", "CAUSAL_LM", "token_dim", (json_int_t)dim);

    if (!obj || !extra || json_object_update(obj, extra)) {
        json_decref(obj);
        obj = NULL;
    }
    json_decref(extra);
    return payload_name_base(obj, base);
}

int
peft_virtual_encode(struct payload_files *out, const struct virtual_tokens *v,
                    const struct model_config *cfg, const char *base,
                    trv_err *err)
{
    const struct tensor table = {.name = TABLE,
                                 .type = DT_F32,
                                 .n_dims = 2,
                                 .dim = {v->k, v->width},
                                 .data = v->w,
                                 .bytes = (size_t)v->n * sizeof(float)};
    json_t *config = config_json(v, cfg, base);
    const int rc = payload_encode(out, config, PEFT_CONFIG, &table, 1, err);

    json_decref(config);
    return rc;
}
