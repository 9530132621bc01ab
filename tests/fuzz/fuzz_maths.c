/* fuzz_maths.c -- a reference and an answer from strangers, parted by a NUL
 * byte. What is read equals itself where it is a number, and nothing takes
 * more than its share of work. JSON text keeps its meaning.
 */
#include <stdint.h>
#include <string.h>

#include "adapt/reward/answer_value.h"
#include "base/mem.h"
#include "text/number.h"
#include "text/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
keep(const char *s, size_t n)
{
    struct strbuf out = {0};
    bool found;

    TRV_ASSERT(!number_keep(&out, &found, s, n));
    TRV_ASSERT(found || (out.len == n && (!n || !memcmp(out.s, s, n))));
    sb_release(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = mem_strndup((const char *)data, size);
    const size_t n = text ? strlen(text) : 0;
    const size_t rest = n < size ? size - n - 1 : 0;
    const char *answer = (const char *)data + size - rest;
    double score;

    if (text && utf8_is_valid(text, n) && utf8_is_valid(answer, rest))
        for (int k = 0; k < 4; k++) {
            const double real = 0.5;
            const struct answer_value a = {.reference = text,
                                           .n_reference = n,
                                           .real = k & 2 ? &real : NULL,
                                           .text = answer,
                                           .n_text = rest,
                                           .strict = k == 3,
                                           .formula = k & 1};

            if (!answer_value(&score, &a, NULL))
                TRV_ASSERT(score == 0 || score == 1);
        }
    if (text)
        keep(text, n);
    mem_free(text);
    return 0;
}
