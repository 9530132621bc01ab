/* mem.h -- all memory of the library passes here: counted, and failed on
 * purpose by tests. Blocks are aligned to 64 bytes, a cache line and the
 * widest vector register.
 */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

void *mem_alloc(size_t bytes);            // contents undefined
void *mem_calloc(size_t n, size_t size);  // zeros; NULL when n*size overflows
void *mem_array(size_t n, size_t size);   // undefined; overflow-checked
void *mem_realloc(void *p, size_t bytes); // keeps the old block on failure
void *mem_reallocarray(void *p, size_t n, size_t size);
char *mem_strdup(const char *s);
char *mem_strndup(const char *s, size_t n);
void mem_free(void *p); // NULL is allowed

/** Counters of the whole process, for reports and for tests. */
struct mem_stats {
    int64_t live_bytes, peak_bytes; // in use now; the most since reset
    int64_t calls;                  // allocations ever made
};
struct mem_stats mem_stats_get(void);
void mem_stats_reset_peak(void);

/** Make the n-th allocation from now fail (0 = the next); -1 switches off. */
void mem_fail_after(int64_t n);

/** *out = a * b; false where the product does not fit. */
bool mem_mul(size_t *out, size_t a, size_t b);

/**
 * An arena: carve, mark, rewind. It grows by blocks while a step is first
 * run; arena_reset() joins the blocks into one of the size that was needed, so
 * a repeated step allocates nothing. Tensors may come from blocks of another
 * memory, which are marked, rewound, reset and released along with it.
 */
struct arena_source { // zeros: mem_alloc() and mem_free()
    void *(*alloc)(void *of, size_t bytes);
    void (*free)(void *of, void *p);
    void *of;
};
struct arena {
    struct arena_block *oldest, *current; // newer blocks stand by, empty
    size_t used_before;                   // bytes carved from older blocks
    size_t peak;                          // most bytes ever carved at once
    struct arena_source source;
    struct arena *tensors; // where they are carved; NULL: here
};
struct arena_mark {
    struct arena_block *block;
    size_t used, used_before;
    struct arena_block *tensors_block; // the same of `tensors`
    size_t tensors_used, tensors_used_before;
};

void *arena_alloc(struct arena *a, size_t bytes); // 64-byte aligned, or NULL
float *arena_f32(struct arena *a, int64_t rows, int64_t cols);
void *arena_tensor(struct arena *a, size_t bytes); // in the tensors' memory
/** Take the tensors of an arena of zeros from `source`; false without memory.
 */
bool arena_part(struct arena *a, const struct arena_source *source);
struct arena_mark arena_mark(const struct arena *a);
void arena_rewind(struct arena *a, struct arena_mark mark);
void arena_reset(struct arena *a);   // everything carved dies; memory stays
void arena_release(struct arena *a); // accepts a struct of zeros

#endif
