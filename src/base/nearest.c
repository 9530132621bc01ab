/* nearest.c -- the distance of two names: optimal alignment (Damerau 1964).
 * src/cli/opt.c has its own, for the program sees the public header alone. */
#include "base/nearest.h"

#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* Capitals are no other letters. */
static bool
same(char a, char b)
{
    return tolower((unsigned char)a) == tolower((unsigned char)b);
}

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
            best = d[i - 1][j - 1] + !same(word[i - 1], name[j - 1]);
            if (d[i - 1][j] + 1 < best)
                best = d[i - 1][j] + 1;
            if (d[i][j - 1] + 1 < best)
                best = d[i][j - 1] + 1;
            if (i > 1 && j > 1 && same(word[i - 1], name[j - 2]) &&
                same(word[i - 2], name[j - 1]) && d[i - 2][j - 2] + 1 < best)
                best = d[i - 2][j - 2] + 1;
            d[i][j] = best;
        }
    return d[n][m];
}

bool
nearest_is_near(size_t distance, size_t n, const char *name)
{
    const size_t most = n < 5 ? 1 : n < 9 ? 2 : n / 3; // more: another word

    return n > 2 && distance <= most && distance < strlen(name);
}

/* A short word that begins otherwise is another name, as hat is beside cat,
 * unless its first two letters are swapped. */
static bool
begins_alike(const char *word, size_t n, const char *name)
{
    return n > 4 || same(word[0], name[0]) ||
           (n > 1 && same(word[0], name[1]) && same(word[1], name[0]));
}

static void
take_nearer(char best[NEAREST_MAX + 1], size_t *least, const char *word,
            size_t n, const char *name)
{
    const size_t d = nearest_distance(word, n, name);

    if (d >= *least || !nearest_is_near(d, n, name) ||
        !begins_alike(word, n, name))
        return;
    *least = d;
    snprintf(best, NEAREST_MAX + 1, "%s", name);
}

static bool
nearest_in(char best[NEAREST_MAX + 1], const char *word, size_t n,
           const char *list)
{
    char name[NEAREST_MAX + 1];
    size_t least = SIZE_MAX;

    for (best[0] = '\0'; *list;) {
        const size_t len = strcspn(list, ",| ");
        const char *dot;

        if (len > 0 && len <= NEAREST_MAX) {
            memcpy(name, list, len);
            name[len] = '\0';
            take_nearer(best, &least, word, n, name);
            dot = strrchr(name, '.');
            if (dot)
                take_nearer(best, &least, word, n, dot + 1);
        }
        list += len + (list[len] != '\0');
    }
    return *best;
}

const char *
nearest_hint(char out[NEAREST_HINT], const char *word, size_t n,
             const char *list)
{
    char best[NEAREST_MAX + 1];
    const bool is = nearest_in(best, word, n, list);

    snprintf(out, NEAREST_HINT, "%s%s%s", is ? "; did you mean '" : "", best,
             is ? "'?" : "");
    return out;
}
