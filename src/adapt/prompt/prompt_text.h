/* prompt_text.h -- prompts that are read as they stand: a text, messages, and
 * files with options.
 */
#ifndef ADAPT_PROMPT_PROMPT_TEXT_H
#define ADAPT_PROMPT_PROMPT_TEXT_H

#include "adapt/adaptation.h"

#define PROMPT_TEXT_FILE "prompt.txt"
#define PROMPT_MESSAGES_FILE "messages.json"

/** Fill `a` from a text, which is copied; `what` says whose it is. TRV_EINVAL:
 * empty, not UTF-8, a NUL inside. */
int prompt_take_text(struct adaptation *a, const char *text, size_t n,
                     const char *what, trv_err *err);
int prompt_read_text(struct adaptation *a, const char *path, trv_err *err);
/** From messages as messages_check() takes them, copied. */
int prompt_take_messages(struct adaptation *a, const json_t *value,
                         const char *file, trv_err *err);
int prompt_read_messages(struct adaptation *a, const char *path, trv_err *err);
/** Demonstrations or documents, with their options (NULL: the defaults). */
int prompt_read_listed(struct adaptation *a, enum kind kind, const char *path,
                       const json_t *conf, trv_err *err);
/** The same from FILE,key=value,... of a spec. */
int prompt_open_listed(struct adaptation *a, enum kind kind, const char *rest,
                       trv_err *err);

/** Check an array of messages, or take it out of an object's `messages`. Each
 * has a `role` (system, developer, user, assistant, tool) and a `content`
 * string. *out is borrowed from `value`. */
int messages_check(const json_t **out, const json_t *value, const char *file,
                   trv_err *err);

#endif
