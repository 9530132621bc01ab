/* demos.h -- demonstrations: pairs of an input and its answer that stand before
 * the input.
 *
 *   a chat            their turns, before the row's own
 *   a raw row         the template, filled for each, then the template's part
 *                     before {output} around the row's own text:
 *
 *       {input}\n{output}\n\n  ->  x1 \n y1 \n\n x2 \n y2 \n\n  x \n
 *
 * A file is JSON lines (or what data.h reads) of prompt and completion, or of
 * messages that end with the assistant's. An artefact is demos.jsonl, and in
 * trivium.json an object `prompt` with the options:
 *
 *   form      auto (by the row), chat, text (in a chat the blocks become the
 *             system message)
 *   template  shows {input} and then {output}, once each
 */
#ifndef ADAPT_PROMPT_DEMOS_H
#define ADAPT_PROMPT_DEMOS_H

#include <jansson.h>

#include "adapt/reward/reward_conf.h"
#include "base/strbuf.h"
#include "text/example.h"

#define DEMOS_FILE "demos.jsonl"
#define DEMOS_MAX 4096
#define DEMOS_TEMPLATE "{input}\n{output}\n\n"

enum demos_form { DEMOS_AUTO, DEMOS_CHAT, DEMOS_TEXT };

extern const struct conf_option demos_options[];

struct demos {
    json_t *list; // array of {"prompt":, "completion":}: texts or messages
    json_t *conf; // the options, as they were given
    enum demos_form form;
    json_t *turns; // all of them as messages
    char *before;  // all of them as blocks, and what stands before an input;
                   // NULL where one has several turns
    char *after;   // what stands between an input and its answer
    bool of_chat;  // one of them is made of messages
    char *unused;  // the file's columns that nothing reads, or NULL
};

/** Read a file. `conf` (object or NULL: the defaults) is copied. TRV_EINVAL (an
 * option; a demonstration without an answer), TRV_ERANGE (more than DEMOS_MAX),
 * and what data_open() returns. */
int demos_open(struct demos **out, const char *path, const json_t *conf,
               trv_err *err);
/** From an array as `list`; `name` stands for the file in messages. */
int demos_of(struct demos **out, const json_t *list, const json_t *conf,
             const char *name, trv_err *err);
void demos_free(struct demos *d); // NULL is allowed

/** Is it turns of a chat alone, whatever the row? */
bool demos_is_chat(const struct demos *d);
/** What it puts around a row, which is laid out as a chat or raw; borrowed from
 * `d`. TRV_EINVAL: a demonstration of several turns before a raw row. */
int demos_view(struct example_around *around, const struct demos *d,
               const struct data_row *row, bool chat, trv_err *err);
/** The bytes of demos.jsonl; equal demonstrations give equal bytes. */
int demos_encode(struct strbuf *out, const struct demos *d, trv_err *err);

#endif
