/* tokendiff.h -- which tokens of a text are not in another, in its order. */
#ifndef CLI_TOKENDIFF_H
#define CLI_TOKENDIFF_H

#include <stdbool.h>
#include <stdint.h>

/** A text cut into tokens: token i is the bytes ends[i - 1] to ends[i]. */
struct tokens {
    const char *text;
    const int64_t *ends; // [n], rising
    int64_t n;
};

/**
 * The tokens of `a` that a longest common subsequence with `b` leaves out.
 * Between their common beginning and end, texts of more than 2^22 pairs of
 * tokens are not compared: all there differ.
 *
 * @return [a->n], owned by the caller; NULL without memory.
 */
bool *tokens_differ(const struct tokens *a, const struct tokens *b);

#endif
