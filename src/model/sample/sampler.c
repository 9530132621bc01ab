/* sampler.c -- drawing tokens. */
#include "model/sample/sampler.h"

#include <math.h>
#include <string.h>

#include "model/decoder/decoder.h"

int
sampling_check(const struct sampling *s, trv_err *err)
{
    if (!(s->temperature >= 0.0 && s->temperature <= 100.0))
        return err_fail(err, TRV_ERANGE, "temperature %g is outside 0 to 100",
                        s->temperature);
    if (s->top_k < 0)
        return err_fail(err, TRV_ERANGE, "top-k %lld is negative",
                        (long long)s->top_k);
    if (!(s->top_p > 0.0 && s->top_p <= 1.0))
        return err_fail(err, TRV_ERANGE, "top-p %g is outside 0 to 1",
                        s->top_p);
    if (!(s->min_p >= 0.0 && s->min_p <= 1.0))
        return err_fail(err, TRV_ERANGE, "min-p %g is outside 0 to 1",
                        s->min_p);
    if (!(s->repetition_penalty > 0.0 && s->repetition_penalty <= 100.0))
        return err_fail(err, TRV_ERANGE,
                        "repetition penalty %g is outside 0 to 100",
                        s->repetition_penalty);
    return 0;
}

/* Below it every difference between two logits is endless: the most likely
 * token is drawn, and nothing overflows on the way there. */
#define COLDEST 1e-20

struct candidate {
    float p;
    int32_t id;
};

/* Most likely first; the lower id first among equals. */
static int
compare_candidates(const void *pa, const void *pb)
{
    const struct candidate *a = pa, *b = pb;

    if (a->p != b->p)
        return a->p > b->p ? -1 : 1;
    return a->id < b->id ? -1 : 1;
}

/* The k-th largest of v[0..n), which is reordered (Hoare's selection). */
static float
kth_largest(float *v, int64_t n, int64_t k)
{
    int64_t lo = 0, hi = n - 1;

    while (lo < hi) {
        const float pivot = v[lo + (hi - lo) / 2];
        int64_t i = lo, j = hi;

        while (i <= j) {
            while (v[i] > pivot)
                i++;
            while (v[j] < pivot)
                j--;
            if (i <= j) {
                const float t = v[i];

                v[i++] = v[j];
                v[j--] = t;
            }
        }
        if (k <= j)
            hi = j;
        else if (k >= i)
            lo = i;
        else
            break;
    }
    return v[k];
}

static int32_t
argmax(const float *x, int64_t n)
{
    int64_t best = 0;

    for (int64_t i = 1; i < n; i++)
        if (x[i] > x[best])
            best = i;
    return (int32_t)best;
}

/* The sum of p[0..n) in four strands, which do not wait for each other. */
static double
sum_block(const float *p, int64_t n)
{
    double s[4] = {0};
    int64_t i = 0;

    for (; i + 4 <= n; i += 4)
        for (int k = 0; k < 4; k++)
            s[k] += (double)p[i + k];
    for (; i < n; i++)
        s[0] += (double)p[i];
    return (s[0] + s[1]) + (s[2] + s[3]);
}

/* Draw from weights p[0..n) that need not sum to one: first the block, then
 * the token in it. */
#define BLOCKS 256
static int64_t
draw_plain(const float *p, int64_t n, struct rng *rng)
{
    const int64_t size = (n + BLOCKS - 1) / BLOCKS;
    double block[BLOCKS], sum = 0.0, u;
    int64_t b = 0;

    for (int64_t i = 0; i < n; i += size) {
        block[i / size] = sum_block(p + i, n - i < size ? n - i : size);
        sum += block[i / size];
    }
    u = rng_uniform(rng) * sum;
    while ((b + 1) * size < n && u >= block[b])
        u -= block[b++];
    for (int64_t i = b * size; i < n; i++) {
        u -= (double)p[i];
        if (u < 0.0)
            return i;
    }
    return argmax(p, n); // rounding ate the tail
}

/* Draw after top-k, top-p and min-p; `list` and `copy` have room for n. */
static int32_t
draw_filtered(const float *p, int64_t n, const struct sampling *s,
              struct candidate *list, float *copy, struct rng *rng)
{
    double sum = 0.0, kept = 0.0, u;
    float floor = 0.0f;
    int64_t m = 0, cut;

    if (s->top_k > 0 && s->top_k < n) {
        memcpy(copy, p, (size_t)n * sizeof(*copy));
        floor = kth_largest(copy, n, s->top_k - 1);
    }
    for (int64_t i = 0; i < n; i++)
        if (p[i] >= floor && p[i] > 0.0f) {
            list[m++] = (struct candidate){p[i], (int32_t)i};
            sum += (double)p[i];
        }
    if (m == 0)
        return 0; // all NaN: the caller sees it in logp
    if (s->top_p < 1.0) {
        /* What lies below (1 - top_p) / m of the mass can never be needed to
         * reach top_p: all of it together is less than 1 - top_p. */
        const double low = (1.0 - s->top_p) * sum / (double)m;
        int64_t k = 0;

        for (int64_t i = 0; i < m; i++)
            if ((double)list[i].p >= low)
                list[k++] = list[i];
        m = k;
    }
    qsort(list, (size_t)m, sizeof(*list), compare_candidates);
    for (cut = 0; cut < m; cut++) {
        if (cut > 0 && (kept >= s->top_p * sum ||
                        (double)list[cut].p < s->min_p * (double)list[0].p))
            break;
        kept += (double)list[cut].p;
    }
    u = rng_uniform(rng) * kept;
    for (int64_t i = 0; i < cut; i++) {
        u -= (double)list[i].p;
        if (u < 0.0)
            return list[i].id;
    }
    return list[0].id;
}

/* Each distinct token seen is penalised once. */
static void
penalise(float *x, int64_t V, const int32_t *seen, int64_t n, float penalty,
         unsigned char *done)
{
    memset(done, 0, (size_t)V);
    for (int64_t i = 0; i < n; i++) {
        const int32_t id = seen[i];

        if (id < 0 || id >= V || done[id])
            continue;
        done[id] = 1;
        x[id] = x[id] > 0.0f ? x[id] / penalty : x[id] * penalty;
    }
}

static int
no_memory(int64_t n, trv_err *err)
{
    return err_fail(err, TRV_ENOMEM, "no memory to sample %lld rows",
                    (long long)n);
}

int
sampler_draw(struct backend *be, struct arena *a, int32_t *out, double *logp,
             struct mat logits, const int32_t *const *seen,
             const int64_t *n_seen, struct rng *const *rng,
             const struct sampling *s, trv_err *err)
{
    const struct arena_mark mark = arena_mark(a);
    const int64_t n = logits.rows, V = logits.cols;
    const int64_t real = s->vocab < V ? s->vocab : V;
    const bool filtered = s->top_k > 0 || s->top_p < 1.0 || s->min_p > 0.0;
    float *first = arena_f32(a, n, 1);
    struct mat raw = mat_new(a, DT_F32, n, V), host;
    struct candidate *list = NULL;
    float *copy = NULL;
    unsigned char *done = arena_alloc(a, (size_t)V);
    bool ok = first && done;

    if (filtered) {
        list = arena_alloc(a, (size_t)V * sizeof(*list));
        copy = arena_f32(a, 1, V);
        ok = ok && list && copy;
    }
    if (!ok || !raw.data)
        return no_memory(n, err);
    be->ops->cast(be, raw, logits);
    host = backend_fetch(be, a, logits);
    if (!host.data)
        return no_memory(n, err);
    for (int64_t i = 0; i < n; i++) {
        float *x = (float *)host.data + i * host.ld;

        if (s->repetition_penalty != 1.0)
            penalise(x, V, seen[i], n_seen[i], (float)s->repetition_penalty,
                     done);
        for (int64_t v = real; v < V; v++)
            x[v] = -INFINITY;
    }
    if (s->temperature < COLDEST) {
        for (int64_t i = 0; i < n; i++)
            out[i] = argmax((const float *)host.data + i * host.ld, real);
    } else {
        backend_store(be, logits, host);
        be->ops->softmax(be, logits, (float)s->temperature);
        host = backend_fetch(be, a, logits);
        if (!host.data)
            return no_memory(n, err);
            /* Each row has random numbers of its own; filters share buffers. */
#pragma omp parallel for schedule(static)                                      \
    num_threads(be->threads) if (!filtered && n > 1)
        for (int64_t i = 0; i < n; i++) {
            const float *p = (const float *)host.data + i * host.ld;

            out[i] = filtered ? draw_filtered(p, real, s, list, copy, rng[i])
                              : (int32_t)draw_plain(p, real, rng[i]);
        }
    }
    be->ops->xent(be, first, NULL, raw, out, NULL);
    for (int64_t i = 0; i < n; i++) {
        logp[i] = (double)first[i];
        if (!isfinite(logp[i]))
            return err_fail(err, TRV_ENONFINITE,
                            "the model gave a logit that is not finite");
    }
    arena_rewind(a, mark);
    return 0;
}
