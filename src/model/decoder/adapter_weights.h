/* adapter_weights.h -- what an adaptation adds inside the decoder.
 *
 * A row runs under the base model, or under terms of one kind: low-rank maps
 * beside its linear maps, virtual tokens before its text, or bottlenecks after
 * its sublayers. Rows, packed batches, scoring and sampling only carry the
 * pointer; the decoder alone looks inside. What is trained is one flat vector,
 * whatever the terms are, so losses and the loop know nothing of their kind.
 *
 * Only virtual tokens show from outside: a row under them begins with their ids
 * (virtual.h), of which there are adapter_weights_virtual_count().
 */
#ifndef MODEL_ADAPTER_WEIGHTS_H
#define MODEL_ADAPTER_WEIGHTS_H

#include "model/decoder/bottleneck.h"
#include "model/decoder/lora.h"
#include "model/decoder/virtual.h"

struct adapter_weights {
    struct lora lora;              // pairs NULL: none
    struct virtual_tokens virtual; // kind NONE: none
    struct bottleneck bottleneck;  // size 0: none
};

/* What the optimiser sees: parameters and gradients [n]; g NULL where they are
 * not trained. */
struct adapter_weights_flat {
    float *w, *g;
    int64_t n;
};
struct adapter_weights_flat
adapter_weights_flat(const struct adapter_weights *t);

/** The low-rank terms; NULL where there are none (t may be NULL). */
static inline const struct lora *
adapter_weights_lora(const struct adapter_weights *t)
{
    return t && t->lora.pairs ? &t->lora : NULL;
}

/** Virtual tokens of one kind, likewise. */
static inline const struct virtual_tokens *
adapter_weights_virtual(const struct adapter_weights *t, enum virtual_kind kind)
{
    return t && t->virtual.kind == kind ? &t->virtual : NULL;
}

/** How many ids a row under `t` begins with; 0 for other terms and NULL. */
static inline int64_t
adapter_weights_virtual_count(const struct adapter_weights *t)
{
    return t ? t->virtual.k : 0;
}

/** The bottleneck of a place, as bottleneck_at(). */
static inline bool
adapter_weights_bottleneck(struct bottleneck_site *out,
                           const struct adapter_weights *t, int64_t layer,
                           enum bottleneck_place place)
{
    return t && bottleneck_at(out, &t->bottleneck, layer, place);
}

/** Bring what the decoder reads up to date; call after every change of w. The
 * first call moves w and g into the memory of the backend, where they stay
 * until the release; that, and a call with another type, allocates.
 * TRV_ENOMEM. */
int adapter_weights_refresh(struct adapter_weights *t, struct backend *be,
                            trv_err *err);
/** Name parameter `index` of the flat vector, for messages. */
void adapter_weights_locate(char *buf, size_t size,
                            const struct adapter_weights *t,
                            const struct model_config *cfg, int64_t index);
void adapter_weights_release(struct adapter_weights *t); // accepts zeros

#endif
