/* lora_pass.c -- low-rank terms, forward and backward. */
#include "model/lora_pass.h"

#include "model/decoder.h"

static bool
is_kept(struct lora_drop drop, int64_t row, int64_t col)
{
    return (double)rng_hash(drop.seed, (uint64_t)row, (uint64_t)col) >=
           (double)drop.p * 0x1p32;
}

/* out = x with dropped values zero and kept ones scaled; f32 both. */
static void
drop_rows(struct mat out, struct mat x, struct lora_drop drop, bool add)
{
    const float scale = 1.0f / (1.0f - drop.p);

    for (int64_t r = 0; r < x.rows; r++) {
        const float *src = (const float *)x.data + r * x.ld;
        float *dst = (float *)out.data + r * out.ld;

        for (int64_t c = 0; c < x.cols; c++) {
            const float v = is_kept(drop, r, c) ? src[c] * scale : 0.0f;

            dst[c] = add ? dst[c] + v : v;
        }
    }
}

/* The input that A sees: x itself, or x after dropout in new memory. */
static struct mat
dropped_input(struct backend *be, struct arena *a, struct mat x,
              struct lora_drop drop)
{
    struct mat f, out;

    if (drop.p <= 0.0f)
        return x;
    f = mat_new(a, DT_F32, x.rows, x.cols);
    out = mat_new(a, x.type, x.rows, x.cols);
    if (!f.data || !out.data)
        return (struct mat){0};
    be->ops->cast(be, f, x);
    drop_rows(f, f, drop, false);
    be->ops->cast(be, out, f);
    return out;
}

static struct mat
pair_a(const struct backend *be, const struct lora_pair *p)
{
    return (struct mat){p->a_act, be->act_type, p->rank, p->in, p->in};
}

static struct mat
pair_b(const struct backend *be, const struct lora_pair *p)
{
    return (struct mat){p->b_act, be->act_type, p->out, p->rank, p->rank};
}

static int
no_memory(trv_err *err, const struct lora_pair *p)
{
    return err_fail(err, TRV_ENOMEM,
                    "no memory for a low-rank term of rank %lld",
                    (long long)p->rank);
}

int
lora_forward(struct backend *be, struct arena *a, struct mat y, struct mat x,
             const struct lora_pair *p, struct lora_drop drop, struct mat xa,
             trv_err *err)
{
    const struct arena_mark mark = arena_mark(a);
    struct mat sum = mat_new(a, DT_F32, x.rows, p->rank);

    x = dropped_input(be, a, x, drop);
    if (!sum.data || !x.data)
        return no_memory(err, p);
    be->ops->matmul(be, sum, x, false, pair_a(be, p), true, 1.0f, 0.0f);
    be->ops->cast(be, xa, sum);
    be->ops->matmul(be, y, xa, false, pair_b(be, p), true, p->scale, 1.0f);
    arena_rewind(a, mark);
    return 0;
}

int
lora_backward(struct backend *be, struct arena *a, struct mat dx, struct mat dy,
              struct mat x, struct mat xa, const struct lora_pair *p,
              struct lora_drop drop, trv_err *err)
{
    const struct arena_mark mark = arena_mark(a);
    struct mat z = mat_new(a, DT_F32, dy.rows, p->rank);
    struct mat z_act = mat_new(a, be->act_type, dy.rows, p->rank);
    int rc = 0;

    if (!z.data || !z_act.data)
        return no_memory(err, p);
    be->ops->matmul(be, z, dy, false, pair_b(be, p), false, p->scale, 0.0f);
    be->ops->cast(be, z_act, z);
    if (p->d_b)
        be->ops->matmul(be, mat_f32(p->d_b, p->out, p->rank), dy, true, xa,
                        false, p->scale, 1.0f);
    if (p->d_a) {
        x = dropped_input(be, a, x, drop);
        if (!x.data)
            return no_memory(err, p);
        be->ops->matmul(be, mat_f32(p->d_a, p->rank, p->in), z_act, true, x,
                        false, 1.0f, 1.0f);
    }
    if (dx.data && drop.p <= 0.0f) {
        be->ops->matmul(be, dx, z_act, false, pair_a(be, p), false, 1.0f, 1.0f);
    } else if (dx.data) {
        struct mat dxd = mat_new(a, DT_F32, dx.rows, dx.cols);

        if (!dxd.data)
            return no_memory(err, p);
        be->ops->matmul(be, dxd, z_act, false, pair_a(be, p), false, 1.0f,
                        0.0f);
        drop_rows(dx, dxd, drop, true);
    }
    arena_rewind(a, mark);
    return rc;
}
