/* ops.h -- what the tests of operators share: two backends to compare, random
 * numbers, bounds, slopes.
 *
 * The fast backend is the one that TRV_ISA asks for; ctest runs each program
 * once for every instruction set, and where the processor lacks it the program
 * says so and passes.
 */
#ifndef TESTS_SUPPORT_OPS_H
#define TESTS_SUPPORT_OPS_H

#include "backend/backend.h"
#include "support/test.h"

/* The unit roundoff of f32 and of bf16. */
#define OPS_EPS 5.97e-8
#define OPS_BF16_EPS 0.00390625

/** False, with a line 'skipped', where TRV_ISA names what is not there. */
bool ops_has_isa(void);
struct backend *ops_ref(void);
/** NULL where the precision is not to be had. */
struct backend *ops_cpu(enum precision prec, int threads);

/** n values, normal with this deviation; the same for the same seed. */
float *ops_random(int64_t n, uint64_t seed, double deviation);
float *ops_copy(const float *x, int64_t n);
/** A matrix of its own: random values with ld = cols + gap, NaN in the gap. */
struct mat ops_mat(int64_t rows, int64_t cols, int64_t gap, enum dtype type,
                   uint64_t seed, double deviation);
struct mat ops_same(struct mat m); // a copy, gaps and all
void ops_free(struct mat m);
double ops_at(struct mat m, int64_t row, int64_t col);
/** |x| of a matrix, f32, dense. */
struct mat ops_abs(struct mat m);

/** Bit for bit the same, gaps too. */
void ops_assert_same(struct mat a, struct mat b, const char *what);
/** |got - want| <= abs + rel * |want|; both may be infinite, NaN only where
 * NaN is wanted; the gap is untouched. */
void ops_assert_near(struct mat got, struct mat want, double abs, double rel,
                     const char *what);
/** |got - want| <= factor * scale + 1e-30, by element. */
void ops_assert_within(struct mat got, struct mat want, struct mat scale,
                       double factor, const char *what);

/** (f(x + h e) - f(x - h e)) / 2h for the value *x. */
double ops_slope(double (*f)(void *ctx), void *ctx, float *x, float h);

#endif
