/* fuzz_triangle_page.c -- any JSON as the report of a triangle: it is refused with
 * a reason, or its page is UTF-8 and has no tag but its own.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include "base/err.h"
#include "cli/triangle_check.h"
#include "cli/triangle_page.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int
count(const char *text, const char *part)
{
    int n = 0;

    for (; (text = strstr(text, part)); text++)
        n++;
    return n;
}

static void
check_page(const char *page, size_t n)
{
    utf8proc_int32_t cp;

    TRV_ASSERT(strlen(page) == n);
    TRV_ASSERT(count(page, "<script") == count(page, "<table class=\"sort"));
    TRV_ASSERT(count(page, "<script") <= 1 && !strstr(page, "<img"));
    TRV_ASSERT(count(page, "<section") == count(page, "</section>"));
    TRV_ASSERT(count(page, "<table") == count(page, "</table>"));
    TRV_ASSERT(!strstr(page, ">nan<") && !strstr(page, ">inf<"));
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
    char why[TRIANGLE_WHY_MAX] = "", *page = NULL;
    json_t *report =
        json_loadb((const char *)data, size, JSON_REJECT_DUPLICATES, NULL);
    size_t n = 0;
    FILE *f;

    if (!triangle_check(why, report)) {
        TRV_ASSERT(*why);
        json_decref(report);
        return 0;
    }
    f = open_memstream(&page, &n);
    TRV_ASSERT(f);
    TRV_ASSERT(triangle_page_write(f, report) == 0);
    fclose(f);
    check_page(page, n);
    free(page);
    json_decref(report);
    return 0;
}
