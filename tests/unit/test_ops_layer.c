/* test_ops_layer.c -- facts about norms, rotation, activations and casts.
 *
 * Bounds. Elementwise functions err by a few eps of a value of size 1 to 10:
 * 2e-6 + 2e-6 |x|; sums over C <= 3000 values by sqrt(C) eps: 1e-5; results
 * in bf16 are rounded by 2^-9 of their size.
 */
#include "support/ops.h"

#include <math.h>

#include "base/mem.h"

struct both {
    struct backend *ref, *cpu[2]; // cpu on one and on two threads
    enum dtype out;
    double rel;
};

static bool
both_open(struct both *b, enum precision prec)
{
    b->cpu[0] = ops_cpu(prec, 1);
    b->cpu[1] = ops_cpu(prec, 2);
    b->ref = ops_ref();
    if (!b->cpu[0]) {
        backend_free(b->ref);
        return false;
    }
    b->out = b->cpu[0]->act_type;
    b->rel = b->out == DT_BF16 ? OPS_BF16_EPS : 0;
    return true;
}

static void
both_close(struct both *b)
{
    backend_free(b->ref);
    backend_free(b->cpu[0]);
    backend_free(b->cpu[1]);
}

static const int64_t sizes[][2] = {
    {1, 1}, {3, 7}, {5, 128}, {33, 576}, {20, 515}, {2, 3000},
};
#define N_SIZES (sizeof(sizes) / sizeof(sizes[0]))

static void
check_norm(struct both *b, int64_t T, int64_t C, bool rms)
{
    struct backend *be[3] = {b->ref, b->cpu[0], b->cpu[1]};
    struct mat x = ops_mat(T, C, 3, DT_F32, 1, 2),
               w = ops_mat(1, C, 0, DT_F32, 2, 1);
    struct mat bias = ops_mat(1, C, 0, DT_F32, 3, 1);
    struct mat dy = ops_mat(T, C, 1, DT_F32, 4, 1);
    struct mat y[3], st[3], dx[3], dw[3], db[3];

    for (int i = 0; i < 3; i++) {
        y[i] = ops_mat(T, C, 5, i ? b->out : DT_F32, 5, 1);
        st[i] = ops_mat(T, 2, 0, DT_F32, 6, 1);
        dx[i] = ops_mat(T, C, 2, DT_F32, 7, 1);
        dw[i] = ops_mat(1, C, 0, DT_F32, 8, 1);
        db[i] = ops_mat(1, C, 0, DT_F32, 9, 1);
        be[i]->ops->norm_forward(be[i], y[i], st[i].data, x, w.data,
                                 rms ? NULL : bias.data, 1e-5f, rms);
        be[i]->ops->norm_backward(be[i], dx[i], dw[i].data,
                                  rms ? NULL : db[i].data, dy, x, st[i].data,
                                  w.data, rms);
    }
    /* rstd grows to 300 where C = 1 or all values agree. */
    ops_assert_near(y[1], y[0], 1e-5, 1e-5 + b->rel, "norm");
    ops_assert_near(st[1], st[0], 1e-5, 1e-5, "norm stats");
    ops_assert_near(dx[1], dx[0], C == 1 ? 1e-3 : 3e-5, 3e-5, "norm dx");
    ops_assert_near(dw[1], dw[0], 1e-4, 1e-5, "norm dw");
    ops_assert_near(db[1], db[0], 1e-4, 1e-5, "norm db");
    ops_assert_same(y[1], y[2], "norm");
    ops_assert_same(st[1], st[2], "norm stats");
    ops_assert_same(dx[1], dx[2], "norm dx");
    ops_assert_same(dw[1], dw[2], "norm dw");
    ops_assert_same(db[1], db[2], "norm db");
    for (int i = 0; i < 3; i++) {
        ops_free(y[i]);
        ops_free(st[i]);
        ops_free(dx[i]);
        ops_free(dw[i]);
        ops_free(db[i]);
    }
    ops_free(x);
    ops_free(w);
    ops_free(bias);
    ops_free(dy);
}

static void
test_ops_norm_is_that_of_the_oracle(void **state)
{
    struct both b;

    (void)state;
    for (int prec = PREC_F32; prec <= PREC_BF16; prec++) {
        if (!both_open(&b, (enum precision)prec))
            continue;
        for (size_t i = 0; i < 2 * N_SIZES; i++)
            check_norm(&b, sizes[i / 2][0], sizes[i / 2][1], i % 2);
        both_close(&b);
    }
}

static void
test_ops_rope_is_that_of_the_oracle_and_turns_back(void **state)
{
    static const int64_t of[][3] = {
        {1, 2, 2}, {3, 64, 64}, {2, 80, 32}, {5, 10, 6}};
    struct both b;

    (void)state;
    assert_true(both_open(&b, PREC_F32));
    for (size_t k = 0; k < 2 * sizeof(of) / sizeof(of[0]); k++) {
        const size_t i = k / 2;
        const bool near = k % 2;
        const int64_t heads = of[i][0], D = of[i][1], rot = of[i][2];
        struct mat x = ops_mat(60, heads * D, 3, DT_F32, 1, 1);
        struct mat want = ops_same(x), got = ops_same(x), two = ops_same(x);
        float *cs = ops_random(40 * rot, 2, 1);
        int32_t pos[60];

        for (int p = 0; p < 40; p++)
            for (int64_t j = 0; j < rot / 2; j++) {
                cs[p * rot + j] = (float)cos(p * 0.3 + (double)j);
                cs[p * rot + rot / 2 + j] = (float)sin(p * 0.3 + (double)j);
            }
        for (int t = 0; t < 60; t++)
            pos[t] = t * 7 % 40;
        b.ref->ops->rope(b.ref, want, D, rot, cs, pos, near, false);
        b.cpu[0]->ops->rope(b.cpu[0], got, D, rot, cs, pos, near, false);
        b.cpu[1]->ops->rope(b.cpu[1], two, D, rot, cs, pos, near, false);
        ops_assert_near(got, want, 2e-6, 0, "rope");
        ops_assert_same(got, two, "rope");
        b.cpu[1]->ops->rope(b.cpu[1], got, D, rot, cs, pos, near, true);
        ops_assert_near(got, x, 2e-6, 0, "rope and back");
        b.ref->ops->rope(b.ref, want, D, rot, cs, pos, near, true);
        ops_assert_near(want, x, 2e-6, 0, "the oracle's rope and back");
        ops_free(x);
        ops_free(want);
        ops_free(got);
        ops_free(two);
        mem_free(cs);
    }
    both_close(&b);
}

static void
check_act(struct both *b, int64_t T, int64_t F, enum activation f, bool gated,
          enum dtype in, double deviation)
{
    struct backend *be[3] = {b->ref, b->cpu[0], b->cpu[1]};
    const int64_t width = gated ? 2 * F : F;
    struct mat u = ops_mat(T, width, 3, in, 1, deviation);
    struct mat dh = ops_mat(T, F, 1, in, 2, 1);
    struct mat h[3], du[3];

    for (int i = 0; i < 3; i++) {
        h[i] = ops_mat(T, F, 2, i ? b->out : DT_F32, 3, 1);
        du[i] = ops_mat(T, width, 4, i ? b->out : DT_F32, 4, 1);
        be[i]->ops->act_forward(be[i], h[i], u, f, gated);
        be[i]->ops->act_backward(be[i], du[i], dh, u, f, gated);
    }
    ops_assert_near(h[1], h[0], 2e-6, 2e-6 + b->rel, "act");
    ops_assert_near(du[1], du[0], 4e-6, 4e-6 + b->rel, "act du");
    ops_assert_same(h[1], h[2], "act");
    ops_assert_same(du[1], du[2], "act du");
    for (int i = 0; i < 3; i++) {
        ops_free(h[i]);
        ops_free(du[i]);
    }
    ops_free(u);
    ops_free(dh);
}

static void
test_ops_act_is_that_of_the_oracle(void **state)
{
    struct both b;

    (void)state;
    for (int prec = PREC_F32; prec <= PREC_BF16; prec++) {
        if (!both_open(&b, (enum precision)prec))
            continue;
        for (size_t i = 0; i < N_SIZES; i++)
            for (int f = ACT_GELU_TANH; f <= ACT_RELU; f++)
                for (int g = 0; g < 2; g++)
                    check_act(&b, sizes[i][0], sizes[i][1], (enum activation)f,
                              g, (i & 1) ? b.out : DT_F32, i & 2 ? 1 : 6);
        both_close(&b);
    }
}

static void
test_ops_act_holds_at_the_ends_of_the_numbers(void **state)
{
    static const float ends[] = {0.0f,  -0.0f,  1e-38f, -1e-38f,
                                 88.0f, -88.0f, 300.0f, -300.0f,
                                 1e20f, -1e20f, 10.0f,  -10.0f};
    const int64_t n = sizeof(ends) / sizeof(ends[0]);
    struct both b;

    (void)state;
    assert_true(both_open(&b, PREC_F32));
    for (int f = ACT_GELU_TANH; f <= ACT_RELU; f++) {
        float u[16], h[16], du[16], one[16], want[16], d_want[16];

        for (int i = 0; i < 16; i++) {
            u[i] = i < n ? ends[i] : NAN;
            one[i] = 1;
        }
        b.cpu[0]->ops->act_forward(b.cpu[0], mat_f32(h, 1, 16),
                                   mat_f32(u, 1, 16), (enum activation)f,
                                   false);
        b.cpu[0]->ops->act_backward(b.cpu[0], mat_f32(du, 1, 16),
                                    mat_f32(one, 1, 16), mat_f32(u, 1, 16),
                                    (enum activation)f, false);
        b.ref->ops->act_forward(b.ref, mat_f32(want, 1, 16), mat_f32(u, 1, 16),
                                (enum activation)f, false);
        b.ref->ops->act_backward(b.ref, mat_f32(d_want, 1, 16),
                                 mat_f32(one, 1, 16), mat_f32(u, 1, 16),
                                 (enum activation)f, false);
        ops_assert_near(mat_f32(h, 1, 16), mat_f32(want, 1, 16), 1e-30, 3e-6,
                        "act at the ends");
        ops_assert_near(mat_f32(du, 1, 16), mat_f32(d_want, 1, 16), 1e-6, 3e-6,
                        "slope at the ends");
    }
    both_close(&b);
}

static void
test_ops_col_sum_adds_and_cast_rounds_to_even(void **state)
{
    struct both b;

    (void)state;
    assert_true(both_open(&b, PREC_F32));
    for (size_t i = 0; i < N_SIZES; i++) {
        const int64_t T = sizes[i][0] * 9, C = sizes[i][1];
        struct mat dy = ops_mat(T, C, 3, DT_F32, 1, 1);
        struct mat sum = ops_mat(1, C, 0, DT_F32, 2, 1);
        struct mat want = ops_same(sum), two = ops_same(sum);
        struct mat half = ops_mat(T, C, 1, DT_BF16, 3, 1);
        struct mat half_want = ops_same(half), back = ops_same(dy);

        b.ref->ops->col_sum(b.ref, want.data, dy);
        b.cpu[0]->ops->col_sum(b.cpu[0], sum.data, dy);
        b.cpu[1]->ops->col_sum(b.cpu[1], two.data, dy);
        ops_assert_near(sum, want, 1e-5 * (double)T, 0, "col_sum");
        ops_assert_same(sum, two, "col_sum");
        ((float *)dy.data)[0] = NAN;
        b.ref->ops->cast(b.ref, half_want, dy);
        b.cpu[1]->ops->cast(b.cpu[1], half, dy);
        ops_assert_near(half, half_want, 0, 0, "cast");
        b.cpu[1]->ops->cast(b.cpu[1], back, half);
        ops_assert_near(back, half, 0, 0, "cast back");
        ops_free(dy);
        ops_free(sum);
        ops_free(want);
        ops_free(two);
        ops_free(half);
        ops_free(half_want);
        ops_free(back);
    }
    both_close(&b);
}

static void
test_ops_columns_are_scaled_and_multiplied_by_parts(void **state)
{
    struct both b;

    (void)state;
    assert_true(both_open(&b, PREC_F32));
    for (size_t i = 0; i < N_SIZES; i++) {
        const int64_t T = sizes[i][0] * 9, C = sizes[i][1];
        struct mat x = ops_mat(T, C, 3, DT_F32, 1, 1);
        struct mat y = ops_mat(T, C, 1, DT_F32, 2, 1);
        struct mat a = ops_mat(1, C, 0, DT_F32, 3, 1);
        struct mat e = ops_mat(1, C, 0, DT_F32, 4, 1);
        struct mat sum = ops_mat(1, C, 0, DT_F32, 5, 1), was = ops_same(sum);
        double dots = 0;

        b.cpu[0]->ops->dot_columns(b.cpu[0], sum.data, x, y);
        for (int64_t t = 0; t < T; t++)
            dots += (double)((float *)x.data)[t * x.ld] *
                    (double)((float *)y.data)[t * y.ld];
        assert_close((double)((float *)sum.data)[0],
                     dots + (double)((float *)was.data)[0], 1e-6 * (double)T);
        b.cpu[0]->ops->scale_columns(b.cpu[0], y, x, a.data, e.data);
        for (int64_t t = 0; t < T; t++)
            assert_close((double)((float *)y.data)[t * y.ld + C - 1],
                         (double)((float *)x.data)[t * x.ld + C - 1] *
                                 (double)((float *)a.data)[C - 1] +
                             (double)((float *)e.data)[C - 1],
                         1e-6);
        b.cpu[0]->ops->scale_columns(b.cpu[0], x, x, a.data, NULL);
        ops_free(x);
        ops_free(y);
        ops_free(a);
        ops_free(e);
        ops_free(sum);
        ops_free(was);
    }
    both_close(&b);
}

/* Slopes of sum(c * norm(x)) and sum(c * act(u)) by the oracle's forward. */
struct slope {
    struct backend *ref;
    struct mat x, y, c, w, b;
    enum activation f;
    bool act, rms;
};

static double
functional(void *ctx)
{
    const struct slope *s = ctx;
    double sum = 0;

    if (s->act)
        s->ref->ops->act_forward(s->ref, s->y, s->x, s->f, true);
    else
        s->ref->ops->norm_forward(s->ref, s->y, NULL, s->x, s->w.data,
                                  s->rms ? NULL : s->b.data, 1e-5f, s->rms);
    for (int64_t r = 0; r < s->y.rows; r++)
        for (int64_t c = 0; c < s->y.cols; c++)
            sum += ops_at(s->c, r, c) * ops_at(s->y, r, c);
    return sum;
}

/* Outputs rounded to f32: 1e-7 sqrt(60) / 0.01 errs by 1e-4. */
static void
assert_slopes(struct slope *s, struct mat x, struct mat d, const char *what)
{
    for (int64_t i = 0; i < x.rows * x.cols; i += 3) {
        const int64_t r = i / x.cols, c = i % x.cols;
        const double want =
            ops_slope(functional, s, (float *)x.data + r * x.ld + c, 0.01f);

        if (fabs(ops_at(d, r, c) - want) > 1e-3 + 1e-3 * fabs(want))
            fail_msg("%s at %lld,%lld: %g, but the slope is %g", what,
                     (long long)r, (long long)c, ops_at(d, r, c), want);
    }
}

static void
test_ops_layer_gradients_are_slopes_of_the_oracle(void **state)
{
    struct both b;

    (void)state;
    assert_true(both_open(&b, PREC_F32));
    for (int i = 0; i < 5; i++)
        for (int on = 0; on < 2; on++) {
            struct backend *be = on ? b.cpu[1] : b.ref;
            struct slope s = {.ref = b.ref,
                              .x = ops_mat(4, i < 3 ? 14 : 12, 1, DT_F32, 1, 1),
                              .y = ops_mat(4, i < 3 ? 7 : 12, 0, DT_F32, 2, 1),
                              .c = ops_mat(4, i < 3 ? 7 : 12, 2, DT_F32, 3, 1),
                              .w = ops_mat(1, 12, 0, DT_F32, 4, 1),
                              .b = ops_mat(1, 12, 0, DT_F32, 5, 1),
                              .f = (enum activation)i,
                              .act = i < 3,
                              .rms = i == 4};
            struct mat dx = ops_mat(4, s.x.cols, 0, DT_F32, 1, 0);
            struct mat dw = ops_mat(1, 12, 0, DT_F32, 1, 0), db = ops_same(dw);
            float st[8];

            if (s.act) {
                be->ops->act_backward(be, dx, s.c, s.x, s.f, true);
            } else {
                be->ops->norm_forward(be, s.y, st, s.x, s.w.data,
                                      s.rms ? NULL : s.b.data, 1e-5f, s.rms);
                be->ops->norm_backward(be, dx, dw.data, s.rms ? NULL : db.data,
                                       s.c, s.x, st, s.w.data, s.rms);
                assert_slopes(&s, s.w, dw, "norm dw");
                if (!s.rms)
                    assert_slopes(&s, s.b, db, "norm db");
            }
            assert_slopes(&s, s.x, dx, s.act ? "act du" : "norm dx");
            ops_free(s.x);
            ops_free(s.y);
            ops_free(s.c);
            ops_free(s.w);
            ops_free(s.b);
            ops_free(dx);
            ops_free(dw);
            ops_free(db);
        }
    both_close(&b);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ops_norm_is_that_of_the_oracle),
        cmocka_unit_test(test_ops_rope_is_that_of_the_oracle_and_turns_back),
        cmocka_unit_test(test_ops_act_is_that_of_the_oracle),
        cmocka_unit_test(test_ops_act_holds_at_the_ends_of_the_numbers),
        cmocka_unit_test(test_ops_col_sum_adds_and_cast_rounds_to_even),
        cmocka_unit_test(test_ops_columns_are_scaled_and_multiplied_by_parts),
        cmocka_unit_test(test_ops_layer_gradients_are_slopes_of_the_oracle),
    };

    if (!ops_has_isa())
        return 0;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
