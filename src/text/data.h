/* data.h -- rows of data in TRL's columns, from JSON lines (.jsonl), a JSON
 * array (.json) or plain text (.txt: one row a line, column `text`).
 */
#ifndef TEXT_DATA_H
#define TEXT_DATA_H

#include <jansson.h>
#include <stdint.h>

#include "base/err.h"
#include "base/hash.h"
#include "text/chat.h"
#include "text/tokenizer.h"

/** One row. Which fields are set says its columns; all borrow from `json`.
 * `prompt`, `completion`, `chosen`, `rejected` are each a string or an array of
 * messages; a `messages` column is an array. */
struct data_row {
    json_t *json;
    int64_t line;     // 1-based, for messages
    const char *text; // column `text`
    const json_t *messages, *prompt, *completion, *chosen, *rejected;
    int label; // 0, 1, or -1 where the column is absent
};
struct data {
    char *path;
    struct data_row *rows;
    int64_t n;
    char hash[HASH_HEX]; // SHA-256 of the file's bytes
};
/** Empty file, no rows, a line that is no JSON object, no known column, a
 * column of the wrong type: TRV_EFORMAT naming file, line and field. */
int data_open(struct data *out, const char *path, trv_err *err);
void data_release(struct data *d); // accepts zeros

/** How text becomes ids: the one place where prompts meet completions. */
struct text_rules {
    const struct tokenizer *tokenizer;
    const struct chat_template *chat; // NULL: rows of messages are refused
};

/** Token ids of one example: context then answer. Tokens are joined, never
 * strings, so ids[0..n_context) is by construction the same with any answer. */
struct example {
    struct ids ids;
    int64_t n_context; // the answer, which carries loss, starts here
};
void example_release(struct example *e);

/**
 * The context of a row alone (what generation starts from):
 *   text prefix `z` (may be NULL) then the row's prompt. For rows of messages
 *   z becomes the system message (put before the row's own system content,
 *   parted by a blank line) and the chat template is rendered with
 *   add_generation_prompt; for rows of text, ids(z) and ids(prompt) are joined.
 * `prefix_messages` (array or NULL): a messages.json prompt; its messages come
 *   first and the row, if text, becomes the user's turn.
 * BOS stands once at the start where the tokenizer or the template adds it;
 * ids never hold it twice. A `text` row counts as a prompt.
 */
int example_context(struct example *out, const struct text_rules *rules,
                    const struct data_row *row, const char *z,
                    const json_t *prefix_messages, trv_err *err);
/** Append the row's own answer (`completion`, or the last assistant message of
 * `messages`) with EOS (or the template's own end of turn) learned. */
int example_answer(struct example *e, const struct text_rules *rules,
                   const struct data_row *row, trv_err *err);

#endif
