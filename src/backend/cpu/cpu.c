/* cpu.c -- the table of the fast backend. */
#include "backend/cpu/cpu.h"

#include "backend/ref/ref.h"

static int
cpu_open(struct backend *be, trv_err *err)
{
    const char *isa = be->isa;
    const int rc = ref_ops.open(be, err);

    be->isa = isa;
    return rc;
}

static void
cpu_close(struct backend *be)
{
    ref_ops.close(be);
}

static int
cpu_linear_open(struct backend *be, struct linear *lin, trv_err *err)
{
    return ref_ops.linear_open(be, lin, err);
}

static void
cpu_linear_refresh(struct backend *be, struct linear *lin)
{
    ref_ops.linear_refresh(be, lin);
}

static void
cpu_linear_close(struct backend *be, struct linear *lin)
{
    ref_ops.linear_close(be, lin);
}

static void
cpu_linear_forward(struct backend *be, struct mat y, struct mat x,
                   const struct linear *lin, const float *bias, float beta)
{
    ref_ops.linear_forward(be, y, x, lin, bias, beta);
}

static void
cpu_linear_backward(struct backend *be, struct mat dx, struct mat dy,
                    const struct linear *lin, float beta)
{
    ref_ops.linear_backward(be, dx, dy, lin, beta);
}

static void
cpu_matmul(struct backend *be, struct mat y, struct mat a, bool ta,
           struct mat b, bool tb, float alpha, float beta)
{
    ref_ops.matmul(be, y, a, ta, b, tb, alpha, beta);
}

const struct backend_ops cpu_ops = {
    .name = "cpu",
    .open = cpu_open,
    .close = cpu_close,
    .linear_open = cpu_linear_open,
    .linear_refresh = cpu_linear_refresh,
    .linear_close = cpu_linear_close,
    .linear_forward = cpu_linear_forward,
    .linear_backward = cpu_linear_backward,
    .matmul = cpu_matmul,
    .norm_forward = ref_norm_forward,
    .norm_backward = ref_norm_backward,
    .rope = ref_rope,
    .act_forward = ref_act_forward,
    .act_backward = ref_act_backward,
    .attn_forward = ref_attn_forward,
    .attn_backward = ref_attn_backward,
    .xent = ref_xent,
    .divergence = ref_divergence,
    .softmax = ref_softmax,
    .cast = ref_cast,
    .col_sum = ref_col_sum,
    .adamw = ref_adamw,
    .sum_squares = ref_sum_squares,
};
