/* spec_hint.h -- what a text that names no adaptation was probably meant as. */
#ifndef ADAPT_SPEC_HINT_H
#define ADAPT_SPEC_HINT_H

#include <stdbool.h>
#include <stddef.h>

#define SPEC_HINT 512

/** What to write in place of `text`, as a clause: a file behind @, a program, a
 * file of rows. False: nothing is known of it. */
bool spec_hint(char out[SPEC_HINT], const char *text);
/** "; a program of your own is verifier:command,cmd=..." where a check's name
 * [n] looks like a program or its command, else "". */
const char *spec_hint_program(char out[SPEC_HINT], const char *text, size_t n);

#endif
