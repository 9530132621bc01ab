/* answer_value.h -- is the value that an answer gives the reference's? What
 * verifier:number and verifier:math share.
 */
#ifndef ADAPT_REWARD_ANSWER_VALUE_H
#define ADAPT_REWARD_ANSWER_VALUE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

struct answer_value {
    const char *reference; // its text
    size_t n_reference;
    const double *real; // the same, where JSON has it as a real number
    const char *text;   // the answer
    size_t n_text;
    bool strict;  // only what stands behind '####' counts
    bool formula; // verifier:math: the answer is found as math-verify does
};

/**
 * Compare; *score becomes 1 or 0.
 *
 * The reference is what it marks by '####', a box or dollars; or all of it, a
 * number or mathematics; or the one number among words. A reference that is
 * anything else is refused, TRV_EINVAL, with what is not understood.
 *
 * A number is compared with the number that the answer gives: in its last box;
 * or the first behind its last '####'; or else its last one. Where that one is
 * a part of more (a fraction, a formula), all of it is read. Other references
 * are compared by maths_equal() with what maths_find() finds.
 */
int answer_value(double *score, const struct answer_value *a, trv_err *err);

#endif
