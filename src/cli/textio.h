/* textio.h -- text from arguments, files and standard input; files written
 * whole or not at all; words quoted for the shell. */
#ifndef CLI_TEXTIO_H
#define CLI_TEXTIO_H

#include <jansson.h>
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

/** Warn of a text that is the name of a file, with the spelling that reads it:
 * what stands before its '@'. */
void textio_hint_file(struct cli *cli, const char *word, const char *what,
                      const char *spelling);

/** Take one line end off the end: editors and echo put it there. */
void textio_chomp(struct text *t);

/** Write to a temporary sibling, flush it, rename it. A link stays, and what it
 * names is replaced; a pipe or a device is written as it is. */
enum cli_exit textio_write(const struct cli *cli, const char *path,
                           const char *bytes, size_t n);

/** Before any work whose result textio_write() shall write: is that a place for a
 * file? CLI_BAD_FILE, said: it is a folder, or in none. */
enum cli_exit textio_can_write(const struct cli *cli, const char *path);

/** A JSON string of any bytes: each that is no UTF-8 becomes U+FFFD. NULL
 * without memory. */
json_t *textio_json(const char *s, size_t n);

/** Print a word so that a shell reads it back unchanged. */
void textio_print_quoted(FILE *f, const char *word);

/** The beginning of a text in one line of at most `columns`: what is no letter
 * of it, or would move a terminal's cursor, is a blank. */
void textio_print_excerpt(FILE *f, const char *s, size_t n, int columns);

#endif
