/* file.h -- files: mapped for reading, written whole or not at all. */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/strbuf.h"

/** A file mapped read-only. Zeros mean none. */
struct filemap {
    const unsigned char *data;
    size_t size;
};
int filemap_open(struct filemap *m, const char *path, trv_err *err);
void filemap_release(struct filemap *m);
/** Tell the system that the pages can go; they come back when touched. */
void filemap_forget(const struct filemap *m, const void *from, size_t bytes);

/** Read a whole file, at most `limit` bytes. What is no regular file, as a FIFO
 * that never ends, is refused and not waited for: TRV_EIO. */
int file_read(struct strbuf *out, const char *path, size_t limit, trv_err *err);
/** The same of what a user names: a pipe and a device are read, too, and "-" is
 * standard input. TRV_ECANCELED: a signal that is handled came meanwhile. */
int file_read_stream(struct strbuf *out, const char *path, size_t limit,
                     trv_err *err);
/** What these bytes are that stand where a file was meant to: half of a
 * sentence about it, or NULL where that cannot be told. */
const char *file_mistaken(const void *bytes, size_t n);
/** Is it a file, by its name one of those that make up a model's or an adapter's
 * folder? */
bool file_is_part(const char *path);
bool file_exists(const char *path);
bool file_is_dir(const char *path);
bool dir_has(const char *dir, const char *name); // needs no memory
bool dir_is_empty(const char *path); // false where it cannot be read
int64_t file_size(const char *path); // bytes; -1 where there is none
/** dir + "/" + name, to be freed with mem_free; NULL without memory. */
char *path_join(const char *dir, const char *name);

/** Write a file, which messages call `shown`, and flush it to the disk; on
 * failure a part may stay. */
int file_write_synced(const char *path, const char *shown, const void *bytes,
                      size_t n, trv_err *err);
/** Write `n` bytes to a temporary sibling, flush it to the disk, rename it to
 * `path`. On failure the sibling is removed and an old `path` stands. */
int file_write_atomic(const char *path, const void *bytes, size_t n,
                      trv_err *err);

/** Make a folder and its parents; one that is there is no error. */
int dir_make(const char *path, trv_err *err);

#endif
