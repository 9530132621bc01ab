/* chat.h -- chat templates: an interpreter for the part of Jinja that
 * published templates use. Output equals jinja2's with trim_blocks and
 * lstrip_blocks on, as transformers renders them.
 *
 * Not supported, and refused by name: template inheritance, imports, recursive
 * loops, autoescape, extensions but loop controls and {% generation %}.
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
/** One that cannot be used: each rendering fails with the code and sentence of
 * `why`. So a model whose template cannot be read serves all that needs none.
 */
int chat_template_refuse(struct chat_template **out, const trv_err *why,
                         trv_err *err);
/** Render with `tools` where a conversation has tools, as transformers takes
 * the template named tool_use; t owns it from here on. */
void chat_template_set_tools(struct chat_template *t,
                             struct chat_template *tools);
/** Why each rendering of conversations without tools fails; NULL for a template
 * that was parsed. */
const trv_err *chat_template_fault(const struct chat_template *t);
void chat_template_free(struct chat_template *t);

/** Bytes from..to-1 of a rendering, from..to-1 of the next, and so on. */
struct chat_spans {
    struct chat_span {
        size_t from, to;
    } * v;
    int64_t n, cap;
};
int chat_spans_add(struct chat_spans *s, size_t from, size_t to); // 0, ENOMEM
void chat_spans_release(struct chat_spans *s); // accepts zeros

/** What a template sees beside `messages`. `tools` and `documents` are none
 * unless `extra` has them, as transformers passes them. */
struct chat_options {
    bool add_generation_prompt;
    const char *bos_token, *eos_token; // NULL counts as ""
    const json_t *extra;               // further variables (object) or NULL
    struct chat_spans *spans; // takes what {% generation %} says; or NULL
};

/** Append the rendering of `messages`, an array of {"role":, "content":}; after
 * a failure nothing is appended. NULL opts are zeros. As in transformers, a
 * message's fields that are null are absent, and `reasoning_content`,
 * `thinking` and `reasoning` stand for each other.
 * TRV_EINVAL: raise_exception() in the template, with its sentence;
 * TRV_EFORMAT: what jinja2 or Python would raise (an undefined name, a type
 * that does not fit), with the template's line;
 * TRV_EUNSUPPORTED: a filter or test that is named at run time and missing.
 * Steps, memory, output and depth are bounded: a hostile template ends in
 * TRV_ERANGE, as an integer outside 64 bits does. */
int chat_render(const struct chat_template *t, struct strbuf *out,
                const json_t *messages, const struct chat_options *opts,
                trv_err *err);

#endif
