/* virtual.c -- the table of virtual tokens. */
#include "model/decoder/virtual.h"

#include <stdio.h>

#include "base/mem.h"

int64_t
virtual_width(const struct model_config *cfg, enum virtual_kind kind)
{
    return kind == VIRTUAL_SOFT
               ? cfg->width
               : 2 * cfg->layers * cfg->kv_heads * cfg->head_dim;
}

int
virtual_init(struct virtual_tokens *v, enum virtual_kind kind,
             const struct model_config *cfg, int64_t k, bool trained,
             trv_err *err)
{
    *v = (struct virtual_tokens){0};
    TRV_ASSERT(kind != VIRTUAL_NONE);
    if (k < 1 || k >= cfg->context)
        return err_fail(err, TRV_ERANGE,
                        "%lld virtual tokens: a context of %lld has room for "
                        "1 to %lld",
                        (long long)k, (long long)cfg->context,
                        (long long)cfg->context - 1);
    v->kind = kind;
    v->k = k;
    v->width = virtual_width(cfg, kind);
    v->kv_width = kind == VIRTUAL_PREFIX ? cfg->kv_heads * cfg->head_dim : 0;
    if (!__builtin_mul_overflow(k, v->width, &v->n)) {
        v->w = mem_calloc((size_t)v->n, sizeof(float));
        v->g = trained ? mem_calloc((size_t)v->n, sizeof(float)) : NULL;
    }
    if (v->w && (v->g || !trained))
        return 0;
    virtual_release(v);
    return err_fail(err, TRV_ENOMEM, "no memory for %lld virtual tokens",
                    (long long)k);
}

int
virtual_refresh(struct virtual_tokens *v, struct backend *be, trv_err *err)
{
    int rc;

    if (be->ops->is_host || v->be == be)
        return 0;
    rc = backend_take(be, &v->w, &v->g, v->n, err);
    if (!rc)
        v->be = be;
    return rc;
}

void
virtual_release(struct virtual_tokens *v)
{
    backend_drop(v->be, v->w);
    backend_drop(v->be, v->g);
    *v = (struct virtual_tokens){0};
}

void
virtual_locate(char *buf, size_t size, const struct virtual_tokens *v,
               int64_t index)
{
    const long long j = index / v->width, at = index % v->width;

    TRV_ASSERT(size > 0 && index >= 0 && index < v->n);
    if (v->kind == VIRTUAL_SOFT)
        snprintf(buf, size, "virtual token %lld", j);
    else
        snprintf(buf, size, "virtual token %lld, layer %lld, %s", j,
                 at / (2 * v->kv_width),
                 at / v->kv_width % 2 == 0 ? "key" : "value");
}
