/* modules.h -- what an adapter's file may name in a model: the linear maps of
 * its layers, the matrices outside them (embedding, positions, head), and every
 * tensor by its Hugging Face name. Needs no model, only its shape.
 */
#ifndef ADAPT_PARAMS_MODULES_H
#define ADAPT_PARAMS_MODULES_H

#include "adapt/params/base_patch.h"
#include "model/files/layout.h"

#define TABLES_MAX 3

/* A matrix outside the layers. A pair that adapts it becomes a patch. */
struct table {
    struct layout_item of;
    char path[sizeof(((struct layout_item *)0)->name)]; // without ".weight"
};

struct modules {
    const struct model_config *cfg;
    struct layout_item *items; // every tensor, an untied head's too
    int64_t n_items;
    struct table tables[TABLES_MAX];
    int n_tables;
    int64_t n_parts; // layers * PART_COUNT
    int64_t n;       // modules: the parts, and the tables behind them
};

/** `file` is for messages. TRV_ENOMEM. */
int modules_open(struct modules *m, const struct model_config *cfg,
                 const char *file, trv_err *err);
void modules_release(struct modules *m); // accepts zeros

/** The tensor of this name, or of this name in GGUF files; NULL: none. */
const struct layout_item *modules_item(const struct modules *m,
                                       const char *name);
const struct layout_item *modules_gguf_item(const struct modules *m,
                                            const char *name);
/** The path of module i; "" where the family has no such part. */
void modules_path(char *buf, size_t size, const struct modules *m, int64_t i);
/** Which module does a path name? -1: none. */
int64_t modules_find(const struct modules *m, const char *path);
/** Of module i: the table, or NULL where it is a part. */
const struct table *modules_table(const struct modules *m, int64_t i);
bool table_is_embedding(const struct table *t); // NULL: no

/** An empty patch for a pair of a table; NULL without memory. */
struct patch_item *modules_begin_pair(struct base_patch *p,
                                      const struct table *t, int64_t rank,
                                      float scale);

#endif
