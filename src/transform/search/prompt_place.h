/* prompt_place.h -- where a prompt of text stands among a row's tokens.
 *
 *   ids of a row's context   head | z | tail
 *
 *   raw        head  BOS, where the tokenizer begins a text with it
 *              tail  the row's own text
 *   a chat     head  the template up to the words of the system message
 *              tail  the rest: the row's own system message, its turns, the
 *                    template's call for an answer
 *
 * A text and a message of the system with its words give a chat the same ids,
 * so a place is one for both.
 *
 * A search moves z as tokens, and what it leaves behind is text. So a z counts
 * only where its text, put back in its place by text/example.c, gives exactly
 * head, z and tail again: then what was searched is what users will run. Many
 * lists of tokens do not, as a tokenizer would part their text elsewhere, or a
 * template strips it.
 */
#ifndef TRANSFORM_PROMPT_PLACE_H
#define TRANSFORM_PROMPT_PLACE_H

#include "model/files/model.h"

struct place_row {
    struct ids head, tail;
};

struct prompt_place {
    const struct model *m;
    const struct data_row *rows; // borrowed
    const char *end;             // after a prompt's own words
    struct place_row *at;        // [n]
    int64_t n;
    struct example *scratch; // memory of the last context
};

/**
 * Find the place of a prompt in every row.
 *
 * @param end  borrowed; what always stands between the prompt's own words and
 *             what follows; it counts as the row's.
 * @return TRV_EINVAL (the tokenizer or the template leave no place that is
 *         the same for different texts), TRV_ENOMEM, and what
 *         example_context() returns.
 */
int prompt_place_open(struct prompt_place *out, const struct model *m,
                      const struct data_row *rows, int64_t n, const char *end,
                      trv_err *err);
void prompt_place_release(struct prompt_place *s); // accepts zeros

/** The text of z, where it gives back z in row 0; else *stands is false. */
int prompt_place_text(struct strbuf *text, bool *stands, struct prompt_place *s,
                      const int32_t *z, int64_t n, trv_err *err);

/** Does `text` give z in its place in every row? */
int prompt_place_check(bool *stands, struct prompt_place *s, const char *text,
                       const int32_t *z, int64_t n, trv_err *err);

/** The z that `text` gives in row 0, appended; *stands is false where it is not
 * between row 0's head and tail. */
int prompt_place_ids(struct ids *z, bool *stands, struct prompt_place *s,
                     const char *text, trv_err *err);

#endif
