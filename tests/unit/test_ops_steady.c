/* test_ops_steady.c -- results are the same, bit for bit, however many threads
 * compute, whatever was computed before, and in a row whatever rows come with
 * it.
 *
 * The order of the shapes matters: oneDNN keeps what it has made and compares
 * no strides along dimensions of 1, so each shape is asked for with gaps and
 * transposed first, and plain at last.
 */
#include "support/ops.h"

#include "backend/cpu/cpu_state.h"
#include "base/mem.h"

static const int threads[] = {1, 2, 3, 8};
#define N_THREADS ((int)(sizeof(threads) / sizeof(threads[0])))

static bool
backends_open(struct backend *be[N_THREADS], enum precision prec)
{
    for (int i = 0; i < N_THREADS; i++)
        be[i] = ops_cpu(prec, threads[i]);
    return be[0] != NULL;
}

static void
backends_free(struct backend *be[N_THREADS])
{
    for (int i = 0; i < N_THREADS; i++)
        backend_free(be[i]);
}

/* One product; gap: 1 in a, 2 in b, 4 in y. */
struct product {
    int64_t M, N, K;
    bool ta, tb;
    int gap;
    float alpha, beta;
    enum dtype type;
    bool bare; // of oneDNN itself, without the cuts of cpu_linear.c
};

static struct mat
product_run(struct backend *be, const struct product *p)
{
    const int64_t M = p->M, N = p->N, K = p->K;
    struct mat a = ops_mat(p->ta ? K : M, p->ta ? M : K, p->gap & 1 ? 32 : 0,
                           p->type, 1, 1);
    struct mat b = ops_mat(p->tb ? N : K, p->tb ? K : N, p->gap & 2 ? 32 : 0,
                           p->type, 2, 1);
    struct mat y = ops_mat(M, N, p->gap & 4 ? 32 : 0, DT_F32, 3, 1);

    if (!p->bare)
        be->ops->matmul(be, y, a, p->ta, b, p->tb, p->alpha, p->beta);
    else if (onednn_has_products(cpu_state(be)->od))
        onednn_product(cpu_state(be)->od, y, a, p->ta, b, p->tb, NULL, NULL,
                       p->alpha, p->beta);
    ops_free(a);
    ops_free(b);
    return y;
}

static void
check_threads(struct backend *be[N_THREADS], const struct product *p)
{
    struct mat y = product_run(be[0], p);
    char what[160];

    snprintf(what, sizeof(what),
             "%s: %s product, K %lld, ta %d, tb %d, gap %d, beta %g",
             be[0]->prec == PREC_F32 ? "f32" : "bf16",
             p->bare ? "a bare" : "the", (long long)p->K, p->ta, p->tb, p->gap,
             (double)p->beta);
    for (int i = 1; i < N_THREADS; i++) {
        struct mat z = product_run(be[i], p);

        ops_assert_same(y, z, what);
        ops_free(z);
    }
    ops_free(y);
}

static void
check_products(enum precision prec)
{
    static const int64_t sizes[][3] = {
        // M, N, K
        {1, 128, 16},  {1, 1, 64},     {1, 16, 1},     {1, 64, 128},
        {2, 1, 31},    {5, 3, 1},      {15, 17, 8},    {16, 48, 96},
        {17, 16, 576}, {33, 65, 2},    {64, 16, 1040}, {130, 192, 32},
        {1, 16, 2048}, {48, 16, 3072}, {1, 1, 4096},
    };
    struct backend *be[N_THREADS];

    if (!backends_open(be, prec)) {
        backends_free(be);
        return;
    }
    for (size_t s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++)
        for (int o = 3; o >= 0; o--)
            for (int gap = 8; gap > 0; gap /= 2)
                for (int f = 0; f < 2; f++)
                    check_threads(
                        be, &(struct product){
                                sizes[s][0], sizes[s][1], sizes[s][2], o & 1,
                                o & 2, gap - 1, f ? 2 : 1, f ? 1 : 0,
                                prec == PREC_BF16 && f ? DT_BF16 : DT_F32, 0});
    backends_free(be);
}

static void
test_ops_steady_products_do_not_hang_on_threads_or_history(void **state)
{
    (void)state;
    check_products(PREC_F32);
    check_products(PREC_BF16);
}

/* Here brg would share K among threads without columns. */
static void
test_ops_steady_products_over_long_sums_do_not_hang_on_threads(void **state)
{
    static const int64_t cols[] = {1, 16, 63, 64, 65, 128, 160};

    (void)state;
    for (int prec = PREC_F32; prec <= PREC_BF16; prec++) {
        struct backend *be[N_THREADS];

        if (backends_open(be, (enum precision)prec))
            for (size_t n = 0; n < sizeof(cols) / sizeof(cols[0]); n++)
                for (int k = 0; k < 6; k++)
                    check_threads(
                        be, &(struct product){
                                k & 1 ? 16 : 129, cols[n],
                                (int64_t)1024 << k / 2, true, k & 1, 0, 1, 1,
                                prec == PREC_BF16 ? DT_BF16 : DT_F32, true});
        backends_free(be);
    }
}

static struct mat
linear_run(struct backend *be, struct linear lin, int64_t M, bool backward)
{
    struct mat x = ops_mat(M, backward ? lin.out : lin.in, 0, DT_F32, 5, 1);
    struct mat y = ops_mat(M, backward ? lin.in : lin.out, 0, DT_F32, 6, 1);
    trv_err err;

    assert_int_equal(be->ops->linear_open(be, &lin, &err), 0);
    if (backward)
        be->ops->linear_backward(be, y, x, &lin, 1);
    else
        be->ops->linear_forward(be, y, x, &lin, NULL, 1);
    be->ops->linear_close(be, &lin);
    ops_free(x);
    return y;
}

/* Rows of y are those of z, which has more; without oneDNN's products a lonely
 * row is a product of another kind. */
static void
check_rows(struct backend *be, struct mat y, struct mat z, const char *what)
{
    if (onednn_has_products(cpu_state(be)->od))
        ops_assert_same(y, mat_part(z, 0, y.rows, 0, z.cols), what);
}

static void
check_linear(struct backend *be[N_THREADS], struct linear lin, bool backward)
{
    static const int64_t rows[] = {1, 3, 16, 17, 129};
    struct mat all = linear_run(be[0], lin, 300, backward);

    for (size_t m = 0; m < sizeof(rows) / sizeof(rows[0]); m++) {
        struct mat y = linear_run(be[0], lin, rows[m], backward);

        check_rows(be[0], y, all, "a map of fewer rows");
        for (int i = 1; i < N_THREADS; i++) {
            struct mat z = linear_run(be[i], lin, rows[m], backward);

            ops_assert_same(y, z, backward ? "backward" : "forward");
            ops_free(z);
        }
        ops_free(y);
    }
    ops_free(all);
}

static void
test_ops_steady_maps_do_not_hang_on_threads_or_on_other_rows(void **state)
{
    static const int64_t sizes[][2] = {{128, 64}, {65, 17},   {576, 192},
                                       {1, 3},    {2048, 16}, {31, 1}};

    (void)state;
    for (int prec = PREC_F32; prec <= PREC_BF16; prec++) {
        struct backend *be[N_THREADS];

        if (backends_open(be, (enum precision)prec))
            for (size_t s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++) {
                const int64_t in = sizes[s][0], out = sizes[s][1];
                float *w = ops_random(in * out, 7, 1);
                const struct tensor part = {.name = "w",
                                            .type = DT_F32,
                                            .n_dims = 2,
                                            .dim = {out, in},
                                            .data = w,
                                            .bytes = (size_t)(in * out) * 4};
                struct linear lin = {
                    .in = in, .out = out, .n_parts = 1, .part = {&part}};

                for (int f = 0; f < 4; f++) {
                    lin.master = f & 1 ? w : NULL;
                    check_linear(be, lin, f & 2);
                }
                mem_free(w);
            }
        backends_free(be);
    }
}

/* Of plain operands, which brg multiplies; tiles go by the number of rows. */
static void
test_ops_steady_products_do_not_hang_on_other_rows(void **state)
{
    static const int64_t rows[] = {1, 2, 15, 16, 40};

    (void)state;
    for (int k = 0; k < 16; k++) { // threads, tb, K, precision
        struct backend *be = ops_cpu(k & 8 ? PREC_BF16 : PREC_F32, 1 + (k & 1));
        struct product p = {.M = 130,
                            .N = 48,
                            .K = k & 4 ? 576 : 16,
                            .tb = k & 2,
                            .alpha = 2,
                            .beta = 1,
                            .type = k & 8 ? DT_BF16 : DT_F32};
        struct mat all;

        if (!be)
            continue;
        all = product_run(be, &p);
        for (size_t m = 0; m < sizeof(rows) / sizeof(rows[0]); m++) {
            struct mat y;

            p.M = rows[m];
            y = product_run(be, &p);
            check_rows(be, y, all, "a product of fewer rows");
            ops_free(y);
        }
        ops_free(all);
        backend_free(be);
    }
}

/* All else in one go: what is not a product, over rows enough for 8 threads. */
struct rest {
    struct mat norm, stats, dx, d_w, act, du, logits, div, attn, lse;
    struct mat dq, dk, dv, w, sum;
};
#define ROWS 37
#define WIDTH 256
#define HEADS 4

static void
rest_attn(struct backend *be, struct rest *r, struct mat x)
{
    const struct attn_span spans[] = {{0, 9}, {9, 27}, {36, 1}};
    const struct attn_seg segs[] = {
        {0, 9, 1, &spans[0]}, {9, 27, 2, &spans[0]}, {36, 1, 3, &spans[0]}};
    const struct attn_plan plan = {.n_segs = 3,
                                   .segs = segs,
                                   .heads = HEADS,
                                   .kv_heads = HEADS / 2,
                                   .head_dim = WIDTH / HEADS,
                                   .scale = 0.125f};
    struct mat k = mat_part(x, 0, ROWS, 0, WIDTH / 2);
    struct mat v = mat_part(x, 0, ROWS, WIDTH / 2, WIDTH / 2);

    be->ops->attn_forward(be, r->attn, r->lse.data, x, k, v, &plan);
    be->ops->attn_backward(be, r->dq, r->dk, r->dv, x, r->attn, r->lse.data, x,
                           k, v, &plan);
}

static struct rest
rest_run(struct backend *be)
{
    const int64_t T = ROWS, C = WIDTH;
    struct mat x = ops_mat(T, C, 0, DT_F32, 1, 1);
    float *ones = ops_random(C, 2, 1), *weight = ops_random(T, 3, 1);
    struct rest r = {ops_mat(T, C, 0, be->act_type, 4, 1),
                     ops_mat(T, 2, 0, DT_F32, 5, 1),
                     ops_mat(T, C, 0, DT_F32, 6, 1),
                     ops_mat(1, C, 0, DT_F32, 7, 1),
                     ops_mat(T, C / 2, 0, DT_F32, 8, 1),
                     ops_mat(T, C, 0, DT_F32, 9, 1),
                     ops_mat(T, C, 0, DT_F32, 10, 1),
                     ops_mat(1, T, 0, DT_F32, 11, 1),
                     ops_mat(T, C, 0, DT_F32, 12, 1),
                     ops_mat(T, 4, 0, DT_F32, 13, 1),
                     ops_mat(T, C, 0, DT_F32, 14, 1),
                     ops_mat(T, C / 2, 0, DT_F32, 15, 1),
                     ops_mat(T, C / 2, 0, DT_F32, 16, 1),
                     ops_mat(300, C, 0, DT_F32, 17, 1),
                     ops_mat(1, 2, 0, DT_F32, 18, 1)};
    struct mat g = ops_same(r.w), m = ops_mat(300, C, 0, DT_F32, 19, 0);
    struct mat v = ops_same(m);
    double sum;

    be->ops->norm_forward(be, r.norm, r.stats.data, x, ones, NULL, 1e-5f, true);
    be->ops->norm_backward(be, r.dx, r.d_w.data, NULL, x, x, r.stats.data, ones,
                           true);
    be->ops->col_sum(be, r.d_w.data, x);
    be->ops->act_forward(be, r.act, x, ACT_SILU, true);
    be->ops->act_backward(be, r.du, r.act, x, ACT_SILU, true);
    be->ops->divergence(be, r.div.data, x, r.logits, DIV_JSD, weight);
    be->ops->scale(be, r.logits, 1.3f, 5.0f);
    be->ops->softmax(be, r.logits, 0.7f);
    rest_attn(be, &r, x);
    be->ops->adamw(be, r.w.data, m.data, v.data, g.data, 300 * C, 1e-3f, 0.9f,
                   0.99f, 1e-8f, 0.1f, 1, 1);
    sum = be->ops->sum_squares(be, r.w.data, 300 * C);
    memcpy(r.sum.data, &sum, sizeof(sum));
    ops_free(x);
    ops_free(g);
    ops_free(m);
    ops_free(v);
    mem_free(ones);
    mem_free(weight);
    return r;
}

static void
test_ops_steady_all_else_does_not_hang_on_threads(void **state)
{
    (void)state;
    for (int prec = PREC_F32; prec <= PREC_BF16; prec++) {
        struct backend *be[N_THREADS];
        struct rest want;
        const size_t n = sizeof(want) / sizeof(want.norm);

        if (!backends_open(be, (enum precision)prec)) {
            backends_free(be);
            continue;
        }
        want = rest_run(be[0]);
        for (int i = 1; i < N_THREADS; i++) {
            struct rest got = rest_run(be[i]);

            for (size_t k = 0; k < n; k++) {
                ops_assert_same((&want.norm)[k], (&got.norm)[k], "an operator");
                ops_free((&got.norm)[k]);
            }
        }
        for (size_t k = 0; k < n; k++)
            ops_free((&want.norm)[k]);
        backends_free(be);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            test_ops_steady_products_do_not_hang_on_threads_or_history),
        cmocka_unit_test(
            test_ops_steady_products_over_long_sums_do_not_hang_on_threads),
        cmocka_unit_test(
            test_ops_steady_maps_do_not_hang_on_threads_or_on_other_rows),
        cmocka_unit_test(test_ops_steady_products_do_not_hang_on_other_rows),
        cmocka_unit_test(test_ops_steady_all_else_does_not_hang_on_threads),
    };

    if (!ops_has_isa())
        return 0;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
