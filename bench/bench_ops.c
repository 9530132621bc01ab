/* bench_ops.c -- how fast the operators are, beside oneDNN's bare products.
 *
 * Shapes of SmolLM2-135M: width 576, 9 heads over 3, inner width 1536,
 * vocabulary 49152; 512 tokens. Each figure is the median of several runs,
 * with the best of them and the spread from the first to the last quartile:
 * where other programs run, the best says more.
 *
 *   bench_ops [threads [word]]     only lines whose name begins with the word
 *   BENCH_RUNS=1 bench_ops         a quick look: one run for each figure
 */
#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/backend.h"
#include "bare.h"
#include "base/mem.h"

static const char *only = "";

static bool
is_asked(const char *name)
{
    return strncmp(name, only, strlen(only)) == 0;
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
    struct mat w = bench_random(out, in, DT_F32);
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
        p.x = bench_random(M, in, b ? DT_F32 : be->act_type);
        p.y = bench_random(M, out, b ? be->act_type : DT_F32);
        t = bench_measure(product_run, &p);
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
    struct mat w = bench_random(out, in, DT_F32);
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
    t = bench_measure(refresh_run, &p);
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
    struct attn_seg *seg = bench_need(mem_calloc((size_t)segs, sizeof(*seg)));
    struct attn_span *span =
        bench_need(mem_calloc((size_t)segs, sizeof(*span)));
    struct attention a = {
        .be = be,
        .plan = {segs, seg, H, KH, D, 0, 0.125f, 0},
        .q = bench_random(T, H * D, DT_F32),
        .k = bench_random(S, KH * D, DT_F32),
        .v = bench_random(S, KH * D, DT_F32),
        .out = bench_random(T, H * D, be->act_type),
        .dq = bench_random(T, H * D, DT_F32),
        .dk = bench_random(S, KH * D, DT_F32),
        .dv = bench_random(S, KH * D, DT_F32),
        .dout = bench_random(T, H * D, DT_F32),
        .lse = bench_random(T, H, DT_F32),
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
        t = bench_measure(attention_run, &a);
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
                     .x = bench_random(rows, cols, DT_F32),
                     .y = bench_random(rows, cols, DT_F32),
                     .h = bench_random(rows, h_cols, be->act_type),
                     .stats = bench_random(rows, 2, DT_F32),
                     .w = bench_random(1, cols, DT_F32),
                     .kind = kind};
    struct timing t;

    if (!is_asked(name))
        return;
    for (int i = 0; i < 512; i++)
        r.coef[i] = 1e-3f;
    t = bench_measure(rest_run, &r);
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
        bench_own_time();
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
