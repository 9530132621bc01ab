/* row_layout.c -- how rows are laid out, in words. */
#include "text/row_layout.h"

#include <stdio.h>

/* Rows by how they are laid out, and why. */
struct counts {
    int64_t turns, plain; // chats: of messages, and plain prompts
    int64_t texts, raw;   // raw: rows of text, and plain prompts
};

static struct counts
count(const struct text_rules *rules, const struct data_row *rows, int64_t n)
{
    struct counts c = {0, 0, 0, 0};

    for (int64_t i = 0; i < n; i++)
        if (data_row_is_turns(&rows[i]))
            c.turns++;
        else if (example_is_chat(rules, &rows[i]))
            c.plain++;
        else if (!rows[i].prompt || rows[i].of_texts)
            c.texts++;
        else
            c.raw++;
    return c;
}

/* Why plain prompts are raw. */
static const char *
why_raw(const struct text_rules *rules)
{
    return !rules->chat                       ? "the model has no chat template"
           : rules->layout == TEXT_RAW_ASKED  ? "--raw"
           : chat_template_fault(rules->chat) ? "the model's chat template "
                                                "cannot be used"
                                              : "as the base model";
}

static const char *
prompt_place(const struct text_rules *rules, bool chat)
{
    return !chat              ? "; prompt right before each input"
           : rules->no_system ? "; prompt before the user's words, since the "
                                "template has no system message"
                              : "; prompt as system message";
}

void
row_layout_of(struct row_layout *out, const struct text_rules *rules,
              const struct data_row *rows, int64_t n, bool prompt)
{
    const struct counts c = count(rules, rows, n);
    const int64_t chats = c.turns + c.plain, raw = c.texts + c.raw;

    out->name = raw == 0     ? LAYOUT_NAME_CHAT
                : chats == 0 ? LAYOUT_NAME_RAW
                             : "mixed";
    if (chats > 0 && raw > 0)
        snprintf(out->line, sizeof(out->line),
                 "layout: chat, and raw for %lld of %lld rows%s",
                 (long long)raw, (long long)n,
                 c.raw == 0 ? ", which are text" : "");
    else
        snprintf(out->line, sizeof(out->line), "layout: %s (%s)%s", out->name,
                 c.plain > 0 ? "the model's template"
                 : chats > 0 ? "rows of messages"
                 : c.raw > 0 ? why_raw(rules)
                             : "rows of text",
                 prompt ? prompt_place(rules, chats > 0) : "");
}
