/* row_layout.h -- how rows are laid out, told to people and to trivium.json.
 * The rule itself is example_is_chat().
 */
#ifndef TEXT_ROW_LAYOUT_H
#define TEXT_ROW_LAYOUT_H

#include "text/example.h"

#define LAYOUT_NAME_CHAT "chat"
#define LAYOUT_NAME_RAW "raw"

struct row_layout {
    const char *name; // LAYOUT_NAME_CHAT or _RAW, or "mixed"
    char line[240];   // "layout: chat (the model's template)"
};

/** Of n rows. `prompt`: a prompt of text acts on them; the line then says where
 * it stands. */
void row_layout_of(struct row_layout *out, const struct text_rules *rules,
                   const struct data_row *rows, int64_t n, bool prompt);

#endif
