/* rng.h -- random numbers: one small state, saved with a run and restored bit
 * for bit. PCG-XSH-RR 64/32 (O'Neill 2014): a 64-bit state, an odd stream
 * constant. Two streams of one seed never meet.
 */
#ifndef BASE_RNG_H
#define BASE_RNG_H

#include <stdint.h>

struct rng {
    uint64_t state, stream;
};

void rng_init(struct rng *r, uint64_t seed, uint64_t stream);
uint32_t rng_below(struct rng *r, uint32_t n); // 0..n-1, unbiased; n >= 1
double rng_uniform(struct rng *r);             // [0, 1), 53 bits
double rng_normal(struct rng *r);              // mean 0, variance 1

/** m of the numbers 0..n-1 in the first m places of at [n], without order; the
 * rest of them behind. */
void rng_some(struct rng *r, int64_t *at, int64_t m, int64_t n);

/** A stateless hash of (seed, a, b): the source of dropout masks, which the
 * backward pass makes again instead of storing. */
uint32_t rng_hash(uint64_t seed, uint64_t a, uint64_t b);

#endif
