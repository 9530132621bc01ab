/* outside.h -- an outside program that scores, by lines of JSON.
 *
 *   to its standard input, a line for each answer:
 *     {"prompt":, "completion": "...", and the row's other columns}
 *   from its standard output, a line for each: a number, or {"score": number}
 *
 * It is started by /bin/sh -c with the first question, stays for all, and must
 * flush each line. Its standard error is ours. A program that hangs, dies or
 * writes an invalid line is an error and never a score.
 */
#ifndef ADAPT_REWARD_OUTSIDE_H
#define ADAPT_REWARD_OUTSIDE_H

#include <jansson.h>

#include "base/err.h"

struct outside;

int outside_open(struct outside **out, const char *command, double timeout_s,
                 trv_err *err);
/** Ask for one score. After a failure the program has been ended, and the next
 * question starts it anew. TRV_EIO (it died, or gave no answer in time),
 * TRV_EFORMAT (an invalid line), TRV_ENOMEM. */
int outside_ask(struct outside *o, double *score, const json_t *question,
                trv_err *err);
/** Close its input, and end it where it does not end by itself. */
void outside_free(struct outside *o);

#endif
