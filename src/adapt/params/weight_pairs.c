/* weight_pairs.c -- pairs whose ranks are those of their tensors. */
#include "adapt/params/weight_pairs.h"

#include <math.h>

#include "adapt/params/peft_config.h"
#include "adapt/payload.h"
#include "base/mem.h"

int
weight_pairs_open(struct weight_pairs *p, const struct model_config *cfg,
                  const char *file, trv_err *err)
{
    int rc;

    *p = (struct weight_pairs){.file = file};
    rc = modules_open(&p->m, cfg, file, err);
    if (rc)
        return rc;
    p->pair = mem_calloc((size_t)p->m.n, sizeof(*p->pair));
    return p->pair ? 0 : err_nomem(err, "to read '%s'", file);
}

void
weight_pairs_release(struct weight_pairs *p)
{
    modules_release(&p->m);
    mem_free(p->pair);
    *p = (struct weight_pairs){0};
}

static int
check_type(const struct tensor *t, const char *file, trv_err *err)
{
    return t->type != DT_COUNT
               ? 0
               : err_fail(err, TRV_EUNSUPPORTED,
                          "tensor '%.300s' of '%s' has a type that is not read",
                          t->name, file);
}

int
weight_values(float *out, const struct tensor *t, bool turned, const char *file,
              trv_err *err)
{
    const int64_t rows = tensor_rows(t), cols = tensor_cols(t);
    float *line;
    int rc = check_type(t, file, err);

    if (rc)
        return rc;
    line = mem_array((size_t)cols, sizeof(float));
    if (!line)
        return err_nomem(err, "to read '%s'", file);
    for (int64_t r = 0; r < rows && !rc; r++) {
        tensor_rows_f32(line, t, r, 1);
        for (int64_t c = 0; c < cols && !rc; c++) {
            out[turned ? c * rows + r : r * cols + c] = line[c];
            if (!isfinite(line[c]))
                rc = err_fail(err, TRV_ENONFINITE,
                              "tensor '%s' of '%s' holds %g at position %lld",
                              t->name, file, (double)line[c],
                              (long long)(r * cols + c));
        }
    }
    mem_free(line);
    return rc;
}

int
weight_whole(struct base_patch *patch, const struct layout_item *it,
             const struct tensor *t, const char *file, trv_err *err)
{
    struct patch_item *to;
    char shape[96];

    payload_shape_text(shape, sizeof(shape), t);
    if (t->n_dims != it->n_dims || t->dim[0] != it->dim[0] ||
        (it->n_dims == 2 && t->dim[1] != it->dim[1]))
        return err_fail(err, TRV_EMISMATCH,
                        "tensor '%.300s' of '%s' has the shape [%s], where the "
                        "model has %lld rows%s",
                        t->name, file, shape, (long long)it->dim[0],
                        it->slot == SLOT_EMBED || it->slot == SLOT_HEAD
                            ? "; was its vocabulary resized? " PEFT_MERGE
                            : "");
    if (base_patch_find(patch, PATCH_WHOLE, it->name))
        return err_fail(err, TRV_EFORMAT, "'%s' holds '%.200s' twice", file,
                        it->name);
    to = base_patch_add(patch, PATCH_WHOLE, it);
    if (to)
        to->values =
            mem_array((size_t)(tensor_rows(t) * tensor_cols(t)), sizeof(float));
    return to && to->values ? weight_values(to->values, t, false, file, err)
                            : err_nomem(err, "to read '%s'", file);
}

/* ---- shapes ------------------------------------------------------------- */

static void
module_shape(int64_t *rows, int64_t *cols, const struct modules *m, int64_t i)
{
    const struct table *t = modules_table(m, i);

    if (t) {
        *rows = t->of.dim[0];
        *cols = t->of.dim[1];
    } else {
        part_shape(rows, cols, m->cfg, (enum part)(i % PART_COUNT));
    }
}

static int
check_matrix(const struct tensor *t, bool turned, int64_t rows, int64_t cols,
             const char *file, trv_err *err)
{
    char shape[96];
    int rc = check_type(t, file, err);

    if (rc ||
        (t->n_dims == 2 && t->dim[turned] == rows && t->dim[!turned] == cols))
        return rc;
    payload_shape_text(shape, sizeof(shape), t);
    return err_fail(err, TRV_EMISMATCH,
                    "tensor '%.300s' of '%s' has the shape [%s]; this model "
                    "and the rank of its pair ask for [%lld, %lld]",
                    t->name, file, shape, (long long)(turned ? cols : rows),
                    (long long)(turned ? rows : cols));
}

/* *rank 0: the module has no pair. */
static int
check_pair(int64_t *rank, const struct weight_pairs *p, int64_t i, trv_err *err)
{
    const struct weight_pair *w = &p->pair[i];
    const struct tensor *one = w->up.data ? &w->up : &w->down;
    int64_t rows, cols;
    int rc;

    *rank = 0;
    if (!w->up.data && !w->down.data && !w->magnitude.data)
        return 0;
    if (!w->up.data || !w->down.data)
        return err_fail(err, TRV_EFORMAT,
                        "'%s' holds '%.300s' without the other half of its "
                        "pair",
                        p->file, one->data ? one->name : w->magnitude.name);
    if (w->up.n_dims == 2)
        *rank = w->up.dim[!w->up_turned];
    if (*rank < 1 || *rank > LORA_MAX_RANK)
        return err_fail(err, TRV_ERANGE,
                        "tensor '%.300s' of '%s' has the rank %lld, outside 1 "
                        "to %d",
                        w->up.name, p->file, (long long)*rank, LORA_MAX_RANK);
    module_shape(&rows, &cols, &p->m, i);
    rc = check_matrix(&w->up, w->up_turned, rows, *rank, p->file, err);
    if (!rc)
        rc = check_matrix(&w->down, w->down_turned, *rank, cols, p->file, err);
    if (!rc && w->magnitude.data &&
        (w->magnitude.n_dims != 1 || w->magnitude.dim[0] != rows))
        rc = err_fail(err, TRV_EMISMATCH,
                      "tensor '%.300s' of '%s' is no vector of %lld",
                      w->magnitude.name, p->file, (long long)rows);
    return rc;
}

/* ---- building ----------------------------------------------------------- */

static int
fill(float *up, float *down, float *magnitude, const struct weight_pairs *p,
     int64_t i, trv_err *err)
{
    const struct weight_pair *w = &p->pair[i];
    int rc = weight_values(up, &w->up, w->up_turned, p->file, err);

    if (!rc)
        rc = weight_values(down, &w->down, w->down_turned, p->file, err);
    if (!rc && magnitude)
        rc = weight_values(magnitude, &w->magnitude, false, p->file, err);
    return rc;
}

static int
build_table(struct base_patch *patch, const struct weight_pairs *p, int64_t i,
            int64_t rank, double scale, trv_err *err)
{
    const struct table *t = modules_table(&p->m, i);
    struct patch_item *it = modules_begin_pair(patch, t, rank, (float)scale);

    if (!it)
        return err_nomem(err, "to read '%s'", p->file);
    if (p->pair[i].magnitude.data)
        it->magnitude = mem_calloc((size_t)t->of.dim[0], sizeof(float));
    if (p->pair[i].magnitude.data && !it->magnitude)
        return err_nomem(err, "to read '%s'", p->file);
    return fill(it->up, it->down, it->magnitude, p, i, err);
}

/* DoRA is of a whole LoRA here. */
static int
check_magnitudes(bool *dora, const struct weight_pairs *p, trv_err *err)
{
    int64_t with = 0, all = 0;

    for (int64_t i = 0; i < p->m.n_parts; i++) {
        all += p->pair[i].up.data != NULL;
        with += p->pair[i].magnitude.data != NULL;
    }
    *dora = with > 0;
    return with == 0 || with == all
               ? 0
               : err_fail(err, TRV_EFORMAT,
                          "'%s' has magnitudes of %lld of its %lld pairs",
                          p->file, (long long)with, (long long)all);
}

int
weight_pairs_build(struct lora *out, struct base_patch *patch,
                   const struct weight_pairs *p, double alpha, bool is_scale,
                   trv_err *err)
{
    int64_t *ranks = mem_calloc((size_t)p->m.n, sizeof(*ranks)), parts = 0;
    double *alphas = mem_calloc((size_t)p->m.n, sizeof(*alphas));
    bool dora = false;
    int rc = ranks && alphas ? check_magnitudes(&dora, p, err)
                             : err_nomem(err, "to read '%s'", p->file);

    for (int64_t i = 0; i < p->m.n && !rc; i++) {
        rc = check_pair(&ranks[i], p, i, err);
        if (rc)
            break;
        alphas[i] = is_scale ? alpha * (double)ranks[i] : alpha;
        parts += i < p->m.n_parts && ranks[i] > 0;
    }
    if (!rc && parts > 0)
        rc = lora_init_shaped(out, p->m.cfg,
                              &(struct lora_shape){.ranks = ranks,
                                                   .alphas = alphas,
                                                   .dora = dora},
                              false, err);
    for (int64_t i = 0; i < p->m.n && !rc; i++)
        if (ranks[i] > 0 && i < p->m.n_parts)
            rc = fill(out->pairs[i].b, out->pairs[i].a, out->pairs[i].m, p, i,
                      err);
        else if (ranks[i] > 0)
            rc = build_table(patch, p, i, ranks[i],
                             alphas[i] / (double)ranks[i], err);
    if (!rc && parts > 0)
        out->dropout = p->dropout;
    if (!rc && parts == 0 && patch->n == 0)
        rc = err_fail(err, TRV_EFORMAT, "'%s' adapts nothing", p->file);
    mem_free(ranks);
    mem_free(alphas);
    return rc;
}
