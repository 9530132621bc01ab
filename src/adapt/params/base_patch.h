/* base_patch.h -- what an adapter's folder changes in the base itself, beside
 * the terms that the decoder adds: whole tensors (modules_to_save, trained
 * biases, an embedding saved along), single rows of a table (trained tokens),
 * and low-rank pairs of the embedding or the head.
 *
 * They are read without the base and then applied to a model of their own, so
 * the base stays what others compare with.
 */
#ifndef ADAPT_PARAMS_BASE_PATCH_H
#define ADAPT_PARAMS_BASE_PATCH_H

#include "model/files/layout.h"
#include "model/files/model.h"

enum patch_what { PATCH_WHOLE, PATCH_PAIR, PATCH_ROWS }; // in this order

struct patch_item {
    enum patch_what what;
    struct layout_item of; // the tensor: [rows, cols]
    float *values;         // WHOLE: all of it; ROWS: [n, cols]
    int32_t *at;           // ROWS: [n]
    /* PAIR: += scale * up [rows, n] down [n, cols], then with DoRA each row
     * (of an embedding each column) to its magnitude */
    float *up, *down, *magnitude;
    float scale;
    bool by_column;
    int64_t n; // ROWS: how many; PAIR: the rank
};

struct base_patch {
    struct patch_item *items;
    int64_t n;
    bool keeps_tie; // a tied head follows the embedding in all that changes
};

/** One more item, of zeros but for these two; NULL without memory. */
struct patch_item *base_patch_add(struct base_patch *p, enum patch_what what,
                                  const struct layout_item *of);
/** The item of a tensor; NULL where there is none. */
struct patch_item *base_patch_find(const struct base_patch *p,
                                   enum patch_what what, const char *name);

/**
 * Change a model, before its decoder is opened; `p` is used up. A tied head
 * follows trained rows, as in PEFT, and nothing else unless it keeps the tie.
 * Returns 0, TRV_ENOMEM.
 */
int base_patch_apply(struct model *m, struct base_patch *p, trv_err *err);
void base_patch_release(struct base_patch *p); // accepts zeros

#endif
