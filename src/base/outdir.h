/* outdir.h -- a folder that is written by one run at a time, appears whole or
 * not at all, and never costs a file that is not its own.
 *
 * Every folder that this program makes (artefacts, models, the links of a
 * chain) is written through here. All of it lies beside the output OUT:
 *
 *   OUT.lock   who writes OUT: a small JSON file, held with flock(), so that
 *              the lock of a killed process is free at once
 *   OUT.tmp    the new folder while it is written; for a moment after the
 *              commit's swap, the old one while it is emptied
 *   OUT.old    the old folder, where the file system cannot swap two names
 *   OUT.new    a result that could not take its place
 *
 *   outdir_init     follows the links of OUT, once
 *   outdir_lock    takes the lock; finishes or undoes what a killed run left;
 *                   refuses before anything is computed what cannot end well;
 *                   notes which files of OUT are to be replaced
 *   outdir_write    puts the new files into OUT.tmp
 *   outdir_commit   OUT.tmp and OUT change places; of the old folder, files
 *                   that are not to be replaced move into the new one; the
 *                   rest is removed
 *   outdir_release  removes OUT.tmp, then OUT.lock
 *
 * What always holds:
 *   - A file of OUT is removed only where the rule of the claim named it then,
 *     and only while it is the same file (inode, size, time) as it was then.
 *   - A name that was not there at the claim is never replaced: the result goes
 *     to OUT.new instead, and the commit fails.
 *   - At any moment, OUT is the old folder or the whole new one. Without a swap
 *     (an NFS mount) a kill can leave the old one as OUT.old; the next claim
 *     puts it back.
 *   - OUT.tmp is the new folder where its inode is the one that OUT.lock names,
 *     and the old one otherwise: so the next claim after a kill knows.
 *
 * A file system without flock() gives no lock to a second run, nor to a run
 * after a killed one: the sentence says which file to remove.
 */
#ifndef BASE_OUTDIR_H
#define BASE_OUTDIR_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/** What a writer may do to a folder that is there. */
struct outdir_rule {
    /** Set a key of `own` for each file in `dir` that is to be replaced; refuse
     * a folder of other things with TRV_EEXIST. */
    int (*own)(json_t *own, const char *dir, const void *payload, trv_err *err);
    /** May the writer write a file of this name? */
    bool (*writes)(const char *name, const void *payload);
    const void *payload;
};

struct outdir {
    char *name; // OUT in messages: as named, or what a link there leads to
    /* --- from outdir_lock() */
    char *path;             // OUT, absolute and without links
    char *lock, *tmp, *old; // beside it
    int fd;                 // 1 + the lock's descriptor
    json_t *own;            // name -> its identity: to be replaced
    json_t *wrote;          // names in OUT.tmp
    const struct outdir_rule *rule;
    bool is_new;  // there was no OUT
    bool has_tmp; // OUT.tmp is there, and ours
    bool no_swap; // the file system cannot swap two names
    /* Tests: called within outdir_commit() at "checked", "aside", "swapped",
     * "moved". NULL: none. */
    void (*on_step)(const char *step, void *payload);
    void *payload;
};

/** Name the output: slashes at its end go, a link is followed. Touches nothing.
 * TRV_EINVAL (no name), TRV_EIO (links without an end), TRV_ENOMEM. */
int outdir_init(struct outdir *d, const char *path, trv_err *err);

/**
 * Before anything is computed: lock OUT, whose parents are made.
 *
 * @param rule  borrowed until the release; NULL: only an empty folder is
 *              replaced.
 * @return TRV_EEXIST where OUT is there and !replace, is no folder or one of
 *         other things, holds a file in the way of a new one or a folder that
 *         cannot move, or is being written by another run; TRV_EINVAL for the
 *         current folder and a mount point, which cannot be swapped; TRV_EIO;
 *         TRV_ENOMEM.
 */
int outdir_lock(struct outdir *d, const struct outdir_rule *rule, bool replace,
                trv_err *err);

/** TRV_EEXIST where OUT is there and may not be replaced: what a run without any
 * output says of it. Touches nothing. */
int outdir_check(const char *path, bool replace, trv_err *err);

/** Make OUT.tmp; the first outdir_write() does so, too. */
int outdir_open(struct outdir *d, trv_err *err);
/** Write a file of the new folder and flush it to the disk. */
int outdir_write(struct outdir *d, const char *name, const void *bytes,
                 size_t n, trv_err *err);
/** TRV_EEXIST where something came in the way since the claim: the sentence
 * says where the result lies. */
int outdir_commit(struct outdir *d, trv_err *err);
void outdir_release(struct outdir *d); // accepts zeros

#endif
