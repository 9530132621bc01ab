/* data_turns.h -- columns that belong to a row's conversation: `system` and
 * `history` become messages, `tools` and `chat_template_kwargs` what they are
 * as JSON.
 */
#ifndef TEXT_DATA_TURNS_H
#define TEXT_DATA_TURNS_H

#include "text/data.h"

/**
 * Rewrite the row's object: `system` and `history` are taken out and stand at
 * the head of `messages` or of `prompt`, where a text becomes the user's turn
 * and the answers to it the assistant's. `functions` become `tools`; `tools` and
 * `chat_template_kwargs` that are JSON text are parsed.
 *
 * TRV_EFORMAT: a column of the wrong type, JSON text that is none, a system
 * message beside `system`, a name that the template has from elsewhere.
 */
int data_turns_join(struct data_row *row, trv_err *err);

#endif
