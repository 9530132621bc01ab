/* curves.h -- the lines of metrics.jsonl as columns. */
#ifndef CLI_CURVES_H
#define CLI_CURVES_H

#include <stdint.h>
#include <stdio.h>

/** A column over the steps; n 0 where there is none. */
struct curve {
    double *step, *value; // [n], steps rising
    int64_t n;
};

struct curves {
    struct curve loss, reward;
};

/** Add the lines of a file; those that are no JSON, or have no step above the
 * last, are passed over. Zeros are no curves. Returns -1 without memory. */
int curves_read(struct curves *c, FILE *f);
void curves_release(struct curves *c); // accepts zeros

#endif
