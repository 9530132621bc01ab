/* virtual.h -- virtual tokens: trained positions before a text.
 *
 *   soft     an embedding for each; all layers compute it
 *            table [k, C]
 *   prefix   the keys and values of every layer, as they are attended to:
 *            after the head norms and the rotation that keys else go through
 *            table [k, L, 2, W], keys before values, W = kv_heads * head_dim
 *
 * A row under k virtual tokens begins with the ids -1, -2, ..., -k, which stand
 * at positions 0 to k-1, and the text follows: so packing, shared prefixes and
 * the cache treat them as any token, and a batch computes them once.
 *
 * Source   soft: Lester et al. 2021, arXiv:2104.08691; prefix: Li and Liang
 *          2021, arXiv:2101.00190, without the MLP that the latter trains
 *          through. Tables and positions are those of PEFT.
 */
#ifndef MODEL_VIRTUAL_H
#define MODEL_VIRTUAL_H

#include "model/files/config.h"

#define VIRTUAL_ID(j) (-1 - (int32_t)(j))      // of virtual token j
#define VIRTUAL_INDEX(id) (-1 - (int64_t)(id)) // and back

enum virtual_kind { VIRTUAL_NONE, VIRTUAL_SOFT, VIRTUAL_PREFIX };

struct virtual_tokens {
    enum virtual_kind kind; // NONE: the rest is zero
    int64_t k, width;       // tokens; values of each
    int64_t kv_width;       // W, of a prefix
    int64_t n;              // parameters, k * width
    float *w, *g;           // [k, width]; g NULL when not trained
    struct backend *be;     // whose memory they are; NULL: the host's
};

/** Values of one virtual token. */
int64_t virtual_width(const struct model_config *cfg, enum virtual_kind kind);
/** Allocate, all zero; `trained` makes gradients. TRV_ERANGE where k is not
 * from 1 to the context less 1, TRV_ENOMEM. */
int virtual_init(struct virtual_tokens *v, enum virtual_kind kind,
                 const struct model_config *cfg, int64_t k, bool trained,
                 trv_err *err);
/** As lora_refresh(); f32 in every precision. */
int virtual_refresh(struct virtual_tokens *v, struct backend *be, trv_err *err);
void virtual_release(struct virtual_tokens *v); // accepts zeros

/** Where a prefix's key of token j in a layer begins in w and g; its value
 * follows W after. */
static inline int64_t
virtual_key_at(const struct virtual_tokens *v, int64_t layer, int64_t j)
{
    return j * v->width + 2 * layer * v->kv_width;
}

/** Where parameter `index` lives: "virtual token 3, layer 1, key". */
void virtual_locate(char *buf, size_t size, const struct virtual_tokens *v,
                    int64_t index);

#endif
