/* ops.c -- shared by the tests of operators. */
#include "support/ops.h"

#include <math.h>

#include "base/mem.h"
#include "base/rng.h"

static struct backend *
open_backend(enum precision prec, int threads, const char *isa)
{
    const struct backend_options opts = {prec, threads, isa};
    struct backend *be = NULL;
    trv_err err;

    if (backend_open(&be, &opts, &err))
        return NULL;
    return be;
}

bool
ops_has_isa(void)
{
    struct backend *be = open_backend(PREC_F32, 1, NULL);
    const bool has = be && strcmp(be->ops->name, "cpu") == 0;

    backend_free(be);
    if (!has)
        printf("skipped: no fast backend for TRV_ISA=%s\n", getenv("TRV_ISA"));
    return has;
}

struct backend *
ops_ref(void)
{
    struct backend *be = open_backend(PREC_F32, 1, "ref");

    assert_non_null(be);
    return be;
}

struct backend *
ops_cpu(enum precision prec, int threads)
{
    struct backend *be = open_backend(prec, threads, NULL);

    assert_non_null(be);
    if (be->prec == prec)
        return be;
    backend_free(be);
    return NULL;
}

float *
ops_random(int64_t n, uint64_t seed, double deviation)
{
    float *x = mem_array((size_t)n + 1, sizeof(float));
    struct rng r;

    assert_non_null(x);
    rng_init(&r, seed, 1);
    for (int64_t i = 0; i < n; i++)
        x[i] = (float)(deviation * rng_normal(&r));
    return x;
}

float *
ops_copy(const float *x, int64_t n)
{
    float *y = mem_array((size_t)n + 1, sizeof(float));

    assert_non_null(y);
    memcpy(y, x, (size_t)n * sizeof(float));
    return y;
}

static size_t
mat_bytes(struct mat m)
{
    return (size_t)(m.rows * m.ld) * (m.type == DT_F32 ? 4 : 2);
}

struct mat
ops_mat(int64_t rows, int64_t cols, int64_t gap, enum dtype type, uint64_t seed,
        double deviation)
{
    struct mat m = {NULL, type, rows, cols, cols + gap};
    float *x = ops_random(rows * m.ld, seed, deviation);

    m.data = mem_alloc(mat_bytes(m) + 1);
    assert_non_null(m.data);
    for (int64_t r = 0; r < rows; r++)
        for (int64_t c = 0; c < m.ld; c++) {
            const float v = c < cols ? x[r * m.ld + c] : NAN;

            if (type == DT_F32)
                ((float *)m.data)[r * m.ld + c] = v;
            else
                ((bf16 *)m.data)[r * m.ld + c] = bf16_from_f32(v);
        }
    mem_free(x);
    return m;
}

struct mat
ops_same(struct mat m)
{
    void *data = mem_alloc(mat_bytes(m) + 1);

    assert_non_null(data);
    memcpy(data, m.data, mat_bytes(m));
    m.data = data;
    return m;
}

void
ops_free(struct mat m)
{
    mem_free(m.data);
}

double
ops_at(struct mat m, int64_t row, int64_t col)
{
    const int64_t i = row * m.ld + col;

    return m.type == DT_F32 ? (double)((float *)m.data)[i]
                            : (double)bf16_to_f32(((bf16 *)m.data)[i]);
}

struct mat
ops_abs(struct mat m)
{
    struct mat a = ops_mat(m.rows, m.cols, 0, DT_F32, 1, 1);

    for (int64_t r = 0; r < m.rows; r++)
        for (int64_t c = 0; c < m.cols; c++)
            ((float *)a.data)[r * a.ld + c] = (float)fabs(ops_at(m, r, c));
    return a;
}

void
ops_assert_same(struct mat a, struct mat b, const char *what)
{
    if (memcmp(a.data, b.data, mat_bytes(a)) != 0)
        fail_msg("%s [%lld,%lld] differs between numbers of threads", what,
                 (long long)a.rows, (long long)a.cols);
}

static void
assert_gap(struct mat m, const char *what)
{
    for (int64_t r = 0; r < m.rows; r++)
        for (int64_t c = m.cols; c < m.ld; c++)
            if (!isnan(ops_at(m, r, c)))
                fail_msg("%s: wrote between rows at %lld,%lld", what,
                         (long long)r, (long long)c);
}

static void
assert_value(double got, double want, double bound, const char *what, int64_t r,
             int64_t c)
{
    if (isnan(want) ? isnan(got) : got == want || fabs(got - want) <= bound)
        return;
    fail_msg("%s at %lld,%lld: %.9g, not %.9g within %.3g", what, (long long)r,
             (long long)c, got, want, bound);
}

void
ops_assert_near(struct mat got, struct mat want, double abs, double rel,
                const char *what)
{
    for (int64_t r = 0; r < got.rows; r++)
        for (int64_t c = 0; c < got.cols; c++) {
            const double w = ops_at(want, r, c);

            assert_value(ops_at(got, r, c), w, abs + rel * fabs(w), what, r, c);
        }
    assert_gap(got, what);
}

void
ops_assert_within(struct mat got, struct mat want, struct mat scale,
                  double factor, const char *what)
{
    for (int64_t r = 0; r < got.rows; r++)
        for (int64_t c = 0; c < got.cols; c++)
            assert_value(ops_at(got, r, c), ops_at(want, r, c),
                         factor * ops_at(scale, r, c) + 1e-30, what, r, c);
    assert_gap(got, what);
}

double
ops_slope(double (*f)(void *ctx), void *ctx, float *x, float h)
{
    const float keep = *x, hi = keep + h, lo = keep - h;
    double up, down;

    *x = hi;
    up = f(ctx);
    *x = lo;
    down = f(ctx);
    *x = keep;
    return (up - down) / ((double)hi - (double)lo);
}
