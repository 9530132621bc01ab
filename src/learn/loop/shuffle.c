/* shuffle.c -- a new order each epoch (Fisher and Yates). */
#include "learn/loop/shuffle.h"

#include "base/mem.h"
#include "base/rng.h"
#include "base/streams.h"

int
shuffle_init(struct shuffle *s, int64_t n, uint64_t seed, trv_err *err)
{
    TRV_ASSERT(n > 0 && n < INT32_MAX);
    *s = (struct shuffle){.n = n, .epoch = -1, .seed = seed};
    s->order = mem_array((size_t)n, sizeof(*s->order));
    return s->order ? 0 : err_nomem(err, "to order %lld rows", (long long)n);
}

static void
begin_epoch(struct shuffle *s, int64_t epoch)
{
    struct rng r;

    rng_init(&r, s->seed, STREAM_EPOCH + (uint64_t)epoch);
    for (int64_t i = 0; i < s->n; i++)
        s->order[i] = i;
    for (int64_t i = s->n - 1; i > 0; i--) {
        const int64_t j = rng_below(&r, (uint32_t)(i + 1));
        const int64_t k = s->order[i];

        s->order[i] = s->order[j];
        s->order[j] = k;
    }
    s->epoch = epoch;
}

int64_t
shuffle_at(struct shuffle *s, int64_t position)
{
    if (position / s->n != s->epoch)
        begin_epoch(s, position / s->n);
    return s->order[position % s->n];
}

void
shuffle_release(struct shuffle *s)
{
    mem_free(s->order);
    *s = (struct shuffle){0};
}
