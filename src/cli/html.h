/* html.h -- foreign text on a page: escaped, and nothing of it hidden.
 *
 * Text may hold anything: what ends a tag, bytes that are no UTF-8 (U+FFFD),
 * control characters and characters that turn the direction of writing or
 * cannot be seen. The last two are written out, as "U+202E". */
#ifndef CLI_HTML_H
#define CLI_HTML_H

#include <stddef.h>
#include <stdio.h>

/** A text where line ends and tabs stay: white space is the style's. */
void html_text(FILE *f, const char *s, size_t n);
/** The same in one line, without any tag: for titles and attributes. */
void html_line(FILE *f, const char *s, size_t n);
/** The beginning of a text in one line, at most `most` characters, cut between
 * words where it can be, with an ellipsis. */
void html_excerpt(FILE *f, const char *s, size_t n, int most);

#endif
