/* help.h -- every text that is made from the option tables. */
#ifndef CLI_HELP_H
#define CLI_HELP_H

#include <stdbool.h>
#include <stdio.h>

#include "cli/cmd.h"

void help_program(FILE *f, bool color);
void help_command(FILE *f, const struct cmd_entry *cmd, bool color);
void help_man(FILE *f);             // roff, for `man -l`
void help_bash_completion(FILE *f); // to be sourced

#endif
