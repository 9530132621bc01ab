/* scalar.c -- one number for a row of tokens. */
#include "model/decoder/scalar.h"

#include "model/sample/engine.h"

int64_t
scalar_place(const int32_t *ids, int64_t n, int32_t pad)
{
    int64_t p = n - 1;

    TRV_ASSERT(n >= 1);
    while (pad >= 0 && p > 0 && ids[p] == pad)
        p--;
    return p;
}

static double
value(struct mat m, int64_t row, int64_t col)
{
    const int64_t i = row * m.ld + col;

    return m.type == DT_F32 ? (double)((const float *)m.data)[i]
                            : (double)bf16_to_f32(((const bf16 *)m.data)[i]);
}

void
scalar_forward(double *r, const float *w, struct mat hidden, const int64_t *at,
               int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        r[i] = 0.0;
        for (int64_t c = 0; c < hidden.cols; c++)
            r[i] += (double)w[c] * value(hidden, at[i], c);
    }
}

void
scalar_backward(float *d_w, struct mat d_hidden, const double *d_r,
                const float *w, struct mat hidden, const int64_t *at, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        float *row = (float *)d_hidden.data + at[i] * d_hidden.ld;

        for (int64_t c = 0; c < hidden.cols; c++) {
            d_w[c] += (float)(d_r[i] * value(hidden, at[i], c));
            row[c] += (float)(d_r[i] * (double)w[c]);
        }
    }
}

/* Rows that fit one pass; *done says how many. */
static int
score_pass(struct decoder *d, struct arena *a, double *r, const float *w,
           const struct row *rows, int64_t n, int32_t pad, int64_t *done,
           trv_err *err)
{
    struct row *packed = arena_alloc(a, (size_t)n * sizeof(*packed));
    int64_t *where = arena_alloc(a, (size_t)n * sizeof(*where));
    const int64_t *const *at;
    struct mat hidden;
    struct batch b;
    int64_t tokens = 0, k = 0;
    int rc;

    if (!packed || !where)
        return err_fail(err, TRV_ENOMEM, "no memory for a pass");
    for (; k < n && (k == 0 || tokens + rows[k].n <= ENGINE_TOKENS); k++) {
        packed[k] = rows[k];
        packed[k].n = scalar_place(rows[k].ids, rows[k].n, pad) + 1;
        tokens += rows[k].n;
    }
    *done = k;
    rc = batch_pack(&b, &at, a, packed, k, err);
    if (!rc)
        rc = decoder_forward(d, a, &hidden, &b, NULL, NULL, err);
    if (rc)
        return rc;
    for (int64_t i = 0; i < k; i++)
        where[i] = at[i][packed[i].n - 1];
    scalar_forward(r, w, hidden, where, k);
    return 0;
}

int
scalar_score(struct decoder *d, struct arena *a, double *r, const float *w,
             const struct row *rows, int64_t n, int32_t pad, trv_err *err)
{
    int64_t done = 0;
    int rc = 0;

    for (int64_t i = 0; i < n && !rc; i += done) {
        const struct arena_mark mark = arena_mark(a);

        rc = score_pass(d, a, r + i, w, rows + i, n - i, pad, &done, err);
        arena_rewind(a, mark);
    }
    return rc;
}
