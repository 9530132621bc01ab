/* strbuf.h -- a growing byte string; NUL-terminated, may hold NUL bytes. */
#ifndef BASE_STRBUF_H
#define BASE_STRBUF_H

#include <stddef.h>

#include "base/err.h"

struct strbuf {
    char *s; // NULL while nothing was ever added
    size_t len, cap;
};

/* All return 0 or TRV_ENOMEM; after a failure the old content stands. */
int sb_add(struct strbuf *b, const void *bytes, size_t n);
int sb_puts(struct strbuf *b, const char *s);
int sb_putc(struct strbuf *b, char c);
int sb_printf(struct strbuf *b, const char *fmt, ...) TRV_PRINTF(2, 3);
void sb_reset(struct strbuf *b);   // length 0, memory stays
char *sb_take(struct strbuf *b);   // the caller frees with mem_free; or NULL
void sb_release(struct strbuf *b); // accepts zeros

#endif
