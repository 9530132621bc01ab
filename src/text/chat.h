/* chat.h -- chat templates: an interpreter for the part of Jinja that
 * published templates use. Output equals jinja2's with trim_blocks and
 * lstrip_blocks on, as transformers renders them.
 *
 * A template is immutable once parsed; any number of threads may share it.
 */
#ifndef TEXT_CHAT_H
#define TEXT_CHAT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/strbuf.h"

struct chat_template;

/** Parse; `name` stands for the source in messages, which give line numbers.
 * TRV_EFORMAT, TRV_EUNSUPPORTED (naming the construct), TRV_ENOMEM. */
int chat_template_parse(struct chat_template **out, const char *name,
                        const char *source, size_t n, trv_err *err);
void chat_template_free(struct chat_template *t);

struct chat_options {
    bool add_generation_prompt;
    const char *bos_token, *eos_token; // NULL counts as ""
    const json_t *extra;               // further variables (object) or NULL
};

/** Append the rendering of `messages`, an array of {"role":, "content":}.
 * raise_exception() in the template is TRV_EINVAL with its sentence. Steps,
 * output and depth are bounded: a hostile template ends in TRV_ERANGE. */
int chat_render(const struct chat_template *t, struct strbuf *out,
                const json_t *messages, const struct chat_options *opts,
                trv_err *err);

#endif
