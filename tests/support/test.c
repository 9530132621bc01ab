/* test.c -- helpers of the unit tests. */
#include "support/test.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void
test_close(double got, double want, double tolerance, const char *what,
           const char *file, int line)
{
    if (fabs(got - want) <= tolerance)
        return;
    print_error("%s is %.12g, not %.12g within %g\n", what, got, want,
                tolerance);
    _fail(file, line);
}

static char *
next_buffer(size_t *size)
{
    static char ring[4][4096];
    static int turn;

    *size = sizeof(ring[0]);
    turn = (turn + 1) % 4;
    return ring[turn];
}

const char *
test_asset(const char *relative)
{
    const char *root = getenv("TRIVIUM_ASSETS");
    size_t size;
    char *path = next_buffer(&size);

    snprintf(path, size, "%s/%s", root ? root : "../shared/assets", relative);
    if (access(path, R_OK) == 0)
        return path;
    print_message("skipped: no '%s' (set TRIVIUM_ASSETS)\n", path);
    return NULL;
}

const char *
test_source(const char *relative)
{
    const char *root = getenv("TRIVIUM_SOURCE");
    size_t size;
    char *path = next_buffer(&size);

    snprintf(path, size, "%s/tests/%s", root ? root : "..", relative);
    return path;
}

const char *
test_tmpdir(const char *name)
{
    size_t size;
    char *path = next_buffer(&size);
    char command[512];

    snprintf(path, size, "test-tmp-%s", name);
    snprintf(command, sizeof(command), "rm -rf 'test-tmp-%s'", name);
    if (system(command) != 0 || mkdir(path, 0777) != 0)
        fail_msg("cannot make '%s'", path);
    return path;
}
