/* outdir.c -- lock, write, swap, and nothing lost. */
#include "base/outdir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/strbuf.h"

#define LOCK_LIMIT ((off_t)16 << 20)
#define LINKS_MAX 40
#define MERGES_MAX 3 // a folder that fills faster than it empties is left
#define ASIDE_MAX 99

static void
step(const struct outdir *d, const char *at)
{
    if (d->on_step)
        d->on_step(at, d->payload);
}

/* ---- the name ----------------------------------------------------------- */

static const char *
base_of(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash && slash[1] ? slash + 1 : path;
}

static void
drop_slashes(char *path)
{
    for (size_t n = strlen(path); n > 1 && path[n - 1] == '/';)
        path[--n] = '\0';
}

/* A copy by mem.h of what realpath() says. */
static int
real_path(char **out, const char *path, trv_err *err)
{
    char real[PATH_MAX];

    *out = NULL;
    if (!realpath(path, real))
        return err_fail(err, TRV_EIO, "cannot find folder '%s': %s", path,
                        strerror(errno));
    *out = mem_strdup(real);
    return *out ? 0 : err_nomem(err, "to write '%s'", path);
}

/* What the link `path` leads to, in place of it: 1; no link: 0. */
static int
follow(char **path, trv_err *err)
{
    const int head = (int)(base_of(*path) - *path);
    struct strbuf b = {0};
    char to[PATH_MAX];
    const ssize_t n = readlink(*path, to, sizeof(to) - 1);

    if (n < 0)
        return 0;
    to[n] = '\0';
    if (to[0] == '/' ? sb_puts(&b, to)
                     : sb_printf(&b, "%.*s%s", head, *path, to)) {
        sb_release(&b);
        return err_nomem(err, "to write '%s'", *path);
    }
    mem_free(*path);
    *path = sb_take(&b);
    if (!*path)
        return err_nomem(err, "to write '%s'", "");
    drop_slashes(*path);
    return 1;
}

int
outdir_init(struct outdir *d, const char *path, trv_err *err)
{
    int rc = 1;

    *d = (struct outdir){0};
    if (!*path)
        return err_fail(err, TRV_EINVAL, "the output folder has no name");
    d->name = mem_strdup(path);
    if (!d->name)
        return err_nomem(err, "to write '%s'", path);
    drop_slashes(d->name);
    for (int i = 0; i < LINKS_MAX && rc > 0; i++)
        rc = follow(&d->name, err);
    if (rc > 0)
        rc = err_fail(err, TRV_EIO, "cannot write '%s': its links have no end",
                      path);
    if (!rc && (!strcmp(base_of(d->name), ".") ||
                !strcmp(base_of(d->name), "..") || !strcmp(d->name, "/"))) {
        char *real;

        rc = real_path(&real, d->name, err);
        if (!rc && !strcmp(real, "/"))
            rc =
                err_fail(err, TRV_EINVAL, "'%s' can be no output folder", path);
        mem_free(rc ? real : d->name);
        d->name = rc ? d->name : real;
    }
    if (rc)
        outdir_release(d);
    return rc;
}

static char *
beside(const char *path, const char *suffix)
{
    struct strbuf b = {0};

    if (sb_printf(&b, "%s%s", path, suffix)) {
        sb_release(&b);
        return NULL;
    }
    return sb_take(&b);
}

/* Make the parents, and name all that lies in the last of them. */
static int
locate(struct outdir *d, trv_err *err)
{
    const char *base = base_of(d->name);
    char *dir = base > d->name ? mem_strndup(d->name, (size_t)(base - d->name))
                               : mem_strdup(".");
    char *real = NULL;
    int rc = dir ? 0 : err_nomem(err, "to write '%s'", d->name);

    if (!rc) {
        drop_slashes(dir);
        rc = dir_make(dir, err);
    }
    if (!rc)
        rc = real_path(&real, dir, err);
    if (!rc) {
        d->path = path_join(strcmp(real, "/") ? real : "", base);
        d->lock = d->path ? beside(d->path, ".lock") : NULL;
        d->tmp = d->path ? beside(d->path, ".tmp") : NULL;
        d->old = d->path ? beside(d->path, ".old") : NULL;
        d->own = json_object();
        d->wrote = json_object();
        if (!d->lock || !d->tmp || !d->old || !d->own || !d->wrote)
            rc = err_nomem(err, "to write '%s'", d->name);
    }
    mem_free(real);
    mem_free(dir);
    return rc;
}

/* ---- names that change -------------------------------------------------- */

/* renameat2(), or what is as good: 0, or errno. ENOSYS: no such call here. */
static int
rename_with(int from_dir, const char *from, int to_dir, const char *to,
            unsigned flags)
{
#ifdef RENAME_NOREPLACE
    if (renameat2(from_dir, from, to_dir, to, flags) == 0)
        return 0;
    return errno == EINVAL || errno == ENOTSUP ? ENOSYS : errno;
#else
    (void)from_dir;
    (void)from;
    (void)to_dir;
    (void)to;
    (void)flags;
    return ENOSYS;
#endif
}

#ifndef RENAME_NOREPLACE
#define RENAME_NOREPLACE 1
#define RENAME_EXCHANGE 2
#endif

/* Rename to a name that is not there yet: 0, or errno. */
static int
rename_new(const struct outdir *d, int from_dir, const char *from, int to_dir,
           const char *to)
{
    struct stat st;
    int e = d->no_swap
                ? ENOSYS
                : rename_with(from_dir, from, to_dir, to, RENAME_NOREPLACE);

    if (e != ENOSYS)
        return e;
    if (fstatat(from_dir, from, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return errno;
    if (!S_ISDIR(st.st_mode) && linkat(from_dir, from, to_dir, to, 0) == 0)
        return unlinkat(from_dir, from, 0) == 0 ? 0 : errno;
    if (!S_ISDIR(st.st_mode) && errno != EPERM && errno != ENOTSUP)
        return errno;
    /* A folder never replaces one that holds anything. */
    if (fstatat(to_dir, to, &st, AT_SYMLINK_NOFOLLOW) == 0)
        return EEXIST;
    return renameat(from_dir, from, to_dir, to) == 0 ? 0 : errno;
}

/* The inode at a path, no link followed; 0: nothing is there. */
static uint64_t
inode_of(const char *path)
{
    struct stat st;

    return lstat(path, &st) == 0 ? (uint64_t)st.st_ino : 0;
}

static bool
is_folder(const char *path)
{
    struct stat st;

    return lstat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* ---- the lock ----------------------------------------------------------- */

/* What the next claim must know if this process is killed: the inode of the
 * new folder (0: none yet), what is to be removed of the old one, and whether
 * that may lie aside. */
static int
write_lock(const struct outdir *d, int fd, uint64_t folder, bool aside,
           trv_err *err)
{
    char inode[24];
    json_t *root;
    char *text;
    size_t n;
    bool good;

    snprintf(inode, sizeof(inode), "%" PRIu64, folder);
    root = json_pack("{s:s,s:I,s:s,s:b,s:O}", "trivium", "lock", "process",
                     (json_int_t)getpid(), "folder", inode, "aside", aside,
                     "own", d->own);
    text = root ? json_dumps(root, JSON_COMPACT) : NULL;
    json_decref(root);
    if (!text)
        return err_nomem(err, "to write '%s'", d->name);
    n = strlen(text);
    good = pwrite(fd, text, n, 0) == (ssize_t)n && ftruncate(fd, (off_t)n) == 0;
    free(text);
    if (!good)
        return err_fail(err, TRV_EIO, "cannot write '%s.lock': %s", d->name,
                        strerror(errno));
    (void)fsync(fd); // for a machine that stops; a killed process needs none
    return 0;
}

/* NULL where the file is no lock of this program's. */
static json_t *
read_lock(int fd)
{
    struct stat st;
    json_t *root = NULL;
    char *text = NULL;

    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size < LOCK_LIMIT)
        text = mem_alloc((size_t)st.st_size + 1);
    if (text && pread(fd, text, (size_t)st.st_size, 0) == (ssize_t)st.st_size)
        root = json_loadb(text, (size_t)st.st_size, 0, NULL);
    mem_free(text);
    if (!json_is_string(json_object_get(root, "trivium")) ||
        !json_is_object(json_object_get(root, "own"))) {
        json_decref(root);
        return NULL;
    }
    return root;
}

/* A lock file that is held before it has its name. EEXIST: another was first;
 * other failures are told. */
static int
new_lock(struct outdir *d, trv_err *err)
{
    char *tmp = beside(d->lock, "-XXXXXX");
    int fd = -1, rc = 0, e;

    if (!tmp)
        return err_nomem(err, "to write '%s'", d->name);
    fd = mkostemp(tmp, O_CLOEXEC);
    if (fd < 0) {
        rc = err_fail(err, TRV_EIO, "cannot write beside '%s': %s", d->name,
                      strerror(errno));
        mem_free(tmp);
        return rc;
    }
    (void)flock(fd, LOCK_EX | LOCK_NB); // nobody else knows it
    rc = write_lock(d, fd, 0, false, err);
    if (!rc) {
        e = rename_new(d, AT_FDCWD, tmp, AT_FDCWD, d->lock);
        if (e == EEXIST)
            rc = 1;
        else if (e)
            rc = err_fail(err, TRV_EIO, "cannot write '%s.lock': %s", d->name,
                          strerror(e));
    }
    if (rc) {
        unlink(tmp);
        close(fd);
    } else {
        d->fd = fd + 1;
    }
    mem_free(tmp);
    return rc;
}

static int
is_busy(const struct outdir *d, int fd, trv_err *err)
{
    json_t *root = read_lock(fd);
    const json_int_t who = json_integer_value(json_object_get(root, "process"));

    json_decref(root);
    if (who > 0)
        return err_fail(err, TRV_EEXIST,
                        "'%s' is being written by another run (process %lld)",
                        d->name, (long long)who);
    return err_fail(err, TRV_EEXIST, "'%s' is being written by another run",
                    d->name);
}

/* Is the open file still the one of that name? */
static bool
has_name(int fd, const char *path)
{
    struct stat st;

    return fstat(fd, &st) == 0 && (uint64_t)st.st_ino == inode_of(path);
}

/* Hold a lock file that is there. 1: it has gone meanwhile. *left: what it
 * says, from a run that was killed. */
static int
hold_lock(struct outdir *d, int fd, json_t **left, trv_err *err)
{
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        if (errno == EWOULDBLOCK)
            return is_busy(d, fd, err);
        return err_fail(err, TRV_EEXIST,
                        "'%s.lock' is there, and cannot be locked (%s): remove "
                        "it if no run writes '%s'",
                        d->name, strerror(errno), d->name);
    }
    if (!has_name(fd, d->lock))
        return 1;
    *left = read_lock(fd);
    if (!*left)
        return err_fail(err, TRV_EEXIST,
                        "'%s.lock' is in the way: it is no lock of this "
                        "program; move it away",
                        d->name);
    d->fd = fd + 1;
    return 0;
}

static int
take_lock(struct outdir *d, json_t **left, trv_err *err)
{
    int rc = 1;

    *left = NULL;
    while (rc == 1) {
        const int fd = open(d->lock, O_RDWR | O_CLOEXEC | O_NOFOLLOW);

        if (fd >= 0) {
            rc = hold_lock(d, fd, left, err);
            if (rc)
                close(fd);
        } else if (errno == ENOENT) {
            rc = new_lock(d, err);
        } else {
            rc = err_fail(err, TRV_EIO, "cannot open '%s.lock': %s", d->name,
                          strerror(errno));
        }
    }
    return rc;
}

/* ---- the files of a folder ---------------------------------------------- */

/* Call `fn` for each entry: 0, or the first other value it returns. */
static int
each_entry(struct outdir *d, const char *path,
           int (*fn)(struct outdir *d, int dir, const char *name, void *payload,
                     trv_err *err),
           void *payload, trv_err *err)
{
    DIR *dir = opendir(path);
    const struct dirent *e;
    int rc = 0;

    if (!dir)
        return err_fail(err, TRV_EIO, "cannot read folder '%s': %s", path,
                        strerror(errno));
    while (!rc && (e = readdir(dir)))
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
            rc = fn(d, dirfd(dir), e->d_name, payload, err);
    closedir(dir);
    return rc;
}

/* What tells a file from another of its name. */
static void
identify(char out[96], const struct stat *st)
{
    snprintf(out, 96, "%" PRIu64 " %lld %lld.%09ld", (uint64_t)st->st_ino,
             (long long)st->st_size, (long long)st->st_mtim.tv_sec,
             st->st_mtim.tv_nsec);
}

/* Is it a file that the claim found, and may remove? */
static bool
is_own(const struct outdir *d, int dir, const char *name)
{
    const char *was = json_string_value(json_object_get(d->own, name));
    struct stat st;
    char is[96];

    if (!was || fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return false;
    identify(is, &st);
    return !S_ISDIR(st.st_mode) && !strcmp(was, is);
}

static bool
may_write(const struct outdir *d, const char *name)
{
    return d->rule && d->rule->writes(name, d->rule->payload);
}

static int
survey_entry(struct outdir *d, int dir, const char *name, void *payload,
             trv_err *err)
{
    const struct stat *folder = payload;
    struct stat st;
    char is[96];

    if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return errno == ENOENT
                   ? 0
                   : err_fail(err, TRV_EIO, "cannot read '%s/%s': %s", d->name,
                              name, strerror(errno));
    if (json_object_get(d->own, name) && !S_ISDIR(st.st_mode)) {
        identify(is, &st);
        return json_object_set_new(d->own, name, json_string(is))
                   ? err_nomem(err, "to write '%s'", d->name)
                   : 0;
    }
    if (may_write(d, name))
        return err_fail(err, TRV_EEXIST,
                        "cannot replace '%s': its '%s' is in the way, which "
                        "this program did not write",
                        d->name, name);
    if (S_ISDIR(st.st_mode) &&
        (st.st_dev != folder->st_dev || faccessat(dir, name, W_OK, 0) != 0))
        return err_fail(err, TRV_EEXIST,
                        "cannot replace '%s': its folder '%s' cannot be moved",
                        d->name, name);
    return 0;
}

/* What of OUT is to be replaced, and can all else stay? */
static int
survey(struct outdir *d, trv_err *err)
{
    struct stat st, here, parent;
    char *up = beside(d->path, "/..");
    int rc = 0;

    if (!up)
        return err_nomem(err, "to write '%s'", d->name);
    if (stat(d->path, &st) != 0 || stat(up, &parent) != 0)
        rc = err_fail(err, TRV_EIO, "cannot read '%s': %s", d->name,
                      strerror(errno));
    else if (stat(".", &here) == 0 && here.st_ino == st.st_ino &&
             here.st_dev == st.st_dev)
        rc = err_fail(err, TRV_EINVAL,
                      "cannot replace '%s': it is the current folder", d->name);
    else if (st.st_dev != parent.st_dev)
        rc = err_fail(err, TRV_EINVAL,
                      "cannot replace '%s': a file system is mounted there",
                      d->name);
    else if (access(d->path, R_OK | W_OK | X_OK) != 0)
        rc = err_fail(err, TRV_EIO, "cannot replace '%s': %s", d->name,
                      strerror(errno));
    mem_free(up);
    if (!rc && d->rule)
        rc = d->rule->own(d->own, d->name, d->rule->payload, err);
    else if (!rc && !dir_is_empty(d->path))
        rc = err_fail(err, TRV_EEXIST,
                      "cannot replace '%s': the folder is not empty", d->name);
    return rc ? rc : each_entry(d, d->path, survey_entry, &st, err);
}

/* ---- the old folder goes ------------------------------------------------ */

struct merge {
    int to;            // the new folder
    bool removes;      // what is own; moves what is not, otherwise
    char blocked[256]; // what could not move
};

static int
merge_entry(struct outdir *d, int dir, const char *name, void *payload,
            trv_err *err)
{
    struct merge *m = payload;

    (void)err;
    if (is_own(d, dir, name)) {
        if (m->removes)
            (void)unlinkat(dir, name, 0);
    } else if (!m->removes && rename_new(d, dir, name, m->to, name) != 0) {
        snprintf(m->blocked, sizeof(m->blocked), "%s", name);
    }
    return 0;
}

/* Give `from` the first free name of OUT.new, OUT.new-2, ...: written to *out
 * as messages say it. */
static int
set_aside(const struct outdir *d, const char *from, const char *suffix,
          char **out)
{
    int e = EEXIST;

    *out = NULL;
    for (int i = 1; i <= ASIDE_MAX && e == EEXIST; i++) {
        char end[32];
        char *to;

        if (i == 1)
            snprintf(end, sizeof(end), "%s", suffix);
        else
            snprintf(end, sizeof(end), "%s-%d", suffix, i);
        to = beside(d->path, end);
        e = to ? rename_new(d, AT_FDCWD, from, AT_FDCWD, to) : ENOMEM;
        mem_free(to);
        if (!e)
            *out = beside(d->name, end);
    }
    return e;
}

/* OUT.tmp is the old folder: what is not to be removed moves into OUT. */
static int
merge(struct outdir *d, trv_err *err)
{
    struct merge m = {.to = open(d->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    char *where = NULL;
    int rc = 0;
    bool gone = false;

    d->has_tmp = false; // never to be removed as a whole
    if (m.to < 0)
        return err_fail(err, TRV_EIO, "cannot open '%s': %s", d->name,
                        strerror(errno));
    for (int i = 0; i < MERGES_MAX && !rc && !gone; i++) {
        m.removes = false;
        rc = each_entry(d, d->tmp, merge_entry, &m, err);
        step(d, "moved");
        m.removes = true;
        if (!rc)
            rc = each_entry(d, d->tmp, merge_entry, &m, err);
        gone = rmdir(d->tmp) == 0;
    }
    close(m.to);
    if (rc || gone)
        return rc;
    (void)set_aside(d, d->tmp, ".old", &where);
    rc = err_fail(err, TRV_EEXIST,
                  "'%s' is whole, but '%.100s' came into the old one while it "
                  "was replaced: it lies in '%s'",
                  d->name, m.blocked, where ? where : d->tmp);
    mem_free(where);
    return rc;
}

static int
discard_entry(struct outdir *d, int dir, const char *name, void *payload,
              trv_err *err)
{
    (void)payload;
    (void)err;
    if (json_object_get(d->wrote, name) || may_write(d, name))
        (void)unlinkat(dir, name, 0);
    return 0;
}

/* Remove the unfinished new folder; what others put into it stays. */
static bool
discard(struct outdir *d)
{
    (void)each_entry(d, d->tmp, discard_entry, NULL, NULL);
    return rmdir(d->tmp) == 0;
}

static int
in_the_way(const struct outdir *d, const char *suffix, trv_err *err)
{
    return err_fail(err, TRV_EEXIST,
                    "'%s%s' is in the way: a killed run or another program "
                    "left it; move it away",
                    d->name, suffix);
}

/* Finish or undo what a killed run left. */
static int
recover(struct outdir *d, const json_t *left, trv_err *err)
{
    const char *text = json_string_value(json_object_get(left, "folder"));
    const uint64_t folder = text ? strtoull(text, NULL, 10) : 0;
    json_t *own = json_object_get(left, "own");
    int rc;

    if (folder && json_is_true(json_object_get(left, "aside")) &&
        inode_of(d->old)) {
        if (inode_of(d->tmp) == folder && !inode_of(d->path))
            (void)rename_new(d, AT_FDCWD, d->old, AT_FDCWD, d->path);
        else if (inode_of(d->path) == folder && !inode_of(d->tmp))
            (void)rename_new(d, AT_FDCWD, d->old, AT_FDCWD, d->tmp);
        if (inode_of(d->old))
            return in_the_way(d, ".old", err);
    }
    if (!inode_of(d->tmp))
        return 0;
    if (folder && inode_of(d->path) == folder) {
        json_t *none = d->own;

        d->own = own;
        rc = merge(d, err);
        d->own = none;
        return rc;
    }
    if (left && !folder && rmdir(d->tmp) == 0) // killed as it was made
        return 0;
    if (folder && inode_of(d->tmp) == folder && discard(d))
        return 0;
    return in_the_way(d, ".tmp", err);
}

/* ---- the claim ---------------------------------------------------------- */

static int
check_there(const char *name, bool replace, trv_err *err)
{
    if (!inode_of(name))
        return 0;
    if (!replace)
        return err_fail(err, TRV_EEXIST,
                        "cannot write '%s': it is already there (--replace "
                        "overwrites it)",
                        name);
    if (!is_folder(name))
        return err_fail(err, TRV_EEXIST,
                        "cannot write folder '%s': a file is there", name);
    return 0;
}

int
outdir_check(const char *path, bool replace, trv_err *err)
{
    struct outdir d;
    int rc = outdir_init(&d, path, err);

    if (rc)
        return rc;
    rc = check_there(d.name, replace, err);
    outdir_release(&d);
    return rc;
}

/* All but the name. */
static void
let_go(struct outdir *d)
{
    if (d->has_tmp)
        (void)discard(d);
    if (d->fd) {
        if (has_name(d->fd - 1, d->lock))
            unlink(d->lock);
        close(d->fd - 1);
    }
    json_decref(d->own);
    json_decref(d->wrote);
    mem_free(d->old);
    mem_free(d->tmp);
    mem_free(d->lock);
    mem_free(d->path);
    *d = (struct outdir){.name = d->name,
                         .no_swap = d->no_swap,
                         .on_step = d->on_step,
                         .payload = d->payload};
}

int
outdir_lock(struct outdir *d, const struct outdir_rule *rule, bool replace,
            trv_err *err)
{
    json_t *left = NULL;
    int rc = check_there(d->name, replace, err);

    let_go(d); // a second claim asks anew
    d->rule = rule;
    if (!rc)
        rc = locate(d, err);
    if (!rc)
        rc = take_lock(d, &left, err);
    if (!rc)
        rc = recover(d, left, err);
    if (rc && left && d->fd) { // what it says is needed still
        close(d->fd - 1);
        d->fd = 0;
    }
    json_decref(left);
    if (!rc)
        rc = write_lock(d, d->fd - 1, 0, false, err);
    if (!rc)
        rc = check_there(d->name, replace, err);
    if (!rc) {
        d->is_new = !inode_of(d->path);
        rc = d->is_new ? 0 : survey(d, err);
    }
    if (rc)
        let_go(d);
    return rc;
}

/* ---- writing ------------------------------------------------------------ */

int
outdir_open(struct outdir *d, trv_err *err)
{
    TRV_ASSERT(d->fd);
    if (d->has_tmp)
        return 0;
    if (mkdir(d->tmp, 0777) != 0)
        return errno == EEXIST
                   ? in_the_way(d, ".tmp", err)
                   : err_fail(err, TRV_EIO, "cannot make folder '%s.tmp': %s",
                              d->name, strerror(errno));
    d->has_tmp = true;
    return write_lock(d, d->fd - 1, inode_of(d->tmp), false, err);
}

int
outdir_write(struct outdir *d, const char *name, const void *bytes, size_t n,
             trv_err *err)
{
    struct strbuf shown = {0};
    char *path;
    int rc = outdir_open(d, err);

    if (rc)
        return rc;
    path = path_join(d->tmp, name);
    if (!path || sb_printf(&shown, "%s.tmp/%s", d->name, name) ||
        json_object_set_new(d->wrote, name, json_true()))
        rc = err_nomem(err, "to write '%s'", name);
    else
        rc = file_write_synced(path, shown.s, bytes, n, err);
    sb_release(&shown);
    mem_free(path);
    return rc;
}

/* ---- the commit --------------------------------------------------------- */

static int
find_blocked(struct outdir *d, int dir, const char *name, void *payload,
             trv_err *err)
{
    char *blocked = payload;

    (void)err;
    if (!json_object_get(d->wrote, name) || is_own(d, dir, name))
        return 0;
    snprintf(blocked, 256, "%s", name);
    return 1;
}

/* The result that cannot take its place is kept beside it. */
static int
keep(struct outdir *d, int code, const char *why, trv_err *err)
{
    char *where = NULL;
    const int e = set_aside(d, d->tmp, ".new", &where);
    int rc;

    if (e)
        rc = err_fail(err, code, "cannot write '%s': %s", d->name, why);
    else
        rc = err_fail(err, code,
                      "cannot write '%s': %s; the result lies in '%s'", d->name,
                      why, where ? where : "");
    d->has_tmp = d->has_tmp && e;
    mem_free(where);
    return rc;
}

/* The new folder and the old one change places: 0, or errno. */
static int
swap(struct outdir *d)
{
    int e = d->no_swap ? ENOSYS
                       : rename_with(AT_FDCWD, d->tmp, AT_FDCWD, d->path,
                                     RENAME_EXCHANGE);

    if (e != ENOSYS)
        return e;
    if (write_lock(d, d->fd - 1, inode_of(d->tmp), true, NULL))
        return EIO;
    e = rename_new(d, AT_FDCWD, d->path, AT_FDCWD, d->old);
    if (e)
        return e;
    step(d, "aside");
    e = rename_new(d, AT_FDCWD, d->tmp, AT_FDCWD, d->path);
    if (e) {
        (void)rename_new(d, AT_FDCWD, d->old, AT_FDCWD, d->path);
        return e;
    }
    d->has_tmp = false;
    step(d, "between");
    return rename_new(d, AT_FDCWD, d->old, AT_FDCWD, d->tmp);
}

/* Is OUT as the claim found it? */
static int
check_unchanged(struct outdir *d, trv_err *err)
{
    char blocked[256] = "", why[320];
    int rc;

    if (!is_folder(d->path))
        return keep(d, TRV_EEXIST, "it is no folder any more", err);
    rc = each_entry(d, d->path, find_blocked, blocked, err);
    if (rc <= 0)
        return rc;
    snprintf(why, sizeof(why), "its '%.200s' changed while the run was at work",
             blocked);
    return keep(d, TRV_EEXIST, why, err);
}

int
outdir_commit(struct outdir *d, trv_err *err)
{
    int e = ENOENT, rc = outdir_open(d, err);

    if (!rc && !d->is_new && inode_of(d->path)) {
        rc = check_unchanged(d, err);
        if (rc)
            return rc;
        step(d, "checked");
        e = swap(d);
        if (!e) {
            step(d, "swapped");
            return merge(d, err);
        }
    }
    if (rc)
        return rc;
    if (e == ENOENT)
        e = rename_new(d, AT_FDCWD, d->tmp, AT_FDCWD, d->path);
    if (e)
        return keep(d, e == EEXIST ? TRV_EEXIST : TRV_EIO,
                    e == EEXIST ? "it appeared while the run was at work"
                                : strerror(e),
                    err);
    d->has_tmp = false;
    return 0;
}

void
outdir_release(struct outdir *d)
{
    let_go(d);
    mem_free(d->name);
    *d = (struct outdir){0};
}
