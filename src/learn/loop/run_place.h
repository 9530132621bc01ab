/* run_place.h -- where a run lies: its output, and the folder OUT.run beside
 * it, in which all lives that a stopped run goes on from.
 *
 *   run.json        the fingerprint: what a resumed run must agree on
 *   memo.jsonl      what was drawn and scored (base/memo.h)
 *   checkpoint.safetensors, metrics.jsonl   of run.h
 *   and what the task itself keeps: RUN_FILES in run_place.c lists all
 *
 * Where the run ends, its logs (adapt/output.h) move into OUT, and OUT.run is
 * gone. The lock on OUT (base/outdir.h) is the lock on OUT.run, too.
 */
#ifndef LEARN_RUN_PLACE_H
#define LEARN_RUN_PLACE_H

#include <jansson.h>
#include <stdbool.h>

#include "adapt/output.h"

struct run_place {
    struct outdir own;   // OUT, but where a chain holds it
    struct outdir *held; // by a chain; NULL: none does
    const char *out;     // its name, without slashes or a link at its end
    char *dir;           // OUT.run
    char *file;          // OUT.run/run.json
    char *memo;          // OUT.run/memo.jsonl
    char *kept;          // the task's own file of RUN_FILES; NULL: none
};

/** `kept`: its name in the folder, or NULL. `held`: OUT, locked by the caller,
 * who releases it; NULL: the run locks `out` itself. What outdir_init()
 * returns. */
int run_place_init(struct run_place *p, const char *out, struct outdir *held,
                   const char *kept, trv_err *err);
void run_place_release(struct run_place *p); // accepts zeros

/** OUT, locked: the run's own, or the one that is held for it. */
struct outdir *run_place_out(struct run_place *p);

/** Is there anything to go on from? */
bool run_place_is_stopped(const struct run_place *p);

/**
 * Before anything is computed: may an artefact of this kind be written, and the
 * folder be used? Makes the folder. Both are locked until the release: two runs
 * in them would mix. What output_lock() returns.
 */
int run_place_lock(struct run_place *p, enum kind kind, bool replace,
                   bool resume, trv_err *err);

/** Prepare the folder for this run: files of an earlier run are removed or,
 * where `resume`, must agree with the fingerprint (TRV_EMISMATCH names the
 * field). */
int run_place_begin(const struct run_place *p, bool resume,
                    const json_t *fingerprint, trv_err *err);

/** Before the result is saved: write the logs into OUT.tmp. TRV_EIO,
 * TRV_ENOMEM. */
int run_place_put_logs(struct run_place *p, trv_err *err);

/** After a failure: a folder in which nothing can be resumed goes. Unless it is
 * to keep a memo, one that stands alone goes, too: of a run that would only
 * fail there again. */
void run_place_leave(const struct run_place *p, bool keeps_memo);
/** After the result is saved: the folder goes. */
void run_place_finish(const struct run_place *p);
/** Is there more than a fingerprint to go on from? */
bool run_place_has_work(const struct run_place *p);

#endif
