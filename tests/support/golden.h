/* golden.h -- arrays of numbers out of a golden JSON file, and comparison with
 * them.
 */
#ifndef TESTS_SUPPORT_GOLDEN_H
#define TESTS_SUPPORT_GOLDEN_H

#include <jansson.h>

#include "support/test.h"

#define GOLDEN_MAX 64

struct golden {
    double v[GOLDEN_MAX];
    float f[GOLDEN_MAX]; // the same, rounded
    int64_t i[GOLDEN_MAX];
    unsigned char b[GOLDEN_MAX]; // not 0
    int64_t n;
};

/** Parse a file under tests/golden/; json_decref() it. */
json_t *golden_open(const char *relative);
/** obj[key], an array of at most GOLDEN_MAX numbers; null becomes NaN. */
struct golden golden_array(const json_t *obj, const char *key);
double golden_number(const json_t *obj, const char *key);
const char *golden_string(const json_t *obj, const char *key);

/** |got - want| <= rel * the largest |want| for all of obj[key], which has n
 * numbers. */
void golden_assert(const double *got, int64_t n, const json_t *obj,
                   const char *key, double rel);
void golden_assert_f32(const float *got, int64_t n, const json_t *obj,
                       const char *key, double rel);

#endif
