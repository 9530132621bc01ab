/* lora_pass.c -- low-rank terms, forward and backward. */
#include "model/decoder/lora_pass.h"

#include "model/decoder/decoder.h"

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
    be->ops->dropout(be, f, f, drop.p, drop.seed, false);
    be->ops->cast(be, out, f);
    return out;
}

struct lora_stack
lora_stack_of(const struct lora *l, const struct model_config *cfg,
              int64_t layer, const enum part *parts, int n_parts)
{
    struct lora_stack s = {0};
    int64_t col = 0;

    for (int i = 0; l && i < n_parts; i++) {
        const struct lora_pair *pair = lora_at(l, layer, parts[i]);
        int64_t out, in;

        part_shape(&out, &in, cfg, parts[i]);
        if (pair->a) {
            s.pair[s.n] = pair;
            s.col[s.n] = col;
            s.from[s.n++] = s.rank;
            s.rank += pair->rank;
            s.in = in;
            s.out_sum += out;
        }
        col += out;
    }
    return s;
}

/* One part of a stack, as a stack of its own. */
static struct lora_stack
only_part(const struct lora_stack *s, int i)
{
    return (struct lora_stack){.n = 1,
                               .pair = {s->pair[i]},
                               .col = {s->col[i]},
                               .rank = s->pair[i]->rank,
                               .in = s->in,
                               .out_sum = s->pair[i]->out};
}

/* Each part's dropout is its own: then there is no product in common. */
static bool
is_parted(const struct lora_stack *s, struct lora_drop drop)
{
    return drop.p > 0.0f && s->n > 1;
}

static struct lora_drop
part_drop(struct lora_drop drop, int i)
{
    drop.seed += (uint64_t)i * 0x9e3779b97f4a7c15u;
    return drop;
}

/* The A of all parts, [R, in]: neighbours, by the layout of struct lora. */
static struct mat
stack_a(const struct backend *be, const struct lora_stack *s)
{
    return (struct mat){s->pair[0]->a_act, be->act_type, s->rank, s->in, s->in};
}

static struct mat
pair_b(const struct backend *be, const struct lora_pair *p)
{
    return (struct mat){p->b_act, be->act_type, p->out, p->rank, p->rank};
}

static int
no_memory(trv_err *err, const struct lora_stack *s)
{
    return err_fail(err, TRV_ENOMEM,
                    "no memory for a low-rank term of rank %lld",
                    (long long)s->rank);
}

/* row [1,out] = scale * bias of a pair; data NULL without memory. */
static struct mat
scaled_bias(struct backend *be, struct arena *a, const struct lora_pair *p)
{
    const struct mat row = mat_new(a, DT_F32, 1, p->out);

    if (row.data) {
        be->ops->zero(be, row);
        be->ops->mix(be, row, 0.0f, mat_f32(p->bias, 1, p->out), p->scale);
    }
    return row;
}

/* d_bias += scale * the column sums of dy. */
static int
bias_gradient(struct backend *be, struct arena *a, const struct lora_pair *p,
              struct mat dy, trv_err *err)
{
    struct mat sum = mat_new(a, DT_F32, 1, p->out), wide = dy;

    if (dy.type != DT_F32)
        wide = mat_new(a, DT_F32, dy.rows, dy.cols);
    if (!sum.data || !wide.data)
        return err_fail(err, TRV_ENOMEM, "no memory for a bias");
    if (dy.type != DT_F32)
        be->ops->cast(be, wide, dy);
    be->ops->zero(be, sum);
    be->ops->col_sum(be, sum.data, wide);
    be->ops->mix(be, mat_f32(p->d_bias, 1, p->out), 1.0f, sum, p->scale);
    return 0;
}

int
lora_forward(struct backend *be, struct arena *a, struct mat y, struct mat x,
             const struct lora_stack *s, struct lora_drop drop, struct mat xa,
             trv_err *err)
{
    const struct arena_mark mark = arena_mark(a);
    struct mat sum;
    int rc = 0;

    for (int i = 0; is_parted(s, drop) && i < s->n && !rc; i++) {
        const struct lora_stack one = only_part(s, i);

        rc = lora_forward(be, a, y, x, &one, part_drop(drop, i),
                          mat_part(xa, 0, xa.rows, s->from[i], one.rank), err);
    }
    if (is_parted(s, drop))
        return rc;
    sum = mat_new(a, DT_F32, x.rows, s->rank);
    x = dropped_input(be, a, x, drop);
    if (!sum.data || !x.data)
        return no_memory(err, s);
    be->ops->matmul(be, sum, x, false, stack_a(be, s), true, 1.0f, 0.0f);
    be->ops->cast(be, xa, sum);
    for (int i = 0; i < s->n; i++) {
        const struct lora_pair *p = s->pair[i];

        be->ops->matmul(be, mat_part(y, 0, y.rows, s->col[i], p->out),
                        mat_part(xa, 0, xa.rows, s->from[i], p->rank), false,
                        pair_b(be, p), true, p->scale, 1.0f);
        if (p->bias) {
            const struct mat row = scaled_bias(be, a, p);

            if (!row.data)
                return no_memory(err, s);
            be->ops->add(be, mat_part(y, 0, y.rows, s->col[i], p->out), row);
        }
    }
    arena_rewind(a, mark);
    return 0;
}

/* dx += z A, through the dropout of x where there is one. */
static int
input_gradient(struct backend *be, struct arena *a, struct mat dx, struct mat z,
               const struct lora_stack *s, struct lora_drop drop, trv_err *err)
{
    struct mat dxd;

    if (drop.p <= 0.0f) {
        be->ops->matmul(be, dx, z, false, stack_a(be, s), false, 1.0f, 1.0f);
        return 0;
    }
    dxd = mat_new(a, DT_F32, dx.rows, dx.cols);
    if (!dxd.data)
        return no_memory(err, s);
    be->ops->matmul(be, dxd, z, false, stack_a(be, s), false, 1.0f, 0.0f);
    be->ops->dropout(be, dx, dxd, drop.p, drop.seed, true);
    return 0;
}

int
lora_backward(struct backend *be, struct arena *a, struct mat dx, struct mat dy,
              struct mat x, struct mat xa, const struct lora_stack *s,
              struct lora_drop drop, trv_err *err)
{
    const struct arena_mark mark = arena_mark(a);
    float *d_a = s->pair[0]->d_a; // of all parts, as A
    struct mat z, z_act;
    int rc = 0;

    for (int i = 0; is_parted(s, drop) && i < s->n && !rc; i++) {
        const struct lora_stack one = only_part(s, i);

        rc = lora_backward(be, a, dx, dy, x,
                           mat_part(xa, 0, xa.rows, s->from[i], one.rank), &one,
                           part_drop(drop, i), err);
    }
    if (is_parted(s, drop))
        return rc;
    z = mat_new(a, DT_F32, dy.rows, s->rank);
    z_act = mat_new(a, be->act_type, dy.rows, s->rank);
    if (!z.data || !z_act.data)
        return no_memory(err, s);
    for (int i = 0; i < s->n; i++) {
        const struct lora_pair *p = s->pair[i];
        const struct mat dy_p = mat_part(dy, 0, dy.rows, s->col[i], p->out);

        be->ops->matmul(be, mat_part(z, 0, z.rows, s->from[i], p->rank), dy_p,
                        false, pair_b(be, p), false, p->scale, 0.0f);
        if (p->d_b)
            be->ops->matmul(be, mat_f32(p->d_b, p->out, p->rank), dy_p, true,
                            mat_part(xa, 0, xa.rows, s->from[i], p->rank),
                            false, p->scale, 1.0f);
        if (p->d_bias)
            rc = bias_gradient(be, a, p, dy_p, err);
        if (rc)
            return rc;
    }
    be->ops->cast(be, z_act, z);
    if (d_a) {
        x = dropped_input(be, a, x, drop);
        if (!x.data)
            return no_memory(err, s);
        be->ops->matmul(be, mat_f32(d_a, s->rank, s->in), z_act, true, x, false,
                        1.0f, 1.0f);
    }
    if (dx.data)
        rc = input_gradient(be, a, dx, z_act, s, drop, err);
    arena_rewind(a, mark);
    return rc;
}
