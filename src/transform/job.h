/* job.h -- a conversion in progress: the input of every edge, and the functions
 * that all edges share. This file depends on no edge.
 */
#ifndef TRANSFORM_JOB_H
#define TRANSFORM_JOB_H

#include <trivium/trivium.h>

#include "adapt/view.h"
#include "learn/work.h"
#include "transform/answers.h"
#include "transform/method.h"

/* Of a run's fingerprint: sizes that a budget has cut. */
#define JOB_CUT "budget"

/** What a method is given. `opts` is checked, and the method's own defaults are
 * in it. */
struct convert_job {
    struct session *s;
    const struct method *method;
    const char *edge; // for trivium.json
    struct adaptation *from;
    enum kind to;
    bool any_words; // "prompt:OUT": text or messages, as the inputs ask for
    const char *out;
    struct outdir *held; // `out`, locked by a chain; NULL: by the method
    bool is_to_come;     // `from` is a kind alone: a link before will make it
    const struct cost_plan *cost; // what was planned
    json_t *cut; // sizes that a budget has cut, {"steps": 60}; NULL: none
    const trv_convert_options *opts;
    trv_progress_fn progress;
    void *payload;
};

/** Report a message to the user through opts->on_message. */
void job_log(const struct convert_job *job, const char *fmt, ...)
    TRV_PRINTF(2, 3);
/** What is to be told of the files of an adaptation that an option names. */
void job_log_notes(const struct convert_job *job, const struct adaptation *a);

/** Open inputs to learn on, with progress: the rows of `path`, or (NULL) `want`
 * that are sampled from the model into the work's memo; errors are
 * inputs_open()'s, and reward_check_rows()'s where the source is a reward. */
int job_inputs(struct inputs *in, const struct convert_job *job,
               const struct work *w, const char *path, int64_t want,
               trv_err *err);

/** What learns, as the job asks for it; checked as in student_check() and
 * student_check_full(). */
int job_student(struct student_options *out, const struct convert_job *job,
                trv_err *err);
/** Begin the edge's work (learn/work.h) at the job's output; `kept` as in
 * run_place_init(). TRV_ENOMEM. */
int job_begin(struct work *w, const struct convert_job *job, const char *kept,
              trv_err *err);
/** answers_draw() into the work's folder. Fills in the resume and progress
 * fields of `how`, and its file where that is NULL. The error of a stopped draw
 * says how to resume. */
int job_draw(struct answers *out, const struct work *w,
             struct answers_options how, trv_err *err);
/** work_write_run() with the fields that every edge's fingerprint has: method,
 * source, inputs and their layout, which is also told. `own` (taken; NULL: no
 * memory) holds the further fields. */
int job_write_run(struct work *w, const struct convert_job *job,
                  const char *method, const struct inputs *in, json_t *own,
                  trv_err *err);
/** Warn where `dropped` > 0 of n inputs leave too little context for a prompt
 * of `prompt` tokens (0: no prompt) and an answer of `answer` tokens. */
void job_log_dropped(const struct convert_job *job, int64_t dropped, int64_t n,
                     int64_t prompt, int64_t answer);

/** Where messages are to be made: has the model a chat with a system message?
 * TRV_EINVAL. */
int job_check_messages(const struct convert_job *job, trv_err *err);
/** TRV_EINVAL: messages are to be made for inputs that are no chats. */
int job_refuse_messages(const struct inputs *in, trv_err *err);

/** Report the memory that learning all weights takes, where `to` is
 * KIND_FULL. */
void job_log_full(const struct convert_job *job);

/** "" for 1, otherwise "s": as in "%lld input%s". */
static inline const char *
plural(int64_t n)
{
    return n == 1 ? "" : "s";
}

#endif
