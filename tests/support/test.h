/* test.h -- what every unit test includes: cmocka and a few helpers. */
#ifndef TESTS_SUPPORT_TEST_H
#define TESTS_SUPPORT_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

/** Fail unless |got - want| <= tolerance; NaN fails. */
#define assert_close(got, want, tolerance)                                     \
    test_close((double)(got), (double)(want), (double)(tolerance), #got,       \
               __FILE__, __LINE__)
void test_close(double got, double want, double tolerance, const char *what,
                const char *file, int line);

/** Path of a file under TRIVIUM_ASSETS, in a static buffer that the next call
 * but three overwrites; NULL (and a line 'skipped') where it is absent. */
const char *test_asset(const char *relative);
/** Path of a file under tests/ of the source tree, likewise; never NULL. */
const char *test_source(const char *relative);
/** A new empty folder under the build folder, removed and made anew. */
const char *test_tmpdir(const char *name);

#endif
