/* adapter_weights.c -- one face for all that an adaptation adds inside the decoder. */
#include "model/decoder/adapter_weights.h"

struct adapter_weights_flat
adapter_weights_flat(const struct adapter_weights *t)
{
    if (t->virtual.kind != VIRTUAL_NONE)
        return (struct adapter_weights_flat){t->virtual.w, t->virtual.g,
                                             t->virtual.n};
    if (t->bottleneck.size > 0)
        return (struct adapter_weights_flat){t->bottleneck.w, t->bottleneck.g,
                                             t->bottleneck.n};
    return (struct adapter_weights_flat){t->lora.w, t->lora.g, t->lora.n};
}

int
adapter_weights_refresh(struct adapter_weights *t, struct backend *be,
                        trv_err *err)
{
    int rc = 0;

    if (t->lora.pairs)
        rc = lora_refresh(&t->lora, be, err);
    if (!rc && t->bottleneck.size > 0)
        rc = bottleneck_refresh(&t->bottleneck, be, err);
    if (!rc && t->virtual.kind != VIRTUAL_NONE)
        rc = virtual_refresh(&t->virtual, be, err);
    return rc;
}

void
adapter_weights_locate(char *buf, size_t size, const struct adapter_weights *t,
                       const struct model_config *cfg, int64_t index)
{
    if (t->virtual.kind != VIRTUAL_NONE)
        virtual_locate(buf, size, &t->virtual, index);
    else if (t->bottleneck.size > 0)
        bottleneck_locate(buf, size, &t->bottleneck, index);
    else
        lora_locate(buf, size, &t->lora, cfg, index);
}

void
adapter_weights_release(struct adapter_weights *t)
{
    lora_release(&t->lora);
    virtual_release(&t->virtual);
    bottleneck_release(&t->bottleneck);
}
