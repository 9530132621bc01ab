/* model_tensors.c -- the tensors of a model: which of its files' it uses, and
 * those that take their place.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "model/files/checkpoint.h"
#include "model/files/family.h"
#include "model/files/layout.h"
#include "model/files/model_inside.h"

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
        snprintf(head.name, sizeof(head.name), "%s.weight",
                 m->cfg.family->names->slots[SLOT_HEAD]);
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

int
model_bind(struct model *m, trv_err *err)
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
    return rc;
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

/* Buffers that old files carry and every model computes itself, the head of a
 * tied one, and in a GGUF file what belongs to its keys. */
static bool
is_needless(const struct model *m, const char *name)
{
    static const char *const ends[] = {".inv_freq", ".attn.bias",
                                       ".attn.masked_bias", ".attention.bias",
                                       ".attention.masked_bias"};
    const char *head = m->cfg.family->names->slots[SLOT_HEAD];
    const size_t n = strlen(name);

    if (m->gguf)
        return strncmp(name, "rope_", 5) == 0; // gguf_config() read them

    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        const size_t k = strlen(ends[i]);

        if (n >= k && !strcmp(name + n - k, ends[i]))
            return true;
    }
    return m->cfg.tied && !strncmp(name, head, strlen(head));
}

/* How many tensors of the files the model does not use, and the first. */
static int
find_unused(int64_t *n, const char **first, struct model *m, trv_err *err)
{
    struct used u = {.m = m};

    *n = 0;
    *first = NULL;
    (void)layout_each(&m->cfg, take_used, NULL, &u);
    u.v = mem_array(u.n, sizeof(struct tensor *));
    if (!u.v)
        return err_nomem(err, "to open '%s'", m->path);
    u.n = 0;
    (void)layout_each(&m->cfg, take_used, NULL, &u);
    qsort(u.v, u.n, sizeof(struct tensor *), by_address);
    for (int64_t i = 0; i < checkpoint_count(m->ckpt); i++) {
        const struct tensor *t = checkpoint_at(m->ckpt, i);

        if (bsearch(&t, u.v, u.n, sizeof(struct tensor *), by_address) ||
            is_needless(m, t->name))
            continue;
        *first = *first ? *first : t->name;
        (*n)++;
    }
    mem_free(u.v);
    return 0;
}

int
model_check_unused(struct model *m, trv_err *err)
{
    const char *first;
    int64_t n;
    int rc = find_unused(&n, &first, m, err);

    if (rc || n == 0)
        return rc;
    if (m->gguf)
        return err_fail(err, TRV_EUNSUPPORTED,
                        "'%s': tensor '%s' is none of the architecture '%s' as "
                        "it is supported",
                        m->path, first, family_name(m->cfg.family));
    if (sb_printf(
            &m->notes,
            "'%s' holds tensors that its config.json asks nothing of (%" PRId64
            ", such as '%.200s'); they are not used\n",
            m->path, n, first))
        return err_nomem(err, "to open '%s'", m->path);
    return 0;
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
model_own_free(struct own_tensor *own)
{
    for (struct own_tensor *next; own; own = next) {
        next = own->next;
        mem_free(own->values);
        mem_free(own);
    }
}
