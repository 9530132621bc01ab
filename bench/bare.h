/* bare.h -- what the benchmarks measure with: a clock, a timing with its
 * spread, and the rate of oneDNN's own matrix product, which is the ceiling.
 */
#ifndef BENCH_BARE_H
#define BENCH_BARE_H

#include <stdint.h>

#include "backend/backend.h"

struct timing {
    double median, best, spread; // seconds; (q3 - q1) / median
};

/** Seconds. With bench_own_time() those that this thread alone ran, which other
 * programs disturb less; it counts for one thread only. */
double bench_now(void);
void bench_own_time(void);

/** Of n durations, which are sorted. */
struct timing timing_of(double *seconds, int n);

/** Time run(ctx): 15 runs, or BENCH_RUNS of the environment, each of some 4 ms
 * or of one call. */
struct timing bench_measure(void (*run)(void *ctx), void *ctx);

/** p, or the end of the program where it is NULL. */
void *bench_need(void *p);

/** Values even in [-1/2, 1/2); data is freed with mem_free. */
struct mat bench_random(int64_t rows, int64_t cols, enum dtype type);

/** GFLOP/s of oneDNN alone: x [M,K] w [K,N], w in the layout that it wants.
 * The best of the runs: a ceiling is not lowered by what runs beside. */
double bare_rate(int64_t M, int64_t K, int64_t N, enum dtype type);

#endif
