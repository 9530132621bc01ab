/* run_place.c -- a run's output and the folder beside it. */
#include "learn/run_place.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "adapt/artefact.h"
#include "adapt/params/peft.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/seal.h"
#include "learn/run.h"
#include "learn/run_state.h"

int
run_place_init(struct run_place *p, const char *out, const char *kept,
               trv_err *err)
{
    struct strbuf dir = {0};
    size_t n = strlen(out);

    while (n > 1 && out[n - 1] == '/')
        n--;
    *p = (struct run_place){.out = mem_strndup(out, n)};
    if (sb_printf(&dir, "%.*s.run", (int)n, out) == 0)
        p->dir = sb_take(&dir);
    sb_release(&dir);
    if (p->dir) {
        p->file = path_join(p->dir, "run.json");
        p->kept = kept ? path_join(p->dir, kept) : NULL;
    }
    if (p->out && p->file && (p->kept || !kept))
        return 0;
    run_place_release(p);
    return err_fail(err, TRV_ENOMEM, "no memory to plan a run");
}

void
run_place_release(struct run_place *p)
{
    if (p->lock)
        close(p->lock - 1);
    mem_free(p->out);
    mem_free(p->dir);
    mem_free(p->file);
    mem_free(p->kept);
    *p = (struct run_place){0};
}

static bool
has_kept(const struct run_place *p)
{
    return p->kept && file_exists(p->kept);
}

bool
run_place_is_stopped(const struct run_place *p)
{
    return file_exists(p->file) || has_kept(p) || run_is_stopped(p->dir);
}

static bool
is_replaceable(const char *path)
{
    return artefact_is(path) || peft_is(path) || dir_is_empty(path);
}

/* Hold the folder; the system lets go of it when the process ends. */
static int
lock_folder(struct run_place *p, trv_err *err)
{
    int fd;

    if (p->lock)
        return 0;
    fd = open(p->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return err_fail(err, TRV_EIO, "cannot open folder '%s': %s", p->dir,
                        strerror(errno));
    if (flock(fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
        close(fd);
        return err_fail(err, TRV_EEXIST, "another run is at work in '%s'",
                        p->dir);
    }
    p->lock = fd + 1; // a file system that has no locks gives none
    return 0;
}

int
run_place_may_write(const char *out, bool replace, trv_err *err)
{
    if (file_exists(out) && !replace)
        return err_fail(err, TRV_EEXIST,
                        "cannot write '%s': it is already there (--replace "
                        "overwrites it)",
                        out);
    if (file_exists(out) && !file_is_dir(out))
        return err_fail(err, TRV_EEXIST,
                        "cannot write folder '%s': a file is there", out);
    if (file_exists(out) && !is_replaceable(out))
        return err_fail(err, TRV_EEXIST,
                        "cannot replace '%s': the folder is no artefact", out);
    return 0;
}

int
run_place_claim(struct run_place *p, bool replace, bool resume, trv_err *err)
{
    int rc = run_place_may_write(p->out, replace, err);

    if (!rc)
        rc = dir_make(p->dir, err);
    if (!rc)
        rc = lock_folder(p, err);
    if (!rc && run_place_is_stopped(p) && !resume && !replace)
        rc = err_fail(err, TRV_EEXIST,
                      "a stopped run lies in '%s': go on with --resume, or "
                      "start anew with --replace",
                      p->dir);
    return rc;
}

int
run_place_begin(const struct run_place *p, bool resume,
                const json_t *fingerprint, trv_err *err)
{
    json_t *was = NULL;
    int rc;

    if (resume && file_exists(p->file)) {
        rc = seal_open(&was, p->file, err);
        if (!rc)
            rc = run_state_compare(was, fingerprint, p->file, err);
        json_decref(was);
        return rc;
    }
    /* A checkpoint whose run.json is gone knows its run itself; what was kept
     * beside it is of the same run. */
    if (!resume || !run_is_stopped(p->dir)) {
        run_discard(p->dir);
        if (p->kept)
            (void)remove(p->kept);
    }
    return seal_write(p->file, fingerprint, err);
}

void
run_place_leave(const struct run_place *p)
{
    if (!has_kept(p) && !run_is_stopped(p->dir))
        (void)remove(p->file);
    (void)remove(p->dir); // only where it is empty
}

void
run_place_finish(const struct run_place *p)
{
    run_discard(p->dir);
    if (p->kept)
        (void)remove(p->kept);
    (void)remove(p->file);
}
