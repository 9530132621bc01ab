/* help_text.h -- lines, headings and options, as every page of the help has
 * them.
 */
#ifndef CLI_HELP_TEXT_H
#define CLI_HELP_TEXT_H

#include <stdbool.h>
#include <stdio.h>

#include "cli/cmd.h"

#define HELP_WIDTH 78
#define HELP_COLUMN 26 // where an option's explanation begins

/** Print text wrapped at HELP_WIDTH, further lines indented; "\n\n" parts
 * paragraphs. The caller has already printed `column` columns. */
void help_wrap(FILE *f, const char *text, int indent, int column);
void help_heading(FILE *f, const char *title, bool color);
/** A line of two columns: a term at 2, its text wrapped from `column` on. */
void help_item(FILE *f, const char *term, const char *text, int column);
/** Commands, a line each. */
void help_examples(FILE *f, const char *examples);
/** A command, broken before its options where it is too long. */
void help_command_line(FILE *f, const char *command);

/** "trivium convert --model PATH ... [OPTIONS]" */
void help_usage(FILE *f, const struct cmd_entry *cmd);
bool help_has_optional(const struct opt_spec *specs);
/** An option and its explanation. `defaults` NULL: none is named. */
void help_option(FILE *f, const struct opt_spec *s, const void *defaults);
/** The same in few words: the help up to its first ';', and what else there is
 * to say where it fits the line. */
void help_option_brief(FILE *f, const struct opt_spec *s, const void *defaults);
/** The help of an option, behind the specs that it takes. */
void help_explain(char *out, size_t size, const struct opt_spec *s);
/** What stands behind the help: choices, range and unit, default. */
void help_notes(char *out, size_t size, const struct opt_spec *s,
                const void *defaults);

/** Names in lists that are parted by blanks: does a list have it? Copy the one
 * that begins at *list and step to the next; false at the end. */
bool help_lists(const char *list, const char *name);
bool help_next(char *out, size_t size, const char **list);

/** A list that is put together from pieces: add parts it from what is there by
 * ", ", append does not. */
struct help_list {
    char text[1024];
    size_t n;
};
void help_list_add(struct help_list *list, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

void help_list_append(struct help_list *list, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

#endif
