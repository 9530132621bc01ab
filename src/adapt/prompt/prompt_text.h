/* prompt_text.h -- prompts that are read as they stand: a text and messages;
 * and all four kinds of prompts that are text, opened and encoded.
 */
#ifndef ADAPT_PROMPT_PROMPT_TEXT_H
#define ADAPT_PROMPT_PROMPT_TEXT_H

#include "adapt/adaptation.h"

#define PROMPT_TEXT_FILE "prompt.txt"
#define PROMPT_MESSAGES_FILE "messages.json"

/** Fill `a` from a text, which is copied; `what` names it in messages.
 * TRV_EINVAL: empty, not UTF-8, a NUL inside. */
int prompt_take_text(struct adaptation *a, const char *text, size_t n,
                     const char *what, trv_err *err);
/** From messages as messages_check() takes them, copied. */
int prompt_take_messages(struct adaptation *a, const json_t *value,
                         const char *file, trv_err *err);

/** Note that a text of the user's spec is the name of a file that is there, with
 * the spelling that reads it: what stands before its '@'. TRV_ENOMEM. */
int prompt_note_file(struct kind_source *from, const char *words,
                     const char *what, const char *spelling, trv_err *err);

/* For the rows of kinds.c: text, messages, demonstrations, documents; and the
 * bytes of the file that holds each. */
int prompt_open_text(struct adaptation *a, struct kind_source *from,
                     trv_err *err);
int prompt_open_messages(struct adaptation *a, struct kind_source *from,
                         trv_err *err);
int prompt_open_demos(struct adaptation *a, struct kind_source *from,
                      trv_err *err);
int prompt_open_retrieve(struct adaptation *a, struct kind_source *from,
                         trv_err *err);
int prompt_encode_text(struct strbuf *out, const struct adaptation *a,
                       trv_err *err);
int prompt_encode_messages(struct strbuf *out, const struct adaptation *a,
                           trv_err *err);
int prompt_encode_demos(struct strbuf *out, const struct adaptation *a,
                        trv_err *err);
int prompt_encode_retrieve(struct strbuf *out, const struct adaptation *a,
                           trv_err *err);

/** Check an array of messages, or take it out of an object's `messages`. Each
 * has a `role` (system, developer, user, assistant, tool) and a `content`
 * string. *out is borrowed from `value`. */
int messages_check(const json_t **out, const json_t *value, const char *file,
                   trv_err *err);

#endif
