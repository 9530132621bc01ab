/* cpu_attn.c -- attention shared out among threads.
 *
 * Forward: a task is 64 queries of a segment under the heads that share one
 * key head, or, where a segment has one query, that segment. Backward: a task
 * is one query head; heads that share keys sum their dk and dv apart, and the
 * sums are added in the order of the heads.
 */
#include "backend/cpu/cpu_attn.h"

#include <omp.h>

#include "backend/cpu/cpu_state.h"

static struct vec_rows
head(struct mat m, int64_t t, int64_t c)
{
    return (struct vec_rows){(float *)m.data + t * m.ld + c, m.ld};
}

static int64_t
blocks_of(const struct attn_seg *seg)
{
    return (seg->n + VEC_ATTN_ROWS - 1) / VEC_ATTN_ROWS;
}

struct forward {
    struct mat out, q, k, v;
    float *lse;
    const struct attn_plan *plan;
    const struct vec_ops *vec;
};

static void
forward_task(const struct forward *f, const struct attn_seg *seg, int64_t blk,
             int64_t kvh, float *scratch)
{
    const struct attn_plan *plan = f->plan;
    const int64_t D = plan->head_dim, group = plan->heads / plan->kv_heads;
    const int64_t i0 = blk * VEC_ATTN_ROWS, t = seg->t0 + i0;
    const int64_t left = seg->n - i0, h0 = kvh * group;
    const struct vec_rows k = head(f->k, 0, kvh * D),
                          v = head(f->v, 0, kvh * D);
    const size_t size = f->out.type == DT_F32 ? 4 : 2;
    char *out = (char *)f->out.data + (size_t)(t * f->out.ld + h0 * D) * size;
    float *lse = f->lse ? f->lse + t * plan->heads + h0 : NULL;

    if (seg->n == 1 && group <= VEC_ATTN_ROWS) {
        f->vec->attn_one(out, f->out.type, lse, head(f->q, t, h0 * D).p, group,
                         k, v, plan, seg, scratch);
        return;
    }
    for (int64_t h = 0; h < group; h++)
        f->vec->attn(out + (size_t)(h * D) * size, f->out.type, f->out.ld,
                     lse ? lse + h : NULL, plan->heads,
                     head(f->q, t, (h0 + h) * D), k, v, plan, seg, i0,
                     left < VEC_ATTN_ROWS ? left : VEC_ATTN_ROWS, scratch);
}

/* Scratch for every thread, each at its own 64 bytes. */
static size_t
thread_floats(int64_t D)
{
    return ((size_t)VEC_ATTN_SCRATCH(D) + 15) & ~(size_t)15;
}

void
cpu_attn_forward(struct backend *be, struct mat out, float *lse, struct mat q,
                 struct mat k, struct mat v, const struct attn_plan *plan)
{
    const struct forward f = {out, q, k, v, lse, plan, cpu_state(be)->vec};
    const size_t each = thread_floats(plan->head_dim);
    float *scratch =
        cpu_scratch(be, each * (size_t)be->threads * sizeof(float));
    int64_t blocks = 0, keys = 0;

    TRV_ASSERT(scratch);
    for (int64_t s = 0; s < plan->n_segs; s++) {
        blocks += blocks_of(&plan->segs[s]);
        for (int64_t i = 0; i < plan->segs[s].n_spans; i++)
            keys += plan->segs[s].spans[i].n;
    }
#pragma omp parallel num_threads(be->threads) if (blocks * plan->heads > 1 &&  \
                                                  keys * plan->heads > 256)
    {
        float *mine = scratch + each * (size_t)omp_get_thread_num();
        int64_t s = 0, first = 0; // blocks of the segments before s

#pragma omp for schedule(dynamic)
        for (int64_t task = 0; task < blocks * plan->kv_heads; task++) {
            /* The costly blocks, late in a segment, come first. */
            const int64_t at = blocks - 1 - task / plan->kv_heads;

            if (at < first)
                s = first = 0;
            while (at >= first + blocks_of(&plan->segs[s]))
                first += blocks_of(&plan->segs[s++]);
            forward_task(&f, &plan->segs[s], at - first, task % plan->kv_heads,
                         mine);
        }
    }
}

struct backward {
    struct mat dq, dk, dv, dout, out, q, k, v;
    const float *lse;
    const struct attn_plan *plan;
    const struct vec_ops *vec;
    float *delta; // [T of all segments]
};

static void
backward_segment(const struct backward *b, const struct attn_seg *seg,
                 int64_t h, struct vec_rows dk, struct vec_rows dv,
                 float *delta, float *scratch)
{
    const struct attn_plan *plan = b->plan;
    const int64_t D = plan->head_dim;
    const int64_t kvc = h / (plan->heads / plan->kv_heads) * D;
    const int64_t t = seg->t0;
    const size_t size = b->out.type == DT_F32 ? 4 : 2;

    for (int64_t i = 0; i < seg->n; i++)
        delta[i] = b->vec->dot(head(b->dout, t + i, h * D).p,
                               (const char *)b->out.data +
                                   (size_t)((t + i) * b->out.ld + h * D) * size,
                               b->out.type, D);
    b->vec->attn_back(head(b->dq, t, h * D), dk, dv, head(b->dout, t, h * D),
                      delta, b->lse + t * plan->heads + h, plan->heads,
                      head(b->q, t, h * D), head(b->k, 0, kvc),
                      head(b->v, 0, kvc), plan, seg, scratch);
}

/* Slots that the plan's segments look at. */
struct range {
    int64_t from, to;
};

static struct range
placeholders_seen(const struct attn_plan *plan, int64_t *longest)
{
    struct range r = {INT64_MAX, 0};

    *longest = 0;
    for (int64_t s = 0; s < plan->n_segs; s++) {
        const struct attn_seg *seg = &plan->segs[s];

        *longest = seg->n > *longest ? seg->n : *longest;
        for (int64_t i = 0; i < seg->n_spans; i++) {
            const struct attn_span *sp = &seg->spans[i];

            r.from = sp->slot < r.from ? sp->slot : r.from;
            r.to = sp->slot + sp->n > r.to ? sp->slot + sp->n : r.to;
        }
    }
    if (r.from > r.to)
        r.from = r.to;
    return r;
}

void
cpu_attn_backward(struct backend *be, struct mat dq, struct mat dk,
                  struct mat dv, struct mat dout, struct mat out,
                  const float *lse, struct mat q, struct mat k, struct mat v,
                  const struct attn_plan *plan)
{
    const struct backward b = {
        dq, dk, dv, dout, out, q, k, v, lse, plan, cpu_state(be)->vec, NULL};
    const int64_t D = plan->head_dim, group = plan->heads / plan->kv_heads;
    int64_t longest;
    const struct range seen = placeholders_seen(plan, &longest);
    const int64_t slots = seen.to - seen.from;
    const size_t apart = group > 1 ? (size_t)(slots * D) : 0; // floats of dk
    const size_t each =
        thread_floats(D) + (((size_t)longest + 15) & ~(size_t)15);
    float *scratch =
        cpu_scratch(be, sizeof(float) * (each * (size_t)be->threads +
                                         2 * apart * (size_t)plan->heads));
    float *sums;

    TRV_ASSERT(scratch);
    sums = scratch + each * (size_t)be->threads;
#pragma omp parallel num_threads(be->threads)
    {
        float *mine = scratch + each * (size_t)omp_get_thread_num();
        float *delta = mine + thread_floats(D);

#pragma omp for schedule(dynamic)
        for (int64_t h = 0; h < plan->heads; h++) {
            struct vec_rows dk_h = head(dk, 0, h / group * D);
            struct vec_rows dv_h = head(dv, 0, h / group * D);

            if (apart) {
                float *own = sums + 2 * apart * (size_t)h;

                memset(own, 0, 2 * apart * sizeof(float));
                /* Slot `from` is row 0 of the sums. */
                dk_h = (struct vec_rows){own - seen.from * D, D};
                dv_h = (struct vec_rows){own + apart - seen.from * D, D};
            }
            for (int64_t s = 0; s < plan->n_segs; s++)
                backward_segment(&b, &plan->segs[s], h, dk_h, dv_h, delta,
                                 mine);
        }
#pragma omp for schedule(static)
        for (int64_t r = 0; r < (apart ? slots : 0); r++)
            for (int64_t h = 0; h < plan->heads; h++) {
                const float *own = sums + 2 * apart * (size_t)h + r * D;

                b.vec->add(head(dk, seen.from + r, h / group * D).p, own, D);
                b.vec->add(head(dv, seen.from + r, h / group * D).p,
                           own + apart, D);
            }
    }
}
