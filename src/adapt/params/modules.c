/* modules.c -- names of a model's modules and tensors, from its shape. */
#include "adapt/params/modules.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"

static int
note_item(const struct layout_item *it, trv_err *err, void *payload)
{
    struct modules *m = payload;
    struct table *t;

    (void)err;
    if (m->items)
        m->items[m->n_items] = *it;
    m->n_items++;
    if (!m->items || (it->slot != SLOT_EMBED && it->slot != SLOT_POS &&
                      it->slot != SLOT_HEAD))
        return 0;
    TRV_ASSERT(m->n_tables < TABLES_MAX);
    t = &m->tables[m->n_tables++];
    t->of = *it;
    snprintf(t->path, sizeof(t->path), "%.*s",
             (int)(strlen(it->name) - strlen(".weight")), it->name);
    return 0;
}

int
modules_open(struct modules *m, const struct model_config *cfg,
             const char *file, trv_err *err)
{
    struct model_config *untied = mem_alloc(sizeof(*untied));

    *m = (struct modules){.cfg = cfg, .n_parts = cfg->layers * PART_COUNT};
    if (!untied)
        return err_nomem(err, "to read '%s'", file);
    *untied = *cfg;
    untied->tied = false;
    (void)layout_each(untied, note_item, NULL, m);
    m->items = mem_calloc((size_t)m->n_items, sizeof(*m->items));
    m->n_items = 0;
    if (m->items)
        (void)layout_each(untied, note_item, NULL, m);
    m->n = m->n_parts + m->n_tables;
    mem_free(untied);
    return m->items ? 0 : err_nomem(err, "to read '%s'", file);
}

void
modules_release(struct modules *m)
{
    mem_free(m->items);
    *m = (struct modules){0};
}

const struct layout_item *
modules_item(const struct modules *m, const char *name)
{
    for (int64_t i = 0; i < m->n_items; i++)
        if (!strcmp(m->items[i].name, name))
            return &m->items[i];
    return NULL;
}

const struct layout_item *
modules_gguf_item(const struct modules *m, const char *name)
{
    for (int64_t i = 0; i < m->n_items; i++)
        if (!strcmp(m->items[i].gguf_name, name))
            return &m->items[i];
    return NULL;
}

void
modules_path(char *buf, size_t size, const struct modules *m, int64_t i)
{
    buf[0] = '\0';
    if (i >= m->n_parts)
        snprintf(buf, size, "%s", m->tables[i - m->n_parts].path);
    else if (part_path(buf, size, m->cfg, i / PART_COUNT,
                       (enum part)(i % PART_COUNT)))
        buf[0] = '\0';
}

int64_t
modules_find(const struct modules *m, const char *path)
{
    char buf[256];

    for (int64_t i = 0; i < m->n; i++) {
        modules_path(buf, sizeof(buf), m, i);
        if (*buf && !strcmp(buf, path))
            return i;
    }
    return -1;
}

const struct table *
modules_table(const struct modules *m, int64_t i)
{
    return i >= m->n_parts ? &m->tables[i - m->n_parts] : NULL;
}

bool
table_is_embedding(const struct table *t)
{
    return t && t->of.slot != SLOT_HEAD;
}

struct patch_item *
modules_begin_pair(struct base_patch *p, const struct table *t, int64_t rank,
                   float scale)
{
    struct patch_item *it = base_patch_add(p, PATCH_PAIR, &t->of);

    if (!it)
        return NULL;
    it->n = rank;
    it->scale = scale;
    it->up = mem_calloc((size_t)t->of.dim[0], (size_t)rank * sizeof(float));
    it->down = mem_calloc((size_t)t->of.dim[1], (size_t)rank * sizeof(float));
    return it->up && it->down ? it : NULL; // the patch frees it
}
