/* bare.c -- clock, timing and oneDNN's bare product. */
#include "bare.h"

#include <oneapi/dnnl/dnnl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/mem.h"
#include "base/rng.h"

static clockid_t clock_used = CLOCK_MONOTONIC;

double
bench_now(void)
{
    struct timespec t;

    clock_gettime(clock_used, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int
by_size(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;

    return x < y ? -1 : x > y;
}

void
bench_own_time(void)
{
    clock_used = CLOCK_THREAD_CPUTIME_ID;
}

struct timing
timing_of(double *t, int n)
{
    qsort(t, (size_t)n, sizeof(t[0]), by_size);
    return (struct timing){t[n / 2], t[0],
                           (t[3 * n / 4] - t[n / 4]) / t[n / 2]};
}

#define RUNS 15

/* BENCH_RUNS, at most RUNS: fewer for a look at whether all of it runs. */
static int
runs_asked(void)
{
    const char *s = getenv("BENCH_RUNS");
    const long n = s ? strtol(s, NULL, 10) : RUNS;

    return n < 1 ? 1 : n > RUNS ? RUNS : (int)n;
}

struct timing
bench_measure(void (*run)(void *ctx), void *ctx)
{
    const int runs = runs_asked();
    double t[RUNS], start = bench_now(), once;
    int each;

    run(ctx);
    start = bench_now();
    run(ctx);
    once = bench_now() - start;
    each = once > 0.004 ? 1 : (int)(0.004 / (once + 1e-7)) + 1;
    for (int i = 0; i < runs; i++) {
        start = bench_now();
        for (int j = 0; j < each; j++)
            run(ctx);
        t[i] = (bench_now() - start) / each;
    }
    return timing_of(t, runs);
}

void *
bench_need(void *p)
{
    if (!p) {
        fprintf(stderr, "no memory\n");
        exit(1);
    }
    return p;
}

struct mat
bench_random(int64_t rows, int64_t cols, enum dtype type)
{
    struct mat m = {NULL, type, rows, cols, cols};
    struct rng r;

    m.data = bench_need(
        mem_array((size_t)rows, (size_t)cols * (type == DT_F32 ? 4 : 2)));
    rng_init(&r, 1, 1);
    for (int64_t i = 0; i < rows * cols; i++) {
        const float x = (float)rng_uniform(&r) - 0.5f;

        if (type == DT_F32)
            ((float *)m.data)[i] = x;
        else
            ((bf16 *)m.data)[i] = bf16_from_f32(x);
    }
    return m;
}

/* oneDNN alone: x [M,K] w [K,N] in the layout that it wants. */
struct bare {
    dnnl_primitive_t prim;
    dnnl_stream_t stream;
    dnnl_exec_arg_t args[3];
};

static void
bare_run(void *ctx)
{
    struct bare *b = ctx;

    dnnl_primitive_execute(b->prim, b->stream, 3, b->args);
}

static void
check(dnnl_status_t s)
{
    if (s == dnnl_success)
        return;
    fprintf(stderr, "oneDNN fails\n");
    exit(1);
}

double
bare_rate(int64_t M, int64_t K, int64_t N, enum dtype type)
{
    const dnnl_data_type_t dt = type == DT_F32 ? dnnl_f32 : dnnl_bf16;
    const dnnl_dims_t xd = {M, K}, wd = {K, N}, yd = {M, N};
    struct mat x = bench_random(M, K, type), y = bench_random(M, N, DT_F32);
    struct mat w = bench_random(K + 64, N + 64, type);
    dnnl_memory_desc_t xm, wm, ym;
    dnnl_matmul_desc_t desc;
    dnnl_primitive_desc_t pd;
    dnnl_engine_t engine;
    dnnl_memory_t m[3];
    struct bare b;
    struct timing t;

    check(dnnl_engine_create(&engine, dnnl_cpu, 0));
    check(dnnl_stream_create(&b.stream, engine, dnnl_stream_default_flags));
    check(dnnl_memory_desc_init_by_tag(&xm, 2, xd, dt, dnnl_ab));
    check(dnnl_memory_desc_init_by_tag(&wm, 2, wd, dt, dnnl_format_tag_any));
    check(dnnl_memory_desc_init_by_tag(&ym, 2, yd, dnnl_f32, dnnl_ab));
    check(dnnl_matmul_desc_init(&desc, &xm, &wm, NULL, &ym));
    check(dnnl_primitive_desc_create(&pd, &desc, NULL, engine, NULL));
    check(dnnl_primitive_create(&b.prim, pd));
    check(dnnl_memory_create(&m[0], &xm, engine, x.data));
    check(dnnl_memory_create(
        &m[1], dnnl_primitive_desc_query_md(pd, dnnl_query_weights_md, 0),
        engine, w.data));
    check(dnnl_memory_create(&m[2], &ym, engine, y.data));
    b.args[0] = (dnnl_exec_arg_t){DNNL_ARG_SRC, m[0]};
    b.args[1] = (dnnl_exec_arg_t){DNNL_ARG_WEIGHTS, m[1]};
    b.args[2] = (dnnl_exec_arg_t){DNNL_ARG_DST, m[2]};
    t = bench_measure(bare_run, &b);
    for (int i = 0; i < 3; i++)
        dnnl_memory_destroy(m[i]);
    dnnl_primitive_destroy(b.prim);
    dnnl_primitive_desc_destroy(pd);
    dnnl_stream_destroy(b.stream);
    dnnl_engine_destroy(engine);
    mem_free(x.data);
    mem_free(w.data);
    mem_free(y.data);
    return 2e-9 * (double)(M * K * N) / t.best;
}
