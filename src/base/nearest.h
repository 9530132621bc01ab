/* nearest.h -- the name that a mistyped one stands for. */
#ifndef BASE_NEAREST_H
#define BASE_NEAREST_H

#include <stdbool.h>
#include <stddef.h>

#define NEAREST_MAX 32 // bytes of a name; longer ones are near to none

/** How many letters must be put in, left out, changed or swapped with their
 * neighbour to make `name` of word [n]; SIZE_MAX where either is too long. */
size_t nearest_distance(const char *word, size_t n, const char *name);

/** Is a name at this distance likely what was meant by a word of n letters? */
bool nearest_is_near(size_t distance, size_t n, const char *name);

#define NEAREST_HINT (NEAREST_MAX + 24)
/** The end of a sentence that refuses word [n]: "; did you mean 'NAME'?" where
 * one of the names in `list` ("a, b, c" or "a|b|c") is near, else "". Of a name
 * with dots the last part counts, too. @return out */
const char *nearest_hint(char out[NEAREST_HINT], const char *word, size_t n,
                         const char *list);

#endif
