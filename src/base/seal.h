/* seal.h -- what a run keeps for one that goes on from it, with checksums: a
 * flipped bit must not become a result.
 *
 *   document  one JSON object; its field "sha256" is of the rest, written
 *             compactly with sorted keys
 *   journal   blocks of lines, appended one at a time, each ended by a line
 *             {"sha256": "..."} of the sum before it and of the block's bytes;
 *             what follows the last such line was torn by a crash
 */
#ifndef BASE_SEAL_H
#define BASE_SEAL_H

#include <jansson.h>

#include "base/err.h"
#include "base/strbuf.h"

/** Write a document, whole or not at all. `obj` is borrowed. */
int seal_write(const char *path, const json_t *obj, trv_err *err);
/** Read one back, without its sum; *out is the caller's. TRV_EFORMAT where it
 * is damaged, TRV_EUNSUPPORTED where it has no sum; TRV_EIO; TRV_ENOMEM. */
int seal_open(json_t **out, const char *path, trv_err *err);

/** Append a block of whole lines; makes the file. */
int journal_append(const char *path, const char *bytes, size_t n, trv_err *err);
/** Append the lines of all whole blocks to `out`, without their sums; cut off
 * what a crash left behind the last. TRV_EFORMAT where a block is damaged. */
int journal_read(struct strbuf *out, const char *path, size_t limit,
                 trv_err *err);

/** The sentences: of a damaged file, and of one without a sum. */
int seal_damaged(const char *path, trv_err *err);
int seal_missing(const char *path, trv_err *err);

#endif
