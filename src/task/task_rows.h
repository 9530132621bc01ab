/* task_rows.h -- the rows of a task's sets, as every run reads them.
 *
 *   file ─► loader ─► skip, limit ─► ask, answer, answers ─► canonical columns
 *   ─► an array
 *
 * Canonical columns: `prompt` (messages in the layout chat, text in raw),
 * `completion` and `answer` where the row has one; of pairs `chosen` and
 * `rejected`, which are made of `answer` and `wrong` where a row has those.
 * All other columns stay, since a check may name them.
 */
#ifndef TASK_TASK_ROWS_H
#define TASK_TASK_ROWS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

/* What task.json says of a set. Borrowed. */
struct rows_conf {
    const char *task;      // task.json, for messages
    const char *where;     // "data.train"
    const char *dir;       // the task's folder
    const char *data;      // a second folder; NULL: none
    const char *file;      // within one of them
    const char *loader;    // its name
    const char *ask;       // a template of what is asked; NULL: none
    const char *answer;    // likewise of the answer
    const json_t *answers; // words for values of the answer; NULL: as they are
    const char *layout;    // "chat", "raw"; NULL: the model's
    int64_t skip, limit;
    bool is_pairs;
};

struct rows {
    json_t *list;     // an array of objects; NULL: there is none
    int64_t left_out; // rows of the file that are of no use
    char *why;        // of the first of them, with its line; NULL: none
};

/** Read a set. TRV_EIO (no such file; where it was looked for), TRV_EFORMAT
 * (file, line, fact), TRV_EUNSUPPORTED, TRV_ENOMEM. */
int rows_read(struct rows *out, const struct rows_conf *conf, trv_err *err);
/** Pairs of the rows that have an answer and a wrong one; out->list stays NULL
 * where there are none. */
int rows_pair(struct rows *out, const struct rows *from,
              const struct rows_conf *conf, trv_err *err);
void rows_release(struct rows *r); // accepts zeros

/** The text that a row asks: its prompt, or the last turn of it; NULL: none. */
const char *rows_asked(const json_t *row);
/** A column's text: a string, or the last message of it; NULL: none. */
const char *rows_text(const json_t *row, const char *column);

#endif
