/* api_inspect.c -- what a path holds, as JSON. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "adapt/params/bottleneck_file.h"
#include "adapt/params/lora_gguf.h"
#include "adapt/params/peft.h"
#include "adapt/prompt/peft_virtual.h"
#include "adapt/reward/scorer.h"
#include "api/api.h"
#include "base/json.h"
#include "model/files/checkpoint.h"
#include "model/files/hub.h"

/* Tensor types and how many values each holds. */
static json_t *
describe_types(const struct model *m)
{
    int64_t values[DT_COUNT] = {0};
    json_t *obj = json_object();

    for (int64_t i = 0; i < checkpoint_count(m->ckpt); i++) {
        const struct tensor *t = checkpoint_at(m->ckpt, i);
        const int64_t n = tensor_rows(t) * tensor_cols(t);

        if (t->type < DT_COUNT)
            values[t->type] += n;
    }
    for (int i = 0; i < DT_COUNT; i++)
        if (values[i])
            json_object_set_new(obj, dtype_name((enum dtype)i),
                                json_integer(values[i]));
    return obj;
}

static json_t *
describe_config(const struct model_config *c)
{
    int64_t window = 0, sliding = 0;
    json_t *obj;

    for (int64_t i = 0; i < c->layers; i++) {
        const int64_t w = config_layer(c, i)->window;

        window = w > window ? w : window;
        sliding += w > 0;
    }
    obj = json_pack(
        "{s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:s,s:s,s:b,s:s,s:b,s:I}", "layers",
        (json_int_t)c->layers, "width", (json_int_t)c->width, "heads",
        (json_int_t)c->heads, "kv_heads", (json_int_t)c->kv_heads, "head_dim",
        (json_int_t)c->head_dim, "mlp_width", (json_int_t)c->mlp_width,
        "vocabulary", (json_int_t)c->vocab, "context", (json_int_t)c->context,
        "norm", c->rms ? "rms" : "layer", "activation", activation_name(c->act),
        "gated", c->gated, "positions",
        c->learned_pos ? "learned" : rope_scaling_name(c->ropes[0].scaling),
        "tied_head", c->tied, "sliding_window", (json_int_t)window);
    if (c->attn_cap > 0)
        json_object_set_new(obj, "attention_soft_cap", json_real(c->attn_cap));
    if (c->logit_cap > 0)
        json_object_set_new(obj, "logit_soft_cap", json_real(c->logit_cap));
    if (sliding > 0 && sliding < c->layers)
        json_object_set_new(obj, "sliding_layers", json_integer(sliding));
    return obj;
}

static json_t *
describe_tokenizer(const struct model *m)
{
    const struct tokenizer *t = m->tokenizer;
    const trv_err *fault = m->chat ? chat_template_fault(m->chat) : NULL;

    if (!t)
        return json_null();
    return json_pack("{s:s,s:I,s:i,s:i,s:b,s:s*}", "kind", tokenizer_kind(t),
                     "tokens", (json_int_t)tokenizer_size(t), "bos",
                     tokenizer_bos(t), "eos", tokenizer_eos(t), "chat_template",
                     m->chat != NULL, "chat_template_fault",
                     fault ? fault->msg : NULL);
}

static int
inspect_vocabulary(json_t **out, const struct model *m, trv_err *err)
{
    *out = json_pack("{s:s,s:s,s:s,s:o}", "what", "vocabulary", "path", m->path,
                     "name", m->name, "tokenizer", describe_tokenizer(m));
    return *out ? 0 : err_nomem(err, "to inspect");
}

/* "warnings", where there are any: the notes, each a string. */
static int
add_notes(json_t *out, const trv_model *m)
{
    const char *s = trv_model_notes(m);
    json_t *list = *s ? json_array() : NULL;

    if (!*s)
        return 0;
    for (size_t n; *s; s += n + 1) {
        n = strcspn(s, "\n");
        (void)json_array_append_new(list, json_stringn(s, n));
    }
    return json_object_set_new(out, "warnings", list);
}

static int
inspect_model(json_t **out, const char *path, const trv_model_options *opts,
              trv_err *err)
{
    const struct model_identity *id;
    const struct session *s;
    trv_model *m;
    int rc = trv_model_open(&m, path, opts, err);

    if (rc)
        return rc;
    s = m->s;
    if (s->model->vocabulary) {
        rc = inspect_vocabulary(out, s->model, err);
        trv_model_free(m);
        return rc;
    }
    rc = session_identity(m->s, &id, err);
    if (!rc) {
        *out = json_pack(
            "{s:s,s:s,s:s,s:s,s:I,s:o,s:o,s:o,s:{s:s,s:s,s:s},"
            "s:{s:s,s:s,s:s,s:i,s:s?}}",
            "what", "model", "path", s->model->path, "name", s->model->name,
            "family", family_name(s->model->cfg.family), "parameters",
            (json_int_t)model_params(s->model), "stored",
            describe_types(s->model), "config", describe_config(&s->model->cfg),
            "tokenizer", describe_tokenizer(s->model), "sha256", "weights",
            id->weights, "tokenizer", id->tokenizer, "chat_template", id->chat,
            "runs_on", "backend", s->be->ops->name, "instructions", s->be->isa,
            "precision", s->be->prec == PREC_BF16 ? "bf16" : "f32", "threads",
            s->be->threads, "note", s->be->note);
        if (!*out || add_notes(*out, m))
            rc = err_nomem(err, "to inspect");
    }
    trv_model_free(m);
    return rc;
}

/* A model that this program wrote is shown as one, its manifest behind. */
static int
describe_as_model(json_t **out, const char *given,
                  const trv_model_options *opts, trv_err *err)
{
    json_t *const manifest = *out;
    int rc;

    *out = NULL;
    rc = inspect_model(out, given, opts, err);
    if (!rc && json_object_update_missing(*out, manifest)) {
        json_decref(*out);
        *out = NULL;
        rc = err_nomem(err, "to inspect");
    }
    json_decref(manifest);
    return rc;
}

static int
inspect_artefact(json_t **out, const char *given, const char *path,
                 const trv_model_options *opts, trv_err *err)
{
    struct artefact a = {0};
    trv_err broken = {0};
    bool is_model;
    int rc = artefact_read(&a, path, err);

    if (rc)
        return rc;
    rc = artefact_check_files(&a, path, &broken);
    *out = json_pack("{s:s,s:s,s:s,s:s,s:b,s:s?,s:I,s:O}", "what", "artefact",
                     "path", path, "form", form_name(a.form), "kind",
                     kind_name(a.kind), "whole", rc == 0, "broken",
                     rc ? broken.msg : NULL, "bytes",
                     (json_int_t)artefact_bytes(&a), "manifest", a.root);
    is_model = !rc && a.kind == KIND_FULL;
    artefact_release(&a);
    if (!*out)
        return err_nomem(err, "to inspect");
    return is_model ? describe_as_model(out, given, opts, err) : 0;
}

/* A folder of another program's, or a payload without its manifest. */
static int
inspect_bare(json_t **out, const char *path, enum kind kind, const char *name,
             trv_err *err)
{
    char *file = path_join(path, name);
    json_t *config = NULL;
    int rc =
        file ? json_open(&config, file, err) : err_nomem(err, "to inspect");

    if (!rc) {
        *out = json_pack("{s:s,s:s,s:s,s:s,s:o}", "what", "artefact", "path",
                         path, "form", form_name(kind_form(kind)), "kind",
                         kind_name(kind), "config", config);
        if (!*out)
            rc = err_nomem(err, "to inspect");
    }
    mem_free(file);
    return rc;
}

static int
inspect_peft(json_t **out, const char *path, trv_err *err)
{
    enum kind kind;
    const int rc = kind_row(KIND_LORA)->find(&kind, path, err);

    return rc ? rc : inspect_bare(out, path, kind, PEFT_CONFIG, err);
}

static int
inspect_gguf_lora(json_t **out, const char *path, trv_err *err)
{
    json_t *config;
    int rc = gguf_lora_describe(&config, path, err);

    if (rc)
        return rc;
    *out = json_pack("{s:s,s:s,s:s,s:s,s:o}", "what", "artefact", "path", path,
                     "form", form_name(FORM_PARAMS), "kind",
                     kind_name(KIND_LORA), "config", config);
    return *out ? 0 : err_nomem(err, "to inspect");
}

/* What is no artefact and no adapter's folder. */
static int
inspect_model_or_head(json_t **out, const char *given, const char *path,
                      const trv_model_options *opts, trv_err *err)
{
    bool is_lora, is_scorer = false;
    int rc = gguf_lora_find(&is_lora, path, err);

    if (!rc && !is_lora)
        rc = scorer_find(&is_scorer, path, err);
    if (rc)
        return rc;
    return is_lora     ? inspect_gguf_lora(out, path, err)
           : is_scorer ? inspect_bare(out, path, KIND_HEAD, "config.json", err)
                       : inspect_model(out, given, opts, err);
}

/* `given` lies at `path`: the same, or a name of the Hub. */
static int
inspect_at(json_t **out, const char *given, const char *path,
           const trv_model_options *opts, trv_err *err)
{
    if (artefact_is(path))
        return inspect_artefact(out, given, path, opts, err);
    if (peft_is(path))
        return inspect_peft(out, path, err);
    if (bottleneck_file_is(path))
        return inspect_bare(out, path, KIND_ADAPTER, BOTTLENECK_CONFIG, err);
    return inspect_model_or_head(out, given, path, opts, err);
}

int
trv_inspect(char **json, const char *path, const trv_model_options *opts,
            trv_err *err)
{
    struct hub_place place;
    json_t *root = NULL;
    char *text;
    int rc = hub_find(&place, path, HUB_CONFIG, err);

    *json = NULL;
    if (!rc)
        rc = inspect_at(&root, path, place.path, opts, err);
    hub_release(&place);
    if (rc)
        return rc;
    text = json_dumps(root, JSON_INDENT(2));
    json_decref(root);
    *json = text ? mem_strdup(text) : NULL;
    free(text);
    return *json ? 0 : err_nomem(err, "to inspect");
}
