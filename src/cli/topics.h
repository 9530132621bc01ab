/* topics.h -- what the help explains beside commands and methods. */
#ifndef CLI_TOPICS_H
#define CLI_TOPICS_H

#include "cli/cmd.h"

/** A line of a topic's table. */
struct topic_item {
    const char *term, *text; // term NULL: the end
};

/** What stands under a heading, in this order: text, lines, code. */
struct topic_part {
    const char *title; // NULL: the end of the list
    const char *text;  // paragraphs, parted by "\n\n", or NULL
    const char *form;  // the form whose specs are lines, with their options
    bool checks;       // so are the checks of verifier:
    const struct topic_item *items; // or NULL
    const char *code;               // lines that stand as they are, or NULL
};

struct topic {
    const char *name;    // NULL: the end of the list
    const char *summary; // lower case, no full stop
    const char *text;    // as that of a part
    const struct topic_part *parts;
    const struct cmd_entry *folded; // a command whose folded options stand here
    const char *examples;           // lines
};

extern const struct topic topics[];

/** The lines of a part, in order: a term and its text; an option of the term
 * before it; an example, whose text is NULL. */
enum topic_line { TOPIC_TERM, TOPIC_OPTION, TOPIC_EXAMPLE };
typedef void topic_line_fn(FILE *f, enum topic_line what, const char *term,
                           const char *text);
void topic_lines(FILE *f, const struct topic_part *part, topic_line_fn *line);

#endif
