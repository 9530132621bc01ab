/* cpu.h -- the fast backend: oneDNN for products, vector code for the rest. */
#ifndef BACKEND_CPU_CPU_H
#define BACKEND_CPU_CPU_H

#include "backend/backend.h"

extern const struct backend_ops cpu_ops;

/* From the plainest to the widest; the name is backend.isa. */
#define CPU_ISA_LIST(X)                                                        \
    X(base)                                                                    \
    X(avx2)                                                                    \
    X(avx512)                                                                  \
    X(avx512_bf16)                                                             \
    X(amx)

enum cpu_isa {
#define CPU_ISA_ENUM(name) CPU_##name,
    CPU_ISA_LIST(CPU_ISA_ENUM)
#undef CPU_ISA_ENUM
        CPU_ISA_COUNT
};
extern const char *const cpu_isa_names[CPU_ISA_COUNT];

const char *cpu_best_isa(void);
bool cpu_has_isa(const char *name);

#endif
