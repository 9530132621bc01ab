/* columns.h -- texts side by side, each wrapped in a column of its own. */
#ifndef CLI_COLUMNS_H
#define CLI_COLUMNS_H

#include <stdbool.h>
#include <stdio.h>

/** So many texts at most stand side by side. */
#define COLUMNS_MOST 4
/** Below so many columns each they stand one under another. */
#define COLUMNS_NARROW 16

/**
 * Print n texts under their titles in `width` columns of the screen. Words are
 * wrapped, a word that is too long is cut, line ends stay, and what a terminal
 * would obey (control characters, tabs) becomes a blank. Text is UTF-8; wide
 * characters count two columns, marks none.
 */
void columns_print(FILE *f, int width, const char *const *titles,
                   const char *const *texts, int n, bool color);

/** One text, wrapped likewise, after `head` on its first line. */
void columns_wrap(FILE *f, int width, const char *head, const char *text);

#endif
