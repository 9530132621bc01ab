/* guarded.c -- pages that open for a call. */
#include "support/guarded.h"

#include <string.h>
#include <sys/mman.h>

#include "base/mem.h"
#include "support/test.h"

#define PAGE ((size_t)4096)
#define MOST 4096 // allocations at a time

struct region {
    void *at;
    size_t bytes;
};

struct guarded {
    struct backend *inner;
    struct region list[MOST];
    int64_t n;
};

static void
protect(const struct region *r, int how)
{
    if (mprotect(r->at, r->bytes, how) != 0)
        fail_msg("cannot protect pages");
}

static void
unlock(struct guarded *g)
{
    for (int64_t i = 0; i < g->n; i++)
        protect(&g->list[i], PROT_READ | PROT_WRITE);
}

static void
lock(struct guarded *g)
{
    for (int64_t i = 0; i < g->n; i++)
        protect(&g->list[i], PROT_NONE);
}

static void *
guarded_mem_alloc(struct backend *be, size_t bytes)
{
    struct guarded *g = be->state;
    const size_t size = (bytes + PAGE) / PAGE * PAGE;
    void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (p == MAP_FAILED || g->n == MOST)
        fail_msg("no memory behind guards");
    memset(p, 0xff, size); // NaN: contents are undefined
    g->list[g->n] = (struct region){p, size};
    protect(&g->list[g->n++], PROT_NONE);
    return p;
}

static void
guarded_mem_free(struct backend *be, void *p)
{
    struct guarded *g = be->state;
    int64_t i = 0;

    if (!p)
        return;
    while (i < g->n && g->list[i].at != p)
        i++;
    if (i == g->n)
        fail_msg("freed what this backend did not allocate");
    munmap(p, g->list[i].bytes);
    g->list[i] = g->list[--g->n];
}

static void
guarded_close(struct backend *be)
{
    struct guarded *g = be->state;

    assert_int_equal(g->n, 0);
    backend_free(g->inner);
    mem_free(g);
}

/* --- each operator, with the pages open --- */

static void
guarded_upload(struct backend *be, void *dst, const void *src, size_t bytes)
{
    struct guarded *own = be->state;

    unlock(own);
    own->inner->ops->upload(own->inner, dst, src, bytes);
    lock(own);
}

static void
guarded_download(struct backend *be, void *dst, const void *src, size_t bytes)
{
    struct guarded *own = be->state;

    unlock(own);
    own->inner->ops->download(own->inner, dst, src, bytes);
    lock(own);
}

static void
guarded_load(struct backend *be, struct mat y, const struct tensor *t,
             const int32_t *at)
{
    struct guarded *own = be->state;

    unlock(own);
    own->inner->ops->load(own->inner, y, t, at);
    lock(own);
}

static void
guarded_zero(struct backend *be, struct mat y)
{
    struct guarded *own = be->state;

    unlock(own);
    own->inner->ops->zero(own->inner, y);
    lock(own);
}

static void
guarded_copy(struct backend *be, struct mat y, struct mat x)
{
    struct guarded *own = be->state;

    unlock(own);
    own->inner->ops->copy(own->inner, y, x);
    lock(own);
}

static void
guarded_add(struct backend *be, struct mat y, struct mat x)
{
    struct guarded *own = be->state;

    unlock(own);
    own->inner->ops->add(own->inner, y, x);
    lock(own);
}

static void
guarded_gather(struct backend *be, struct mat y, struct mat x,
               const int64_t *at)
{
    struct guarded *own = be->state;

    unlock(own);
    own->inner->ops->gather(own->inner, y, x, at);
    lock(own);
}

static void
guarded_scatter(struct backend *be, struct mat y, const int64_t *at,
                struct mat x)
{
    struct guarded *own = be->state;

    unlock(own);
    own->inner->ops->scatter(own->inner, y, at, x);
    lock(own);
}

static void
guarded_scatter_add(struct backend *be, struct mat y, const int64_t *at,
                    struct mat x)
{
    struct guarded *own = be->state;

    unlock(own);
    own->inner->ops->scatter_add(own->inner, y, at, x);
    lock(own);
}

static void
guarded_mix(struct backend *be, struct mat y, float a, struct mat x, float b)
{
    struct guarded *own = be->state;

    unlock(own);
    own->inner->ops->mix(own->inner, y, a, x, b);
    lock(own);
}

static void
guarded_dropout(struct backend *be, struct mat y, struct mat x, float p,
                uint64_t seed, bool add)
{
    struct guarded *own = be->state;

    unlock(own);
    own->inner->ops->dropout(own->inner, y, x, p, seed, add);
    lock(own);
}

static int
guarded_linear_open(struct backend *be, struct linear *lin, trv_err *err)
{
    struct guarded *own = be->state;
    int out;

    unlock(own);
    out = own->inner->ops->linear_open(own->inner, lin, err);
    lock(own);
    return out;
}

static void
guarded_linear_refresh(struct backend *be, struct linear *lin)
{
    struct guarded *own = be->state;

    unlock(own);
    own->inner->ops->linear_refresh(own->inner, lin);
    lock(own);
}

static int
guarded_linear_open_backward(struct backend *be, struct linear *lin,
                             trv_err *err)
{
    struct guarded *own = be->state;
    int out;

    unlock(own);
    out = own->inner->ops->linear_open_backward(own->inner, lin, err);
    lock(own);
    return out;
}

static void
guarded_linear_close(struct backend *be, struct linear *lin)
{
    struct guarded *own = be->state;

    unlock(own);
    own->inner->ops->linear_close(own->inner, lin);
    lock(own);
}

static void
guarded_linear_forward(struct backend *be, struct mat y, struct mat x,
                       const struct linear *lin, const float *bias, float beta)
{
    struct guarded *own = be->state;

    unlock(own);
    own->inner->ops->linear_forward(own->inner, y, x, lin, bias, beta);
    lock(own);
}

static void
guarded_linear_backward(struct backend *be, struct mat dx, struct mat dy,
                        const struct linear *lin, float beta)
{
    struct guarded *own = be->state;

    unlock(own);
    own->inner->ops->linear_backward(own->inner, dx, dy, lin, beta);
    lock(own);
}

static void
guarded_matmul(struct backend *be, struct mat y, struct mat a, bool ta,
               struct mat b, bool tb, float alpha, float beta)
{
    struct guarded *own = be->state;

    unlock(own);
    own->inner->ops->matmul(own->inner, y, a, ta, b, tb, alpha, beta);
    lock(own);
}

static void
guarded_norm_forward(struct backend *be, struct mat y, float *stats,
                     struct mat x, const float *w, const float *b, float eps,
                     bool rms)
{
    struct guarded *own = be->state;

    unlock(own);
    own->inner->ops->norm_forward(own->inner, y, stats, x, w, b, eps, rms);
    lock(own);
}

static void
guarded_norm_backward(struct backend *be, struct mat dx, float *d_w, float *d_b,
                      struct mat dy, struct mat x, const float *stats,
                      const float *w, bool rms)
{
    struct guarded *own = be->state;

    unlock(own);
    own->inner->ops->norm_backward(own->inner, dx, d_w, d_b, dy, x, stats, w,
                                   rms);
    lock(own);
}

static void
guarded_rope(struct backend *be, struct mat x, int64_t head_dim, int64_t rot,
             const float *cos_sin, const int32_t *pos, bool interleaved,
             bool inverse)
{
    struct guarded *own = be->state;

    unlock(own);
    own->inner->ops->rope(own->inner, x, head_dim, rot, cos_sin, pos,
                          interleaved, inverse);
    lock(own);
}

static void
guarded_act_forward(struct backend *be, struct mat h, struct mat u,
                    enum activation f, bool gated)
{
    struct guarded *own = be->state;

    unlock(own);
    own->inner->ops->act_forward(own->inner, h, u, f, gated);
    lock(own);
}

static void
guarded_act_backward(struct backend *be, struct mat du, struct mat dh,
                     struct mat u, enum activation f, bool gated)
{
    struct guarded *own = be->state;

    unlock(own);
    own->inner->ops->act_backward(own->inner, du, dh, u, f, gated);
    lock(own);
}

static void
guarded_attn_forward(struct backend *be, struct mat out, float *lse,
                     struct mat q, struct mat k, struct mat v,
                     const struct attn_plan *plan)
{
    struct guarded *own = be->state;

    unlock(own);
    own->inner->ops->attn_forward(own->inner, out, lse, q, k, v, plan);
    lock(own);
}

static void
guarded_attn_backward(struct backend *be, struct mat dq, struct mat dk,
                      struct mat dv, struct mat dout, struct mat out,
                      const float *lse, struct mat q, struct mat k,
                      struct mat v, const struct attn_plan *plan)
{
    struct guarded *own = be->state;

    unlock(own);
    own->inner->ops->attn_backward(own->inner, dq, dk, dv, dout, out, lse, q, k,
                                   v, plan);
    lock(own);
}

static void
guarded_xent(struct backend *be, float *logp, int32_t *top, struct mat logits,
             const int32_t *target, const float *coef)
{
    struct guarded *own = be->state;

    unlock(own);
    own->inner->ops->xent(own->inner, logp, top, logits, target, coef);
    lock(own);
}

static void
guarded_divergence(struct backend *be, float *div, struct mat a, struct mat b,
                   enum divergence kind, const float *weight)
{
    struct guarded *own = be->state;

    unlock(own);
    own->inner->ops->divergence(own->inner, div, a, b, kind, weight);
    lock(own);
}

static void
guarded_softmax(struct backend *be, struct mat x, float temperature)
{
    struct guarded *own = be->state;

    unlock(own);
    own->inner->ops->softmax(own->inner, x, temperature);
    lock(own);
}

static void
guarded_scale(struct backend *be, struct mat y, float a, float cap)
{
    struct guarded *own = be->state;

    unlock(own);
    own->inner->ops->scale(own->inner, y, a, cap);
    lock(own);
}

static void
guarded_scale_backward(struct backend *be, struct mat dy, struct mat y, float a,
                       float cap)
{
    struct guarded *own = be->state;

    unlock(own);
    own->inner->ops->scale_backward(own->inner, dy, y, a, cap);
    lock(own);
}

static void
guarded_col_sum(struct backend *be, float *d_b, struct mat dy)
{
    struct guarded *own = be->state;

    unlock(own);
    own->inner->ops->col_sum(own->inner, d_b, dy);
    lock(own);
}

static void
guarded_scale_columns(struct backend *be, struct mat y, struct mat x,
                      const float *a, const float *b)
{
    struct guarded *own = be->state;

    unlock(own);
    own->inner->ops->scale_columns(own->inner, y, x, a, b);
    lock(own);
}

static void
guarded_dot_columns(struct backend *be, float *d, struct mat x, struct mat y)
{
    struct guarded *own = be->state;

    unlock(own);
    own->inner->ops->dot_columns(own->inner, d, x, y);
    lock(own);
}

static void
guarded_adamw(struct backend *be, float *w, float *m, float *v, const float *g,
              int64_t n, float lr, float beta1, float beta2, float eps,
              float wd, int64_t step, float gscale)
{
    struct guarded *own = be->state;

    unlock(own);
    own->inner->ops->adamw(own->inner, w, m, v, g, n, lr, beta1, beta2, eps, wd,
                           step, gscale);
    lock(own);
}

static void
guarded_cast(struct backend *be, struct mat y, struct mat x)
{
    struct guarded *own = be->state;

    unlock(own);
    own->inner->ops->cast(own->inner, y, x);
    lock(own);
}

static double
guarded_sum_squares(struct backend *be, const float *x, int64_t n)
{
    struct guarded *own = be->state;
    double out;

    unlock(own);
    out = own->inner->ops->sum_squares(own->inner, x, n);
    lock(own);
    return out;
}

static const struct backend_ops guarded_ops = {
    .name = "guarded",
    .is_host = false,
    .close = guarded_close,
    .mem_alloc = guarded_mem_alloc,
    .mem_free = guarded_mem_free,
    .upload = guarded_upload,
    .download = guarded_download,
    .load = guarded_load,
    .zero = guarded_zero,
    .copy = guarded_copy,
    .add = guarded_add,
    .gather = guarded_gather,
    .scatter = guarded_scatter,
    .scatter_add = guarded_scatter_add,
    .mix = guarded_mix,
    .dropout = guarded_dropout,
    .linear_open = guarded_linear_open,
    .linear_refresh = guarded_linear_refresh,
    .linear_open_backward = guarded_linear_open_backward,
    .linear_close = guarded_linear_close,
    .linear_forward = guarded_linear_forward,
    .linear_backward = guarded_linear_backward,
    .matmul = guarded_matmul,
    .norm_forward = guarded_norm_forward,
    .norm_backward = guarded_norm_backward,
    .rope = guarded_rope,
    .act_forward = guarded_act_forward,
    .act_backward = guarded_act_backward,
    .attn_forward = guarded_attn_forward,
    .attn_backward = guarded_attn_backward,
    .xent = guarded_xent,
    .divergence = guarded_divergence,
    .softmax = guarded_softmax,
    .scale = guarded_scale,
    .scale_backward = guarded_scale_backward,
    .col_sum = guarded_col_sum,
    .scale_columns = guarded_scale_columns,
    .dot_columns = guarded_dot_columns,
    .adamw = guarded_adamw,
    .cast = guarded_cast,
    .sum_squares = guarded_sum_squares,
};

struct backend *
guarded_open(void)
{
    const struct backend_options opts = {.isa = "ref", .prec = PREC_F32};
    struct backend *be = mem_calloc(1, sizeof(*be));
    struct guarded *g = mem_calloc(1, sizeof(*g));
    trv_err err = {0};

    assert_non_null(be);
    assert_non_null(g);
    if (backend_open(&g->inner, &opts, &err))
        fail_msg("%s", err.msg);
    *be = *g->inner;
    be->ops = &guarded_ops;
    be->state = g;
    return be;
}

int64_t
guarded_live(const struct backend *be)
{
    return ((const struct guarded *)be->state)->n;
}
