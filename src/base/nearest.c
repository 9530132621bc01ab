/* nearest.c -- the distance of two names: optimal alignment (Damerau 1964).
 * src/cli/opt.c has its own, for the program sees the public header alone. */
#include "base/nearest.h"

#include <stdint.h>
#include <string.h>

size_t
nearest_distance(const char *word, size_t n, const char *name)
{
    size_t d[NEAREST_MAX + 1][NEAREST_MAX + 1];
    const size_t m = strlen(name);

    if (n > NEAREST_MAX || m > NEAREST_MAX)
        return SIZE_MAX;
    for (size_t i = 0; i <= n; i++)
        for (size_t j = 0; j <= m; j++) {
            size_t best;

            if (i == 0 || j == 0) {
                d[i][j] = i + j;
                continue;
            }
            best = d[i - 1][j - 1] + (word[i - 1] != name[j - 1]);
            if (d[i - 1][j] + 1 < best)
                best = d[i - 1][j] + 1;
            if (d[i][j - 1] + 1 < best)
                best = d[i][j - 1] + 1;
            if (i > 1 && j > 1 && word[i - 1] == name[j - 2] &&
                word[i - 2] == name[j - 1] && d[i - 2][j - 2] + 1 < best)
                best = d[i - 2][j - 2] + 1;
            d[i][j] = best;
        }
    return d[n][m];
}

bool
nearest_is_near(size_t distance, size_t n, const char *name)
{
    const size_t most = n / 3 > 2 ? n / 3 : 2; // more than this is another word

    return n > 2 && distance <= most && distance < strlen(name);
}
