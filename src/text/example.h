/* example.h -- how text becomes ids: the one place where prompts meet their
 * completions, for training, scoring and sampling alike.
 *
 *   ids   [BOS] z prompt | completion EOS        raw
 *         [BOS] chat(turns) + generation prompt | rest of chat(turns + answer)
 *         `------ context ----' `-- answer, which carries loss
 *
 * How a row is laid out, the one rule, which example_is_chat() says:
 *
 *   messages                    always as a chat
 *   a plain prompt (a string)   as a user's turn where there is a chat template
 *                               and rules->layout is TEXT_CHAT; else raw
 *   text                        always raw
 *
 * A prompt of text, z, is the system message of a chat; where the template has
 * no place for one it opens the first user's turn. In a raw layout it stands
 * right before the row's own text, byte for byte.
 *
 * Tokens are joined, never strings: each piece is tokenised alone, so
 * ids[0..n_context) is by construction the same with any answer. Pieces after
 * the first are tokenised as continuations: a tokenizer that puts a space
 * before a text (SentencePiece) does not put one between two pieces, and the
 * text of the ids is the text of the pieces.
 */
#ifndef TEXT_EXAMPLE_H
#define TEXT_EXAMPLE_H

#include <jansson.h>
#include <stdint.h>

#include "base/err.h"
#include "base/strbuf.h"
#include "text/chat.h"
#include "text/data.h"
#include "text/tokenizer/tokenizer.h"

enum text_layout {
    TEXT_CHAT,
    TEXT_RAW,      // though there may be a template
    TEXT_RAW_ASKED // and rows of messages are refused
};

struct text_rules {
    const struct tokenizer *tokenizer;
    const struct chat_template *chat; // NULL: rows of messages are refused
    const int32_t *turn_end;          // ends a chat's answer; NULL: not known
    enum text_layout layout;          // of plain prompts
    bool no_system; // the template has no place for a system message
    bool no_end;    // answers are given without what ends them
};

/** Is the row laid out as a chat? */
bool example_is_chat(const struct text_rules *rules,
                     const struct data_row *row);

/** Token ids of one example; zeros are an empty one. A reused example keeps
 * its memory. */
struct example {
    struct ids ids;
    int64_t n_context;      // the answer starts here
    json_t *turns;          // of a chat: the context's messages
    struct strbuf rendered; // and their text
    bool joined;            // the answer is joined to a generation prompt that
                            // the template does not continue
    struct strbuf loss;     // of example_row(): for each id 0 or 1
};
void example_release(struct example *e);

/**
 * The context of a row alone (what generation starts from).
 *
 * A raw row is its `prompt` or `text`, after the prefix `z` (may be NULL).
 * A chat is its `prompt`, or its `messages` without a last one of the
 * assistant; z becomes the system message, put before the row's own system
 * content and parted from it by a blank line (rules->no_system: so parted
 * before the first user's words), and the chat template is rendered with
 * add_generation_prompt.
 * `prefix_messages` (array or NULL): a messages.json prompt. Its messages come
 * first; where both begin with a system message the two are joined as z is.
 *
 * BOS stands once at the start where the tokenizer adds it or the template
 * begins with it. (A template that repeats BOS before later turns, as that of
 * Llama 2 does, is left as it is.)
 *
 * Returns TRV_EINVAL (no chat template; the template refuses the messages;
 * messages and TEXT_RAW_ASKED; prefix_messages before a raw row), or what the
 * tokenizer and the template return; messages name file and line.
 */
int example_context(struct example *out, const struct text_rules *rules,
                    const struct data_row *row, const char *z,
                    const json_t *prefix_messages, trv_err *err);

/** All that a prompt puts around a row; each NULL where there is none. */
struct example_around {
    const char *before;     // z of example_context()
    const char *after;      // behind a raw row; a chat's turns end alone
    const json_t *messages; // prefix_messages of example_context()
};
/** The same with a text behind the row's own, as examples of a task need: what
 * parts an input from its answer in them stands there, too. */
int example_context_around(struct example *out, const struct text_rules *rules,
                           const struct data_row *row,
                           const struct example_around *around, trv_err *err);

/**
 * Append the row's own answer to its context: `completion`, or the last
 * message of `messages`, which must be the assistant's.
 *
 * Text is followed by EOS. In a chat the answer is what the rendering of the
 * whole conversation adds to that of the context, with the template's own end
 * of turn, or EOS where it has none. Where the context's text is no prefix of
 * the whole (a generation prompt that opens <think>, which the template takes
 * out of given answers) the answer is its own words and what the template puts
 * behind an answer; e->joined says so. TRV_EINVAL where the row has no answer,
 * or where that answer is no text alone.
 *
 * With rules->no_end neither EOS nor what the template puts behind an answer is
 * appended; TRV_EINVAL where the template does not show what that is.
 */
int example_answer(struct example *e, const struct text_rules *rules,
                   const struct data_row *row, trv_err *err);

/** The same with a given answer, a string or an array of messages: `chosen`,
 * `rejected`, or text that was sampled. `row` names the row in messages. */
int example_append(struct example *e, const struct text_rules *rules,
                   const struct data_row *row, const json_t *answer,
                   trv_err *err);

/** Which tokens of a row carry loss: its completion or the last assistant's
 * turn; every assistant's turn; all but the first token. A row of text is
 * learned from its first token on, whatever is asked. */
enum example_loss { LOSS_LAST, LOSS_ASSISTANT, LOSS_ALL, LOSS_COUNT };
/** "last", "assistant", "all". */
const char *example_loss_name(enum example_loss on);
/** The one of that name; NULL: the last. TRV_EINVAL. */
int example_loss_named(enum example_loss *out, const char *name, trv_err *err);

/**
 * A row as training and scoring see it; e->loss says which ids carry loss, and
 * n_context is the first of them (ids.n where there is none).
 *
 * LOSS_ASSISTANT: the template's {% generation %} spans, where it has any;
 * else each assistant's turn from the generation prompt that it is sampled from
 * to its end. TRV_EINVAL where these cannot be found in the conversation, and
 * what example_answer() returns.
 */
int example_row(struct example *e, const struct text_rules *rules,
                const struct data_row *row, enum example_loss on, trv_err *err);

/**
 * The token that ends an answer of the chat: what stands behind an answer's
 * text in a conversation that the template lays out begins with it, as
 * <|im_end|> does. Of several without text between them it is the last, since
 * the model has learned to say them all.
 *
 * @param out  [out] the id; -1 where the template puts no special token there,
 *             or refuses a conversation of a user and an assistant.
 * @return 0, TRV_ENOMEM.
 */
int example_turn_end(int32_t *out, const struct text_rules *rules,
                     trv_err *err);

/**
 * Has the chat template a place for a system message? Shown by a conversation
 * that begins with one: the template refuses it, or leaves its words out.
 *
 * @return 0, TRV_ENOMEM.
 */
int example_has_system(bool *out, const struct text_rules *rules, trv_err *err);

#endif
