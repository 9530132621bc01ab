/* run_place.c -- a run's output and the folder beside it. */
#include "learn/loop/run_place.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "learn/loop/run.h"
#include "learn/loop/run_state.h"
#include "base/seal.h"

int
run_place_init(struct run_place *p, const char *out, struct outdir *held,
               const char *kept, trv_err *err)
{
    struct strbuf dir = {0};
    int rc;

    *p = (struct run_place){.held = held};
    if (!held) {
        rc = outdir_init(&p->own, out, err);
        if (rc)
            return rc;
    }
    p->out = held ? held->name : p->own.name;
    if (sb_printf(&dir, "%s.run", p->out) == 0)
        p->dir = sb_take(&dir);
    sb_release(&dir);
    if (p->dir) {
        p->file = path_join(p->dir, "run.json");
        p->kept = kept ? path_join(p->dir, kept) : NULL;
    }
    if (p->file && (p->kept || !kept))
        return 0;
    run_place_release(p);
    return err_nomem(err, "to plan a run");
}

void
run_place_release(struct run_place *p)
{
    outdir_release(&p->own);
    mem_free(p->dir);
    mem_free(p->file);
    mem_free(p->kept);
    *p = (struct run_place){0};
}

struct outdir *
run_place_out(struct run_place *p)
{
    return p->held ? p->held : &p->own;
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

int
run_place_lock(struct run_place *p, enum kind kind, bool replace, bool resume,
               trv_err *err)
{
    int rc = p->held ? 0 : output_lock(&p->own, kind, replace, err);

    if (!rc)
        rc = dir_make(p->dir, err);
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
