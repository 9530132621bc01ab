/* mem.c -- counted allocation and the step arena. */
#include "base/mem.h"

#include <malloc.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"

#define MEM_ALIGN 64u

static _Atomic int64_t live_bytes, peak_bytes, calls;
static _Atomic int64_t fail_countdown = -1;

static bool
fails_now(void)
{
    if (atomic_load_explicit(&fail_countdown, memory_order_relaxed) < 0)
        return false;
    return atomic_fetch_sub(&fail_countdown, 1) == 0;
}

static void
count_in(void *p)
{
    int64_t now = atomic_fetch_add(&live_bytes, (int64_t)malloc_usable_size(p));
    int64_t peak = atomic_load(&peak_bytes);

    now += (int64_t)malloc_usable_size(p);
    while (now > peak && !atomic_compare_exchange_weak(&peak_bytes, &peak, now))
        ;
    atomic_fetch_add(&calls, 1);
}

bool
mem_mul(size_t *out, size_t a, size_t b)
{
    return !__builtin_mul_overflow(a, b, out);
}

void *
mem_alloc(size_t bytes)
{
    void *p;

    if (fails_now() || bytes > SIZE_MAX / 2)
        return NULL;
    if (posix_memalign(&p, MEM_ALIGN, bytes ? bytes : 1))
        return NULL;
    count_in(p);
    return p;
}

void *
mem_array(size_t n, size_t size)
{
    size_t bytes;

    return mem_mul(&bytes, n, size) ? mem_alloc(bytes) : NULL;
}

void *
mem_calloc(size_t n, size_t size)
{
    void *p = mem_array(n, size);

    if (p)
        memset(p, 0, n * size);
    return p;
}

void *
mem_realloc(void *p, size_t bytes)
{
    void *q = mem_alloc(bytes);

    if (!q)
        return NULL;
    if (p) {
        const size_t old = malloc_usable_size(p);

        memcpy(q, p, old < bytes ? old : bytes);
        mem_free(p);
    }
    return q;
}

void *
mem_reallocarray(void *p, size_t n, size_t size)
{
    size_t bytes;

    return mem_mul(&bytes, n, size) ? mem_realloc(p, bytes) : NULL;
}

char *
mem_strndup(const char *s, size_t n)
{
    char *d = mem_alloc(n + 1);

    if (d) {
        memcpy(d, s, n);
        d[n] = '\0';
    }
    return d;
}

char *
mem_strdup(const char *s)
{
    return mem_strndup(s, strlen(s));
}

void
mem_free(void *p)
{
    if (!p)
        return;
    atomic_fetch_sub(&live_bytes, (int64_t)malloc_usable_size(p));
    free(p);
}

struct mem_stats
mem_stats_get(void)
{
    return (struct mem_stats){atomic_load(&live_bytes),
                              atomic_load(&peak_bytes), atomic_load(&calls)};
}

void
mem_stats_reset_peak(void)
{
    atomic_store(&peak_bytes, atomic_load(&live_bytes));
}

void
mem_fail_after(int64_t n)
{
    atomic_store(&fail_countdown, n);
}

/* --- arena --- */

struct arena_block {
    struct arena_block *newer;
    size_t size, used;
    char *base;
};

static struct arena_block *
block_new(const struct arena *a, size_t size)
{
    struct arena_block *b = mem_alloc(sizeof(*b));

    if (!b)
        return NULL;
    *b = (struct arena_block){.size = size,
                              .base = a->source.alloc
                                          ? a->source.alloc(a->source.of, size)
                                          : mem_alloc(size)};
    if (!b->base) {
        mem_free(b);
        return NULL;
    }
    return b;
}

static void
free_blocks(struct arena *a)
{
    while (a->oldest) {
        struct arena_block *b = a->oldest;

        a->oldest = b->newer;
        if (a->source.free)
            a->source.free(a->source.of, b->base);
        else
            mem_free(b->base);
        mem_free(b);
    }
    a->current = NULL;
    a->used_before = 0;
}

/* The C library keeps what lies below its heap's top; a large block would come
 * beside it and double the memory of a step. */
static void
give_back(void)
{
#ifdef __GLIBC__
    malloc_trim(0);
#endif
}

/* Move on to a block with room: one that stands by, or a new one. */
static bool
next_block(struct arena *a, size_t bytes)
{
    struct arena_block *b = a->current ? a->current->newer : a->oldest;

    if (!b || b->size < bytes) {
        const size_t least = a->current ? a->current->size : (size_t)1 << 16;
        struct arena_block *fresh = block_new(a, bytes > least ? bytes : least);

        if (!fresh)
            return false;
        fresh->newer = b;
        if (a->current)
            a->current->newer = fresh;
        else
            a->oldest = fresh;
        b = fresh;
    }
    if (a->current)
        a->used_before += a->current->used;
    b->used = 0;
    a->current = b;
    return true;
}

void *
arena_alloc(struct arena *a, size_t bytes)
{
    void *p;

    if (bytes > SIZE_MAX / 4)
        return NULL;
    bytes = (bytes + MEM_ALIGN - 1) & ~(size_t)(MEM_ALIGN - 1);
    if ((!a->current || a->current->size - a->current->used < bytes) &&
        !next_block(a, bytes))
        return NULL;
    p = a->current->base + a->current->used;
    a->current->used += bytes;
    if (a->used_before + a->current->used > a->peak)
        a->peak = a->used_before + a->current->used;
    return p;
}

float *
arena_f32(struct arena *a, int64_t rows, int64_t cols)
{
    size_t n;

    if (rows < 0 || cols < 0 || !mem_mul(&n, (size_t)rows, (size_t)cols) ||
        !mem_mul(&n, n, sizeof(float)))
        return NULL;
    return arena_alloc(a, n);
}

void *
arena_tensor(struct arena *a, size_t bytes)
{
    return arena_alloc(a->tensors ? a->tensors : a, bytes);
}

bool
arena_part(struct arena *a, const struct arena_source *source)
{
    a->tensors = mem_calloc(1, sizeof(*a->tensors));
    if (a->tensors)
        a->tensors->source = *source;
    return a->tensors != NULL;
}

struct arena_mark
arena_mark(const struct arena *a)
{
    const struct arena *t = a->tensors;
    struct arena_mark mark = {.block = a->current,
                              .used = a->current ? a->current->used : 0,
                              .used_before = a->used_before};

    if (t) {
        mark.tensors_block = t->current;
        mark.tensors_used = t->current ? t->current->used : 0;
        mark.tensors_used_before = t->used_before;
    }
    return mark;
}

static void
rewind_to(struct arena *a, struct arena_block *block, size_t used,
          size_t used_before)
{
    a->current = block;
    a->used_before = used_before;
    if (a->current)
        a->current->used = used;
}

void
arena_rewind(struct arena *a, struct arena_mark mark)
{
    rewind_to(a, mark.block, mark.used, mark.used_before);
    if (a->tensors)
        rewind_to(a->tensors, mark.tensors_block, mark.tensors_used,
                  mark.tensors_used_before);
}

void
arena_reset(struct arena *a)
{
    if (a->tensors)
        arena_reset(a->tensors);
    if (!a->oldest)
        return;
    if (a->oldest->newer || a->oldest->size < a->peak) {
        free_blocks(a);
        give_back();
        a->oldest = block_new(a, a->peak); // NULL: the next step grows anew
    }
    a->current = a->oldest;
    a->used_before = 0;
    if (a->current)
        a->current->used = 0;
}

void
arena_release(struct arena *a)
{
    if (a->tensors)
        arena_release(a->tensors);
    mem_free(a->tensors);
    free_blocks(a);
    memset(a, 0, sizeof(*a));
}
