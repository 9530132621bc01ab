/* backend.h -- one table of operators, two backends behind it.
 *
 * `ref` is the oracle: plain loops, sums in double, f32 stored, never
 * optimised. `cpu` is oneDNN for the products and vector code for the rest.
 * Operators cannot fail: shapes are checked when a plan is made, scratch is
 * kept by the backend and its exhaustion is a broken promise (sizes come from
 * a plan that was allocated before).
 *
 * Memory. A backend has memory of its own, whose addresses are plain pointers:
 * anyone may compute with them (mat_part()), and the backend alone reads or
 * writes behind them. There lie activations, packed and trained weights,
 * gradients, moments, caches and rotary tables: all that a `struct mat`, or a
 * float pointer of an operator without another word, names. On the host lie
 * what steers an operator (plans, positions, ids, indices) and one number a
 * row in either direction (targets, coefficients, weights of a loss,
 * log-probabilities, argmaxes, divergences): an operator takes or hands them
 * over within the call. Stored tensors are on the host, too, and enter by
 * load() and linear_open(); other numbers by upload(); out come losses, and by
 * download() or backend_fetch() what is saved, drawn from or reported.
 *
 * Where `is_host`, the memory is the host's: upload, download and fetch from a
 * place to itself do nothing, and no copy is ever made.
 *
 * Two precisions. F32: everything f32. BF16 (cpu only): weights and the inputs
 * of products are bf16, sums and all else f32. `act_type` is the type in which
 * a layer should keep what goes into a product.
 */
#ifndef BACKEND_BACKEND_H
#define BACKEND_BACKEND_H

#include "backend/tensor.h"
#include "base/err.h"
#include "base/mem.h"

enum precision { PREC_AUTO, PREC_F32, PREC_BF16 };

/** A matrix in working memory: F32 or BF16, row-major, `ld` values from row to
 * row. A value, never an owner. */
struct mat {
    void *data;
    enum dtype type;
    int64_t rows, cols, ld;
};

/**
 * A linear map y = x W^T + b, W [out, in], of one to three parts stacked along
 * `out` (q, k, v; gate, up): they share their input, so they are one product.
 */
#define LINEAR_PARTS 3
struct linear {
    int64_t in, out; // out: sum over parts
    int n_parts;
    const struct tensor *part[LINEAR_PARTS];
    bool transposed; // parts are stored [in, out] (GPT-2's Conv1D)
    /* Trained weights: the f32 master copy [out, in], which then counts
     * instead of the parts; after a change call linear_refresh(). */
    float *master;
    void *packed; // the backend's own form, made by linear_open()
};

/* A run of queries and the keys that it sees. Keys lie in numbered slots. All
 * spans but the last are seen whole; of the last, query i of n sees the first
 * (span.n - n + i + 1) slots: the run itself ends it. With a sliding window w
 * query i sees at most the w newest of its keys, itself among them. */
struct attn_span {
    int64_t slot, n;
};
struct attn_seg {
    int64_t t0, n; // queries: rows t0 .. t0+n-1
    int64_t n_spans;
    const struct attn_span *spans;
};
struct attn_plan {
    int64_t n_segs;
    const struct attn_seg *segs;
    int64_t heads, kv_heads, head_dim; // heads is a multiple of kv_heads
    int64_t window;                    // 0: none
    float scale;                       // on q.k; usually 1/sqrt(head_dim)
    float cap; // scores s become cap tanh(s / cap); 0: they stay
};

#define ACTIVATION_LIST(X)                                                     \
    X(GELU_TANH, "gelu_tanh")                                                  \
    X(GELU_ERF, "gelu")                                                        \
    X(SILU, "silu")                                                            \
    X(RELU, "relu")

enum activation {
#define ACTIVATION_ENUM(id, name) ACT_##id,
    ACTIVATION_LIST(ACTIVATION_ENUM)
#undef ACTIVATION_ENUM
};
#define ACTIVATION_ONE(id, name) +1
enum { ACT_COUNT = 0 ACTIVATION_LIST(ACTIVATION_ONE) };
#undef ACTIVATION_ONE
const char *activation_name(enum activation f);
enum divergence { DIV_FORWARD, DIV_REVERSE, DIV_JSD };

struct backend;

struct backend_ops {
    const char *name; // "ref", "cpu"
    bool is_host;     // its memory may be read and written by anyone

    int (*open)(struct backend *be, trv_err *err);
    void (*close)(struct backend *be);

    /* 64-byte aligned, contents undefined; NULL without memory. Free takes
     * NULL. */
    void *(*mem_alloc)(struct backend *be, size_t bytes);
    void (*mem_free)(struct backend *be, void *p);
    /* To the backend's memory, and from it. Equal addresses, which only a host
     * has, are no work. */
    void (*upload)(struct backend *be, void *dst, const void *src,
                   size_t bytes);
    void (*download)(struct backend *be, void *dst, const void *src,
                     size_t bytes);
    /* y [n,C] f32 = rows at[i] of a stored tensor [rows,C] (a vector is one
     * row), at NULL: rows i; an index below 0 leaves its row alone. */
    void (*load)(struct backend *be, struct mat y, const struct tensor *t,
                 const int32_t *at);

    /* y = 0. */
    void (*zero)(struct backend *be, struct mat y);
    /* y = x, y += x: of one type (add: f32), of y's shape, or x one row for
     * all of y's. */
    void (*copy)(struct backend *be, struct mat y, struct mat x);
    void (*add)(struct backend *be, struct mat y, struct mat x);
    /* y [n,C]: row i = row at[i] of x; y: row at[i] = or += row i of x [n,C].
     * Types as above; an index below 0 leaves its row alone. Rows are taken in
     * order, so equal indices add in order, and the last one is kept. */
    void (*gather)(struct backend *be, struct mat y, struct mat x,
                   const int64_t *at);
    void (*scatter)(struct backend *be, struct mat y, const int64_t *at,
                    struct mat x);
    void (*scatter_add)(struct backend *be, struct mat y, const int64_t *at,
                        struct mat x);
    /* y [n,V] = a*y + b*x [n,W] over the columns that both have, -1e30 in the
     * rest of y: logits of two vocabularies. */
    void (*mix)(struct backend *be, struct mat y, float a, struct mat x,
                float b);
    /* y [T,C] f32 = or, with `add`, += x f32 (may be y) where the hash of (seed,
     * row, column) keeps it, times 1/(1-p); 0 elsewhere. */
    void (*dropout)(struct backend *be, struct mat y, struct mat x, float p,
                    uint64_t seed, bool add);

    /* Make, remake after a change of `master`, and drop the packed form. The
     * mapped pages of the parts are not touched again after linear_open()
     * unless the packed form is the mapped form. */
    int (*linear_open)(struct backend *be, struct linear *lin, trv_err *err);
    void (*linear_refresh)(struct backend *be, struct linear *lin);
    /* Make now what linear_backward() needs (it reads the parts again), so
     * that want of memory is an error; otherwise the first backward call does
     * it, where want of memory aborts. */
    int (*linear_open_backward)(struct backend *be, struct linear *lin,
                                trv_err *err);
    void (*linear_close)(struct backend *be, struct linear *lin);

    /* y [M,out] f32 = beta*y + x [M,in] W^T + bias [out] (NULL: none).
     * beta 0 never reads y. x is F32 or act_type. */
    void (*linear_forward)(struct backend *be, struct mat y, struct mat x,
                           const struct linear *lin, const float *bias,
                           float beta);
    /* dx [M,in] f32 = beta*dx + dy [M,out] W. dy is F32 or act_type. */
    void (*linear_backward)(struct backend *be, struct mat dx, struct mat dy,
                            const struct linear *lin, float beta);

    /* y [M,N] f32 = beta*y + alpha * op(a) op(b); op transposes where told.
     * a, b are F32 or BF16, each its own; where either is BF16 the product may
     * be taken in bf16 with f32 sums. */
    void (*matmul)(struct backend *be, struct mat y, struct mat a, bool ta,
                   struct mat b, bool tb, float alpha, float beta);

    /* y [T,C] (F32 or act_type; may be x) = norm(x [T,C] f32) * w + b; `rms`
     * has no mean and no b. stats [T,2] takes mean and 1/sqrt(var + eps); may
     * be NULL. */
    void (*norm_forward)(struct backend *be, struct mat y, float *stats,
                         struct mat x, const float *w, const float *b,
                         float eps, bool rms);
    /* dx += ; d_w, d_b [C] += where not NULL. */
    void (*norm_backward)(struct backend *be, struct mat dx, float *d_w,
                          float *d_b, struct mat dy, struct mat x,
                          const float *stats, const float *w, bool rms);

    /* In place: x [T, heads*head_dim] f32, pairs (i, i + rot/2), or interleaved
     * (2i, 2i + 1), of the first `rot` values of each head turned by the angles of row pos[t] of
     * cos_sin [n_pos, rot] (rot/2 cosines, then rot/2 sines); inverse turns
     * back, which is the backward pass. */
    void (*rope)(struct backend *be, struct mat x, int64_t head_dim,
                 int64_t rot, const float *cos_sin, const int32_t *pos,
                 bool interleaved, bool inverse);

    /* h [T,F] (F32 or act_type) = f(u [T,F]), or where gated
     * f(u[:, :F]) * u[:, F:2F]. */
    void (*act_forward)(struct backend *be, struct mat h, struct mat u,
                        enum activation f, bool gated);
    /* du = (not added). */
    void (*act_backward)(struct backend *be, struct mat du, struct mat dh,
                         struct mat u, enum activation f, bool gated);

    /* out [T, heads*D] (F32 or act_type); lse [T, heads] (log-sum-exp of the
     * scaled and capped scores) may be NULL. q [T, heads*D], k and v [slots, kv_heads*D]
     * f32. Rows outside every segment are left alone. */
    void (*attn_forward)(struct backend *be, struct mat out, float *lse,
                         struct mat q, struct mat k, struct mat v,
                         const struct attn_plan *plan);
    /* dq = for rows of the plan's segments; dk, dv += at the slots seen. */
    void (*attn_backward)(struct backend *be, struct mat dq, struct mat dk,
                          struct mat dv, struct mat dout, struct mat out,
                          const float *lse, struct mat q, struct mat k,
                          struct mat v, const struct attn_plan *plan);

    /* For each row of logits [n,V] f32: logp = log softmax at target (nats).
     * coef not NULL: logits become coef[i] * (softmax - onehot), the gradient
     * of -coef[i] * logp[i]. top (NULL allowed) takes the argmax, the lowest
     * id among equals. target -1: logp 0 and a zero gradient. */
    void (*xent)(struct backend *be, float *logp, int32_t *top,
                 struct mat logits, const int32_t *target, const float *coef);
    /* For each row: div = KL(A||B), KL(B||A) or the Jensen-Shannon divergence
     * with weight 1/2, nats. weight not NULL: b becomes the gradient of
     * weight[i] * div[i] with respect to b's logits. a is read only. */
    void (*divergence)(struct backend *be, float *div, struct mat a,
                       struct mat b, enum divergence kind, const float *weight);

    /* x [n,V] f32 = softmax of each row of x / temperature, in place. */
    void (*softmax)(struct backend *be, struct mat x, float temperature);

    /* y [n,V] f32 = a*y, in place; with a cap above 0: cap tanh(a*y / cap). */
    void (*scale)(struct backend *be, struct mat y, float a, float cap);
    /* dy [n,V] f32, the gradient of what scale() gave, y, becomes that of what
     * it took, in place. y is read only where there is a cap. */
    void (*scale_backward)(struct backend *be, struct mat dy, struct mat y,
                           float a, float cap);

    /* d_b [C] += column sums of dy [T,C] f32. */
    void (*col_sum)(struct backend *be, float *d_b, struct mat dy);
    /* y [T,C] f32 = x [T,C] f32 (may be y) * a [C] + b [C] (NULL: none). */
    void (*scale_columns)(struct backend *be, struct mat y, struct mat x,
                          const float *a, const float *b);
    /* d [C] += column sums of x * y, both [T,C] f32; sums in double. */
    void (*dot_columns)(struct backend *be, float *d, struct mat x,
                        struct mat y);

    /* Decoupled AdamW (Loshchilov & Hutter 2019), step counted from 1:
     * g *= gscale; m, v moments; w -= lr * (mhat / (sqrt(vhat) + eps) + wd*w).
     */
    void (*adamw)(struct backend *be, float *w, float *m, float *v,
                  const float *g, int64_t n, float lr, float beta1, float beta2,
                  float eps, float wd, int64_t step, float gscale);
    /* y = x, each F32 or BF16; rounds to nearest even. */
    void (*cast)(struct backend *be, struct mat y, struct mat x);
    /* Sum of squares, in double; NaN or infinite where x is. */
    double (*sum_squares)(struct backend *be, const float *x, int64_t n);
};

/* Work of decoders, in tokens: done so far, or to be done. */
struct rate_work {
    double scored;  // forward alone
    double learned; // forward and backward
    double draws;   // drawn behind a cache, one in each row of a step
    double steps;   // of drawing, of all batches
};

struct backend {
    const struct backend_ops *ops;
    enum precision prec; // F32 or BF16, decided at open
    enum dtype act_type; // DT_F32 or DT_BF16
    int threads;
    const char *isa;  // "ref", "avx2", "avx512", "avx512_bf16", "amx"
    const char *note; // why a wish was not met, for inspect; or NULL
    void *state;
    struct rate_work done; // by all decoders that run on it
};

struct backend_options {
    enum precision prec; // AUTO: bf16 where the processor multiplies it
    int threads;         // 0: OMP_NUM_THREADS, or as many as there are cores
    const char *isa;     // NULL: TRV_ISA from the environment, or the best
};

/** Open the backend that the options and TRV_ISA (ref, avx2, avx512, amx) ask
 * for. TRV_EUNSUPPORTED where the processor lacks it; TRV_EINVAL. */
int backend_open(struct backend **out, const struct backend_options *opts,
                 trv_err *err);
void backend_free(struct backend *be);

/** A matrix on the host: itself where the memory is the host's, or a dense copy
 * in `a`. data NULL without memory. */
struct mat backend_fetch(struct backend *be, struct arena *a, struct mat x);
/** Bring a change of what backend_fetch() gave for `to` back. */
void backend_store(struct backend *be, struct mat to, struct mat fetched);
/** Move w and g [n] f32 (g NULL: none), made by mem_alloc(), into the backend's
 * memory; where it is the host's they stay where they are. TRV_ENOMEM: both are
 * as before. */
int backend_take(struct backend *be, float **w, float **g, int64_t n,
                 trv_err *err);
/** Free what lies in the memory of `be`; NULL: in the host's. */
void backend_drop(struct backend *be, void *p);
/** Let the tensors of an arena of zeros lie in the backend's memory, which
 * outlives it; where it is the host's, they lie in the arena. TRV_ENOMEM. */
int backend_arena(struct arena *a, struct backend *be, trv_err *err);

static inline size_t
mat_value_bytes(struct mat m)
{
    return m.type == DT_F32 ? sizeof(float) : sizeof(bf16);
}
static inline struct mat
mat_f32(float *data, int64_t rows, int64_t cols)
{
    return (struct mat){data, DT_F32, rows, cols, cols};
}
/** Rows r0 .. r0+n-1, columns c0 .. c0+cols-1 of m. */
static inline struct mat
mat_part(struct mat m, int64_t r0, int64_t n, int64_t c0, int64_t cols)
{
    const int64_t at = r0 * m.ld + c0;

    m.data = (char *)m.data + (size_t)at * mat_value_bytes(m);
    m.rows = n;
    m.cols = cols;
    return m;
}

#endif
