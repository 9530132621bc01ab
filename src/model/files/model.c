/* model.c -- open a model on disk and say what it is.
 *
 * Owns the checkpoint's mapping, the table of a model's tensors
 * (model_tensors.c), its tokenizer and its chat template (model_chat.c). Folders
 * are opened in model_hf.c, GGUF files here. Computes nothing: that is the
 * decoder's.
 */
#include "model/files/model_inside.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "model/files/checkpoint.h"
#include "model/files/family.h"
#include "model/files/gguf_model.h"
#include "model/files/hub.h"
#include "model/files/layout.h"
#include "text/utf8.h"

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

/* A copy as JSON can hold it; NULL without memory. */
static char *
as_utf8(const char *s, size_t n)
{
    struct strbuf whole = {0};
    char *copy = NULL;
    size_t used;

    if (utf8_is_valid(s, n))
        return mem_strndup(s, n);
    if (!utf8_repair(&whole, &used, s, n, false))
        copy = sb_take(&whole);
    sb_release(&whole);
    return copy;
}

/* Takes the place, and says what finds it again. */
static int
set_place(struct model *m, struct hub_place *place, trv_err *err)
{
    char *whole = place->name ? NULL : realpath(place->path, NULL);
    const char *origin = place->name ? place->name
                         : whole     ? whole
                                     : place->path;

    m->origin = as_utf8(origin, strlen(origin));
    m->path = place->path;
    m->is_of_hub = place->name != NULL;
    place->path = NULL;
    hub_release(place);
    free(whole);
    return m->origin ? 0 : err_nomem(err, "to open '%s'", m->path);
}

int
model_set_name(struct model *m, const char *said, trv_err *err)
{
    const bool is_said = said && *said;
    const char *from = is_said ? said : m->is_of_hub ? m->origin : m->path;
    size_t end = strlen(from), start = 0;

    if (!is_said && !m->is_of_hub) {
        while (end > 1 && from[end - 1] == '/')
            end--;
        for (start = end; start > 0 && from[start - 1] != '/';)
            start--;
    }
    m->name = as_utf8(from + start, end - start);
    return m->name ? 0 : err_nomem(err, "to open '%s'", m->path);
}

int
model_set_origin(struct model *m, const char *name, trv_err *err)
{
    char *copy;

    if (!*name || !utf8_is_valid(name, strlen(name)))
        return err_option(err, TRV_EINVAL, "base-name",
                          "'%.100s' is no name: it is a path or ORG/NAME",
                          name);
    copy = mem_strdup(name);
    if (!copy)
        return err_nomem(err, "to open '%s'", m->path);
    mem_free(m->origin);
    m->origin = copy;
    return 0;
}

int
model_check_kind(const struct model *m, bool scorer, trv_err *err)
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

/* Files of GGUF hold other things than models, too. */
static int
check_type(const char *path, const struct gguf_file *f, trv_err *err)
{
    struct gguf_str type = {"", 0};
    int rc = gguf_string(&type, f, "general.type", err);

    if (rc || type.n == 0 || (type.n == 5 && !memcmp(type.s, "model", 5)))
        return rc;
    if (type.n == 7 && memcmp(type.s, "adapter", 7) == 0)
        return err_fail(err, TRV_EUNSUPPORTED,
                        "'%s' is an adapter and no model: open its base, and "
                        "name it as the adaptation lora:%s",
                        path, path);
    return err_fail(err, TRV_EUNSUPPORTED,
                    "'%s' holds no language model: its general.type is '%.*s'",
                    path, (int)(type.n < 40 ? type.n : 40), type.s);
}

static int
open_gguf(struct model *m, trv_err *err)
{
    const struct gguf_file *f = checkpoint_gguf(m->ckpt);
    struct gguf_str name = {"", 0};
    char *text;
    int rc = check_type(m->path, f, err);

    if (rc)
        return rc;
    m->gguf = true;
    rc = f->n > 0 ? gguf_config(&m->cfg, f, err) : open_vocabulary(m, err);
    if (!rc)
        rc = gguf_string(&name, f, "general.name", err);
    if (rc)
        return rc;
    text = mem_strndup(name.s, name.n);
    rc = text ? model_set_name(m, text, err)
              : err_nomem(err, "to open '%s'", m->path);
    mem_free(text);
    if (!rc && !m->vocabulary)
        rc = model_bind(m, err);
    if (!rc && !m->vocabulary)
        rc = model_check_unused(m, err);
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
open_at(struct model *m, bool scorer, trv_err *err)
{
    int rc;

    if (file_is_dir(m->path))
        return model_open_hf(m, scorer, err);
    if (file_is_part(m->path))
        return err_fail(err, TRV_EINVAL,
                        "'%s' is one file of a folder: name the folder",
                        m->path);
    rc = checkpoint_open(&m->ckpt, m->path, err);
    if (!rc && !checkpoint_gguf(m->ckpt))
        rc = err_fail(err, TRV_EINVAL,
                      "'%s' is neither a folder nor a GGUF file", m->path);
    if (!rc)
        rc = open_gguf(m, err);
    return rc ? rc : model_check_kind(m, scorer, err);
}

static int
open_kind(struct model **out, const char *given, bool scorer, trv_err *err)
{
    struct hub_place place;
    struct model *m;
    int rc = hub_find(&place, given, HUB_WEIGHTS, err);

    *out = NULL;
    if (rc)
        return rc;
    m = mem_calloc(1, sizeof(*m));
    if (!m) {
        hub_release(&place);
        return err_nomem(err, "to open '%s'", given);
    }
    m->temperature = m->top_p = m->repetition_penalty = (double)NAN;
    m->top_k = -1;
    rc = set_place(m, &place, err);
    if (!rc)
        rc = open_at(m, scorer, err);
    if (!rc)
        rc = check_vocabulary(m, err);
    if (!rc)
        rc = note_rotary(m, err);
    if (!rc)
        rc = model_open_chat(m, NULL, err);
    if (rc)
        model_free(m);
    else
        *out = m;
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

void
model_free(struct model *m)
{
    if (!m)
        return;
    model_own_free(m->own);
    chat_template_free(m->chat);
    tokenizer_free(m->tokenizer);
    checkpoint_free(m->ckpt);
    sb_release(&m->notes);
    mem_free(m->chat_source);
    mem_free(m->layers);
    mem_free(m->name);
    mem_free(m->origin);
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
                                   m->has_turn_end ? &m->turn_end : NULL,
                               .layout = m->layout,
                               .no_system = m->no_system};
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
