/* textio.h -- text from arguments, files and standard input; files written
 * whole or not at all; words quoted for the shell. */
#ifndef CLI_TEXTIO_H
#define CLI_TEXTIO_H

#include <stddef.h>

#include "cli/cmd.h"

/** Bytes read, with a NUL after the last. Free `s` with free(). */
struct text {
    char *s;
    size_t n;
};

/**
 * A text as given: `word` itself, the file after '@', or standard input where
 * word is NULL. Standard input on a terminal is refused: nobody meant it.
 *
 * @param what  names the text in messages: "prompt".
 */
enum cli_exit textio_read(const struct cli *cli, struct text *out,
                          const char *word, bool at_names_file,
                          const char *what);

/** Take one line end off the end: editors and echo put it there. */
void textio_chomp(struct text *t);

/** Write to a temporary sibling, flush it, rename it. */
enum cli_exit textio_write(const struct cli *cli, const char *path,
                           const char *bytes, size_t n);

/** Print a word so that a shell reads it back unchanged. */
void textio_print_quoted(FILE *f, const char *word);

#endif
