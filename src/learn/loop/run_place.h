/* run_place.h -- where a run lies: its output, and the folder OUT.run beside
 * it, in which all lives that a stopped run goes on from.
 *
 *   run.json        the fingerprint: what a resumed run must agree on
 *   checkpoint.safetensors, metrics.jsonl   of run.h
 *   and what the task itself keeps
 */
#ifndef LEARN_RUN_PLACE_H
#define LEARN_RUN_PLACE_H

#include <jansson.h>
#include <stdbool.h>

#include "base/err.h"

struct run_place {
    char *out;  // without slashes at its end
    char *dir;  // OUT.run
    char *file; // OUT.run/run.json
    char *kept; // a further file that can be resumed from; NULL: none
    int lock;   // 1 + the folder's descriptor, locked for this run; 0: none
};

/** `kept`: its name in the folder, or NULL. */
int run_place_init(struct run_place *p, const char *out, const char *kept,
                   trv_err *err);
void run_place_release(struct run_place *p); // accepts zeros

/** Is there anything to go on from? */
bool run_place_is_stopped(const struct run_place *p);

/** May `out` be written? Only an artefact, a PEFT folder or an empty folder is
 * replaced, never a folder of other things that a slip of the hand named.
 * TRV_EEXIST. */
int run_place_may_write(const char *out, bool replace, trv_err *err);

/**
 * Before anything is computed: may output and folder be used? Makes the folder.
 * The folder is locked until the release: two runs in it would mix. TRV_EEXIST,
 * TRV_EIO.
 */
int run_place_claim(struct run_place *p, bool replace, bool resume,
                    trv_err *err);

/** Lay the folder for this run: what another one left goes, or, where `resume`,
 * must agree with the fingerprint (TRV_EMISMATCH names the field). */
int run_place_begin(const struct run_place *p, bool resume,
                    const json_t *fingerprint, trv_err *err);

/** After a failure: a folder in which nothing can be resumed goes. */
void run_place_leave(const struct run_place *p);
/** After the result is saved: metrics.jsonl stays. */
void run_place_finish(const struct run_place *p);

#endif
