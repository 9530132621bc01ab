/* vec_attn_isa.c -- attention of one head.
 *
 * Queries are taken 64 together and keys 64 together. Scores lie key by key,
 * S [keys, queries]: then only the queries (and dout) are turned, once for all
 * their keys, softmax runs down the rows with the queries side by side in
 * registers, and every product is one kernel: values of A, one at a time,
 * times rows of B.
 *
 *   forward   S = K Qt; running maximum and sum; O = O*e + P^T V
 *   backward  P = exp(S - lse); dP = V dOt; dS = P (dP - delta);
 *             dV += P dO; dK += dS Q; dQ += dS^T K
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
#if VN > 2
    if (j + 3 * VW <= N) {
        block_rows(3, c + j, ldc, a, b + j, ldb, M, K, add);
        j += 3 * VW;
    }
    if (j + 2 * VW <= N) {
        block_rows(2, c + j, ldc, a, b + j, ldb, M, K, add);
        j += 2 * VW;
    }
#endif
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

/* panel [D,ROWS] = n rows of x, turned; columns from n on are zero. */
static void
turn(float *panel, struct vec_rows x, int64_t n, int64_t D)
{
    for (int64_t d0 = 0; d0 < D; d0 += 16) {
        const int64_t dn = D - d0 < 16 ? D - d0 : 16;

        for (int64_t j = 0; j < n; j++)
            for (int64_t d = 0; d < dn; d++)
                panel[(d0 + d) * ROWS + j] = x.p[j * x.ld + d0 + d];
    }
    for (int64_t d = 0; d < D && n < ROWS; d++)
        memset(panel + d * ROWS + n, 0, sizeof(float) * (size_t)(ROWS - n));
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

/* Queries of a block that see a key: columns lo .. hi-1. */
struct seers {
    int64_t lo, hi;
};

/* Of queries i0 .. i0+n-1, those that see key j: query i sees the first
 * total - seg->n + i + 1 keys, and of these the newest `window`. */
static struct seers
seers(const struct attn_plan *plan, const struct attn_seg *seg, int64_t total,
      int64_t j, int64_t i0, int64_t n)
{
    const int64_t first = j - (total - seg->n) - i0;
    struct seers s = {first < 0 ? 0 : first, n};

    if (plan->window > 0 && first + plan->window < n)
        s.hi = first + plan->window < 0 ? 0 : first + plan->window;
    return s;
}

/* Rows of a tile are full where nothing in it is hidden. */
static bool
sees_all(const struct attn_plan *plan, const struct attn_seg *seg,
         int64_t total, const struct keys *t, int64_t i0, int64_t n)
{
    const struct seers a = seers(plan, seg, total, t->j0, i0, n);
    const struct seers b = seers(plan, seg, total, t->j0 + t->n - 1, i0, n);

    return a.hi == n && b.lo == 0;
}

/* Does any query of the block see any key of the tile? */
static bool
sees_any(const struct attn_plan *plan, const struct attn_seg *seg,
         int64_t total, const struct keys *t, int64_t i0, int64_t n)
{
    return seers(plan, seg, total, t->j0, i0, n).lo < n &&
           seers(plan, seg, total, t->j0 + t->n - 1, i0, n).hi > 0;
}

/* Scores of a tile [keys,ROWS], scaled and capped, before any is hidden. */
static void
cap_scores(float *s, int64_t keys, int64_t width, const struct attn_plan *plan)
{
    for (int64_t j = 0; j < keys; j++)
        VEC(vec_cap)(s + j * ROWS, width, plan->scale, plan->cap);
}

/* What is left to multiply scores by. */
static float
scale_left(const struct attn_plan *plan)
{
    return plan->cap > 0 ? 1.0f : plan->scale;
}

/* What is not to be seen becomes -inf in the scores, 0 in dp (or NULL). */
static void
hide(float *s, float *dp, const struct attn_plan *plan,
     const struct attn_seg *seg, int64_t total, const struct keys *t,
     int64_t i0, int64_t n)
{
    for (int64_t j = 0; j < t->n; j++) {
        const struct seers see = seers(plan, seg, total, t->j0 + j, i0, n);

        for (int64_t i = 0; i < n; i++) {
            if (i >= see.lo && i < see.hi)
                continue;
            s[j * ROWS + i] = -INFINITY;
            if (dp)
                dp[j * ROWS + i] = 0;
        }
    }
}

/* A tile that the causal boundary crosses is a staircase: key j is seen by
 * queries from j + first on. Products skip what lies below it, in steps. */
#define STEP 12

static int64_t
stair(int64_t at, int64_t n)
{
    return at < 0 ? 0 : at > n ? n : at;
}

/* s [keys,ROWS] = x [keys,D] panel, where seen */
static void
scores(float *s, struct vec_rows x, const float *panel, int64_t keys,
       int64_t width, int64_t D, int64_t first)
{
    for (int64_t j = 0; j < keys; j += STEP) {
        const int64_t rows = keys - j < STEP ? keys - j : STEP;
        const int64_t c = stair(j + first, width) / VW * VW;

        if (j + STEP + first <= 0) { // not yet at the boundary
            const int64_t flat = stair(-first, keys);

            gemm(s + j * ROWS, ROWS, (struct strided){x.p + j * x.ld, x.ld, 1},
                 panel, ROWS, flat - j, width, D, false);
            j = flat - STEP;
            continue;
        }
        gemm(s + j * ROWS + c, ROWS, (struct strided){x.p + j * x.ld, x.ld, 1},
             panel + c, ROWS, rows, width - c, D, false);
    }
}

/* y [n,D] += s^T x [keys,D] */
static void
to_queries(float *y, int64_t ld, const float *s, struct vec_rows x,
           int64_t keys, int64_t n, int64_t D, int64_t first)
{
    const int64_t step = first + keys <= 1 ? n : STEP;

    for (int64_t i = 0; i < n; i += step) {
        const int64_t rows = n - i < step ? n - i : step;

        gemm(y + i * ld, ld, (struct strided){s + i, 1, ROWS}, x.p, x.ld, rows,
             D, stair(i + rows - first, keys), true);
    }
}

/* y [keys,D] += s x [n,D] */
static void
to_keys(struct vec_rows y, const float *s, struct vec_rows x, int64_t keys,
        int64_t n, int64_t D, int64_t first)
{
    const int64_t step = first + keys <= 1 ? keys : STEP;

    for (int64_t j = 0; j < keys; j += step) {
        const int64_t rows = keys - j < step ? keys - j : step;
        const int64_t c = stair(j + first, n);

        gemm(y.p + j * y.ld, y.ld, (struct strided){s + j * ROWS + c, ROWS, 1},
             x.p + c * x.ld, x.ld, rows, D, n - c, true);
    }
}

/* s becomes exp(s*scale - max); sum and max [ROWS] run on; keep [ROWS] is what
 * earlier sums are to be multiplied by. Returns whether any keep is not 1. */
static bool
online(float *restrict s, int64_t keys, int64_t width, float scale,
       float *restrict max, float *restrict sum, float *restrict keep)
{
    float most[ROWS], base[ROWS], part[ROWS] = {0};
    bool moved = false;

    memcpy(most, max, sizeof(most));
    for (int64_t j = 0; j < keys; j++)
        for (int64_t i = 0; i < width; i++) {
            const float x = s[j * ROWS + i] * scale;

            most[i] = x > most[i] ? x : most[i];
        }
    /* Nothing seen yet: exp(-inf - 0) is 0, -inf - -inf would be NaN. */
    for (int64_t i = 0; i < width; i++)
        base[i] = most[i] == -INFINITY ? 0.0f : most[i];
    for (int64_t i = 0; i < width; i++) {
        keep[i] = vec_exp(max[i] - base[i]);
        moved = moved || most[i] != max[i];
    }
    for (int64_t j = 0; j < keys; j++)
        for (int64_t i = 0; i < width; i++) {
            const float e = vec_exp(s[j * ROWS + i] * scale - base[i]);

            s[j * ROWS + i] = e;
            part[i] += e;
        }
    for (int64_t i = 0; i < width; i++)
        sum[i] = sum[i] * keep[i] + part[i];
    memcpy(max, most, sizeof(most));
    return moved;
}

static int64_t
whole_registers(int64_t n)
{
    return (n + VW - 1) / VW * VW;
}

void
VEC(vec_attn)(void *out, enum dtype to, int64_t ld_out, float *lse,
              int64_t lse_step, struct vec_rows q, struct vec_rows k,
              struct vec_rows v, const struct attn_plan *plan,
              const struct attn_seg *seg, int64_t i0, int64_t n, float *scratch)
{
    const int64_t D = plan->head_dim, total = keys_total(seg);
    const int64_t width = whole_registers(n);
    float *s = scratch;              // [KEYS,ROWS]
    float *qt = s + 2 * ROWS * KEYS; // [D,ROWS]
    float *o = qt + 2 * ROWS * D;    // [ROWS,D]
    float *max = o + ROWS * D, *sum = max + ROWS, *keep = sum + ROWS;
    struct keys t = {0};

    memset(o, 0, sizeof(float) * (size_t)(n * D));
    for (int64_t i = 0; i < ROWS; i++) {
        max[i] = -INFINITY;
        sum[i] = 0;
    }
    turn(qt, q, n, D);
    while (keys_next(&t, seg)) {
        int64_t first; // the query that sees key 0 of the tile first

        if (!sees_any(plan, seg, total, &t, i0, n))
            continue;
        first = t.j0 - (total - seg->n) - i0;
        scores(s, (struct vec_rows){k.p + t.slot * k.ld, k.ld}, qt, t.n, width,
               D, first);
        if (plan->cap > 0)
            cap_scores(s, t.n, width, plan);
        if (!sees_all(plan, seg, total, &t, i0, n))
            hide(s, NULL, plan, seg, total, &t, i0, n);
        if (online(s, t.n, width, scale_left(plan), max, sum, keep))
            for (int64_t i = 0; i < n; i++)
                for (int64_t d = 0; d < D; d++)
                    o[i * D + d] *= keep[i];
        to_queries(o, D, s, (struct vec_rows){v.p + t.slot * v.ld, v.ld}, t.n,
                   n, D, first);
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

struct sight {
    int64_t lo, hi; // columns of a tile
};

/* What the one query of a segment sees of a tile. */
static struct sight
sight(const struct attn_plan *plan, int64_t total, const struct keys *t)
{
    const int64_t from =
        plan->window > 0 && total > plan->window ? total - plan->window : 0;

    return (struct sight){from > t->j0 ? from - t->j0 : 0, t->n};
}

/* Scores of one query become exp(s*scale - max). Returns what its earlier sums
 * are to be multiplied by. */
static float
online_one(float *s, int64_t n, float scale, float *max, float *sum)
{
    float most = *max, part = 0, keep;

    for (int64_t j = 0; j < n; j++) {
        s[j] *= scale;
        most = s[j] > most ? s[j] : most;
    }
    keep = most == *max ? 1.0f : vec_exp(*max - most);
    for (int64_t j = 0; j < n; j++) {
        s[j] = vec_exp(s[j] - most);
        part += s[j];
    }
    *max = most;
    *sum = *sum * keep + part;
    return keep;
}

/* Sums of neighbours: a0+a1, a2+a3, .. b0+b1, .. GCC wants to be told that two
 * shuffles do it; clang has no such call and finds them by itself. */
static inline vf
fold(vf a, vf b)
{
#ifdef __clang__
    vf sum;

#pragma GCC unroll 16
    for (int i = 0; i < VW / 2; i++) {
        sum[i] = a[2 * i] + a[2 * i + 1];
        sum[VW / 2 + i] = b[2 * i] + b[2 * i + 1];
    }
    return sum;
#else
    vi even, odd;

#pragma GCC unroll 16
    for (int i = 0; i < VW; i++) {
        even[i] = 2 * i;
        odd[i] = 2 * i + 1;
    }
    return __builtin_shuffle(a, b, even) + __builtin_shuffle(a, b, odd);
#endif
}

/* q . k_j of VW keys, one in each lane: folded in a tree. */
static inline vf
dots_wide(const float *q, const float *k, int64_t ld, int64_t D)
{
    vf part[VW];

#pragma GCC unroll 16
    for (int r = 0; r < VW; r++) {
        part[r] = (vf){0};
        for (int64_t d = 0; d < D; d += VW)
            part[r] += *(const vf *)(q + d) * *(const vf *)(k + r * ld + d);
    }
#pragma GCC unroll 16
    for (int n = VW / 2; n > 0; n /= 2)
#pragma GCC unroll 16
        for (int r = 0; r < n; r++)
            part[r] = fold(part[2 * r], part[2 * r + 1]);
    return part[0];
}

/* s[h][j] = q_h . k_j */
static void
dots(float *s, const float *q, int64_t group, struct vec_rows k, int64_t n,
     int64_t D)
{
    int64_t j = 0;

    for (; D % VW == 0 && j + VW <= n; j += VW)
        for (int64_t h = 0; h < group; h++)
            *(vf *)(s + h * KEYS + j) =
                dots_wide(q + h * D, k.p + j * k.ld, k.ld, D);
    for (; j < n; j++)
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
        const struct sight see = sight(plan, total, &t);
        struct vec_rows kt, vt;
        const int64_t m = see.hi - see.lo;

        if (m <= 0)
            continue;
        kt = (struct vec_rows){k.p + (t.slot + see.lo) * k.ld, k.ld};
        vt = (struct vec_rows){v.p + (t.slot + see.lo) * v.ld, v.ld};
        dots(s, q, group, kt, m, D);
        for (int64_t h = 0; h < group; h++) {
            float keep;

            if (plan->cap > 0)
                VEC(vec_cap)(s + h * KEYS, m, plan->scale, plan->cap);
            keep =
                online_one(s + h * KEYS, m, scale_left(plan), &max[h], &sum[h]);

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

/* p = exp(p*scale - lse), dp = scale p (dp - delta). */
static void
back_scores(float *restrict p, float *restrict dp, int64_t keys, int64_t width,
            float scale, const float *restrict lse, const float *restrict delta)
{
    for (int64_t j = 0; j < keys; j++)
        for (int64_t i = 0; i < width; i++) {
            const float e = vec_exp(p[j * ROWS + i] * scale - lse[i]);

            p[j * ROWS + i] = e;
            dp[j * ROWS + i] = scale * e * (dp[j * ROWS + i] - delta[i]);
        }
}

/* The same of scores that are scaled and capped: dp times 1 - (s/cap)^2, too.
 * Hidden scores are -inf, whose p is 0. */
static void
back_capped(float *restrict p, float *restrict dp, int64_t keys, int64_t width,
            const struct attn_plan *plan, const float *restrict lse,
            const float *restrict delta)
{
    const float in = 1.0f / plan->cap;

    for (int64_t j = 0; j < keys; j++)
        for (int64_t i = 0; i < width; i++) {
            const float s = p[j * ROWS + i];
            const float t = s < -plan->cap ? 1.0f : s * in;
            const float e = vec_exp(s - lse[i]);

            p[j * ROWS + i] = e;
            dp[j * ROWS + i] = plan->scale * (1.0f - t * t) * e *
                               (dp[j * ROWS + i] - delta[i]);
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
    float *p = scratch, *dp = p + ROWS * KEYS;          // [KEYS,ROWS]
    float *qt = dp + ROWS * KEYS, *ot = qt + ROWS * D;  // [D,ROWS]
    float *l = ot + ROWS * D + ROWS * D, *m = l + ROWS; // [ROWS]

    for (int64_t i = 0; i < seg->n; i++)
        memset(dq.p + i * dq.ld, 0, sizeof(float) * (size_t)D);
    for (int64_t i = 0; i < seg->n; i += ROWS) {
        const int64_t n = seg->n - i < ROWS ? seg->n - i : ROWS;
        const int64_t width = whole_registers(n);
        const struct vec_rows qi = {q.p + i * q.ld, q.ld};
        const struct vec_rows oi = {dout.p + i * dout.ld, dout.ld};
        struct keys t = {0};

        turn(qt, qi, n, D);
        turn(ot, oi, n, D);
        for (int64_t r = 0; r < ROWS; r++) {
            l[r] = r < n ? lse[(i + r) * lse_step] : 0.0f;
            m[r] = r < n ? delta[i + r] : 0.0f;
        }
        while (keys_next(&t, seg)) {
            const struct vec_rows kj = {k.p + t.slot * k.ld, k.ld};
            const struct vec_rows vj = {v.p + t.slot * v.ld, v.ld};
            const struct vec_rows dkj = {dk.p + t.slot * dk.ld, dk.ld};
            const struct vec_rows dvj = {dv.p + t.slot * dv.ld, dv.ld};
            const int64_t first = t.j0 - (total - seg->n) - i;

            if (!sees_any(plan, seg, total, &t, i, n))
                continue;
            scores(p, kj, qt, t.n, width, D, first);
            scores(dp, vj, ot, t.n, width, D, first);
            if (plan->cap > 0)
                cap_scores(p, t.n, width, plan);
            if (!sees_all(plan, seg, total, &t, i, n))
                hide(p, dp, plan, seg, total, &t, i, n);
            if (plan->cap > 0)
                back_capped(p, dp, t.n, width, plan, l, m);
            else
                back_scores(p, dp, t.n, width, plan->scale, l, m);
            to_keys(dvj, p, oi, t.n, n, D, first);
            to_keys(dkj, dp, qi, t.n, n, D, first);
            to_queries(dq.p + i * dq.ld, dq.ld, dp, kj, t.n, n, D, first);
        }
    }
}
