/* lowrank.c -- reduced-rank ridge regression on sums that lie in memory.
 *
 * LAPACK is column-major: a row-major [r,c] here is its column-major [c,r], so
 * S [out,in] is S^T and A [R,in] is A^T to it, and nothing is transposed.
 */
#include "transform/imitate/lowrank.h"

#include <cblas.h>
#include <lapacke.h>
#include <math.h>
#include <string.h>

/* Eigenvalues below this share of the largest are rounding, not direction. */
#define EIGEN_FLOOR 1e-13

int
lowrank_init(struct lowrank *f, int64_t in, int64_t out, trv_err *err)
{
    const size_t wide = (size_t)(in > out ? in : out);
    size_t g, s, block;

    *f = (struct lowrank){.in = in, .out = out};
    if (in < 1 || out < 1 || wide > 46340) // its square is LAPACK's last int
        return err_fail(err, TRV_ERANGE,
                        "a map of %lld by %lld is too large to solve for",
                        (long long)out, (long long)in);
    if (mem_mul(&g, (size_t)in, (size_t)in) &&
        mem_mul(&s, (size_t)out, (size_t)in) &&
        mem_mul(&block, wide, (size_t)in)) {
        f->g = mem_calloc(g, sizeof(double));
        f->s = mem_calloc(s, sizeof(double));
        f->block = mem_array(block, sizeof(float));
    }
    if (f->g && f->s && f->block)
        return 0;
    lowrank_release(f);
    return err_fail(err, TRV_ENOMEM,
                    "no memory for the normal equations of %lld inputs",
                    (long long)in);
}

void
lowrank_reset(struct lowrank *f)
{
    memset(f->g, 0, (size_t)(f->in * f->in) * sizeof(double));
    memset(f->s, 0, (size_t)(f->out * f->in) * sizeof(double));
    f->dd = 0.0;
    f->n = 0;
}

void
lowrank_copy(struct lowrank *to, const struct lowrank *from)
{
    TRV_ASSERT(to->in == from->in && to->out == from->out);
    cblas_dcopy((int)(from->in * from->in), from->g, 1, to->g, 1);
    cblas_dcopy((int)(from->out * from->in), from->s, 1, to->s, 1);
    to->dd = from->dd;
    to->n = from->n;
}

void
lowrank_release(struct lowrank *f)
{
    mem_free(f->g);
    mem_free(f->s);
    mem_free(f->block);
    *f = (struct lowrank){0};
}

static void
add_block(double *sum, const float *block, int64_t n)
{
#pragma omp parallel for schedule(static)
    for (int64_t i = 0; i < n; i++)
        sum[i] += (double)block[i];
}

void
lowrank_add(struct lowrank *f, struct backend *be, struct mat a, struct mat d)
{
    TRV_ASSERT(a.cols == f->in && d.cols == f->out && a.rows == d.rows);
    be->ops->matmul(be, mat_f32(f->block, f->in, f->in), a, true, a, false,
                    1.0f, 0.0f);
    add_block(f->g, f->block, f->in * f->in);
    be->ops->matmul(be, mat_f32(f->block, f->out, f->in), d, true, a, false,
                    1.0f, 0.0f);
    add_block(f->s, f->block, f->out * f->in);
    for (int64_t i = 0; i < d.rows; i++)
        f->dd +=
            be->ops->sum_squares(be, (const float *)d.data + i * d.ld, d.cols);
    f->n += a.rows;
}

/* Working memory of a solve, in one block. */
struct scratch {
    double *k;      // [out,out] K, upper triangular: K^T K = metric
    double *e;      // [out,out] K X^T X K^T
    double *eigen;  // [out]
    double *u, *ku; // [out,R] K^-1 U and K^T U, by columns
    double *a;      // [R,in]
    double *work;   // of dsyevr
    int *iwork, *support;
    lapack_int n_work, n_iwork;
    void *store;
};

static bool
scratch_new(struct scratch *r, int64_t in, int64_t out, int64_t R)
{
    const lapack_int n = (lapack_int)out;
    double work = 0.0, none = 0.0;
    lapack_int iwork = 0, m = 0, sup[2];
    size_t doubles, ints;

    if (LAPACKE_dsyevr_work(LAPACK_COL_MAJOR, 'V', 'I', 'U', n, &none, n, 0, 0,
                            n - (lapack_int)R + 1, n, 0.0, &m, &none, &none, n,
                            sup, &work, -1, &iwork, -1) != 0)
        return false;
    r->n_work = (lapack_int)work;
    r->n_iwork = iwork;
    doubles = (size_t)(2 * out * out + out + 2 * out * R + R * in) +
              (size_t)r->n_work;
    ints = (size_t)r->n_iwork + 2 * (size_t)out;
    r->store = mem_alloc(doubles * sizeof(double) + ints * sizeof(int));
    if (!r->store)
        return false;
    r->k = r->store;
    r->e = r->k + out * out;
    r->eigen = r->e + out * out;
    r->u = r->eigen + out;
    r->ku = r->u + out * R;
    r->a = r->ku + out * R;
    r->work = r->a + R * in;
    r->iwork = (int *)(void *)(r->work + r->n_work);
    r->support = r->iwork + r->n_iwork;
    return true;
}

static int
cannot_solve(const struct lowrank *f, const char *what, trv_err *err)
{
    return err_fail(err, TRV_ENONFINITE,
                    "the normal equations of %lld inputs from %lld positions "
                    "cannot be solved (%s)",
                    (long long)f->in, (long long)f->n, what);
}

static double
trace(const double *m, int64_t n)
{
    double sum = 0.0;

    for (int64_t i = 0; i < n; i++)
        sum += m[i * n + i];
    return sum;
}

/* g becomes L (lower, as LAPACK sees it), s becomes X^T = S L^-T. */
static int
eliminate(struct lowrank *f, double ridge, trv_err *err)
{
    const int64_t in = f->in;
    const double sum = trace(f->g, in);

    if (!isfinite(sum) || !isfinite(f->dd))
        return cannot_solve(f, "not all of them are finite", err);
    ridge *= sum / (double)in;
    for (int64_t i = 0; i < in; i++)
        f->g[i * in + i] += ridge;
    if (LAPACKE_dpotrf_work(LAPACK_COL_MAJOR, 'L', (lapack_int)in, f->g,
                            (lapack_int)in) != 0)
        return cannot_solve(f, "a larger ridge helps", err);
    cblas_dtrsm(CblasColMajor, CblasLeft, CblasLower, CblasNoTrans,
                CblasNonUnit, (int)in, (int)f->out, 1.0, f->g, (int)in, f->s,
                (int)in);
    return 0;
}

/* The leading directions, worst first, in u. */
static int
find_directions(struct scratch *r, struct lowrank_fit *fit,
                const struct lowrank *f, const double *metric, int64_t R,
                trv_err *err)
{
    const int in = (int)f->in, out = (int)f->out;
    const size_t square = (size_t)(f->out * f->out);
    double all, sum = 0.0;
    lapack_int m = 0;

    /* E = X^T X, then K E K^T */
    cblas_dsyrk(CblasColMajor, CblasUpper, CblasTrans, out, in, 1.0, f->s, in,
                0.0, r->e, out);
    for (int64_t j = 0; j < out; j++)
        for (int64_t i = j + 1; i < out; i++)
            r->e[j * out + i] = r->e[i * out + j];
    fit->full = f->dd > 0.0 ? trace(r->e, f->out) / f->dd : 1.0;
    if (metric) {
        memcpy(r->k, metric, square * sizeof(double));
        if (LAPACKE_dpotrf_work(LAPACK_COL_MAJOR, 'U', out, r->k, out) != 0)
            return cannot_solve(f, "the metric is not positive", err);
        cblas_dtrmm(CblasColMajor, CblasLeft, CblasUpper, CblasNoTrans,
                    CblasNonUnit, out, out, 1.0, r->k, out, r->e, out);
        cblas_dtrmm(CblasColMajor, CblasRight, CblasUpper, CblasTrans,
                    CblasNonUnit, out, out, 1.0, r->k, out, r->e, out);
    }
    all = trace(r->e, f->out);
    if (LAPACKE_dsyevr_work(LAPACK_COL_MAJOR, 'V', 'I', 'U', out, r->e, out, 0,
                            0, out - (lapack_int)R + 1, out, 0.0, &m, r->eigen,
                            r->u, out, r->support, r->work, r->n_work, r->iwork,
                            r->n_iwork) != 0 ||
        m != R)
        return cannot_solve(f, "their eigenvectors were not found", err);
    fit->rank = 0;
    while (fit->rank < R && r->eigen[R - 1 - fit->rank] > EIGEN_FLOOR * all)
        sum += r->eigen[R - 1 - fit->rank++];
    fit->kept = all > 0.0 ? sum / all : 1.0;
    return 0;
}

/* u becomes K^-1 U, and a = (L^-T X K^T U)^T. */
static void
back_substitute(struct scratch *r, const struct lowrank *f, bool metric,
                int64_t R)
{
    const int in = (int)f->in, out = (int)f->out, n = (int)R;

    memcpy(r->ku, r->u, (size_t)(f->out * R) * sizeof(double));
    if (metric) {
        cblas_dtrmm(CblasColMajor, CblasLeft, CblasUpper, CblasTrans,
                    CblasNonUnit, out, n, 1.0, r->k, out, r->ku, out);
        cblas_dtrsm(CblasColMajor, CblasLeft, CblasUpper, CblasNoTrans,
                    CblasNonUnit, out, n, 1.0, r->k, out, r->u, out);
    }
    cblas_dgemm(CblasColMajor, CblasNoTrans, CblasNoTrans, in, n, out, 1.0,
                f->s, in, r->ku, out, 0.0, r->a, in);
    cblas_dtrsm(CblasColMajor, CblasLeft, CblasLower, CblasTrans, CblasNonUnit,
                in, n, 1.0, f->g, in, r->a, in);
}

static void
hand_out(float *a, float *b, const struct scratch *r, const struct lowrank *f,
         int64_t R, int64_t found, int64_t rank, double row_norm)
{
    for (int64_t k = 0; k < rank; k++) {
        const double *row = r->a + (R - 1 - k) * f->in;
        const double *col = r->u + (R - 1 - k) * f->out;
        double norm = 0.0;

        for (int64_t i = 0; k < found && i < f->in; i++)
            norm += row[i] * row[i];
        norm = sqrt(norm) / row_norm;
        for (int64_t i = 0; norm > 0.0 && i < f->in; i++)
            a[k * f->in + i] = (float)(row[i] / norm);
        for (int64_t i = 0; i < f->out; i++)
            b[i * rank + k] = norm > 0.0 ? (float)(col[i] * norm) : 0.0f;
    }
}

int
lowrank_solve(struct lowrank *f, float *a, float *b, struct lowrank_fit *fit,
              const struct lowrank_options *opts, double row_norm, trv_err *err)
{
    const int64_t most = f->in < f->out ? f->in : f->out;
    const int64_t R = opts->rank < most ? opts->rank : most;
    const int threads = openblas_get_num_threads();
    struct scratch r = {0};
    int rc;

    if (!scratch_new(&r, f->in, f->out, R))
        return err_fail(err, TRV_ENOMEM, "no memory to solve for rank %lld",
                        (long long)R);
    openblas_set_num_threads(1);
    rc = eliminate(f, opts->ridge, err);
    if (!rc)
        rc = find_directions(&r, fit, f, opts->metric, R, err);
    if (!rc) {
        back_substitute(&r, f, opts->metric != NULL, R);
        hand_out(a, b, &r, f, R, fit->rank, opts->rank, row_norm);
    }
    openblas_set_num_threads(threads);
    mem_free(r.store);
    return rc;
}

/* The best length of one direction, and what it gains; x holds [in] a, [in]
 * G a, [out] b and [out] K^T K b. */
static double
best_length(const struct lowrank *held, const double *metric, double *x,
            double *gain)
{
    const int in = (int)held->in, out = (int)held->out;
    double *a = x, *ga = a + in, *b = ga + in, *mb = b + out;
    double square, along, t;

    cblas_dgemv(CblasRowMajor, CblasNoTrans, in, in, 1.0, held->g, in, a, 1,
                0.0, ga, 1);
    if (metric)
        cblas_dgemv(CblasRowMajor, CblasNoTrans, out, out, 1.0, metric, out, b,
                    1, 0.0, mb, 1);
    else
        memcpy(mb, b, (size_t)held->out * sizeof(double));
    square = cblas_ddot(in, a, 1, ga, 1) * cblas_ddot(out, b, 1, mb, 1);
    cblas_dgemv(CblasRowMajor, CblasTrans, out, in, 1.0, held->s, in, mb, 1,
                0.0, ga, 1);
    along = cblas_ddot(in, a, 1, ga, 1);
    if (!isfinite(square) || !isfinite(along))
        return (double)NAN;
    t = along <= 0.0 ? 0.0 : along < square ? along / square : 1.0;
    *gain += t * (2.0 * along - t * square);
    return t;
}

int
lowrank_shorten(const struct lowrank *held, const float *a, float *b,
                double *gain, const struct lowrank_options *opts, trv_err *err)
{
    const int threads = openblas_get_num_threads();
    const int64_t in = held->in, out = held->out, R = opts->rank;
    double *x = mem_array((size_t)(2 * (in + out)), sizeof(double));
    double length = 1.0;

    *gain = 0.0;
    if (!x)
        return err_fail(err, TRV_ENOMEM, "no memory to choose step lengths");
    openblas_set_num_threads(1);
    for (int64_t k = 0; k < R && isfinite(length); k++) {
        for (int64_t i = 0; i < in; i++)
            x[i] = (double)a[k * in + i];
        for (int64_t i = 0; i < out; i++)
            x[2 * in + i] = (double)b[i * R + k];
        length = best_length(held, opts->metric, x, gain);
        for (int64_t i = 0; i < out; i++)
            b[i * R + k] *= (float)length;
    }
    openblas_set_num_threads(threads);
    mem_free(x);
    return isfinite(length)
               ? 0
               : cannot_solve(held, "not all of them are finite", err);
}
