/* completion.h -- what shells complete the program's words by. */
#ifndef CLI_COMPLETION_H
#define CLI_COMPLETION_H

#include <stdio.h>

#define COMPLETION_SHELLS "bash|zsh|fish"

void completion_bash(FILE *f); // to be sourced
void completion_zsh(FILE *f);  // the same, or _trivium in a folder of fpath
void completion_fish(FILE *f); // the same, or trivium.fish

#endif
