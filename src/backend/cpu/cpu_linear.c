/* cpu_linear.c -- linear maps and general products.
 *
 * Weights. In bf16, and in f32 where they are frozen, a map is packed once
 * into the layout of the forward product; the backward product wants another
 * one, made when it is first needed. In f32 what already lies in memory as
 * [out,in] (a master, a mapped F32 tensor) serves the backward product as it
 * is, and a master serves both: it changes at every step.
 *
 * Rows. Making a primitive costs what 100 to 500 rows of a small model cost,
 * and M differs from step to step. So M is cut into 1024, 512, 256, a multiple
 * of 16 and a rest below 16: at most 33 primitives for each shape ever, at
 * most 5 calls for a product up to 2047 rows. A row's result does not depend
 * on the cut where `brg` multiplies (onednn.h).
 */
#include "backend/cpu/cpu_state.h"

#include <omp.h>

#include "backend/linear.h"
#include "base/mem.h"

/* bf16 copies of f32 operands live in scratch: at most this much, and never
 * less than 16 rows. */
#define CONVERT_BYTES ((size_t)64 << 20)
#define FILL_VALUES ((int64_t)1 << 20) // of f32 read at once while packing

struct cpu_packed {
    struct onednn_weights *forward;  // [in,out]; NULL: plain serves
    struct onednn_weights *backward; // [out,in]; NULL: plain, or not yet made
    const float *plain;              // [out,in] where it lies in f32; or NULL
    float *own;                      // plain, where it had to be copied
};

static int64_t
piece(int64_t left)
{
    if (left >= 1024)
        return 1024;
    if (left >= 512)
        return 512;
    if (left >= 256)
        return 256;
    return left >= 16 ? left & ~(int64_t)15 : left;
}

/* Weights as they lie in the map of the file, where that is what we need. */
static const float *
mapped(const struct linear *lin)
{
    const struct tensor *t = lin->part[0];

    if (lin->n_parts != 1 || lin->transposed || t->type != DT_F32 ||
        t->unpermute_heads || (uintptr_t)t->data % sizeof(float) != 0)
        return NULL;
    return t->data;
}

/* src is a block of the file: inputs i0.., outputs o0.., at si and so. */
static bool
fill_block(struct onednn *od, struct onednn_weights *w, bool backward,
           int64_t i0, int64_t ni, int64_t o0, int64_t no, const float *src,
           int64_t si, int64_t so)
{
    return backward ? onednn_weights_fill(od, w, o0, no, i0, ni, src, so, si)
                    : onednn_weights_fill(od, w, i0, ni, o0, no, src, si, so);
}

/* A few rows of the file at a time, so that f32 never lies there whole. */
static bool
fill_by_blocks(struct onednn *od, struct onednn_weights *w,
               const struct linear *lin, bool backward)
{
    int64_t o0 = 0;
    bool ok = true;

    for (int p = 0; p < lin->n_parts && ok; p++) {
        const struct tensor *t = lin->part[p];
        const int64_t rows = tensor_rows(t), cols = tensor_cols(t);
        int64_t at_once = FILL_VALUES / cols & ~(int64_t)63;
        float *buf;

        at_once = at_once < 64 ? 64 : at_once;
        at_once = at_once > rows ? rows : at_once;
        buf = mem_array((size_t)at_once, sizeof(float) * (size_t)cols);
        if (!buf)
            return false;
        for (int64_t r = 0; r < rows && ok; r += at_once) {
            const int64_t n = rows - r < at_once ? rows - r : at_once;

            tensor_rows_f32(buf, t, r, n);
            ok = lin->transposed
                     ? fill_block(od, w, backward, r, n, o0, cols, buf, cols, 1)
                     : fill_block(od, w, backward, 0, cols, o0 + r, n, buf, 1,
                                  cols);
        }
        mem_free(buf);
        o0 += lin->transposed ? cols : rows;
    }
    return ok;
}

static int
fill(struct onednn *od, struct onednn_weights *w, const struct linear *lin,
     bool backward, trv_err *err)
{
    float *all;
    int rc;

    if (lin->master)
        return fill_block(od, w, backward, 0, lin->in, 0, lin->out, lin->master,
                          1, lin->in)
                   ? 0
                   : err_fail(err, TRV_ENOMEM, "cannot pack weights");
    if (fill_by_blocks(od, w, lin, backward))
        return 0;
    /* Parts that begin inside a block of the layout. */
    all = mem_array((size_t)lin->out, sizeof(float) * (size_t)lin->in);
    if (!all)
        return err_fail(err, TRV_ENOMEM, "no memory to read weights");
    rc = linear_weights(all, lin, err);
    if (!rc &&
        !fill_block(od, w, backward, 0, lin->in, 0, lin->out, all, 1, lin->in))
        rc = err_fail(err, TRV_ENOMEM, "cannot pack weights");
    mem_free(all);
    return rc;
}

static int
pack(struct onednn_weights **out, struct onednn *od, const struct linear *lin,
     enum dtype type, bool backward, trv_err *err)
{
    int rc = onednn_weights_open(out, od, backward ? lin->out : lin->in,
                                 backward ? lin->in : lin->out, type, err);

    if (rc)
        return rc;
    rc = fill(od, *out, lin, backward, err);
    if (rc) {
        onednn_weights_free(*out);
        *out = NULL;
    }
    return rc;
}

/* What lies in f32, or must: without packed products W is read as it is. */
static int
find_plain(struct cpu_packed *p, struct backend *be, const struct linear *lin,
           trv_err *err)
{
    if (be->prec != PREC_F32)
        return 0;
    p->plain = lin->master ? lin->master : mapped(lin);
    if (p->plain || onednn_has_products(cpu_state(be)->od))
        return 0;
    p->own = mem_array((size_t)lin->out, sizeof(float) * (size_t)lin->in);
    if (!p->own)
        return err_fail(err, TRV_ENOMEM, "no memory for weights");
    p->plain = p->own;
    return linear_weights(p->own, lin, err);
}

int
cpu_linear_open(struct backend *be, struct linear *lin, trv_err *err)
{
    struct cpu_state *st = cpu_state(be);
    struct cpu_packed *p;
    int rc = linear_check(lin, err);

    lin->packed = NULL;
    if (rc)
        return rc;
    p = mem_calloc(1, sizeof(*p));
    if (!p)
        return err_fail(err, TRV_ENOMEM, "no memory for a linear map");
    lin->packed = p;
    rc = find_plain(p, be, lin, err);
    if (!rc && onednn_has_products(st->od) &&
        !(be->prec == PREC_F32 && lin->master))
        rc = pack(&p->forward, st->od, lin, be->act_type, false, err);
    /* 16 rows of either side fit the scratch from here on. */
    if (!rc &&
        !cpu_scratch(be, 16 * sizeof(bf16) *
                             (size_t)(lin->in > lin->out ? lin->in : lin->out)))
        rc = err_fail(err, TRV_ENOMEM, "no memory for scratch");
    if (rc)
        cpu_linear_close(be, lin);
    return rc;
}

void
cpu_linear_refresh(struct backend *be, struct linear *lin)
{
    struct cpu_state *st = cpu_state(be);
    struct cpu_packed *p = lin->packed;

    if (!lin->master)
        return;
    if (be->prec == PREC_F32) { // a frozen map learns from now on
        onednn_weights_free(p->forward);
        onednn_weights_free(p->backward);
        mem_free(p->own);
        *p = (struct cpu_packed){.plain = lin->master};
        return;
    }
    if (p->forward)
        TRV_ASSERT(fill(st->od, p->forward, lin, false, NULL) == 0);
    if (p->backward)
        TRV_ASSERT(fill(st->od, p->backward, lin, true, NULL) == 0);
}

void
cpu_linear_close(struct backend *be, struct linear *lin)
{
    struct cpu_packed *p = lin->packed;

    (void)be;
    if (!p)
        return;
    onednn_weights_free(p->forward);
    onednn_weights_free(p->backward);
    mem_free(p->own);
    mem_free(p);
    lin->packed = NULL;
}

/* Without primitives: tiles of fixed size, each the work of one thread. */
static void
tiles(struct backend *be, struct mat y, struct mat a, bool ta, struct mat b,
      bool tb, float alpha, float beta)
{
    const int64_t th = y.rows > 192 ? 192 : y.rows;
    const int64_t tw = th > 48 ? 128 : 64;
    const int64_t down = (y.rows + th - 1) / th,
                  across = (y.cols + tw - 1) / tw;
    const int64_t K = ta ? a.rows : a.cols;

    /* A region of one thread does not count as one: there the library would
     * start its own. */
    omp_set_num_threads(be->threads);
#pragma omp parallel for schedule(static) num_threads(be->threads)
    for (int64_t i = 0; i < down * across; i++) {
        const int64_t r = i / across * th, c = i % across * tw;
        const int64_t m = y.rows - r < th ? y.rows - r : th;
        const int64_t n = y.cols - c < tw ? y.cols - c : tw;

        onednn_sgemm(mat_part(y, r, m, c, n),
                     ta ? mat_part(a, 0, K, r, m) : mat_part(a, r, m, 0, K), ta,
                     tb ? mat_part(b, c, n, 0, K) : mat_part(b, 0, K, c, n), tb,
                     alpha, beta);
    }
}

/* y = beta*y + bias, before a product that adds */
static void
add_bias(struct backend *be, struct mat y, const float *bias, float beta)
{
#pragma omp parallel for schedule(static) num_threads(be->threads)
    for (int64_t t = 0; t < y.rows; t++) {
        float *row = (float *)y.data + t * y.ld;

        for (int64_t i = 0; i < y.cols; i++)
            row[i] = beta == 0 ? bias[i] : beta * row[i] + bias[i];
    }
}

/* Rows t.. of x in the type of the products; x itself where it is of it. */
static struct mat
convert(struct backend *be, struct mat x, int64_t t, int64_t n, void *scratch)
{
    const struct vec_ops *vec = cpu_state(be)->vec;
    struct mat out = mat_part(x, t, n, 0, x.cols);

    if (x.type == be->act_type)
        return out;
    if (be->act_type == DT_F32) {
        out = mat_f32(scratch, n, x.cols);
#pragma omp parallel for schedule(static) num_threads(be->threads)
        for (int64_t i = 0; i < n; i++)
            vec->to_f32((float *)scratch + i * x.cols,
                        (const bf16 *)x.data + (t + i) * x.ld, x.cols);
        return out;
    }
    out = (struct mat){scratch, DT_BF16, n, x.cols, x.cols};
#pragma omp parallel for schedule(static) num_threads(be->threads)
    for (int64_t i = 0; i < n; i++)
        vec->to_bf16((bf16 *)scratch + i * x.cols,
                     (const float *)x.data + (t + i) * x.ld, x.cols);
    return out;
}

/* Scratch for the conversion of up to *rows rows; fewer where memory is short.
 */
static void *
convert_scratch(struct backend *be, struct mat x, int64_t *rows)
{
    const size_t row = (be->act_type == DT_F32 ? 4 : 2) * (size_t)x.cols;
    void *p = NULL;

    if (x.type == be->act_type)
        return NULL;
    if (*rows > 16 && (size_t)*rows * row > CONVERT_BYTES) {
        *rows = (int64_t)(CONVERT_BYTES / row) & ~(int64_t)15;
        *rows = *rows < 16 ? 16 : *rows;
    }
    while (!(p = cpu_scratch(be, (size_t)*rows * row)) && *rows > 16)
        *rows = *rows / 2 < 16 ? 16 : *rows / 2 & ~(int64_t)15;
    TRV_ASSERT(p);
    return p;
}

/* y = beta*y + x W^T + bias or x W, by pieces of rows. */
static void
by_rows(struct backend *be, struct mat y, struct mat x, struct mat plain,
        bool tb, const struct onednn_weights *packed, const float *bias,
        float beta)
{
    struct onednn *od = cpu_state(be)->od;
    int64_t most = x.rows > 1024 ? 1024 : x.rows;
    void *scratch = convert_scratch(be, x, &most);

    for (int64_t t = 0, n; t < x.rows; t += n) {
        struct mat part;

        n = piece(x.rows - t < most ? x.rows - t : most);
        part = convert(be, x, t, n, scratch);
        if (onednn_has_products(od) &&
            onednn_product(od, mat_part(y, t, n, 0, y.cols), part, false, plain,
                           tb, packed, bias, 1, beta))
            continue;
        if (bias)
            add_bias(be, mat_part(y, t, n, 0, y.cols), bias, beta);
        tiles(be, mat_part(y, t, n, 0, y.cols), part, false, plain, tb, 1,
              bias ? 1 : beta);
    }
}

/* The plain weights as a mat; its data is only read. */
static struct mat
plain_of(const struct cpu_packed *p, const struct linear *lin)
{
    union {
        const float *in;
        float *out;
    } w = {p->plain};

    return mat_f32(w.out, lin->out, lin->in);
}

void
cpu_linear_forward(struct backend *be, struct mat y, struct mat x,
                   const struct linear *lin, const float *bias, float beta)
{
    const struct cpu_packed *p = lin->packed;

    by_rows(be, y, x, plain_of(p, lin), true, p->forward, bias, beta);
}

int
cpu_linear_open_backward(struct backend *be, struct linear *lin, trv_err *err)
{
    struct cpu_packed *p = lin->packed;

    if (p->backward || p->plain)
        return 0;
    return pack(&p->backward, cpu_state(be)->od, lin, be->act_type, true, err);
}

void
cpu_linear_backward(struct backend *be, struct mat dx, struct mat dy,
                    const struct linear *lin, float beta)
{
    struct cpu_packed *p = lin->packed;

    if (!p->backward && !p->plain)
        TRV_ASSERT(pack(&p->backward, cpu_state(be)->od, lin, be->act_type,
                        true, NULL) == 0);
    by_rows(be, dx, dy, plain_of(p, lin), false, p->backward, NULL, beta);
}

/* Both operands in one type: bf16 where either is and bf16 is multiplied. */
static struct mat
as_type(struct backend *be, struct mat m, enum dtype type, char **scratch)
{
    const struct vec_ops *vec = cpu_state(be)->vec;
    struct mat out = {*scratch, type, m.rows, m.cols, m.cols};

    if (m.type == type)
        return m;
#pragma omp parallel for schedule(static) num_threads(be->threads)
    for (int64_t i = 0; i < m.rows; i++)
        if (type == DT_BF16)
            vec->to_bf16((bf16 *)out.data + i * m.cols,
                         (const float *)m.data + i * m.ld, m.cols);
        else
            vec->to_f32((float *)out.data + i * m.cols,
                        (const bf16 *)m.data + i * m.ld, m.cols);
    *scratch += ((size_t)m.rows * (size_t)m.cols *
                     (type == DT_F32 ? sizeof(float) : sizeof(bf16)) +
                 63) &
                ~(size_t)63;
    return out;
}

static size_t
as_type_bytes(struct mat m, enum dtype type)
{
    return m.type == type
               ? 0
               : (size_t)m.rows * (size_t)m.cols *
                         (type == DT_F32 ? sizeof(float) : sizeof(bf16)) +
                     64;
}

static void
matmul_piece(struct backend *be, struct mat y, struct mat a, bool ta,
             struct mat b, bool tb, float alpha, float beta)
{
    struct onednn *od = cpu_state(be)->od;

    if (onednn_has_products(od) &&
        onednn_product(od, y, a, ta, b, tb, NULL, NULL, alpha, beta))
        return;
    tiles(be, y, a, ta, b, tb, alpha, beta);
}

/* Tokens are the rows of a: of y where a is not transposed, else the sum. */
void
cpu_matmul(struct backend *be, struct mat y, struct mat a, bool ta,
           struct mat b, bool tb, float alpha, float beta)
{
    const enum dtype type =
        be->prec == PREC_BF16 && (a.type == DT_BF16 || b.type == DT_BF16)
            ? DT_BF16
            : DT_F32;
    const size_t bytes = as_type_bytes(a, type) + as_type_bytes(b, type);
    char *scratch = bytes ? cpu_scratch(be, bytes) : NULL;

    TRV_ASSERT(!bytes || scratch);
    a = as_type(be, a, type, &scratch);
    b = as_type(be, b, type, &scratch);
    for (int64_t t = 0, n; t < a.rows; t += n) {
        n = piece(a.rows - t);
        if (!ta)
            matmul_piece(be, mat_part(y, t, n, 0, y.cols),
                         mat_part(a, t, n, 0, a.cols), ta, b, tb, alpha, beta);
        else
            matmul_piece(be, y, mat_part(a, t, n, 0, a.cols), ta,
                         tb ? mat_part(b, 0, b.rows, t, n)
                            : mat_part(b, t, n, 0, b.cols),
                         tb, alpha, t ? 1 : beta);
    }
}
