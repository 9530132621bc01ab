/* host.h -- memory and moves of a backend whose memory is the host's: the same
 * functions for all such backends. The contract is in backend.h.
 */
#ifndef BACKEND_HOST_H
#define BACKEND_HOST_H

#include "backend/backend.h"

void *host_mem_alloc(struct backend *be, size_t bytes);
void host_mem_free(struct backend *be, void *p);
void host_move(struct backend *be, void *dst, const void *src, size_t bytes);
void host_load(struct backend *be, struct mat y, const struct tensor *t,
               const int32_t *at);
void host_zero(struct backend *be, struct mat y);
void host_copy(struct backend *be, struct mat y, struct mat x);
void host_add(struct backend *be, struct mat y, struct mat x);
void host_gather(struct backend *be, struct mat y, struct mat x,
                 const int64_t *at);
void host_scatter(struct backend *be, struct mat y, const int64_t *at,
                  struct mat x);
void host_scatter_add(struct backend *be, struct mat y, const int64_t *at,
                      struct mat x);
void host_mix(struct backend *be, struct mat y, float a, struct mat x, float b);
void host_dropout(struct backend *be, struct mat y, struct mat x, float p,
                  uint64_t seed, bool add);
void host_scale_columns(struct backend *be, struct mat y, struct mat x,
                        const float *a, const float *b);
void host_dot_columns(struct backend *be, float *d, struct mat x, struct mat y);

/* The slots that these functions fill. */
#define HOST_SLOTS                                                             \
    .is_host = true, .mem_alloc = host_mem_alloc, .mem_free = host_mem_free,   \
    .upload = host_move, .download = host_move, .load = host_load,             \
    .zero = host_zero, .copy = host_copy, .add = host_add,                     \
    .gather = host_gather, .scatter = host_scatter,                            \
    .scatter_add = host_scatter_add, .mix = host_mix, .dropout = host_dropout, \
    .scale_columns = host_scale_columns, .dot_columns = host_dot_columns

#endif
