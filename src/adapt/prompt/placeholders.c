/* placeholders.c -- templates of prompts. */
#include "adapt/prompt/placeholders.h"

#include <string.h>

int
placeholders_fill(struct strbuf *out, const char *template,
                  const struct slot *slots, int n)
{
    const char *p = template;
    int rc = 0;

    while (*p && !rc) {
        const size_t plain = strcspn(p, "{");
        bool known = false;

        rc = sb_add(out, p, plain);
        p += plain;
        for (int i = 0; i < n && *p && !known && !rc; i++) {
            const size_t len = strlen(slots[i].name);

            if (strncmp(p, slots[i].name, len) != 0)
                continue;
            rc = sb_puts(out, slots[i].text);
            p += len;
            known = true;
        }
        if (*p && !known && !rc)
            rc = sb_putc(out, *p++);
    }
    return rc;
}

bool
placeholders_once(const char *template, const char *name)
{
    const char *at = strstr(template, name);

    return at && !strstr(at + 1, name);
}
