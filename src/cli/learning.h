/* learning.h -- checks and reports of the commands that learn. */
#ifndef CLI_LEARNING_H
#define CLI_LEARNING_H

#include "cli/cmd.h"

/** "lora:out/z" has a form and a place; a plain path is the usual mistake. */
enum cli_exit learning_check_to(const struct cli *cli, const char *to);
const char *learning_path(const char *to); // after the form; checked before

/** What was made and what it took: as JSON ("from" is left out where NULL), or
 * for people. */
void learning_json(FILE *f, const char *model, const char *from, const char *to,
                   const trv_cost *c);
void learning_report(FILE *f, const char *to, const char *what,
                     const trv_cost *c);
/** The names of the long options that were written, parted by blanks: what
 * stands at its default all the same counts as given. */
const char *learning_given(char *out, size_t size, const struct cli *cli);
/** What it would take, of a dry run: for people, or as JSON. */
void learning_plan(FILE *f, const trv_cost *c);
void learning_plan_json(FILE *f, const char *model, const char *from,
                        const char *to, const trv_cost *c);

#endif
