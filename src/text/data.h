/* data.h -- rows of data in TRL's columns, from JSON lines (.jsonl, .ndjson), a
 * JSON array (.json), a table (.csv, .tsv: data_table.h) or plain text (.txt:
 * one row a line, column `text`). Standard input ("-", /dev/stdin) and what a
 * shell passes as /dev/fd/N have no name: lines or an array, by the first byte.
 *
 * Columns of other conventions are understood and renamed while reading:
 *   instruction, input, output      Alpaca's: prompt (with the input after a
 *                                   blank line) and completion
 *   question, answer                prompt and completion
 *   problem, solution, answer       prompt and completion
 *   conversations                   ShareGPT's {"from":, "value":}: messages,
 *                                   or the prompt where chosen is there
 *   chosen and rejected alone       what both begin with becomes the prompt
 *   system, history, tools,         data_turns.h
 *   chat_template_kwargs
 * All columns, and those of other tools, are in data_columns.def. A message is
 * {"role":, "content":}; content in parts of type text is joined. A column that
 * is null counts as absent; unknown columns are kept in `json`.
 * A number that neither 64 bits nor a double hold is kept as its text.
 */
#ifndef TEXT_DATA_H
#define TEXT_DATA_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/hash.h"
#include "base/nearest.h"

/** One row. Which fields are set says its columns; all borrow from `json`.
 * `prompt`, `completion`, `chosen`, `rejected` are each a string or an array of
 * messages; `messages` and `tools` are arrays. */
struct data_row {
    json_t *json;
    const char *path; // the file's, for messages; NULL: not from a file
    int64_t line;     // 1-based, where the row begins; 0: not from a file
    const char *text; // column `text`
    const json_t *messages, *prompt, *completion, *chosen, *rejected;
    const json_t *tools;     // for the chat template, as
    const json_t *variables; // chat_template_kwargs, an object
    int label;               // 0, 1, or -1 where the column is absent
    bool of_texts; // its prompt is what two texts, chosen and rejected alone,
                   // begin with: text, and not what a user says
};
/* How a data set is read whose rows are not in columns of these. */
struct data_how {
    bool is_text; // one row a line, whatever the file's name says
    /* Rewrite a row's object before its columns are read; `at` names it in
     * messages. 1: leave the row out, *why says the reason. May be NULL. */
    int (*shape)(json_t *row, const char **why, const struct data_row *at,
                 trv_err *err);
};
struct data {
    char *path;
    struct data_row *rows;
    int64_t n, cap;
    char hash[HASH_HEX]; // SHA-256 of the file's bytes
    json_t *unread;      // the names of columns that nothing reads
    char *unused;        // a warning that names them, or NULL
    const struct data_how *how;
    int64_t left_out, left_out_line; // rows that `shape` left out; the first,
    const char *left_out_why;        // and why
};

/** The longest line (or element of an array) that is read. */
#define DATA_MAX_LINE ((size_t)64 << 20)

/** Read a whole file. Empty file, no rows, a line that is no JSON object, no
 * known column, a column of the wrong type, bytes that are no UTF-8, a line
 * above the limit: TRV_EFORMAT naming file, line and field. TRV_EIO,
 * TRV_EUNSUPPORTED (a file name with another end), TRV_ENOMEM. */
int data_open(struct data *out, const char *path, trv_err *err);
/** The same of rows that are read in another way; borrowed while `out` is. */
int data_open_as(struct data *out, const char *path, const struct data_how *how,
                 trv_err *err);
/** Is it standard input, a pipe or a device, which can be read once only? */
bool data_is_stream(const char *path);
/** The same from memory; the end of `name` says the format. */
int data_parse(struct data *out, const char *name, const char *bytes, size_t n,
               trv_err *err);
int data_parse_as(struct data *out, const char *name, const char *bytes,
                  size_t n, const struct data_how *how, trv_err *err);
void data_release(struct data *d); // accepts zeros

/** Set a row's fields from its object, which may be rewritten: the columns of
 * one row, as data_open() reads them. `row->path` and `line` name it. */
int data_row_set(struct data_row *row, json_t *json, trv_err *err);

/** Are its words turns of a chat? */
bool data_row_is_turns(const struct data_row *row);
/** What it says before an answer: a text, or the last user's turn; "" where
 * there is none. Borrowed. */
const char *data_row_words(const struct data_row *row);

/** nearest_hint() over the columns of a row. */
const char *data_column_hint(char out[NEAREST_HINT], const json_t *row,
                             const char *name);
/** err_fail() that begins with the row's file and line. */
int data_row_fail(const struct data_row *row, trv_err *err, int code,
                  const char *fmt, ...) TRV_PRINTF(4, 5);

#endif
