/* conversation.h -- what was said so far: a system message or none, then the
 * user's turns and their answers by turns. Text is kept as UTF-8 without zero
 * bytes, as models are given it.
 */
#ifndef CLI_CONVERSATION_H
#define CLI_CONVERSATION_H

#include <jansson.h>
#include <stdbool.h>

#include <trivium/trivium.h>

/** Zeros are a conversation in which nothing was said. */
struct conversation {
    trv_turn *slots; // the first is the system's, whether it is used or not
    int32_t n, cap;  // turns after it
};

void conversation_release(struct conversation *c);
void conversation_reset(struct conversation *c); // keeps the system message

/* Both copy; false where memory ran out, and then nothing has changed. What is
 * no UTF-8, and zero bytes, become U+FFFD. */
bool conversation_system(struct conversation *c, const char *text); // or NULL
bool conversation_say(struct conversation *c, const char *text, size_t n);

/** Whose turn it is next. */
bool conversation_is_answered(const struct conversation *c);
/** The user's turns so far. */
int32_t conversation_questions(const struct conversation *c);

/** Take back the last turn, the user's or an answer. */
void conversation_take_back(struct conversation *c);
/** Forget the oldest turn of the user with its answer; false where there is
 * none but the latest. */
bool conversation_forget(struct conversation *c);

/** All messages, the system's first; borrowed until the next change. */
const trv_turn *conversation_turns(const struct conversation *c, int32_t *n);
/** The same as JSON: [{"role":, "content":}, ...]; NULL without memory. */
json_t *conversation_json(const struct conversation *c);

#endif
