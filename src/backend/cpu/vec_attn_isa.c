/* vec_attn_isa.c -- attention of one head.
 *
 * Queries are taken 64 together and keys 64 together; keys (and in the
 * backward pass values) are turned into [D,64] panels, so that every product
 * is one kernel: rows of A, one value at a time, times rows of B in registers.
 *
 *   forward   S = Q K^T, running maximum and sum, O = O*e + P V
 *   backward  S, P = exp(S - lse); dP = dO V^T; dS = P (dP - delta);
 *             dV += P^T dO; dK += dS^T Q; dQ += dS K
 *
 * The forward pass runs over the keys of 64 queries; the backward pass over
 * the queries of 64 keys.
 */
#include "backend/cpu/vec_isa.h"

#define ROWS VEC_ATTN_ROWS
#define KEYS VEC_ATTN_KEYS

/* A matrix whose value (i,j) lies at p[i*row + j*col]. */
struct strided {
    const float *p;
    int64_t row, col;
};

/* c [R, N registers] (+)= a [R,K] b [K, ...]; R and N are constants. */
static inline __attribute__((always_inline)) void
block(int R, int N, float *c, int64_t ldc, const float *a, int64_t a_row,
      int64_t a_col, const float *b, int64_t ldb, int64_t K, bool add)
{
    vf acc[6][VN];

#pragma GCC unroll 6
    for (int i = 0; i < R; i++)
#pragma GCC unroll 4
        for (int j = 0; j < N; j++)
            acc[i][j] = add ? *(const vf *)(c + i * ldc + j * VW) : (vf){0};
    for (int64_t k = 0; k < K; k++) {
        vf y[VN];

#pragma GCC unroll 4
        for (int j = 0; j < N; j++)
            y[j] = *(const vf *)(b + k * ldb + j * VW);
#pragma GCC unroll 6
        for (int i = 0; i < R; i++) {
            const float x = a[i * a_row + k * a_col];

#pragma GCC unroll 4
            for (int j = 0; j < N; j++)
                acc[i][j] += x * y[j];
        }
    }
#pragma GCC unroll 6
    for (int i = 0; i < R; i++)
#pragma GCC unroll 4
        for (int j = 0; j < N; j++)
            *(vf *)(c + i * ldc + j * VW) = acc[i][j];
}

static inline __attribute__((always_inline)) void
block_rows(int N, float *c, int64_t ldc, struct strided a, const float *b,
           int64_t ldb, int64_t M, int64_t K, bool add)
{
    int64_t i = 0;

    for (; i + 6 <= M; i += 6)
        block(6, N, c + i * ldc, ldc, a.p + i * a.row, a.row, a.col, b, ldb, K,
              add);
    c += i * ldc;
    a.p += i * a.row;
    switch (M - i) {
    case 5:
        block(5, N, c, ldc, a.p, a.row, a.col, b, ldb, K, add);
        break;
    case 4:
        block(4, N, c, ldc, a.p, a.row, a.col, b, ldb, K, add);
        break;
    case 3:
        block(3, N, c, ldc, a.p, a.row, a.col, b, ldb, K, add);
        break;
    case 2:
        block(2, N, c, ldc, a.p, a.row, a.col, b, ldb, K, add);
        break;
    case 1:
        block(1, N, c, ldc, a.p, a.row, a.col, b, ldb, K, add);
        break;
    default:
        break;
    }
}

/* c [M,N] (+)= a [M,K] b [K,N] */
static void
gemm(float *c, int64_t ldc, struct strided a, const float *b, int64_t ldb,
     int64_t M, int64_t N, int64_t K, bool add)
{
    int64_t j = 0;

    for (; j + VN * VW <= N; j += VN * VW)
        block_rows(VN, c + j, ldc, a, b + j, ldb, M, K, add);
    for (; j + VW <= N; j += VW)
        block_rows(1, c + j, ldc, a, b + j, ldb, M, K, add);
    if (j == N)
        return;
    for (int64_t i = 0; i < M; i++) {
        float acc[VW] = {0};

        for (int64_t k = 0; k < K; k++)
            for (int64_t n = j; n < N; n++)
                acc[n - j] += a.p[i * a.row + k * a.col] * b[k * ldb + n];
        for (int64_t n = j; n < N; n++)
            c[i * ldc + n] = (add ? c[i * ldc + n] : 0.0f) + acc[n - j];
    }
}

/* panel [D,KEYS] = n rows of x, turned; columns from n on are zero. */
static void
turn(float *panel, struct vec_rows x, int64_t n, int64_t D)
{
    for (int64_t d0 = 0; d0 < D; d0 += 16) {
        const int64_t dn = D - d0 < 16 ? D - d0 : 16;

        for (int64_t j = 0; j < n; j++)
            for (int64_t d = 0; d < dn; d++)
                panel[(d0 + d) * KEYS + j] = x.p[j * x.ld + d0 + d];
    }
    for (int64_t d = 0; d < D && n < KEYS; d++)
        memset(panel + d * KEYS + n, 0, sizeof(float) * (size_t)(KEYS - n));
}

/* Keys j0 .. j0+n-1 of a segment, all in one span: where they lie, and which
 * of them a query sees. */
struct keys {
    int64_t slot, j0, n;
};

/* The tile of keys from number j on; false after the last. */
static bool
keys_next(struct keys *at, const struct attn_seg *seg)
{
    int64_t j = at->j0 + at->n, before = 0;

    for (int64_t s = 0; s < seg->n_spans; s++) {
        const int64_t n = seg->spans[s].n;

        if (j < before + n) {
            const int64_t left = before + n - j;

            at->slot = seg->spans[s].slot + (j - before);
            at->j0 = j;
            at->n = left < KEYS ? left : KEYS;
            return true;
        }
        before += n;
    }
    return false;
}

static int64_t
keys_total(const struct attn_seg *seg)
{
    int64_t n = 0;

    for (int64_t s = 0; s < seg->n_spans; s++)
        n += seg->spans[s].n;
    return n;
}

struct sight {
    int64_t lo, hi; // columns of a tile
};

/* What query i sees of a tile. */
static struct sight
sight(const struct attn_plan *plan, const struct attn_seg *seg, int64_t total,
      const struct keys *t, int64_t i)
{
    const int64_t to = total - seg->n + i + 1;
    const int64_t from =
        plan->window > 0 && to > plan->window ? to - plan->window : 0;
    struct sight s = {from - t->j0, to - t->j0};

    s.lo = s.lo < 0 ? 0 : s.lo;
    s.hi = s.hi > t->n ? t->n : s.hi;
    return s;
}

/* One row of scores becomes exp(s*scale - max); the sum and the maximum run
 * on. Returns what the row's earlier sums are to be multiplied by. */
static float
row_online(float *s, struct sight see, float scale, float *max, float *sum)
{
    float most = *max, part = 0, keep;

    for (int64_t j = 0; j < see.lo; j++)
        s[j] = 0;
    for (int64_t j = see.lo; j < see.hi; j++) {
        s[j] *= scale;
        most = s[j] > most ? s[j] : most;
    }
    /* Scores that are all NaN or -inf: nothing may become finite by it. */
    keep = most == *max ? 1.0f : vec_exp(*max - most);
    for (int64_t j = see.lo; j < see.hi; j++) {
        s[j] = vec_exp(s[j] - most);
        part += s[j];
    }
    for (int64_t j = see.hi > see.lo ? see.hi : see.lo; j < KEYS; j++)
        s[j] = 0;
    *max = most;
    *sum = *sum * keep + part;
    return keep;
}

void
VEC(vec_attn)(void *out, enum dtype to, int64_t ld_out, float *lse,
              int64_t lse_step, struct vec_rows q, struct vec_rows k,
              struct vec_rows v, const struct attn_plan *plan,
              const struct attn_seg *seg, int64_t i0, int64_t n, float *scratch)
{
    const int64_t D = plan->head_dim, total = keys_total(seg);
    float *s = scratch;                 // [ROWS,KEYS]
    float *panel = s + 2 * ROWS * KEYS; // [D,KEYS]
    float *o = panel + 2 * KEYS * D;    // [ROWS,D]
    float *max = o + ROWS * D, *sum = max + ROWS;
    struct keys t = {0};

    memset(o, 0, sizeof(float) * (size_t)(n * D));
    for (int64_t i = 0; i < n; i++) {
        max[i] = -INFINITY;
        sum[i] = 0;
    }
    while (keys_next(&t, seg)) {
        const struct sight first = sight(plan, seg, total, &t, i0);
        const struct sight last = sight(plan, seg, total, &t, i0 + n - 1);
        const struct strided p = {s, KEYS, 1};

        if (last.hi <= 0)
            break;
        if (first.lo >= t.n)
            continue;
        turn(panel, (struct vec_rows){k.p + t.slot * k.ld, k.ld}, t.n, D);
        gemm(s, KEYS, (struct strided){q.p, q.ld, 1}, panel, KEYS, n, KEYS, D,
             false);
        for (int64_t i = 0; i < n; i++) {
            const struct sight see = sight(plan, seg, total, &t, i0 + i);
            const float keep =
                row_online(s + i * KEYS, see, plan->scale, &max[i], &sum[i]);

            if (keep != 1.0f)
                for (int64_t d = 0; d < D; d++)
                    o[i * D + d] *= keep;
        }
        gemm(o, D, p, v.p + t.slot * v.ld, v.ld, n, D, t.n, true);
    }
    for (int64_t i = 0; i < n; i++) {
        const float inv = 1.0f / sum[i];

        for (int64_t d = 0; d < D; d++)
            o[i * D + d] *= inv;
        vec_store(out, to, i * ld_out, o + i * D, D);
        if (lse)
            lse[i * lse_step] = max[i] + logf(sum[i]);
    }
}

/* s[h][j] = q_h . k_j for a few heads at once */
static void
dots(float *s, const float *q, int64_t group, struct vec_rows k, int64_t n,
     int64_t D)
{
    for (int64_t j = 0; j < n; j++)
        for (int64_t h = 0; h < group; h++) {
            const float *x = q + h * D, *y = k.p + j * k.ld;
            float sum = 0;

            for (int64_t d = 0; d < D; d++)
                sum += x[d] * y[d];
            s[h * KEYS + j] = sum;
        }
}

void
VEC(vec_attn_one)(void *out, enum dtype to, float *lse, const float *q,
                  int64_t group, struct vec_rows k, struct vec_rows v,
                  const struct attn_plan *plan, const struct attn_seg *seg,
                  float *scratch)
{
    const int64_t D = plan->head_dim, total = keys_total(seg);
    float *s = scratch, *o = s + 2 * ROWS * KEYS + 2 * KEYS * D;
    float *max = o + ROWS * D, *sum = max + ROWS;
    struct keys t = {0};

    memset(o, 0, sizeof(float) * (size_t)(group * D));
    for (int64_t h = 0; h < group; h++) {
        max[h] = -INFINITY;
        sum[h] = 0;
    }
    while (keys_next(&t, seg)) {
        const struct sight see = sight(plan, seg, total, &t, 0);
        struct vec_rows kt, vt;
        const int64_t m = see.hi - see.lo;

        if (m <= 0)
            continue;
        kt = (struct vec_rows){k.p + (t.slot + see.lo) * k.ld, k.ld};
        vt = (struct vec_rows){v.p + (t.slot + see.lo) * v.ld, v.ld};
        dots(s, q, group, kt, m, D);
        for (int64_t h = 0; h < group; h++) {
            const float keep = row_online(s + h * KEYS, (struct sight){0, m},
                                          plan->scale, &max[h], &sum[h]);

            if (keep != 1.0f)
                for (int64_t d = 0; d < D; d++)
                    o[h * D + d] *= keep;
        }
        gemm(o, D, (struct strided){s, KEYS, 1}, vt.p, vt.ld, group, D, m,
             true);
    }
    for (int64_t h = 0; h < group; h++) {
        const float inv = 1.0f / sum[h];

        for (int64_t d = 0; d < D; d++)
            o[h * D + d] *= inv;
        vec_store(out, to, h * D, o + h * D, D);
        if (lse)
            lse[h] = max[h] + logf(sum[h]);
    }
}

/* p = exp(s*scale - lse) where seen; ds = scale p (dp - delta), in dp. */
static void
row_back(float *p, float *dp, struct sight see, float scale, float lse,
         float delta)
{
    for (int64_t j = 0; j < KEYS; j++) {
        const bool seen = j >= see.lo && j < see.hi;
        const float e = vec_exp(p[j] * scale - lse);

        p[j] = seen ? e : 0.0f;
        dp[j] = seen ? scale * e * (dp[j] - delta) : 0.0f;
    }
}

void
VEC(vec_attn_back)(struct vec_rows dq, struct vec_rows dk, struct vec_rows dv,
                   struct vec_rows dout, const float *delta, const float *lse,
                   int64_t lse_step, struct vec_rows q, struct vec_rows k,
                   struct vec_rows v, const struct attn_plan *plan,
                   const struct attn_seg *seg, float *scratch)
{
    const int64_t D = plan->head_dim, total = keys_total(seg);
    float *p = scratch, *dp = p + ROWS * KEYS;         // [ROWS,KEYS]
    float *kt = dp + ROWS * KEYS, *vt = kt + KEYS * D; // [D,KEYS]
    struct keys t = {0};

    for (int64_t i = 0; i < seg->n; i++)
        memset(dq.p + i * dq.ld, 0, sizeof(float) * (size_t)D);
    while (keys_next(&t, seg)) {
        const float *kp = k.p + t.slot * k.ld;

        turn(kt, (struct vec_rows){k.p + t.slot * k.ld, k.ld}, t.n, D);
        turn(vt, (struct vec_rows){v.p + t.slot * v.ld, v.ld}, t.n, D);
        for (int64_t i = 0; i < seg->n; i += ROWS) {
            const int64_t n = seg->n - i < ROWS ? seg->n - i : ROWS;
            const float *qi = q.p + i * q.ld, *oi = dout.p + i * dout.ld;

            if (sight(plan, seg, total, &t, i + n - 1).hi <= 0)
                continue;
            if (sight(plan, seg, total, &t, i).lo >= t.n)
                break;
            gemm(p, KEYS, (struct strided){qi, q.ld, 1}, kt, KEYS, n, KEYS, D,
                 false);
            gemm(dp, KEYS, (struct strided){oi, dout.ld, 1}, vt, KEYS, n, KEYS,
                 D, false);
            for (int64_t r = 0; r < n; r++)
                row_back(p + r * KEYS, dp + r * KEYS,
                         sight(plan, seg, total, &t, i + r), plan->scale,
                         lse[(i + r) * lse_step], delta[i + r]);
            gemm(dv.p + t.slot * dv.ld, dv.ld, (struct strided){p, 1, KEYS}, oi,
                 dout.ld, t.n, D, n, true);
            gemm(dk.p + t.slot * dk.ld, dk.ld, (struct strided){dp, 1, KEYS},
                 qi, q.ld, t.n, D, n, true);
            gemm(dq.p + i * dq.ld, dq.ld, (struct strided){dp, KEYS, 1}, kp,
                 k.ld, n, D, t.n, true);
        }
    }
}
