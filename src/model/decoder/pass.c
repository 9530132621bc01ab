/* pass.c -- packing of answers under several contexts. */
#include "model/decoder/pass.h"

#include <string.h>

int64_t
pass_tokens(const struct answered *rows, int64_t n_rows)
{
    int64_t tokens = 0;

    for (int64_t r = 0; r < n_rows; r++)
        for (int64_t p = 0; p < rows[r].context->n; p++)
            tokens += rows[r].context->parts[p].n_ids + rows[r].n;
    return tokens;
}

/* Context and answer of one part, but for the last token, which predicts
 * nothing that is asked. */
static int
fill_row(struct row *out, struct arena *a, const struct answered *row,
         const struct component *part)
{
    const int64_t n = part->n_ids + row->n - 1;
    int32_t *ids = arena_alloc(a, (size_t)n * sizeof(*ids));

    TRV_ASSERT(part->n_ids >= 1 && row->n >= 1);
    if (!ids)
        return TRV_ENOMEM;
    memcpy(ids, part->ids, (size_t)part->n_ids * sizeof(*ids));
    memcpy(ids + part->n_ids, row->ids, (size_t)(row->n - 1) * sizeof(*ids));
    *out = (struct row){ids, n, part->adapter_weights};
    return 0;
}

/* One decoder's share: every part of every side that is its own. */
static int
run_decoder(struct decoder *d, struct head_side *sides, struct arena *a,
            int64_t n_sides, const struct answered *rows, int64_t n_rows,
            int64_t places, trv_err *err)
{
    struct row *packed;
    const int64_t *const *at;
    struct batch b;
    struct mat hidden;
    int64_t n = 0, k = 0;
    int rc;

    for (int64_t s = 0; s < n_sides; s++)
        for (int64_t p = 0; p < sides[s].n; p++)
            n += sides[s].parts[p].d == d ? n_rows : 0;
    packed = arena_alloc(a, (size_t)n * sizeof(*packed));
    if (!packed)
        goto no_memory;
    for (int64_t s = 0; s < n_sides; s++)
        for (int64_t p = 0; p < sides[s].n; p++)
            for (int64_t r = 0; r < n_rows && sides[s].parts[p].d == d; r++) {
                const struct answered *row = &rows[s * n_rows + r];

                if (fill_row(&packed[k++], a, row, &row->context->parts[p]))
                    goto no_memory;
            }
    rc = batch_pack(&b, &at, a, packed, n, err);
    if (!rc)
        rc = decoder_forward(d, a, &hidden, &b, NULL, NULL, err);
    if (rc)
        return rc;
    k = 0;
    for (int64_t s = 0; s < n_sides; s++)
        for (int64_t p = 0; p < sides[s].n; p++) {
            struct head_part *part = &sides[s].parts[p];
            int64_t *where, place = 0;

            if (part->d != d)
                continue;
            where = arena_alloc(a, (size_t)places * sizeof(*where));
            if (!where)
                goto no_memory;
            part->hidden = hidden;
            part->at = where;
            for (int64_t r = 0; r < n_rows; r++, k++) {
                const struct answered *row = &rows[s * n_rows + r];
                const int64_t from = row->context->parts[p].n_ids - 1;

                for (int64_t i = 0; i < row->n; i++)
                    where[place++] = at[k][from + i];
            }
        }
    return 0;
no_memory:
    return err_fail(err, TRV_ENOMEM, "no memory for a pass");
}

/* The parts of a side, their places still to be found. */
static int
plan_side(struct head_side *side, struct arena *a, const struct answered *rows,
          int64_t n_rows)
{
    const struct context *first = rows[0].context;

    side->n = first->n;
    side->parts = arena_alloc(a, (size_t)side->n * sizeof(*side->parts));
    if (!side->parts)
        return TRV_ENOMEM;
    for (int64_t p = 0; p < side->n; p++) {
        side->parts[p] = (struct head_part){.d = first->parts[p].d,
                                            .weight = first->parts[p].weight};
        for (int64_t r = 1; r < n_rows; r++)
            TRV_ASSERT(rows[r].context->n == side->n &&
                       rows[r].context->parts[p].d == first->parts[p].d &&
                       rows[r].context->parts[p].adapter_weights ==
                           first->parts[p].adapter_weights);
    }
    return 0;
}

int
pass_forward(struct head_side *sides, int32_t *target, struct arena *a,
             int64_t n_sides, const struct answered *rows, int64_t n_rows,
             trv_err *err)
{
    int64_t places = 0;
    int rc = 0;

    for (int64_t r = 0; r < n_rows; r++) {
        if (target)
            memcpy(target + places, rows[r].ids,
                   (size_t)rows[r].n * sizeof(*target));
        places += rows[r].n;
    }
    for (int64_t s = 0; s < n_sides; s++)
        if (plan_side(&sides[s], a, rows + s * n_rows, n_rows))
            return err_fail(err, TRV_ENOMEM, "no memory for a pass");
    /* Each decoder once, at the first part that is its own. */
    for (int64_t s = 0; s < n_sides && !rc; s++)
        for (int64_t p = 0; p < sides[s].n && !rc; p++)
            if (!sides[s].parts[p].hidden.data)
                rc = run_decoder(sides[s].parts[p].d, sides, a, n_sides, rows,
                                 n_rows, places, err);
    return rc;
}

int
pass_kl(double *kl, struct arena *a, const struct answered *rows,
        int64_t n_rows, trv_err *err)
{
    struct head_side side[2];
    int64_t n = 0, at = 0;
    float *div;
    int rc;

    for (int64_t i = 0; i < n_rows; i++)
        n += rows[i].n;
    div = arena_f32(a, n, 1);
    if (!div)
        return err_fail(err, TRV_ENOMEM, "no memory for a batch");
    rc = pass_forward(side, NULL, a, 2, rows, n_rows, err);
    if (!rc)
        rc =
            head_compare(a, div, NULL, &side[0], &side[1], n, DIV_FORWARD, err);
    for (int64_t i = 0; i < n_rows && !rc; i++) {
        kl[i] = 0.0;
        for (int64_t t = 0; t < rows[i].n; t++)
            kl[i] += (double)div[at++];
    }
    return rc;
}
