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

#define MEMO "memo.jsonl"
#define LOG_MOST ((size_t)1 << 30) // bytes

/* Every file of the folder but run.json, the memo and the checkpoint: its name,
 * whether a stopped run goes on from it, and the log that it becomes (NULL:
 * none). */
#define RUN_FILES(X)                                                           \
    X("answers.jsonl", true, NULL)                                             \
    X("against.jsonl", true, NULL)                                             \
    X("values.jsonl", true, NULL)                                              \
    X("search.json", true, NULL)                                               \
    X("search.jsonl", true, "candidates.jsonl")                                \
    X("transcript.jsonl", true, "transcript.jsonl")                            \
    X("metrics.jsonl", false, "metrics.jsonl")

static const struct run_place_file {
    const char *name;
    bool goes_on;
    const char *log;
} files[] = {
#define RUN_FILE(name, goes_on, log) {name, goes_on, log},
    RUN_FILES(RUN_FILE)
#undef RUN_FILE
};
#define FILES (sizeof(files) / sizeof(*files))

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
        p->memo = path_join(p->dir, MEMO);
        p->kept = kept ? path_join(p->dir, kept) : NULL;
    }
    if (p->file && p->memo && (p->kept || !kept))
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
    mem_free(p->memo);
    mem_free(p->kept);
    *p = (struct run_place){0};
}

struct outdir *
run_place_out(struct run_place *p)
{
    return p->held ? p->held : &p->own;
}

/* Is there a file from which the task goes on? */
static bool
has_kept(const struct run_place *p)
{
    if (run_is_stopped(p->dir))
        return true;
    for (size_t i = 0; i < FILES; i++)
        if (files[i].goes_on && dir_has(p->dir, files[i].name))
            return true;
    return false;
}

bool
run_place_has_work(const struct run_place *p)
{
    return has_kept(p) || file_exists(p->memo);
}

bool
run_place_is_stopped(const struct run_place *p)
{
    return file_exists(p->file) || run_place_has_work(p);
}

static void
remove_files(const struct run_place *p)
{
    for (size_t i = 0; i < FILES; i++) {
        char *path = path_join(p->dir, files[i].name);

        if (path)
            (void)remove(path);
        mem_free(path);
    }
    run_discard(p->dir);
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
    if (!resume || !run_is_stopped(p->dir))
        remove_files(p);
    return seal_write(p->file, fingerprint, err);
}

static int
put_log(struct run_place *p, const char *name, const char *log, trv_err *err)
{
    char *path = path_join(p->dir, name);
    struct strbuf text = {0};
    int rc = path ? file_read(&text, path, LOG_MOST, err)
                  : err_nomem(err, "to save '%s'", p->out);

    if (!rc)
        rc = outdir_write(run_place_out(p), log, text.s ? text.s : "", text.len,
                          err);
    sb_release(&text);
    mem_free(path);
    return rc;
}

int
run_place_put_logs(struct run_place *p, trv_err *err)
{
    int rc = 0;

    for (size_t i = 0; i < FILES && !rc; i++)
        if (files[i].log && dir_has(p->dir, files[i].name))
            rc = put_log(p, files[i].name, files[i].log, err);
    return rc;
}

void
run_place_leave(const struct run_place *p, bool keeps_memo)
{
    if (!keeps_memo && !has_kept(p))
        (void)remove(p->memo);
    if (!run_place_has_work(p)) {
        remove_files(p);
        (void)remove(p->file);
    }
    (void)remove(p->dir); // only where it is empty
}

void
run_place_finish(const struct run_place *p)
{
    remove_files(p);
    (void)remove(p->memo);
    (void)remove(p->file);
    (void)remove(p->dir); // another's files stay
}
