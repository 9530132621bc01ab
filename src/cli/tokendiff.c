/* tokendiff.c -- the longest common subsequence of two lists of tokens. */
#include "cli/tokendiff.h"

#include <stdlib.h>
#include <string.h>

#define PAIRS_MAX ((int64_t)1 << 22)

static bool
is_same(const struct tokens *a, int64_t i, const struct tokens *b, int64_t j)
{
    const int64_t a_from = i ? a->ends[i - 1] : 0;
    const int64_t b_from = j ? b->ends[j - 1] : 0;
    const int64_t n = a->ends[i] - a_from;

    return n == b->ends[j] - b_from &&
           memcmp(a->text + a_from, b->text + b_from, (size_t)n) == 0;
}

/* Clear the marks of what is common to a's tokens from `at` on, n of them, and
 * b's, m of them. length[i][j] is of a's from i on and b's from j on. */
static int
clear_common(bool *differs, const struct tokens *a, const struct tokens *b,
             int64_t at, int64_t n, int64_t m)
{
    int32_t *length = calloc((size_t)((n + 1) * (m + 1)), sizeof(*length));
    const int64_t row = m + 1;

    if (!length)
        return -1;
    for (int64_t i = n - 1; i >= 0; i--)
        for (int64_t j = m - 1; j >= 0; j--) {
            const int32_t below = length[(i + 1) * row + j];
            const int32_t right = length[i * row + j + 1];

            length[i * row + j] = is_same(a, at + i, b, at + j)
                                      ? length[(i + 1) * row + j + 1] + 1
                                  : below > right ? below
                                                  : right;
        }
    for (int64_t i = 0, j = 0; i < n && j < m;) {
        if (is_same(a, at + i, b, at + j)) {
            differs[at + i++] = false;
            j++;
        } else if (length[(i + 1) * row + j] >= length[i * row + j + 1]) {
            i++;
        } else {
            j++;
        }
    }
    free(length);
    return 0;
}

bool *
tokens_differ(const struct tokens *a, const struct tokens *b)
{
    bool *differs = malloc((size_t)a->n + 1);
    int64_t head = 0, tail = 0, n, m;

    if (!differs)
        return NULL;
    memset(differs, true, (size_t)a->n + 1);
    while (head < a->n && head < b->n && is_same(a, head, b, head))
        differs[head++] = false;
    while (tail < a->n - head && tail < b->n - head &&
           is_same(a, a->n - 1 - tail, b, b->n - 1 - tail))
        differs[a->n - 1 - tail++] = false;
    n = a->n - head - tail;
    m = b->n - head - tail;
    if (n > 0 && m > 0 && (n + 1) <= PAIRS_MAX / (m + 1) &&
        clear_common(differs, a, b, head, n, m)) {
        free(differs);
        return NULL;
    }
    return differs;
}
