/* jinja_str.h -- strings as Python sees them: sequences of code points with
 * Python's ideas of space, case and printing. Bytes are UTF-8; a byte that is
 * none counts as one code point, so that no input can run past its end.
 */
#ifndef TEXT_JINJA_STR_H
#define TEXT_JINJA_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/strbuf.h"

/** Length in bytes of the code point at s (n >= 1 bytes left); *cp gets it. */
size_t jstr_next(const char *s, size_t n, int32_t *cp);
/** The same, of the code point that ends at s + n. */
size_t jstr_prev(const char *s, size_t n, int32_t *cp);
int64_t jstr_count(const char *s, size_t n);
/** Byte offset of code point `at`, 0 <= at <= count. */
size_t jstr_offset(const char *s, size_t n, int64_t at);
int jstr_put(struct strbuf *out, int32_t cp);

bool jstr_is_space(int32_t cp);    // str.isspace
bool jstr_is_line_end(int32_t cp); // str.splitlines; CR LF counts as one
bool jstr_is_cased(int32_t cp);
bool jstr_is_alpha(int32_t cp);
bool jstr_is_digit(int32_t cp);
bool jstr_is_upper(int32_t cp);
bool jstr_is_lower(int32_t cp);

/** Bytes of space at the start (at the end) of s. */
size_t jstr_lead(const char *s, size_t n);
size_t jstr_trail(const char *s, size_t n);

enum jstr_case { JSTR_UPPER, JSTR_LOWER, JSTR_TITLE, JSTR_CAPITAL, JSTR_SWAP };
int jstr_recase(struct strbuf *out, const char *s, size_t n, enum jstr_case to);
int jstr_repr(struct strbuf *out, const char *s, size_t n); // repr(str)
int jstr_json(struct strbuf *out, const char *s, size_t n,
              bool ascii);                              // json.dumps(str)
int jstr_float(struct strbuf *out, double x);           // repr(float)
double jstr_to_double(const char *s, const char **end); // in the C locale

/** First place of `what` in s, or -1; the last one with `last`. */
int64_t jstr_find(const char *s, size_t n, const char *what, size_t n_what,
                  bool last);

#endif
