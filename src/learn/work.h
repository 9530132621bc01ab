/* work.h -- the steps of every conversion and training that writes an artefact:
 * output and run folder, fingerprint for resuming, progress, manifest and cost.
 *
 *   work_begin            starts the clock; names output and folder
 *   work_lock             locks both; may they be used?
 *   work_write_run        writes the fingerprint that a resumed run must match
 *   work_train            runs the loop of run.h in that folder
 *   work_begin_manifest   begins trivium.json, without the payload files
 *   work_end              removes OUT.run; reports the cost
 *
 * An edge fills the fields above the line, and `options` as it plans.
 */
#ifndef LEARN_WORK_H
#define LEARN_WORK_H

#include "adapt/adaptation.h"
#include "adapt/reward/reward.h"
#include "learn/loop/run.h"
#include "learn/loop/run_place.h"
#include "learn/student.h"

struct work {
    struct session *s;
    enum kind kind;      // of what comes out
    struct outdir *held; // run_place_init()
    uint64_t seed;
    bool replace;
    bool resume; // after work_lock(): and there is something to go on from
    bool allow_diverged;       // save a run that has
    trv_message_fn on_message; // NULL: none
    void *message_payload;
    trv_progress_fn progress; // NULL: none
    void *payload;
    json_t *options;    // owned: for trivium.json and the fingerprint
    const char *layout; // of the rows, for both; NULL: there are none
    /* --- */
    struct run_place place;
    struct memo *memo;    // from work_lock(); the session's, until training
    bool claimed;         // output and folder are locked, so work_end() tidies
    json_t *fingerprint;  // from work_write_run()
    struct artefact head; // from work_begin_manifest()
    double began, flop, stage_began;
    const char *stage;     // of work_watch()
    double tokens;         // processed before the loop's first step
    struct rate_work done; // by the backend when it began
};

/** `out` as the user named it; `kept` as in run_place_init(). TRV_ENOMEM. */
int work_begin(struct work *w, const char *out, const char *kept, trv_err *err);
void work_release(struct work *w); // accepts zeros

/** Report a message to the user. */
void work_log(const struct work *w, const char *fmt, ...) TRV_PRINTF(2, 3);
/** The watch of answers that are scored, reported as the stage of that name
 * ("scoring"), which begins now. `w` and `stage` are borrowed. After training
 * has begun nothing is kept in the memo, and only a run whose end is in a
 * checkpoint can be stopped. */
struct reward_watch work_watch(struct work *w, const char *stage);

/** What run_place_lock() and memo_open() return; TRV_EMISMATCH where what was
 * kept is another model's. From here on until training, what is drawn is kept
 * in the memo (session.h), and found there by a run that goes on. */
int work_lock(struct work *w, trv_err *err);
/** `own` (taken; NULL: no memory) holds the fields of the fingerprint that are
 * this work's own; base, seed, precision and options are added here. What
 * run_place_begin() returns. */
int work_write_run(struct work *w, json_t *own, trv_err *err);
/** Does the loop go on from a checkpoint? */
bool work_has_checkpoint(const struct work *w);
/** run_train() with these options; every zero is replaced. Also what
 * work_diverged() returns of a run whose loss rose. */
int work_train(struct run_result *out, const struct work *w,
               const struct run_task *task, const trv_learn_options *learn,
               trv_err *err);
/** A run has diverged, as the text describes ("its loss rose ..."):
 * TRV_EDIVERGED, and its checkpoint stays; or, where that is allowed, 0 and a
 * warning. */
int work_diverged(const struct work *w, trv_err *err, const char *fmt, ...)
    TRV_PRINTF(3, 4);
/** Returns rc. Where the user stopped, the message is extended by the stage
 * ("while sampling") and by how to resume. */
int work_stopped(const struct work *w, int rc, const char *when, trv_err *err);

/** Begin w->head: an artefact of `kind`, made from `from` (NULL: from data) as
 * `step` says. Its options, its seed, its source's spec and its cost (`counts`,
 * taken; NULL: no memory) are set here, and the run's logs join it. */
int work_begin_manifest(struct work *w, enum kind kind,
                        const struct adaptation *from,
                        const struct artefact_step *step, json_t *counts,
                        trv_err *err);
/** Write w->head's payload: a student's adapter weights, or all weights of
 * `own` (NULL: none), saved in the type of its options. */
int work_save_student(struct work *w, const struct student_options *o,
                      const struct adapter_weights *adapter_weights,
                      const struct decoder *own, trv_err *err);
/** Write a prompt of text. */
int work_save_prompt(struct work *w, const struct adaptation *z, trv_err *err);
/** Write all weights of a reward model whose padding is `pad`. */
int work_save_scorer(struct work *w, const struct decoder *d, int32_t pad,
                     enum dtype type, trv_err *err);

/** The end, after success or failure: where rc is 0 the seconds, FLOP and bytes
 * are reported, otherwise a folder in which nothing can be resumed is
 * removed. */
void work_end(struct work *w, int rc, trv_cost *cost);

#endif
