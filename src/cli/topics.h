/* topics.h -- what the help explains beside commands and methods. */
#ifndef CLI_TOPICS_H
#define CLI_TOPICS_H

#include "cli/cmd.h"

/** A line of a topic's table. */
struct topic_item {
    const char *term, *text; // term NULL: the end
};

struct topic {
    const char *name;               // NULL: the end of the list
    const char *summary;            // lower case, no full stop
    const char *text;               // paragraphs, parted by "\n\n"
    const char *form;               // the form whose specs are listed, or NULL
    const char *title;              // of the items
    const struct topic_item *items; // or NULL
    const struct cmd_entry *folded; // a command whose folded options stand here
    const char *examples;           // lines
};

extern const struct topic topics[];

#endif
