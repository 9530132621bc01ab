/* err.h -- how the library fails: a code goes up, a sentence goes out. */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include <trivium/error.h>

/**
 * Write the sentence of a failure and hand its code back, so that a failing
 * function ends in `return err_fail(err, TRV_EIO, ...)`. NULL err is allowed.
 */
int err_fail(trv_err *err, int code, const char *fmt, ...) TRV_PRINTF(3, 4);

/** The same of an option that was set: the sentence begins with its name and a
 * blank. `option` is not copied. The program writes it as the user did,
 * --clip-ratio. */
int err_option(trv_err *err, int code, const char *option, const char *fmt, ...)
    TRV_PRINTF(4, 5);

/** "no memory " and what it was needed for, as in err_nomem(err, "to open
 * '%s'", path). Returns TRV_ENOMEM. */
int err_nomem(trv_err *err, const char *fmt, ...) TRV_PRINTF(2, 3);

/** Put `fmt` and ": " before the sentence that is there. Returns err's code. */
int err_prefix(trv_err *err, const char *fmt, ...) TRV_PRINTF(2, 3);

/**
 * A promise between two of our own functions. Aborts in release builds too;
 * input from outside is never checked with it.
 */
#define TRV_ASSERT(cond)                                                       \
    ((cond) ? (void)0 : err_broken_promise(#cond, __FILE__, __LINE__))

void err_broken_promise(const char *cond, const char *file, int line)
    __attribute__((noreturn));

#endif
