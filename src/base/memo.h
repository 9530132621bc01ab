/* memo.h -- results that a run has computed, by a key that says of what: a run
 * that goes on takes them from here and ends with the same bytes, because what
 * it computes anew is exactly what is missing.
 *
 *   file   a journal (seal.h), a line a block:
 *            {"key": "about", "value": {...}}   whose results these are
 *            {"key": HASH, "value": ...}        the first of a key counts
 *
 * The file is made with the first result. A key must hold all that decides a
 * result but what `about` and the run's fingerprint hold.
 */
#ifndef BASE_MEMO_H
#define BASE_MEMO_H

#include <jansson.h>
#include <stdbool.h>

#include "base/err.h"

struct memo;

/** `about` is borrowed and copied. Where `resume`, the file is read; otherwise
 * one that is there goes. TRV_EFORMAT (damaged), TRV_EIO, TRV_ENOMEM. */
int memo_open(struct memo **out, const char *path, bool resume,
              const json_t *about, trv_err *err);
void memo_free(struct memo *m); // NULL is allowed

/** What the file that was read is about; NULL: it held nothing. */
const json_t *memo_about(const struct memo *m);

/** The value of a key, borrowed; NULL: none. `m` NULL: none. */
const json_t *memo_find(const struct memo *m, const char *key);
/** Keep a value (taken; NULL: TRV_ENOMEM). `m` NULL: nothing is kept. */
int memo_add(struct memo *m, const char *key, json_t *value, trv_err *err);

/** The sentence of a value that is not what its key asks for: TRV_EFORMAT. */
int memo_broken(const struct memo *m, trv_err *err);

#endif
