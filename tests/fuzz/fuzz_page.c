/* fuzz_page.c -- any bytes as the words of a prompt, as answers, as trouble and
 * as the metrics of a run, on one page: it is UTF-8, and none of them becomes a
 * tag.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include "base/err.h"
#include "cli/page.h"
#include "cli/textio.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The page of one answer, whose tokens end behind each eighth byte that begins
 * a character. */
static void
write_page(FILE *f, char *text, const struct origin *source,
           const struct origin *target)
{
    trv_measured_input input = {0.1, 0.5};
    trv_measured_position position = {0.1, 0.5, 1};
    const size_t n = strlen(text);
    int64_t *ends = malloc((n + 1) * sizeof(*ends));
    trv_example e = {.input = text,
                     .base = text,
                     .source = text + n / 2,
                     .target = text,
                     .base_tokens = {ends, 0}};
    const trv_measurement r = {.gap_closed = {0.5, 0.1, 0.3, 0.7, 2},
                               .trouble = text,
                               .examples = &e,
                               .n_examples = 1,
                               .inputs = &input,
                               .n_inputs = 1,
                               .positions = &position,
                               .n_positions = 1};
    const struct figures_of who = {text, text, text, "text", "lora"};

    TRV_ASSERT(ends);
    for (size_t i = 1; i <= n; i++)
        if (i == n || (i % 8 == 0 && (text[i] & 0xC0) != 0x80))
            ends[e.base_tokens.n++] = (int64_t)i;
    TRV_ASSERT(page_write(f, &r,
                          &(struct page_of){&who, source, target, text, &text,
                                            1}) == 0);
    free(ends);
}

static void
check_page(const char *page, size_t n)
{
    utf8proc_int32_t cp;

    TRV_ASSERT(!strstr(page, "<script") && !strstr(page, "<img"));
    for (size_t i = 0; i < n;) {
        const utf8proc_ssize_t k = utf8proc_iterate(
            (const utf8proc_uint8_t *)page + i, (utf8proc_ssize_t)(n - i), &cp);

        TRV_ASSERT(k > 0 && (cp >= 0x20 || cp == '\n' || cp == '\t'));
        i += (size_t)k;
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *bytes = malloc(size + 1), *page = NULL;
    struct origin source = {0}, target = {0};
    size_t n = 0;
    FILE *metrics = size ? fmemopen(bytes, size, "r") : NULL;
    FILE *f = open_memstream(&page, &n);

    TRV_ASSERT(bytes && f);
    memcpy(bytes, data, size);
    bytes[size] = '\0';
    source.said = json_pack("{s:[{s:s,s:o}]}", "words", "role", "system",
                            "content", textio_json(bytes, size));
    if (metrics) {
        TRV_ASSERT(curves_read(&target.curves, metrics) == 0);
        fclose(metrics);
    }
    write_page(f, bytes, &source, &target);
    fclose(f);
    check_page(page, n);
    origin_release(&source);
    origin_release(&target);
    free(page);
    free(bytes);
    return 0;
}
