/* part.c -- names, paths and shapes of a layer's linear maps. */
#include "model/files/part.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "model/files/family.h"

const char *
part_name(const struct model_config *c, enum part p)
{
    TRV_ASSERT((int)p >= 0 && p < PART_COUNT);
    return c->family->names->parts[p];
}

int
part_home(char *buf, size_t size, const struct model_config *c,
          const char *path)
{
    static const char text[] = "model.";
    const size_t n = sizeof(text) - 1;
    const bool moves = c->sees && strncmp(path, text, n) == 0;
    const int len =
        snprintf(buf, size, "%s%s", moves ? "model.language_model." : "",
                 moves ? path + n : path);

    return len < 0 || (size_t)len >= size ? TRV_ERANGE : 0;
}

int
part_path(char *buf, size_t size, const struct model_config *c, int64_t layer,
          enum part p)
{
    const char *name = part_name(c, p);
    char path[128];
    int n;

    if (!name)
        return TRV_EINVAL;
    n = snprintf(path, sizeof(path), "%s.%" PRId64 ".%s",
                 c->family->names->layers, layer, name);
    return n < 0 || (size_t)n >= sizeof(path) ? TRV_ERANGE
                                              : part_home(buf, size, c, path);
}

void
part_shape(int64_t *out, int64_t *in, const struct model_config *c, enum part p)
{
    const int64_t q = c->heads * c->head_dim, kv = c->kv_heads * c->head_dim;

    *in = p == PART_O ? q : p == PART_DOWN ? c->mlp_width : c->width;
    switch (p) {
    case PART_Q:
        *out = q;
        break;
    case PART_K:
    case PART_V:
        *out = kv;
        break;
    case PART_QKV:
        *out = q + 2 * kv;
        break;
    case PART_GATE:
    case PART_UP:
        *out = c->mlp_width;
        break;
    case PART_GATE_UP:
        *out = 2 * c->mlp_width;
        break;
    case PART_O:
    case PART_DOWN:
        *out = c->width;
        break;
    case PART_COUNT:
    default:
        TRV_ASSERT(false && "a part");
    }
}
