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

#endif
