/* test_lowrank.c -- the closed form against what defines it: the normal
 * equations, the value that theory says the optimum has, and other maps of the
 * same rank, which must be worse.
 */
#include "support/test.h"

#include <math.h>
#include <string.h>

#include "base/rng.h"
#include "transform/imitate/lowrank.h"

#define IN 7
#define OUT 5
#define N 40
#define RIDGE 0.05
#define NORM 0.5

struct fixture {
    struct backend *be;
    struct lowrank f;
    float a[N * IN], d[N * OUT];
    double lambda;                     // the ridge itself
    double metric[OUT * OUT];          // positive definite
    float pa[OUT * IN], pb[OUT * OUT]; // the answer, up to rank OUT
};

static void
must(int rc, const trv_err *err)
{
    if (rc)
        fail_msg("%s", err->msg);
}

/* Inputs of unequal scale that hang together, and outputs that follow them
 * noisily: so neither G nor the optimum is near a multiple of the unit. */
static void
open_fixture(struct fixture *t)
{
    const struct backend_options o = {.isa = "ref", .prec = PREC_F32};
    double k[OUT * OUT], trace = 0;
    trv_err err = {0};
    struct rng r;

    memset(t, 0, sizeof(*t));
    must(backend_open(&t->be, &o, &err), &err);
    must(lowrank_init(&t->f, IN, OUT, &err), &err);
    rng_init(&r, 3, 4);
    for (int n = 0; n < N; n++) {
        float *a = t->a + n * IN, *d = t->d + n * OUT;

        for (int i = 0; i < IN; i++)
            a[i] = (float)(rng_normal(&r) * (1 + i) +
                           (i ? 0.5 * (double)a[i - 1] : 0.3));
        for (int o2 = 0; o2 < OUT; o2++)
            d[o2] = (float)(rng_normal(&r) + (double)a[o2] -
                            0.2 * (double)a[(2 * o2 + 1) % IN]);
        for (int i = 0; i < IN; i++)
            trace += (double)a[i] * (double)a[i];
    }
    t->lambda = RIDGE * trace / IN;
    for (int i = 0; i < OUT * OUT; i++)
        k[i] = rng_normal(&r);
    for (int i = 0; i < OUT; i++)
        for (int j = 0; j < OUT; j++) {
            t->metric[i * OUT + j] = i == j ? 0.2 : 0.0;
            for (int l = 0; l < OUT; l++)
                t->metric[i * OUT + j] += k[l * OUT + i] * k[l * OUT + j];
        }
}

static void
close_fixture(struct fixture *t)
{
    lowrank_release(&t->f);
    backend_free(t->be);
}

static struct lowrank_fit
solve(struct fixture *t, int rank, const double *metric)
{
    const struct lowrank_options o = {rank, RIDGE, metric};
    struct lowrank_fit fit = {0};
    trv_err err = {0};

    lowrank_reset(&t->f);
    lowrank_add(&t->f, t->be, mat_f32(t->a, N, IN), mat_f32(t->d, N, OUT));
    memset(t->pa, 0, sizeof(t->pa));
    must(lowrank_solve(&t->f, t->pa, t->pb, &fit, &o, NORM, &err), &err);
    return fit;
}

static void
product(double m[OUT * IN], const float *pb, const float *pa, int rank)
{
    for (int o = 0; o < OUT; o++)
        for (int i = 0; i < IN; i++) {
            m[o * IN + i] = 0;
            for (int k = 0; k < rank; k++)
                m[o * IN + i] +=
                    (double)pb[o * rank + k] * (double)pa[k * IN + i];
        }
}

/* x^T metric x; NULL: the unit. */
static double
length(const double x[OUT], const double *metric)
{
    double sum = 0;

    for (int i = 0; i < OUT; i++)
        for (int j = 0; j < OUT; j++)
            sum +=
                x[i] * x[j] * (metric ? metric[i * OUT + j] : (double)(i == j));
    return sum;
}

/* What is made small. The ridge sees the columns of m in the metric, too. */
static double
objective(const struct fixture *t, const double m[OUT * IN],
          const double *metric)
{
    double sum = 0, x[OUT];

    for (int n = 0; n < N; n++) {
        for (int o = 0; o < OUT; o++) {
            x[o] = -(double)t->d[n * OUT + o];
            for (int i = 0; i < IN; i++)
                x[o] += m[o * IN + i] * (double)t->a[n * IN + i];
        }
        sum += length(x, metric);
    }
    for (int i = 0; i < IN; i++) {
        for (int o = 0; o < OUT; o++)
            x[o] = m[o * IN + i];
        sum += t->lambda * length(x, metric);
    }
    return sum;
}

/* Sums are f32 of N products of size up to 100: about 1e-6 of themselves. */
#define EXACT 1e-5

static void
test_lowrank_of_full_rank_satisfies_the_normal_equations(void **state)
{
    struct fixture t;
    double m[OUT * IN];

    (void)state;
    open_fixture(&t);
    assert_int_equal(solve(&t, OUT, NULL).rank, OUT);
    product(m, t.pb, t.pa, OUT);
    for (int o = 0; o < OUT; o++)
        for (int i = 0; i < IN; i++) {
            double rest = t.lambda * m[o * IN + i], size = fabs(rest);

            for (int n = 0; n < N; n++) {
                double x = -(double)t.d[n * OUT + o];

                for (int j = 0; j < IN; j++)
                    x += m[o * IN + j] * (double)t.a[n * IN + j];
                rest += x * (double)t.a[n * IN + i];
                size += fabs(x * (double)t.a[n * IN + i]);
            }
            assert_close(rest / size, 0.0, EXACT);
        }
    close_fixture(&t);
}

static void
test_lowrank_explains_what_it_says(void **state)
{
    struct fixture t;

    (void)state;
    open_fixture(&t);
    for (int rank = 1; rank <= OUT; rank++) {
        const struct lowrank_fit fit = solve(&t, rank, NULL);
        double m[OUT * IN], none[OUT * IN] = {0};
        const double all = objective(&t, none, NULL);

        product(m, t.pb, t.pa, rank);
        assert_close(objective(&t, m, NULL) / all, 1.0 - fit.full * fit.kept,
                     EXACT);
    }
    close_fixture(&t);
}

static void
check_optimum(struct fixture *t, int rank, const double *metric)
{
    double m[OUT * IN], best;
    struct rng r;

    (void)solve(t, rank, metric);
    product(m, t->pb, t->pa, rank);
    best = objective(t, m, metric);
    rng_init(&r, 8, 8);
    for (int turn = 0; turn < 200; turn++) {
        const double size = turn % 2 ? 0.3 : 0.01;
        float a[OUT * IN], b[OUT * OUT];

        for (int i = 0; i < rank * IN; i++)
            a[i] = t->pa[i] + (float)(size * rng_normal(&r) * NORM);
        for (int i = 0; i < OUT * rank; i++)
            b[i] = t->pb[i] + (float)(size * rng_normal(&r));
        product(m, b, a, rank);
        assert_true(objective(t, m, metric) > best);
    }
}

static void
test_lowrank_beats_every_neighbour_of_its_rank(void **state)
{
    struct fixture t;

    (void)state;
    open_fixture(&t);
    for (int rank = 1; rank < OUT; rank++) {
        check_optimum(&t, rank, NULL);
        check_optimum(&t, rank, t.metric);
    }
    close_fixture(&t);
}

/* Of rank 1 the best map with column u is u (u^T K S G^-1)/(u^T K u): no u of
 * many random ones may come nearer, so the optimum is not a local one. */
static void
test_lowrank_of_rank_one_beats_every_direction(void **state)
{
    struct fixture t;
    double full[OUT * IN], m[OUT * IN], best;
    struct rng r;

    (void)state;
    open_fixture(&t);
    (void)solve(&t, OUT, NULL);
    product(full, t.pb, t.pa, OUT);
    (void)solve(&t, 1, t.metric);
    product(m, t.pb, t.pa, 1);
    best = objective(&t, m, t.metric);
    rng_init(&r, 5, 5);
    for (int turn = 0; turn < 3000; turn++) {
        double u[OUT], ku[OUT] = {0}, row[IN] = {0};

        for (int o = 0; o < OUT; o++)
            u[o] = rng_normal(&r);
        for (int o = 0; o < OUT; o++)
            for (int j = 0; j < OUT; j++)
                ku[o] += t.metric[o * OUT + j] * u[j];
        for (int i = 0; i < IN; i++)
            for (int o = 0; o < OUT; o++)
                row[i] += ku[o] * full[o * IN + i] / length(u, t.metric);
        for (int o = 0; o < OUT; o++)
            for (int i = 0; i < IN; i++)
                m[o * IN + i] = u[o] * row[i];
        assert_true(objective(&t, m, t.metric) > best * (1 - EXACT));
    }
    close_fixture(&t);
}

static void
test_lowrank_finds_a_map_that_is_there_and_no_more(void **state)
{
    struct fixture t;
    const struct lowrank_options o = {4, 1e-9, NULL};
    float m0[OUT * IN];
    double m[OUT * IN];
    struct lowrank_fit fit;
    trv_err err = {0};

    (void)state;
    open_fixture(&t);
    for (int i = 0; i < OUT; i++)
        for (int j = 0; j < IN; j++) // of rank 2
            m0[i * IN + j] = (float)((i - 1) * (j + 1) + (i % 2) * (3 - j));
    for (int n = 0; n < N; n++)
        for (int i = 0; i < OUT; i++) {
            double x = 0;

            for (int j = 0; j < IN; j++)
                x += (double)m0[i * IN + j] * (double)t.a[n * IN + j];
            t.d[n * OUT + i] = (float)x;
        }
    lowrank_reset(&t.f);
    for (int from = 0; from < N; from += N / 4) // four blocks
        lowrank_add(&t.f, t.be, mat_f32(t.a + from * IN, N / 4, IN),
                    mat_f32(t.d + from * OUT, N / 4, OUT));
    must(lowrank_solve(&t.f, t.pa, t.pb, &fit, &o, NORM, &err), &err);
    product(m, t.pb, t.pa, 4);
    for (int i = 0; i < OUT * IN; i++)
        assert_close(m[i], m0[i], 1e-3); // of 28, through G's condition
    assert_close(fit.full, 1.0, EXACT);
    for (int k = 0; k < 2; k++) {
        double norm = 0;

        for (int j = 0; j < IN; j++)
            norm += (double)t.pa[k * IN + j] * (double)t.pa[k * IN + j];
        assert_close(sqrt(norm), NORM, 1e-6);
    }
    close_fixture(&t);
}

static void
test_lowrank_of_nothing_is_nothing(void **state)
{
    struct fixture t;
    struct lowrank_fit fit;
    trv_err err = {0};
    const struct lowrank_options o = {9, RIDGE, NULL}; // more than there are
    float a[9 * IN], b[OUT * 9];

    (void)state;
    open_fixture(&t);
    memset(t.d, 0, sizeof(t.d));
    for (int i = 0; i < 9 * IN; i++)
        a[i] = 2.0f;
    for (int i = 0; i < OUT * 9; i++)
        b[i] = 3.0f;
    lowrank_add(&t.f, t.be, mat_f32(t.a, N, IN), mat_f32(t.d, N, OUT));
    must(lowrank_solve(&t.f, a, b, &fit, &o, NORM, &err), &err);
    assert_int_equal(fit.rank, 0);
    for (int i = 0; i < 9 * IN; i++)
        assert_close(a[i], 2.0, 0.0); // left alone
    for (int i = 0; i < OUT * 9; i++)
        assert_close(b[i], 0.0, 0.0);
    close_fixture(&t);
}

static void
test_lowrank_refuses_what_it_cannot_solve(void **state)
{
    struct fixture t;
    struct lowrank_fit fit;
    struct lowrank huge;
    trv_err err = {0};
    const struct lowrank_options o = {2, RIDGE, NULL};
    const struct lowrank_options flat = {2, 0.0, NULL};
    const double minus[OUT * OUT] = {-1};
    const struct lowrank_options bad = {2, RIDGE, minus};

    (void)state;
    open_fixture(&t);
    assert_int_equal(lowrank_init(&huge, 50000, 4, &err), TRV_ERANGE);
    t.a[3] = (float)NAN;
    lowrank_add(&t.f, t.be, mat_f32(t.a, N, IN), mat_f32(t.d, N, OUT));
    assert_int_equal(lowrank_solve(&t.f, t.pa, t.pb, &fit, &o, NORM, &err),
                     TRV_ENONFINITE);
    t.a[3] = 1.0f;
    lowrank_reset(&t.f); // one pair does not decide seven inputs
    lowrank_add(&t.f, t.be, mat_f32(t.a, 1, IN), mat_f32(t.d, 1, OUT));
    assert_int_equal(lowrank_solve(&t.f, t.pa, t.pb, &fit, &flat, NORM, &err),
                     TRV_ENONFINITE);
    lowrank_reset(&t.f);
    lowrank_add(&t.f, t.be, mat_f32(t.a, N, IN), mat_f32(t.d, N, OUT));
    assert_int_equal(lowrank_solve(&t.f, t.pa, t.pb, &fit, &bad, NORM, &err),
                     TRV_ENONFINITE);
    close_fixture(&t);
}

/* Held pairs: of other noise, and all outputs but the first of noise alone. */
static void
hold(struct fixture *t)
{
    struct rng r;

    rng_init(&r, 21, 1);
    for (int n = 0; n < N; n++)
        for (int o = 0; o < OUT; o++)
            t->d[n * OUT + o] = (float)((o ? 0.0 : 0.5 * (double)t->a[n * IN]) +
                                        3 * rng_normal(&r));
    lowrank_reset(&t->f);
    lowrank_add(&t->f, t->be, mat_f32(t->a, N, IN), mat_f32(t->d, N, OUT));
    t->lambda = 0; // held pairs know no ridge
}

static void
check_lengths(int rank, bool weighed)
{
    struct fixture t;
    struct lowrank_options o = {.rank = rank};
    double none[OUT * IN] = {0}, m[OUT * IN], best, gain;
    float b[OUT * OUT], before[OUT * OUT];
    int shorter = 0;
    trv_err err = {0};

    open_fixture(&t);
    o.metric = weighed ? t.metric : NULL;
    (void)solve(&t, rank, o.metric);
    memcpy(before, t.pb, sizeof(before));
    hold(&t);
    must(lowrank_shorten(&t.f, t.pa, t.pb, &gain, &o, &err), &err);
    product(m, t.pb, t.pa, rank);
    best = objective(&t, m, o.metric);
    assert_close((objective(&t, none, o.metric) - best) / best, gain / best,
                 EXACT);
    for (int k = 0; k < rank; k++) {
        shorter += fabsf(t.pb[k]) < 0.999f * fabsf(before[k]);
        for (int up = 0; up < 2; up++) {
            memcpy(b, t.pb, sizeof(b));
            for (int i = 0; i < OUT; i++) // no length below 0 or above 1
                b[i * rank + k] += (up ? 0.02f : -0.02f) * before[i * rank + k];
            if (fabsf(b[k]) > fabsf(before[k]) || b[k] * before[k] < 0)
                continue;
            product(m, b, t.pa, rank);
            assert_true(objective(&t, m, o.metric) > best);
        }
    }
    assert_true(shorter > 0);
    close_fixture(&t);
}

static void
test_lowrank_gives_each_direction_its_best_length_on_held_pairs(void **state)
{
    (void)state;
    for (int rank = 1; rank <= OUT; rank++) {
        check_lengths(rank, false);
        check_lengths(rank, true);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            test_lowrank_of_full_rank_satisfies_the_normal_equations),
        cmocka_unit_test(test_lowrank_explains_what_it_says),
        cmocka_unit_test(test_lowrank_beats_every_neighbour_of_its_rank),
        cmocka_unit_test(test_lowrank_of_rank_one_beats_every_direction),
        cmocka_unit_test(test_lowrank_finds_a_map_that_is_there_and_no_more),
        cmocka_unit_test(test_lowrank_of_nothing_is_nothing),
        cmocka_unit_test(
            test_lowrank_gives_each_direction_its_best_length_on_held_pairs),
        cmocka_unit_test(test_lowrank_refuses_what_it_cannot_solve),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
