/* model_hf.c -- a model as a folder of Hugging Face: its config, its weights,
 * what its other files say, and where they contradict each other.
 */
#include <dirent.h>
#include <inttypes.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "model/files/checkpoint.h"
#include "model/files/model_inside.h"

static int
open_tokenizer_hf(struct model *m, trv_err *err)
{
    static const char *const files[] = {"tokenizer.json", "vocab.json",
                                        "tokenizer.model"};

    for (size_t i = 0; i < 3; i++) {
        char *p = path_join(m->path, files[i]);
        bool there;

        if (!p)
            return err_nomem(err, "to open '%s'", m->path);
        there = file_exists(p);
        mem_free(p);
        if (there)
            return tokenizer_open_hf(&m->tokenizer, &m->notes, m->path, err);
    }
    return 0;
}

/* config.json may end a text with an id that generation_config.json does not
 * name. transformers then generates beyond it; here every id ends a text. */
static int
note_eos(struct model *m, const json_t *config, const json_t *generation,
         trv_err *err)
{
    const json_t *id =
        json_is_array(config) ? json_array_get(config, 0) : config;
    bool named = !json_is_integer(id) ||
                 !(json_is_integer(generation) || json_is_array(generation)) ||
                 json_equal(id, generation);
    const json_t *v;
    size_t i;

    json_array_foreach(generation, i, v) named = named || json_equal(id, v);
    if (!named &&
        sb_printf(&m->notes,
                  "'%s': config.json ends a text with the token %" PRId64
                  ", which generation_config.json does not name; those of "
                  "both files end it\n",
                  m->path, (int64_t)json_integer_value(id)))
        return err_nomem(err, "to open '%s'", m->path);
    return 0;
}

/* Defaults of sampling, and the ids that end a text, which instruction-tuned
 * models often say only here. */
static int
read_generation_config(struct model *m, const json_t *config, trv_err *err)
{
    char *path = path_join(m->path, "generation_config.json");
    json_t *doc = NULL;
    const json_t *v, *eos;
    size_t i;
    int rc = 0;

    if (!path)
        return err_nomem(err, "to open '%s'", m->path);
    if (!file_exists(path))
        goto done;
    rc = json_open(&doc, path, err);
    if (!rc)
        rc = json_num(&m->temperature, doc, "temperature", 0.0, 1e6, path, err);
    if (!rc)
        rc = json_num(&m->top_p, doc, "top_p", 0.0, 1.0, path, err);
    if (!rc)
        rc = json_int(&m->top_k, doc, "top_k", 0, INT32_MAX, path, err);
    if (!rc)
        rc = json_num(&m->repetition_penalty, doc, "repetition_penalty", 1e-6,
                      1e6, path, err);
    if (rc)
        goto done;
    eos = json_object_get(doc, "eos_token_id");
    rc = note_eos(m, json_object_get(config, "eos_token_id"), eos, err);
    if (rc)
        goto done;
    if (json_is_integer(eos))
        rc = config_add_eos(&m->cfg, json_integer_value(eos), path, err);
    json_array_foreach(eos, i, v)
    {
        if (!rc)
            rc = json_is_integer(v)
                     ? config_add_eos(&m->cfg, json_integer_value(v), path, err)
                     : err_fail(err, TRV_EFORMAT,
                                "field 'eos_token_id' of '%s' holds something "
                                "other than ids",
                                path);
    }
done:
    json_decref(doc);
    mem_free(path);
    return rc;
}

/* The sentence for a PEFT folder: what it is, and of which base. */
static int
is_adapter(const char *dir, const char *config, trv_err *err)
{
    const char *kind = "LORA", *base = NULL;
    json_t *doc = NULL;
    int rc = json_open(&doc, config, err);

    if (!rc)
        rc = json_str(&kind, doc, "peft_type", config, err);
    if (!rc)
        rc = json_str(&base, doc, "base_model_name_or_path", config, err);
    if (!rc)
        rc = err_fail(err, TRV_EFORMAT,
                      "'%s' is a PEFT adapter (%.40s) and no model: open its "
                      "base%s%.200s%s, and name the folder as the adaptation",
                      dir, kind, base ? ", '" : "", base ? base : "",
                      base ? "'" : "");
    json_decref(doc);
    return rc;
}

/* The first GGUF file in a folder, by name; NULL where there is none. */
static char *
gguf_in(const char *dir)
{
    DIR *d = opendir(dir);
    char *found = NULL;

    for (const struct dirent *e; d && (e = readdir(d));) {
        const size_t n = strlen(e->d_name);
        char *path = n > 5 && !strcmp(e->d_name + n - 5, ".gguf")
                         ? path_join(dir, e->d_name)
                         : NULL;

        if (path && (!found || strcmp(path, found) < 0)) {
            mem_free(found);
            found = path;
        } else {
            mem_free(path);
        }
    }
    if (d)
        closedir(d);
    return found;
}

/* What a folder without a config.json is instead, where that can be seen. */
static int
print_no_model(const char *dir, trv_err *err)
{
    char *peft = path_join(dir, "adapter_config.json");
    char *manifest = path_join(dir, "trivium.json");
    char *gguf = gguf_in(dir);
    int rc;

    if (!peft || !manifest)
        rc = err_nomem(err, "to open '%s'", dir);
    else if (file_exists(manifest))
        rc = err_fail(err, TRV_EFORMAT,
                      "'%s' holds an adaptation and no model: it has no "
                      "config.json",
                      dir);
    else if (file_exists(peft))
        rc = is_adapter(dir, peft, err);
    else if (gguf)
        rc = err_fail(err, TRV_EIO,
                      "'%s' has no config.json; to open the GGUF file in it, "
                      "give the file: '%s'",
                      dir, gguf);
    else
        rc = err_fail(err, TRV_EIO,
                      "'%s' holds no model: it has no config.json", dir);
    mem_free(peft);
    mem_free(manifest);
    mem_free(gguf);
    return rc;
}

static int
check_score(const struct model *m, trv_err *err)
{
    if (!m->cfg.labels || !checkpoint_find(m->ckpt, "score.bias"))
        return 0;
    return err_fail(err, TRV_EUNSUPPORTED,
                    "'%s': a score with a bias is not supported", m->path);
}

/* What the weights' files say against each other and the config, and what
 * else lies in the folder that is not applied. */
static int
note_beside(struct model *m, trv_err *err)
{
    char *adapter = path_join(m->path, "adapter_config.json");
    int rc = adapter ? 0 : err_nomem(err, "to open '%s'", m->path);

    if (!rc && sb_puts(&m->notes, checkpoint_notes(m->ckpt)))
        rc = err_nomem(err, "to open '%s'", m->path);
    if (!rc && file_exists(adapter) &&
        sb_printf(&m->notes,
                  "'%s' is an adapter beside the model; it is not applied "
                  "unless it is named, as lora:%s\n",
                  adapter, m->path))
        rc = err_nomem(err, "to open '%s'", m->path);
    mem_free(adapter);
    return rc ? rc : model_check_unused(m, err);
}

int
model_open_hf(struct model *m, bool scorer, trv_err *err)
{
    char *path = path_join(m->path, "config.json");
    const char *name = NULL;
    json_t *doc = NULL;
    int rc;

    if (!path)
        return err_nomem(err, "to open '%s'", m->path);
    rc = file_exists(path) ? json_open(&doc, path, err)
                           : print_no_model(m->path, err);
    if (!rc)
        rc = config_from_json(&m->cfg, doc, path, err);
    if (!rc)
        rc = model_check_kind(m, scorer, err);
    if (!rc)
        rc = json_str(&name, doc, "_name_or_path", path, err);
    if (!rc)
        rc = model_set_name(m, name, err);
    if (!rc)
        rc = checkpoint_open(&m->ckpt, m->path, err);
    if (!rc)
        rc = model_bind(m, err);
    if (!rc)
        rc = note_beside(m, err);
    if (!rc)
        rc = check_score(m, err);
    if (!rc)
        rc = read_generation_config(m, doc, err);
    if (!rc)
        rc = open_tokenizer_hf(m, err);
    json_decref(doc);
    mem_free(path);
    return rc;
}
