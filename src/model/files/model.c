/* model.c -- open a model on disk and say what it is.
 *
 * Owns the checkpoint's mapping, the table of a model's tensors, its tokenizer
 * and its chat template (model_chat.c). Computes nothing: that is the
 * decoder's.
 */
#include "model/files/model.h"

#include <dirent.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "model/files/checkpoint.h"
#include "model/files/family.h"
#include "model/files/gguf_model.h"
#include "model/files/layout.h"
#include "text/utf8.h"

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
        checkpoint_unpermute(m->ckpt, *at, it->rotary_heads, false);
    if (m->gguf && m->cfg.qkv_by_head && it->slot == SLOT_PART &&
        it->part == PART_QKV)
        checkpoint_unpermute(m->ckpt, *at, (int32_t)m->cfg.heads, true);
    if (!m->gguf && m->cfg.norm_less_one && layout_is_norm(it))
        checkpoint_plus(m->ckpt, *at, 1.0f);
    return 0;
}

static int
count_items(const struct layout_item *it, trv_err *err, void *payload)
{
    int64_t *n = payload;

    (void)it;
    (void)err;
    (*n)++;
    return 0;
}

/* Is it the item's tensor? Then the walk ends. */
static int
is_named(const struct layout_item *it, trv_err *err, void *payload)
{
    (void)err;
    return strcmp(it->gguf_name, payload) == 0;
}

/* A tensor that changes what the model computes, but that the architecture
 * does not have, is no model that we know: llama.cpp refuses it, too. */
static int
check_surplus(const struct model *m, trv_err *err)
{
    int64_t n = 0;

    layout_each(&m->cfg, count_items, NULL, &n);
    for (int64_t i = 0; i < checkpoint_count(m->ckpt); i++)
        n -= strncmp(checkpoint_at(m->ckpt, i)->name, "rope_", 5) != 0;
    for (int64_t i = 0; n != 0 && i < checkpoint_count(m->ckpt); i++) {
        const struct tensor *t = checkpoint_at(m->ckpt, i);

        if (strncmp(t->name, "rope_", 5) != 0 &&
            !layout_each(&m->cfg, is_named, NULL, (char *)(uintptr_t)t->name))
            return err_fail(err, TRV_EUNSUPPORTED,
                            "'%s': tensor '%s' is none of the architecture "
                            "'%s' as it is supported",
                            m->path, t->name, family_name(m->cfg.family));
    }
    return 0;
}

/* Values, whatever types they are stored in. Stops at the first row that
 * differs. */
static int
equal_tensors(bool *out, const struct tensor *a, const struct tensor *b,
              trv_err *err)
{
    const int64_t rows = a->dim[0], cols = a->dim[1];
    float *x;

    *out = a->n_dims == 2 && b->n_dims == 2 && b->dim[0] == rows &&
           b->dim[1] == cols && a->type != DT_COUNT && b->type != DT_COUNT;
    if (*out && a->type == b->type)
        *out = !memcmp(a->data, b->data, a->bytes);
    if (!*out || a->type == b->type)
        return 0;
    x = mem_array((size_t)cols, 2 * sizeof(*x));
    if (!x)
        return err_nomem(err, "to compare '%s' and '%s'", a->name, b->name);
    for (int64_t i = 0; i < rows && *out; i++) {
        tensor_rows_f32(x, a, i, 1);
        tensor_rows_f32(x + cols, b, i, 1);
        *out = !memcmp(x, x + cols, (size_t)cols * sizeof(*x));
    }
    mem_free(x);
    return 0;
}

/* A head of its own beside tie_word_embeddings: as in transformers, it is the
 * head where its values differ from the embedding's. */
static int
untie_own_head(struct model *m, trv_err *err)
{
    const char *const *slots = m->cfg.family->names->slots;
    const struct tensor *head, *embed;
    char name[96];
    bool equal;
    int rc;

    if (!m->cfg.tied || m->cfg.labels)
        return 0;
    snprintf(name, sizeof(name), "%s.weight", slots[SLOT_HEAD]);
    head = checkpoint_find(m->ckpt, name);
    snprintf(name, sizeof(name), "%s.weight", slots[SLOT_EMBED]);
    embed = checkpoint_find(m->ckpt, name);
    if (!head || !embed)
        return 0;
    rc = equal_tensors(&equal, embed, head, err);
    if (rc || equal)
        return rc;
    m->cfg.tied = false;
    if (sb_printf(&m->notes,
                  "'%s': config.json ties the head to the embedding "
                  "(tie_word_embeddings), but '%s' differs from '%s'; it is "
                  "used as the head\n",
                  m->path, head->name, embed->name))
        return err_nomem(err, "to open '%s'", m->path);
    return 0;
}

static int
bind_tensors(struct model *m, trv_err *err)
{
    int rc;

    m->layers = mem_calloc((size_t)m->cfg.layers, sizeof(*m->layers));
    if (!m->layers)
        return err_nomem(err, "to open '%s'", m->path);
    rc = m->gguf ? 0 : untie_own_head(m, err);
    if (!rc)
        rc = layout_each(&m->cfg, bind_tensor, err, m);
    if (!rc && m->cfg.tied && !m->cfg.labels)
        m->head = m->embed;
    return rc || !m->gguf ? rc : check_surplus(m, err);
}

/* The tensors that the model uses. */
struct used {
    struct model *m;
    const struct tensor **v; // [n]; NULL: they are counted
    size_t n;
};

static int
take_used(const struct layout_item *it, trv_err *err, void *payload)
{
    struct used *u = payload;

    (void)err;
    if (u->v)
        u->v[u->n] = *place(u->m, it);
    u->n++;
    return 0;
}

static int
by_address(const void *a, const void *b)
{
    const uintptr_t x = (uintptr_t) * (const struct tensor *const *)a;
    const uintptr_t y = (uintptr_t) * (const struct tensor *const *)b;

    return x < y ? -1 : x > y;
}

/* Buffers that old files carry and every model computes itself, and the head
 * of a tied one. */
static bool
is_needless(const struct model *m, const char *name)
{
    static const char *const ends[] = {".inv_freq", ".attn.bias",
                                       ".attn.masked_bias", ".attention.bias",
                                       ".attention.masked_bias"};
    const char *head = m->cfg.family->names->slots[SLOT_HEAD];
    const size_t n = strlen(name);

    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        const size_t k = strlen(ends[i]);

        if (n >= k && !strcmp(name + n - k, ends[i]))
            return true;
    }
    return m->cfg.tied && !strncmp(name, head, strlen(head));
}

/* Say what the files hold that the config asks nothing of: more layers than it
 * counts, a bias that it denies, the parts of another architecture. */
static int
note_unused(struct model *m, trv_err *err)
{
    const int64_t n = checkpoint_count(m->ckpt);
    struct used u = {.m = m};
    const char *first = NULL;
    int64_t unused = 0;
    int rc = 0;

    (void)layout_each(&m->cfg, take_used, NULL, &u);
    u.v = mem_array(u.n, sizeof(struct tensor *));
    if (!u.v)
        return err_nomem(err, "to open '%s'", m->path);
    u.n = 0;
    (void)layout_each(&m->cfg, take_used, NULL, &u);
    qsort(u.v, u.n, sizeof(struct tensor *), by_address);
    for (int64_t i = 0; i < n; i++) {
        const struct tensor *t = checkpoint_at(m->ckpt, i);

        if (bsearch(&t, u.v, u.n, sizeof(struct tensor *), by_address) ||
            is_needless(m, t->name))
            continue;
        first = first ? first : t->name;
        unused++;
    }
    if (unused > 0 &&
        sb_printf(
            &m->notes,
            "'%s' holds tensors that its config.json asks nothing of (%" PRId64
            ", such as '%.200s'); they are not used\n",
            m->path, unused, first))
        rc = err_nomem(err, "to open '%s'", m->path);
    mem_free(u.v);
    return rc;
}

/* A tokenizer may know more tokens than the embedding has rows: those cannot
 * be used, and a text that needs one is refused. */
static int
check_vocabulary(struct model *m, trv_err *err)
{
    const int64_t rows = m->cfg.vocab;
    const struct tokenizer *t = m->tokenizer;
    int64_t size;

    if (!t || tokenizer_size(t) <= rows)
        return 0;
    size = tokenizer_size(t);
    if (tokenizer_bos(t) >= rows || tokenizer_eos(t) >= rows)
        return err_fail(err, TRV_EFORMAT,
                        "'%s': the tokenizer has %" PRId64
                        " tokens, but the embedding only %" PRId64
                        " rows, and none for the token that %s a text",
                        m->path, size, rows,
                        tokenizer_bos(t) >= rows ? "begins" : "ends");
    tokenizer_cut(m->tokenizer, rows);
    if (sb_printf(&m->notes,
                  "'%s': the tokenizer has %" PRId64
                  " tokens, but the embedding only %" PRId64
                  " rows; a text that needs one without a row is refused\n",
                  m->path, size, rows))
        return err_nomem(err, "to open '%s'", m->path);
    return 0;
}

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
    return rc ? rc : note_unused(m, err);
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

/* A file of a vocabulary alone says little of the model that it is from. */
static int
open_vocabulary(struct model *m, trv_err *err)
{
    const struct gguf_file *f = checkpoint_gguf(m->ckpt);
    const struct gguf_kv *tokens = gguf_find(f, "tokenizer.ggml.tokens");

    m->vocabulary = true;
    m->cfg.bos = m->cfg.eos = m->cfg.pad = -1;
    if (!tokens)
        return err_fail(err, TRV_EFORMAT,
                        "'%s' holds neither tensors nor a vocabulary", m->path);
    m->cfg.vocab = (int64_t)tokens->n;
    return 0;
}

static int
open_words(struct model *m, trv_err *err)
{
    const struct gguf_file *f = checkpoint_gguf(m->ckpt);
    struct gguf_words words = {0};
    int rc = gguf_words_open(&words, f, err);

    if (!rc && words.v.n_tokens > 0)
        rc = tokenizer_open_gguf(&m->tokenizer, &words.v, err);
    gguf_words_release(&words);
    return rc;
}

static int
open_gguf(struct model *m, trv_err *err)
{
    const struct gguf_file *f = checkpoint_gguf(m->ckpt);
    struct gguf_str name = {"", 0};
    char *text;
    int rc;

    m->gguf = true;
    rc = f->n > 0 ? gguf_config(&m->cfg, f, err) : open_vocabulary(m, err);
    if (!rc)
        rc = gguf_string(&name, f, "general.name", err);
    if (rc)
        return rc;
    text = mem_strndup(name.s, name.n);
    rc =
        text ? set_name(m, text, err) : err_nomem(err, "to open '%s'", m->path);
    mem_free(text);
    if (!rc && !m->vocabulary)
        rc = bind_tensors(m, err);
    return rc ? rc : open_words(m, err);
}

/* What of the rotary positions is not as the config would have it. */
static int
note_rotary(struct model *m, trv_err *err)
{
    const struct model_config *c = &m->cfg;
    int rc = 0;

    if (c->context_said)
        rc = sb_printf(&m->notes,
                       "'%s': its context ends at %" PRId64 " of %" PRId64
                       " tokens, where other rotary factors (long_factor) "
                       "would hold for a whole text\n",
                       m->path, c->context, c->context_said);
    else if (c->n_ropes > 0 && c->ropes[0].scaling == ROPE_DYNAMIC)
        rc = sb_printf(&m->notes,
                       "'%s': its dynamic rotary scaling is of texts longer "
                       "than the context of %" PRId64
                       " tokens, and none is taken\n",
                       m->path, c->context);
    return rc ? err_nomem(err, "to open '%s'", m->path) : 0;
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
    if (!rc)
        rc = note_rotary(m, err);
    if (!rc)
        rc = model_open_chat(m, NULL, err);
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
    sb_release(&m->notes);
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

int
model_need_weights(const struct model *m, trv_err *err)
{
    if (!m->vocabulary)
        return 0;
    return err_fail(err, TRV_EUNSUPPORTED,
                    "'%s' holds a vocabulary and no weights: it can only "
                    "tokenize and be inspected",
                    m->path);
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
    if (m->has_turn_end && id == m->turn_end)
        return true;
    return m->tokenizer && id == tokenizer_eos(m->tokenizer);
}

struct text_rules
model_text_rules(const struct model *m)
{
    return (struct text_rules){.tokenizer = m->tokenizer,
                               .chat = m->chat,
                               .turn_end =
                                   m->has_turn_end ? &m->turn_end : NULL};
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
    rc = model_need_weights(m, err);
    if (!rc)
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
