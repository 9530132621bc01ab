/* ref.c -- the table of the oracle, and its products. */
#include "backend/ref/ref.h"

#include "backend/host.h"
#include "backend/linear.h"
#include "base/mem.h"

static int
ref_open(struct backend *be, trv_err *err)
{
    (void)err;
    be->prec = PREC_F32;
    be->act_type = DT_F32;
    be->threads = 1;
    be->isa = "ref";
    return 0;
}

static void
ref_close(struct backend *be)
{
    (void)be;
}

/* The packed form is W [out, in] in f32; a master is used where it lies. */
static int
ref_linear_open(struct backend *be, struct linear *lin, trv_err *err)
{
    size_t n;
    int rc = linear_check(lin, err);

    (void)be;
    lin->packed = NULL;
    if (rc || lin->master)
        return rc;
    if (!mem_mul(&n, (size_t)lin->out, (size_t)lin->in))
        return err_fail(err, TRV_ENOMEM, "a linear map too large");
    lin->packed = mem_array(n, sizeof(float));
    if (!lin->packed)
        return err_fail(err, TRV_ENOMEM, "no memory for weights of %zu values",
                        n);
    rc = linear_weights(lin->packed, lin, err);
    if (rc) {
        mem_free(lin->packed);
        lin->packed = NULL;
    }
    return rc;
}

static void
ref_linear_refresh(struct backend *be, struct linear *lin)
{
    (void)be;
    (void)lin;
}

static int
ref_linear_open_backward(struct backend *be, struct linear *lin, trv_err *err)
{
    (void)be;
    (void)lin;
    (void)err;
    return 0;
}

static void
ref_linear_close(struct backend *be, struct linear *lin)
{
    (void)be;
    mem_free(lin->packed);
    lin->packed = NULL;
}

static struct mat
weights(const struct linear *lin)
{
    return mat_f32(lin->master ? lin->master : lin->packed, lin->out, lin->in);
}

/* y = beta*y + alpha * op(a) op(b) + bias */
static void
product(struct mat y, struct mat a, bool ta, struct mat b, bool tb,
        const float *bias, double alpha, double beta)
{
    const int64_t K = ta ? a.rows : a.cols;

    for (int64_t i = 0; i < y.rows; i++)
        for (int64_t j = 0; j < y.cols; j++) {
            double sum = 0;

            for (int64_t k = 0; k < K; k++)
                sum += (ta ? ref_at(a, k, i) : ref_at(a, i, k)) *
                       (tb ? ref_at(b, j, k) : ref_at(b, k, j));
            sum *= alpha;
            if (beta != 0)
                sum += beta * ref_at(y, i, j);
            if (bias)
                sum += (double)bias[j];
            ref_set(y, i, j, sum);
        }
}

static void
ref_linear_forward(struct backend *be, struct mat y, struct mat x,
                   const struct linear *lin, const float *bias, float beta)
{
    (void)be;
    product(y, x, false, weights(lin), true, bias, 1, (double)beta);
}

static void
ref_linear_backward(struct backend *be, struct mat dx, struct mat dy,
                    const struct linear *lin, float beta)
{
    (void)be;
    product(dx, dy, false, weights(lin), false, NULL, 1, (double)beta);
}

static void
ref_matmul(struct backend *be, struct mat y, struct mat a, bool ta,
           struct mat b, bool tb, float alpha, float beta)
{
    (void)be;
    product(y, a, ta, b, tb, NULL, (double)alpha, (double)beta);
}

const struct backend_ops ref_ops = {
    .name = "ref",
    HOST_SLOTS,
    .open = ref_open,
    .close = ref_close,
    .linear_open = ref_linear_open,
    .linear_refresh = ref_linear_refresh,
    .linear_open_backward = ref_linear_open_backward,
    .linear_close = ref_linear_close,
    .linear_forward = ref_linear_forward,
    .linear_backward = ref_linear_backward,
    .matmul = ref_matmul,
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
    .scale = ref_scale,
    .scale_backward = ref_scale_backward,
    .cast = ref_cast,
    .col_sum = ref_col_sum,
    .adamw = ref_adamw,
    .sum_squares = ref_sum_squares,
};
