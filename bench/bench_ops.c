/* bench_ops.c -- how fast the operators are, beside oneDNN's bare products.
 *
 * Shapes of SmolLM2-135M: width 576, 9 heads over 3, inner width 1536,
 * vocabulary 49152; 512 tokens. Each figure is the median of several runs,
 * with the best of them and the spread from the first to the last quartile:
 * where other programs run, the best says more.
 *
 *   bench_ops [threads [word]]     only lines whose name begins with the word
 */
#include <math.h>
#include <omp.h>
#include <oneapi/dnnl/dnnl.h>
#include <stdio.h>
#include <time.h>

#include "backend/backend.h"
#include "base/mem.h"
#include "base/rng.h"

/* With one thread its own processor time counts, which other programs disturb
 * less. */
static clockid_t clock_used = CLOCK_MONOTONIC;

static double
now(void)
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

struct timing {
    double median, best, spread; // seconds; (q3 - q1) / median
};

#define RUNS 15
static struct timing
measure(void (*run)(void *ctx), void *ctx)
{
    double t[RUNS], start = now(), once;
    int each;

    run(ctx);
    start = now();
    run(ctx);
    once = now() - start;
    each = once > 0.004 ? 1 : (int)(0.004 / (once + 1e-7)) + 1;
    for (int i = 0; i < RUNS; i++) {
        start = now();
        for (int j = 0; j < each; j++)
            run(ctx);
        t[i] = (now() - start) / each;
    }
    qsort(t, RUNS, sizeof(t[0]), by_size);
    return (struct timing){t[RUNS / 2], t[0],
                           (t[3 * RUNS / 4] - t[RUNS / 4]) / t[RUNS / 2]};
}

static const char *only = "";

static bool
is_asked(const char *name)
{
    return strncmp(name, only, strlen(only)) == 0;
}

static void *
need(void *p)
{
    if (!p) {
        fprintf(stderr, "no memory\n");
        exit(1);
    }
    return p;
}

static struct mat
random_mat(int64_t rows, int64_t cols, enum dtype type)
{
    struct mat m = {NULL, type, rows, cols, cols};
    struct rng r;

    m.data = need(mem_array((size_t)rows, (size_t)cols * 4));
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

static double
bare_rate(int64_t M, int64_t K, int64_t N, enum dtype type)
{
    const dnnl_data_type_t dt = type == DT_F32 ? dnnl_f32 : dnnl_bf16;
    const dnnl_dims_t xd = {M, K}, wd = {K, N}, yd = {M, N};
    struct mat x = random_mat(M, K, type), y = random_mat(M, N, DT_F32);
    struct mat w = random_mat(K + 64, N + 64, type);
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
    t = measure(bare_run, &b);
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

struct product {
    struct backend *be;
    struct linear lin;
    struct mat x, y;
    bool backward;
};

static void
product_run(void *ctx)
{
    struct product *p = ctx;

    if (p->backward)
        p->be->ops->linear_backward(p->be, p->x, p->y, &p->lin, 0);
    else
        p->be->ops->linear_forward(p->be, p->y, p->x, &p->lin, NULL, 0);
}

static void
bench_linear(struct backend *be, const char *name, int64_t M, int64_t in,
             int64_t out)
{
    struct mat w = random_mat(out, in, DT_F32);
    struct tensor part = {.name = "w",
                          .type = DT_F32,
                          .n_dims = 2,
                          .dim = {out, in},
                          .data = w.data,
                          .bytes = (size_t)(out * in) * 4};
    struct product p = {.be = be, .lin = {.in = in, .out = out, .n_parts = 1}};
    const double bare =
        is_asked(name) ? bare_rate(M, in, out, be->act_type) : 1;
    const double gflop = 2e-9 * (double)(M * in * out);
    trv_err err;

    if (!is_asked(name))
        return;
    p.lin.part[0] = &part;
    if (be->ops->linear_open(be, &p.lin, &err)) {
        fprintf(stderr, "%s\n", err.msg);
        exit(1);
    }
    printf("%-10s [%lld,%lld]->%lld bare (best) %7.1f", name, (long long)M,
           (long long)in, (long long)out, bare);
    for (int b = 0; b < 2; b++) {
        struct timing t;

        p.backward = b;
        p.x = random_mat(M, in, b ? DT_F32 : be->act_type);
        p.y = random_mat(M, out, b ? be->act_type : DT_F32);
        t = measure(product_run, &p);
        printf("  %s %7.1f (%3.0f%%, best %7.1f, spread %2.0f%%)",
               b ? "backward" : "forward", gflop / t.median,
               100 * gflop / t.median / bare, gflop / t.best, 100 * t.spread);
        mem_free(p.x.data);
        mem_free(p.y.data);
    }
    printf("\n");
    fflush(stdout);
    be->ops->linear_close(be, &p.lin);
    mem_free(w.data);
}

static void
refresh_run(void *ctx)
{
    struct product *p = ctx;

    p->be->ops->linear_refresh(p->be, &p->lin);
}

/* Trained weights packed anew, both ways, as after every step. */
static void
bench_refresh(struct backend *be, int64_t in, int64_t out)
{
    struct mat w = random_mat(out, in, DT_F32);
    struct product p = {.be = be,
                        .lin = {.in = in, .out = out, .master = w.data}};
    struct timing t;
    trv_err err;

    if (!is_asked("refresh"))
        return;
    if (be->ops->linear_open(be, &p.lin, &err) ||
        be->ops->linear_open_backward(be, &p.lin, &err)) {
        fprintf(stderr, "%s\n", err.msg);
        exit(1);
    }
    t = measure(refresh_run, &p);
    printf("refresh    %lld->%lld %8.1f us %6.1f GB/s of masters (spread "
           "%2.0f%%)\n",
           (long long)in, (long long)out, 1e6 * t.median,
           4e-9 * (double)(in * out) / t.median, 100 * t.spread);
    be->ops->linear_close(be, &p.lin);
    mem_free(w.data);
}

/* Attention of `segs` runs of n queries (or, at n 1, of `past` keys more). */
struct attention {
    struct backend *be;
    struct attn_plan plan;
    struct mat q, k, v, out, dq, dk, dv, dout, lse;
    bool backward;
};

static void
attention_run(void *ctx)
{
    struct attention *a = ctx;

    if (a->backward)
        a->be->ops->attn_backward(a->be, a->dq, a->dk, a->dv, a->dout, a->out,
                                  a->lse.data, a->q, a->k, a->v, &a->plan);
    else
        a->be->ops->attn_forward(a->be, a->out, a->lse.data, a->q, a->k, a->v,
                                 &a->plan);
}

static void
bench_attention(struct backend *be, int64_t segs, int64_t n, int64_t past)
{
    const int64_t H = 9, KH = 3, D = 64, T = segs * n, S = segs * (n + past);
    struct attn_seg *seg = need(mem_calloc((size_t)segs, sizeof(*seg)));
    struct attn_span *span = need(mem_calloc((size_t)segs, sizeof(*span)));
    struct attention a = {
        .be = be,
        .plan = {segs, seg, H, KH, D, 0, 0.125f},
        .q = random_mat(T, H * D, DT_F32),
        .k = random_mat(S, KH * D, DT_F32),
        .v = random_mat(S, KH * D, DT_F32),
        .out = random_mat(T, H * D, be->act_type),
        .dq = random_mat(T, H * D, DT_F32),
        .dk = random_mat(S, KH * D, DT_F32),
        .dv = random_mat(S, KH * D, DT_F32),
        .dout = random_mat(T, H * D, DT_F32),
        .lse = random_mat(T, H, DT_F32),
    };
    /* two products forward, five backward, over the keys really seen */
    const double pairs = (double)T * ((double)past + (double)(n + 1) / 2);
    const double gflop = 4e-9 * pairs * (double)(H * D);

    if (!is_asked("attention"))
        return;
    for (int64_t s = 0; s < segs; s++) {
        span[s] = (struct attn_span){s * (n + past), n + past};
        seg[s] = (struct attn_seg){s * n, n, 1, &span[s]};
    }
    printf("attention  %lld x %lld, %lld before:", (long long)segs,
           (long long)n, (long long)past);
    for (int b = 0; b < (n > 1 ? 2 : 1); b++) {
        struct timing t;

        a.backward = b;
        t = measure(attention_run, &a);
        printf("  %s %8.1f us %7.1f GFLOP/s (best %7.1f, spread %2.0f%%)",
               b ? "backward" : "forward", 1e6 * t.median,
               gflop * (b ? 2.5 : 1) / t.median, gflop * (b ? 2.5 : 1) / t.best,
               100 * t.spread);
    }
    printf("\n");
    fflush(stdout);
    mem_free(seg);
    mem_free(span);
    mem_free(a.q.data);
    mem_free(a.k.data);
    mem_free(a.v.data);
    mem_free(a.out.data);
    mem_free(a.dq.data);
    mem_free(a.dk.data);
    mem_free(a.dv.data);
    mem_free(a.dout.data);
    mem_free(a.lse.data);
}

/* The rest: bytes that must move at least. */
struct rest {
    struct backend *be;
    struct mat x, y, h, stats, w;
    int32_t target[512];
    float out[512], coef[512];
    int kind;
};

static void
rest_run(void *ctx)
{
    struct rest *r = ctx;
    struct backend *be = r->be;

    switch (r->kind) {
    case 0:
        be->ops->norm_forward(be, r->h, r->stats.data, r->x, r->w.data, NULL,
                              1e-5f, true);
        break;
    case 1:
        be->ops->norm_backward(be, r->y, NULL, NULL, r->x, r->x, r->stats.data,
                               r->w.data, true);
        break;
    case 2:
        be->ops->act_forward(be, r->h, r->x, ACT_SILU, true);
        break;
    case 3:
        be->ops->act_backward(be, r->y, r->h, r->x, ACT_SILU, true);
        break;
    case 4:
        be->ops->xent(be, r->out, NULL, r->x, r->target, NULL);
        break;
    case 5:
        be->ops->xent(be, r->out, NULL, r->x, r->target, r->coef);
        break;
    default:
        be->ops->divergence(be, r->out, r->x, r->y,
                            (enum divergence)(r->kind - 6), r->coef);
        break;
    }
}

static void
bench_rest(struct backend *be, const char *name, int kind, int64_t rows,
           int64_t cols, int64_t h_cols, double bytes)
{
    struct rest r = {.be = be,
                     .x = random_mat(rows, cols, DT_F32),
                     .y = random_mat(rows, cols, DT_F32),
                     .h = random_mat(rows, h_cols, be->act_type),
                     .stats = random_mat(rows, 2, DT_F32),
                     .w = random_mat(1, cols, DT_F32),
                     .kind = kind};
    struct timing t;

    if (!is_asked(name))
        return;
    for (int i = 0; i < 512; i++)
        r.coef[i] = 1e-3f;
    t = measure(rest_run, &r);
    printf(
        "%-24s [%lld,%lld] %8.1f us %6.1f GB/s (best %6.1f, spread %2.0f%%)\n",
        name, (long long)rows, (long long)cols, 1e6 * t.median,
        1e-9 * bytes / t.median, 1e-9 * bytes / t.best, 100 * t.spread);
    fflush(stdout);
    mem_free(r.x.data);
    mem_free(r.y.data);
    mem_free(r.h.data);
    mem_free(r.stats.data);
    mem_free(r.w.data);
}

static void
bench(enum precision prec, int threads)
{
    const struct backend_options opts = {prec, threads, NULL};
    const double T = 512, V = 49152;
    struct backend *be;
    trv_err err;

    if (backend_open(&be, &opts, &err)) {
        fprintf(stderr, "%s\n", err.msg);
        exit(1);
    }
    if (be->threads == 1)
        clock_used = CLOCK_THREAD_CPUTIME_ID;
    printf("-- %s %s, %d threads, %s; GFLOP/s of linear maps\n", be->ops->name,
           be->isa, be->threads, be->act_type == DT_F32 ? "f32" : "bf16");
    omp_set_num_threads(be->threads);
    bench_linear(be, "qkv", 512, 576, 960);
    bench_linear(be, "o", 512, 576, 576);
    bench_linear(be, "gate,up", 512, 576, 3072);
    bench_linear(be, "down", 512, 1536, 576);
    bench_linear(be, "head", 512, 576, 49152);
    bench_linear(be, "odd", 511, 576, 960);
    bench_linear(be, "odd", 77, 576, 960);
    bench_linear(be, "decode", 1, 576, 3072);
    bench_linear(be, "decode", 16, 576, 3072);
    bench_linear(be, "tiny", 16, 128, 384);
    bench_refresh(be, 576, 3072);
    bench_attention(be, 1, 512, 0);
    bench_attention(be, 8, 64, 0);
    bench_attention(be, 1, 2048, 0);
    bench_attention(be, 16, 1, 300);
    bench_attention(be, 1, 1, 1000);
    if (prec == PREC_F32) {
        const double x = T * 4 * 576, u = T * 4 * 3072;

        bench_rest(be, "norm forward", 0, 512, 576, 576, 2 * x);
        bench_rest(be, "norm backward", 1, 512, 576, 576, 4 * x);
        bench_rest(be, "silu gated forward", 2, 512, 3072, 1536, 1.5 * u);
        bench_rest(be, "silu gated backward", 3, 512, 3072, 1536, 2.5 * u);
        bench_rest(be, "xent", 4, 128, 49152, 1, 128 * V * 4);
        bench_rest(be, "xent with gradient", 5, 128, 49152, 1, 128 * V * 12);
        bench_rest(be, "forward KL", 6, 128, 49152, 1, 128 * V * 12);
        bench_rest(be, "reverse KL", 7, 128, 49152, 1, 128 * V * 12);
        bench_rest(be, "Jensen-Shannon", 8, 128, 49152, 1, 128 * V * 12);
    }
    backend_free(be);
}

int
main(int argc, char **argv)
{
    const int threads = argc > 1 ? (int)strtol(argv[1], NULL, 10) : 0;

    only = argc > 2 ? argv[2] : "";
    bench(PREC_AUTO, threads);
    bench(PREC_F32, threads);
    return 0;
}
