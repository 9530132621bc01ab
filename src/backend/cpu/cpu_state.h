/* cpu_state.h -- what an open fast backend holds, for its own files only. */
#ifndef BACKEND_CPU_CPU_STATE_H
#define BACKEND_CPU_CPU_STATE_H

#include "backend/cpu/cpu.h"
#include "backend/cpu/onednn.h"
#include "backend/cpu/vec.h"

struct cpu_state {
    struct onednn *od;
    const struct vec_ops *vec;
    /* Grows to what was ever asked for and stays. */
    void *scratch;
    size_t scratch_bytes;
};

static inline struct cpu_state *
cpu_state(struct backend *be)
{
    return be->state;
}

/** At least `bytes` of scratch, 64-byte aligned, or NULL; the next call may
 * hand out the same place. */
void *cpu_scratch(struct backend *be, size_t bytes);

int cpu_linear_open(struct backend *be, struct linear *lin, trv_err *err);
int cpu_linear_open_backward(struct backend *be, struct linear *lin,
                             trv_err *err);
void cpu_linear_refresh(struct backend *be, struct linear *lin);
void cpu_linear_close(struct backend *be, struct linear *lin);
void cpu_linear_forward(struct backend *be, struct mat y, struct mat x,
                        const struct linear *lin, const float *bias,
                        float beta);
void cpu_linear_backward(struct backend *be, struct mat dx, struct mat dy,
                         const struct linear *lin, float beta);
void cpu_matmul(struct backend *be, struct mat y, struct mat a, bool ta,
                struct mat b, bool tb, float alpha, float beta);

#endif
