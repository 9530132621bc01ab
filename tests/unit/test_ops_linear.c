/* test_ops_linear.c -- facts about products, against the oracle.
 *
 * Bounds. A = |x| |W|^T. Summing K terms in f32 errs by at most K eps A and,
 * the roundings being independent, by some sqrt(K) eps A; 4 deviations and a
 * few roundings of beta and bias are granted: (4 sqrt(K) + 8) eps A. Rounding
 * both inputs to bf16 adds at most (2^-9 + 2^-9) A.
 */
#include "support/ops.h"

#include <math.h>

#include "backend/linear.h"
#include "base/mem.h"

static double
factor(const struct backend *be, int64_t K)
{
    return OPS_EPS * (4 * sqrt((double)K) + 8) +
           (be->prec == PREC_BF16 ? OPS_BF16_EPS : 0);
}

struct shape {
    int64_t M, in, out;
};
static const struct shape shapes[] = {
    {1, 1, 1},      {3, 7, 5},     {1, 128, 384}, {16, 128, 128},
    {37, 96, 160},  {2, 160, 448}, {65, 33, 100}, {300, 33, 48},
    {1040, 20, 24}, {3, 300, 515}, {531, 40, 66},
};
#define N_SHAPES (sizeof(shapes) / sizeof(shapes[0]))

/* A map of one, two or three parts of random type and size. */
struct map {
    struct linear lin;
    struct tensor part[LINEAR_PARTS];
    void *data[LINEAR_PARTS];
};

static void
map_make(struct map *m, int64_t in, int64_t out, int parts, bool transposed,
         enum dtype type)
{
    memset(m, 0, sizeof(*m));
    m->lin.in = in;
    m->lin.out = out;
    m->lin.transposed = transposed;
    m->lin.n_parts = parts;
    for (int p = 0; p < parts; p++) {
        const int64_t n = p + 1 < parts ? out / parts : out - p * (out / parts);
        struct mat w = ops_mat(transposed ? in : n, transposed ? n : in, 0,
                               type, 100 + (uint64_t)p, 0.5);

        m->data[p] = w.data;
        m->part[p] = (struct tensor){.name = "w",
                                     .type = type,
                                     .n_dims = 2,
                                     .dim = {w.rows, w.cols},
                                     .data = w.data,
                                     .bytes = (size_t)(w.rows * w.cols) *
                                              (type == DT_F32 ? 4 : 2)};
        m->lin.part[p] = &m->part[p];
    }
}

static void
map_master(struct map *m, int64_t in, int64_t out)
{
    memset(m, 0, sizeof(*m));
    m->lin.in = in;
    m->lin.out = out;
    m->lin.master = ops_random(in * out, 5, 0.5);
}

static void
map_free(struct map *m)
{
    for (int p = 0; p < LINEAR_PARTS; p++)
        mem_free(m->data[p]);
    mem_free(m->lin.master);
}

/* |W| as an f32 master. */
static void
map_abs(struct map *a, const struct map *m)
{
    const int64_t n = m->lin.in * m->lin.out;
    trv_err err;

    memset(a, 0, sizeof(*a));
    a->lin.in = m->lin.in;
    a->lin.out = m->lin.out;
    a->lin.master = ops_random(n, 1, 0);
    assert_int_equal(linear_weights(a->lin.master, &m->lin, &err), 0);
    for (int64_t i = 0; i < n; i++)
        a->lin.master[i] = fabsf(a->lin.master[i]);
}

struct run {
    struct mat y; // y or dx
    const float *bias;
    float beta;
    bool backward;
};

static void
run_on(struct backend *be, struct linear lin, struct run r, struct mat x)
{
    trv_err err;

    assert_int_equal(be->ops->linear_open(be, &lin, &err), 0);
    if (r.backward)
        be->ops->linear_backward(be, r.y, x, &lin, r.beta);
    else
        be->ops->linear_forward(be, r.y, x, &lin, r.bias, r.beta);
    be->ops->linear_close(be, &lin);
}

static void
check_run(struct backend *be[2], struct backend *ref, const struct map *m,
          const struct map *abs_m, int64_t M, bool backward, float beta,
          bool with_bias, enum dtype x_type)
{
    const int64_t in = backward ? m->lin.out : m->lin.in;
    const int64_t out = backward ? m->lin.in : m->lin.out;
    struct mat x = ops_mat(M, in, 3, x_type, 11, 1);
    struct mat y = ops_mat(M, out, 5, DT_F32, 12, 1);
    struct mat y2 = ops_same(y), want = ops_same(y), scale = ops_abs(y);
    struct mat ax = ops_abs(x);
    float *bias = with_bias ? ops_random(out, 13, 1) : NULL;
    float *abs_bias = with_bias ? ops_random(out, 13, 1) : NULL;

    for (int64_t i = 0; i < out && with_bias; i++)
        abs_bias[i] = fabsf(abs_bias[i]);
    if (beta == 0) { // is never read
        for (int64_t r = 0; r < M; r++)
            for (int64_t c = 0; c < out; c++)
                ((float *)y.data)[r * y.ld + c] = NAN;
        memcpy(y2.data, y.data, (size_t)(M * y.ld) * sizeof(float));
    }
    run_on(ref, m->lin, (struct run){want, bias, beta, backward}, x);
    run_on(ref, abs_m->lin,
           (struct run){scale, abs_bias, fabsf(beta), backward}, ax);
    run_on(be[0], m->lin, (struct run){y, bias, beta, backward}, x);
    run_on(be[1], m->lin, (struct run){y2, bias, beta, backward}, x);
    ops_assert_within(y, want, scale, factor(be[0], in),
                      backward ? "linear_backward" : "linear_forward");
    ops_assert_same(y, y2, "linear");
    ops_free(x);
    ops_free(y);
    ops_free(y2);
    ops_free(want);
    ops_free(scale);
    ops_free(ax);
    mem_free(bias);
    mem_free(abs_bias);
}

static void
check_map(enum precision prec, const struct map *m, int64_t M)
{
    struct backend *be[2] = {ops_cpu(prec, 1), ops_cpu(prec, 2)};
    struct backend *ref = ops_ref();
    struct map abs_m;

    if (be[0]) {
        map_abs(&abs_m, m);
        check_run(be, ref, m, &abs_m, M, false, 0, true, DT_F32);
        check_run(be, ref, m, &abs_m, M, false, 1, false, be[0]->act_type);
        check_run(be, ref, m, &abs_m, M, true, 0, false, be[0]->act_type);
        check_run(be, ref, m, &abs_m, M, true, 1, false, DT_F32);
        map_free(&abs_m);
    }
    backend_free(be[0]);
    backend_free(be[1]);
    backend_free(ref);
}

static void
check_all(enum precision prec)
{
    for (size_t i = 0; i < N_SHAPES; i++) {
        const struct shape s = shapes[i];
        struct map m;

        map_make(&m, s.in, s.out, s.out >= 48 ? 3 : 1, false,
                 i % 2 ? DT_F32 : DT_BF16);
        check_map(prec, &m, s.M);
        map_free(&m);
    }
}

static void
test_ops_linear_f32_is_that_of_the_oracle(void **state)
{
    (void)state;
    check_all(PREC_F32);
}

static void
test_ops_linear_bf16_is_that_of_the_oracle(void **state)
{
    (void)state;
    check_all(PREC_BF16);
}

static void
test_ops_linear_takes_transposed_and_trained_weights(void **state)
{
    struct map m;

    (void)state;
    for (int prec = PREC_F32; prec <= PREC_BF16; prec++) {
        map_make(&m, 96, 200, 1, true, DT_F32);
        check_map((enum precision)prec, &m, 19);
        map_free(&m);
        map_make(&m, 40, 192, 3, true, DT_BF16);
        check_map((enum precision)prec, &m, 8);
        map_free(&m);
        map_master(&m, 70, 65);
        check_map((enum precision)prec, &m, 33);
        map_free(&m);
    }
}

static void
test_ops_linear_refresh_takes_in_a_changed_master(void **state)
{
    struct map m;
    struct mat x = ops_mat(5, 70, 0, DT_F32, 3, 1);
    struct mat y = ops_mat(5, 65, 0, DT_F32, 4, 1), old = ops_same(y);
    struct mat dx = ops_same(x);
    trv_err err;

    (void)state;
    map_master(&m, 70, 65);
    for (int prec = PREC_F32; prec <= PREC_BF16; prec++) {
        struct backend *be = ops_cpu((enum precision)prec, 2);

        if (!be)
            continue;
        assert_int_equal(be->ops->linear_open(be, &m.lin, &err), 0);
        assert_int_equal(be->ops->linear_open_backward(be, &m.lin, &err), 0);
        be->ops->linear_forward(be, old, x, &m.lin, NULL, 0);
        for (int64_t i = 0; i < 70 * 65; i++)
            m.lin.master[i] *= 2;
        be->ops->linear_refresh(be, &m.lin);
        be->ops->linear_forward(be, y, x, &m.lin, NULL, 0);
        for (int64_t i = 0; i < 5 * 65; i++) // doubling is exact
            assert_true(((float *)y.data)[i] == 2 * ((float *)old.data)[i]);
        be->ops->linear_backward(be, dx, y, &m.lin, 0);
        be->ops->linear_backward(be, dx, old, &m.lin, -2);
        for (int64_t i = 0; i < 5 * 70; i++)
            assert_true(isfinite(((float *)dx.data)[i]));
        be->ops->linear_close(be, &m.lin);
        backend_free(be);
    }
    map_free(&m);
    ops_free(x);
    ops_free(y);
    ops_free(old);
    ops_free(dx);
}

/* What full training does: a map is opened frozen and gets a master later. */
static void
test_ops_linear_refresh_leaves_the_frozen_weights_for_a_master(void **state)
{
    struct mat x = ops_mat(5, 70, 0, DT_F32, 1, 1);
    struct mat dy = ops_mat(5, 64, 0, DT_F32, 2, 1);
    trv_err err;

    (void)state;
    for (int k = 0; k < 8; k++) { // precision, transposed, one part or two
        struct backend *be = ops_cpu(k & 1 ? PREC_BF16 : PREC_F32, 2);
        struct mat y = ops_mat(5, 64, 0, DT_F32, 3, 1), want = ops_same(y);
        struct mat dx = ops_mat(5, 70, 0, DT_F32, 4, 1), d_want = ops_same(dx);
        struct map m, trained;

        map_make(&m, 70, 64, k & 4 ? 2 : 1, k & 2, DT_F32);
        map_master(&trained, 70, 64);
        if (be) {
            assert_int_equal(be->ops->linear_open(be, &m.lin, &err), 0);
            m.lin.master = ops_copy(trained.lin.master, (int64_t)70 * 64);
            be->ops->linear_refresh(be, &m.lin);
            assert_int_equal(be->ops->linear_open_backward(be, &m.lin, &err),
                             0);
            assert_int_equal(be->ops->linear_open(be, &trained.lin, &err), 0);
            be->ops->linear_forward(be, y, x, &m.lin, NULL, 0);
            be->ops->linear_forward(be, want, x, &trained.lin, NULL, 0);
            ops_assert_same(y, want, "forward");
            be->ops->linear_backward(be, dx, dy, &m.lin, 0);
            be->ops->linear_backward(be, d_want, dy, &trained.lin, 0);
            ops_assert_same(dx, d_want, "backward");
            be->ops->linear_close(be, &m.lin);
            be->ops->linear_close(be, &trained.lin);
        }
        backend_free(be);
        map_free(&m);
        map_free(&trained);
        ops_free(y);
        ops_free(want);
        ops_free(dx);
        ops_free(d_want);
    }
    ops_free(x);
    ops_free(dy);
}

static void
check_matmul(enum precision prec, int64_t M, int64_t N, int64_t K, bool ta,
             bool tb, enum dtype a_type, enum dtype b_type, float alpha,
             float beta)
{
    struct backend *be[2] = {ops_cpu(prec, 1), ops_cpu(prec, 2)};
    struct backend *ref = ops_ref();
    struct mat a = ops_mat(ta ? K : M, ta ? M : K, 2, a_type, 21, 1);
    struct mat b = ops_mat(tb ? N : K, tb ? K : N, 1, b_type, 22, 1);
    struct mat y = ops_mat(M, N, 3, DT_F32, 23, 1), y2 = ops_same(y);
    struct mat want = ops_same(y), scale = ops_abs(y);
    struct mat aa = ops_abs(a), ab = ops_abs(b);

    if (be[0]) {
        ref->ops->matmul(ref, want, a, ta, b, tb, alpha, beta);
        ref->ops->matmul(ref, scale, aa, ta, ab, tb, fabsf(alpha), fabsf(beta));
        be[0]->ops->matmul(be[0], y, a, ta, b, tb, alpha, beta);
        be[1]->ops->matmul(be[1], y2, a, ta, b, tb, alpha, beta);
        ops_assert_within(y, want, scale, factor(be[0], K), "matmul");
        ops_assert_same(y, y2, "matmul");
    }
    backend_free(be[0]);
    backend_free(be[1]);
    backend_free(ref);
    ops_free(a);
    ops_free(b);
    ops_free(y);
    ops_free(y2);
    ops_free(want);
    ops_free(scale);
    ops_free(aa);
    ops_free(ab);
}

static void
test_ops_matmul_is_that_of_the_oracle_in_every_orientation(void **state)
{
    static const struct shape sizes[] = {
        {1, 1, 1},    {7, 5, 3},     {33, 16, 100},  {300, 16, 48},
        {16, 96, 65}, {16, 48, 529}, {129, 130, 40},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
        for (int o = 0; o < 4; o++) {
            const struct shape s = sizes[i];
            const bool ta = o & 1, tb = o & 2;

            check_matmul(PREC_F32, s.M, s.in, s.out, ta, tb, DT_F32, DT_F32, 1,
                         0);
            check_matmul(PREC_F32, s.M, s.in, s.out, ta, tb, DT_F32, DT_F32,
                         0.5f, 1);
            check_matmul(PREC_BF16, s.M, s.in, s.out, ta, tb, DT_BF16, DT_BF16,
                         2, 1);
            check_matmul(PREC_BF16, s.M, s.in, s.out, ta, tb, DT_BF16, DT_F32,
                         1, -0.5f);
            check_matmul(PREC_BF16, s.M, s.in, s.out, ta, tb, DT_F32, DT_F32, 1,
                         1);
        }
}

static void
test_ops_products_pass_nan_on(void **state)
{
    (void)state;
    for (int prec = PREC_F32; prec <= PREC_BF16; prec++) {
        struct backend *be = ops_cpu((enum precision)prec, 2);
        struct mat a = ops_mat(20, 30, 0, DT_F32, 1, 1);
        struct mat b = ops_mat(30, 40, 0, DT_F32, 2, 1);
        struct mat y = ops_mat(20, 40, 0, DT_F32, 3, 1);

        ((float *)a.data)[7 * 30 + 9] = NAN;
        if (be) {
            be->ops->matmul(be, y, a, false, b, false, 1, 0);
            for (int64_t c = 0; c < 40; c++) {
                assert_true(isnan(ops_at(y, 7, c)));
                assert_true(isfinite(ops_at(y, 8, c)));
            }
        }
        backend_free(be);
        ops_free(a);
        ops_free(b);
        ops_free(y);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ops_linear_f32_is_that_of_the_oracle),
        cmocka_unit_test(test_ops_linear_bf16_is_that_of_the_oracle),
        cmocka_unit_test(test_ops_linear_takes_transposed_and_trained_weights),
        cmocka_unit_test(test_ops_linear_refresh_takes_in_a_changed_master),
        cmocka_unit_test(
            test_ops_linear_refresh_leaves_the_frozen_weights_for_a_master),
        cmocka_unit_test(
            test_ops_matmul_is_that_of_the_oracle_in_every_orientation),
        cmocka_unit_test(test_ops_products_pass_nan_on),
    };

    if (!ops_has_isa())
        return 0;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
