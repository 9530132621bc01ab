/* number.h -- numbers as people and programs write them in a text: 1,234.50,
 * -$7, 3e4, 12.5 %, 1_000, found and compared exactly, whatever their length.
 */
#ifndef TEXT_NUMBER_H
#define TEXT_NUMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/strbuf.h"

/** Borrows from the text. */
struct number {
    const char *s; // digits, with marks between thousands and one point
    size_t n;
    bool negative, percent;
    int64_t exponent; // of ten
    size_t start;     // where it begins in the text, with sign and currency
    size_t end;       // where it ends, with exponent and percent
};

/**
 * The number that a text gives: the first behind its last '####'; where there
 * is no '####', and `strict` is off, the last number of the text.
 *
 * Thousands are parted by a comma, an underscore, LaTeX's {,} or \, or a
 * space that does not break. A minus (ASCII or Unicode) counts where nothing
 * stands right before it that it could part from the number: in "5-3" the last
 * number is 3. A currency may stand between sign and digits. False where there
 * is none.
 */
bool number_said(struct number *out, const char *text, size_t n, bool strict);
/** The first number from *at on; *at goes behind it. */
bool number_next(struct number *out, const char *text, size_t n, size_t *at);
/** Is the text one number, but for blanks around it and a full stop? */
bool number_is(struct number *out, const char *text, size_t n);

/** 1.50 and 1.5, 1,000 and 1e3, 0 and -0 are equal. Where one of the two is a
 * percentage, 12 % equals both 12 and 0.12. */
bool number_equal(const struct number *a, const struct number *b);

/** The nearest double. 0 or TRV_ENOMEM. */
int number_double(double *out, const struct number *a);

/** Append JSON text with every number as a string that neither a 64-bit
 * integer nor a double holds as it is written; *found says whether there was
 * one. 0 or TRV_ENOMEM. */
int number_keep(struct strbuf *out, bool *found, const char *json, size_t n);

#endif
