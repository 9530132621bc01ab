/* families.h -- the families of src/model/files/family.h, as tests walk them:
 * each has a tiny model in golden/models/NAME, and those that GGUF files name
 * have golden/model/NAME.gguf. A new family is named in no test.
 */
#ifndef TESTS_SUPPORT_FAMILIES_H
#define TESTS_SUPPORT_FAMILIES_H

#include <stddef.h>

/** Name of family i, from 0; NULL after the last. */
const char *test_family(size_t i);
/** The same of those with a GGUF file. */
const char *test_gguf_family(size_t i);

#endif
