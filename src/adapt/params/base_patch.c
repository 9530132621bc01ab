/* base_patch.c -- changes of a base, applied to a model. */
#include "adapt/params/base_patch.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"

struct patch_item *
base_patch_add(struct base_patch *p, enum patch_what what,
               const struct layout_item *of)
{
    struct patch_item *items =
        mem_realloc(p->items, (size_t)(p->n + 1) * sizeof(*items));

    if (!items)
        return NULL;
    p->items = items;
    items[p->n] = (struct patch_item){.what = what, .of = *of};
    return &items[p->n++];
}

struct patch_item *
base_patch_find(const struct base_patch *p, enum patch_what what,
                const char *name)
{
    for (int64_t i = 0; i < p->n; i++)
        if (p->items[i].what == what && !strcmp(p->items[i].of.name, name))
            return &p->items[i];
    return NULL;
}

void
base_patch_release(struct base_patch *p)
{
    for (int64_t i = 0; i < p->n; i++) {
        mem_free(p->items[i].values);
        mem_free(p->items[i].at);
        mem_free(p->items[i].up);
        mem_free(p->items[i].down);
        mem_free(p->items[i].magnitude);
    }
    mem_free(p->items);
    *p = (struct base_patch){0};
}

/* Give every row of w [rows, cols] its magnitude, or every column. */
static void
to_magnitudes(float *w, int64_t rows, int64_t cols, const float *magnitude,
              bool by_column)
{
    const int64_t n = by_column ? cols : rows, m = by_column ? rows : cols;
    const int64_t step = by_column ? cols : 1, next = by_column ? 1 : cols;

    for (int64_t i = 0; i < n; i++) {
        float *v = w + i * next;
        double sum = 0.0;
        float scale;

        for (int64_t j = 0; j < m; j++)
            sum += (double)v[j * step] * (double)v[j * step];
        scale = sum > 0.0 ? (float)((double)magnitude[i] / sqrt(sum)) : 0.0f;
        for (int64_t j = 0; j < m; j++)
            v[j * step] *= scale;
    }
}

static void
add_pair(float *w, const struct patch_item *it)
{
    const int64_t rows = it->of.dim[0], cols = it->of.dim[1];

    for (int64_t r = 0; r < rows; r++)
        for (int64_t k = 0; k < it->n; k++) {
            const float f = it->scale * it->up[r * it->n + k];

            for (int64_t c = 0; c < cols; c++)
                w[r * cols + c] += f * it->down[k * cols + c];
        }
    if (it->magnitude)
        to_magnitudes(w, rows, cols, it->magnitude, it->by_column);
}

static void
put_rows(float *w, const struct patch_item *it)
{
    const int64_t cols = it->of.dim[1];

    for (int64_t i = 0; i < it->n; i++)
        memcpy(w + it->at[i] * cols, it->values + i * cols,
               (size_t)cols * sizeof(float));
}

static int
apply(struct model *m, struct patch_item *it, trv_err *err)
{
    const struct tensor *was = model_tensor(m, &it->of);
    float *w = it->values;

    if (it->what == PATCH_WHOLE) {
        it->values = NULL; // the model's from here
    } else {
        w = mem_array((size_t)(it->of.dim[0] * it->of.dim[1]), sizeof(float));
        if (!w)
            return err_nomem(err, "to change '%s'", it->of.name);
        tensor_rows_f32(w, was, 0, it->of.dim[0]);
        if (it->what == PATCH_PAIR)
            add_pair(w, it);
        else
            put_rows(w, it);
    }
    return model_replace(m, &it->of, w, err);
}

int
base_patch_apply(struct model *m, struct base_patch *p, trv_err *err)
{
    int rc = 0;

    for (int64_t i = 0; i < p->n; i++) {
        const struct patch_item *it = &p->items[i];

        if (it->of.slot == SLOT_HEAD ||
            (it->of.slot == SLOT_EMBED && it->what != PATCH_ROWS &&
             !p->keeps_tie))
            m->cfg.tied = false;
    }
    for (int what = PATCH_WHOLE; what <= PATCH_ROWS; what++)
        for (int64_t i = 0; i < p->n && !rc; i++)
            if (p->items[i].what == (enum patch_what)what)
                rc = apply(m, &p->items[i], err);
    if (!rc && m->cfg.tied)
        m->head = m->embed;
    base_patch_release(p);
    return rc;
}
