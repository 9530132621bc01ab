/* number.h -- numbers as people write them in a text: 1,234.50 and -7 and 3e4,
 * found and compared exactly, whatever their length.
 */
#ifndef ADAPT_REWARD_NUMBER_H
#define ADAPT_REWARD_NUMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Borrows from the text. */
struct number {
    const char *s; // digits, with commas between thousands and one point
    size_t n;
    bool negative;
    int64_t exponent; // of ten
};

/**
 * The number that a text gives: the first behind its last '####'; where there
 * is no '####', and `strict` is off, the last number of the text.
 *
 * A minus counts where nothing stands right before it that it could part from
 * the number: in "5-3" the last number is 3. False where there is none.
 */
bool number_said(struct number *out, const char *text, size_t n, bool strict);
/** 1.50 and 1.5, 1,000 and 1e3, 0 and -0 are equal. */
bool number_equal(const struct number *a, const struct number *b);

#endif
