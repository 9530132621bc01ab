/* host.c -- memory that is the host's, and moves within it.
 *
 * Sums here are one addition a value, in the order of the rows: every backend
 * on the host gives the same bits.
 */
#include "backend/host.h"

#include <string.h>

#include "base/mem.h"
#include "base/rng.h"

void *
host_mem_alloc(struct backend *be, size_t bytes)
{
    (void)be;
    return mem_alloc(bytes);
}

void
host_mem_free(struct backend *be, void *p)
{
    (void)be;
    mem_free(p);
}

void
host_move(struct backend *be, void *dst, const void *src, size_t bytes)
{
    (void)be;
    if (dst != src)
        memcpy(dst, src, bytes);
}

static void *
row_of(struct mat m, int64_t row)
{
    return (char *)m.data + (size_t)(row * m.ld) * mat_value_bytes(m);
}

static void
copy_row(struct mat y, int64_t i, struct mat x, int64_t j)
{
    memcpy(row_of(y, i), row_of(x, j), (size_t)y.cols * mat_value_bytes(y));
}

static void
add_row(struct mat y, int64_t i, struct mat x, int64_t j)
{
    float *to = row_of(y, i);
    const float *from = row_of(x, j);

    for (int64_t c = 0; c < y.cols; c++)
        to[c] += from[c];
}

void
host_load(struct backend *be, struct mat y, const struct tensor *t,
          const int32_t *at)
{
    (void)be;
    TRV_ASSERT(y.type == DT_F32 && y.cols == tensor_cols(t));
    if (!at && y.ld == y.cols) {
        tensor_rows_f32(y.data, t, 0, y.rows);
        return;
    }
    for (int64_t i = 0; i < y.rows; i++)
        if (!at || at[i] >= 0)
            tensor_rows_f32(row_of(y, i), t, at ? at[i] : i, 1);
}

void
host_zero(struct backend *be, struct mat y)
{
    const size_t row = (size_t)y.cols * mat_value_bytes(y);

    (void)be;
    if (y.ld == y.cols) {
        memset(y.data, 0, (size_t)y.rows * row);
        return;
    }
    for (int64_t i = 0; i < y.rows; i++)
        memset(row_of(y, i), 0, row);
}

void
host_copy(struct backend *be, struct mat y, struct mat x)
{
    (void)be;
    TRV_ASSERT(y.type == x.type && y.cols == x.cols &&
               (y.rows == x.rows || x.rows == 1));
    if (y.rows == x.rows && y.ld == y.cols && x.ld == x.cols) {
        memcpy(y.data, x.data, (size_t)(y.rows * y.cols) * mat_value_bytes(y));
        return;
    }
    for (int64_t i = 0; i < y.rows; i++)
        copy_row(y, i, x, x.rows == 1 ? 0 : i);
}

void
host_add(struct backend *be, struct mat y, struct mat x)
{
    (void)be;
    TRV_ASSERT(y.type == DT_F32 && x.type == DT_F32 && y.cols == x.cols &&
               (y.rows == x.rows || x.rows == 1));
    for (int64_t i = 0; i < y.rows; i++)
        add_row(y, i, x, x.rows == 1 ? 0 : i);
}

void
host_gather(struct backend *be, struct mat y, struct mat x, const int64_t *at)
{
    (void)be;
    TRV_ASSERT(y.type == x.type && y.cols == x.cols);
    for (int64_t i = 0; i < y.rows; i++)
        if (at[i] >= 0)
            copy_row(y, i, x, at[i]);
}

void
host_scatter(struct backend *be, struct mat y, const int64_t *at, struct mat x)
{
    (void)be;
    TRV_ASSERT(y.type == x.type && y.cols == x.cols);
    for (int64_t i = 0; i < x.rows; i++)
        if (at[i] >= 0)
            copy_row(y, at[i], x, i);
}

void
host_scatter_add(struct backend *be, struct mat y, const int64_t *at,
                 struct mat x)
{
    (void)be;
    TRV_ASSERT(y.type == DT_F32 && x.type == DT_F32 && y.cols == x.cols);
    for (int64_t i = 0; i < x.rows; i++)
        if (at[i] >= 0)
            add_row(y, at[i], x, i);
}

void
host_mix(struct backend *be, struct mat y, float a, struct mat x, float b)
{
    const int64_t V = y.cols < x.cols ? y.cols : x.cols;

    (void)be;
    for (int64_t i = 0; i < y.rows; i++) {
        float *to = row_of(y, i);
        const float *from = row_of(x, i);

        for (int64_t v = 0; v < V; v++)
            to[v] = a * to[v] + b * from[v];
        for (int64_t v = V; v < y.cols; v++)
            to[v] = -1e30f;
    }
}

void
host_scale_columns(struct backend *be, struct mat y, struct mat x,
                   const float *a, const float *b)
{
    (void)be;
    for (int64_t i = 0; i < y.rows; i++) {
        float *to = row_of(y, i);
        const float *from = row_of(x, i);

        for (int64_t c = 0; c < y.cols; c++)
            to[c] = from[c] * a[c] + (b ? b[c] : 0.0f);
    }
}

void
host_dot_columns(struct backend *be, float *d, struct mat x, struct mat y)
{
    enum { STRIP = 64 };

    (void)be;
    for (int64_t c0 = 0; c0 < x.cols; c0 += STRIP) {
        const int64_t n = x.cols - c0 < STRIP ? x.cols - c0 : STRIP;
        double sum[STRIP] = {0};

        for (int64_t i = 0; i < x.rows; i++) {
            const float *p = (const float *)row_of(x, i) + c0;
            const float *q = (const float *)row_of(y, i) + c0;

            for (int64_t c = 0; c < n; c++)
                sum[c] += (double)p[c] * (double)q[c];
        }
        for (int64_t c = 0; c < n; c++)
            d[c0 + c] = (float)((double)d[c0 + c] + sum[c]);
    }
}

static bool
is_kept(float p, uint64_t seed, int64_t row, int64_t col)
{
    return (double)rng_hash(seed, (uint64_t)row, (uint64_t)col) >=
           (double)p * 0x1p32;
}

void
host_dropout(struct backend *be, struct mat y, struct mat x, float p,
             uint64_t seed, bool add)
{
    const float scale = 1.0f / (1.0f - p);

    (void)be;
    for (int64_t r = 0; r < x.rows; r++) {
        const float *src = row_of(x, r);
        float *dst = row_of(y, r);

        for (int64_t c = 0; c < x.cols; c++) {
            const float v = is_kept(p, seed, r, c) ? src[c] * scale : 0.0f;

            dst[c] = add ? dst[c] + v : v;
        }
    }
}
