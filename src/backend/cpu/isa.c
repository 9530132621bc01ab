/* isa.c -- what this processor can do, asked of it once. */
#include "backend/cpu/cpu.h"

#include <cpuid.h>
#include <string.h>

const char *const cpu_isa_names[CPU_ISA_COUNT] = {
#define CPU_ISA_NAME(name) #name,
    CPU_ISA_LIST(CPU_ISA_NAME)
#undef CPU_ISA_NAME
};

/* Register state that the system saves: bits of XCR0. */
static uint64_t
saved_state(void)
{
    uint32_t lo, hi, a, b, c, d;

    if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_OSXSAVE))
        return 0;
    __asm__("xgetbv" : "=a"(lo), "=d"(hi) : "c"(0));
    return ((uint64_t)hi << 32) | lo;
}

static enum cpu_isa
detect(void)
{
    const uint32_t avx512 = (1u << 16) | (1u << 17) | (1u << 30) | (1u << 31);
    const uint32_t amx = (1u << 22) | (1u << 24); // AMX-BF16, AMX-TILE
    const uint64_t xcr0 = saved_state();
    uint32_t a, b, c, d, a1, b1, c1, d1;

    if (!__get_cpuid(1, &a1, &b1, &c1, &d1) ||
        !__get_cpuid_count(7, 0, &a, &b, &c, &d))
        return CPU_base;
    if ((xcr0 & 0x6) != 0x6 || !(b & bit_AVX2) || !(c1 & bit_FMA) ||
        !(c1 & bit_F16C))
        return CPU_base;
    if ((xcr0 & 0xe6) != 0xe6 || (b & avx512) != avx512)
        return CPU_avx2;
    if ((xcr0 & 0x60000) == 0x60000 && (d & amx) == amx)
        return CPU_amx;
    if (__get_cpuid_count(7, 1, &a1, &b1, &c1, &d1) && (a1 & (1u << 5)))
        return CPU_avx512_bf16;
    return CPU_avx512;
}

static bool
has(enum cpu_isa isa)
{
    return isa <= detect();
}

const char *
cpu_best_isa(void)
{
    return cpu_isa_names[detect()];
}

bool
cpu_has_isa(const char *name)
{
    for (int i = 0; i < CPU_ISA_COUNT; i++)
        if (strcmp(name, cpu_isa_names[i]) == 0)
            return has((enum cpu_isa)i);
    return false;
}
