/* job.h -- a conversion in progress: what an edge is given, and the tools that
 * every edge works with. It knows no edge.
 */
#ifndef TRANSFORM_JOB_H
#define TRANSFORM_JOB_H

#include <trivium/trivium.h>

#include "adapt/view.h"
#include "learn/work.h"
#include "transform/answers.h"
#include "transform/method.h"

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
    struct outdir *held; // `out`, claimed by a chain; NULL: by the method
    const trv_convert_options *opts;
    trv_progress_fn progress;
    void *payload;
};

/** A message to people through opts->on_message. */
void job_log(const struct convert_job *job, const char *fmt, ...)
    TRV_PRINTF(2, 3);

/** Open inputs to learn on, with progress: the rows of `path`, or (NULL) `want`
 * that are sampled from the model; `chat` as in inputs_open(), whose errors
 * these are. */
int job_inputs(struct inputs *in, const struct convert_job *job,
               const char *path, int64_t want, bool chat, trv_err *err);

/** What learns, as the job asks for it; checked as in student_check() and
 * student_check_full(). */
int job_student(struct student_options *out, const struct convert_job *job,
                trv_err *err);
/** Begin the edge's work (learn/work.h) at the job's output; `kept` as in
 * run_place_init(). TRV_ENOMEM. */
int job_begin(struct work *w, const struct convert_job *job, const char *kept,
              trv_err *err);
/** answers_draw() into the work's folder: what of `how` says where, and how it
 * is heard, is set here, but for a file other than the kept one. A stop is told
 * with how to go on. */
int job_draw(struct answers *out, const struct work *w,
             struct answers_options how, trv_err *err);
/** work_write_run() with what every edge's run is told by: its method, its source,
 * its inputs. `own` (taken; NULL: no memory) says what else. */
int job_write_run(struct work *w, const struct convert_job *job,
                  const char *method, const struct inputs *in, json_t *own,
                  trv_err *err);
/** Warn of inputs, `dropped` of n, without room for a prompt (0: for none is
 * asked) and an answer of so many tokens, where there are some. */
void job_log_dropped(const struct convert_job *job, int64_t dropped, int64_t n,
                     int64_t prompt, int64_t answer);

/** Say what learning all weights takes, where that is what `to` asks for. */
void job_log_full(const struct convert_job *job);

#endif
