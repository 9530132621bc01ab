/* answers.h -- the data of imitation: inputs seen by teacher and student, and
 * answers drawn from the teacher.
 *
 *   input x   teacher's context  z x     student's context  x
 *             (after its virtual tokens, where either has some)
 *   answer y  drawn once from the teacher, kept in the run's folder as
 *             answers.jsonl: {"input": i, "ids": [...]}, in order, the
 *             blocks of a journal (base/seal.h)
 */
#ifndef TRANSFORM_ANSWERS_H
#define TRANSFORM_ANSWERS_H

#include <trivium/trivium.h>

#include "adapt/view.h"

/* One input from both sides. */
struct paired_row {
    struct context teacher;
    struct ids student;
    int64_t input; // row of the inputs
};

struct answer {
    int64_t context; // which pair it answers
    int32_t *ids;
    int64_t n;
};

struct answers {
    struct paired_row *contexts;
    int64_t n_contexts, n_dropped; // dropped: an answer does not fit
    struct answer *list;
    int64_t n;
    int64_t tokens; // of all answers
};

/** Contexts of every input under `teacher` and `student`; those that leave less
 * than `room` tokens of context for an answer are dropped and counted.
 * TRV_ETOOLONG where none is left. */
int answers_contexts(struct answers *out, struct session *s,
                     struct adaptation *teacher,
                     const struct adapter_weights *student,
                     const struct inputs *in, int64_t room, trv_err *err);

struct answers_options {
    int64_t samples, max_tokens;
    int64_t group; // answers to one context, side by side; 0: 1
    double temperature;
    uint64_t seed;
    const char *file;           // answers.jsonl; NULL: not kept
    bool resume;                // go on from what the file holds
    struct adaptation *teacher; // whose answers they are; NULL: the base's
    const char *of;             // the same by a hash, where runs share them
                                // (session.draws); NULL: they are not shared
    trv_progress_fn progress;
    void *payload;
};
/** Draw answer i for context (i / group) mod n_contexts, in blocks of fixed
 * size, each appended to the file: a resumed run draws what an uninterrupted
 * one draws. */
int answers_draw(struct answers *out, struct session *s,
                 const struct answers_options *opts, trv_err *err);

void answers_release(struct answers *a); // accepts zeros

#endif
