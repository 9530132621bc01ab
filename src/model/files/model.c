/* model.c -- open a model on disk and say what it is.
 *
 * Owns the checkpoint's mapping, the table of a model's tensors, its tokenizer
 * and its chat template. Computes nothing: that is the decoder's.
 */
#include "model/files/model.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "model/files/checkpoint.h"
#include "model/files/family.h"
#include "model/files/gguf_model.h"
#include "model/files/layout.h"
#include "text/utf8.h"

#define TEMPLATE_MAX ((size_t)1 << 22) // bytes of a chat template's file

/* Where the model keeps what a layout item names. */
static const struct tensor **
place(struct model *m, const struct layout_item *it)
{
    struct layer_tensors *l = it->layer >= 0 ? &m->layers[it->layer] : NULL;

    switch (it->slot) {
    case SLOT_EMBED:
        return &m->embed;
    case SLOT_POS:
        return &m->pos_embed;
    case SLOT_NORM1:
        return it->bias ? &l->norm1_b : &l->norm1_w;
    case SLOT_OUT1:
        return it->bias ? &l->out1_b : &l->out1_w;
    case SLOT_NORM2:
        return it->bias ? &l->norm2_b : &l->norm2_w;
    case SLOT_OUT2:
        return it->bias ? &l->out2_b : &l->out2_w;
    case SLOT_Q_NORM:
        return &l->q_norm;
    case SLOT_K_NORM:
        return &l->k_norm;
    case SLOT_PART:
        return it->bias ? &l->b[it->part] : &l->w[it->part];
    case SLOT_NORM:
        return it->bias ? &m->norm_b : &m->norm_w;
    case SLOT_HEAD:
        return &m->head;
    case SLOT_SCORE:
        return &m->score;
    case SLOT_COUNT:
    default:
        TRV_ASSERT(false && "a slot");
    }
    return NULL;
}

static int
bind_tensor(const struct layout_item *it, trv_err *err, void *payload)
{
    struct model *m = payload;
    const struct tensor **at = place(m, it);
    struct layout_item head;
    int rc;

    /* Writers store tied weights once, some of them under the head's name. */
    if (it->slot == SLOT_EMBED && m->cfg.tied && !m->cfg.labels && !m->gguf &&
        !checkpoint_find(m->ckpt, it->name)) {
        head = *it;
        snprintf(head.name, sizeof(head.name), "lm_head.weight");
        if (checkpoint_find(m->ckpt, head.name))
            it = &head;
    }
    rc = checkpoint_need(at, m->ckpt, it, err);
    if (rc)
        return rc;
    if (dtype_block_values((*at)->type) > 1 && it->n_dims == 1)
        return err_fail(err, TRV_EUNSUPPORTED,
                        "'%s': the vector '%s' is quantised, which is not "
                        "supported",
                        m->path, (*at)->name);
    if (m->gguf && m->cfg.family->gguf_interleaved && it->rotary_heads)
        checkpoint_unpermute(m->ckpt, *at, it->rotary_heads);
    return 0;
}

static int
bind_tensors(struct model *m, trv_err *err)
{
    int rc;

    m->layers = mem_calloc((size_t)m->cfg.layers, sizeof(*m->layers));
    if (!m->layers)
        return err_nomem(err, "to open '%s'", m->path);
    rc = layout_each(&m->cfg, bind_tensor, err, m);
    if (!rc && m->cfg.tied && !m->cfg.labels)
        m->head = m->embed;
    return rc;
}

static int
set_chat(struct model *m, const char *name, char *source, trv_err *err)
{
    m->chat_source = source;
    return chat_template_parse(&m->chat, name, source, strlen(source), err);
}

/* Of a list of {"name":, "template":}, the one named "default". */
static const char *
template_of(const json_t *v)
{
    const json_t *e;
    size_t i;

    if (!json_is_array(v))
        return json_string_value(v);
    json_array_foreach(v, i, e)
    {
        const char *name = json_string_value(json_object_get(e, "name"));

        if (name && strcmp(name, "default") == 0)
            return json_string_value(json_object_get(e, "template"));
    }
    return NULL;
}

/* chat_template.jinja, or else chat_template in tokenizer_config.json. */
static int
open_chat_hf(struct model *m, trv_err *err)
{
    char *jinja = path_join(m->path, "chat_template.jinja");
    char *config = path_join(m->path, "tokenizer_config.json");
    struct strbuf text = {0};
    json_t *doc = NULL;
    const char *source;
    char *copy;
    int rc = 0;

    if (!jinja || !config) {
        rc = err_nomem(err, "to open '%s'", m->path);
    } else if (file_exists(jinja)) {
        rc = file_read(&text, jinja, TEMPLATE_MAX, err);
        if (rc)
            goto done;
        copy = sb_take(&text);
        rc = copy ? set_chat(m, jinja, copy, err)
                  : err_nomem(err, "to open '%s'", jinja);
    } else if (file_exists(config)) {
        rc = json_open(&doc, config, err);
        if (rc)
            goto done;
        source = template_of(json_object_get(doc, "chat_template"));
        if (!source)
            goto done;
        copy = mem_strdup(source);
        rc = copy ? set_chat(m, config, copy, err)
                  : err_nomem(err, "to open '%s'", config);
    }
done:
    json_decref(doc);
    sb_release(&text);
    mem_free(jinja);
    mem_free(config);
    return rc;
}

/* Every id that the tokenizer can give must have a row of the embedding. */
static int
check_vocabulary(const struct model *m, trv_err *err)
{
    if (m->tokenizer && tokenizer_size(m->tokenizer) > m->cfg.vocab)
        return err_fail(err, TRV_EFORMAT,
                        "'%s': the tokenizer has %" PRId64
                        " tokens, but the embedding only %" PRId64 " rows",
                        m->path, tokenizer_size(m->tokenizer), m->cfg.vocab);
    return 0;
}

static int
open_tokenizer_hf(struct model *m, trv_err *err)
{
    static const char *const files[] = {"tokenizer.json", "vocab.json"};

    for (size_t i = 0; i < 2; i++) {
        char *p = path_join(m->path, files[i]);
        bool there;

        if (!p)
            return err_nomem(err, "to open '%s'", m->path);
        there = file_exists(p);
        mem_free(p);
        if (there)
            return tokenizer_open_hf(&m->tokenizer, m->path, err);
    }
    return 0;
}

/* Defaults of sampling, and the ids that end a text, which instruction-tuned
 * models often say only here. */
static int
read_generation_config(struct model *m, trv_err *err)
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

/* "_name_or_path" where it says something, or else the last part of the path;
 * as UTF-8, for JSON will hold it. */
static int
set_name(struct model *m, const char *said, trv_err *err)
{
    const bool is_said = said && *said;
    const char *from = is_said ? said : m->path;
    size_t end = strlen(from), start = 0, used;
    struct strbuf whole = {0};

    if (!is_said) {
        while (end > 1 && from[end - 1] == '/')
            end--;
        for (start = end; start > 0 && from[start - 1] != '/';)
            start--;
    }
    if (utf8_is_valid(from + start, end - start))
        m->name = mem_strndup(from + start, end - start);
    else if (!utf8_repair(&whole, &used, from + start, end - start, false))
        m->name = sb_take(&whole);
    sb_release(&whole);
    return m->name ? 0 : err_nomem(err, "to open '%s'", m->path);
}

/* What a folder without a config.json is instead, where that can be seen. */
static int
print_no_model(const char *dir, trv_err *err)
{
    char *peft = path_join(dir, "adapter_config.json");
    char *manifest = path_join(dir, "trivium.json");
    const bool is_adapter =
        peft && manifest && (file_exists(peft) || file_exists(manifest));

    mem_free(peft);
    mem_free(manifest);
    if (is_adapter)
        return err_fail(err, TRV_EFORMAT,
                        "'%s' holds an adaptation and no model: it has no "
                        "config.json",
                        dir);
    return err_fail(err, TRV_EIO, "'%s' holds no model: it has no config.json",
                    dir);
}

/* Is it the kind of model that was asked for? */
static int
check_kind(const struct model *m, bool scorer, trv_err *err)
{
    const int64_t labels = m->cfg.labels;

    if (scorer && labels == 0)
        return err_fail(err, TRV_EUNSUPPORTED,
                        "'%s' is no reward model: its config.json names no "
                        "%s among its architectures",
                        m->path, family_scorer(m->cfg.family));
    if (scorer && labels != 1)
        return err_fail(err, TRV_EUNSUPPORTED,
                        "'%s' classifies into %" PRId64
                        " labels; a reward model has one",
                        m->path, labels);
    if (!scorer && labels != 0)
        return err_fail(err, TRV_EUNSUPPORTED,
                        "'%s' is a %s: it classifies and writes no text; with "
                        "one label it is a reward, head:%s",
                        m->path, family_scorer(m->cfg.family), m->path);
    return 0;
}

static int
check_score(const struct model *m, trv_err *err)
{
    if (!m->cfg.labels || !checkpoint_find(m->ckpt, "score.bias"))
        return 0;
    return err_fail(err, TRV_EUNSUPPORTED,
                    "'%s': a score with a bias is not supported", m->path);
}

static int
open_hf(struct model *m, bool scorer, trv_err *err)
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
        rc = check_kind(m, scorer, err);
    if (!rc)
        rc = json_str(&name, doc, "_name_or_path", path, err);
    if (!rc)
        rc = set_name(m, name, err);
    if (!rc)
        rc = checkpoint_open(&m->ckpt, m->path, err);
    if (!rc)
        rc = bind_tensors(m, err);
    if (!rc)
        rc = check_score(m, err);
    if (!rc)
        rc = read_generation_config(m, err);
    if (!rc)
        rc = open_tokenizer_hf(m, err);
    if (!rc)
        rc = open_chat_hf(m, err);
    json_decref(doc);
    mem_free(path);
    return rc;
}

static int
open_gguf(struct model *m, trv_err *err)
{
    const struct gguf_file *f = checkpoint_gguf(m->ckpt);
    struct gguf_str name = {"", 0}, chat = {NULL, 0};
    struct gguf_words words = {0};
    char *text;
    int rc;

    m->gguf = true;
    rc = gguf_config(&m->cfg, f, err);
    if (!rc)
        rc = gguf_string(&name, f, "general.name", err);
    if (rc)
        return rc;
    text = mem_strndup(name.s, name.n);
    rc =
        text ? set_name(m, text, err) : err_nomem(err, "to open '%s'", m->path);
    mem_free(text);
    if (!rc)
        rc = bind_tensors(m, err);
    if (!rc)
        rc = gguf_words_open(&words, f, err);
    if (!rc && words.v.n_tokens > 0)
        rc = tokenizer_open_gguf(&m->tokenizer, &words.v, err);
    gguf_words_release(&words);
    if (!rc)
        rc = gguf_string(&chat, f, "tokenizer.chat_template", err);
    if (!rc && chat.s) {
        text = mem_strndup(chat.s, chat.n);
        rc = text ? set_chat(m, m->path, text, err)
                  : err_nomem(err, "to open '%s'", m->path);
    }
    return rc;
}

static int
open_kind(struct model **out, const char *path, bool scorer, trv_err *err)
{
    struct model *m;
    int rc;

    *out = NULL;
    m = mem_calloc(1, sizeof(*m));
    if (!m)
        return err_nomem(err, "to open '%s'", path);
    m->temperature = m->top_p = m->repetition_penalty = (double)NAN;
    m->top_k = -1;
    m->path = mem_strdup(path);
    if (!m->path) {
        rc = err_nomem(err, "to open '%s'", path);
    } else if (file_is_dir(path)) {
        rc = open_hf(m, scorer, err);
    } else {
        rc = checkpoint_open(&m->ckpt, path, err);
        if (!rc && !checkpoint_gguf(m->ckpt))
            rc = err_fail(err, TRV_EINVAL,
                          "'%s' is neither a folder nor a GGUF file", path);
        if (!rc)
            rc = open_gguf(m, err);
        if (!rc)
            rc = check_kind(m, scorer, err);
    }
    if (!rc)
        rc = check_vocabulary(m, err);
    if (rc)
        goto done;
    *out = m;
    m = NULL;
done:
    model_free(m);
    return rc;
}

int
model_open(struct model **out, const char *path, trv_err *err)
{
    return open_kind(out, path, false, err);
}

int
model_open_scorer(struct model **out, const char *path, trv_err *err)
{
    return open_kind(out, path, true, err);
}

/* A tensor that lies in no file of the model. */
struct own_tensor {
    struct own_tensor *next;
    struct tensor t;
    char name[sizeof(((struct layout_item *)0)->name)];
    float *values;
};

const struct tensor *
model_tensor(const struct model *m, const struct layout_item *item)
{
    return *place((struct model *)(uintptr_t)m, item); // only points
}

int
model_replace(struct model *m, const struct layout_item *item, float *values,
              trv_err *err)
{
    struct own_tensor *own = mem_calloc(1, sizeof(*own));
    const int64_t cols = item->n_dims == 2 ? item->dim[1] : 1;

    if (!own) {
        mem_free(values);
        return err_nomem(err, "to change '%s'", m->path);
    }
    memcpy(own->name, item->name, sizeof(own->name));
    own->values = values;
    own->t = (struct tensor){.name = own->name,
                             .type = DT_F32,
                             .n_dims = item->n_dims,
                             .dim = {item->dim[0], item->dim[1]},
                             .data = values};
    own->t.bytes = (size_t)(item->dim[0] * cols) * sizeof(float);
    own->next = m->own;
    m->own = own;
    *place(m, item) = &own->t;
    return 0;
}

void
model_free(struct model *m)
{
    struct own_tensor *next;

    if (!m)
        return;
    for (struct own_tensor *own = m->own; own; own = next) {
        next = own->next;
        mem_free(own->values);
        mem_free(own);
    }
    chat_template_free(m->chat);
    tokenizer_free(m->tokenizer);
    checkpoint_free(m->ckpt);
    mem_free(m->chat_source);
    mem_free(m->layers);
    mem_free(m->name);
    mem_free(m->path);
    mem_free(m);
}

static int
count_values(const struct layout_item *it, trv_err *err, void *payload)
{
    int64_t *n = payload;

    (void)err;
    *n += it->n_dims == 2 ? it->dim[0] * it->dim[1] : it->dim[0];
    return 0;
}

int64_t
model_params(const struct model *m)
{
    int64_t n = 0;
    const int rc = layout_each(&m->cfg, count_values, NULL, &n);

    TRV_ASSERT(rc == 0);
    return n;
}

bool
model_ends_text(const struct model *m, int32_t id)
{
    if (id < 0)
        return false;
    if (id == m->cfg.eos)
        return true;
    for (int i = 0; i < m->cfg.n_eos_more; i++)
        if (id == m->cfg.eos_more[i])
            return true;
    return m->tokenizer && id == tokenizer_eos(m->tokenizer);
}

struct text_rules
model_text_rules(const struct model *m)
{
    return (struct text_rules){.tokenizer = m->tokenizer, .chat = m->chat};
}

struct hashing {
    const struct model *m;
    struct hash *h;
};

static int
hash_tensor(const struct layout_item *it, trv_err *err, void *payload)
{
    const struct hashing *s = payload;
    const struct model *m = s->m;
    const struct tensor *t = model_tensor(m, it);
    struct strbuf head = {0};
    int rc;

    rc = sb_printf(&head, "%s %s [%" PRId64 ",%" PRId64 "]\n", it->name,
                   dtype_name(t->type), it->dim[0],
                   it->n_dims == 2 ? it->dim[1] : 1);
    if (rc) {
        sb_release(&head);
        return err_nomem(err, "to open '%s'", m->path);
    }
    hash_add(s->h, head.s, head.len);
    hash_add(s->h, t->data, t->bytes);
    checkpoint_forget(m->ckpt, t);
    sb_release(&head);
    return 0;
}

int
model_identify(struct model_identity *out, const struct model *m, trv_err *err)
{
    struct hashing s = {m, NULL};
    int rc;

    memset(out, 0, sizeof(*out));
    rc = hash_open(&s.h, err);
    if (rc)
        return rc;
    rc = layout_each(&m->cfg, hash_tensor, err, &s);
    hash_close(s.h, out->weights);
    if (rc) {
        out->weights[0] = '\0';
        return rc;
    }
    if (m->tokenizer)
        tokenizer_hash(m->tokenizer, out->tokenizer);
    if (m->chat_source)
        rc = hash_bytes(out->chat, m->chat_source, strlen(m->chat_source), err);
    return rc;
}
