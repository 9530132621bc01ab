/* err.c -- error sentences and broken promises. */
#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int
err_fail(trv_err *err, int code, const char *fmt, ...)
{
    va_list ap;

    if (!err)
        return code;
    err->code = code;
    err->option = NULL;
    va_start(ap, fmt);
    vsnprintf(err->msg, sizeof(err->msg), fmt, ap);
    va_end(ap);
    return code;
}

int
err_option(trv_err *err, int code, const char *option, const char *fmt, ...)
{
    const size_t n = strlen(option) + 1;
    va_list ap;

    if (!err)
        return code;
    TRV_ASSERT(n < sizeof(err->msg));
    err->code = code;
    err->option = option;
    snprintf(err->msg, sizeof(err->msg), "%s ", option);
    va_start(ap, fmt);
    vsnprintf(err->msg + n, sizeof(err->msg) - n, fmt, ap);
    va_end(ap);
    return code;
}

int
err_nomem(trv_err *err, const char *fmt, ...)
{
    static const char begin[] = "no memory ";
    const size_t n = sizeof(begin) - 1;
    va_list ap;

    if (!err)
        return TRV_ENOMEM;
    err->code = TRV_ENOMEM;
    err->option = NULL;
    memcpy(err->msg, begin, n);
    va_start(ap, fmt);
    vsnprintf(err->msg + n, sizeof(err->msg) - n, fmt, ap);
    va_end(ap);
    return TRV_ENOMEM;
}

int
err_prefix(trv_err *err, const char *fmt, ...)
{
    char old[sizeof(err->msg)];
    va_list ap;
    size_t n, m;

    if (!err)
        return TRV_EINVAL;
    memcpy(old, err->msg, sizeof(old));
    err->option = NULL; // it no longer begins the sentence
    va_start(ap, fmt);
    vsnprintf(err->msg, sizeof(err->msg), fmt, ap);
    va_end(ap);
    n = strnlen(err->msg, sizeof(err->msg) - 3);
    memcpy(err->msg + n, ": ", 2);
    n += 2;
    m = strnlen(old, sizeof(err->msg) - n - 1); // what fits of the old
    memcpy(err->msg + n, old, m);
    err->msg[n + m] = '\0';
    return err->code;
}

void
err_broken_promise(const char *cond, const char *file, int line)
{
    fprintf(stderr, "trivium: broken promise '%s' at %s:%d\n", cond, file,
            line);
    abort();
}

const char *
trv_code_text(int code)
{
    switch (code) {
    case TRV_OK:
        return "success";
#define CODE_TEXT(name, value, text)                                           \
    case name:                                                                 \
        return text;
        TRV_ERROR_LIST(CODE_TEXT)
#undef CODE_TEXT
    default:
        return "unknown code";
    }
}
