/* help.h -- every text that is made from the option tables. */
#ifndef CLI_HELP_H
#define CLI_HELP_H

#include <stdbool.h>
#include <stdio.h>

#include "cli/cmd.h"

void help_program(FILE *f, bool color);
void help_command(FILE *f, const struct cmd_entry *cmd, bool color);
/** Explain a command, a method or a topic. False: it is none of these. */
bool help_about(FILE *f, const char *word, bool color);
/** All that help_about() knows; returns how many, at most `max`. */
#define HELP_NAMES_MAX 96
int help_names(const char **names, int max);
/** The one that is most like a word, or NULL. */
const char *help_nearest(const char *word);
void help_man(FILE *f); // roff, for `man -l`

#endif
