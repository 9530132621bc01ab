/* template.h -- words with columns of a row in them: "Sentence: {text}". */
#ifndef TASK_TEMPLATE_H
#define TASK_TEMPLATE_H

#include <jansson.h>

#include "base/err.h"
#include "base/strbuf.h"

/** Append `text` with each {column} replaced by the row's; "{{" is a brace.
 * TRV_EFORMAT names the key that `text` stands in, the row's line, and the
 * column that is absent or is neither a text nor a number. True and false are
 * 1 and 0; {column|json} is the value as JSON. */
int template_fill(struct strbuf *out, const char *text, const json_t *row,
                  const char *key, int64_t line, trv_err *err);
/** Append `text` with each {dir} replaced. TRV_ENOMEM. */
int template_place(struct strbuf *out, const char *text, const char *dir,
                   trv_err *err);

#endif
