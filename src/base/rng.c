/* rng.c -- PCG32 and a counter hash. */
#include "base/rng.h"

#include <math.h>

static uint32_t
next_u32(struct rng *r)
{
    const uint64_t old = r->state;
    const uint32_t x = (uint32_t)(((old >> 18) ^ old) >> 27);
    const uint32_t rot = (uint32_t)(old >> 59);

    r->state = old * 6364136223846793005u + r->stream;
    return (x >> rot) | (x << ((32u - rot) & 31u));
}

void
rng_init(struct rng *r, uint64_t seed, uint64_t stream)
{
    r->state = 0;
    r->stream = (stream << 1) | 1u;
    next_u32(r);
    r->state += seed;
    next_u32(r);
}

uint32_t
rng_below(struct rng *r, uint32_t n)
{
    const uint32_t floor = (0u - n) % n; // below it, x % n would be biased
    uint32_t x;

    do
        x = next_u32(r);
    while (x < floor);
    return x % n;
}

double
rng_uniform(struct rng *r)
{
    const uint64_t hi = next_u32(r), lo = next_u32(r);

    return (double)(((hi << 32) | lo) >> 11) * 0x1p-53;
}

double
rng_normal(struct rng *r)
{
    const double u = 1.0 - rng_uniform(r), v = rng_uniform(r);

    return sqrt(-2.0 * log(u)) * cos(6.283185307179586 * v);
}

uint32_t
rng_hash(uint64_t seed, uint64_t a, uint64_t b)
{
    /* The finaliser of splitmix64 over a mix of the three words. */
    uint64_t z = seed + a * 0x9e3779b97f4a7c15u + b * 0xd1b54a32d192ed03u;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return (uint32_t)((z ^ (z >> 31)) >> 32);
}

void
rng_some(struct rng *r, int64_t *at, int64_t m, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        at[i] = i;
    for (int64_t i = 0; i < m; i++) {
        const int64_t j = i + rng_below(r, (uint32_t)(n - i));
        const int64_t other = at[i];

        at[i] = at[j];
        at[j] = other;
    }
}
