/* file.c -- mapping, whole reads, atomic writes. */
#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

/* Nothing is waited for: a FIFO opens without a writer. */
static int
open_to_read(int *fd, const char *path, bool regular, trv_err *err)
{
    struct stat st;

    *fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (*fd < 0)
        return err_fail(err, TRV_EIO, "cannot open '%s': %s", path,
                        strerror(errno));
    if (fstat(*fd, &st) == 0 && (!regular || S_ISREG(st.st_mode)))
        return 0;
    close(*fd);
    return err_fail(err, TRV_EIO, "cannot read '%s': not a regular file", path);
}

int
filemap_open(struct filemap *m, const char *path, trv_err *err)
{
    struct stat st;
    void *p;
    int fd, rc = open_to_read(&fd, path, true, err);

    *m = (struct filemap){0};
    if (rc)
        return rc;
    if (fstat(fd, &st) != 0) {
        rc = err_fail(err, TRV_EIO, "cannot read '%s': %s", path,
                      strerror(errno));
        goto done;
    }
    if (st.st_size == 0) {
        rc = err_fail(err, TRV_EFORMAT, "cannot read '%s': it is empty", path);
        goto done;
    }
    p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (p == MAP_FAILED) {
        rc = err_fail(err, TRV_EIO, "cannot map '%s': %s", path,
                      strerror(errno));
        goto done;
    }
    *m = (struct filemap){p, (size_t)st.st_size};
done:
    close(fd);
    return rc;
}

void
filemap_release(struct filemap *m)
{
    if (m->data)
        munmap((void *)(uintptr_t)m->data, m->size);
    *m = (struct filemap){0};
}

void
filemap_forget(const struct filemap *m, const void *from, size_t bytes)
{
    const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    const uintptr_t lo = ((uintptr_t)from + page - 1) & ~(page - 1);
    const uintptr_t hi = ((uintptr_t)from + bytes) & ~(page - 1);

    TRV_ASSERT((const unsigned char *)from >= m->data);
    if (hi > lo)
        (void)madvise((void *)lo, hi - lo, MADV_DONTNEED);
}

/* Wait for bytes or the end. poll() is not restarted after a signal that is
 * handled, as open() and read() are, so a stop ends the wait. */
static int
wait_for_bytes(int fd, const char *path, trv_err *err)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};

    if (poll(&p, 1, -1) >= 0)
        return 0;
    return errno == EINTR ? err_fail(err, TRV_ECANCELED,
                                     "stopped while '%s' was read", path)
                          : err_fail(err, TRV_EIO, "cannot read '%s': %s", path,
                                     strerror(errno));
}

static int
read_all(struct strbuf *out, int fd, const char *path, size_t limit,
         trv_err *err)
{
    char chunk[1 << 16];

    for (;;) {
        ssize_t n;
        int rc = wait_for_bytes(fd, path, err);

        if (rc)
            return rc;
        n = read(fd, chunk, sizeof(chunk));
        if (n < 0 && (errno == EINTR || errno == EAGAIN))
            continue;
        if (n < 0)
            return err_fail(err, TRV_EIO, "cannot read '%s': %s", path,
                            strerror(errno));
        if (out->len + (size_t)n > limit)
            return err_fail(err, TRV_ERANGE,
                            "cannot read '%s': larger than %zu bytes", path,
                            limit);
        // an empty file is an empty string, not NULL
        if (sb_add(out, chunk, (size_t)n))
            return err_fail(err, TRV_ENOMEM, "no memory to read '%s'", path);
        if (n == 0)
            return 0;
    }
}

int
file_read(struct strbuf *out, const char *path, size_t limit, trv_err *err)
{
    int fd, rc = open_to_read(&fd, path, true, err);

    if (rc)
        return rc;
    rc = read_all(out, fd, path, limit, err);
    close(fd);
    return rc;
}

int
file_read_stream(struct strbuf *out, const char *path, size_t limit,
                 trv_err *err)
{
    int fd, rc;

    if (strcmp(path, "-") == 0)
        return read_all(out, STDIN_FILENO, path, limit, err);
    rc = open_to_read(&fd, path, false, err);
    if (rc)
        return rc;
    rc = read_all(out, fd, path, limit, err);
    close(fd);
    return rc;
}

const char *
file_mistaken(const void *bytes, size_t n)
{
    static const struct {
        const char *begins, *says;
    } kinds[] = {
        {"version https://git-lfs.github.com/",
         "it is a pointer of Git LFS, not the file itself, which 'git lfs "
         "pull' fetches"},
        {"<!DOCTYPE html", "it is a web page, not the file that was meant"},
        {"<!doctype html", "it is a web page, not the file that was meant"},
        {"<html", "it is a web page, not the file that was meant"},
    };

    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        const size_t k = strlen(kinds[i].begins);

        if (n >= k && memcmp(bytes, kinds[i].begins, k) == 0)
            return kinds[i].says;
    }
    return NULL;
}

bool
file_is_part(const char *path)
{
    static const char *const ends[] = {".safetensors",
                                       ".safetensors.index.json", "config.json",
                                       "tokenizer.json"};
    const size_t n = strlen(path);

    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        const size_t k = strlen(ends[i]);

        if (n >= k && strcmp(path + n - k, ends[i]) == 0)
            return file_exists(path) && !file_is_dir(path);
    }
    return false;
}

bool
file_exists(const char *path)
{
    return access(path, F_OK) == 0;
}

bool
dir_has(const char *dir, const char *name)
{
    char path[PATH_MAX]; // a longer one cannot be opened either
    const int n = snprintf(path, sizeof(path), "%s/%s", dir, name);

    return n > 0 && n < (int)sizeof(path) && file_exists(path);
}

bool
file_is_dir(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

int64_t
file_size(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 ? (int64_t)st.st_size : -1;
}

char *
path_join(const char *dir, const char *name)
{
    struct strbuf b = {0};

    if (sb_printf(&b, "%s/%s", dir, name)) {
        sb_release(&b);
        return NULL;
    }
    return sb_take(&b);
}

int
file_write_synced(const char *path, const char *shown, const void *bytes,
                  size_t n, trv_err *err)
{
    const char *p = bytes;
    const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    int rc = 0;

    if (fd < 0)
        return err_fail(err, TRV_EIO, "cannot create '%s': %s", shown,
                        strerror(errno));
    while (n > 0) {
        const ssize_t k = write(fd, p, n < (1u << 30) ? n : (1u << 30));

        if (k < 0 && errno == EINTR)
            continue;
        if (k <= 0) {
            rc = err_fail(err, TRV_EIO, "cannot write '%s': %s", shown,
                          k < 0 ? strerror(errno) : "no space taken");
            break;
        }
        p += k;
        n -= (size_t)k;
    }
    if (!rc && fsync(fd) != 0 && errno != EINVAL && errno != EROFS)
        rc = err_fail(err, TRV_EIO, "cannot flush '%s': %s", shown,
                      strerror(errno));
    if (close(fd) != 0 && !rc)
        rc = err_fail(err, TRV_EIO, "cannot close '%s': %s", shown,
                      strerror(errno));
    return rc;
}

/* path.tmp-<pid>: a sibling, so that the rename stays in one file system. */
static char *
temp_sibling(const char *path)
{
    struct strbuf b = {0};
    size_t n = strlen(path);

    while (n > 1 && path[n - 1] == '/')
        n--;
    if (sb_printf(&b, "%.*s.tmp-%ld", (int)n, path, (long)getpid())) {
        sb_release(&b);
        return NULL;
    }
    return sb_take(&b);
}

int
file_write_atomic(const char *path, const void *bytes, size_t n, trv_err *err)
{
    char *tmp = temp_sibling(path);
    int rc;

    if (!tmp)
        return err_fail(err, TRV_ENOMEM, "no memory to write '%s'", path);
    rc = file_write_synced(tmp, tmp, bytes, n, err);
    if (!rc && rename(tmp, path) != 0)
        rc = err_fail(err, TRV_EIO, "cannot rename '%s' to '%s': %s", tmp, path,
                      strerror(errno));
    if (rc)
        unlink(tmp);
    mem_free(tmp);
    return rc;
}

int
dir_make(const char *path, trv_err *err)
{
    char *p = mem_strdup(path);
    int rc = 0;

    if (!p)
        return err_fail(err, TRV_ENOMEM, "no memory to make '%s'", path);
    for (char *s = p + 1;; s++) {
        const char c = *s;

        if (c != '/' && c != '\0')
            continue;
        *s = '\0';
        if (mkdir(p, 0777) != 0 && errno != EEXIST) {
            rc = err_fail(err, TRV_EIO, "cannot make folder '%s': %s", p,
                          strerror(errno));
            break;
        }
        if (c == '\0') {
            if (!file_is_dir(p))
                rc = err_fail(err, TRV_EIO,
                              "cannot make folder '%s': a file is there", p);
            break;
        }
        *s = c;
    }
    mem_free(p);
    return rc;
}

bool
dir_is_empty(const char *path)
{
    DIR *d = opendir(path);
    const struct dirent *e;
    int64_t n = 0;

    if (!d)
        return false;
    while ((e = readdir(d)))
        n += strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
    closedir(d);
    return n == 0;
}
