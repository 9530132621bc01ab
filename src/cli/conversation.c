/* conversation.c -- what was said so far. */
#include "cli/conversation.h"

#include <stdlib.h>
#include <string.h>

#include "cli/textio.h"

#define SYSTEM 1 // slots before the turns

static void
drop(trv_turn *turn)
{
    free((char *)(uintptr_t)turn->content); // ours: say() made it
    turn->content = NULL;
}

void
conversation_release(struct conversation *c)
{
    conversation_reset(c);
    if (c->slots)
        drop(&c->slots[0]);
    free(c->slots);
    *c = (struct conversation){0};
}

void
conversation_reset(struct conversation *c)
{
    while (c->n > 0)
        conversation_take_back(c);
}

/* Room for one more turn. */
static bool
grow(struct conversation *c)
{
    const int32_t cap = c->cap ? 2 * c->cap : 16;
    trv_turn *slots;

    if (c->n < c->cap)
        return true;
    if (c->cap > INT32_MAX / 4)
        return false;
    slots = realloc(c->slots, (size_t)(SYSTEM + cap) * sizeof(*slots));
    if (!slots)
        return false;
    if (!c->slots)
        slots[0] = (trv_turn){"system", NULL};
    c->slots = slots;
    c->cap = cap;
    return true;
}

/* A copy that a model can be given. */
static char *
clean_copy(const char *text, size_t n)
{
    json_t *safe = textio_json(text, n);
    const size_t len = json_string_length(safe);
    const char *from = json_string_value(safe);
    char *out = safe ? malloc(3 * len + 1) : NULL;
    size_t at = 0;

    for (size_t i = 0; out && i < len; i++) {
        if (from[i])
            out[at++] = from[i];
        else {
            memcpy(out + at, "\357\277\275", 3);
            at += 3;
        }
    }
    if (out)
        out[at] = '\0';
    json_decref(safe);
    return out;
}

bool
conversation_system(struct conversation *c, const char *text)
{
    char *copy = text ? clean_copy(text, strlen(text)) : NULL;

    if ((text && !copy) || !grow(c)) {
        free(copy);
        return false;
    }
    drop(&c->slots[0]);
    c->slots[0].content = copy;
    return true;
}

bool
conversation_say(struct conversation *c, const char *text, size_t n)
{
    char *copy = clean_copy(text, n);

    if (!copy || !grow(c)) {
        free(copy);
        return false;
    }
    c->slots[SYSTEM + c->n] =
        (trv_turn){conversation_is_answered(c) ? "user" : "assistant", copy};
    c->n++;
    return true;
}

bool
conversation_is_answered(const struct conversation *c)
{
    return c->n % 2 == 0;
}

int32_t
conversation_questions(const struct conversation *c)
{
    return (c->n + 1) / 2;
}

void
conversation_take_back(struct conversation *c)
{
    drop(&c->slots[SYSTEM + --c->n]);
}

bool
conversation_forget(struct conversation *c)
{
    trv_turn *const first = c->slots ? c->slots + SYSTEM : NULL;

    if (c->n < 3)
        return false;
    drop(&first[0]);
    drop(&first[1]);
    c->n -= 2;
    memmove(first, first + 2, (size_t)c->n * sizeof(*first));
    return true;
}

const trv_turn *
conversation_turns(const struct conversation *c, int32_t *n)
{
    const bool system = c->slots && c->slots[0].content;

    *n = c->n + system;
    if (*n == 0)
        return NULL;
    return c->slots + (system ? 0 : SYSTEM);
}

json_t *
conversation_json(const struct conversation *c)
{
    json_t *list = json_array();
    int32_t n;
    const trv_turn *turns = conversation_turns(c, &n);

    for (int32_t i = 0; i < n; i++)
        if (json_array_append_new(list,
                                  json_pack("{s:s,s:s}", "role", turns[i].role,
                                            "content", turns[i].content))) {
            json_decref(list);
            return NULL;
        }
    return list;
}
