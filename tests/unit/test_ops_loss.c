/* test_ops_loss.c -- facts about losses over a vocabulary and the optimiser.
 *
 * Bounds. A log-sum-exp of V logits of size 20 errs by eps * 20 and by eps
 * sqrt(V)/16 of its sum: below 1e-5. A divergence is a mean of differences of
 * logits, each rounded by eps times the logits' size: 1e-5 for logits of size
 * 5. Gradients are probabilities, relative 1e-5 with logits of size 20.
 */
#include "support/ops.h"

#include <math.h>

#include "base/mem.h"

static const int64_t sizes[][2] = {{1, 1},    {3, 5},     {4, 33},
                                   {2, 2048}, {3, 14019}, {1, 49157}};
#define N_SIZES (sizeof(sizes) / sizeof(sizes[0]))

static void
check_xent(struct backend *be[3], int64_t n, int64_t V, double deviation,
           bool grad)
{
    struct mat x[3], logp[3];
    int32_t top[3][8], target[8];
    float coef[8];

    for (int r = 0; r < n; r++) {
        target[r] = r == 2 ? -1 : (int32_t)(r * 7919 % V);
        coef[r] = 0.5f + (float)r;
    }
    for (int i = 0; i < 3; i++) {
        x[i] = ops_mat(n, V, 3, DT_F32, 1, deviation);
        logp[i] = ops_mat(1, n, 0, DT_F32, 1, 1);
        ((float *)x[i].data)[V - 1] = ((float *)x[i].data)[V / 2]; // a tie
        be[i]->ops->xent(be[i], logp[i].data, grad ? NULL : top[i], x[i],
                         target, grad ? coef : NULL);
    }
    ops_assert_near(logp[1], logp[0], 1e-5, 1e-6, "logp");
    ops_assert_near(x[1], x[0], 1e-6, 2e-5, "d logits");
    ops_assert_same(logp[1], logp[2], "logp");
    ops_assert_same(x[1], x[2], "d logits");
    for (int r = 0; r < n && !grad; r++)
        assert_int_equal(top[1][r], top[0][r]);
    for (int i = 0; i < 3; i++) {
        ops_free(x[i]);
        ops_free(logp[i]);
    }
}

static void
check_div(struct backend *be[3], int64_t n, int64_t V, enum divergence kind,
          double deviation, double apart, double bound)
{
    struct mat a = ops_mat(n, V, 3, DT_F32, 1, deviation);
    struct mat b[3], div[3];
    float *noise = ops_random(n * (V + 2), 7, apart);
    float weight[8];

    for (int r = 0; r < n; r++)
        weight[r] = 0.25f + (float)r;
    for (int i = 0; i < 3; i++) {
        b[i] = ops_mat(n, V, 2, DT_F32, 2, 1);
        div[i] = ops_mat(1, n, 0, DT_F32, 1, 1);
        for (int64_t r = 0; r < n; r++)
            for (int64_t c = 0; c < V; c++)
                ((float *)b[i].data)[r * (V + 2) + c] =
                    ((float *)a.data)[r * (V + 3) + c] + noise[r * (V + 2) + c];
        be[i]->ops->divergence(be[i], div[i].data, a, b[i], kind, weight);
    }
    ops_assert_near(div[1], div[0], bound, 1e-5, "divergence");
    ops_assert_near(b[1], b[0], 5 * bound, 3e-5, "d logits of divergence");
    ops_assert_same(div[1], div[2], "divergence");
    ops_assert_same(b[1], b[2], "d logits of divergence");
    for (int i = 0; i < 3; i++) {
        ops_free(b[i]);
        ops_free(div[i]);
    }
    ops_free(a);
    mem_free(noise);
}

static void
each_size(void (*check)(struct backend *be[3], int64_t n, int64_t V))
{
    struct backend *be[3] = {ops_ref(), ops_cpu(PREC_F32, 1),
                             ops_cpu(PREC_F32, 2)};

    for (size_t i = 0; i < N_SIZES; i++)
        check(be, sizes[i][0], sizes[i][1]);
    for (int i = 0; i < 3; i++)
        backend_free(be[i]);
}

static void
check_all(struct backend *be[3], int64_t n, int64_t V)
{
    for (int grad = 0; grad < 2; grad++) {
        check_xent(be, n, V, 5, grad);
        /* Logits of 1e4 round by 5e-4; exp makes that relative. */
        if (V < 3000)
            check_xent(be, n, V, 0.01, grad);
    }
    for (int kind = DIV_FORWARD; kind <= DIV_JSD; kind++) {
        check_div(be, n, V, (enum divergence)kind, 3, 2, 1e-5);
        check_div(be, n, V, (enum divergence)kind, 3, 0.01, 2e-6);
        check_div(be, n, V, (enum divergence)kind, 1, 30, 1e-4);
    }
}

static void
test_ops_losses_are_those_of_the_oracle(void **state)
{
    (void)state;
    each_size(check_all);
}

static void
check_softmax(struct backend *be[3], int64_t n, int64_t V)
{
    for (int t = 0; t < 2; t++) {
        struct mat x[3];

        for (int i = 0; i < 3; i++) {
            x[i] = ops_mat(n, V, 3, DT_F32, 1, 3);
            be[i]->ops->softmax(be[i], x[i], t ? 0.7f : 1.0f);
        }
        ops_assert_near(x[1], x[0], 1e-7, 1e-5, "softmax");
        ops_assert_same(x[1], x[2], "softmax");
        for (int i = 0; i < 3; i++)
            ops_free(x[i]);
    }
}

/* f32 rounds a*x/cap: 1e-7 of what tanh is taken of, which its slope makes no
 * larger; the slope 1 - (y/cap)^2 errs by 4e-7 of 1 where y is near the cap. */
static void
check_scale(struct backend *be[3], int64_t n, int64_t V)
{
    static const float caps[] = {0.0f, 0.5f, 30.0f};

    for (int c = 0; c < 3; c++) {
        struct mat y[3], dy[3];

        for (int i = 0; i < 3; i++) {
            y[i] = ops_mat(n, V, 3, DT_F32, 1, 4);
            dy[i] = ops_mat(n, V, 2, DT_F32, 2, 1);
            be[i]->ops->scale(be[i], y[i], 1.7f, caps[c]);
            be[i]->ops->scale_backward(be[i], dy[i], y[i], 1.7f, caps[c]);
        }
        ops_assert_near(y[1], y[0], 1e-7, 1e-6, "scale");
        ops_assert_near(dy[1], dy[0], 5e-6, 1e-6, "d scale");
        ops_assert_same(y[1], y[2], "scale");
        ops_assert_same(dy[1], dy[2], "d scale");
        for (int i = 0; i < 3; i++) {
            ops_free(y[i]);
            ops_free(dy[i]);
        }
    }
}

static void
test_ops_scale_is_that_of_the_oracle(void **state)
{
    (void)state;
    each_size(check_scale);
}

/* A cap's gradient is the slope of what it gives. */
static void
test_ops_scale_gradient_is_its_slope(void **state)
{
    struct backend *be = ops_ref();

    (void)state;
    for (int i = 0; i < 9; i++) {
        const float x = (float)(i - 4), h = 0x1p-6f;
        float y[3] = {x - h, x, x + h}, d = 1.0f;

        be->ops->scale(be, mat_f32(y, 1, 3), 0.7f, 1.5f);
        be->ops->scale_backward(be, mat_f32(&d, 1, 1), mat_f32(y + 1, 1, 1),
                                0.7f, 1.5f);
        /* the curvature: h^2/6 of a third derivative below 0.7 */
        assert_close((double)d, (double)((y[2] - y[0]) / (2 * h)), 5e-5);
    }
    backend_free(be);
}

static void
test_ops_softmax_is_that_of_the_oracle(void **state)
{
    (void)state;
    each_size(check_softmax);
}

static void
check_extreme(struct backend *be)
{
    float a[40], b[40], logp, div, coef = 1;
    int32_t target = 1, top;

    for (int kind = -1; kind <= DIV_JSD; kind++) {
        for (int i = 0; i < 40; i++) {
            a[i] = i % 3 ? 1e4f : -1e4f;
            b[i] = i % 2 ? -1e4f : 1e4f;
        }
        a[39] = -INFINITY; // a masked token
        if (kind < 0) {
            be->ops->xent(be, &logp, &top, mat_f32(b, 1, 40), &target, &coef);
            assert_close(logp, -20000 - log(20), 0.01);
            assert_int_equal(top, 0);
        } else {
            be->ops->divergence(be, &div, mat_f32(a, 1, 40), mat_f32(b, 1, 40),
                                (enum divergence)kind, &coef);
            /* B has nothing where A is masked, A 13 of 26 where B has none. */
            assert_true(isfinite(div) && div >= 0);
        }
        for (int i = 0; i < 40; i++)
            assert_true(isfinite(b[i]));
    }
}

static void
test_ops_losses_stay_finite_for_extreme_logits(void **state)
{
    const struct backend_options o = {.isa = "ref", .prec = PREC_F32};
    struct backend *be = ops_cpu(PREC_F32, 2);

    (void)state;
    check_extreme(be);
    backend_free(be);
    assert_int_equal(backend_open(&be, &o, NULL), 0);
    check_extreme(be);
    backend_free(be);
}

static void
test_ops_losses_pass_nan_on(void **state)
{
    struct backend *be = ops_cpu(PREC_F32, 1);

    (void)state;
    for (int at = 0; at < 70; at += 23) {
        float a[70] = {0}, b[70] = {0}, out = 0;
        int32_t target = 3, top;

        a[at] = NAN;
        be->ops->xent(be, &out, &top, mat_f32(a, 1, 70), &target, NULL);
        assert_true(isnan(out));
        for (int kind = DIV_FORWARD; kind <= DIV_JSD; kind++) {
            be->ops->divergence(be, &out, mat_f32(a, 1, 70), mat_f32(b, 1, 70),
                                (enum divergence)kind, NULL);
            assert_true(isnan(out));
            be->ops->divergence(be, &out, mat_f32(b, 1, 70), mat_f32(a, 1, 70),
                                (enum divergence)kind, NULL);
            assert_true(isnan(out));
        }
        be->ops->softmax(be, mat_f32(a, 1, 70), 1);
        assert_true(isnan(a[5]));
        assert_true(isnan(be->ops->sum_squares(be, a, 70)));
    }
    backend_free(be);
}

struct slope {
    struct backend *ref;
    struct mat a, b;
    enum divergence kind;
};

static double
functional(void *ctx)
{
    const struct slope *s = ctx;
    float div[3];

    s->ref->ops->divergence(s->ref, div, s->a, s->b, s->kind, NULL);
    return (double)div[0] + 2 * (double)div[1] + 3 * (double)div[2];
}

static double
functional_xent(void *ctx)
{
    const struct slope *s = ctx;
    const int32_t target[3] = {4, -1, 0};
    float logp[3];

    s->ref->ops->xent(s->ref, logp, NULL, s->b, target, NULL);
    return -((double)logp[0] + 2 * (double)logp[1] + 3 * (double)logp[2]);
}

/* Sums of three f32 of size 1 over 0.02: 2e-5; the curvature at most h^2. */
static void
test_ops_loss_gradients_are_slopes_of_the_oracle(void **state)
{
    struct backend *be[2] = {ops_ref(), ops_cpu(PREC_F32, 2)};
    float weight[3] = {1, 2, 3}, out[3];
    const int32_t target[3] = {4, -1, 0};

    (void)state;
    for (int kind = -1; kind <= DIV_JSD; kind++)
        for (int on = 0; on < 2; on++) {
            struct slope s = {be[0], ops_mat(3, 9, 0, DT_F32, 1, 1),
                              ops_mat(3, 9, 0, DT_F32, 2, 1),
                              (enum divergence)kind};
            struct mat d = ops_same(s.b);

            if (kind < 0)
                be[on]->ops->xent(be[on], out, NULL, d, target, weight);
            else
                be[on]->ops->divergence(be[on], out, s.a, d,
                                        (enum divergence)kind, weight);
            for (int i = 0; i < 27; i++)
                assert_close(((float *)d.data)[i],
                             ops_slope(kind < 0 ? functional_xent : functional,
                                       &s, (float *)s.b.data + i, 0.01f),
                             2e-4);
            ops_free(s.a);
            ops_free(s.b);
            ops_free(d);
        }
    backend_free(be[0]);
    backend_free(be[1]);
}

static void
test_ops_adamw_and_sum_squares_are_those_of_the_oracle(void **state)
{
    static const int64_t of[] = {1, 17, 40000};
    struct backend *be[3] = {ops_ref(), ops_cpu(PREC_F32, 1),
                             ops_cpu(PREC_F32, 2)};

    (void)state;
    for (size_t k = 0; k < 3; k++) {
        const int64_t n = of[k];
        struct mat w[3], m[3], v[3], g = ops_mat(1, n, 0, DT_F32, 4, 1);
        double sum[3];

        for (int i = 0; i < 3; i++) {
            w[i] = ops_mat(1, n, 0, DT_F32, 1, 1);
            m[i] = ops_mat(1, n, 0, DT_F32, 2, 0);
            v[i] = ops_mat(1, n, 0, DT_F32, 3, 0);
            for (int step = 1; step <= 3; step++)
                be[i]->ops->adamw(be[i], w[i].data, m[i].data, v[i].data,
                                  g.data, n, 1e-2f, 0.9f, 0.999f, 1e-8f, 0.1f,
                                  step, 0.5f);
            sum[i] = be[i]->ops->sum_squares(be[i], w[i].data, n);
        }
        ops_assert_near(w[1], w[0], 1e-6, 1e-6, "adamw w");
        ops_assert_near(m[1], m[0], 1e-7, 1e-6, "adamw m");
        // a few roundings of f32 in each of three steps, at any size of v
        ops_assert_near(v[1], v[0], 0, 1e-6, "adamw v");
        ops_assert_same(w[1], w[2], "adamw w");
        assert_close(sum[1] / sum[0], 1, 1e-5);
        assert_true(sum[1] == sum[2]);
        for (int i = 0; i < 3; i++) {
            ops_free(w[i]);
            ops_free(m[i]);
            ops_free(v[i]);
        }
        ops_free(g);
    }
    for (int i = 0; i < 3; i++)
        backend_free(be[i]);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ops_losses_are_those_of_the_oracle),
        cmocka_unit_test(test_ops_softmax_is_that_of_the_oracle),
        cmocka_unit_test(test_ops_scale_is_that_of_the_oracle),
        cmocka_unit_test(test_ops_scale_gradient_is_its_slope),
        cmocka_unit_test(test_ops_losses_stay_finite_for_extreme_logits),
        cmocka_unit_test(test_ops_losses_pass_nan_on),
        cmocka_unit_test(test_ops_loss_gradients_are_slopes_of_the_oracle),
        cmocka_unit_test(
            test_ops_adamw_and_sum_squares_are_those_of_the_oracle),
    };

    if (!ops_has_isa())
        return 0;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
