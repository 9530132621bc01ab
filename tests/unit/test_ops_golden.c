/* test_ops_golden.c -- both backends against PyTorch's values and gradients
 * (golden/ops/gen_ops.py, float64).
 *
 * Bounds. Inputs are exact in f32; results of size up to 10 are rounded to f32
 * and, on the fast backend, gathered in f32 over at most 16 terms: 2e-5.
 */
#include "support/ops.h"

#include <math.h>

#include "base/mem.h"
#include "base/file.h"

#define BOUND 2e-5
#define MOST 128

static char *golden; // the whole file

struct array {
    float v[MOST];
    int n;
};

/* Find the line "name n values...". */
static struct array
get(const char *name)
{
    const size_t len = strlen(name);
    struct array a = {.n = 0};
    char *p = golden;

    while (p && !(strncmp(p, name, len) == 0 && p[len] == ' ')) {
        p = strchr(p, '\n');
        p = p ? p + 1 : NULL;
    }
    assert_non_null(p);
    p += len;
    a.n = (int)strtol(p, &p, 10);
    assert_in_range(a.n, 1, MOST);
    for (int i = 0; i < a.n; i++)
        a.v[i] = strtof(p, &p);
    return a;
}

static void
near(const float *got, const char *name)
{
    const struct array want = get(name);

    for (int i = 0; i < want.n; i++)
        if (!(fabs((double)got[i] - (double)want.v[i]) <= BOUND))
            fail_msg("%s[%d] is %g, not %g", name, i, (double)got[i],
                     (double)want.v[i]);
}

static void
each_backend(void (*check)(struct backend *be))
{
    struct backend *be[2] = {ops_ref(), ops_cpu(PREC_F32, 2)};

    for (int i = 0; i < 2; i++) {
        check(be[i]);
        backend_free(be[i]);
    }
}

static void
check_norm(struct backend *be)
{
    struct array x = get("norm_x"), w = get("norm_w"), b = get("norm_b");
    struct array dy = get("norm_dy");

    for (int rms = 0; rms < 2; rms++) {
        float y[30], st[6], dx[30] = {0}, dw[10] = {0}, db[10] = {0};

        be->ops->norm_forward(be, mat_f32(y, 3, 10), st, mat_f32(x.v, 3, 10),
                              w.v, rms ? NULL : b.v, 1e-5f, rms);
        be->ops->norm_backward(be, mat_f32(dx, 3, 10), dw, rms ? NULL : db,
                               mat_f32(dy.v, 3, 10), mat_f32(x.v, 3, 10), st,
                               w.v, rms);
        near(y, rms ? "rms_y" : "layer_y");
        near(dx, rms ? "rms_dx" : "layer_dx");
        near(dw, rms ? "rms_dw" : "layer_dw");
        if (!rms)
            near(db, "layer_db");
    }
}

static void
check_act(struct backend *be)
{
    static const char *const name[][2] = {
        [ACT_GELU_TANH] = {"act_gelu_tanh", "act_d_gelu_tanh"},
        [ACT_GELU_ERF] = {"act_gelu_erf", "act_d_gelu_erf"},
        [ACT_SILU] = {"act_silu", "act_d_silu"},
        [ACT_RELU] = {"act_relu", "act_d_relu"},
    };
    struct array u = get("act_u"), dh = get("act_dh");

    for (int f = ACT_GELU_TANH; f <= ACT_RELU; f++) {
        float h[16], du[32];

        be->ops->act_forward(be, mat_f32(h, 2, 8), mat_f32(u.v, 2, 16),
                             (enum activation)f, true);
        be->ops->act_backward(be, mat_f32(du, 2, 16), mat_f32(dh.v, 2, 8),
                              mat_f32(u.v, 2, 16), (enum activation)f, true);
        near(h, name[f][0]);
        near(du, name[f][1]);
    }
}

static void
check_attn(struct backend *be)
{
    struct array q = get("attn_q"), k = get("attn_k"), v = get("attn_v");
    struct array dout = get("attn_dout");
    const struct attn_span span = {0, 5};
    const struct attn_seg seg = {0, 5, 1, &span};
    const struct attn_plan plan = {1, &seg, 4, 2, 6, 0, 1 / sqrtf(6), 0};
    float out[120], lse[20], dq[120], dk[60] = {0}, dv[60] = {0};

    be->ops->attn_forward(be, mat_f32(out, 5, 24), lse, mat_f32(q.v, 5, 24),
                          mat_f32(k.v, 5, 12), mat_f32(v.v, 5, 12), &plan);
    be->ops->attn_backward(be, mat_f32(dq, 5, 24), mat_f32(dk, 5, 12),
                           mat_f32(dv, 5, 12), mat_f32(dout.v, 5, 24),
                           mat_f32(out, 5, 24), lse, mat_f32(q.v, 5, 24),
                           mat_f32(k.v, 5, 12), mat_f32(v.v, 5, 12), &plan);
    near(out, "attn_out");
    near(dq, "attn_dq");
    near(dk, "attn_dk");
    near(dv, "attn_dv");
}

static void
check_loss(struct backend *be)
{
    static const char *const name[][2] = {
        [DIV_FORWARD] = {"div_forward", "div_d_forward"},
        [DIV_REVERSE] = {"div_reverse", "div_d_reverse"},
        [DIV_JSD] = {"div_jsd", "div_d_jsd"},
    };
    const int32_t target[3] = {4, 10, 0};
    const float coef[3] = {1.0f, 0.5f, 2.0f};
    struct array a = get("loss_a"), b = get("loss_b");
    float out[3];

    be->ops->xent(be, out, NULL, mat_f32(b.v, 3, 11), target, coef);
    near(out, "xent_logp");
    near(b.v, "xent_d");
    for (int kind = DIV_FORWARD; kind <= DIV_JSD; kind++) {
        b = get("loss_b");
        be->ops->divergence(be, out, mat_f32(a.v, 3, 11), mat_f32(b.v, 3, 11),
                            (enum divergence)kind, coef);
        near(out, name[kind][0]);
        near(b.v, name[kind][1]);
    }
}

static void
check_adamw(struct backend *be)
{
    struct array w = get("adamw_w"), g = get("adamw_g");
    float m[7] = {0}, v[7] = {0};

    for (int step = 1; step <= 3; step++)
        be->ops->adamw(be, w.v, m, v, g.v + 7 * (step - 1), 7, 0.01f, 0.9f,
                       0.98f, 1e-6f, 0.1f, step, 1);
    near(w.v, "adamw_after");
}

static void
test_ops_norms_and_gradients_are_those_of_pytorch(void **state)
{
    (void)state;
    each_backend(check_norm);
}

static void
test_ops_activations_and_gradients_are_those_of_pytorch(void **state)
{
    (void)state;
    each_backend(check_act);
}

static void
test_ops_attention_and_gradients_are_those_of_pytorch(void **state)
{
    (void)state;
    each_backend(check_attn);
}

static void
test_ops_losses_and_gradients_are_those_of_pytorch(void **state)
{
    (void)state;
    each_backend(check_loss);
}

static void
test_ops_adamw_is_that_of_pytorch(void **state)
{
    (void)state;
    each_backend(check_adamw);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ops_norms_and_gradients_are_those_of_pytorch),
        cmocka_unit_test(
            test_ops_activations_and_gradients_are_those_of_pytorch),
        cmocka_unit_test(test_ops_attention_and_gradients_are_those_of_pytorch),
        cmocka_unit_test(test_ops_losses_and_gradients_are_those_of_pytorch),
        cmocka_unit_test(test_ops_adamw_is_that_of_pytorch),
    };
    struct strbuf text = {0};
    trv_err err;
    int failed;

    if (!ops_has_isa())
        return 0;
    if (file_read(&text, test_source("golden/ops/ops.txt"), 1 << 20, &err)) {
        printf("%s\n", err.msg);
        return 1;
    }
    golden = sb_take(&text);
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    mem_free(golden);
    return failed;
}
