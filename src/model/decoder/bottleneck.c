/* bottleneck.c -- the flat vector of bottleneck adapters, and their passes. */
#include "model/decoder/bottleneck.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "model/decoder/decoder.h"

const char *
bottleneck_place_name(enum bottleneck_place p)
{
    static const char *const names[] = {"attention", "mlp"};
    _Static_assert(sizeof(names) / sizeof(names[0]) == BOTTLENECK_PLACES,
                   "a name for each place");

    TRV_ASSERT(p < BOTTLENECK_PLACES);
    return names[p];
}

static int64_t
places_of(const struct bottleneck *b)
{
    int64_t n = 0;

    for (int p = 0; p < BOTTLENECK_PLACES; p++)
        n += b->places[p];
    return n;
}

int
bottleneck_init(struct bottleneck *b, const struct model_config *cfg,
                const struct bottleneck_spec *spec, bool trained,
                struct rng *rng, trv_err *err)
{
    const double bound = 1.0 / sqrt((double)cfg->width);
    int64_t sites;

    *b = (struct bottleneck){.layers = cfg->layers,
                             .size = spec->size,
                             .width = cfg->width,
                             .f = spec->f};
    memcpy(b->places, spec->places, sizeof(b->places));
    sites = places_of(b) * b->layers;
    if (spec->size < 1 || spec->size > 65536)
        return err_fail(err, TRV_ERANGE,
                        "a bottleneck of %lld values is outside 1 to 65536",
                        (long long)spec->size);
    if (sites == 0)
        return err_fail(err, TRV_EINVAL, "bottleneck adapters at no place");
    b->n_site = 2 * b->size * b->width + b->size + b->width;
    if (!__builtin_mul_overflow(sites, b->n_site, &b->n)) {
        b->w = mem_calloc((size_t)b->n, sizeof(float));
        b->g = trained ? mem_calloc((size_t)b->n, sizeof(float)) : NULL;
    }
    if (!b->w || (trained && !b->g)) {
        bottleneck_release(b);
        return err_fail(err, TRV_ENOMEM,
                        "no memory for bottleneck adapters of size %lld",
                        (long long)spec->size);
    }
    for (int64_t i = 0; rng && i < sites; i++)
        for (int64_t j = 0; j < b->size * b->width; j++)
            b->w[i * b->n_site + j] =
                (float)((2.0 * rng_uniform(rng) - 1.0) * bound);
    return 0;
}

void
bottleneck_release(struct bottleneck *b)
{
    backend_drop(b->be, b->w);
    backend_drop(b->be, b->g);
    backend_drop(b->be, b->act);
    *b = (struct bottleneck){0};
}

bool
bottleneck_at(struct bottleneck_site *out, const struct bottleneck *b,
              int64_t layer, enum bottleneck_place place)
{
    const int64_t S = b->size, C = b->width;
    int64_t at = layer * places_of(b);
    char *act;

    if (S == 0 || !b->places[place])
        return false;
    for (int p = 0; p < (int)place; p++)
        at += b->places[p];
    at *= b->n_site;
    act = b->act ? (char *)b->act + (size_t)at * sizeof(bf16)
                 : (char *)(b->w + at);
    *out = (struct bottleneck_site){
        .size = S,
        .width = C,
        .f = b->f,
        .down = {act, b->act ? DT_BF16 : DT_F32, S, C, C},
        .up = {act, b->act ? DT_BF16 : DT_F32, C, S, S},
        .down_b = b->w + at + S * C,
        .up_b = b->w + at + S * C + S + C * S,
    };
    out->up.data =
        act + (size_t)(S * C + S) * (b->act ? sizeof(bf16) : sizeof(float));
    if (b->g) {
        out->d_down = b->g + at;
        out->d_down_b = out->d_down + S * C;
        out->d_up = out->d_down_b + S;
        out->d_up_b = out->d_up + C * S;
    }
    return true;
}

int
bottleneck_refresh(struct bottleneck *b, struct backend *be, trv_err *err)
{
    int rc = 0;

    if (!be->ops->is_host && b->be != be)
        rc = backend_take(be, &b->w, &b->g, b->n, err);
    if (rc)
        return rc;
    b->be = be->ops->is_host ? NULL : be;
    b->act_type = be->act_type;
    if (be->act_type == DT_F32) {
        backend_drop(b->be, b->act); // was bf16 before
        b->act = NULL;
        return 0;
    }
    if (!b->act)
        b->act = be->ops->mem_alloc(be, (size_t)b->n * sizeof(bf16));
    if (!b->act)
        return err_fail(err, TRV_ENOMEM,
                        "no memory for bottleneck adapters in bf16");
    be->ops->cast(be, (struct mat){b->act, DT_BF16, 1, b->n, b->n},
                  mat_f32(b->w, 1, b->n));
    return 0;
}

void
bottleneck_locate(char *buf, size_t size, const struct bottleneck *b,
                  int64_t index)
{
    const int64_t S = b->size, C = b->width, at = index % b->n_site;
    int64_t site = index / b->n_site;
    int place = 0;

    TRV_ASSERT(size > 0 && index >= 0 && index < b->n);
    for (int64_t nth = site % places_of(b); place < BOTTLENECK_PLACES; place++)
        if (b->places[place] && nth-- == 0)
            break;
    snprintf(buf, size, "layers.%lld.%s.%s", (long long)(site / places_of(b)),
             bottleneck_place_name((enum bottleneck_place)place),
             at < S * C           ? "down.weight"
             : at < S * C + S     ? "down.bias"
             : at < 2 * S * C + S ? "up.weight"
                                  : "up.bias");
}

/* --- passes --- */

static int
no_memory(trv_err *err)
{
    return err_fail(err, TRV_ENOMEM, "no memory for a bottleneck adapter");
}

int
bottleneck_forward(struct backend *be, struct arena *a, struct mat y,
                   struct mat m, const struct bottleneck_site *s, struct mat z,
                   trv_err *err)
{
    const struct arena_mark mark = arena_mark(a);
    const struct mat h = mat_new(a, be->act_type, m.rows, s->size);

    if (!h.data)
        return no_memory(err);
    be->ops->copy(be, z, mat_f32(s->down_b, 1, z.cols));
    be->ops->matmul(be, z, m, false, s->down, true, 1.0f, 1.0f);
    be->ops->act_forward(be, h, z, s->f, false);
    be->ops->matmul(be, y, h, false, s->up, true, 1.0f, 1.0f);
    be->ops->add(be, y, mat_f32(s->up_b, 1, y.cols));
    arena_rewind(a, mark);
    return 0;
}

int
bottleneck_backward(struct backend *be, struct arena *a, struct mat dm,
                    struct mat m, const struct bottleneck_site *s, struct mat z,
                    trv_err *err)
{
    const struct arena_mark mark = arena_mark(a);
    const struct backend_ops *ops = be->ops;
    const int64_t M = m.rows, S = s->size, C = s->width;
    const struct mat dy = mat_new(a, be->act_type, M, C); // of the output
    const struct mat h = mat_new(a, be->act_type, M, S);
    const struct mat dh = mat_new(a, DT_F32, M, S);
    const struct mat dz = mat_new(a, DT_F32, M, S);
    const struct mat dz_act = mat_new(a, be->act_type, M, S);

    if (!dy.data || !h.data || !dh.data || !dz.data || !dz_act.data)
        return no_memory(err);
    ops->cast(be, dy, dm);
    ops->matmul(be, dh, dy, false, s->up, false, 1.0f, 0.0f);
    ops->act_backward(be, dz, dh, z, s->f, false);
    ops->cast(be, dz_act, dz);
    if (s->d_up) {
        ops->act_forward(be, h, z, s->f, false);
        ops->matmul(be, mat_f32(s->d_up, C, S), dy, true, h, false, 1.0f, 1.0f);
        ops->col_sum(be, s->d_up_b, dm);
        ops->matmul(be, mat_f32(s->d_down, S, C), dz_act, true, m, false, 1.0f,
                    1.0f);
        ops->col_sum(be, s->d_down_b, dz);
    }
    ops->matmul(be, dm, dz_act, false, s->down, false, 1.0f, 1.0f);
    arena_rewind(a, mark);
    return 0;
}
