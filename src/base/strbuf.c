/* strbuf.c -- a growing byte string. */
#include "base/strbuf.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

static int
reserve(struct strbuf *b, size_t more)
{
    size_t cap = b->cap ? b->cap : 64;
    char *s;

    if (more > SIZE_MAX / 4 || b->len > SIZE_MAX / 4)
        return TRV_ENOMEM;
    if (b->s && b->len + more + 1 <= b->cap)
        return 0;
    while (cap < b->len + more + 1)
        cap *= 2;
    s = mem_realloc(b->s, cap);
    if (!s)
        return TRV_ENOMEM;
    b->s = s;
    b->cap = cap;
    return 0;
}

int
sb_add(struct strbuf *b, const void *bytes, size_t n)
{
    const int rc = reserve(b, n);

    if (rc)
        return rc;
    if (n)
        memcpy(b->s + b->len, bytes, n);
    b->len += n;
    b->s[b->len] = '\0';
    return 0;
}

int
sb_puts(struct strbuf *b, const char *s)
{
    return sb_add(b, s, strlen(s));
}

int
sb_putc(struct strbuf *b, char c)
{
    return sb_add(b, &c, 1);
}

int
sb_printf(struct strbuf *b, const char *fmt, ...)
{
    va_list ap;
    int n, rc;

    va_start(ap, fmt);
    n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    if (n < 0)
        return TRV_ENOMEM;
    rc = reserve(b, (size_t)n);
    if (rc)
        return rc;
    va_start(ap, fmt);
    vsnprintf(b->s + b->len, (size_t)n + 1, fmt, ap);
    va_end(ap);
    b->len += (size_t)n;
    return 0;
}

void
sb_reset(struct strbuf *b)
{
    b->len = 0;
    if (b->s)
        b->s[0] = '\0';
}

char *
sb_take(struct strbuf *b)
{
    char *s;

    if (!b->s && sb_add(b, "", 0))
        return NULL;
    s = b->s;
    memset(b, 0, sizeof(*b));
    return s;
}

void
sb_release(struct strbuf *b)
{
    mem_free(b->s);
    memset(b, 0, sizeof(*b));
}
